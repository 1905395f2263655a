// The old bridge's ten provisioning calls, over a whole bridge: as an integration manager makes them.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { type WholeBridge, wholeBridge } from './whole-bridge.ts';

async function door(t: TestContext, wish: Parameters<typeof wholeBridge>[1] = {}) {
  const bridge = await wholeBridge(t, wish);
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

/** Ruled by alice unless said, the bot in it. */
async function roomOf({ homeserver, person }: WholeBridge, { by = person, isPublic = false } = {}) {
  const levels = { users: { [by]: 100, [homeserver.bot]: 50 } };
  const room = homeserver.createRoom({ creator: by, version: '11', levels });
  homeserver.setState(by, room, 'm.room.join_rules', '', { join_rule: isPublic ? 'public' : 'invite' });
  homeserver.invite(by, room, homeserver.bot);
  await until('the bot in the room', () => homeserver.members(room).includes(homeserver.bot) || undefined);
  return room;
}

test('what there is: the bot, the teams, the channels, and links to log in and to install', { timeout: 180_000 }, async (t) => {
  const { call, homeserver, slack, team, ann } = await door(t);
  assert.deepEqual(await call('getbotid'), {
    ...{ bot_user_id: homeserver.bot, require_public_room: false, instance_name: 'Slack', room_limit: null, team_limit: null },
  });
  assert.deepEqual(await call('teams'), { teams: [{ id: 'T0001', name: 'Acme', slack_id: null }] });
  const eve = slack.addPerson(team, { id: 'U0EVE', name: 'eve' });
  slack.addChannel(team, 'random', [ann, eve], { id: 'C0RANDOM', topic: 'anything' });
  ann.setPurpose('C0RANDOM', 'all the rest');
  slack.addChannel(team, 'bare', [ann], { id: 'C0BARE' });
  ann.setPurpose('C0BARE', 'for nothing');
  interface Listed {
    readonly id: string;
    readonly topic: { readonly value: string };
    readonly purpose: { readonly value: string };
  }
  const { channels } = (await call('channels', { team_id: 'T0001' })) as { channels: Listed[] };
  assert.deepEqual(
    channels.map(({ id, topic, purpose }) => [id, topic.value, purpose.value]),
    [
      ['C0GENERAL', '', ''],
      ['C0RANDOM', 'anything', 'all the rest'],
      ['C0BARE', '', 'for nothing'],
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

test('a room is linked, looked at and unlinked', { timeout: 180_000 }, async (t) => {
  const bridge = await door(t);
  const { call, slack, team, ann } = bridge;
  const channel = slack.addChannel(team, 'plans', [ann], { id: 'C0PLANS' });
  const room = await roomOf(bridge);
  assert.deepEqual(await call('getlink', { matrix_room_id: room }), [404, 'SLACK_UNKNOWN_LINK']);
  const link = (await call('link', { matrix_room_id: room, team_id: 'T0001', channel_id: channel.id })) as Record<string, unknown>;
  assert.deepEqual([link.status, link.slack_channel_name, link.matrix_room_id], ['ready', 'plans', room]);
  const got = (await call('getlink', { matrix_room_id: room })) as Record<string, unknown>;
  assert.deepEqual([got.status, got.slack_channel_id, got.team_id, got.slack_webhook_uri], ['ready', 'C0PLANS', 'T0001', null]);
  assert.deepEqual(await call('unlink', { matrix_room_id: room }), {});
  assert.deepEqual(await call('unlink', { matrix_room_id: room }), [404, 'SLACK_UNKNOWN_LINK']);
});

test('each refusal has the old bridge’s word', { timeout: 180_000 }, async (t) => {
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
  for (const path of ['link', 'channelinfo'])
    assert.deepEqual(
      await call(path, { matrix_room_id: room, team_id: 'T0009', channel_id: 'C0GENERAL' }),
      [404, 'SLACK_UNKNOWN_TEAM'],
      'not the channel is unknown',
    );
});

test('what is full, and what is not public where only such may be linked, is refused by its own word', { timeout: 180_000 }, async (t) => {
  const begin = async (limits: object) => {
    const bridge = await door(t, { core: { provisioning: limits } });
    const eve = bridge.homeserver.user('eve');
    for (const id of ['C0PLANS', 'C0MORE']) bridge.slack.addChannel(bridge.team, id.toLowerCase(), [bridge.ann], { id });
    const link = async (by: string, channel: string, isPublic = false) =>
      await bridge.call('link', { team_id: 'T0001', channel_id: channel, matrix_room_id: await roomOf(bridge, { by, isPublic }) }, by);
    return { ...bridge, eve, link };
  };
  const full = await begin({ limits: { rooms: 1 } });
  assert.equal(((await full.link(full.person, 'C0PLANS')) as { status: string }).status, 'ready');
  assert.deepEqual(((await full.call('getbotid')) as { room_limit: object }).room_limit, { quota: 1, current: 1 });
  assert.deepEqual(await full.link(full.eve, 'C0MORE'), [403, 'SLACK_BRIDGE_AT_LIMIT']);

  const strict = await begin({ require_public_room: true });
  assert.deepEqual(await strict.link(strict.eve, 'C0PLANS'), [400, 'SLACK_ROOM_NOT_PUBLIC']);
  assert.equal(((await strict.link(strict.eve, 'C0MORE', true)) as { status: string }).status, 'pending', 'asked for in the channel');
});

test('a pair of webhooks of the config is shown as one, and belongs to no workspace', { timeout: 180_000 }, async (t) => {
  const bridge = await door(t, {
    section: ({ slack, general, room }) => {
      const incoming = slack.addIncomingWebhook(general, { isOld: true });
      return { links: [{ channel: 'C0OLD', room, webhook: { incoming, outgoing_token: 't0k' } }] };
    },
  });
  const { call, room, url } = bridge;
  assert.deepEqual(await call('getlink', { matrix_room_id: room }), {
    ...{ matrix_room_id: room, slack_channel_id: 'C0OLD', slack_channel_name: 'C0OLD', team_id: null, status: 'ready' },
    ...{ isWebhook: true, inbound_uri: `${url}/slack/webhooks/C0OLD`, slack_webhook_uri: null },
  });
  // The link of the pair waits for no workspace.
  await until('the workspace', () => bridge.lines.some((line) => /^connection .*T0001.*"up"/.test(line)));
  assert.deepEqual(await call('teams'), { teams: [{ id: 'T0001', name: 'Acme', slack_id: null }] });
});

test('who has the address of an incoming webhook links a room by it, and is told once where the outgoing one is to post', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await door(t);
  const { call, homeserver, slack, team, ann } = bridge;
  const eve = homeserver.user('eve', 'Eve');
  const plans = slack.addChannel(team, 'plans', [ann], { id: 'C0PLANS' });
  const room = await roomOf(bridge, { by: eve });
  const uri = slack.addIncomingWebhook(plans, { isOld: true });
  for (const elsewhere of ['http://127.0.0.1:1/services/T1/B1/x', `${slack.apiUrl}chat.postMessage`, 'https://evil.test/services/x', 'x'])
    assert.deepEqual(await call('link', { matrix_room_id: room, slack_webhook_uri: elsewhere }, eve), [400, 'M_AS_BAD_VALUE'], elsewhere);
  const mallory = homeserver.user('mallory');
  homeserver.join(mallory, room);
  assert.deepEqual(await call('link', { matrix_room_id: room, slack_webhook_uri: uri }, mallory), [403, 'SLACK_NOT_ENOUGH_POWER']);

  const link = (await call('link', { matrix_room_id: room, slack_webhook_uri: uri }, eve)) as Record<string, unknown>;
  assert.deepEqual([link.status, link.isWebhook, link.slack_webhook_uri, link.team_id], ['ready', true, null, null]);
  const inbound = String(link.inbound_uri);
  const { inbound_uri, status } = (await call('getlink', { matrix_room_id: room }, eve)) as Record<string, unknown>;
  assert.deepEqual([status, inbound_uri], ['ready', null], 'who reads it may speak in the room');
  const said = (body: string) => until(`${body} in the room`, () => homeserver.events(room).find(({ content }) => content.body === body));
  const goesBothWays = async (words: string) => {
    ann.say(plans, `${words} from Slack`);
    await said(`${words} from Slack`);
    homeserver.say(eve, room, `${words} from Matrix`);
    assert.equal((await ann.waitForMessage(plans, `${words} from Matrix`)).username, 'Eve');
  };
  slack.addOutgoingWebhook(team, inbound, { channel: plans, token: 'whatever Slack made up' });
  await goesBothWays('at first');
  await bridge.restart();
  await until('the page', async () => (await fetch(inbound, { method: 'POST' }).catch(() => undefined))?.status === 200);
  await goesBothWays('after a restart');
  const forged = await fetch(`${inbound.slice(0, inbound.lastIndexOf('/'))}/guessed`, {
    method: 'POST',
    body: new URLSearchParams({ token: 'x' }),
  });
  assert.equal(forged.status, 403);
  const page = inbound.slice(0, inbound.lastIndexOf('/'));
  assert.equal((await fetch(page, { method: 'POST', body: new URLSearchParams({ token: inbound.split('/').at(-1) ?? '' }) })).status, 403);
  assert.deepEqual(await call('unlink', { matrix_room_id: room }, eve), {});
  assert.equal((await fetch(inbound, { method: 'POST' })).status, 403);
});

test('an account is called by its name there, whatever is in it', { timeout: 180_000 }, async (t) => {
  const { call, slack, app, team, homeserver, person } = await door(t);
  const cid = slack.addPerson(team, { id: 'U0CID', name: 'cid', realName: 'Cid on Tour' });
  const token = slack.setup.authorize(app, cid.user, { token: 'xoxp-cid' }).value;
  const chat = homeserver.createRoom({ creator: person, isDirect: true });
  homeserver.invite(person, chat, homeserver.bot, { is_direct: true });
  const told = (words: RegExp) =>
    until(`${words}`, () => homeserver.events(chat).find(({ sender, content }) => sender !== person && words.test(String(content.body))));
  await told(/Hello/);
  homeserver.say(person, chat, 'login token');
  await told(/token/i);
  homeserver.say(person, chat, token);
  const { accounts } = await until('the login', async () => {
    const answer = (await call('accounts')) as { accounts: { identity: object }[] };
    return answer.accounts.length > 0 ? answer : undefined;
  });
  assert.deepEqual(accounts[0]?.identity, { team: 'Acme', name: 'Cid on Tour' });
});
