import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { userId } from '../../../bridge-core/ids.ts';
import { Roster } from '../../../bridge-core/membership/roster.ts';
import { type Enter, Ghosts } from '../../../bridge-core/virtual-users/ghosts.ts';
import { until } from '../../support/waiting.ts';
import { names, person, type Rig, room, startRig } from '../rig.ts';

function build(rig: Rig, more: { enter?: Enter; storeAvatar?: (source: string) => Promise<string> } = {}) {
  const roster = new Roster({ store: rig.store, members: (id) => rig.homeserver.joinedMembers(id) });
  const ghosts = new Ghosts({ store: rig.store, homeserver: rig.homeserver, names, places: roster, log: rig.log, ...more });
  return { roster, ghosts };
}

async function start(t: TestContext) {
  const rig = await startRig(t);
  const op = rig.fake.user('op');
  const id = rig.fake.createRoom({ creator: op, members: [rig.bot] });
  return { rig, op, id: room(id), ...build(rig) };
}

const asked = (rig: Rig, word: RegExp) => rig.fake.requests.filter(({ method, path }) => word.test(`${method} ${path}`)).length;

test('who speaks first is registered, named and in the room, in this order', async (t) => {
  const { rig, id, ghosts } = await start(t);
  const ghost = await ghosts.ready(person('Alice', 'Alice'), id);
  assert.equal(ghost, '@irc_libera_alice:hs.test');
  const member = rig.fake.room(id).stateOf('m.room.member', ghost);
  assert.deepEqual(member?.content, { membership: 'join', displayname: 'Alice' });
});

test('a thousand lines of one who is there cost no request', async (t) => {
  const { rig, id, ghosts } = await start(t);
  const alice = person('alice');
  await ghosts.ready(alice, id);
  const before = rig.fake.requests.length;
  for (let line = 0; line < 1000; line += 1) await ghosts.ready(alice, id);
  assert.equal(rig.fake.requests.length, before);
  assert.equal(ghosts.ready(alice, id), ghosts.ready(alice, id));
});

test('many lines at once share one registration and one join; other rooms are not held up by it', async (t) => {
  const { rig, op, id, ghosts } = await start(t);
  const other = room(rig.fake.createRoom({ creator: op, members: [rig.bot] }));
  await Promise.all([...Array.from({ length: 20 }, () => ghosts.ready(person('alice'), id)), ghosts.ready(person('alice'), other)]);
  assert.equal(asked(rig, /POST .*\/register/), 1);
  assert.equal(asked(rig, /PUT .*displayname/), 1);
  assert.equal(asked(rig, /POST .*\/join\//), 2);
});

test('ghosts are remembered over a restart: nothing is registered, named or joined again', async (t) => {
  const { rig, id, ghosts } = await start(t);
  await ghosts.ready(person('alice', 'Alice'), id);
  rig.reopen();
  const before = rig.fake.requests.length;
  const again = build(rig).ghosts;
  const ghost = await again.ready(person('alice', 'Alice'), id);
  assert.equal(rig.fake.requests.length, before);
  assert.equal(again.remoteOf(ghost), 'libera/alice');
});

test('a ghost that the store forgot and the homeserver knows is no trouble', async (t) => {
  const { rig, id, ghosts } = await start(t);
  rig.fake.user('irc_libera_alice');
  await ghosts.ready(person('alice'), id);
  assert.ok(rig.fake.members(id).includes('@irc_libera_alice:hs.test'));
});

test('a new name is written once, and the last of several at once stands', async (t) => {
  const { rig, id, ghosts } = await start(t);
  const ghost = await ghosts.ready(person('alice', 'alice'), id);
  await Promise.all(['Alice', 'ALICE', 'aLiCe'].map((name) => ghosts.ready(person('alice', name), id)));
  assert.equal(rig.fake.world.users.get(ghost)?.name, 'aLiCe');
  assert.equal(asked(rig, /PUT .*displayname/), 4);
});

test('a refused name does not silence the person, and is not tried at every line', async (t) => {
  const { rig, id, ghosts } = await start(t);
  rig.fake.fault({ on: 'PUT .*displayname', act: { answer: 400, errcode: 'M_UNKNOWN' } });
  await ghosts.ready(person('alice'), id);
  await ghosts.ready(person('alice'), id);
  assert.ok(rig.fake.members(id).includes('@irc_libera_alice:hs.test'));
  assert.equal(asked(rig, /PUT .*displayname/), 1);
});

test('a picture is brought over once', async (t) => {
  const { rig, id } = await start(t);
  const brought: string[] = [];
  const { ghosts } = build(rig, {
    storeAvatar: async (source) => {
      brought.push(source);
      return 'mxc://hs.test/picture';
    },
  });
  const alice = { ...person('alice'), avatar: 'https://net.test/a.png' };
  const ghost = await ghosts.ready(alice, id);
  await ghosts.ready(alice, id);
  assert.deepEqual(brought, ['https://net.test/a.png']);
  assert.equal(rig.fake.world.users.get(ghost)?.avatar, 'mxc://hs.test/picture');
});

test('into a closed room the bot invites', async (t) => {
  const { rig, op, ghosts } = await start(t);
  const closed = room(rig.fake.createRoom({ creator: op, joinRule: 'invite', invite: [rig.bot] }));
  rig.fake.join(rig.bot, closed);
  const ghost = await ghosts.ready(person('alice'), closed);
  assert.ok(rig.fake.members(closed).includes(ghost));
});

test('where the bot may not invite, the refusal says so', async (t) => {
  const { rig, op, ghosts } = await start(t);
  const closed = room(rig.fake.createRoom({ creator: op, joinRule: 'invite', levels: { invite: 50 }, invite: [rig.bot] }));
  rig.fake.join(rig.bot, closed);
  await assert.rejects(ghosts.ready(person('alice'), closed), { code: 'FORBIDDEN_IN_ROOM' });
});

test('a banned ghost is refused without a request', async (t) => {
  const { rig, id, ghosts, roster } = await start(t);
  const ghost = await ghosts.ready(person('alice'), id);
  await rig.store.write(() => roster.set(id, ghost, 'ban'));
  const before = rig.fake.requests.length;
  await assert.rejects(ghosts.ready(person('alice'), id), { code: 'FORBIDDEN_IN_ROOM', message: /banned/ });
  await ghosts.forget(id, ghost);
  assert.equal(roster.membership(id, ghost), 'ban');
  assert.equal(rig.fake.requests.length, before);
});

test('a ghost that was put out comes in again once its place is forgotten', async (t) => {
  const { rig, op, id, ghosts, roster } = await start(t);
  const ghost = await ghosts.ready(person('alice'), id);
  rig.fake.kick(op, id, ghost);
  await ghosts.ready(person('alice'), id);
  assert.ok(!rig.fake.members(id).includes(ghost), 'the kick has not been heard yet');
  await ghosts.forget(id, ghost);
  await ghosts.ready(person('alice'), id);
  assert.ok(rig.fake.members(id).includes(ghost));
  assert.equal(roster.isIn(id, ghost), true);
});

test('the join of one who speaks goes through the given door', async (t) => {
  const { rig, id } = await start(t);
  const through: string[] = [];
  const { ghosts } = build(rig, {
    enter: async (at, ghost, join) => {
      through.push(`${at} ${ghost}`);
      await join();
    },
  });
  await ghosts.ready(person('alice'), id);
  await ghosts.admit(person('ben'), id);
  assert.deepEqual(through, [`${id} @irc_libera_alice:hs.test`]);
  assert.ok(rig.fake.members(id).includes('@irc_libera_ben:hs.test'));
});

test('leaving a room in which it is not is no failure', async (t) => {
  const { id, ghosts, roster } = await start(t);
  const ghost = await ghosts.ready(person('alice'), id);
  await ghosts.leave(ghost, id, 'gone');
  await ghosts.leave(ghost, id);
  assert.equal(roster.isIn(id, userId(ghost)), false);
});

/** Out by now, and the homeserver's answer is still to come. */
async function goneUnheard(t: TestContext) {
  const { rig, id } = await start(t);
  const answer = Promise.withResolvers<void>();
  const homeserver = {
    ...rig.homeserver,
    leave: async (...given: Parameters<typeof rig.homeserver.leave>) => {
      await rig.homeserver.leave(...given);
      await answer.promise;
    },
  };
  const { roster, ghosts } = build({ ...rig, homeserver, store: rig.store });
  const ghost = await ghosts.ready(person('alice'), id);
  const left = ghosts.leave(ghost, id);
  await until('it to be out', () => !rig.fake.members(id).includes(ghost));
  return { rig, id, roster, ghosts, ghost, left, answer };
}

test('one that is to take back its own words comes for it, also before it is heard that it had left', async (t) => {
  const { rig, id, roster, ghosts, ghost, left, answer } = await goneUnheard(t);
  await ghosts.comeBack(ghost, id);
  answer.resolve();
  await left;
  assert.deepEqual([rig.fake.members(id).includes(ghost), roster.isIn(id, ghost)], [true, true]);
});

test('one that came in again before it is heard that it had left is there', async (t) => {
  const { rig, id, roster, ghosts, ghost, left, answer } = await goneUnheard(t);
  // Its words are refused meanwhile.
  await ghosts.forget(id, ghost);
  await ghosts.ready(person('alice'), id);
  answer.resolve();
  await left;
  assert.ok(rig.fake.members(id).includes(ghost));
  assert.equal(roster.isIn(id, ghost), true);
  // A leave of now is one.
  await ghosts.leave(ghost, id);
  assert.equal(roster.isIn(id, ghost), false);
});
