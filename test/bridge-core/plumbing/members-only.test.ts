// Rooms of private channels, shared by those who are in them by accounts of their own, on a whole bridge over the fakes.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { inFake } from '../../support/fake-adapter.ts';
import type { FakeBridgeWish } from '../../support/fake-bridge.ts';
import { until } from '../../support/waiting.ts';
import { type LoggedIn, startLoggedIn } from '../logged-in.ts';

const settings = 'portals: { aliases: true, directory: true, spaces: true }\nmembership: { per_second: 1000 }';
const aliasOf = (name: string) => `#fake_${name.replace('#', '=23')}:hs.test`;

interface Scene extends LoggedIn {
  state(room: string, type: string, key?: string): Record<string, unknown> | undefined;
  /** One that is linked to nothing else, whatever becomes of it. */
  roomOf(name: string): Promise<string>;
  members(room: string): Record<string, string>;
  /** Only those who are in it may know of it. */
  hide(name: string, isPrivate?: boolean): void;
  /** In their direct chat; the bot's answer. */
  ask(person: string, line: string, answer: RegExp): Promise<string>;
}

async function begin(t: TestContext, wish: FakeBridgeWish = {}): Promise<Scene> {
  const bridge = await startLoggedIn(t, {
    settings,
    ...wish,
    options: { mirror: { channels: true, people: 'off', isPrivateToo: true }, ...wish.options },
  });
  const { homeserver, network } = bridge;
  const state: Scene['state'] = (room, type, key = '') => homeserver.room(room).stateOf(type, key)?.content;
  const chats = new Map<string, string>();
  network.channel('#den');
  bridge.adapter().channels.hidden.add('#den');
  return {
    ...{ ...bridge, state },
    roomOf: (name) =>
      until(`a room of ${name}; ${bridge.lines.slice(-3).join('; ')}`, () => {
        const key = `dev.causeway://fake/fake/${name}`;
        return [...homeserver.world.rooms.keys()].find(
          (room) => state(room, 'm.room.bridging', `fake://fake.test/${name}`) && state(room, 'm.bridge', key),
        );
      }),
    members: (room) =>
      Object.fromEntries([bridge.ada, bridge.bob, bridge.person].map((user) => [user.slice(1, 4), homeserver.room(room).membership(user)])),
    hide(name, isPrivate = true) {
      if (isPrivate) bridge.adapter().channels.hidden.add(name);
      else bridge.adapter().channels.hidden.delete(name);
      bridge.adapter().inbox.changed?.(inFake(name), isPrivate);
    },
    async ask(person, line, answer) {
      const room = chats.get(person) ?? (await bridge.chat(person));
      chats.set(person, room);
      const before = bridge.words(room).length;
      homeserver.say(person, room, line);
      return await until(`an answer to ${line}; ${bridge.words(room).at(-1)}`, () =>
        bridge
          .words(room)
          .slice(before)
          .find((words) => answer.test(words)),
      );
    },
  };
}

/** That it is there; with ada in the channel and in the room. */
async function den(scene: Scene): Promise<string> {
  scene.network.join('ada', '#den');
  scene.adapter().inbox.changed?.(inFake('#den'));
  const room = await scene.roomOf('#den');
  await until('ada to be asked in', () => scene.members(room).ada === 'invite');
  scene.homeserver.join(scene.ada, room);
  return room;
}

const spaces = ({ homeserver }: Scene) =>
  [...homeserver.world.rooms.values()].filter((room) => room.stateOf('m.room.create')?.content.type === 'm.space');
const children = (scene: Scene): string[] =>
  spaces(scene).flatMap(({ state }) =>
    [...state.values()].flatMap((event) => (event.type === 'm.space.child' && 'via' in event.content ? [event.state_key ?? ''] : [])),
  );

test('a private channel has a room for those who are in it; to nobody else, admins too, is there a trace of it', async (t) => {
  const scene = await begin(t);
  const { homeserver, network, ada, bob, person } = scene;
  await scene.logIn(ada, bob);
  network.channel('#lawn');
  scene.adapter().inbox.changed?.(inFake('#lawn'));
  const lawn = await scene.roomOf('#lawn');
  const room = await den(scene);
  assert.deepEqual(scene.members(room), { ada: 'join', bob: 'leave', ann: 'leave' });
  assert.equal(scene.state(room, 'm.room.join_rules')?.join_rule, 'invite');
  assert.equal(scene.state(room, 'm.room.history_visibility')?.history_visibility, 'invited');
  assert.deepEqual(
    [scene.state(room, 'm.room.power_levels')?.invite, scene.state(room, 'm.room.canonical_alias')],
    [100, undefined],
    'nobody but the bot asks others in',
  );
  network.say('zoe', '#den', 'hello in there');
  await until('the words', () => scene.spoken(room).includes('fake_zoe: hello in there'));
  homeserver.say(ada, room, 'hello out there');
  await until('hers', () => network.said('#den').includes('ada: hello out there'));

  await until('the space', () => children(scene).includes(lawn));
  assert.deepEqual(children(scene), [lawn]);
  const { pusher, world } = homeserver;
  assert.deepEqual([...world.listed], [lawn]);
  assert.ok(![...world.aliases.values()].includes(room));
  const found = async (alias: string) => (await pusher.ask('GET', `/_matrix/app/v1/rooms/${encodeURIComponent(alias)}`)).status;
  assert.deepEqual([await found(aliasOf('#den')), await found(aliasOf('#nothing'))], [404, 200]);
  const lookedUp = async (fields: string) => (await pusher.ask('GET', `/_matrix/app/v1/thirdparty/location/fake?${fields}`)).text;
  assert.ok(!(await lookedUp('channel=%23den')).includes(room));
  // Somebody in it gives it an alias of their own.
  world.aliases.set('#ours:hs.test', room);
  assert.equal((await pusher.ask('GET', `/_matrix/app/v1/thirdparty/location?alias=${encodeURIComponent('#ours:hs.test')}`)).text, '[]');
  for (const who of [bob, person]) {
    assert.doesNotMatch(await scene.ask(who, 'list', /linked|#lawn/), /den/);
    assert.doesNotMatch(await scene.ask(who, 'status', /connected/), /den/);
    assert.doesNotMatch(await scene.ask(who, `unlink ${room}`, /not done/), /den/);
  }
  await scene.ask(person, `link ${scene.room} #den`, /#den names no channel/);
  await scene.ask(person, 'status', /rooms for 2 of 2 channels/);
  await scene.ask(ada, 'list', /#den on Fake/);
  assert.equal(scene.spoken(room).length, 2);
});

test('who goes from the channel is put out before anything more is shown, who comes is asked in; leaving the room leaves nothing', async (t) => {
  const scene = await begin(t);
  const { homeserver, network, ada, bob } = scene;
  await scene.logIn(ada, bob);
  const room = await den(scene);
  network.join('bob', '#den');
  await until('bob to be asked in', () => scene.members(room).bob === 'invite');
  homeserver.join(bob, room);
  homeserver.setLatency(30);
  network.leave('ada', '#den');
  network.say('zoe', '#den', 'she is gone');
  await until('the words', () => scene.spoken(room).includes('fake_zoe: she is gone'));
  homeserver.setLatency(0);
  assert.deepEqual(scene.members(room), { ada: 'leave', bob: 'join', ann: 'leave' });
  const order = homeserver.events(room).map(({ type, state_key, content }) => (type === 'm.room.message' ? content.body : state_key));
  assert.ok(order.lastIndexOf(ada) < order.indexOf('she is gone'), order.join(' '));
  network.join('ada', '#den');
  await until('her to be asked in again', () => scene.members(room).ada === 'invite');

  // One after the other, the second while the first is put out.
  homeserver.join(ada, room);
  homeserver.fault({ on: 'POST .*/kick', times: 2, act: { wait: 300 } });
  const kicks = () => homeserver.requests.filter(({ path }) => path.endsWith('/kick')).length;
  const before = kicks();
  network.leave('ada', '#den');
  await until('her to be on the way out', () => kicks() > before);
  network.leave('bob', '#den');
  network.say('zoe', '#den', 'both are gone');
  await until('the words', () => scene.spoken(room).includes('fake_zoe: both are gone'));
  assert.deepEqual(scene.members(room), { ada: 'leave', bob: 'leave', ann: 'leave' });
  const later = homeserver.events(room).map(({ type, state_key, content }) => (type === 'm.room.message' ? content.body : state_key));
  assert.ok(
    [ada, bob].every((who) => later.lastIndexOf(who) < later.indexOf('both are gone')),
    later.join(' '),
  );
  for (const nick of ['ada', 'bob']) network.join(nick, '#den');
  await until('both to be asked in', () => ['ada', 'bob'].every((who) => scene.members(room)[who] === 'invite'));
  homeserver.join(bob, room);

  // Who leaves by themselves is not asked again, and is still in the channel.
  homeserver.leave(bob, room);
  await scene.settled();
  assert.ok(network.channel('#den').members.has('bob'));
  await scene.restart();
  network.say('zoe', '#den', 'anybody?');
  await until('the words', () => scene.spoken(room).includes('fake_zoe: anybody?'));
  assert.deepEqual(scene.members(room), { ada: 'invite', bob: 'leave', ann: 'leave' });
});

test('with their login goes their place in the room, be it that they log out or that the network takes it no more; it comes back with it', async (t) => {
  const scene = await begin(t);
  const { homeserver, network, ada, bob } = scene;
  await scene.logIn(ada, bob);
  const room = await den(scene);
  network.join('bob', '#den');
  await until('bob to be asked in', () => scene.members(room).bob === 'invite');
  await scene.ask(ada, 'logout', /no longer logged in/);
  await until('her to be out', () => scene.members(room).ada === 'leave');
  assert.ok(network.channel('#den').members.has('ada'), 'she is still in the channel');
  scene.adapter().inbox.connection({ as: 'user', user: bob as never }, 'fake', 'logged-out', 'revoked');
  await until('him to be out', () => scene.members(room).bob === 'leave');
  await scene.logIn(ada, bob);
  await until('both to be asked in', () => ['ada', 'bob'].every((who) => scene.members(room)[who] === 'invite'));
  homeserver.join(ada, room);
  network.say('zoe', '#den', 'welcome back');
  await until('the words', () => scene.spoken(room).includes('fake_zoe: welcome back'));
});

test('a start puts out whom the channel lost meanwhile, before anything that was said since; nothing is made twice', async (t) => {
  const scene = await begin(t);
  const { homeserver, network, ada, bob } = scene;
  await scene.logIn(ada, bob);
  const room = await den(scene);
  network.join('bob', '#den');
  await until('bob to be asked in', () => scene.members(room).bob === 'invite');
  homeserver.join(bob, room);
  network.say('zoe', '#den', 'before');
  await until('the words', () => scene.spoken(room).includes('fake_zoe: before'));
  await scene.adapter().reported();
  const made = () => homeserver.requests.filter(({ path }) => path.endsWith('/createRoom')).length;
  const before = made();
  network.down();
  network.leave('ada', '#den');
  network.say('zoe', '#den', 'meanwhile');
  await scene.restart();
  network.up();
  await until('the words', () => scene.spoken(room).includes('fake_zoe: meanwhile'));
  assert.deepEqual(scene.members(room), { ada: 'leave', bob: 'join', ann: 'leave' });
  const order = homeserver.events(room).map(({ type, state_key, content }) => (type === 'm.room.message' ? content.body : state_key));
  assert.ok(order.lastIndexOf(ada) < order.indexOf('meanwhile'), order.join(' '));
  assert.equal(made(), before);
});

test('who is in the room without the bridge having been told is put out after a start, before anything is shown', async (t) => {
  const scene = await begin(t);
  const { homeserver, network, ada, bob } = scene;
  await scene.logIn(ada, bob);
  const room = await den(scene);
  await scene.settled();
  homeserver.pusher.pushTo(undefined);
  homeserver.world.setMembership(homeserver.room(room), homeserver.bot, bob, 'join');
  await scene.restart();
  network.say('zoe', '#den', 'between us');
  await until('the words', () => scene.spoken(room).includes('fake_zoe: between us'));
  assert.deepEqual(scene.members(room), { ada: 'join', bob: 'leave', ann: 'leave' });
});

test('cut short between room and link it is finished after the start, the same room and as closed', async (t) => {
  const scene = await begin(t);
  const { homeserver, network, ada } = scene;
  await scene.logIn(ada);
  network.join('ada', '#den');
  const rooms = () => [...homeserver.world.rooms.values()].filter((room) => room.stateOf('m.room.name')?.content.name === '#den');
  homeserver.fault({ on: 'PUT .*/state/m.room.bridging/.*den', act: { answer: 502 } });
  homeserver.fault({ on: 'POST .*/createRoom', times: 1, act: { drop: 'after' } });
  scene.adapter().inbox.changed?.(inFake('#den'));
  await until('the room', () => rooms()[0]);
  await scene.restart();
  homeserver.clearFaults();
  const room = await scene.roomOf('#den');
  await until('her to be asked in', () => scene.members(room).ada === 'invite');
  assert.deepEqual(
    rooms().map(({ id }) => id),
    [room],
  );
  assert.equal(scene.state(room, 'm.room.join_rules')?.join_rule, 'invite');
  assert.ok(!homeserver.world.listed.has(room));
});

test('a channel that is made private closes its room to others before anything more of it is shown, and opens it again', async (t) => {
  const scene = await begin(t);
  const { homeserver, network, ada, bob, person } = scene;
  await scene.logIn(ada, bob);
  network.join('ada', '#lawn');
  scene.adapter().inbox.changed?.(inFake('#lawn'));
  const room = await scene.roomOf('#lawn');
  await until('the space', () => children(scene).includes(room));
  for (const user of [ada, bob, person]) homeserver.join(user, room);
  network.say('zoe', '#lawn', 'for all');
  await until('the words', () => scene.spoken(room).includes('fake_zoe: for all'));
  await scene.settled();

  // It takes a while until it is known who may see it.
  const looked = Promise.withResolvers<void>();
  scene.adapter().mirror.looks = (name) => (name === '#lawn' ? looked.promise : Promise.resolve());
  scene.hide('#lawn');
  network.say('zoe', '#lawn', 'for few');
  await scene.settled();
  assert.ok(!scene.spoken(room).includes('fake_zoe: for few'));
  looked.resolve();
  await until('the words', () => scene.spoken(room).includes('fake_zoe: for few'));
  assert.deepEqual(scene.members(room), { ada: 'join', bob: 'leave', ann: 'leave' });
  assert.ok(network.channel('#lawn').members.has('ada'));
  const order = homeserver.events(room).map(({ type, state_key, content }) => (type === 'm.room.message' ? content.body : state_key));
  for (const who of [bob, person]) assert.ok(order.lastIndexOf(who) < order.indexOf('for few'));
  assert.equal(scene.state(room, 'm.room.join_rules')?.join_rule, 'invite');
  assert.equal(scene.state(room, 'm.room.history_visibility')?.history_visibility, 'invited');
  await until(
    'no trace',
    () => !children(scene).includes(room) && !homeserver.world.listed.has(room) && !homeserver.world.aliases.has(aliasOf('#lawn')),
  );
  assert.equal((await homeserver.pusher.ask('GET', `/_matrix/app/v1/rooms/${encodeURIComponent(aliasOf('#lawn'))}`)).status, 404);

  await scene.restart();
  network.say('zoe', '#lawn', 'after a start');
  await until('the words', () => scene.spoken(room).includes('fake_zoe: after a start'));
  scene.hide('#lawn', false);
  await until('the alias', () => homeserver.world.aliases.get(aliasOf('#lawn')) === room && homeserver.world.listed.has(room));
  await until('the space', () => children(scene).includes(room));
  await until('the open door', () => scene.state(room, 'm.room.join_rules')?.join_rule === 'public');
  assert.equal(scene.state(room, 'm.room.history_visibility')?.history_visibility, 'joined');
  homeserver.join(person, room);
  network.say('zoe', '#lawn', 'for all again');
  await until('the words', () => scene.spoken(room).includes('fake_zoe: for all again'));
});

test('where private ones are to have no room, a channel that is made private shows nothing of what was said since, also once it is open again', async (t) => {
  const scene = await begin(t, { options: { mirror: { channels: true, people: 'off' } } });
  const { homeserver, network, person } = scene;
  network.channel('#lawn');
  scene.adapter().inbox.changed?.(inFake('#lawn'));
  const room = await scene.roomOf('#lawn');
  homeserver.join(person, room);
  const looked = Promise.withResolvers<void>();
  scene.adapter().mirror.looks = () => looked.promise;
  scene.hide('#lawn');
  network.say('zoe', '#lawn', 'for few');
  await scene.adapter().reported();
  looked.resolve();
  await scene.hears(room, /is private now/);
  assert.equal(scene.members(room).ann, 'join');
  scene.hide('#lawn', false);
  await scene.hears(room, /is shown here again/);
  // There and back before anybody looked.
  const lookedAgain = Promise.withResolvers<void>();
  scene.adapter().mirror.looks = () => lookedAgain.promise;
  scene.hide('#lawn');
  network.say('zoe', '#lawn', 'for few again');
  await scene.adapter().reported();
  scene.hide('#lawn', false);
  lookedAgain.resolve();
  // Nothing tells when it is found out that all may hear.
  await until('the words', async () => {
    network.say('zoe', '#lawn', 'for all');
    await scene.adapter().reported();
    return scene.spoken(room).includes('fake_zoe: for all');
  });
  assert.deepEqual([...new Set(scene.spoken(room))], ['fake_zoe: for all']);
  assert.ok(![...homeserver.world.rooms.values()].some((each) => each.stateOf('m.room.name')?.content.name === '#den'));
});

test('who has a room of their own of it is not asked into the shared one until they close that; “join” leads into the one that there is', async (t) => {
  const scene = await begin(t, { settings: `${settings}\nsidecar: true`, options: { mirror: { channels: false, people: 'off' } } });
  const { homeserver, network, ada, bob } = scene;
  await scene.logIn(ada, bob);
  for (const nick of ['ada', 'bob']) network.join(nick, '#den');
  const own = /(!\S+)/.exec(await scene.ask(ada, 'join #den', /is yours in/))?.[1] ?? '';
  homeserver.join(ada, own);
  Object.assign(scene.adapter().options, { mirror: { channels: true, people: 'off', isPrivateToo: true } });
  Object.assign(scene.adapter().mirror, { wish: scene.adapter().options.mirror });
  scene.adapter().channels.seesHidden = true;
  scene.adapter().inbox.changed?.(inFake('#den'));
  const isShared = (each: string) => each !== own && scene.state(each, 'm.room.bridging', 'fake://fake.test/#den') !== undefined;
  const room = await until('the shared room', () => [...homeserver.world.rooms.keys()].find(isShared));
  await until('him to be asked in', () => scene.members(room).bob === 'invite');
  assert.equal(scene.members(room).ada, 'leave');
  homeserver.leave(bob, room);
  await scene.settled();
  assert.ok((await scene.ask(bob, 'list', /#den on Fake: /)).includes(room));
  assert.ok((await scene.ask(bob, 'join #den', /is yours in/)).includes(room));
  await until('him to be asked in', () => scene.members(room).bob === 'invite');
  homeserver.join(bob, room);
  network.say('zoe', '#den', 'to both');
  await until('the words', () => [room, own].every((each) => scene.spoken(each).includes('fake_zoe: to both')));
  homeserver.say(bob, room, 'Bob here');
  await until('his', () => network.said('#den').includes('bob: Bob here'));
  await scene.settled();
  assert.equal(network.said('#den').filter((line) => line.includes('Bob here')).length, 1);
  assert.equal(scene.spoken(room).filter((line) => line.includes('to both')).length, 1);
  await scene.ask(ada, 'part #den', /is closed/);
  await until('her to be asked in', () => scene.members(room).ada === 'invite');
});

test('where the homeserver’s events are late, who goes and comes back is put out and asked in all the same; one that cannot be closed is shut', async (t) => {
  const scene = await begin(t);
  const { homeserver, network, ada, url } = scene;
  await scene.logIn(ada);
  const room = await den(scene);
  await scene.settled();
  homeserver.pusher.pushTo(undefined);
  network.leave('ada', '#den');
  await until('her to be out', () => scene.members(room).ada === 'leave');
  network.join('ada', '#den');
  await until('her to be asked in', () => scene.members(room).ada === 'invite');
  homeserver.join(ada, room);
  network.leave('ada', '#den');
  await until('her to be out again', () => scene.members(room).ada === 'leave');
  homeserver.pusher.pushTo(url);
  network.join('ada', '#den');
  await until('her to be asked in again', () => scene.members(room).ada === 'invite');
  await scene.settled();

  homeserver.fault({ on: 'POST .*/kick', act: { answer: 403, errcode: 'M_FORBIDDEN' } });
  network.leave('ada', '#den');
  network.say('zoe', '#den', 'not for her');
  await scene.hears(room, /cannot be kept to its people\. What is said there is no longer shown here/);
  await scene.settled();
  assert.deepEqual(scene.spoken(room), []);
});
