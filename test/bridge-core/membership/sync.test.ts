import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { userId } from '../../../bridge-core/ids.ts';
import { MembershipQueue } from '../../../bridge-core/membership/queue.ts';
import { Roster } from '../../../bridge-core/membership/roster.ts';
import { Sync } from '../../../bridge-core/membership/sync.ts';
import { Links } from '../../../bridge-core/plumbing/links.ts';
import type { RemoteEvent } from '../../../bridge-core/remote-event.ts';
import { Ghosts } from '../../../bridge-core/virtual-users/ghosts.ts';
import { until } from '../../support/waiting.ts';
import { channel, names, person, type Rig, room, startRig } from '../rig.ts';

const node = channel('#node');
const other = channel('#other');
type Settings = { ghosts: 'lazy' | 'full'; puppets: 'speakers' | 'full' };

function build(rig: Rig, t: TestContext, settings: Partial<Settings>) {
  const links = new Links({ store: rig.store });
  const roster = new Roster({ store: rig.store, members: (id) => rig.homeserver.joinedMembers(id) });
  const ghosts: Ghosts = new Ghosts({
    store: rig.store,
    homeserver: rig.homeserver,
    names,
    places: roster,
    log: rig.log,
    enter: (at, ghost, join) => queue.promote(at, ghost, join),
  });
  const queue: MembershipQueue = new MembershipQueue({
    perSecond: 500,
    atOnce: 4,
    maxQueued: 1000,
    log: rig.log,
    isIn: (at, ghost) => roster.isIn(at, ghost),
    act: async ({ room: at, ghost, want, person: who, reason }) => {
      acting.underWay += 1;
      if (want === 'leave') await ghosts.leave(ghost, at, reason);
      else if (who !== undefined) await ghosts.admit(who, at);
      acting.underWay -= 1;
    },
  });
  const acting = { underWay: 0 };
  const sync = new Sync({
    settings: { ghosts: 'lazy', puppets: 'speakers', ...settings },
    adapter: rig.network.adapter,
    links,
    roster,
    ghosts,
    names,
    queue,
    log: rig.log,
    netsplitHold: 1_000,
  });
  t.after(async () => {
    sync.stop();
    await queue.stop();
  });
  return { links, roster, ghosts, queue, sync, acting };
}

async function start(t: TestContext, settings: Partial<Settings> = {}) {
  const rig = await startRig(t);
  const op = rig.fake.user('op', 'Op');
  const id = room(rig.fake.createRoom({ creator: op, members: [rig.bot] }));
  const parts = build(rig, t, settings);
  const link = await parts.links.add({ room: id, channel: node, origin: 'config', state: 'live' });
  const quiet = async () => {
    for (let still = 0; still < 5; still += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (parts.queue.depth + parts.acting.underWay + rig.fake.counts.atOnce > 0) still = 0;
    }
  };
  const ghostsIn = () =>
    rig.fake
      .members(id)
      .filter((user) => names.isGhost(userId(user)))
      .map((user) => user.slice(12, -8));
  return { rig, op, id, link, quiet, ghostsIn, ...parts };
}

function change(nick: string, what: 'join' | 'leave' | 'kick', more: object = {}) {
  return { kind: 'membership', at: Date.now(), channel: node, user: person(nick), change: what, ...more } as Extract<
    RemoteEvent,
    { kind: 'membership' }
  >;
}
const renamed = (was: string, now: string) =>
  ({ kind: 'profile', at: Date.now(), channel: node, was: person(was), user: person(now) }) as Extract<RemoteEvent, { kind: 'profile' }>;

test('lazy: those who are silent never come, those who go are taken out with their reason', async (t) => {
  const { rig, id, links, ghosts, sync, quiet, ghostsIn } = await start(t);
  await ghosts.ready(person('alice'), id);
  for (const nick of ['alice', 'silent']) sync.heard(change(nick, 'join'), links.liveOn(node));
  await quiet();
  assert.deepEqual(ghostsIn(), ['alice']);
  for (const nick of ['alice', 'silent']) sync.heard(change(nick, 'leave', { reason: 'Quit: bye' }), links.liveOn(node));
  await quiet();
  assert.deepEqual(ghostsIn(), []);
  const left = rig.fake.room(id).stateOf('m.room.member', '@irc_libera_alice:hs.test');
  assert.deepEqual(left?.content, { membership: 'leave', reason: 'Quit: bye' });
  assert.ok(!rig.fake.world.users.has('@irc_libera_silent:hs.test'));
});

test('a new nick: the new ghost stands where the old one stood, and only there', async (t) => {
  const { id, links, ghosts, sync, quiet, ghostsIn } = await start(t);
  await ghosts.ready(person('alice'), id);
  sync.heard(renamed('alice', 'alice2'), links.liveOn(node));
  sync.heard(renamed('silent', 'quiet'), links.liveOn(node));
  await quiet();
  assert.deepEqual(ghostsIn(), ['alice2']);
});

test('the same nick in other letters is the same ghost under a new name', async (t) => {
  const { rig, id, links, ghosts, sync } = await start(t);
  const ghost = await ghosts.ready(person('alice', 'alice'), id);
  sync.heard({ ...renamed('alice', 'alice'), user: person('Alice', 'Alice') }, links.liveOn(node));
  await until('the new name', () => rig.fake.world.users.get(ghost)?.name === 'Alice');
});

test('a netsplit takes nobody out who is back in time', async (t) => {
  const { id, links, ghosts, sync, quiet, ghostsIn } = await start(t);
  for (const nick of ['alice', 'ben']) await ghosts.ready(person(nick), id);
  for (const nick of ['alice', 'ben']) sync.heard(change(nick, 'leave', { netsplit: true }), links.liveOn(node));
  sync.heard(change('alice', 'join'), links.liveOn(node));
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual(ghostsIn(), ['alice', 'ben']);
  await quiet();
  assert.deepEqual(ghostsIn(), ['alice']);
});

test('who leaves one of two channels of a room stays for the other', async (t) => {
  const { rig, id, links, ghosts, sync, quiet, ghostsIn } = await start(t);
  await links.add({ room: id, channel: other, origin: 'config', state: 'live' });
  rig.network.members.set(other, [person('alice')]);
  for (const nick of ['alice', 'ben']) await ghosts.ready(person(nick), id);
  for (const nick of ['alice', 'ben']) sync.heard(change(nick, 'leave'), links.liveOn(node));
  await quiet();
  assert.deepEqual(ghostsIn(), ['alice']);
});

test('after a restart those who went meanwhile are taken out, the last one too', async (t) => {
  const { rig, id, ghosts, sync, quiet, ghostsIn } = await start(t);
  for (const nick of ['alice', 'ben']) await ghosts.ready(person(nick), id);
  rig.network.members.set(node, [person('alice'), person('silent')]);
  sync.recompute(node);
  await quiet();
  assert.deepEqual(ghostsIn(), ['alice']);
  rig.network.members.set(node, []);
  sync.recompute(node);
  await quiet();
  assert.deepEqual(ghostsIn(), []);
});

test('a member list that nobody has read yet takes out nobody', async (t) => {
  const { id, link, links, ghosts, sync, quiet, ghostsIn } = await start(t);
  await ghosts.ready(person('alice'), id);
  sync.linked(link);
  sync.recomputeAll();
  await quiet();
  await links.add({ room: id, channel: other, origin: 'config', state: 'live' });
  sync.recompute(node);
  await quiet();
  assert.deepEqual(ghostsIn(), ['alice'], 'who is in the other channel is not known');
});

test('full: the room mirrors the channel, and only the difference is asked for', async (t) => {
  const { rig, id, link, links, ghosts, sync, quiet, ghostsIn } = await start(t, { ghosts: 'full' });
  rig.network.members.set(
    node,
    ['alice', 'ben', 'carl'].map((nick) => person(nick)),
  );
  for (const nick of ['alice', 'gone']) await ghosts.ready(person(nick), id);
  const before = rig.fake.requests.filter(({ path }) => path.includes('/join/')).length;
  sync.linked(link);
  await quiet();
  assert.deepEqual(ghostsIn().sort(), ['alice', 'ben', 'carl']);
  assert.equal(rig.fake.requests.filter(({ path }) => path.includes('/join/')).length, before + 2);
  sync.heard(change('dora', 'join'), links.liveOn(node));
  sync.heard(change('ben', 'kick'), links.liveOn(node));
  await quiet();
  assert.deepEqual(ghostsIn().sort(), ['alice', 'carl', 'dora']);
});

test('once the last link is gone, its ghosts go', async (t) => {
  const { id, link, links, ghosts, sync, quiet, ghostsIn } = await start(t);
  await ghosts.ready(person('alice'), id);
  await links.remove(link.id);
  sync.unlinked(link);
  await quiet();
  assert.deepEqual(ghostsIn(), []);
});

test('full puppets: everybody in the room is in the channel; ghosts and the bot are not', async (t) => {
  const { rig, id, op, link, roster, ghosts, sync, quiet } = await start(t, { puppets: 'full' });
  await ghosts.ready(person('alice'), id);
  await roster.refresh(id);
  sync.linked(link);
  await quiet();
  assert.deepEqual(rig.network.joined, [{ user: op, channel: node }]);
  sync.personJoined(id, userId('@carol:hs.test'));
  await quiet();
  assert.deepEqual(rig.network.joined[1], { user: '@carol:hs.test', channel: node });
});

test('a channel that is made private while an admin has all of its people brought in shows nobody of them to its room', async (t) => {
  const { rig, link, links, sync, quiet, ghostsIn } = await start(t);
  const people = [person('alice'), person('ben')];
  rig.network.members.set(node, people);
  const { promise: told, resolve: tell } = Promise.withResolvers<void>();
  Object.assign(rig.network.adapter.channels, {
    async *members() {
      await told;
      yield* people;
    },
  });
  const wish = { joins: true, leaves: true, isOnlyCounted: false };
  const matching = sync.match(link, wish);
  await links.setOptions(link.id, { held: { seq: 0, at: Date.now() } });
  tell();
  await assert.rejects(matching, { code: 'NETWORK_BUSY' });
  await quiet();
  assert.deepEqual(ghostsIn(), []);
  await links.setOptions(link.id, { held: undefined });
  assert.deepEqual(await sync.match(link, wish), { joins: 2, leaves: 0 });
  await quiet();
  assert.deepEqual(ghostsIn(), ['alice', 'ben']);
});
