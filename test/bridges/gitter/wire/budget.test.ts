// The budget of a token: what Gitter's answers tell of it, and who waits when little is left.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget } from '../../../../bridges/gitter/wire/budget.ts';
import { stopClock } from '../../../support/clock.ts';

const spend = async (budget: Budget, calls: number) => {
  for (let n = 0; n < calls; n += 1) await budget.turn('now', 0);
};

test('work in the background leaves a share of the window to what people wait for', async () => {
  const budget = new Budget({ limit: 10, window: 60_000 });
  for (let n = 0; n < 6; n += 1) await budget.turn('background', 0);
  await assert.rejects(budget.turn('background', 0), { code: 'NETWORK_BUSY' });
  await spend(budget, 3);
  await assert.rejects(budget.turn('now', 0), { code: 'NETWORK_BUSY' });
});

test('what an answer tells counts: others may use the same token', async () => {
  const budget = new Budget({ limit: 100, window: 60_000 });
  await spend(budget, 1);
  budget.told(100, 2, Date.now() + 30_000);
  await spend(budget, 1);
  const error = (await budget.turn('now', 0).catch((thrown) => thrown)) as { after?: number };
  assert.ok((error.after ?? 0) > 20_000 && (error.after ?? 0) <= 30_000, String(error.after));
});

test('a late answer of the same window raises nothing, and a new window begins anew', async () => {
  let now = 1_000_000;
  const budget = new Budget({ limit: 10, window: 1_000, now: () => now });
  await spend(budget, 5);
  budget.told(10, 9, now + 1_000);
  assert.equal(budget.left, 5);
  now += 1_001;
  assert.equal(budget.left, 10);
});

test('a clock of Gitter’s that is far from ours is not believed', async () => {
  const budget = new Budget({ limit: 10, window: 1_000 });
  budget.told(10, 0, Date.now() + 3_600_000);
  await spend(budget, 1);
});

test('a refusal closes it for as long as Gitter says, and then calls go on', async (t) => {
  const clock = stopClock(t);
  const budget = new Budget({ limit: 10, window: 1_000 });
  budget.closed(80);
  await assert.rejects(budget.turn('now', 0), { code: 'NETWORK_BUSY' });
  let wentAt = 0;
  void budget.turn('now', 1_000).then(() => {
    wentAt = clock.now;
  });
  await clock.until('its turn', () => wentAt);
  assert.equal(wentAt, 80);
});

test('a refusal that was on its way for longer than the window lasted closes no more than that', async () => {
  let now = 1_000_000;
  const budget = new Budget({ limit: 10, window: 60_000, now: () => now });
  await spend(budget, 1);
  budget.told(10, 0, now - 10);
  budget.closed(1_000);
  assert.equal(budget.left, 0);
  await assert.rejects(budget.turn('now', 0), { code: 'NETWORK_BUSY', after: 1_000 });
  now += 1_000;
  await spend(budget, 1);
});

test('another limit than we thought counts from the first answer', async () => {
  const budget = new Budget({ limit: 10, window: 60_000 });
  await spend(budget, 1);
  budget.told(1_000, 990, Date.now() + 30_000);
  for (let n = 0; n < 100; n += 1) await budget.turn('background', 0);
  budget.told(20, 15, Date.now() + 30_000);
  assert.equal(budget.left, 15);
});

test('what was answered in the window before says nothing of this one, and a later window is no longer the one that was used up', async () => {
  let now = 1_000_000;
  const budget = new Budget({ limit: 100, window: 60_000, now: () => now });
  await spend(budget, 1);
  budget.told(100, 0, now + 300);
  assert.equal(budget.left, 0);
  budget.told(100, 80, now + 58_000);
  assert.equal(budget.left, 80);
  now += 58_001;
  await spend(budget, 1);
  budget.told(100, 0, now - 1);
  assert.equal(budget.left, 99);
});
