// Budgets: nothing waits while there is some, what is over it waits in order, and nobody waits longer than they said.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RetryableError } from '#bridge-core';
import { limitsOf } from '../../../../bridges/slack/wire/tiers.ts';
import { tiers } from './wired.ts';

const post = (channel: string, patience = 10_000) => ({ scope: 'T1', method: 'chat.postMessage', channel, patience });

test('within the budget a call goes at once, with nothing to wait for', (t) => {
  const budget = tiers(t);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => budget.enter(post('C1'))),
    [undefined, undefined, undefined, undefined],
  );
  assert.equal(budget.enter(post('C2')), undefined);
  assert.equal(budget.waiting, 0);
});

test('what is over the budget goes in order, a second apart, and is measured', async (t) => {
  const waits: number[] = [];
  const budget = tiers(t, { onWaited: (_method, ms) => void waits.push(ms) });
  const order: number[] = [];
  const since = performance.now();
  await Promise.all([0, 1, 2, 3, 4, 5].map(async (number) => budget.enter(post('C1'))?.then(() => void order.push(number))));
  assert.deepEqual(order, [4, 5]);
  const took = performance.now() - since;
  assert.ok(took >= 1_900 && took < 10_000, `${took}`);
  assert.deepEqual([waits.length, budget.waiting], [2, 0]);
});

test('who has less patience than the wait takes is told how long it is', async (t) => {
  const budget = tiers(t);
  const since = performance.now();
  for (let number = 0; number < 4; number += 1) budget.enter(post('C1'));
  const waiting = budget.enter(post('C1'));
  const error = await budget.enter(post('C1', 500))?.catch((thrown: unknown) => thrown);
  assert.ok(error instanceof RetryableError);
  // Two turns ahead.
  const after = error.after ?? 0;
  assert.ok(after <= 2_000 && after + performance.now() - since > 1_900, `${after}`);
  await waiting;
});

test('what Slack told to wait waits, and nothing beside it', async (t) => {
  const budget = tiers(t, { isOn: false });
  for (let number = 0; number < 50; number += 1) assert.equal(budget.enter(post('C1')), undefined);
  budget.hold(post('C1'), 200);
  assert.equal(budget.enter(post('C2')), undefined);
  assert.equal(budget.enter({ scope: 'T1', method: 'chat.update', channel: 'C1', patience: 0 }), undefined);
  assert.equal(budget.enter({ ...post('C1'), scope: 'T2' }), undefined);
  const since = performance.now();
  await budget.enter(post('C1'));
  assert.ok(performance.now() - since >= 195);
});

test('what nobody waits for stands behind what somebody does', async (t) => {
  const budget = tiers(t, { isOn: false });
  const draw = { scope: 'T1', method: 'users.info', patience: 5_000 };
  budget.hold(draw, 1_000);
  const order: string[] = [];
  const enter = (name: string, isBackground: boolean) => budget.enter({ ...draw, isBackground })?.then(() => void order.push(name));
  await Promise.all([enter('first', true), enter('list', true), enter('list', true), enter('asked', false)]);
  assert.deepEqual(order, ['first', 'asked', 'list', 'list']);
});

test('however much waits in the background, who is waited for is not told to come later', async (t) => {
  const budget = tiers(t);
  const draw = { scope: 'T1', method: 'conversations.history', rations: { 'conversations.history': 60 } };
  for (let number = 0; number < 60; number += 1) assert.equal(budget.enter({ ...draw, patience: 0 }), undefined);
  // Until all stand there, which takes each a few turns.
  budget.hold(draw, 3_000);
  const background = { ...draw, patience: 3_600_000, isBackground: true };
  const order: string[] = [];
  const crowd = Array.from({ length: 40 }, () =>
    budget
      .enter(background)
      ?.then(() => order.push('list'))
      .catch(() => undefined),
  );
  await budget.enter({ ...draw, patience: 10_000 })?.then(() => order.push('asked'));
  assert.ok(order.indexOf('asked') <= 1, order.join());
  await budget.close();
  await Promise.all(crowd);
});

test('a ration is less than the tier, for whom it holds', async (t) => {
  const budget = tiers(t);
  const draw = { scope: 'T1', method: 'conversations.history', patience: 0, rations: { 'conversations.history': 1 } };
  assert.equal(budget.enter(draw), undefined);
  const error = await budget.enter(draw)?.catch((thrown: unknown) => thrown);
  assert.ok(error instanceof RetryableError && (error.after ?? 0) > 55_000);
  assert.equal(budget.enter({ ...draw, scope: 'T2', rations: undefined }), undefined);
});

test('at the end those who wait are let go, with an error that says to try again', async (t) => {
  const budget = tiers(t);
  budget.hold(post('C1'), 60_000);
  const waits = [1, 2].map(() => budget.enter(post('C1', 90_000))?.catch((thrown: unknown) => thrown));
  await budget.close();
  for (const thrown of await Promise.all(waits)) assert.ok(thrown instanceof RetryableError && thrown.code === 'NETWORK_BUSY');
});

test("each method's budget is what Slack documents, but for the few calls that open something", () => {
  const perMinute: Record<string, number> = { 1: 1, 2: 20, 3: 50, 4: 100, special: 600 };
  const file = new URL('../../../support/fake-slack/documented-methods.tsv', import.meta.url);
  const rows = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const posts = new Set(['chat.postMessage', 'chat.meMessage']);
  const unasked = new Set(
    (
      'apps.uninstall auth.teams.list files.upload usergroups.users.list users.getPresence users.profile.set conversations.close ' +
      'files.delete reactions.get'
    ).split(' '),
  );
  for (const [method = '', tier = ''] of rows.map((row) => row.split('\t'))) {
    if (posts.has(method) || unasked.has(method)) continue;
    const [limit] = limitsOf(method, undefined);
    assert.equal(Math.round((limit?.perMs ?? 0) * 60_000), perMinute[tier], method);
  }
});
