// A connection that is kept, with connections made of nothing: what is told, what is waited for, what is left behind.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PermanentError, RetryableError } from '#bridge-core';
import { type Life, Lifeline } from '../../../../bridges/slack/wire/lifeline.ts';
import type { SourceState, SourceTiming } from '../../../../bridges/slack/wire/source.ts';
import { type Clock, stopClock } from '../../../support/clock.ts';
import { silentLog } from '../../../support/tools.ts';
import { until } from '../../../support/waiting.ts';

/** `plan`: what each opening in turn does; the last goes on. */
function kept(
  t: TestContext,
  clock: Pick<Clock, 'now'>,
  plan: readonly ((life: Life) => Promise<void>)[],
  timing: Partial<SourceTiming> = {},
) {
  const states: SourceState[] = [];
  const opened: { life: Life; isClosed: boolean; at: number }[] = [];
  let count = 0;
  const line = new Lifeline({
    name: 'a line',
    log: silentLog,
    onState: (state) => void states.push(state),
    timing: { firstPause: 10, longestPause: 40, connectTimeout: 100, silence: 5_000, ...timing },
    open: async (life) => {
      const act = plan[Math.min(count, plan.length - 1)];
      count += 1;
      await act?.(life);
      const connection = { life, isClosed: false, at: clock.now };
      opened.push(connection);
      return {
        close: async () => {
          connection.isClosed = true;
        },
      };
    },
  });
  t.after(() => line.close());
  const words = () => states.map(({ state }) => state).join(' ');
  const isOpen = () => opened.map(({ isClosed }) => !isClosed);
  return { line, states, opened, words, isOpen, tries: () => count };
}

/** By the clock of the test. */
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const well = async () => {};
const badly = async () => {
  throw new RetryableError('NETWORK_UNREACHABLE', 'not now');
};

test('where a renewal fails the old connection serves on, and the next try takes over', async (t) => {
  const clock = stopClock(t);
  const { line, opened, words, isOpen, tries } = kept(t, clock, [well, badly, badly, well]);
  await clock.until('up', () => opened[0]);
  opened[0]?.life.expiring('warning');
  await clock.until('the second', () => opened[1]);
  assert.deepEqual([tries(), words(), isOpen()], [4, 'connecting up up', [true, true]]);
  assert.equal(line.isUp, true);
  opened[0]?.life.ended('closed by Slack');
  await clock.pass(0);
  assert.deepEqual([words(), isOpen()], ['connecting up up', [false, true]]);
});

test('a connection that ends while its renewal is under way is not opened twice', async (t) => {
  const clock = stopClock(t);
  const { opened, words, states, tries } = kept(t, clock, [well, () => sleep(40)]);
  await clock.until('up', () => opened[0]);
  opened[0]?.life.expiring('warning');
  opened[0]?.life.ended('closed early');
  await clock.until('the second', () => opened[1]);
  await clock.pass(30);
  assert.deepEqual([tries(), words(), states.at(-1)], [2, 'connecting up down up', { state: 'up', wasLost: true }]);
});

test('the pause that Slack asks for is kept', async (t) => {
  const busy = async () => {
    throw new RetryableError('NETWORK_BUSY', 'too many', { after: 200 });
  };
  const clock = stopClock(t);
  const { opened } = kept(t, clock, [busy, well]);
  await clock.until('up', () => opened[0]);
  assert.equal(opened[0]?.at, 200);
});

test('one that ended before it stood is opened again', async (t) => {
  const clock = stopClock(t);
  const { opened, words } = kept(t, clock, [async (life) => life.ended('at once'), well]);
  await clock.until('the second', () => opened[1]);
  assert.equal(words(), 'connecting up down connecting up');
});

test('one that comes up too late is closed, and not used', async (t) => {
  const clock = stopClock(t);
  const { opened, isOpen, line } = kept(t, clock, [() => sleep(180), well]);
  await clock.until('both', () => opened.length === 2);
  assert.deepEqual(isOpen().toSorted(), [false, true]);
  assert.equal(line.isUp, true);
});

test('a refused token ends the tries; closed in the midst of opening, what still comes up is closed', async (t) => {
  const clock = stopClock(t);
  const refused = kept(t, clock, [
    async () => {
      throw new PermanentError('NETWORK_LOGIN', 'invalid_auth');
    },
  ]);
  await clock.until('refused', () => refused.words().endsWith('refused'));
  await clock.pass(60);
  assert.deepEqual([refused.tries(), refused.line.isUp], [1, false]);
  const opening = kept(t, clock, [() => sleep(40)]);
  await opening.line.close();
  await clock.until('it came up', () => opening.opened[0]);
  await clock.pass(0);
  assert.deepEqual([opening.isOpen(), opening.words()], [[false], 'connecting']);
});

test('only what is heard on the connection in use keeps it alive', async (t) => {
  // The clock of the test knows no refreshed timer: here the time really passes.
  const { opened, words } = kept(t, { now: 0 }, [well], { silence: 2_000 });
  await until('up', () => words().endsWith('up'));
  for (let number = 0; number < 5; number += 1) {
    await sleep(500);
    opened[0]?.life.heard();
  }
  assert.equal(words(), 'connecting up');
  await until('down', () => words().includes('down'));
});

test('what a connection brings with its first breath is told after who listens knows that it is up', async (t) => {
  const clock = stopClock(t);
  const order: string[] = [];
  const brings = async (life: Life) => void life.stood.then(() => order.push('brought'));
  const line = new Lifeline({
    name: 'a line',
    log: silentLog,
    onState: ({ state }) => void order.push(state),
    open: async (life) => {
      await brings(life);
      return { close: async () => {} };
    },
  });
  t.after(() => line.close());
  await clock.until('what it brings', () => order.includes('brought'));
  assert.deepEqual(order, ['connecting', 'up', 'brought']);
});
