// One process a store, shown with real processes: what a lock survives, whom it refuses, what the control socket answers.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { BridgeError, PermanentError } from '../../../bridge-core/errors.ts';
import { acquireLock, askRunning } from '../../../bridge-core/store/lock.ts';

const lockModule = new URL('../../../bridge-core/store/lock.ts', import.meta.url).href;
const children = new Set<ChildProcess>();
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-test-'));
});

afterEach(async () => {
  for (const child of children) {
    const gone = once(child, 'exit');
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await gone;
    }
  }
  children.clear();
  rmSync(folder, { recursive: true, force: true });
});

/** A process that takes the lock, says `held` or the code of the refusal, and stays until it is told to end. */
async function holder(store: string): Promise<{ child: ChildProcess; said: string }> {
  const code = `
    const { acquireLock } = await import(${JSON.stringify(lockModule)});
    try {
      const lock = await acquireLock(${JSON.stringify(store)});
      await lock.serve({ whoami: async () => ({ pid: process.pid }) });
      console.log('held');
      process.stdin.on('data', async () => { await lock.release(); process.exit(0); });
    } catch (error) { console.log(error.code, error.message); process.exit(0); }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.add(child);
  const [line] = await once(child.stdout, 'data');
  return { child, said: String(line).trim() };
}

const codeIs = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof BridgeError && error.code === code && pattern.test(error.message);

test('a second process is refused and told who holds the store since when', async () => {
  const store = join(folder, 'irc.db');
  const first = await holder(store);
  assert.equal(first.said, 'held');
  await assert.rejects(
    acquireLock(store),
    codeIs('STORE_LOCKED', new RegExp(`process ${first.child.pid} on .+ since \\d{4}-\\d\\d-\\d\\dT`)),
  );
});

test('a refused second process leaves the control socket of the first alone', async () => {
  const store = join(folder, 'irc.db');
  const first = await holder(store);
  await assert.rejects(acquireLock(store));
  assert.deepEqual(await askRunning(store, 'whoami', {}), { pid: first.child.pid });
});

test('after kill -9 the store is free at once and its socket is nobody', async () => {
  const store = join(folder, 'irc.db');
  const { child } = await holder(store);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.ok(existsSync(`${store}.sock`), 'kill -9 leaves the socket behind');
  assert.equal(await askRunning(store, 'whoami', {}), undefined);
  const lock = await acquireLock(store);
  await lock.serve({ whoami: async () => 'the new one' });
  assert.equal(await askRunning(store, 'whoami', {}), 'the new one');
  await lock.release();
});

test('of many that start at once exactly one gets the store', async () => {
  const store = join(folder, 'irc.db');
  for (let round = 0; round < 2; round += 1) {
    const started = await Promise.all(Array.from({ length: 6 }, () => holder(store)));
    assert.equal(started.filter(({ said }) => said === 'held').length, 1, started.map(({ said }) => said).join('; '));
    assert.equal(started.filter(({ said }) => said.startsWith('STORE_LOCKED')).length, 5);
    for (const { child, said } of started) {
      const gone = child.exitCode === null ? once(child, 'exit') : undefined;
      if (said === 'held') child.kill('SIGKILL');
      await gone;
    }
  }
});

test('a start waits for who just reads who runs', async () => {
  const store = join(folder, 'irc.db');
  await (await acquireLock(store)).release();
  const code = `
    import Sqlite from 'better-sqlite3';
    const database = new Sqlite(${JSON.stringify(`${store}.lock`)}, { readonly: true });
    database.exec('BEGIN');
    database.prepare('SELECT json FROM holder').all();
    console.log('reads');
    setTimeout(() => process.exit(0), 700);`;
  const reader = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(reader);
  await once(reader.stdout, 'data');
  await (await acquireLock(store)).release();
});

test('a released store is free, and neither socket nor name of the holder stays', async () => {
  const store = join(folder, 'irc.db');
  const lock = await acquireLock(store);
  await lock.serve({});
  await lock.release();
  await lock.release();
  assert.equal(existsSync(`${store}.sock`), false);
  const next = await holder(store);
  assert.equal(next.said, 'held');
});

test('the same process cannot take one store twice, by whatever path, and the first lock holds on', async () => {
  const store = join(folder, 'irc.db');
  writeFileSync(store, '');
  symlinkSync(store, join(folder, 'other.db'));
  const lock = await acquireLock(store);
  await assert.rejects(acquireLock(join(folder, 'other.db')), codeIs('STORE_LOCKED', /this very process/));
  assert.match((await holder(join(folder, 'other.db'))).said, /^STORE_LOCKED/);
  await lock.release();
});

test('lock and socket are for their owner alone, and a missing folder is made so', async () => {
  const store = join(folder, 'data', 'irc.db');
  const lock = await acquireLock(store);
  await lock.serve({});
  assert.equal(statSync(`${store}.lock`).mode & 0o777, 0o600);
  assert.equal(statSync(`${store}.sock`).mode & 0o777, 0o600);
  assert.equal(statSync(dirname(store)).mode & 0o777, 0o700);
  await lock.release();
});

test('a path too long for a socket goes to a private folder that others find by the lock', async () => {
  const deep = join(folder, 'x'.repeat(60), 'y'.repeat(60));
  mkdirSync(deep, { recursive: true });
  const store = join(deep, 'irc.db');
  const lock = await acquireLock(store);
  await lock.serve({ ping: async () => 'pong' });
  assert.ok(Buffer.byteLength(lock.socket) <= 100);
  assert.equal(statSync(dirname(lock.socket)).mode & 0o777, 0o700);
  assert.equal(await askRunning(store, 'ping', null), 'pong');
  assert.match((await holder(store)).said, /^STORE_LOCKED/);
  assert.equal(await askRunning(store, 'ping', null), 'pong');
  await lock.release();
  assert.equal(existsSync(dirname(lock.socket)), false);
  assert.deepEqual(readdirSync(deep), ['irc.db.lock']);
});

test('a store that nobody ever ran on is answered by nobody', async () => {
  assert.equal(await askRunning(join(folder, 'irc.db'), 'links', {}), undefined);
});

test('what a verb refuses reaches the asker with its code, and an unknown verb is refused', async () => {
  const store = join(folder, 'irc.db');
  const lock = await acquireLock(store);
  await lock.serve({
    backup: async () => {
      throw new PermanentError('STORE_BROKEN', 'the disk is full');
    },
    echo: async (args) => args,
  });
  await assert.rejects(askRunning(store, 'backup', {}), codeIs('STORE_BROKEN', /the disk is full/));
  await assert.rejects(askRunning(store, 'toString', {}), codeIs('BAD_REQUEST', /no such verb: toString; there are backup, echo/));
  const large = { text: 'ü\n'.repeat(200_000) };
  assert.deepEqual(await askRunning(store, 'echo', large), large);
  await lock.release();
});

test('a bridge that does not answer in time is named, and rubbish on the socket harms nobody', async () => {
  const store = join(folder, 'irc.db');
  const lock = await acquireLock(store);
  await lock.serve({ hang: () => new Promise(() => {}), ok: async () => 1 });
  await assert.rejects(askRunning(store, 'hang', {}, 50), codeIs('STORE_LOCKED', /does not answer/));
  const rude = createConnection(lock.socket);
  rude.write('{"verb": 5}\n');
  const [reply] = await once(rude, 'data');
  assert.match(String(reply), /BAD_REQUEST/);
  rude.destroy();
  assert.equal(await askRunning(store, 'ok', {}), 1);
  await lock.release();
});

test('a file that is no lock is refused in words', async () => {
  const store = join(folder, 'irc.db');
  writeFileSync(`${store}.lock`, 'a text of somebody, long enough to be taken for a header of a database');
  await assert.rejects(acquireLock(store), codeIs('STORE_BROKEN', /irc\.db\.lock/));
});
