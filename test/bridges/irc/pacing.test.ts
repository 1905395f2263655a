// How fast connections are opened: the most wanted first, slower when a server complains.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { backoff, Pacing } from '../../../bridges/irc/pacing.ts';

const forever = new AbortController().signal;

test('a burst at once, then one after the other', async () => {
  const pacing = new Pacing({ burst: 3, every: 200 });
  const began = performance.now();
  const at: number[] = [];
  await Promise.all(Array.from({ length: 5 }, () => pacing.turn(() => 1, forever).then(() => at.push(performance.now() - began))));
  assert.ok((at[2] ?? 999) < 190, `${at}`);
  assert.ok((at[3] ?? 0) >= 190 && (at[4] ?? 0) >= 380, `${at}`);
});

test('who is wanted most goes first, whenever they came', async () => {
  const pacing = new Pacing({ burst: 1, every: 10 });
  const order: string[] = [];
  const turn = (name: string, priority: () => number) => pacing.turn(priority, forever).then(() => void order.push(name));
  let late = 5;
  const all = [turn('first', () => 9), turn('low', () => 3), turn('raised', () => late), turn('high', () => 1)];
  late = 0;
  await Promise.all(all);
  assert.deepEqual(order, ['first', 'raised', 'high', 'low']);
});

test('an aborted wait costs nothing and is not served', async () => {
  const pacing = new Pacing({ burst: 1, every: 20 });
  await pacing.turn(() => 1, forever);
  const given = new AbortController();
  let wasServed = false;
  void pacing
    .turn(() => 1, given.signal)
    .then(() => {
      wasServed = true;
    });
  given.abort();
  assert.equal(pacing.waiting, 0);
  await pacing.turn(() => 2, forever);
  assert.equal(wasServed, false);
});

test('held, nobody goes until the time is over', async () => {
  const pacing = new Pacing({ burst: 5, every: 1 });
  pacing.hold(60);
  const began = performance.now();
  await pacing.turn(() => 1, forever);
  assert.ok(performance.now() - began >= 55);
});

test('a complaint empties the bucket and holds all for a while', async () => {
  const pacing = new Pacing({ burst: 5, every: 1 });
  pacing.throttled();
  let wasServed = false;
  void pacing
    .turn(() => 1, forever)
    .then(() => {
      wasServed = true;
    });
  await delay(50);
  assert.equal(wasServed, false);
  pacing.stop();
});

test('waits double up to a bound, and differ', () => {
  for (let tries = 0; tries < 30; tries++) {
    const full = Math.min(60_000, 1_000 * 2 ** tries);
    const waits = Array.from({ length: 50 }, () => backoff(tries, 1_000, 60_000));
    assert.ok(waits.every((wait) => wait >= full / 2 && wait <= full));
    assert.ok(new Set(waits).size > 1);
  }
});
