// What runs before everything else in a fresh clone: packages as the lock says, installed once, and a Node new enough.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { findProgram, runCommand } from '../../quickstart/servers/run-command.ts';
import { tempFolder } from '../support/temp-folder.ts';

const original = join(import.meta.dirname, '../../quickstart/ensure.mjs');

/** A project that needs one package, which lies in it: npm installs that without any registry. */
function freshClone(): string {
  const folder = tempFolder();
  const write = (path: string, content: object) => writeFileSync(join(folder, path), JSON.stringify(content));
  mkdirSync(join(folder, 'vendor/tool'), { recursive: true });
  mkdirSync(join(folder, 'quickstart'));
  cpSync(original, join(folder, 'quickstart/ensure.mjs'));
  const root = { name: 'clone', version: '1.0.0', dependencies: { tool: 'file:vendor/tool' } };
  write('package.json', root);
  write('vendor/tool/package.json', { name: 'tool', version: '1.0.0' });
  const packages = { '': root, 'node_modules/tool': { resolved: 'vendor/tool', link: true }, 'vendor/tool': { version: '1.0.0' } };
  write('package-lock.json', { name: 'clone', version: '1.0.0', lockfileVersion: 3, requires: true, packages });
  return folder;
}

const ensure = (folder: string, node = process.execPath, ...words: string[]) =>
  runCommand(node, [join(folder, 'quickstart/ensure.mjs'), ...words], { cwd: folder });

it('installs what is missing and says so, once', async () => {
  const folder = freshClone();
  const first = await ensure(folder);
  assert.equal(first.code, 0, first.output);
  assert.match(first.output, /Installing packages into .*node_modules.*none are there/);
  assert.ok(existsSync(join(folder, 'node_modules/tool/package.json')));
  assert.deepEqual(await ensure(folder), { code: 0, output: '' });
});

it('says it on standard error alone: what the command after it prints may be going into a file', () => {
  const { stdout, stderr } = spawnSync(process.execPath, [join(freshClone(), 'quickstart/ensure.mjs')], { encoding: 'utf8' });
  assert.equal(stdout, '');
  assert.match(stderr, /Installing packages/);
});

it('installs anew when the lock asks for something else', async () => {
  const folder = freshClone();
  await ensure(folder);
  const record = join(folder, 'node_modules/.package-lock.json');
  const installed = JSON.parse(readFileSync(record, 'utf8'));
  delete installed.packages['node_modules/tool'];
  writeFileSync(record, JSON.stringify(installed));
  const again = await ensure(folder);
  assert.equal(again.code, 0);
  assert.match(again.output, /tool is missing/);
});

it('ends with a sentence where npm cannot install', async () => {
  const folder = freshClone();
  const lock = join(folder, 'package-lock.json');
  writeFileSync(lock, readFileSync(lock, 'utf8').replaceAll('vendor/tool', 'vendor/other'));
  const failed = await ensure(folder);
  assert.equal(failed.code, 1);
  assert.match(failed.output, /npm could not install the packages/);
});

it('puts back the link to the Node that the packages carry', async () => {
  const folder = freshClone();
  await ensure(folder);
  const carried = join(folder, `node_modules/node-${process.platform}-${process.arch}/bin`);
  mkdirSync(carried, { recursive: true });
  symlinkSync(process.execPath, join(carried, 'node'));
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  assert.equal((await ensure(folder)).code, 0);
  const { output } = await runCommand(join(folder, 'node_modules/.bin/node'), ['--version']);
  assert.equal(output.trim(), process.version);
});

const system = findOlderNode();
it('refuses to go on with an older Node where the packages carry none', { skip: system ? false : 'no older Node here' }, async () => {
  const folder = freshClone();
  const { code, output } = await ensure(folder, system);
  assert.equal(code, 1);
  assert.match(output, /needs Node 24 or newer, and this is 2[0-3]\./);
  rmSync(join(folder, 'node_modules'), { recursive: true });
});

/** The system's own, which starts npm scripts before the packages bring theirs. */
function findOlderNode(): string | undefined {
  const path = process.env.PATH ?? '';
  process.env.PATH = path
    .split(':')
    .filter((folder) => !folder.includes('node_modules'))
    .join(':');
  const found = findProgram('node');
  process.env.PATH = path;
  if (!found) return undefined;
  const include = join(found, '../../include/node/node_version.h');
  const major = existsSync(include) ? Number(/NODE_MAJOR_VERSION (\d+)/.exec(readFileSync(include, 'utf8'))?.[1]) : 24;
  return major >= 20 && major < 24 ? found : undefined;
}
