// Transactions out of their order, over a homeserver that leaves one behind as Synapse does.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { OutOfTurn, Succession } from '../../../bridge-core/appservice/succession.ts';
import { openTransactions } from '../../../bridge-core/appservice/transactions.ts';
import { stopClock } from '../../support/clock.ts';
import { until } from '../../support/waiting.ts';
import { collectingLog, rejection, tempStore } from './kit.ts';

const late = [{ event_id: '$late', age: 2_000, content: {} }];
const fresh = [{ event_id: '$fresh', age: 5, content: {} }];

function open(t: TestContext, timing = {}) {
  const recovered: number[] = [];
  const succession = new Succession({ recovered: (since) => recovered.push(since), timing });
  t.after(() => succession.close());
  return {
    recovered,
    /** True: it was taken in. */
    give(id: number | string, events: readonly object[] = fresh): boolean {
      try {
        succession.check(String(id));
      } catch (thrown) {
        assert.ok(thrown instanceof OutOfTurn);
        return false;
      }
      succession.taken(String(id), events);
      return true;
    },
  };
}

test('a gap in the numbers after a recovery is refused until the oldest has come, and then all comes in order', (t) => {
  const { give } = open(t);
  assert.deepEqual([give(7, late), give(8)], [true, true]);
  assert.equal(give(10), false, '9 was left behind');
  assert.equal(give(11), false, 'and what comes behind that is too early as well');
  assert.deepEqual([give(9, late), give(10, late), give(11)], [true, true, true]);
  assert.equal(give(13), false, 'it is looked for again');
});

test('while nothing came late nothing is refused: numbers may be shared with other appservices', (t) => {
  const { give } = open(t);
  assert.deepEqual([give(1), give(3), give(9), give(10)], [true, true, true, true]);
});

test('what we sent ourselves with the time at which it happened is no sign of a recovery; what came back late is', (t) => {
  const { give } = open(t);
  const own = (age: number) => [{ event_id: '$own', age, content: { 'dev.causeway.key': 'k.1.1.0' } }];
  assert.deepEqual([give(1, own(90_000)), give(3)], [true, true]);
  assert.deepEqual([give(4, own(900)), give(6)], [true, false]);
});

test('a gap that was none is believed: the same comes again, is taken in, and no gap counts for a while', (t) => {
  const { give } = open(t);
  give(1, late);
  assert.equal(give(3), false);
  assert.equal(give(3, late), true);
  assert.deepEqual([give(5, late), give(9)], [true, true]);
});

test('numbers that begin anew, leap, or are none are taken as they are', (t) => {
  const { give } = open(t);
  assert.deepEqual([give(900, late), give(1), give(2), give(5_000), give('a7'), give('')], [true, true, true, true, true, true]);
});

test('nothing is refused for ever', async (t) => {
  const clock = stopClock(t);
  const { give } = open(t, { patience: 20 });
  give(1, late);
  assert.deepEqual([give(3), give(4)], [false, false]);
  await clock.pass(19);
  assert.equal(give(4), false);
  await clock.pass(1);
  assert.equal(give(4), true);
});

test('after the last that came late, what nothing follows is asked for, since the recovery began', async (t) => {
  const clock = stopClock(t);
  const { give, recovered } = open(t, { settle: 40 });
  const began = Date.now();
  give(1, late);
  await clock.pass(25);
  give(2, late);
  await clock.pass(39);
  assert.deepEqual(recovered, [], 'not yet');
  await clock.pass(100);
  assert.deepEqual(recovered, [began]);
});

test('over a store: what was refused is not remembered, is counted by a name of its own, and the homeserver is pinged', async (t) => {
  const store = tempStore(t);
  const log = collectingLog();
  const ids: string[] = [];
  const counts: string[] = [];
  let pings = 0;
  const transactions = openTransactions({
    ...{ store, log, count: (name) => counts.push(name), onFailure: () => (pings += 1) },
    accept: ({ events, record }) =>
      store.write(() => {
        record();
        ids.push(...events.map(({ id }) => id));
      }),
  });
  t.after(() => transactions.close());
  const body = (id: string, age: number) => ({
    events: [{ event_id: id, room_id: '!r:hs.test', sender: '@a:hs.test', type: 'm.room.message', age, content: { body: id } }],
  });
  await transactions.receive('1', body('$1', 3_000));
  assert.ok((await rejection(transactions.receive('3', body('$3', 3)))) instanceof OutOfTurn);
  await transactions.receive('2', body('$2', 900));
  await transactions.receive('3', body('$3', 900));
  assert.deepEqual(ids, ['$1', '$2', '$3']);
  assert.deepEqual(counts, ['transactions_out_of_turn']);
  await until('the ping', () => pings > 0);
  assert.equal(pings, 1);
});
