// The clone's cache folder: what was installed once stays there, whole or not at all.

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const cacheFolder = join(import.meta.dirname, '../../.cache');

/** Says one line to the person who waits. */
export type Say = (line: string) => void;

export const saySilently: Say = () => undefined;

/**
 * The folder `name` of the cache, filled by `build` if it is not there yet. `build` fills a temporary folder which is then
 * renamed, so an interrupted install leaves nothing half done, and of two processes at once the first to finish wins. The
 * lock beside it only spares the second one the work.
 */
export async function installOnce(name: string, say: Say, build: (folder: string) => Promise<void>): Promise<string> {
  const target = join(cacheFolder, name);
  if (existsSync(target)) return target;
  await mkdir(cacheFolder, { recursive: true });
  const unlock = await lock(`${target}.lock`, () => say(`Waiting for another process that installs ${name}`));
  try {
    if (existsSync(target)) return target;
    const temporary = await mkdtemp(`${target}.part-`);
    try {
      await build(temporary);
      await rename(temporary, target).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      });
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    return target;
  } finally {
    await unlock();
  }
}

async function lock(file: string, onWait: () => void): Promise<() => Promise<void>> {
  const mine = `${file}.${process.pid}.${randomUUID()}`;
  await writeFile(mine, String(process.pid));
  try {
    for (let isFirst = true; ; isFirst = false) {
      try {
        // A hard link appears with its content in one step: nobody reads a lock without a pid in it.
        await link(mine, file);
        return () => rm(file, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = Number(await readFile(file, 'utf8').catch(() => ''));
      if (holder && !isAlive(holder)) await rm(file, { force: true });
      else {
        if (isFirst) onWait();
        await delay(200);
      }
    }
  } finally {
    await rm(mine, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
