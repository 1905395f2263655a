// Moving what was committed from the log into the file, when nothing else is to be done: what a disk without room makes of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { openTempStore } from '../../support/temp-store.ts';
import { until } from '../../support/waiting.ts';

test('a disk without room to tidy up in stops nothing, and is told until there is room', async (t) => {
  const { store, faults, committed } = openTempStore(t);
  const put = (name: string) => store.write(() => store.prepare('INSERT INTO memory (name, value) VALUES (?, ?)').run(name, ''));
  const { pragma } = Sqlite.prototype;
  let isFull = true;
  t.mock.method(Sqlite.prototype, 'pragma', function (this: Sqlite.Database, source: string, options?: Sqlite.PragmaOptions) {
    if (isFull && source.startsWith('wal_checkpoint')) throw new Sqlite.SqliteError('database or disk is full', 'SQLITE_FULL');
    return pragma.call(this, source, options);
  });
  await put('a');
  await until('the trouble', () => store.trouble !== undefined);
  assert.match(store.trouble ?? '', /full/);
  assert.match(String(faults[0]), /cannot be tidied/);
  isFull = false;
  await put('b');
  assert.equal(store.trouble, undefined);
  assert.equal(committed('SELECT count(*) FROM memory'), 2);
});
