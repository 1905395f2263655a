// How fast connections are opened: the most wanted first, slower when a server complains.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff, Pacing } from '../../../bridges/irc/pacing.ts';
import { stopClock } from '../../support/clock.ts';

const forever = new AbortController().signal;

test('a burst at once, then one after the other', async (t) => {
  const clock = stopClock(t);
  const pacing = new Pacing({ burst: 3, every: 200 });
  const at: number[] = [];
  for (let turn = 0; turn < 5; turn++) void pacing.turn(() => 1, forever).then(() => at.push(clock.now));
  await clock.pass(1_000);
  assert.deepEqual(at, [0, 0, 0, 200, 400]);
});

test('who is wanted most goes first, whenever they came', async (t) => {
  const clock = stopClock(t);
  const pacing = new Pacing({ burst: 1, every: 10 });
  const order: string[] = [];
  const turn = (name: string, priority: () => number) => void pacing.turn(priority, forever).then(() => order.push(name));
  let late = 5;
  turn('first', () => 9);
  turn('low', () => 3);
  turn('raised', () => late);
  turn('high', () => 1);
  late = 0;
  await clock.pass(30);
  assert.deepEqual(order, ['first', 'raised', 'high', 'low']);
});

test('an aborted wait costs nothing and is not served', async (t) => {
  const clock = stopClock(t);
  const pacing = new Pacing({ burst: 1, every: 20 });
  const served: [string, number][] = [];
  const turn = (name: string, signal: AbortSignal) => void pacing.turn(() => 1, signal).then(() => served.push([name, clock.now]));
  turn('first', forever);
  const given = new AbortController();
  turn('aborted', given.signal);
  given.abort();
  assert.equal(pacing.waiting, 0);
  turn('next', forever);
  await clock.pass(100);
  assert.deepEqual(served, [
    ['first', 0],
    ['next', 20],
  ]);
});

test('held, nobody goes until the time is over', async (t) => {
  const clock = stopClock(t);
  const pacing = new Pacing({ burst: 5, every: 1 });
  pacing.hold(60);
  let servedAt = 0;
  void pacing
    .turn(() => 1, forever)
    .then(() => {
      servedAt = clock.now;
    });
  await clock.pass(100);
  assert.equal(servedAt, 60);
});

test('a complaint empties the bucket and holds all for a while', async (t) => {
  const clock = stopClock(t);
  const pacing = new Pacing({ burst: 5, every: 1 });
  pacing.throttled();
  const at: number[] = [];
  for (let turn = 0; turn < 3; turn++) void pacing.turn(() => 1, forever).then(() => at.push(clock.now));
  await clock.pass(19_999);
  assert.deepEqual(at, []);
  await clock.pass(1);
  assert.deepEqual(at, [20_000, 20_000, 20_000], 'what has run in meanwhile is there');
});

test('waits double up to a bound, and differ', () => {
  for (let tries = 0; tries < 30; tries++) {
    const full = Math.min(60_000, 1_000 * 2 ** tries);
    const waits = Array.from({ length: 50 }, () => backoff(tries, 1_000, 60_000));
    assert.ok(waits.every((wait) => wait >= full / 2 && wait <= full));
    assert.ok(new Set(waits).size > 1);
  }
});
