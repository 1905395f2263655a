// What follows from a token that Slack takes no more, and what does not: calls take their time, and may be answered when all is well again.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PermanentError, UnreachableError } from '#bridge-core';
import { Account } from '../../../bridges/slack/account.ts';
import { Team } from '../../../bridges/slack/team.ts';
import { SlackRefusal } from '../../../bridges/slack/wire/faults.ts';
import { keptIn, silentLog } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';

const here = { team_id: 'T0001', url: 'https://acme.slack.com/', user_id: 'U1' };

function teamWith(t: TestContext, watch = 60_000) {
  /** Each call waits for its answer. */
  const calls: PromiseWithResolvers<object>[] = [];
  const call = () => {
    const asked = Promise.withResolvers<object>();
    calls.push(asked);
    return asked.promise;
  };
  const bot = { call, generation: 0 };
  const team = new Team({
    memory: keptIn(new Map()),
    ...{ id: 'T0001', app: undefined, hasOwnApp: false, transports: ['events'], bot, log: silentLog, botToken: () => 'xoxb-1' },
    ...{ inbox: { connection: () => {} }, back: () => {}, voided: () => {}, pauses: { first: 10, most: 20, watch } },
  } as never);
  t.after(() => team.stop());
  const next = async () => await until('a call', () => calls.shift());
  const up = async () => {
    const probing = team.probe();
    (await next()).resolve(here);
    await probing;
  };
  return { team, bot, next, up };
}

const takenOut = new PermanentError('NETWORK_LOGIN', 'the app was taken out of the workspace');
const dead = () => new SlackRefusal('NETWORK_LOGIN', 'Slack says account_inactive', { word: 'account_inactive' });

test('why it ended is what Slack told of it, not what a call met afterwards', async (t) => {
  const { team, next, up } = teamWith(t);
  await up();
  const asking = team.ask('team.info');
  const asked = await next();
  const voiding = team.voided(takenOut);
  (await next()).reject(dead());
  await voiding;
  asked.reject(dead());
  await assert.rejects(asking);
  assert.match(team.detail ?? '', /^the app was taken out/);
  await up();
  assert.equal(team.state, 'up');
  const later = team.ask('team.info');
  (await next()).reject(dead());
  await assert.rejects(later);
  assert.deepEqual([team.state, team.isReachable], ['down', false], 'it lived again meanwhile');
});

test('a call of before ends no token that was given since', async (t) => {
  const { team, bot, next, up } = teamWith(t);
  await up();
  const asking = team.ask('team.info');
  const asked = await next();
  bot.generation += 1;
  await up();
  asked.reject(dead());
  await assert.rejects(asking);
  assert.equal(team.state, 'up');
});

test('who is asked for with a token of before is asked for again with the new one', async (t) => {
  const { team, bot, next } = teamWith(t);
  team.start();
  const first = await next();
  bot.generation += 1;
  team.start();
  first.reject(dead());
  (await next()).resolve(here);
  await until('it to be up', () => team.state === 'up' || undefined);
});

test('that the app was taken out, told late, ends nothing where it is there again; told while Slack is away it is to be told again', async (t) => {
  const { team, bot, next, up } = teamWith(t);
  await up();
  const late = team.voided(takenOut);
  (await next()).resolve(here);
  await late;
  assert.equal(team.state, 'up');
  const between = team.voided(takenOut);
  const asked = await next();
  bot.generation += 1;
  asked.reject(dead());
  await between;
  assert.equal(team.state, 'up', 'installed while that was asked for');
  const away = team.voided(takenOut);
  (await next()).reject(new UnreachableError('NETWORK_UNREACHABLE', 'no answer'));
  await assert.rejects(away, UnreachableError);
});

test('that a login was revoked, told after another came, does not end that', async () => {
  const ended: string[] = [];
  const answers = [async () => here, async () => Promise.reject(dead())];
  const account = new Account({
    login: { user: '@alice:hs.test', account: 'T0001/U0ANN' },
    caller: { call: () => answers.shift()?.() },
    ended: (_account: unknown, { message }: Error) => void ended.push(message),
  } as never);
  await account.revoked();
  assert.deepEqual(ended, []);
  await account.revoked();
  assert.deepEqual(ended, ['Slack has revoked the login']);
});

test('a token that is refused is asked about again now and then, be it at the start or later: a workspace may have been moved', async (t) => {
  const { team, next } = teamWith(t, 10);
  team.start();
  (await next()).reject(dead());
  await until('it to be down', () => team.state === 'down' || undefined);
  (await next()).reject(dead());
  (await next()).resolve(here);
  await until('it to be up', () => team.state === 'up' || undefined);
  (await next()).reject(dead());
  await until('it to be down', () => team.state === 'down' || undefined);
  (await next()).resolve(here);
  await until('it to be up again', () => team.state === 'up' || undefined);
});
