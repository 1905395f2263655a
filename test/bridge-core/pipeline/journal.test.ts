// The journal and the seen ledger: numbers that never come twice, rows that come back as they were, repeats that are known.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Journal } from '../../../bridge-core/pipeline/journal.ts';
import { states, towards } from '../../../bridge-core/pipeline/row.ts';
import { openTempStore } from '../../support/temp-store.ts';
import { newRow } from './lanes-rig.ts';

test('a number is never used twice, not even after the journal was empty and the bridge began anew', async (t) => {
  const temp = openTempStore(t);
  const before = new Journal({ store: temp.store, run: temp.store.run });
  const first = await temp.store.write(() => before.append(newRow('lane', 'a')));
  await temp.store.write(() => before.remove(first));
  const store = await temp.reopen();
  const after = new Journal({ store, run: store.run });
  const second = await store.write(() => after.append(newRow('lane', 'b')));
  assert.ok(second.seq > first.seq);
});

test('a row comes back with what was saved of it; one of an earlier run may have arrived', async (t) => {
  const temp = openTempStore(t);
  const journal = new Journal({ store: temp.store, run: temp.store.run });
  const row = await temp.store.write(() => journal.append(newRow('lane', 'a')));
  row.state = states.parked;
  row.attempts = 3;
  row.error = 'busy';
  row.progress = { bodies: ['one', 'two'], proved: ['m1'] };
  await temp.store.write(() => journal.save(row));
  const same = journal.read(row.seq);
  assert.deepEqual(
    [same?.task, same?.state, same?.attempts, same?.error, same?.progress, same?.unknownSince],
    [row.task, states.parked, 3, 'busy', row.progress, 0],
  );
  const store = await temp.reopen();
  const later = new Journal({ store, run: store.run }).read(row.seq);
  assert.deepEqual(later?.progress, row.progress);
  assert.ok((later?.unknownSince ?? 0) > 0);
});

test('a dead row that lives again may have arrived, whichever run it is of', async (t) => {
  const { store } = openTempStore(t);
  const journal = new Journal({ store, run: store.run });
  const row = await store.write(() => journal.append(newRow('lane', 'a')));
  row.state = states.dead;
  await store.write(() => journal.save(row));
  assert.ok((journal.dead()[0]?.unknownSince ?? 0) > 0);
});

test('what is pending comes oldest first, without the dead', async (t) => {
  const { store } = openTempStore(t);
  const journal = new Journal({ store, run: store.run });
  const rows = await store.write(() => ['a', 'b', 'c'].map((name) => journal.append(newRow('lane', name))));
  const [, second] = rows;
  assert.ok(second);
  second.state = states.dead;
  await store.write(() => journal.save(second));
  assert.deepEqual(
    [...journal.pending()].map(({ seq }) => seq),
    [rows[0]?.seq, rows[2]?.seq],
  );
  assert.deepEqual(
    journal.dead().map(({ source }) => source),
    ['b'],
  );
  assert.deepEqual(
    journal.depth().map(({ direction, state, rows: count }) => [direction, state, count]),
    [
      [towards.network, states.waiting, 2],
      [towards.network, states.dead, 1],
    ],
  );
});

test('a row is found by its source within its link', async (t) => {
  const { store } = openTempStore(t);
  const journal = new Journal({ store, run: store.run });
  await store.write(() => [journal.append(newRow('lane', 'a')), journal.append({ ...newRow('lane', 'a'), link: 2 })]);
  assert.equal(journal.findBySource(2, 'a')?.link, 2);
  assert.equal(journal.findBySource(3, 'a'), undefined);
  assert.equal(journal.findBySource(1, 'b'), undefined);
});

test('a key names store, link, row and part, and another store’s key is none', async (t) => {
  const [mine, other] = [openTempStore(t).store, openTempStore(t).store];
  const journal = new Journal({ store: mine, run: mine.run });
  const row = await mine.write(() => journal.append({ ...newRow('lane', 'a'), link: 7 }));
  const key = journal.keyOf(row, 2);
  assert.deepEqual(journal.parseKey(key), { link: 7, seq: row.seq, part: 2 });
  assert.equal(new Journal({ store: other, run: 1 }).parseKey(key), undefined);
  for (const odd of ['', '.', `${mine.id}`, `${mine.id}.1`, 'a.b.c.d', `${mine.id}.x.y.z`]) {
    const parsed = journal.parseKey(odd);
    assert.ok(parsed === undefined || Number.isNaN(parsed.link), odd);
  }
});

test('seen is seen: by direction, scope and source, in its commit, over restarts', async (t) => {
  const temp = openTempStore(t);
  const journal = new Journal({ store: temp.store, run: temp.store.run });
  assert.equal(await temp.store.write(() => journal.markSeen(towards.matrix, '#a', 'x')), true);
  assert.equal(await temp.store.write(() => journal.markSeen(towards.matrix, '#a', 'x')), false);
  assert.equal(journal.isSeen(towards.network, '#a', 'x'), false);
  assert.equal(journal.isSeen(towards.matrix, '#b', 'x'), false);
  await assert.rejects(
    temp.store.write(() => {
      journal.markSeen(towards.matrix, '#a', 'y');
      throw new Error('the row could not be made');
    }),
  );
  assert.equal(journal.isSeen(towards.matrix, '#a', 'y'), false);
  const store = await temp.reopen();
  assert.equal(new Journal({ store, run: store.run }).isSeen(towards.matrix, '#a', 'x'), true);
});

test('the ledger forgets in slices what is older than thirty days, and nothing else', async (t) => {
  const { store, committed } = openTempStore(t);
  const journal = new Journal({ store, run: store.run });
  await store.write(() => {
    for (let n = 0; n < 5_000; n += 1) journal.markSeen(towards.matrix, '#a', `old ${n}`);
    store.prepare('UPDATE seen SET day = day - 31').run();
    for (let n = 0; n < 100; n += 1) journal.markSeen(towards.matrix, '#a', `new ${n}`);
  });
  await store.write(() => journal.trimSeen());
  const left = Number(committed('SELECT count(*) FROM seen'));
  assert.ok(left > 2_500 && left < 5_100, `${left}: a slice at a time`);
  for (let round = 0; round < 5; round += 1) await store.write(() => journal.trimSeen());
  assert.equal(committed('SELECT count(*) FROM seen'), 100);
  assert.equal(journal.isSeen(towards.matrix, '#a', 'new 99'), true);
  assert.equal(journal.isSeen(towards.matrix, '#a', 'old 1'), false);
});

test('what was given up is kept for ninety days, and what still waits for ever', async (t) => {
  const { store } = openTempStore(t);
  const journal = new Journal({ store, run: store.run });
  const rows = await store.write(() => ['old', 'fresh', 'waiting'].map((name) => journal.append(newRow('lane', name))));
  await store.write(() => {
    for (const row of rows.slice(0, 2)) {
      row.state = states.dead;
      journal.save(row);
    }
    store.prepare('UPDATE journal SET at = at - 91 * 86400000 WHERE seq != ?').run(rows[1]?.seq ?? 0);
    journal.trimDead();
  });
  assert.deepEqual([journal.dead().map(({ seq }) => seq), [...journal.pending()].map(({ seq }) => seq)], [[rows[1]?.seq], [rows[2]?.seq]]);
});

test('a target is found by the index, however much waits', async (t) => {
  const { store } = openTempStore(t);
  const plan = store.prepare<{ detail: string }>(
    "EXPLAIN QUERY PLAN SELECT * FROM journal WHERE source = ? AND source != '' AND link = ? LIMIT 1",
  );
  assert.match(
    plan
      .all('$event', 1)
      .map(({ detail }) => detail)
      .join(),
    /journal_source/,
  );
});
