// A real PostgreSQL, for tests of what is read from one: the system's own, or Debian's unpacked into the cache. It refuses to be run
// by root, and is then run by nobody.

import { chownSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Say } from './cache.ts';
import { unpackPackages } from './debian-packages.ts';
import { freePort } from './ports.ts';
import { ServerProcess, SetupError } from './processes.ts';
import { findProgram, runCommand } from './run-command.ts';

/** Why a test that needs one is skipped where there is none. */
export const noPostgres = 'no PostgreSQL is to be had on this machine';

export interface Postgres {
  readonly folder: string;
  /** Beside the environment that it is started in. */
  readonly env: Readonly<Record<string, string>>;
}

const nobody = 65_534;
const startMs = 60_000;

/** Undefined, and said why, where there is none to be had. */
export async function installPostgres(say: Say): Promise<Postgres | undefined> {
  const own = newestIn('/');
  if (own !== undefined) return { folder: own, env: {} };
  try {
    const root = await unpackPackages(['postgresql'], say, { withDependencies: true });
    const folder = newestIn(root);
    if (folder === undefined) throw new SetupError(`the package holds no server below ${root}`);
    const libraries = globSync('usr/lib/*-linux-gnu', { cwd: root }).map((each) => join(root, each));
    return { folder, env: { LD_LIBRARY_PATH: libraries.join(':') } };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`There is no PostgreSQL to be had here, so nothing is read from one: ${error.message}`);
    return undefined;
  }
}

function newestIn(root: string): string | undefined {
  const version = (path: string) => Number(/(\d+)\/bin\/initdb$/.exec(path)?.[1]);
  const [newest] = globSync('usr/lib/postgresql/*/bin/initdb', { cwd: root }).sort((one, other) => version(other) - version(one));
  return newest === undefined ? undefined : join(root, newest, '..');
}

export interface PostgresServer {
  /** `postgres` is there from the beginning. */
  address(database: string): string;
  readonly password: string;
  stop(): Promise<void>;
}

const user = 'old';
const password = 'a-word-that-is-told-nobody';

export async function startPostgres({ folder, env }: Postgres): Promise<PostgresServer> {
  // Not in the test's own folder, which only its owner may enter.
  const place = mkdtempSync(join(tmpdir(), 'causeway-postgres-'));
  const words = join(place, 'password');
  writeFileSync(words, password);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) for (const each of [place, words]) chownSync(each, nobody, nobody);
  const wrapped = (command: string, args: readonly string[]): [string, ...string[]] =>
    isRoot ? asNobody(join(folder, command), args) : [join(folder, command), ...args];
  const data = join(place, 'data');
  const [initdb, ...initWords] = wrapped('initdb', [
    ...['--pgdata', data, '--username', user, '--pwfile', words, '--auth', 'scram-sha-256'],
    ...['--encoding', 'UTF8', '--locale', 'C', '--no-sync'],
  ]);
  const made = await runCommand(initdb, initWords, { cwd: place, env: { ...process.env, ...env } });
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
    ...{ name: 'PostgreSQL', command, args, cwd: place, env: { ...process.env, ...env }, log: join(place, 'log') },
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
      rmSync(place, { recursive: true, force: true });
    },
  };
}

/** Where the cache lies in a folder of root's, nobody may look into it all the same. */
function asNobody(command: string, args: readonly string[]): [string, ...string[]] {
  const setpriv = findProgram('setpriv');
  if (setpriv === undefined) throw new SetupError('PostgreSQL is not to be run by root, and there is no setpriv to run it by another');
  const caps = command.startsWith('/usr/') ? [] : ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  return [setpriv, `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', ...caps, command, ...args];
}
