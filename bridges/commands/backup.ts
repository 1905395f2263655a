// `causeway backup FILE DEST`: a whole copy of the store, taken while the bridge runs, and its keys beside it. What stood at
// DEST is replaced only when the new copy is complete.

import { chmodSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { ConfigError, messageOf } from '#bridge-core/host';
import type { Sources } from '../../config/sources.ts';
import { load } from './configs.ts';
import { ask } from './records.ts';

const longest = 30 * 60_000;

export async function backup(file: string, given: string, sources: Sources): Promise<number> {
  const { core } = await load(file, sources);
  const named = resolve(given);
  const destination = statSync(named, { throwIfNoEntry: false })?.isDirectory() ? join(named, basename(core.store)) : named;
  if (destination === core.store) throw new ConfigError('CONFIG_INVALID', `${destination} is the store itself`);
  const fresh = `${destination}.new`;
  rmSync(fresh, { force: true });
  await ask(core, { verb: 'backup', args: { destination: fresh }, timeout: longest, offline: (store) => store.backup(fresh) });
  try {
    chmodSync(fresh, 0o600);
    const keys = copyKeys(`${core.store}.keys`, `${destination}.keys`);
    renameSync(fresh, destination);
    console.log(`${core.store} is copied to ${destination}.`);
    if (keys)
      console.log(
        `Its keys are copied to ${destination}.keys, readable by you alone: without them stored logins and old media links are dead.`,
      );
    else console.log('It has no keys yet, so there are none to keep.');
    return 0;
  } catch (error) {
    throw new ConfigError('STORE_BROKEN', `the backup was not finished: ${messageOf(error)}`, error);
  }
}

function copyKeys(from: string, to: string): boolean {
  if (!existsSync(from)) return false;
  const fresh = `${to}.new`;
  rmSync(fresh, { force: true });
  const descriptor = openSync(fresh, 'wx', 0o600);
  try {
    writeSync(descriptor, readFileSync(from));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(fresh, to);
  return true;
}
