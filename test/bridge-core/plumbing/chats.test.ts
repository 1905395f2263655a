// Private and group chats of people who are logged in, on a whole bridge over the fakes: begun from the network, and by the
// invitation of a ghost.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { remoteUserId, userId } from '../../../bridge-core/ids.ts';
import { type FakeBridge, type FakeBridgeWish, startFakeBridge } from '../../support/fake-bridge.ts';
import { until } from '../../support/waiting.ts';

const ghost = (nick: string): string => `@fake_${nick}:hs.test`;

interface Scene extends FakeBridge {
  readonly ann: string;
  readonly ben: string;
  /** Of the newest adapter: what a bridge does at its start with the logins that it keeps. */
  logIn(...people: readonly string[]): Promise<void>;
}

async function begin(t: TestContext, wish: FakeBridgeWish = {}): Promise<Scene> {
  const bridge = await startFakeBridge(t, wish);
  const { homeserver, network } = bridge;
  for (const nick of ['zoe', 'yan']) network.people.add(nick);
  const scene: Scene = {
    ...bridge,
    ann: bridge.person,
    ben: homeserver.user('ben', 'Ben'),
    async logIn(...people) {
      for (const user of people) {
        const nick = user.slice(1, user.indexOf(':'));
        const account = remoteUserId(`fake/${nick}`);
        await bridge.adapter().signIn({ user: userId(user), account, network: 'fake', name: nick, credentials: { nick } });
      }
    },
  };
  await scene.logIn(scene.ann);
  return scene;
}

/** The room that this person is invited to or in, beside those that stood before. */
const roomWith = ({ homeserver, room }: Scene, user: string, of = ghost('zoe')) =>
  until(`a room of ${user} and ${of}`, () => {
    const isTheirs = (each: string) => ['invite', 'join'].includes(homeserver.room(each).membership(user));
    return [...homeserver.world.rooms.keys()].find(
      (each) => each !== room && isTheirs(each) && homeserver.room(each).membership(of) === 'join',
    );
  });

const said = ({ homeserver }: Scene, room: string) =>
  homeserver.messages(room).map(({ sender, content }) => `${sender.slice(1, sender.indexOf(':'))}: ${content.body}`);

const bodies = ({ homeserver }: Scene, room: string) => homeserver.messages(room).map(({ content }) => String(content.body));

test('the first line of a private chat makes a room: direct, closed, without a name, its person invited by the ghost', async (t) => {
  const scene = await begin(t);
  const { network, homeserver, ann } = scene;
  const chat = network.chat('ann', 'zoe');
  for (let n = 0; n < 10; n += 1) network.say('zoe', chat, `line ${n}`);
  const room = await roomWith(scene, ann);
  await until('the lines', () => said(scene, room).length === 10);
  assert.deepEqual(
    said(scene, room),
    Array.from({ length: 10 }, (_, n) => `fake_zoe: line ${n}`),
  );
  const { state } = homeserver.room(room);
  const invitation = homeserver.room(room).stateOf('m.room.member', ann);
  assert.equal(invitation?.sender, ghost('zoe'));
  assert.deepEqual(invitation?.content.is_direct, true);
  assert.equal(homeserver.room(room).stateOf('m.room.name'), undefined);
  assert.equal(homeserver.room(room).stateOf('m.room.join_rules')?.content.join_rule, 'invite');
  assert.deepEqual(homeserver.room(room).stateOf('io.element.functional_members')?.content, { service_members: [homeserver.bot] });
  assert.equal(homeserver.room(room).stateOf('m.room.bridging', `fake://fake.test/${chat}`)?.content.status, 'success');
  assert.ok([...state.values()].every(({ type, content }) => type !== 'm.room.create' || !JSON.stringify(content).includes('zoe')));

  homeserver.join(ann, room);
  homeserver.say(ann, room, 'hello Zoe');
  await until('the answer', () => network.said(chat).includes('ann: hello Zoe'));
  network.say('zoe', chat, 'and on');
  await until('and on', () => said(scene, room).includes('fake_zoe: and on'));
  assert.equal(homeserver.requests.filter(({ path }) => path.endsWith('/createRoom')).length, 1);
});

test('what comes later finds what it points at: an edit, before and after the room was made', async (t) => {
  const scene = await begin(t);
  const { network, homeserver, ann } = scene;
  const chat = network.chat('ann', 'zoe');
  const first = network.say('zoe', chat, 'helo');
  network.edit('zoe', chat, first.id, 'hello');
  const room = await roomWith(scene, ann);
  await until('the edit', () => homeserver.messages(room).some(({ content }) => 'm.new_content' in content));
  const second = network.say('zoe', chat, 'al good?');
  await until('the line', () => bodies(scene, room).includes('al good?'));
  network.edit('zoe', chat, second.id, 'all good?');
  await until('the other edit', () => homeserver.messages(room).filter(({ content }) => 'm.new_content' in content).length === 2);
});

test('a group chat is called after its people, and two of ours share one room', async (t) => {
  const scene = await begin(t);
  const { network, homeserver, ann, ben } = scene;
  await scene.logIn(ben);
  const chat = network.chat('ann', 'ben', 'yan', 'zoe');
  network.say('zoe', chat, 'all together');
  const room = await roomWith(scene, ann);
  assert.equal(await roomWith(scene, ben), room);
  assert.equal(homeserver.room(room).stateOf('m.room.name')?.content.name, 'yan and zoe');
  assert.equal(homeserver.room(room).stateOf('m.room.member', ann)?.content.is_direct, undefined);
  await until('the other ghost', () => homeserver.room(room).membership(ghost('yan')) === 'join');
  await until('the first line', () => bodies(scene, room).includes('all together'));
  for (const user of [ann, ben]) homeserver.join(user, room);
  homeserver.say(ben, room, 'here I am');
  await until('the line', () => network.said(chat).includes('ben: here I am'));
  network.say('yan', chat, 'welcome');
  await until('welcome', () => bodies(scene, room).includes('welcome'));
  assert.deepEqual(bodies(scene, room), ['all together', 'here I am', 'welcome']);
});

test('who comes to the bridge later is invited into the chat that is carried already', async (t) => {
  const scene = await begin(t);
  const { network, homeserver, ann, ben } = scene;
  const chat = network.chat('ann', 'ben', 'zoe');
  network.say('zoe', chat, 'one');
  const room = await roomWith(scene, ann);
  await until('one', () => bodies(scene, room).includes('one'));
  await scene.logIn(ben);
  network.say('zoe', chat, 'two');
  assert.equal(await roomWith(scene, ben), room);
  homeserver.join(ben, room);
  homeserver.leave(ben, room);
  network.say('zoe', chat, 'three');
  await until('three', () => bodies(scene, room).includes('three'));
  assert.equal(homeserver.room(room).membership(ben), 'leave', 'who left is not asked again');
});

test('nothing is lost while the room cannot be made, nor by a restart meanwhile; one room is made', async (t) => {
  const scene = await begin(t);
  const { network, homeserver, ann } = scene;
  const chat = network.chat('ann', 'zoe');
  const before = homeserver.world.rooms.size;
  homeserver.fault({ on: 'POST .*/createRoom', act: { drop: 'after' }, times: 1 });
  homeserver.fault({ on: '(POST .*/createRoom|GET .*/joined_rooms)', act: { answer: 502 } });
  network.say('zoe', chat, 'one');
  network.say('zoe', chat, 'two');
  await until('the try', () => homeserver.requests.some(({ path }) => path.endsWith('/createRoom')));
  await scene.restart();
  await scene.logIn(ann);
  homeserver.clearFaults();
  const room = await roomWith(scene, ann);
  network.say('zoe', chat, 'three');
  await until('three', () => bodies(scene, room).includes('three'));
  assert.deepEqual(bodies(scene, room), ['one', 'two', 'three']);
  assert.equal(homeserver.world.rooms.size, before + 1);
});

test('a room that cannot be made for good is told to the person and to the writer, and is not asked for with every line', async (t) => {
  const scene = await begin(t);
  const { network, homeserver, ann } = scene;
  homeserver.fault({ on: 'POST .*/createRoom', act: { answer: 403, errcode: 'M_FORBIDDEN', error: 'no rooms today' }, times: 1 });
  const chat = network.chat('ann', 'zoe');
  network.say('zoe', chat, 'one');
  network.say('zoe', chat, 'two');
  await until('Zoe to be told twice', () => network.told.filter((line) => line.startsWith('zoe: ')).length === 2);
  const told = await until('Ann to be told', () =>
    [...homeserver.world.rooms.keys()].find((room) => bodies(scene, room).some((body) => body.includes('cannot make a room'))),
  );
  assert.ok(['join', 'invite'].includes(homeserver.room(told).membership(ann)));
  assert.equal(bodies(scene, told).filter((body) => body.includes('cannot make a room')).length, 1);
});

test('once nobody of Matrix is left the chat is over, and the next line makes it anew', async (t) => {
  const scene = await begin(t);
  const { network, homeserver, ann } = scene;
  const chat = network.chat('ann', 'zoe');
  network.say('zoe', chat, 'one');
  const room = await roomWith(scene, ann);
  homeserver.join(ann, room);
  homeserver.leave(ann, room);
  await until('all to leave', () => homeserver.members(room).length === 0);
  assert.ok(network.channel(chat).members.has('ann'), 'the chat itself goes on');
  network.say('zoe', chat, 'two');
  const next = await roomWith(scene, ann);
  assert.notEqual(next, room);
  await until('two', () => bodies(scene, next).includes('two'));
  // The bot is put out: over as well.
  homeserver.join(ann, next);
  homeserver.world.setMembership(homeserver.room(next), homeserver.bot, homeserver.bot, 'leave');
  await until('the ghost to leave', () => homeserver.room(next).membership(ghost('zoe')) !== 'join');
  network.say('zoe', chat, 'three');
  const last = await until('another room', () =>
    [...homeserver.world.rooms.keys()].find((each) => ![room, next].includes(each) && bodies(scene, each).includes('three')),
  );
  assert.equal(homeserver.room(last).membership(ann), 'invite');
});

test('chats of nobody who is logged in are no business of the bridge; nor is any where the setting says so', async (t) => {
  const scene = await begin(t);
  const before = scene.homeserver.world.rooms.size;
  scene.network.say('zoe', scene.network.chat('yan', 'zoe'), 'between us');
  const silent = await begin(t, { settings: 'portals: { direct: false }' });
  silent.network.say('zoe', silent.network.chat('ann', 'zoe'), 'anybody?');
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(scene.homeserver.world.rooms.size, before);
  assert.equal(silent.homeserver.world.rooms.size, before);
});

// — begun from Matrix

function direct({ homeserver }: Scene, by: string, invited: readonly string[], more: object = {}): string {
  const room = homeserver.createRoom({ creator: by, joinRule: 'invite', version: '11', levels: { users: { [by]: 100 } }, ...more });
  for (const user of invited) homeserver.invite(by, room, user, { is_direct: true });
  return room;
}

test('a ghost that is invited to a direct chat comes, brings the bot, and what is said crosses', async (t) => {
  const scene = await begin(t);
  const { network, homeserver, ann } = scene;
  const room = direct(scene, ann, [ghost('zoe')]);
  await until('the ghost and the bot', () => [ghost('zoe'), homeserver.bot].every((user) => homeserver.members(room).includes(user)));
  await until('the claim', () => homeserver.room(room).stateOf('m.room.bridging', 'fake://fake.test/&ann&zoe') === undefined);
  homeserver.say(ann, room, 'hello');
  await until('hello', () => network.said('&ann&zoe').includes('ann: hello'));
  network.say('zoe', '&ann&zoe', 'hi');
  await until('hi', () => said(scene, room).includes('fake_zoe: hi'));
});

test('a ghost that is invited into a linked room declines with what holds there', async (t) => {
  const { homeserver, room, person } = await begin(t);
  homeserver.user('fake_zoe');
  homeserver.invite(person, room, ghost('zoe'));
  await until('the answer', () => homeserver.room(room).membership(ghost('zoe')) === 'leave');
  const { reason } = homeserver.room(room).stateOf('m.room.member', ghost('zoe'))?.content ?? {};
  assert.equal(reason, 'this room is linked to #place: who speaks there comes in with their first words');
});

test('several ghosts make a group chat', async (t) => {
  const scene = await begin(t);
  const { network, homeserver, ann } = scene;
  const room = direct(scene, ann, [ghost('zoe'), ghost('yan')]);
  await until('all of them', () => [ghost('zoe'), ghost('yan'), homeserver.bot].every((user) => homeserver.members(room).includes(user)));
  // Before that, what is said on the network finds no room yet, and gets one of its own.
  await until('the link', () => homeserver.requests.some(({ path }) => path.includes(room) && path.includes('/state/m.bridge/')));
  network.say('yan', '&ann&yan&zoe', 'three of us');
  await until('the line', () => said(scene, room).includes('fake_yan: three of us'));
  homeserver.say(ann, room, 'indeed');
  await until('the answer', () => network.said('&ann&yan&zoe').includes('ann: indeed'));
  assert.ok(!network.channels.has('&ann&zoe'));
});

test('a chat that has a room already goes on in the one that the person makes; the old one is told and left', async (t) => {
  const scene = await begin(t);
  const { network, homeserver, ann } = scene;
  const chat = network.chat('ann', 'zoe');
  network.say('zoe', chat, 'one');
  const old = await roomWith(scene, ann);
  homeserver.join(ann, old);
  const room = direct(scene, ann, [ghost('zoe')]);
  await until('the old one to be left', () => homeserver.members(old).join() === ann);
  assert.ok(bodies(scene, old).some((body) => body.includes(room)));
  network.say('zoe', chat, 'two');
  await until('two', () => bodies(scene, room).includes('two'));
  assert.ok(!bodies(scene, old).includes('two'));
});

test('who is not logged in is told how, and the ghost goes', async (t) => {
  const scene = await begin(t);
  const { homeserver, ben } = scene;
  const room = direct(scene, ben, [ghost('zoe')]);
  await until('the words', () => bodies(scene, room).some((body) => body.includes('“login”')));
  await until('the ghost to go', () => homeserver.members(room).join() === ben);
});

test('an encrypted chat is answered in clear, and goes on in a room that is not', async (t) => {
  const scene = await begin(t);
  const { network, homeserver, ann } = scene;
  const room = direct(scene, ann, [ghost('zoe')], { encrypted: true });
  await until('the words', () => bodies(scene, room).some((body) => body.includes('cannot read encrypted')));
  await until('the ghost to go', () => homeserver.members(room).join() === ann);
  const own = await until('the other room', () =>
    [...homeserver.world.rooms.keys()].find((each) => homeserver.room(each).membership(ann) === 'invite'),
  );
  assert.ok(bodies(scene, room).some((body) => body.includes(own)));
  homeserver.join(ann, own);
  homeserver.say(ann, own, 'in clear');
  await until('the line', () => network.said('&ann&zoe').includes('ann: in clear'));
});

test('a ghost declines a room with others in it, one where it may not bring the bot, and one that is no chat', async (t) => {
  const scene = await begin(t);
  const { homeserver, ann, ben } = scene;
  const crowd = direct(scene, ann, [ghost('zoe')], { members: [ben] });
  await until('one person', () => bodies(scene, crowd).some((body) => body.includes('room for one Matrix person')));
  const strict = direct(scene, ann, [ghost('zoe')], { levels: { users: { [ann]: 100 }, invite: 50 } });
  await until('the bot', () => bodies(scene, strict).some((body) => body.includes('invite @bridge:hs.test')));
  const named = homeserver.createRoom({ creator: ann, version: '11', name: 'Club', joinRule: 'invite' });
  homeserver.invite(ann, named, ghost('zoe'));
  await until('no chat', () => bodies(scene, named).some((body) => body.includes('begin a direct chat')));
  for (const room of [crowd, strict, named]) await until('it goes', () => !homeserver.members(room).includes(ghost('zoe')));
});

test('whose chats are carried, and with whom, is the operator’s to say: nobody else’s makes a room, and a ghost says why', async (t) => {
  const scene = await begin(t, { settings: "portals: { chats: { of: { deny: ['@ben:*'] }, with: { allow: ['*'], deny: ['yan'] } } }" });
  const { network, homeserver, ann, ben } = scene;
  await scene.logIn(ben);
  for (const chat of [network.chat('ann', 'yan'), network.chat('ben', 'zoe')])
    network.say(chat.includes('yan') ? 'yan' : 'zoe', chat, 'psst');
  network.say('zoe', network.chat('ann', 'zoe'), 'allowed');
  const room = await roomWith(scene, ann);
  await until('the line', () => said(scene, room).includes('fake_zoe: allowed'));
  // Of several, those whom the list leaves have a room.
  network.say('zoe', network.chat('ann', 'ben', 'zoe'), 'both of you');
  const group = await until('the group', () =>
    [...homeserver.world.rooms.keys()].find((each) => bodies(scene, each).includes('both of you')),
  );
  assert.deepEqual(
    [ann, ben].map((user) => homeserver.room(group).membership(user)),
    ['invite', 'leave'],
  );
  const rooms = [...homeserver.world.rooms.keys()];
  assert.ok(!rooms.some((each) => bodies(scene, each).includes('psst')));
  const refused = async (by: string, invited: string, why: RegExp) => {
    const asked = direct(scene, by, [invited]);
    await until(`${why}`, () => bodies(scene, asked).some((body) => why.test(body)));
  };
  homeserver.user('fake_yan');
  await refused(ann, ghost('yan'), /does not let private chats with yan be carried/);
  await refused(ben, ghost('zoe'), /does not let your private chats be carried/);
});
