// Rooms whose channel is made private and public again while something else is under way, on a whole bridge over the fakes: what only
// some may see stays theirs, and what is for all comes.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { isVeiled } from '../../../bridge-core/plumbing/kept-back.ts';
import { inFake } from '../../support/fake-adapter.ts';
import type { FakeBridgeWish } from '../../support/fake-bridge.ts';
import { until } from '../../support/waiting.ts';
import { startLoggedIn } from '../logged-in.ts';

const alias = '#fake_=23lawn:hs.test';

async function begin(t: TestContext, wish: FakeBridgeWish = {}) {
  const bridge = await startLoggedIn(t, {
    settings: 'portals: { aliases: true, directory: true }\nmembership: { per_second: 1000 }',
    ...wish,
    options: { mirror: { channels: true, people: 'off', isPrivateToo: true }, history: true, closesGaps: false, ...wish.options },
  });
  const { homeserver, network } = bridge;
  await bridge.logIn(bridge.ada);
  network.join('ada', '#lawn');
  const state = (room: string, type: string, key = '') => homeserver.room(room).stateOf(type, key)?.content;
  const found = () => [...homeserver.world.rooms.values()].find((each) => each.stateOf('m.room.bridging', 'fake://fake.test/#lawn'));
  return {
    ...{ ...bridge, state, found, place: bridge.room },
    room: async () => {
      bridge.adapter().inbox.changed?.(inFake('#lawn'));
      const room = (await until('the room', found)).id;
      await until('its info', () => state(room, 'm.bridge', 'dev.causeway://fake/fake/#lawn'));
      return room;
    },
    turn: (isPrivate: boolean) => {
      const { channels, inbox } = bridge.adapter();
      if (isPrivate) channels.hidden.add('#lawn');
      else channels.hidden.delete('#lawn');
      inbox.changed?.(inFake('#lawn'), isPrivate);
    },
    say: async (words: string) => {
      network.say('zoe', '#lawn', words);
      await bridge.adapter().reported();
    },
    shown: (room: string) => bridge.spoken(room).map((line) => line.replace('fake_zoe: ', '')),
    linkOf: (room: string) => {
      const store = new Sqlite(bridge.storePath, { readonly: true });
      const row = store.prepare('SELECT state, options FROM links WHERE room = ?').get(room) as { state: string; options: string };
      store.close();
      return { state: row.state, options: JSON.parse(row.options) };
    },
  };
}

/** Says it until it is shown, for nothing tells when it is found out that all may hear. */
async function showsAgain({ say, shown }: Awaited<ReturnType<typeof begin>>, room: string): Promise<void> {
  await until('the words', async () => {
    await say('for all');
    return shown(room).includes('for all');
  });
}

test('a room that could not be closed before its channel is public again shows nothing of what was said for few', async (t) => {
  const scene = await begin(t);
  const room = await scene.room();
  scene.homeserver.join(scene.person, room);
  await scene.say('before');
  await until('the words', () => scene.shown(room).includes('before'));
  scene.homeserver.fault({ on: 'PUT .*/state/m.room.(join_rules|guest_access|history)', act: { answer: 502 } });
  scene.turn(true);
  await until('it to be for its people', () => scene.linkOf(room).options.membersOnly === true);
  await scene.say('for few');
  scene.turn(false);
  await until('it to be for all', () => scene.linkOf(room).options.membersOnly === undefined);
  scene.homeserver.clearFaults();
  await showsAgain(scene, room);
  assert.deepEqual([...new Set(scene.shown(room))], ['before', 'for all']);
});

test('what was said for few and cannot be shown before its room is opened is not shown in the open room', async (t) => {
  const scene = await begin(t);
  const room = await scene.room();
  scene.homeserver.join(scene.person, room);
  scene.turn(true);
  await until('it to be closed', () => scene.linkOf(room).options.guarded === true);
  scene.homeserver.fault({ on: 'PUT .*/send/m.room.message', act: { answer: 502 } });
  await scene.say('for few');
  scene.turn(false);
  await until('it to be open', () => scene.linkOf(room).options.guarded === undefined);
  scene.homeserver.join(scene.person, room);
  scene.homeserver.clearFaults();
  await showsAgain(scene, room);
  assert.deepEqual([...new Set(scene.shown(room))], ['for all']);
});

test('private again while its room is still to be opened: what is said waits no longer than until the room is looked at', async (t) => {
  const scene = await begin(t);
  const room = await scene.room();
  scene.turn(true);
  await until('it to be closed', () => scene.linkOf(room).options.guarded === true);
  scene.homeserver.fault({ on: 'PUT .*/send/m.room.message', act: { answer: 502 } });
  await scene.say('for few');
  scene.turn(false);
  await until('it to be for all', () => scene.linkOf(room).options.membersOnly === undefined);
  scene.turn(true);
  await until('it to be for few', () => scene.linkOf(room).options.membersOnly === true);
  scene.homeserver.clearFaults();
  await scene.say('for few again');
  await until('the words', () => scene.shown(room).includes('for few again'));
});

test('where nothing is kept in step, a room that was shut is looked at after a start, and opened', async (t) => {
  const scene = await begin(t, { options: { mirror: { channels: false, people: 'off' } } });
  const answer = await scene.homeserver.pusher.ask('GET', `/_matrix/app/v1/rooms/${encodeURIComponent(alias)}`);
  assert.equal(answer.status, 200);
  const room = (await until('the room', scene.found)).id;
  scene.turn(true);
  await scene.hears(room, /is private now/);
  await scene.restart({}, () => void scene.network.hidden.delete('#lawn'));
  await scene.hears(room, /is shown here again/);
});

test('a channel that gets another id before it was looked at is looked at by its new one', async (t) => {
  const scene = await begin(t, { options: { mirror: { channels: false, people: 'off' } } });
  const answer = await scene.homeserver.pusher.ask('GET', `/_matrix/app/v1/rooms/${encodeURIComponent(alias)}`);
  assert.equal(answer.status, 200);
  const room = (await until('the room', scene.found)).id;
  const looked = Promise.withResolvers<void>();
  scene.adapter().mirror.looks = () => looked.promise;
  scene.turn(true);
  scene.network.channel('#green');
  scene.adapter().channels.hidden.add('#green');
  await scene.adapter().moved(inFake('#lawn'), inFake('#green'));
  looked.resolve();
  await scene.hears(room, /is private now/);
});

test('what was said for few and is read back only once the room is open is not shown there', async (t) => {
  const scene = await begin(t);
  const room = await scene.room();
  await scene.say('before');
  await until('the words', () => scene.shown(room).includes('before'));
  scene.turn(true);
  await until('it to be closed', () => scene.linkOf(room).options.guarded === true);
  const read = Promise.withResolvers<void>();
  await scene.restart({}, () => {
    scene.network.say('zoe', '#lawn', 'for few');
    scene.network.opensHistory = () => read.promise;
  });
  scene.turn(false);
  await until('it to be open', () => scene.linkOf(room).options.guarded === undefined);
  read.resolve();
  await showsAgain(scene, room);
  assert.deepEqual([...new Set(scene.shown(room))], ['before', 'for all']);
});

test('what is heard while what was missed is read counts from when it was heard', async (t) => {
  const scene = await begin(t, { options: { mirror: { channels: true, people: 'off' } } });
  const room = await scene.room();
  await scene.say('before');
  await until('the words', () => scene.shown(room).includes('before'));
  const read = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  scene.network.opensHistory = (name) => {
    asked.resolve();
    return name === '#lawn' ? read.promise : Promise.resolve();
  };
  scene.network.down();
  scene.network.up();
  await asked.promise;
  await scene.say('for all, held');
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  let answer = () => {};
  scene.adapter().mirror.looks = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  scene.turn(true);
  await scene.say('for few');
  scene.turn(false);
  answer();
  await until('kept', () => {
    answer();
    return Array.isArray(scene.linkOf(room).options.kept);
  });
  await scene.say('for all again');
  scene.network.opensHistory = async () => {};
  read.resolve();
  await showsAgain(scene, room);
  assert.deepEqual([...new Set(scene.shown(room))], ['before', 'for all, held', 'for all again', 'for all']);
});

test('put out of a room that is shut then, the bot does not go on there when it is asked in again', async (t) => {
  const scene = await begin(t, { options: { mirror: { channels: true, people: 'off' } } });
  const room = await scene.room();
  scene.homeserver.kick(scene.person, room, scene.homeserver.bot);
  await until('it to be out', () => scene.linkOf(room).options.removed === true);
  scene.turn(true);
  await until('it to be shut', () => scene.linkOf(room).options.shut === true);
  scene.homeserver.invite(scene.person, room, scene.homeserver.bot);
  await scene.settled();
  assert.equal(scene.linkOf(room).state, 'suspended');
  scene.turn(false);
  await showsAgain(scene, room);
});

test('what was said for all before its room is shut is shown there all the same, however late', async (t) => {
  const scene = await begin(t, { options: { mirror: { channels: true, people: 'off' } } });
  const room = await scene.room();
  await scene.say('first');
  await until('the words', () => scene.shown(room).includes('first'));
  scene.homeserver.fault({ on: 'PUT .*/send/m.room.message', times: 1, act: { answer: 502 } });
  await scene.say('before');
  scene.turn(true);
  await until('it to be shut', () => scene.linkOf(room).options.shut === true);
  await scene.say('for few');
  await until('the words', () => scene.shown(room).includes('before'));
  await until('nobody to speak there', () => scene.state(room, 'm.room.power_levels')?.events_default === 100);
  assert.deepEqual(scene.shown(room), ['first', 'before']);
});

test('words of for few that are edited once all may see them are still not for the room', async (t) => {
  const scene = await begin(t, { options: { mirror: { channels: true, people: 'off' } } });
  const room = await scene.room();
  scene.turn(true);
  await scene.hears(room, /is private now/);
  await scene.say('for few');
  const target = scene.network.channel('#lawn').messages.at(-1)?.id ?? '';
  scene.turn(false);
  await scene.hears(room, /is shown here again/);
  scene.network.edit('zoe', '#lawn', target, 'for few, edited');
  await showsAgain(scene, room);
  assert.deepEqual([...new Set(scene.shown(room))], ['for all']);
});

test('whoever types or comes in while it is to be found out who may see it is not shown', async (t) => {
  const scene = await begin(t, { settings: 'portals: { aliases: true }\nmembership: { per_second: 1000, ghosts: full }' });
  const { network, homeserver } = scene;
  for (const nick of ['zoe', 'yan', 'max']) network.people.add(nick);
  for (const name of ['#lawn', '#place']) network.join('zoe', name);
  const room = await scene.room();
  const { place } = scene;
  const isIn = (nick: string, where: string) => homeserver.room(where).membership(`@fake_${nick}:hs.test`) === 'join';
  await until('her ghost', () => isIn('zoe', room) && isIn('zoe', place));
  const looked = Promise.withResolvers<void>();
  scene.adapter().mirror.looks = (name) => (name === '#lawn' ? looked.promise : Promise.resolve());
  scene.turn(true);
  await until('it to be held', () => scene.linkOf(room).options.held !== undefined);
  for (const name of ['#lawn', '#place']) {
    network.type('zoe', name, true);
    network.join('yan', name);
  }
  const typed = (where: string) =>
    homeserver.requests.some(({ path }) => path.includes('/typing/') && decodeURIComponent(path).includes(where));
  await until('both in the other', () => typed(place) && isIn('yan', place));
  assert.deepEqual([typed(room), isIn('yan', room)], [false, false]);
  looked.resolve();
  await until('it to be closed', () => scene.linkOf(room).options.guarded === true);
  await until('him to come in', () => isIn('yan', room));
});

test('what its channel is called by now is not said where its room is closed for good', async (t) => {
  const scene = await begin(t);
  const room = await scene.room();
  scene.adapter().mirror.looks = () => new Promise(() => {});
  scene.turn(true);
  await until('it to be held', () => scene.linkOf(room).options.held !== undefined);
  scene.homeserver.setState(scene.person, room, 'm.room.tombstone', '', { body: 'closed' });
  assert.doesNotMatch(await scene.hears(room, /no longer linked/), /lawn/);
});

test('a room that is replaced before it was opened takes along what is not to be shown', async (t) => {
  const scene = await begin(t);
  const { homeserver, network } = scene;
  const room = await scene.room();
  await scene.say('before');
  await until('the words', () => scene.shown(room).includes('before'));
  scene.turn(true);
  await until('it to be closed', () => scene.linkOf(room).options.guarded === true);
  const read = Promise.withResolvers<void>();
  await scene.restart({}, () => {
    network.say('zoe', '#lawn', 'for few');
    network.opensHistory = () => read.promise;
    homeserver.fault({ on: 'GET .*/state/m.room.join_rules', act: { answer: 502 } });
  });
  scene.turn(false);
  await until('it to be for all', () => scene.linkOf(room).options.membersOnly === undefined);
  const next = homeserver.upgradeRoom(homeserver.bot, room);
  await until('its successor', () => scene.state(next, 'm.bridge', 'dev.causeway://fake/fake/#lawn'));
  homeserver.clearFaults();
  read.resolve();
  await showsAgain(scene, next);
  assert.deepEqual([...new Set([...scene.shown(room), ...scene.shown(next)])], ['before', 'for all']);
});

test('private again while its room is being opened: it is closed again, and nothing is said before', async (t) => {
  const scene = await begin(t);
  const { homeserver, person } = scene;
  const room = await scene.room();
  scene.turn(true);
  await until('it to be closed', () => scene.linkOf(room).options.guarded === true);
  homeserver.fault({ on: 'PUT .*/state/m.room.power_levels', act: { answer: 502 } });
  scene.turn(false);
  await until('the open door', () => scene.state(room, 'm.room.join_rules')?.join_rule === 'public');
  homeserver.join(person, room);
  homeserver.fault({ on: 'PUT .*/state/m.room.join_rules', act: { answer: 502 } });
  scene.turn(true);
  await until('it to be for few', () => scene.linkOf(room).options.membersOnly === true);
  assert.ok(isVeiled(scene.linkOf(room)));
  await scene.restart({}, () => homeserver.clearFaults());
  await until('it to be closed', () => scene.linkOf(room).options.guarded === true && !isVeiled(scene.linkOf(room)));
  assert.deepEqual([scene.state(room, 'm.room.join_rules')?.join_rule, homeserver.room(room).membership(person)], ['invite', 'leave']);
});

for (const [how, act] of [
  ['in vain', { answer: 502 }],
  ['slowly', { wait: 1_000 }],
] as const)
  test(`public again while its room is being closed, ${how}: its door does not stay shut`, async (t) => {
    const scene = await begin(t);
    const { homeserver } = scene;
    const room = await scene.room();
    const asked = () => homeserver.requests.filter(({ path }) => path.includes('/state/m.room.power_levels')).length;
    const before = asked();
    homeserver.fault({ on: 'PUT .*/state/m.room.power_levels', act });
    scene.turn(true);
    await until('the closed door', () => scene.state(room, 'm.room.join_rules')?.join_rule === 'invite' && asked() > before);
    scene.turn(false);
    await until('it to be for all', () => scene.linkOf(room).options.membersOnly === undefined);
    homeserver.clearFaults();
    await until('the open door', () => scene.state(room, 'm.room.join_rules')?.join_rule === 'public');
    await until('it to be done', () => scene.linkOf(room).options.guarded === undefined);
  });
