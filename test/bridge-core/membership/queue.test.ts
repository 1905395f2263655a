import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PermanentError, RetryableError, UnreachableError } from '../../../bridge-core/errors.ts';
import { type UserId, userId } from '../../../bridge-core/ids.ts';
import { type Change, MembershipQueue, type QueueParts } from '../../../bridge-core/membership/queue.ts';
import { until as waitUntil } from '../../support/waiting.ts';
import { person, room } from '../rig.ts';

const one = room('!one');
const two = room('!two');
const ghost = (nick: string): UserId => userId(`@irc_libera_${nick}:hs.test`);
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

/** A homeserver that only knows who is in. */
function start(t: TestContext, more: Partial<QueueParts> = {}) {
  const present = new Set<string>();
  const done: string[] = [];
  const times: number[] = [];
  const queue: MembershipQueue = new MembershipQueue({
    perSecond: 500,
    atOnce: 4,
    maxQueued: 1000,
    log: silent,
    isIn: (at, who) => present.has(`${at} ${who}`),
    act: async (change) => {
      settle(change);
    },
    ...more,
  });
  const settle = ({ room: at, ghost: who, want }: Change) => {
    done.push(`${want} ${who.slice(12, -8)} ${at}`);
    times.push(performance.now());
    if (want === 'join') present.add(`${at} ${who}`);
    else present.delete(`${at} ${who}`);
  };
  t.after(() => queue.stop());
  const join = (nick: string, at = one) => queue.join(at, ghost(nick), person(nick));
  return { queue, present, done, times, settle, join, put: (nick: string, at = one) => present.add(`${at} ${ghost(nick)}`) };
}

const until = (holds: () => boolean) => waitUntil('what the queue does', holds);

test('joins of a room go in order, and no faster in all than was set', async (t) => {
  const { done, times, join } = start(t, { perSecond: 50 });
  const began = performance.now();
  for (const nick of ['a', 'b', 'c', 'd']) {
    join(nick);
    join(nick, two);
  }
  await until(() => done.length === 8);
  assert.deepEqual(
    done.filter((line) => line.endsWith('!one')),
    ['join a !one', 'join b !one', 'join c !one', 'join d !one'],
  );
  assert.ok((times[7] ?? 0) - began >= 7 * 20 - 10, 'seven pauses of 20 ms');
});

test('a join and a leave that have not begun cancel each other', async (t) => {
  const { queue, done, join, put } = start(t, { perSecond: 20 });
  put('old');
  join('first');
  join('a');
  queue.leave(one, ghost('a'));
  queue.leave(one, ghost('old'));
  join('old');
  join('last');
  await until(() => done.length === 2);
  assert.deepEqual(done, ['join first !one', 'join last !one']);
  assert.equal(queue.depth, 0);
});

test('what is so already is not asked for, and the same wish twice is one', async (t) => {
  const { queue, done, join, put } = start(t, { perSecond: 100 });
  put('here');
  join('here');
  queue.leave(one, ghost('away'));
  assert.equal(queue.depth, 0);
  join('a');
  join('a');
  await until(() => queue.depth === 0 && done.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual(done, ['join a !one']);
});

test('a failed change is tried again, while the others of its room go on', async (t) => {
  let failures = 2;
  const rig = start(t, {
    act: async (change) => {
      if (change.ghost === ghost('a') && failures-- > 0) throw new RetryableError('HOMESERVER_UNREACHABLE', '502', { after: 40 });
      rig.settle(change);
    },
  });
  for (const nick of ['a', 'b', 'c']) rig.join(nick);
  await until(() => rig.done.length === 3);
  assert.deepEqual(rig.done, ['join b !one', 'join c !one', 'join a !one']);
});

test('tries and age are bounded, and a refusal for good is not repeated', async (t) => {
  const tries = new Map<string, number>();
  const { queue, join, put } = start(t, {
    maxAttempts: 3,
    act: async ({ ghost: who }) => {
      tries.set(who, (tries.get(who) ?? 0) + 1);
      if (who === ghost('closed')) throw new PermanentError('FORBIDDEN_IN_ROOM', 'closed');
      throw new RetryableError('HOMESERVER_UNREACHABLE', '500', { after: 1 });
    },
  });
  join('closed');
  join('broken');
  put('leaving');
  queue.leave(one, ghost('leaving'));
  await until(() => queue.depth === 0 && tries.get(ghost('broken')) === 3 && tries.get(ghost('leaving')) === 3);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual([...tries.values()], [1, 3, 3]);
  const old = start(t, {
    maxAge: 30,
    act: async () => {
      throw new UnreachableError('HOMESERVER_UNREACHABLE', 'down', { after: 10 });
    },
  });
  old.join('a');
  await until(() => old.queue.depth === 0);
});

test('a homeserver that is away costs nobody a try', async (t) => {
  let away = 5;
  const rig = start(t, {
    maxAttempts: 2,
    act: async (change) => {
      if (away-- > 0) throw new UnreachableError('HOMESERVER_UNREACHABLE', 'down', { after: 5 });
      rig.settle(change);
    },
  });
  rig.join('a');
  await until(() => rig.done.length === 1);
});

test('a ghost that speaks does not wait for its turn, and its queued join is gone', async (t) => {
  const { queue, done, join, settle } = start(t, { perSecond: 0.05 });
  for (const nick of ['a', 'b', 'c', 'd']) join(nick);
  await until(() => done.length === 1);
  assert.equal(queue.depth, 3);
  await queue.promote(one, ghost('d'), async () => settle({ room: one, ghost: ghost('d'), want: 'join' }));
  // Its turn would be the last, a minute later.
  assert.deepEqual(done, ['join a !one', 'join d !one']);
  assert.equal(queue.depth, 2);
});

test('nobody goes past a 429, not even who speaks', async (t) => {
  let isBusy = true;
  const busyFor = 2_000;
  const rig = start(t, {
    act: async (change) => {
      if (isBusy) {
        isBusy = false;
        throw new RetryableError('HOMESERVER_BUSY', '429', { after: busyFor });
      }
      rig.settle(change);
    },
  });
  const begun = performance.now();
  rig.join('a');
  await until(() => !isBusy);
  let joined = false;
  await assert.rejects(
    rig.queue.promote(one, ghost('b'), async () => {
      joined = true;
    }),
    (error: RetryableError) => error.code === 'HOMESERVER_BUSY' && (error.after ?? 0) > 0,
  );
  assert.equal(joined, false);
  await until(() => rig.done.length === 1);
  assert.ok((rig.times[0] ?? 0) - begun >= busyFor - 5);
  const told = performance.now();
  await assert.rejects(
    rig.queue.promote(one, ghost('b'), async () => {
      throw new RetryableError('HOMESERVER_BUSY', '429', { after: 60 });
    }),
  );
  rig.join('c');
  await until(() => rig.done.length === 2);
  assert.ok((rig.times[1] ?? 0) - told >= 55, 'what the speaker was told holds for all');
});

test('a leave waits behind the ghost’s own lines, and takes out one whom those lines brought in', async (t) => {
  const lines = Promise.withResolvers<void>();
  const { queue, done, present, join } = start(t, { settled: () => lines.promise });
  queue.leave(one, ghost('a'), { reason: 'quit' });
  queue.leave(one, ghost('never'));
  join('b');
  await until(() => done.length === 1);
  assert.deepEqual(done, ['join b !one'], 'others do not wait for it');
  present.add(`${one} ${ghost('a')}`);
  lines.resolve();
  await until(() => done.length === 2);
  assert.deepEqual(done[1], 'leave a !one');
  assert.equal(queue.depth, 0, 'who never came needs no leave');
});

test('a join of one who is there still waits for what may put them out, and is nothing where it did not', async (t) => {
  const lines = Promise.withResolvers<void>();
  const { queue, done, present, put, join } = start(t, { settled: () => lines.promise });
  for (const nick of ['kicked', 'stayed']) {
    put(nick);
    join(nick);
  }
  present.delete(`${one} ${ghost('kicked')}`);
  lines.resolve();
  await until(() => queue.depth === 0 && done.length > 0);
  assert.deepEqual(done, ['join kicked !one']);
});

test('a leave that is put off is undone by a return', async (t) => {
  const { queue, done, put } = start(t);
  for (const nick of ['a', 'b']) {
    put(nick);
    queue.leave(one, ghost(nick), { after: 40 });
  }
  queue.stay(one, ghost('a'));
  await until(() => done.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.deepEqual(done, ['leave b !one']);
});

test('the queue is bounded, prefers leaves, tells its depth, and says when there is room again', async (t) => {
  const depths: number[] = [];
  let room = 0;
  const { queue, done, join, put } = start(t, {
    maxQueued: 3,
    perSecond: 100,
    onDepth: (depth) => depths.push(depth),
    onRoom: () => room++,
  });
  put('gone');
  for (const nick of ['a', 'b', 'c', 'd', 'e']) join(nick);
  assert.equal(queue.depth, 3);
  queue.leave(one, ghost('gone'));
  assert.equal(queue.depth, 3);
  await until(() => queue.depth === 0);
  await until(() => done.includes('leave gone !one'));
  assert.equal(room, 1);
  assert.equal(Math.max(...depths), 3);
});

test('a stop drops what waits and leaves no timer', async (t) => {
  const { queue, done, join } = start(t, { perSecond: 0.05 });
  for (const nick of ['a', 'b', 'c']) join(nick);
  await until(() => done.length === 1);
  await queue.stop();
  join('d');
  assert.equal(queue.depth, 0);
  assert.equal(done.length, 1);
});
