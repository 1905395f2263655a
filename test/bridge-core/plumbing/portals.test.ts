// Rooms made for channels when their alias is asked for, on a whole bridge over the fakes.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fits } from '../../../bridge-core/globs.ts';
import { whyNoPortal } from '../../../bridge-core/plumbing/portal-rules.ts';
import { inFake } from '../../support/fake-adapter.ts';
import { type FakeBridge, type FakeBridgeWish, startFakeBridge } from '../../support/fake-bridge.ts';
import { until } from '../../support/waiting.ts';

const garden = '#fake_=23garden:hs.test';

const on = 'portals: { aliases: true, deny: ["#no*"], directory: true, moderators: ["@ann:hs.test"] }';

const begin = (t: TestContext, wish: FakeBridgeWish = {}) => startFakeBridge(t, { settings: on, ...wish });

/** As a homeserver does when somebody joins an alias that it does not know. */
async function ask({ homeserver }: FakeBridge, alias: string): Promise<number> {
  return (await homeserver.pusher.ask('GET', `/_matrix/app/v1/rooms/${encodeURIComponent(alias)}`)).status;
}

const roomOf = ({ homeserver }: FakeBridge, alias: string): string | undefined => homeserver.world.aliases.get(alias);
const made = ({ homeserver }: FakeBridge): number => homeserver.requests.filter(({ path }) => path.endsWith('/createRoom')).length;

async function opened(bridge: FakeBridge, alias = garden): Promise<string> {
  assert.equal(await ask(bridge, alias), 200);
  const room = roomOf(bridge, alias);
  assert.ok(room);
  return room;
}

const said = (bridge: FakeBridge, room: string) => bridge.homeserver.messages(room).map(({ content }) => content.body);

test('an alias leads into a room of the channel, made once however many ask, and lines cross at once', async (t) => {
  const bridge = await begin(t);
  const { homeserver, network, person } = bridge;
  network.setTopic('zoe', '#garden', 'of flowers');
  assert.deepEqual(await Promise.all([ask(bridge, garden), ask(bridge, garden), ask(bridge, garden)]), [200, 200, 200]);
  assert.equal(made(bridge), 1);
  const room = roomOf(bridge, garden) as string;
  const state = (type: string, key = '') => homeserver.room(room).stateOf(type, key)?.content;
  assert.equal(state('m.room.name')?.name, '#garden');
  assert.equal(state('m.room.topic')?.topic, 'of flowers');
  assert.equal(state('m.room.join_rules')?.join_rule, 'public');
  assert.equal(state('m.room.history_visibility')?.history_visibility, 'joined');
  assert.deepEqual(state('m.room.bridging', 'fake://fake.test/#garden'), { user_id: homeserver.bot, status: 'success' });
  await until('the bridge info', () => state('m.bridge', 'dev.causeway://fake/fake/#garden')?.bridgebot === homeserver.bot);
  assert.deepEqual(state('m.room.power_levels')?.users, {
    [person]: 50,
    ...(homeserver.room(room).hasCreatorPower ? {} : { [homeserver.bot]: 100 }),
  });
  assert.ok(homeserver.world.listed.has(room));

  homeserver.join(person, room);
  network.say('zoe', '#garden', 'hello');
  await until('hello', () => said(bridge, room).includes('hello'));
  homeserver.say(person, room, 'hello back');
  await until('the answer', () => network.said('#garden').some((line) => line.endsWith('hello back')));
});

test('another spelling of the channel leads into the same room', async (t) => {
  const bridge = await begin(t);
  const room = await opened(bridge);
  assert.equal(await opened(bridge, '#fake_=23=47arden:hs.test'), room);
  assert.equal(made(bridge), 1);
});

test('what is denied, hidden or no channel has no room; nor has anything where aliases are off', async (t) => {
  const bridge = await begin(t);
  bridge.adapter().channels.hidden.add('#private');
  for (const alias of ['#fake_=23nothing:hs.test', '#fake_=23private:hs.test', '#fake_nonsense:hs.test', '#other:hs.test'])
    assert.equal(await ask(bridge, alias), 404, alias);
  const silent = await startFakeBridge(t);
  assert.equal(await ask(silent, garden), 404);
  assert.equal(made(bridge) + made(silent), 0);
});

test('a channel that does not let the bot in has no room, and is asked again next time', async (t) => {
  const bridge = await begin(t);
  bridge.network.channel('#garden').isClosed = true;
  assert.equal(await ask(bridge, garden), 404);
  assert.equal(made(bridge), 0);
  bridge.network.channel('#garden').isClosed = false;
  await opened(bridge);
});

test('who asks for very many channels at once does not get them all', async (t) => {
  const bridge = await begin(t);
  const answers = await Promise.all(Array.from({ length: 70 }, (_, n) => ask(bridge, `#fake_=23c${n}:hs.test`)));
  assert.equal(answers.filter((status) => status === 200).length, 60);
  assert.equal(made(bridge), 60);
});

test('a network that is away makes no room', async (t) => {
  const bridge = await begin(t);
  bridge.network.down();
  assert.equal(await ask(bridge, garden), 404);
  assert.equal(made(bridge), 0);
});

test('a channel that is linked elsewhere has a room of its own only where that is allowed', async (t) => {
  const place = '#fake_=23place:hs.test';
  const bridge = await begin(t, { settings: 'portals: { aliases: true, beside_links: false }' });
  assert.equal(await ask(bridge, place), 404);
  const other = await begin(t);
  const room = await opened(other, place);
  other.network.say('zoe', '#place', 'both hear it');
  for (const each of [room, other.room]) await until('both', () => said(other, each).includes('both hear it'));
});

test('an answer that was lost: the room is found again, not made twice, and carries', async (t) => {
  const bridge = await begin(t);
  bridge.homeserver.fault({ on: 'POST .*/createRoom', act: { drop: 'after' }, times: 1 });
  const before = bridge.homeserver.world.rooms.size;
  assert.equal(await ask(bridge, garden), 404);
  await until('the link', async () => (await ask(bridge, garden)) === 200);
  assert.equal(bridge.homeserver.world.rooms.size, before + 1);
  bridge.network.say('zoe', '#garden', 'hello');
  await until('hello', () => said(bridge, roomOf(bridge, garden) as string).includes('hello'));
});

test('begun before a restart it is brought to an end after it, though nobody asks again', async (t) => {
  const bridge = await begin(t);
  bridge.homeserver.fault({ on: 'PUT .*/state/m.room.bridging', act: { answer: 503 } });
  const asked = ask(bridge, garden);
  await until('the room', () => roomOf(bridge, garden) !== undefined);
  await bridge.restart();
  await asked;
  bridge.homeserver.clearFaults();
  const room = roomOf(bridge, garden) as string;
  await until(
    'the claim',
    () => bridge.homeserver.room(room).stateOf('m.room.bridging', 'fake://fake.test/#garden')?.content.status === 'success',
  );
  bridge.network.say('zoe', '#garden', 'hello');
  await until('hello', () => said(bridge, room).includes('hello'));
});

test('the claim on the channel is defended in a room of ours as in any', async (t) => {
  const bridge = await begin(t);
  const room = await opened(bridge);
  const { homeserver, person } = bridge;
  homeserver.join(person, room);
  homeserver.setState(person, room, 'm.room.bridging', 'fake://fake.test/#garden', { user_id: person, status: 'success' });
  await until(
    'our word again',
    () => homeserver.room(room).stateOf('m.room.bridging', 'fake://fake.test/#garden')?.sender === homeserver.bot,
  );
});

test('unlinked, the alias leads nowhere, and asking for it makes a new room', async (t) => {
  const bridge = await begin(t);
  const room = await opened(bridge);
  bridge.homeserver.join(bridge.person, room);
  bridge.homeserver.say(bridge.person, room, '!fake unlink');
  await until('the alias to go', () => roomOf(bridge, garden) === undefined);
  await until('the room to be listed no longer', () => !bridge.homeserver.world.listed.has(room));
  assert.notEqual(await opened(bridge), room);
});

test('an alias that somebody took away leads into the room again', async (t) => {
  const bridge = await begin(t);
  const room = await opened(bridge);
  bridge.homeserver.world.aliases.delete(garden);
  assert.equal(await opened(bridge), room);
});

test('a room that is upgraded takes link, aliases and directory along', async (t) => {
  const bridge = await begin(t);
  const room = await opened(bridge);
  const { homeserver, network } = bridge;
  const next = homeserver.upgradeRoom(homeserver.bot, room);
  await until('the alias', () => roomOf(bridge, garden) === next);
  await until('the directory', () => homeserver.world.listed.has(next) && !homeserver.world.listed.has(room));
  network.say('zoe', '#garden', 'in the new room');
  await until('the line', () => said(bridge, next).includes('in the new room'));
});

test('a channel with another id from now on: its links follow, the claim under the new id, the old one given back', async (t) => {
  const bridge = await begin(t);
  const room = await opened(bridge);
  const { homeserver, network } = bridge;
  await bridge.adapter().moved(inFake('#garden'), inFake('#park'));
  const claim = (channel: string) => homeserver.room(room).stateOf('m.room.bridging', `fake://fake.test/${channel}`)?.content.status;
  await until('the claims', () => claim('#park') === 'success' && claim('#garden') === 'failure');
  network.say('zoe', '#park', 'here now');
  await until('the line', () => said(bridge, room).includes('here now'));
  assert.ok(!network.channel('#garden').members.has('causeway'));
});

test('a space holds the rooms of the network; who comes into one of them is invited once', async (t) => {
  const bridge = await begin(t, { settings: 'portals: { aliases: true, spaces: true }' });
  const { homeserver, person } = bridge;
  const rooms = [await opened(bridge), await opened(bridge, '#fake_=23park:hs.test')];
  const space = await until('the space', () =>
    [...homeserver.world.rooms.values()].find((room) => room.stateOf('m.room.create')?.content.type === 'm.space'),
  );
  const children = () => rooms.filter((room) => Array.isArray(space.stateOf('m.space.child', room)?.content.via));
  await until('both in it', () => children().length === 2);
  const isWithin = (room: string) => homeserver.room(room).stateOf('m.space.parent', space.id)?.content.canonical === true;
  await until('both to say so', () => rooms.every(isWithin));
  assert.equal(space.stateOf('m.room.name')?.content.name, 'Fake');
  homeserver.join(person, rooms[0] as string);
  await until('the invitation', () => space.membership(person) === 'invite');
  homeserver.leave(person, space.id);
  homeserver.join(person, rooms[1] as string);
  await homeserver.drained();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(space.membership(person), 'leave');
  homeserver.say(person, rooms[1] as string, '!fake unlink');
  await until('it is out', () => children().length === 1);
});

test('globs: any text, one sign, in any case; what is denied is denied', () => {
  for (const [glob, name, does] of [
    ['#a*', '#ABC', true],
    ['*', '', true],
    ['#?', '#', false],
    ['#?', '#x', true],
    ['*b*c', 'abxbyc', true],
    ['*b*c', 'abxbyd', false],
    ['net/#*', 'net/#x', true],
    ['#a.c', '#abc', false],
    [`${'*a'.repeat(30)}b`, 'a'.repeat(5000), false],
  ] as const)
    assert.equal(fits(glob, name), does, `${glob} ${name}`);
  const channel = { id: inFake('#x'), name: '#x', network: { id: 'fake', name: 'Fake', domain: 'fake.test', aliases: [] } };
  assert.equal(whyNoPortal(channel, { allow: ['*'], deny: [] }), undefined);
  assert.equal(whyNoPortal(channel, { allow: ['fake/*'], deny: [] }), undefined);
  assert.match(whyNoPortal(channel, { allow: ['*'], deny: ['FAKE/#X'] }) ?? '', /deny/);
  assert.match(whyNoPortal(channel, { allow: ['#y'], deny: [] }) ?? '', /allow/);
  assert.match(whyNoPortal({ ...channel, kind: 'private' }, { allow: ['*'], deny: [] }) ?? '', /public/);
});
