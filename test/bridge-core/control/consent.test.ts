// Both sides agree before anything is linked: asked from the room, asked from the channel, answered, refused, forgotten.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import Sqlite from 'better-sqlite3';
import type { NetworkAct } from '../../../bridge-core/adapter-tools.ts';
import type { Channel } from '../../../bridge-core/channel.ts';
import { Consent } from '../../../bridge-core/control/consent.ts';
import { Requests } from '../../../bridge-core/control/requests.ts';
import { PermanentError } from '../../../bridge-core/errors.ts';
import { type ChannelId, channelId, remoteUserId, roomId, type UserId, userId } from '../../../bridge-core/ids.ts';
import { inFake } from '../../support/fake-adapter.ts';
import { type FakeBridgeWish, startFakeBridge } from '../../support/fake-bridge.ts';
import { openTempStore } from '../../support/temp-store.ts';
import { silentLog } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';

const permissions = { 'hs.test': 'user', '@op:hs.test': 'admin', '@none:hs.test': 'none' };
const eve = { id: remoteUserId('fake/eve'), name: 'Eve', fields: { nick: 'eve' } };
const garden = inFake('#garden');

async function start(t: TestContext, wish: FakeBridgeWish = {}) {
  const bridge = await startFakeBridge(t, { permissions, ...wish });
  const { homeserver } = bridge;
  const carol = homeserver.user('carol', 'Carol');
  const roomOf = (person: string, more: object = {}) =>
    homeserver.createRoom({
      ...{ creator: person, version: '11', levels: { users: { [person]: 100, [homeserver.bot]: 50 } } },
      ...{ members: [homeserver.bot], ...more },
    });
  const words = (room: string) =>
    homeserver
      .messages(room)
      .filter(({ sender }) => sender === homeserver.bot)
      .map(({ content }) => String(content.body));
  const hears = (room: string, pattern: RegExp) =>
    until(`the bot to say ${pattern}`, () => words(room).findLast((body) => pattern.test(body))).catch((thrown) => {
      throw new Error(`${thrown} – but: ${words(room).join(' | ')}`);
    });
  const ask = (act: Partial<NetworkAct> & { do: string }) =>
    bridge.adapter().inbox.asked?.({ channel: garden, by: eve, ...act } as NetworkAct) ?? Promise.reject(new Error('nobody takes it'));
  const isLinked = (room: string) =>
    homeserver.requests.some(({ path }) => path.includes(encodeURIComponent(room)) && path.includes('/state/m.bridge/'));
  return { bridge, homeserver, carol, roomOf, words, hears, ask, isLinked };
}

test('a member of the channel by their own login links at once, without the bridge’s admins', async (t) => {
  const { bridge, homeserver, carol, roomOf, hears } = await start(t);
  const room = roomOf(carol);
  homeserver.say(carol, room, '!fake link #garden');
  await hears(room, /nobody in fake\/#garden agreed/);
  bridge.adapter().channels.approved.add(`${garden} ${carol}`);
  homeserver.say(carol, room, '!fake link #garden');
  await hears(room, /^#garden on Fake is now linked to this room/);
});

test('power in the room is needed all the same, and the permission to use the bridge', async (t) => {
  const { bridge, homeserver, carol, roomOf, hears } = await start(t);
  const none = homeserver.user('none');
  const room = roomOf(homeserver.user('dave'), { members: [homeserver.bot, carol, none] });
  for (const person of [carol, none]) bridge.adapter().channels.approved.add(`${garden} ${person}`);
  homeserver.say(carol, room, '!fake link #garden');
  await hears(room, /@carol:hs.test has power level 0 in the room and needs 50/);
  homeserver.say(none, room, '!fake link #garden');
  await hears(room, /@none:hs.test may not link channels: .*“user”/);
  assert.deepEqual(bridge.adapter().channels.asked, []);
});

test('somebody in the channel is asked: once, and linked when they agree', async (t) => {
  const { bridge, homeserver, carol, roomOf, hears, ask } = await start(t);
  const room = roomOf(carol);
  const { channels } = bridge.adapter();
  channels.answering.add(garden);
  homeserver.say(carol, room, '!fake link #garden');
  await hears(room, /^I have asked in #garden; it is linked once somebody there agrees, within a day/);
  homeserver.say(carol, room, '!fake link #garden');
  await until(
    'the second answer',
    () => homeserver.messages(room).filter(({ sender }) => sender === homeserver.bot).length === 2 || undefined,
  );
  assert.deepEqual(channels.asked, [{ channel: garden, requester: carol, room }]);
  await bridge.restart();
  const answer = { do: 'approve', room: roomId(room), requester: userId(carol) } as const;
  assert.equal(await ask({ ...answer, requester: userId('@dave:hs.test') }), 'Nobody waits for that answer any more.');
  assert.equal(await ask(answer), '#garden is now linked to the room that @carol:hs.test asked for.');
  await hears(room, /^Eve in #garden agreed: #garden is now linked to this room/);
  assert.equal(await ask(answer), 'Nobody waits for that answer any more.');
});

test('who is quick may agree before it is written down that they were asked', async (t) => {
  const { bridge, homeserver, carol, roomOf, hears, ask } = await start(t);
  const room = roomOf(carol);
  let answer: Promise<string> | undefined;
  bridge.adapter().channels.approvePlumb = async (_channel, requester, { id }) => {
    answer = ask({ do: 'approve', room: roomId(id), requester });
    await new Promise((resolve) => setTimeout(resolve, 20));
    return 'asked';
  };
  homeserver.say(carol, room, '!fake link #garden');
  await hears(room, /agreed: #garden is now linked/);
  assert.match((await answer) ?? '', /is now linked/);
});

test('refused there; lost power in the meantime; nobody answered for a day', async (t) => {
  const { bridge, homeserver, carol, roomOf, hears, ask, isLinked } = await start(t);
  const room = roomOf(carol);
  bridge.adapter().channels.answering.add(garden);
  const answer = { room: roomId(room), requester: userId(carol) } as const;
  const request = async () => {
    const before = bridge.adapter().channels.asked.length;
    homeserver.say(carol, room, '!fake link #garden');
    await until('the asking', () => bridge.adapter().channels.asked.length > before || undefined);
    await hears(room, /^I have asked/);
  };
  await request();
  await until('the row', () => (rows(bridge.storePath) === 1 ? true : undefined));
  assert.equal(await ask({ do: 'refuse', ...answer }), 'It is refused; @carol:hs.test is told.');
  await hears(room, /^Eve in #garden refused the link that @carol:hs.test asked for/);
  await request();
  await until('the row', () => (rows(bridge.storePath) === 1 ? true : undefined));
  homeserver.setState(carol, room, 'm.room.power_levels', '', { users: { [homeserver.bot]: 50 } });
  assert.match(await ask({ do: 'approve', ...answer }), /^That was not done: @carol:hs.test has power level 0/);
  assert.ok(!isLinked(room));
  const store = new Sqlite(bridge.storePath);
  store.prepare('UPDATE requests SET at = at - 86400000').run();
  store.close();
  await bridge.restart();
  await hears(room, /^Nobody in #garden answered within a day, so it is not linked/);
  assert.equal(rows(bridge.storePath), 0);
});

test('asked from the channel: the room hears who and where, and whoever rules it agrees by a word', async (t) => {
  const { bridge, homeserver, carol, roomOf, hears, ask, words, isLinked } = await start(t);
  const dave = homeserver.user('dave');
  const room = roomOf(carol, { members: [homeserver.bot, dave], alias: '#beds:hs.test' });
  assert.match(await ask({ do: 'link', room: '#beds:hs.test' }), /^I have asked in the Matrix room/);
  await hears(room, /^Eve asks to link this room to #garden on Fake\. .*“!fake approve”.*“!fake refuse”/);
  assert.match(await ask({ do: 'link', room }), /^I have asked in the Matrix room/);
  assert.equal(words(room).length, 1, 'said once');
  homeserver.say(dave, room, '!fake approve');
  await hears(room, /@dave:hs.test has power level 0/);
  assert.ok(!isLinked(room));
  homeserver.say(carol, room, '!fake approve');
  await hears(room, /^#garden on Fake is now linked to this room/);
  await until('the answer to reach Eve', () => bridge.network.told.includes('eve: #garden is linked to the Matrix room now.') || undefined);
  homeserver.say(carol, room, '!fake approve');
  await hears(room, /nothing was asked for here/);
});

test('to link the channel that asked is to agree; a refusal is told', async (t) => {
  const { bridge, homeserver, carol, roomOf, hears, ask } = await start(t);
  const [one, other] = [roomOf(carol), roomOf(carol)];
  await ask({ do: 'link', room: one });
  await ask({ do: 'link', room: other });
  homeserver.say(carol, other, '!fake refuse #garden');
  await hears(other, /^#garden is refused/);
  await until('Eve', () => bridge.network.told.includes('eve: The Matrix room does not want to be linked to #garden.') || undefined);
  homeserver.say(carol, one, '!fake link #garden');
  await hears(one, /^#garden on Fake is now linked to this room/);
});

test('who asks in the channel and rules the room by their own login links at once', async (t) => {
  const { carol, roomOf, hears, ask } = await start(t);
  const room = roomOf(carol);
  assert.equal(await ask({ do: 'link', room, user: userId(carol) }), `#garden is now linked to ${room}.`);
  await hears(room, /^@carol:hs.test linked this room to #garden on Fake/);
  assert.equal(await ask({ do: 'link', room }), '#garden is linked to that room already.');
});

test('a room that is not there and one that the bot is not in are the same', async (t) => {
  const { homeserver, carol, ask } = await start(t);
  const closed = homeserver.createRoom({ creator: carol, joinRule: 'invite', alias: '#closed:hs.test' });
  const asked = async (room: string) => (await ask({ do: 'link', room })).replaceAll(room, 'X');
  const nothing = await asked('#nothing:hs.test');
  assert.match(nothing, /I am in no room called X: invite @bridge:hs.test there first/);
  for (const room of ['#closed:hs.test', closed, '!nowhere:hs.test', 'not a room']) assert.equal(await asked(room), nothing, room);
});

test('a channel that is not there and one that the asker may not know of are the same; admins may', async (t) => {
  const { bridge, homeserver, carol, roomOf, hears } = await start(t);
  const { channels } = bridge.adapter();
  const asker = channels.resolve.bind(channels);
  channels.resolve = async (query: string, by?: UserId) => (by !== undefined && query === '#secret' ? undefined : asker(query));
  const room = roomOf(carol, { members: [homeserver.bot, homeserver.user('op')] });
  homeserver.say(carol, room, '!fake link #secret');
  await hears(room, /#secret names no channel of a network that is configured/);
  homeserver.say(carol, room, '!fake link nonsense');
  await hears(room, /nonsense names no channel of a network that is configured/);
  homeserver.setState(carol, room, 'm.room.power_levels', '', { users: { [carol]: 100, '@op:hs.test': 100, [homeserver.bot]: 50 } });
  homeserver.say('@op:hs.test', room, '!fake link #secret');
  await hears(room, /^#secret on Fake is now linked/);
});

test('from the channel: status, who, unlink; what stands in the config stays', async (t) => {
  const { bridge, homeserver, carol, roomOf, hears, ask } = await start(t);
  assert.equal(await ask({ do: 'status' }), '#garden is not linked to Matrix.');
  assert.equal(await ask({ do: 'unlink' }), '#garden is not linked.');
  const room = roomOf(carol, { name: 'Beds' });
  homeserver.setState(carol, room, 'm.room.name', '', { name: 'Beds\nand more' });
  await ask({ do: 'link', room, user: userId(carol) });
  assert.equal(await ask({ do: 'status' }), '#garden is linked to Beds and more');
  // Asked by another each time: one alone would soon ask too much.
  const others = Array.from({ length: 1_000 }, (_, number) => ({ ...eve, id: remoteUserId(`fake/eve${number}`) }));
  const who = async () => await ask({ do: 'who', by: others.pop() ?? eve });
  await until('her name', async () => (await who()) === 'In #garden from Matrix: Carol (@carol:hs.test)');
  assert.equal(await ask({ do: 'unlink', room: '#other:hs.test' }), '#garden is not linked to #other:hs.test.');
  assert.equal(await ask({ do: 'unlink' }), '#garden is no longer linked to Beds and more.');
  await hears(room, /^Eve in #garden took the link away/);
  const place = { channel: inFake('#place') };
  assert.match(await ask({ do: 'unlink', ...place }), /^The link of #place stands in the bridge’s config/);
  assert.match(await ask({ do: 'status', ...place }), /^#place is linked to /);
  assert.ok(bridge.network.channel('#place').members.has('causeway'));
});

test('who asks too much waits', async (t) => {
  const { ask } = await start(t);
  for (let count = 0; count < 10; count += 1) assert.doesNotMatch(await ask({ do: 'status' }), /too much/);
  assert.match(await ask({ do: 'status' }), /^You ask too much at once; ask again in \d+ s/);
  const other = { ...eve, id: remoteUserId('fake/mallory') };
  assert.doesNotMatch(await ask({ do: 'status', by: other }), /too much/);
});

test('limits hold for links made on request, and not for the bridge’s admins', async (t) => {
  const { bridge, homeserver, carol, roomOf, hears, ask } = await start(t, {
    settings: 'provisioning: { require_public_room: true, limits: { rooms: 1 } }',
  });
  const { channels } = bridge.adapter();
  for (const name of ['#garden', '#shed', '#pond']) channels.approved.add(`${inFake(name)} ${carol}`);
  const closed = roomOf(carol, { joinRule: 'invite' });
  homeserver.say(carol, closed, '!fake link #garden');
  await hears(closed, /not everybody may join/);
  assert.match(await ask({ do: 'link', room: closed }), /not everybody may join/);
  const room = roomOf(carol, { joinRule: 'public' });
  homeserver.say(carol, room, '!fake link #garden');
  await hears(room, /^#garden on Fake is now linked/);
  const more = roomOf(carol, { joinRule: 'public' });
  homeserver.say(carol, more, '!fake link #shed');
  await hears(more, /this bridge serves 1 rooms, and has as many/);
  const op = homeserver.user('op');
  const theirs = roomOf(op, { joinRule: 'invite' });
  homeserver.say(op, theirs, '!fake link #pond');
  await hears(theirs, /^#pond on Fake is now linked/);
});

test('nobody is asked for an encrypted room, in the channel or in the room', async (t) => {
  const { bridge, homeserver, carol, roomOf, words, hears, ask } = await start(t);
  const room = roomOf(carol);
  homeserver.setState(carol, room, 'm.room.encryption', '', { algorithm: 'm.megolm.v1.aes-sha2' });
  bridge.adapter().channels.answering.add(garden);
  homeserver.say(carol, room, '!fake link #garden');
  await hears(room, /the room is encrypted/);
  assert.deepEqual(bridge.adapter().channels.asked, []);
  const told = words(room).length;
  assert.match(await ask({ do: 'link', room }), /^That was not done: the room is encrypted/);
  assert.equal(words(room).length, told);
});

test('limits and permissions are asked again when the channel or the room answers', async (t) => {
  const { bridge, homeserver, carol, roomOf, hears, ask } = await start(t, { settings: 'provisioning: { limits: { rooms: 1 } }' });
  const [one, other, third] = [roomOf(carol), roomOf(carol), roomOf(carol)];
  const places = [inFake('#garden'), inFake('#shed')] as const;
  for (const place of places) bridge.adapter().channels.answering.add(place);
  homeserver.say(carol, one, '!fake link #garden');
  await hears(one, /^I have asked/);
  homeserver.say(carol, other, '!fake link #shed');
  await hears(other, /^I have asked/);
  assert.match(await ask({ do: 'link', room: third, channel: inFake('#pond') }), /^I have asked/);
  const answer = { do: 'approve', requester: userId(carol) } as const;
  assert.match(await ask({ ...answer, room: roomId(one) }), /is now linked/);
  assert.match(await ask({ ...answer, room: roomId(other), channel: places[1] }), /this bridge serves 1 rooms, and has as many/);
  homeserver.say(carol, third, '!fake approve');
  await hears(third, /this bridge serves 1 rooms, and has as many/);
  await bridge.restart({ permissions: { 'hs.test': 'none' } });
  assert.match(await ask({ ...answer, room: roomId(other), channel: places[1] }), /@carol:hs.test may not link channels/);
});

test('nobody links the private chat of others to a room, though they are in it', async (t) => {
  const { bridge, homeserver, carol, roomOf, hears, ask, isLinked } = await start(t);
  const room = roomOf(carol);
  const { channels } = bridge.adapter();
  const chat = inFake('&carol&eve');
  assert.match(await ask({ do: 'link', room, user: userId(carol), channel: chat }), /a chat of a few people is linked to no room/);
  channels.resolve = async () => channels.describe(chat);
  channels.approved.add(`${chat} ${carol}`);
  homeserver.say(carol, room, '!fake link the chat');
  await hears(room, /a chat of a few people is linked to no room/);
  assert.ok(!isLinked(room));
});

test('what is left of a network that was taken out of the config stops neither a start nor anybody else’s links', async (t) => {
  const { store } = openTempStore(t);
  let now = Date.now();
  const requests = new Requests({ store, now: () => now });
  const gone = channelId('gone/#garden');
  await requests.add({ room: roomId('!r:hs.test'), channel: gone, requester: '@carol:hs.test', side: 'matrix' });
  const describe = (id: ChannelId): Channel => {
    if (id === gone) throw new PermanentError('CHANNEL_UNKNOWN', 'there is no network gone');
    return { id, name: '#shed', network: { id: 'fake', name: 'Fake', domain: 'fake.test', aliases: [] } };
  };
  const told: string[] = [];
  const links = { all: () => [{ channel: gone, origin: 'command' }], find: () => undefined, byChannel: () => [] };
  const consent = new Consent({
    ...{
      adapter: { channels: { describe } },
      homeserver: { fullState: async () => [] },
      requests,
      links,
      log: silentLog,
      tell: (_room: string, text: string) => void told.push(text),
    },
    limits: { rooms: 5, networks: 1, requirePublicRoom: false, channels: { allow: ['*'], deny: [] } },
  } as never);
  t.after(() => consent.stop());
  now += 25 * 3_600_000;
  consent.start();
  assert.deepEqual(told, ['Nobody in gone/#garden answered within a day, so it is not linked; it can be asked for again.']);
  await until('the request to be gone', () => requests.expired().length === 0 || undefined);
  await consent.mustBeFree(roomId('!other:hs.test'), describe(inFake('#shed')));
});

function rows(path: string): unknown {
  const store = new Sqlite(path, { readonly: true });
  try {
    return store.prepare('SELECT count(*) FROM requests').pluck().get();
  } finally {
    store.close();
  }
}

test('which channels people may link is the operator’s to say, from either side; the bridge’s admins may link any', async (t) => {
  const settings = "provisioning: { channels: { deny: ['#gard*'] } }";
  const { bridge, homeserver, carol, roomOf, hears, ask } = await start(t, { settings });
  const room = roomOf(carol);
  bridge.adapter().channels.approved.add(`${garden} ${carol}`);
  homeserver.say(carol, room, '!fake link #garden');
  await hears(room, /lets only its admins link #garden/);
  assert.match(await ask({ do: 'link', room }).catch((thrown) => thrown.message), /lets only its admins link #garden/);
  bridge.adapter().channels.approved.add(`${inFake('#shed')} ${carol}`);
  homeserver.say(carol, room, '!fake link #shed');
  await hears(room, /^#shed on Fake is now linked to this room/);
  const op = homeserver.user('op');
  const other = roomOf(op);
  homeserver.say(op, other, '!fake link #garden');
  await hears(other, /^#garden on Fake is now linked to this room/);
});
