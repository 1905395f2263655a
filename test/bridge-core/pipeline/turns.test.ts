// One thing at a time for each key, in the order of asking, whatever becomes of each.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Turns } from '../../../bridge-core/pipeline/turns.ts';

test('turns of one key come one after another in order, those of two side by side', async () => {
  const turns = new Turns<object>();
  const [one, two] = [{}, {}];
  const log: string[] = [];
  const work = (name: string, ms: number) => async () => {
    log.push(`${name} begins`);
    await delay(ms);
    log.push(`${name} ends`);
    return name;
  };
  const results = await Promise.all([turns.take(one, work('a', 20)), turns.take(one, work('b', 1)), turns.take(two, work('c', 5))]);
  assert.deepEqual(results, ['a', 'b', 'c']);
  assert.deepEqual(log, ['a begins', 'c begins', 'c ends', 'a ends', 'b begins', 'b ends']);
});

test('a turn that fails fails its own taker alone', async () => {
  const turns = new Turns<object>();
  const key = {};
  const outcomes = await Promise.allSettled([
    turns.take(key, () => Promise.reject(new Error('no'))),
    turns.take(key, async () => 'yes'),
    turns.take(key, () => Promise.reject(new Error('again'))),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled', 'rejected'],
  );
  assert.equal(await turns.take(key, async () => 'later'), 'later');
});
