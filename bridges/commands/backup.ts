// `causeway backup FILE DEST`: a whole copy of the store, taken while the bridge runs, and its keys beside it. What stands at
// DEST is replaced only where that is wished, and only when the new copy is complete.

import { chmodSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { BridgeError, messageOf, PermanentError } from '#bridge-core/host';
import type { Sources } from '../../config/sources.ts';
import { loadStore } from './configs.ts';
import { ask } from './records.ts';

const longest = 30 * 60_000;

export async function backup(file: string, given: string, sources: Sources, mayReplace: boolean): Promise<number> {
  const core = await loadStore(file, sources);
  const named = resolve(given);
  const destination = statSync(named, { throwIfNoEntry: false })?.isDirectory() ? join(named, basename(core.store)) : named;
  if (isSameFile(destination, core.store)) throw new PermanentError('BACKUP_FAILED', `${destination} is the store itself`);
  const there = [destination, `${destination}.keys`].find((path) => existsSync(path));
  if (there !== undefined && !mayReplace)
    throw new PermanentError('BACKUP_FAILED', `${there} is there already; --replace lets the copy take its place`);
  const [fresh, freshKeys] = [`${destination}.new`, `${destination}.keys.new`];
  try {
    rmSync(fresh, { force: true });
    await ask(core, { verb: 'backup', args: { destination: fresh }, timeout: longest, offline: (store) => store.backup(fresh) });
    chmodSync(fresh, 0o600);
    const keys = copyKeys(`${core.store}.keys`, freshKeys);
    if (keys) renameSync(freshKeys, `${destination}.keys`);
    renameSync(fresh, destination);
    console.log(`${core.store} is copied to ${destination}.`);
    if (keys)
      console.log(
        `Its keys are copied to ${destination}.keys, readable by you alone: without them stored logins and old media links are dead.`,
      );
    else console.log('It has no keys yet, so there are none to keep.');
    return 0;
  } catch (error) {
    for (const unfinished of [fresh, freshKeys]) rmSync(unfinished, { force: true });
    if (error instanceof BridgeError) throw error;
    throw new PermanentError('BACKUP_FAILED', `the copy was not finished: ${messageOf(error)}`, error);
  }
}

/** However it is written: over a link, too. */
function isSameFile(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  return one === other || (first !== undefined && first.ino === second?.ino && first.dev === second.dev);
}

/** False: there are none. */
function copyKeys(from: string, to: string): boolean {
  if (!existsSync(from)) return false;
  rmSync(to, { force: true });
  const descriptor = openSync(to, 'wx', 0o600);
  try {
    writeSync(descriptor, readFileSync(from));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return true;
}
