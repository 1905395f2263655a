// `npm test`: installs the servers that tests start, checks types, lint and layers, then runs the tests. Words after
// `npm test --` are files, folders or options of `node --test`; the check is then left out.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from './servers/cache.ts';
import { installChromium } from './servers/chromium.ts';
import { installInspircd } from './servers/inspircd.ts';
import { installNgircd } from './servers/ngircd.ts';
import { installPostgres } from './servers/postgres.ts';
import { SetupError } from './servers/processes.ts';
import { installSynapse } from './servers/synapse.ts';

const root = join(import.meta.dirname, '..');
/** By a run of all tests, and by no other, the feature tables are held. */
const reporterOf = (isWhole: boolean) => join(import.meta.dirname, isWhole ? 'whole-run-reporter.ts' : 'test-reporter.ts');

/** A test file that leaves something open would never end. */
const longest = 30 * 60_000;

async function main(words: readonly string[]): Promise<number> {
  const [failed] = await Promise.all([words.length === 0 ? check() : 0, installServers()]);
  if (failed !== 0) return failed;
  const flags = words.filter((word) => word.startsWith('-'));
  const files = words.filter((word) => !word.startsWith('-')).flatMap(testsIn);
  // What is stripped of types and compiled once is there for the next file, and for the bridges that tests start.
  process.env.NODE_COMPILE_CACHE ??= join(cacheFolder, 'compiled');
  return run(process.execPath, [
    '--test',
    // Most files wait for most of their time.
    `--test-concurrency=${2 * availableParallelism()}`,
    '--test-timeout=600000',
    `--test-reporter=${reporterOf(words.length === 0)}`,
    '--test-reporter-destination=stdout',
    ...flags,
    ...(files.length > 0 ? files : testsIn('test')),
  ]);
}

/** Types, and side by side with them lint, format and layers. */
async function check(): Promise<number> {
  const checks = [
    ['tsc', '--noEmit'],
    ['biome', 'check', '.'],
  ];
  const codes = await Promise.all(checks.map(([command = '', ...args]) => run(join(root, 'node_modules/.bin', command), args)));
  return codes.find((code) => code !== 0) ?? 0;
}

/** All before the first test, so that no test's time limit meets a download. */
async function installServers(): Promise<void> {
  const fromDebian = async () => {
    // One after another: only one may renew Debian's lists.
    for (const install of [installInspircd, installNgircd, installChromium, installPostgres]) await install(console.log);
  };
  await Promise.all([installSynapse(console.log), fromDebian()]);
}

/** A folder stands for all tests in it. */
function testsIn(path: string): string[] {
  if (!statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory()) return [path];
  return globSync(join(path, '**/*.test.ts'), { cwd: root });
}

async function run(command: string, args: readonly string[]): Promise<number> {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', timeout: longest });
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
