// What becomes of a transaction before the pipeline sees it, over a real store.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTransactions, type TransactionBatch, type Transactions } from '../../../bridge-core/appservice/transactions.ts';
import { RetryableError } from '../../../bridge-core/errors.ts';
import type { SqliteStore } from '../../../bridge-core/store/sqlite.ts';
import { until } from '../../support/waiting.ts';
import { collectingLog, rejection, tempStore } from './kit.ts';

const event = (id: string, more: object = {}) => ({
  event_id: `$${id}`,
  room_id: '!room:hs.test',
  sender: '@alice:hs.test',
  type: 'm.room.message',
  origin_server_ts: 1,
  content: { body: id },
  ...more,
});

interface Taken {
  readonly transactions: Transactions;
  readonly store: SqliteStore;
  readonly log: ReturnType<typeof collectingLog>;
  readonly batches: TransactionBatch[];
  readonly counts: string[];
  readonly ids: () => string[];
  fail: Error | undefined;
  failures: number;
}

function take(t: Parameters<typeof tempStore>[0]): Taken {
  const store = tempStore(t);
  const log = collectingLog();
  const batches: TransactionBatch[] = [];
  const counts: string[] = [];
  const taken: Taken = {
    ...{ store, log, batches, counts, fail: undefined, failures: 0 },
    ids: () => batches.flatMap((batch) => batch.events.map(({ id }) => id)),
    transactions: openTransactions({
      ...{ store, log },
      count: (name) => counts.push(name),
      onFailure: () => {
        taken.failures += 1;
      },
      accept: (batch) =>
        store.write(() => {
          if (taken.fail !== undefined) throw taken.fail;
          batch.record();
          batches.push(batch);
        }),
    }),
  };
  t.after(() => taken.transactions.close());
  return taken;
}

test('a transaction that comes again as it was is skipped whole, also in a later process', async (t) => {
  const { transactions, store, ids } = take(t);
  const body = { events: [event('a'), event('b')] };
  await transactions.receive('7', body);
  await transactions.receive('7', body);
  assert.deepEqual(ids(), ['$a', '$b']);
  const again = openTransactions({ store, log: collectingLog(), accept: () => assert.fail('it was handed on again') });
  await again.receive('7', body);
});

test('other events under a number of before are taken: the homeserver counts from 1 again after its restart', async (t) => {
  const { transactions, ids } = take(t);
  await transactions.receive('1', { events: [event('a')] });
  await transactions.receive('1', { events: [event('b')] });
  await transactions.receive('1', { events: [event('a')] });
  assert.deepEqual(ids(), ['$a', '$b', '$a'], 'what repeats an older one is for the seen ledger to tell');
});

test('transactions without events are never taken for repeats', async (t) => {
  const { transactions, batches } = take(t);
  const typing = { type: 'm.typing', room_id: '!room:hs.test', content: { user_ids: [] } };
  await transactions.receive('1', { events: [], ephemeral: [typing] });
  await transactions.receive('1', { events: [], ephemeral: [typing] });
  assert.equal(batches.length, 2);
});

test('ephemeral events are read from one of the two keys', async (t) => {
  const { transactions, batches } = take(t);
  const typing = (user: string) => ({ type: 'm.typing', room_id: '!room:hs.test', content: { user_ids: [user] } });
  const unstable = 'de.sorunome.msc2409.ephemeral';
  await transactions.receive('1', { events: [], ephemeral: [typing('stable')], [unstable]: [typing('unstable')] });
  await transactions.receive('2', { events: [], [unstable]: [typing('unstable'), 'nonsense', { type: 'm.presence' }] });
  assert.deepEqual(
    batches.map(({ ephemeral }) => ephemeral.map(({ content }) => content)),
    [[{ user_ids: ['stable'] }], [{ user_ids: ['unstable'] }]],
  );
});

test('an event of the wrong shape is counted and left out, and the others are taken', async (t) => {
  const { transactions, ids, counts, log } = take(t);
  await transactions.receive('1', { events: [null, event('a'), { event_id: 5 }, event('b', { room_id: 'x' }), event('c')] });
  assert.deepEqual(ids(), ['$a', '$c']);
  assert.equal(counts.filter((name) => name === 'matrix_event_faults').length, 3);
  assert.equal(log.lines.length, 3);
});

test('a body that is no transaction is refused as such', async (t) => {
  const { transactions } = take(t);
  for (const body of [null, [], 'x', { events: 'x' }]) {
    assert.equal((await rejection(transactions.receive('1', body))).code, 'BAD_REQUEST');
  }
});

test('a failed transaction rejects, is not remembered, and somebody is told a while after', async (t) => {
  const taken = take(t);
  const body = { events: [event('a')] };
  taken.fail = new RetryableError('STORE_BROKEN', 'no space');
  assert.equal((await rejection(taken.transactions.receive('1', body))).code, 'STORE_BROKEN');
  assert.equal(taken.failures, 0, 'not before the homeserver has its answer');
  taken.fail = undefined;
  await taken.transactions.receive('1', body);
  assert.deepEqual(taken.ids(), ['$a']);
  // The timer keeps no process alive; this one does, for as long as it takes.
  await until('the word', () => taken.failures > 0);
  assert.equal(taken.failures, 1);
});

test('transactions that come at once are handled one after the other', async (t) => {
  const store = tempStore(t);
  const steps: string[] = [];
  const transactions = openTransactions({
    store,
    log: collectingLog(),
    accept: async ({ events }) => {
      steps.push(`begin ${events[0]?.id}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      steps.push(`end ${events[0]?.id}`);
      if (events[0]?.id === '$a') throw new RetryableError('STORE_BROKEN', 'once');
    },
  });
  t.after(() => transactions.close());
  const first = rejection(transactions.receive('1', { events: [event('a')] }));
  await Promise.all([first, transactions.receive('2', { events: [event('b')] }), transactions.receive('3', { events: [event('c')] })]);
  assert.deepEqual(steps, ['begin $a', 'end $a', 'begin $b', 'end $b', 'begin $c', 'end $c']);
});

test('trimming forgets what is older than thirty days, over more than one slice', async (t) => {
  const { transactions, store } = take(t);
  const today = Math.floor(Date.now() / 86_400_000);
  const insert = store.prepare('INSERT INTO transactions (id, digest, day) VALUES (?, ?, ?)');
  await store.write(() => {
    for (let number = 0; number < 1200; number += 1) insert.run(`t${number}`, Buffer.from('d'), number % 2 === 0 ? today : today - 31);
  });
  await transactions.trim();
  assert.deepEqual(store.prepare('SELECT count(*) AS rows, min(day) AS oldest FROM transactions').get(), { rows: 600, oldest: today });
});
