// What is installed is there whole or not at all, and only once.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { cacheFolder, installOnce, saySilently } from '../../quickstart/servers/cache.ts';

const name = `test-${process.pid}`;
const leftovers = async () => (await readdir(cacheFolder)).filter((file) => file.startsWith(name));

after(() => Promise.all(['a', 'b', 'c', 'd'].map((part) => rm(join(cacheFolder, `${name}-${part}`), { recursive: true, force: true }))));

it('two who want the same thing at once make it once', async () => {
  let builds = 0;
  const install = () =>
    installOnce(`${name}-a`, saySilently, async (folder) => {
      builds += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
      await writeFile(join(folder, 'file'), 'whole');
    });
  const [one, other] = await Promise.all([install(), install()]);
  assert.equal(one, other);
  assert.equal(builds, 1);
  assert.equal(await readFile(join(one, 'file'), 'utf8'), 'whole');
  assert.deepEqual(await leftovers(), [`${name}-a`]);
});

it('an install that fails leaves nothing, and is tried again the next time', async () => {
  const failing = installOnce(`${name}-b`, saySilently, async (folder) => {
    await writeFile(join(folder, 'half'), '');
    throw new Error('no more disk');
  });
  await assert.rejects(failing, /no more disk/);
  assert.ok(!existsSync(join(cacheFolder, `${name}-b`)));
  const folder = await installOnce(`${name}-b`, saySilently, (path) => writeFile(join(path, 'whole'), ''));
  assert.deepEqual(await readdir(folder), ['whole']);
});

it('the lock of a process that has died keeps nobody waiting', async () => {
  // No process has this number: it is above the highest.
  await writeFile(join(cacheFolder, `${name}-c.lock`), '4194305');
  await installOnce(`${name}-c`, saySilently, async () => undefined);
  assert.ok(!existsSync(join(cacheFolder, `${name}-c.lock`)));
});

it('who waits for another is told so', async () => {
  const told: string[] = [];
  const begun = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<void>();
  const slow = installOnce(`${name}-d`, saySilently, () => {
    begun.resolve();
    return ready.promise;
  });
  await begun.promise;
  const tell = (line: string) => {
    told.push(line);
    ready.resolve();
  };
  await Promise.all([slow, installOnce(`${name}-d`, tell, async () => undefined)]);
  assert.equal(told.length, 1);
});
