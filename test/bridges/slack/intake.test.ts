// What Slack tells, and whom it is taken from: nothing that one team or app tells stands in another's way.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { remoteUserId, userId } from '#bridge-core';
import { Hearing } from '../../../bridges/slack/hearing.ts';
import { Intake } from '../../../bridges/slack/intake.ts';
import { Newest } from '../../../bridges/slack/newest.ts';
import type { SlackEvent } from '../../../bridges/slack/wire/source.ts';
import { silentLog } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { withAdapter } from './with-slack.ts';

function teamStub(id: string, isThere: boolean, via = 'app') {
  return {
    ...{ id, identity: isThere ? { botUser: 'U0BOT' } : undefined, accounts: new Map(), app: { signingSecrets: [`secret of ${id}`] } },
    ...{ identified: isThere ? Promise.resolve() : new Promise(() => {}), appName: via, rtmName: `rtm of ${id}` },
    isToldBy: (of: string) => of === via,
    users: { load: () => undefined, person: (user: string) => ({ id: `${id}/${user}`, name: user, fields: {} }) },
    ...{ conversations: { known: () => undefined }, own: { note() {} }, acts: { isPosted: () => false }, threads: { note() {} } },
    newest: new Newest(),
  };
}

test('a team that is never there holds back nothing of another that shares the channel', async () => {
  const teams = [teamStub('T0002', false), teamStub('T0001', true)];
  const told: string[] = [];
  const intake = new Intake({
    ...{ log: silentLog, count: () => {}, heard: () => {}, isWatched: () => true, isHeard: () => true, isBot: () => false },
    ...{ isOurs: () => false, someWatched: () => undefined, teamOf: ({ team }: SlackEvent) => teams.find(({ id }) => id === team) },
    inbox: { receive: async ({ channel }: { channel: string }) => void told.push(channel) },
  } as never);
  const event = { type: 'message', channel: 'C0001', user: 'U0ANN', text: 'hello', ts: '1700000000.000100' };
  const heard = (team: string): SlackEvent => ({ team, event, source: 'socket', via: 'app', receivedAt: Date.now() });
  intake.hear(heard('T0002')).catch(() => {});
  await intake.hear(heard('T0001'));
  await intake.hear(heard('T0001'));
  assert.deepEqual(told, ['T0001/C0001']);
  intake.stop();
});

test('a flood of people coming in asks for nobody', async () => {
  const asked: string[] = [];
  const team = teamStub('T0001', true);
  Object.assign(team.users, { load: (ids: string[]) => void asked.push(...ids) });
  const intake = new Intake({
    ...{ log: silentLog, count: () => {}, heard: () => {}, isWatched: () => true, isHeard: () => true, isBot: () => false },
    ...{ isOurs: () => false, someWatched: () => undefined, teamOf: () => team, inbox: { receive: async () => assert.fail('told') } },
  } as never);
  for (let number = 0; number < 100; number += 1) {
    const joined = { type: 'message', subtype: 'channel_join', channel: 'C0001', user: `U${number}`, ts: `1700000000.000${100 + number}` };
    await intake.hear({ team: 'T0001', event: joined, source: 'socket', via: 'app', receivedAt: Date.now() });
  }
  assert.deepEqual(asked, []);
  intake.stop();
});

test('that events were held back counts from the team’s own app alone', async () => {
  const teams = new Map([teamStub('T0001', true, 'app of T0001'), teamStub('T0002', true, 'app of T0002')].map((team) => [team.id, team]));
  const missed: string[] = [];
  const heldBack: string[] = [];
  const hearing = new Hearing({
    ...{ teams, log: silentLog, api: {}, commands: {}, consent: {}, inbox: {}, intake: () => ({}) },
    signingApps: () => ['T0001', 'T0002'].map((id) => ({ via: `app of ${id}`, secrets: [`secret of ${id}`] })),
    missed: ({ id }: { id: string }) => void missed.push(id),
    reach: { heldBack: (via: string, id: string) => void heldBack.push(`${id} by ${via}`) },
  } as never);
  const tell = async (signer: string) => {
    const body = JSON.stringify({ type: 'app_rate_limited', team_id: 'T0001', minute_rate_limited: 1_700_000_000 });
    const at = String(Math.floor(Date.now() / 1_000));
    const signature = `v0=${createHmac('sha256', `secret of ${signer}`).update(`v0:${at}:${body}`).digest('hex')}`;
    const headers = { 'content-type': 'application/json', 'x-slack-request-timestamp': at, 'x-slack-signature': signature };
    return (await hearing.request({ headers, body: Buffer.from(body) })).status;
  };
  assert.equal(await tell('T0002'), 200);
  assert.deepEqual(missed, []);
  assert.equal(await tell('T0001'), 200);
  assert.deepEqual(missed, ['T0001']);
  assert.deepEqual(heldBack, ['T0001 by app of T0002', 'T0001 by app of T0001'], 'whose it is finds whoever doubts');
});

test('a token of a workspace that took the app out is not kept', { timeout: 180_000 }, async (t) => {
  const { slack, app, team, tools, adapter } = await withAdapter(t);
  await tools.secrets.set('bot T0001', JSON.stringify({ token: 'xoxb-1', refresh: 'xoxe-1' }));
  slack.uninstall(app, team);
  await until('its end', () => !tools.secrets.get('bot T0001')?.includes('xox') || undefined);
  assert.deepEqual(tools.secrets.names('bot '), ['bot T0001'], 'that it was there is known: its links can be described');
  await until('the state', () => adapter.status()[0]?.state === 'down' || undefined);
});

test('with a new token comes a new connection, and the old one ends', { timeout: 180_000 }, async (t) => {
  const { slack, app, ann, adapter } = await withAdapter(t, { transport: 'rtm' });
  const login = (token: string) => ({
    ...{ user: userId('@alice:hs.test'), account: remoteUserId('T0001/U0ANN'), network: 'T0001', name: 'Ann' },
    credentials: { token: slack.setup.authorize(app, ann.user, { token }).value },
  });
  await adapter.signIn(login('xoxp-old'));
  await until('the first', () => slack.rtm.connections() === 2 || undefined);
  await adapter.signIn(login('xoxp-new'));
  await until('the second', () => slack.callsOf('rtm.connect').length === 3 || undefined);
  await until('the end of the first', () => slack.rtm.connections() === 2 || undefined);
  assert.match(JSON.stringify(slack.callsOf('rtm.connect').at(-1)), /xoxp-new/);
});
