// The old bridge's ten provisioning calls, over a whole bridge: as an integration manager makes them.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

async function door(t: TestContext) {
  const bridge = await wholeBridge(t);
  const { homeserver, person, url } = bridge;
  const call = async (path: string, input: object = {}, user = person) => {
    const answer = await fetch(`${url}/_matrix/provision/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${homeserver.hsToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ user_id: user, ...input }),
    });
    const body = (await answer.json()) as Record<string, unknown>;
    return answer.status === 200 ? body : [answer.status, body.errcode];
  };
  return { ...bridge, call };
}

test('what there is: the bot, the teams, the channels, and links to log in and to install', { timeout: 30_000 }, async (t) => {
  const { call, homeserver, slack, team, ann } = await door(t);
  assert.deepEqual(await call('getbotid'), {
    ...{ bot_user_id: homeserver.bot, require_public_room: false, instance_name: 'Slack', room_limit: null, team_limit: null },
  });
  assert.deepEqual(await call('teams'), { teams: [{ id: 'T0001', name: 'Acme', slack_id: null }] });
  const eve = slack.addPerson(team, { id: 'U0EVE', name: 'eve' });
  slack.addChannel(team, 'random', [ann, eve], { id: 'C0RANDOM', topic: 'anything' });
  const { channels } = (await call('channels', { team_id: 'T0001' })) as { channels: { id: string; topic: { value: string } }[] };
  assert.deepEqual(
    channels.map(({ id, topic }) => [id, topic.value]),
    [
      ['C0GENERAL', ''],
      ['C0RANDOM', 'anything'],
    ],
  );
  assert.deepEqual(await call('channelinfo', { team_id: 'T0001', channel_id: 'C0GENERAL' }), { name: 'general', memberCount: 3 });
  assert.deepEqual(await call('channelinfo', { team_id: 'T0001', channel_id: 'C0RANDOM' }), { name: 'random', memberCount: 2 });
  assert.ok(!slack.callsOf('users.info').some(({ args }) => args.user === eve.user.id), 'who is only counted is not asked for');
  const { auth_uri } = (await call('authurl', { puppeting: true })) as { auth_uri: string };
  assert.match(auth_uri, /\/slack\/oauth\/start\?ticket=/);
  assert.match(((await call('authurl', { puppeting: 'false' })) as { auth_uri: string }).auth_uri, /\/slack\/oauth\/start\?ticket=/);
  const plain = homeserver.user('eve');
  assert.deepEqual(await call('authurl', {}, plain), [403, 'M_FORBIDDEN']);
  assert.match(((await call('authurl', { puppeting: true }, plain)) as { auth_uri: string }).auth_uri, /ticket=/);
  assert.deepEqual(await call('accounts'), { accounts: [] });
});

test('a room is linked, looked at and unlinked', { timeout: 30_000 }, async (t) => {
  const { call, homeserver, person, slack, team, ann } = await door(t);
  const channel = slack.addChannel(team, 'plans', [ann], { id: 'C0PLANS' });
  const room = homeserver.createRoom({ creator: person, version: '11', levels: { users: { [person]: 100, [homeserver.bot]: 50 } } });
  homeserver.invite(person, room, homeserver.bot);
  await until('the bot in the room', () => homeserver.members(room).includes(homeserver.bot) || undefined);
  assert.deepEqual(await call('getlink', { matrix_room_id: room }), [404, 'SLACK_UNKNOWN_LINK']);
  const link = (await call('link', { matrix_room_id: room, team_id: 'T0001', channel_id: channel.id })) as Record<string, unknown>;
  assert.deepEqual([link.status, link.slack_channel_name, link.matrix_room_id], ['ready', 'plans', room]);
  const got = (await call('getlink', { matrix_room_id: room })) as Record<string, unknown>;
  assert.deepEqual([got.status, got.slack_channel_id, got.team_id, got.slack_webhook_uri], ['ready', 'C0PLANS', 'T0001', null]);
  assert.deepEqual(await call('unlink', { matrix_room_id: room }), {});
  assert.deepEqual(await call('unlink', { matrix_room_id: room }), [404, 'SLACK_UNKNOWN_LINK']);
});

test('each refusal has the old bridge’s word', { timeout: 30_000 }, async (t) => {
  const { call, homeserver, room } = await door(t);
  const mallory = homeserver.user('mallory');
  homeserver.join(mallory, room);
  assert.deepEqual(await call('channels', { team_id: 'T0009' }), [404, 'SLACK_UNKNOWN_TEAM']);
  assert.deepEqual(await call('channelinfo', { team_id: 'T0001', channel_id: 'C0NOWHERE' }), [404, 'SLACK_UNKNOWN_CHANNEL']);
  assert.deepEqual(await call('logout', { slack_id: 'U0NOBODY' }), [404, 'SLACK_UNKNOWN_ACCOUNT']);
  assert.deepEqual(await call('link', { matrix_room_id: room, team_id: 'T0001', channel_id: 'C0GENERAL' }, mallory), [
    403,
    'SLACK_NOT_ENOUGH_POWER',
  ]);
  assert.deepEqual(await call('link', { matrix_room_id: room, team_id: 'T0001' }), [400, 'M_AS_BAD_VALUE']);
});
