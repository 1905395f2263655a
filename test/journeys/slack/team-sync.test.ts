// A whole workspace comes to a real Synapse: each of its channels has a room, also where the bridge is killed while it makes them; what
// becomes of a channel becomes of its room. Private ones that the bot is in have rooms for their own people alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MatrixError } from '../../support/matrix-person.ts';
import { until } from '../../support/waiting.ts';
import { openSlackStage } from './stage.ts';

const count = 24;
const numbers = Array.from({ length: count }, (_, number) => number);

const secret = 'of-the-integration-manager';

const stage = await openSlackStage({
  config: {
    portals: { spaces: true, moderators: ['@alice:hs.test'] },
    permissions: { 'hs.test': 'user', '@alice:hs.test': 'admin' },
    provisioning: { secret },
  },
  section: { team_sync: { deny: ['hr-*'], users: 'all', allow_private: true, rooms_per_minute: 600 } },
  async prepare({ slack, team, ann, bob, bot }) {
    for (const number of numbers) slack.addChannel(team, `room-${number}`, [ann, bob], { id: `C1ROOM${number}` });
    slack.addChannel(team, 'hr-pay', [ann], { id: 'C1HRPAY' });
    slack.addChannel(team, 'secret', [ann], { id: 'C1SECRET', isPrivate: true });
    slack.addChannel(team, 'inner', [ann, bob, bot.user], { id: 'C2INNER', isPrivate: true });
  },
});
const { alice, ann, bob, botId, slack, app, bridge } = stage;
const { domain } = stage.synapse;
const aliasOf = (id: string) => `#slack_t0001_${id.toLowerCase()}:${domain}`;
const portals = async () => (await bridge.links('slack')).filter(({ channel }) => channel.startsWith('T0001/C1'));
let inner = '';
const live = async () => (await portals()).filter(({ state }) => state === 'live');

test('each channel has one room, though the bridge was killed five times while they were made', { timeout: 180_000 }, async () => {
  for (const tenths of [1, 3, 5, 7, 9]) {
    await until(`${tenths} tenths of the rooms`, async () => (await live()).length >= (count * tenths) / 10);
    await bridge.kill();
    await bridge.start();
  }
  await until('every room', async () => (await live()).length === count);
  const all = await portals();
  assert.equal(new Set(all.map(({ room }) => room)).size, count);
  assert.deepEqual(all.map(({ channel }) => channel).toSorted(), numbers.map((number) => `T0001/C1ROOM${number}`).toSorted());
  for (const id of ['C1HRPAY', 'C1SECRET', 'C0GENERAL'])
    await assert.rejects(alice.join(aliasOf(id)), (error: MatrixError) => error.status === 404, id);
  assert.ok(slack.callsOf('conversations.info').length <= count, 'lists tell of channels, not a question for each');
});

test('who comes into one of them speaks and is heard there at once', async () => {
  const room = await alice.join(aliasOf('C1ROOM7'));
  assert.equal((await alice.state(room, 'm.room.name')).name, '#room-7');
  const mark = alice.mark();
  bob.say('C1ROOM7', 'hello from Slack');
  await alice.waitForText(room, 'hello from Slack', { since: mark });
  await alice.say(room, 'hello from Matrix');
  await bob.waitForMessage('C1ROOM7', 'hello from Matrix');
});

test('everybody of the workspace is known, and found by their name', async () => {
  const profile = await until('Ann', async () =>
    alice.call<{ displayname?: string }>('GET', `/v3/profile/${encodeURIComponent(stage.ghostOf(ann))}`).catch(() => undefined),
  );
  assert.equal(profile.displayname, 'Ann Example');
});

test('a channel that is renamed, archived, opened again and deleted takes its room along', { timeout: 180_000 }, async () => {
  const room = await alice.join(aliasOf('C1ROOM3'));
  const carol = await stage.matrixPerson('carol');
  await carol.join(room);
  const stateOf = (type: string) => alice.state(room, type).catch(() => undefined);
  ann.rename('C1ROOM3', 'liftoff');
  await until('the name', async () => (await stateOf('m.room.name'))?.name === '#liftoff');

  const mark = alice.mark();
  ann.archive('C1ROOM3');
  await alice.waitForText(room, /archived the channel/, { since: mark });
  await until('silence', async () => (await stateOf('m.room.power_levels'))?.events_default === 100);
  await assert.rejects(carol.say(room, 'anybody there?'), (error: MatrixError) => error.status === 403);
  ann.unarchive('C1ROOM3');
  await until('the open room', async () => (await stateOf('m.room.power_levels'))?.events_default === 0);
  await carol.say(room, 'here we are');
  await ann.waitForMessage('C1ROOM3', 'here we are');

  ann.deleteChannel('C1ROOM3');
  await until('the end of the room', async () => (await stateOf('m.room.tombstone'))?.body === 'The channel was deleted in Slack.');
  await alice.waitForText(room, /^The channel was deleted in Slack\./);
  await assert.rejects(carol.say(room, 'is it over?'), (error: MatrixError) => error.status === 403);
  await until('the link to be gone', async () => (await portals()).length === count - 1);
  const fresh = ann.createChannel('after-that');
  await until('its room', async () =>
    (await bridge.links('slack')).some(({ channel, state }) => channel.endsWith(fresh.id) && state === 'live'),
  );
});

test('a private channel that the bot is in: its person comes in; nobody else finds a trace of it', { timeout: 180_000 }, async () => {
  const dave = await stage.matrixPerson('dave');
  const chats = new Map<string, string>();
  for (const person of [alice, dave]) {
    const chat = await person.createRoom({ isDirect: true, isPublic: false, invite: [botId] });
    await person.waitForText(chat, /Slack bridge/);
    chats.set(person.userId, chat);
  }
  const ask = async (person: typeof alice, line: string, answer: RegExp) => {
    const chat = chats.get(person.userId) ?? '';
    const since = person.mark();
    await person.say(chat, line);
    return String((await person.waitForText(chat, answer, { since, timeout: 60_000 })).content.body);
  };
  await ask(alice, 'login token', /token/i);
  await ask(alice, slack.setup.authorize(app, ann.user).value, /Ann Example/);
  const { room } = await until('its room', async () =>
    (await bridge.links('slack')).find(({ channel, state }) => channel === 'T0001/C2INNER' && state === 'live'),
  );
  inner = room;
  await until('her to be asked in', () => alice.invites.has(room) || undefined);
  await alice.join(room);
  bob.say('C2INNER', 'between us');
  await alice.waitForText(room, 'between us');
  await alice.say(room, 'and back');
  assert.equal((await bob.waitForMessage('C2INNER', 'and back')).user, ann.id);

  await assert.rejects(dave.join(room), (error: MatrixError) => error.status === 403);
  for (const id of ['C2INNER', 'C2NOWHERE']) await assert.rejects(dave.join(aliasOf(id)), (error: MatrixError) => error.status === 404, id);
  const fields = new URLSearchParams({ team: 'T0001', channel: 'C2INNER' });
  assert.deepEqual(await dave.call('GET', `/v3/thirdparty/location/slack?${fields}`), []);
  const { chunk } = await dave.call<{ chunk: { room_id: string }[] }>('GET', '/v3/publicRooms');
  assert.ok(!chunk.some(({ room_id }) => room_id === room));
  assert.equal(await alice.state(room, 'm.space.parent').catch(() => undefined), undefined);
  const seven = await alice.join(aliasOf('C1ROOM7'));
  const state = await alice.call<{ type: string; state_key: string }[]>('GET', `/v3/rooms/${encodeURIComponent(seven)}/state`);
  const space = state.find(({ type }) => type === 'm.space.parent')?.state_key ?? '';
  await until('the space', () => alice.invites.has(space) || undefined);
  await alice.join(space);
  const { rooms } = await alice.call<{ rooms: { room_id: string; children_state: { state_key: string }[] }[] }>(
    'GET',
    `/v1/rooms/${encodeURIComponent(space)}/hierarchy`,
  );
  const children = rooms.find(({ room_id }) => room_id === space)?.children_state ?? [];
  assert.ok(children.length > 1 && !children.some(({ state_key }) => state_key === room));
  assert.doesNotMatch(await ask(dave, 'list', /linked/), /inner/i);
  const refusals = [];
  for (const id of ['C2INNER', 'C2NOWHERE']) refusals.push((await ask(dave, `link !r:hs.test ${id}`, /not done/)).replaceAll(id, ''));
  assert.equal(refusals[0], refusals[1]);
  const answers = [];
  for (const id of ['C2INNER', 'C2NOWHERE']) {
    const answer = await fetch(`${bridge.url}/_matrix/provision/channelinfo`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ user_id: dave.userId, team_id: 'T0001', channel_id: id }),
    });
    answers.push((await answer.text()).replaceAll(id, ''));
  }
  assert.equal(answers[0], answers[1]);
});

test('a killed bridge finds it again, the same room; who is taken out of the channel loses it before the next word', {
  timeout: 180_000,
}, async () => {
  await bridge.kill();
  bob.say('C2INNER', 'meanwhile');
  await bridge.start();
  await alice.waitForText(inner, 'meanwhile');
  const links = (await bridge.links('slack')).filter(({ channel }) => channel === 'T0001/C2INNER');
  assert.deepEqual(
    links.map(({ room, state }) => [room, state]),
    [[inner, 'live']],
  );
  bob.kick('C2INNER', ann);
  bob.say('C2INNER', 'without her');
  const joined = () => alice.call<{ joined_rooms: string[] }>('GET', '/v3/joined_rooms').then(({ joined_rooms }) => joined_rooms);
  await until('her to be out', async () => !(await joined()).includes(inner) || undefined);
  const mark = alice.mark();
  bob.invite('C2INNER', ann);
  await until('her to be asked in again', () => alice.invites.has(inner) || undefined);
  await alice.join(inner);
  bob.say('C2INNER', 'here again');
  await alice.waitForText(inner, 'here again', { since: mark, timeout: 60_000 });
  assert.ok(!alice.messages(inner).some(({ content }) => content.body === 'without her'));
});
