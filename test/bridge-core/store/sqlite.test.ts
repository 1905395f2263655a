// What the store promises: one commit a turn, units that do not disturb each other, nothing acknowledged before it is on
// disk, and a disk that fails is told to whoever waits.

import assert from 'node:assert/strict';
import fs, { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { BridgeError, ConfigError, RetryableError } from '../../../bridge-core/errors.ts';
import { openStore } from '../../../bridge-core/store/sqlite.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { openTempStore } from '../../support/temp-store.ts';
import { until } from '../../support/waiting.ts';

const count = "SELECT count(*) FROM memory WHERE name != 'filler'";

function begin(t: TestContext) {
  const temp = openTempStore(t);
  const { store } = temp;
  const insert = store.prepare('INSERT INTO memory (name, value) VALUES (?, ?)');
  const commits: number[] = [];
  store.onCommit((ms) => commits.push(ms));
  const put = <Result>(name: string, result?: Result, value = ''): Result | undefined => {
    insert.run(name, value);
    return result;
  };
  const fill = (name: string, bytes: number) => void put(name, undefined, 'x'.repeat(bytes));
  /** As if the disk had no more room than the file takes now; `more` pages. */
  const limit = (more: number) => {
    const pages = store.prepare<{ page_count: number }>('PRAGMA page_count').get()?.page_count ?? 0;
    store.prepare(`PRAGMA max_page_count = ${pages + more}`).get();
  };
  return { ...temp, store, commits, put, fill, limit };
}

const isBroken = (error: unknown) => error instanceof RetryableError && error.code === 'STORE_BROKEN';

test('everything asked for in one turn is one commit', async (t) => {
  const { store, put, commits, committed } = begin(t);
  const results = await Promise.all(Array.from({ length: 20 }, (_, n) => store.write(() => put(`n${n}`, n))));
  assert.deepEqual(
    results,
    results.map((_, n) => n),
  );
  assert.equal(commits.length, 1);
  assert.equal(committed(count), 20);
});

test('a write resolves only once another process can read it', async (t) => {
  const { store, put, committed } = begin(t);
  let seenBefore: unknown;
  const written = store.write(() => {
    put('a');
    seenBefore = committed(count);
  });
  assert.equal(committed(count), 0);
  await written;
  assert.equal(seenBefore, 0);
  assert.equal(committed(count), 1);
});

test('what one unit throws rejects that unit alone, and rolls back its own changes only', async (t) => {
  const { store, put, committed } = begin(t);
  const thrown = new Error('changed its mind');
  const outcomes = await Promise.allSettled([
    store.write(() => put('before')),
    store.write(() => {
      put('half');
      throw thrown;
    }),
    store.write(() => put('after')),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.equal((outcomes[1] as PromiseRejectedResult).reason, thrown);
  assert.equal(committed('SELECT group_concat(name) FROM (SELECT name FROM memory ORDER BY name)'), 'after,before');
});

test('a unit alone in its commit is rolled back just the same, and the next write works', async (t) => {
  const { store, put, committed } = begin(t);
  await assert.rejects(
    store.write(() => {
      put('half');
      throw new Error('no');
    }),
    /no/,
  );
  assert.equal(committed(count), 0);
  await store.write(() => put('next'));
  assert.equal(committed(count), 1);
});

test('a constraint that a unit breaks is its own failure, not the store’s', async (t) => {
  const { store, put } = begin(t);
  await store.write(() => put('once'));
  await assert.rejects(
    store.write(() => put('once')),
    (error) => !(error instanceof BridgeError),
  );
});

test('writeSoon causes no commit at once, but one within a few milliseconds', async (t) => {
  const { store, put, commits, committed } = begin(t);
  const began = performance.now();
  store.writeSoon(() => put('soon'));
  await turn();
  // On a busy machine the turn itself may have taken so long.
  if (performance.now() - began < 9) assert.equal(commits.length, 0);
  await until('the commit', () => commits.length > 0);
  const took = performance.now() - began;
  assert.equal(committed(count), 1);
  assert.ok(took >= 9 && took < 5_000, `${took} ms`);
});

test('64 that wait go in the same turn, together', async (t) => {
  const { store, put, commits, committed } = begin(t);
  for (let n = 0; n < 63; n += 1) store.writeSoon(() => put(`n${n}`));
  assert.equal(commits.length, 0);
  store.writeSoon(() => put('last'));
  await turn();
  await turn();
  assert.equal(commits.length, 1);
  assert.equal(committed(count), 64);
});

test('what waits goes along with the next write, in the order of asking', async (t) => {
  const { store, put, commits, committed } = begin(t);
  const order: string[] = [];
  const unit = (name: string) => () => {
    put(name);
    order.push(name);
  };
  store.writeSoon(unit('a'));
  await store.write(unit('b'));
  assert.deepEqual(order, ['a', 'b']);
  assert.equal(commits.length, 1);
  assert.equal(committed(count), 2);
  await delay(30);
  assert.equal(commits.length, 1, 'the timer of the first is gone');
});

test('a unit that nobody waits for and that throws is reported, and disturbs nobody', async (t) => {
  const { store, put, faults, committed } = begin(t);
  store.writeSoon(() => {
    put('half');
    throw new Error('defect');
  });
  await store.write(() => put('other'));
  assert.match(String(faults), /defect/);
  assert.equal(committed(count), 1);
});

test('a listener of commits that throws keeps nobody waiting', async (t) => {
  const { store, put, faults } = begin(t);
  store.onCommit(() => {
    throw new Error('a metric is broken');
  });
  await store.write(() => put('a'));
  await store.write(() => put('b'));
  assert.equal(faults.length, 2);
});

test('a full disk rejects whoever waits and keeps the rest for later', async (t) => {
  const { store, put, fill, limit, faults, committed } = begin(t);
  await store.write(() => fill('filler', 200_000));
  limit(0);

  let tries = 0;
  store.writeSoon(() => {
    tries += 1;
    fill('soon', 50_000);
  });
  assert.equal(store.trouble, undefined);
  const outcomes = await Promise.allSettled([
    store.write(() => put('small')),
    store.write(() => fill('large', 100_000)),
    store.write(() => put('small too')),
  ]);
  for (const outcome of outcomes) {
    assert.equal(outcome.status, 'rejected');
    assert.ok(isBroken(outcome.reason), String(outcome.reason));
    assert.match(outcome.reason.message, /full/, 'the cause is named');
  }
  assert.equal(committed(count), 0, 'all or nothing');
  assert.match(store.trouble ?? '', /full/);
  await assert.rejects(
    store.write(() => fill('alone', 100_000)),
    isBroken,
  );

  limit(1_000);
  await store.write(() => put('again'));
  assert.equal(store.trouble, undefined);
  assert.equal(committed("SELECT count(*) FROM memory WHERE name IN ('soon', 'again')"), 2);
  assert.ok(tries >= 2);
  assert.deepEqual(faults, []);
});

test('what nobody waits for is tried again by itself once the disk has room', async (t) => {
  const { store, fill, limit, committed } = begin(t);
  limit(0);
  store.writeSoon(() => fill('soon', 100_000));
  await delay(50);
  assert.equal(committed(count), 0);
  limit(1_000);
  await until('the row', () => committed(count) === 1);
});

/** A disk so slow that the log is synced beside the event loop; and then takes it only when told so, or fails. */
async function slowDisk(t: TestContext, store: { write(unit: () => void): Promise<void> }) {
  const syncs: ((error?: Error) => void)[] = [];
  const mocks = [
    t.mock.method(fs, 'fdatasync', (_: number, done: (error?: Error) => void) => void syncs.push(done)),
    t.mock.method(fs, 'fdatasyncSync', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)),
  ];
  syncBuiltinESMExports();
  const release = () => {
    for (const { mock } of mocks) mock.restore();
    syncBuiltinESMExports();
  };
  t.after(release);
  await store.write(() => {});
  return { syncs, release };
}

test('nobody is told before the log is on disk, and one sync serves all that was committed meanwhile', async (t) => {
  const { store, put, commits, committed } = begin(t);
  const { syncs, release } = await slowDisk(t, store);
  const told: string[] = [];
  const write = (name: string) => store.write(() => put(name)).then(() => told.push(name));
  const first = write('first');
  await delay(5);
  const rest = [write('second'), delay(5).then(() => write('third'))];
  await until('three rows', () => committed(count) === 3);
  await delay(20);
  assert.deepEqual(told, []);
  assert.equal(syncs.length, 1);
  release();
  syncs[0]?.();
  await Promise.all([first, ...rest]);
  assert.deepEqual(told, ['first', 'second', 'third']);
  assert.equal(commits.length, 3);
});

test('once the disk failed to take the log, nothing more is promised', async (t) => {
  const { store, put } = begin(t);
  const { syncs, release } = await slowDisk(t, store);
  const first = assert.rejects(
    store.write(() => put('first')),
    isBroken,
  );
  await delay(5);
  const second = assert.rejects(
    store.write(() => put('second')),
    isBroken,
  );
  syncs[0]?.(new Error('EIO'));
  await Promise.all([first, second]);
  release();
  await assert.rejects(
    store.write(() => put('third')),
    (error) => isBroken(error) && /EIO/.test(String(error)),
  );
});

test('closing takes along what waits, and what is written in answer to that', async (t) => {
  const { store, put, committed } = begin(t);
  store.writeSoon(() => put('soon'));
  const chain = (async () => {
    await store.write(() => put('first'));
    await store.write(() => put('second'));
  })();
  await store.close();
  await chain;
  assert.equal(committed(count), 3);
});

test('after closing a write is refused, not forgotten', async (t) => {
  const { store, put, faults } = begin(t);
  await store.close();
  await assert.rejects(
    store.write(() => put('late')),
    isBroken,
  );
  store.writeSoon(() => put('late too'));
  assert.equal(faults.length, 1);
  await store.close();
});

test('closing on a full disk ends, and says what could not be kept', async (t) => {
  const { store, fill, limit, faults } = begin(t);
  limit(0);
  store.writeSoon(() => fill('soon', 100_000));
  await store.close();
  assert.equal(faults.length, 1);
});

test('flush within a unit does not cut its commit in two', async (t) => {
  const { store, put, committed } = begin(t);
  await assert.rejects(
    store.write(() => {
      put('half');
      store.writeSoon(() => put('other'));
      void store.flush();
      throw new Error('no');
    }),
    /no/,
  );
  assert.equal(committed(count), 0);
  await store.flush();
  assert.equal(committed(count), 1);
});

test('the id stays with the file, the number of the run counts up', async (t) => {
  const temp = openTempStore(t);
  const { id, run } = temp.store;
  assert.match(id, /^[\w-]{8}$/);
  const again = await temp.reopen();
  assert.equal(again.id, id);
  assert.equal(again.run, run + 1);
});

test('a store behind a symbolic link is the store that it points at', async () => {
  const folder = tempFolder();
  const [path, link] = [join(folder, 'store.db'), join(folder, 'link.db')];
  const before = openStore(path, () => assert.fail());
  const { id } = before;
  await before.close();
  symlinkSync(path, link);
  const store = openStore(link, () => assert.fail());
  assert.equal(store.id, id);
  await store.write(() => store.prepare("INSERT INTO memory (name, value) VALUES ('a', '')").run());
  await store.close();
});

test('a store of a newer version is refused and left as it is', () => {
  const path = join(tempFolder(), 'store.db');
  const database = new Sqlite(path);
  database.pragma('user_version = 999');
  database.close();
  assert.throws(
    () => openStore(path, () => assert.fail()),
    (error) => error instanceof ConfigError && error.code === 'STORE_NEWER' && error.message.includes('999'),
  );
  const after = new Sqlite(path, { readonly: true });
  assert.equal(after.pragma('user_version', { simple: true }), 999);
  assert.equal(after.prepare('SELECT count(*) FROM sqlite_master').pluck().get(), 0);
  after.close();
});

test('a file that is no store is refused with its path', () => {
  const path = join(tempFolder(), 'deep', 'store.db');
  mkdirSync(dirname(path));
  writeFileSync(path, 'these are the words of somebody else, and long enough to be no empty file'.repeat(20));
  assert.throws(
    () => openStore(path, () => assert.fail()),
    (error) => error instanceof ConfigError && error.code === 'STORE_BROKEN' && error.message.includes(path),
  );
});

test('a backup holds what was asked for before it', async (t) => {
  const { store, put, path } = begin(t);
  store.writeSoon(() => put('soon'));
  const copy = `${path}.copy`;
  await store.backup(copy);
  const copied = new Sqlite(copy, { readonly: true });
  assert.equal(copied.prepare(count).pluck().get(), 1);
  copied.close();
});
