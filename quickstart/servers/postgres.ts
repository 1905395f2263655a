// A real PostgreSQL, for tests of what is read from one: the system's own, or Debian's unpacked into the cache. It refuses to be run
// by root, and is then run by nobody.

import { chownSync, cpSync, globSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Say } from './cache.ts';
import { unpackPackages } from './debian-packages.ts';
import { freePort } from './ports.ts';
import { ServerProcess, SetupError } from './processes.ts';
import { findProgram, runCommand } from './run-command.ts';

/** Why a test that needs one is skipped where there is none. */
export const noPostgres = 'no PostgreSQL is to be had on this machine';

export interface Postgres {
  /** `/`, or what Debian's packages were unpacked into. */
  readonly root: string;
  /** Its programs, below that. */
  readonly bin: string;
}

const nobody = 65_534;
const startMs = 180_000;

/** Undefined, and said why, where there is none to be had. */
export async function installPostgres(say: Say): Promise<Postgres | undefined> {
  const own = newestIn('/');
  if (own !== undefined) return { root: '/', bin: own };
  try {
    const root = await unpackPackages(['postgresql'], say, { withDependencies: true });
    const bin = newestIn(root);
    if (bin === undefined) throw new SetupError(`the package holds no server below ${root}`);
    return { root, bin };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`There is no PostgreSQL to be had here, so nothing is read from one: ${error.message}`);
    return undefined;
  }
}

function newestIn(root: string): string | undefined {
  const version = (path: string) => Number(/(\d+)\/bin\/initdb$/.exec(path)?.[1]);
  const [newest] = globSync('usr/lib/postgresql/*/bin/initdb', { cwd: root }).sort((one, other) => version(other) - version(one));
  return newest === undefined ? undefined : join(newest, '..');
}

export interface PostgresServer {
  /** `postgres` is there from the beginning. */
  address(database: string): string;
  readonly password: string;
  stop(): Promise<void>;
}

const user = 'old';
const password = 'a-word-that-is-told-nobody';

export async function startPostgres(found: Postgres): Promise<PostgresServer> {
  // Not in the test's own folder, which only its owner may enter.
  const place = mkdtempSync(join(tmpdir(), 'causeway-postgres-'));
  const tidy = () => rmSync(place, { recursive: true, force: true });
  process.once('exit', tidy);
  const words = join(place, 'password');
  writeFileSync(words, password);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) for (const each of [place, words]) chownSync(each, nobody, nobody);
  const root = isRoot && !isOpenToAll(found.root) ? copyOf(found.root, place) : found.root;
  const folder = join(root, found.bin);
  const env = { ...process.env, ...(root !== '/' && { LD_LIBRARY_PATH: librariesIn(root) }) };
  const wrapped = (command: string, args: readonly string[]): [string, ...string[]] =>
    isRoot ? asNobody(join(folder, command), args) : [join(folder, command), ...args];
  const data = join(place, 'data');
  const [initdb, ...initWords] = wrapped('initdb', [
    ...['--pgdata', data, '--username', user, '--pwfile', words, '--auth', 'scram-sha-256'],
    ...['--encoding', 'UTF8', '--locale', 'C', '--no-sync'],
  ]);
  const made = await runCommand(initdb, initWords, { cwd: place, env });
  if (made.code !== 0) throw new SetupError(`initdb failed:\n${made.output.trim().slice(-1_000)}`);
  const port = await freePort();
  const settings = {
    fsync: 'off',
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port,
    shared_buffers: '16MB',
    max_connections: 20,
  };
  const set = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [command, ...args] = wrapped('postgres', ['-D', data, ...set]);
  const server = new ServerProcess({
    ...{ name: 'PostgreSQL', command, args, cwd: place, env, log: join(place, 'log') },
  });
  // It takes connections before that, and refuses them.
  await server.waitUntil(async () => server.tail().includes('ready to accept connections'), startMs);
  return {
    password,
    address: (database) => `postgres://${user}:${password}@127.0.0.1:${port}/${database}`,
    async stop() {
      // Of all that is connected nobody is waited for.
      server.signal('SIGINT');
      await server.stop();
      process.off('exit', tidy);
      tidy();
    },
  };
}

function asNobody(command: string, args: readonly string[]): [string, ...string[]] {
  const setpriv = findProgram('setpriv');
  if (setpriv === undefined) throw new SetupError('PostgreSQL is not to be run by root, and there is no setpriv to run it by another');
  return [setpriv, `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', command, ...args];
}

/** The cache may lie in a folder of root's. */
function isOpenToAll(folder: string): boolean {
  const isOpen = (statSync(folder).mode & 0o001) !== 0;
  return isOpen && (folder === '/' || isOpenToAll(dirname(folder)));
}

function copyOf(root: string, place: string): string {
  const copy = join(place, 'root');
  cpSync(root, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

function librariesIn(root: string): string {
  return globSync('usr/lib/*-linux-gnu', { cwd: root })
    .map((each) => join(root, each))
    .join(':');
}
