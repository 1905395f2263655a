// Ghosts that are silent for long, and more of them than there is room for: on a real store and a homeserver on a real socket, with a
// clock of the test's own.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ChannelId, RoomId } from '../../../bridge-core/ids.ts';
import { userId } from '../../../bridge-core/ids.ts';
import { MembershipQueue } from '../../../bridge-core/membership/queue.ts';
import { RoomLimits } from '../../../bridge-core/membership/room-limits.ts';
import { Roster } from '../../../bridge-core/membership/roster.ts';
import { Spoken } from '../../../bridge-core/membership/spoken.ts';
import { Sync } from '../../../bridge-core/membership/sync.ts';
import { Relations } from '../../../bridge-core/pipeline/relations.ts';
import { type Link, Links } from '../../../bridge-core/plumbing/links.ts';
import type { RemoteEvent } from '../../../bridge-core/remote-event.ts';
import { openNotes } from '../../../bridge-core/store/notes.ts';
import { Ghosts } from '../../../bridge-core/virtual-users/ghosts.ts';
import { channel, names, person, type Rig, room, startRig } from '../rig.ts';

const node = channel('#node');
const day = 86_400_000;

interface Wish {
  readonly ghosts?: 'lazy' | 'full';
  readonly idle?: number;
  readonly maxGhosts?: number;
}

/** All that a start of the bridge makes anew. */
function build(rig: Rig, clock: { now: number }, { ghosts: mode = 'lazy', idle, maxGhosts }: Wish) {
  const { store, homeserver, log } = rig;
  const settings = { ghosts: mode, puppets: 'speakers', idle, maxGhosts } as const;
  const now = () => clock.now;
  const links = new Links({ store });
  const roster = new Roster({ store, members: (id) => homeserver.joinedMembers(id) });
  const put: string[] = [];
  const queue: MembershipQueue = new MembershipQueue({
    ...{ perSecond: 1000, atOnce: 4, maxQueued: 1000, log },
    isIn: (at, ghost) => roster.isIn(at, ghost),
    settled: async () => await settling.held,
    act: async ({ room: at, ghost, want, person: who, reason, ifSilent }) => {
      settling.underWay += 1;
      if (want === 'join') {
        if (who !== undefined && limits.hasPlace(at)) await ghosts.admit(who, at);
      } else if (ifSilent !== true || limits.mustGo(at, ghost) !== undefined) await ghosts.leave(ghost, at, reason);
      settling.underWay -= 1;
    },
  });
  const settling: { held: Promise<void> | undefined; underWay: number } = { held: undefined, underWay: 0 };
  const spoken = new Spoken({ store, notes: openNotes(store), links, names, now });
  const limits = new RoomLimits({
    ...{ settings, links, roster, names, queue, spoken, log, now, every: day },
    count: (name, { why }) => void put.push(`${name} ${why}`),
  });
  const ghosts: Ghosts = new Ghosts({
    ...{ store, homeserver, names, places: roster, log, enter: queue.promote },
    heard: (at, ghost, isNew) => limits.heard(at, ghost, isNew),
  });
  const sync = new Sync({ settings, adapter: rig.network.adapter, links, roster, ghosts, names, queue, limits, log });
  const stop = async () => {
    sync.stop();
    await limits.stop();
    await queue.stop();
  };
  return { links, roster, queue, settling, spoken, limits, ghosts, sync, put, stop };
}

async function start(t: TestContext, wish: Wish) {
  const rig = await startRig(t);
  const clock = { now: 1_700_000_000_000 };
  let parts = build(rig, clock, wish);
  const op = rig.fake.user('op', 'Op');
  const newRoom = () => room(rig.fake.createRoom({ creator: op, members: [rig.bot] }));
  const id = newRoom();
  const link = await parts.links.add({ room: id, channel: node, origin: 'config', state: 'live' });
  parts.limits.start();
  await parts.limits.ready;
  // By then the store may be closed, and there is nothing to be put down.
  t.after(() => parts.stop().catch(() => {}));
  const ghostsIn = (at: RoomId = id) =>
    rig.fake
      .members(at)
      .filter((user) => names.isGhost(userId(user)))
      .map((user) => user.slice(12, -8))
      .sort();
  const quiet = async () => {
    for (let still = 0; still < 5; still += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (parts.queue.depth + parts.settling.underWay + rig.fake.counts.atOnce > 0) still = 0;
    }
  };
  return {
    ...{ rig, clock, id, link, newRoom, ghostsIn, quiet },
    get now() {
      return parts;
    },
    async speak(...nicks: string[]) {
      for (const nick of nicks) {
        clock.now += 1;
        await parts.ghosts.ready(person(nick), id);
      }
      await quiet();
    },
    async look() {
      await parts.limits.look();
      await quiet();
    },
    inChannel(...nicks: string[]) {
      rig.network.members.set(
        node,
        nicks.map((nick) => person(nick)),
      );
    },
    async compare(at: ChannelId = node) {
      parts.sync.recompute(at);
      await quiet();
    },
    /** `lost`: nothing is put down before. */
    async restart(changed: Wish = wish) {
      await parts.stop();
      rig.reopen();
      parts = build(rig, clock, changed);
      parts.limits.start();
      await parts.limits.ready;
    },
  };
}

type Membership = Extract<RemoteEvent, { kind: 'membership' }>;
const change = (nick: string, what: 'join' | 'leave', more: object = {}) =>
  ({ kind: 'membership', at: 0, channel: node, user: person(nick), change: what, ...more }) as Membership;
const renamed = (was: string, now: string) =>
  ({ kind: 'profile', at: 0, channel: node, was: person(was), user: person(now) }) as Extract<RemoteEvent, { kind: 'profile' }>;

test('who is not heard for so long goes, with the reason, and comes back with the next word', async (t) => {
  const { rig, clock, id, now, speak, look, ghostsIn } = await start(t, { idle: 30 * day });
  await speak('alice', 'ben');
  clock.now += 20 * day;
  await speak('alice');
  clock.now += 10 * day - 10;
  await look();
  assert.deepEqual(ghostsIn(), ['alice', 'ben'], 'not yet');
  clock.now += 10;
  await look();
  assert.deepEqual(ghostsIn(), ['alice']);
  assert.deepEqual(rig.fake.room(id).stateOf('m.room.member', '@irc_libera_ben:hs.test')?.content, {
    membership: 'leave',
    reason: 'silent for 30d',
  });
  assert.deepEqual(now.put, ['membership_left_out silent']);
  assert.equal(now.limits.counted, 2, 'as it looked');
  await speak('ben');
  await look();
  assert.deepEqual(ghostsIn(), ['alice', 'ben']);
});

test('who spoke when is known after a restart, and after a crash from what relations keep', async (t) => {
  const it = await start(t, { idle: 30 * day });
  const { rig, clock, id, link, speak, look, ghostsIn, restart } = it;
  await speak('alice', 'ben', 'carl');
  clock.now += 20 * day;
  await speak('alice');
  await restart();
  clock.now += 5 * day;
  // Said, and not put down before the process died.
  const relations = new Relations({ store: rig.store });
  const said = {
    link: link.id,
    part: 0,
    remote: undefined,
    kind: 'message',
    author: person('ben').id,
    emoji: undefined,
    text: 'hi',
  } as const;
  await rig.store.write(() =>
    relations.write({ ...said, event: '$ben' as never, sender: names.ghostOf(person('ben')), at: clock.now } as never),
  );
  await restart();
  clock.now += 6 * day;
  await look();
  assert.deepEqual(ghostsIn(), ['alice', 'ben']);
  assert.deepEqual([...it.now.spoken.of(id).keys()].sort(), ['alice', 'ben', 'carl'].map((nick) => names.ghostOf(person(nick))).sort());
});

test('where it was not counted before, silence begins with what relations know, else with the first look', async (t) => {
  const it = await start(t, {});
  const { rig, clock, link, speak, look, ghostsIn, restart } = it;
  await speak('old', 'unknown');
  await it.now.stop();
  const relations = new Relations({ store: rig.store });
  const said = {
    link: link.id,
    part: 0,
    remote: undefined,
    kind: 'message',
    author: person('old').id,
    emoji: undefined,
    text: 'hi',
  } as const;
  await rig.store.write(() =>
    relations.write({ ...said, event: '$old' as never, sender: names.ghostOf(person('old')), at: clock.now - 40 * day } as never),
  );
  await rig.store.write(() => rig.store.prepare('DELETE FROM spoken').run());
  await rig.store.write(() => rig.store.prepare("DELETE FROM meta WHERE name LIKE 'note:%'").run());
  await restart({ idle: 30 * day });
  await look();
  assert.deepEqual(ghostsIn(), ['unknown']);
  clock.now += 31 * day;
  await look();
  assert.deepEqual(ghostsIn(), []);
});

test('a mirrored channel: who was silent for long is not brought back by the next comparison, nor by a restart', async (t) => {
  const it = await start(t, { ghosts: 'full', idle: 30 * day });
  const { clock, speak, look, compare, inChannel, ghostsIn, restart } = it;
  inChannel('alice', 'ben', 'carl');
  await compare();
  assert.deepEqual(ghostsIn(), ['alice', 'ben', 'carl']);
  clock.now += 20 * day;
  await speak('alice');
  clock.now += 15 * day;
  await look();
  assert.deepEqual(ghostsIn(), ['alice']);
  inChannel('alice', 'ben', 'carl', 'dora');
  await compare();
  assert.deepEqual(ghostsIn(), ['alice', 'dora'], 'new ones come');
  await restart();
  await compare();
  assert.deepEqual(ghostsIn(), ['alice', 'dora']);
  await speak('ben');
  assert.deepEqual(ghostsIn(), ['alice', 'ben', 'dora']);
  // Longer than before: they come, once it is compared.
  await restart({ ghosts: 'full', idle: 90 * day });
  await compare();
  assert.deepEqual(ghostsIn(), ['alice', 'ben', 'carl', 'dora']);
});

test('a mirrored channel: who goes and comes anew comes in; who comes back from a netsplit or by another name does not', async (t) => {
  const it = await start(t, { ghosts: 'full', idle: 30 * day });
  const { clock, id, look, compare, inChannel, ghostsIn, quiet } = it;
  inChannel('alice', 'ben', 'carl');
  await compare();
  clock.now += 31 * day;
  await look();
  assert.deepEqual(ghostsIn(), []);
  const { sync, links, spoken } = it.now;
  for (const event of [change('alice', 'leave'), change('ben', 'leave', { netsplit: true })]) sync.heard(event, links.liveOn(node));
  await quiet();
  for (const nick of ['alice', 'ben']) sync.heard(change(nick, 'join'), links.liveOn(node));
  sync.heard(renamed('carl', 'charles'), links.liveOn(node));
  await quiet();
  assert.deepEqual(ghostsIn(), ['alice']);
  inChannel('alice', 'ben', 'charles');
  await compare();
  assert.deepEqual(ghostsIn(), ['alice']);
  assert.equal(spoken.of(id).has(names.ghostOf(person('carl'))), false, 'nothing is kept of who is not there');
});

test('a full room: who speaks takes the place of whoever was silent the longest, and nobody is brought back for that', async (t) => {
  const it = await start(t, { ghosts: 'full', maxGhosts: 3 });
  const { speak, look, compare, inChannel, ghostsIn, restart } = it;
  inChannel('a', 'b', 'c', 'd', 'e');
  await compare();
  assert.deepEqual(ghostsIn(), ['a', 'b', 'c']);
  await speak('b', 'c', 'e');
  assert.deepEqual(ghostsIn(), ['b', 'c', 'e'], 'who never spoke goes first');
  await speak('b', 'd');
  assert.deepEqual(ghostsIn(), ['b', 'd', 'e'], 'then who spoke before the others');
  assert.deepEqual(it.now.put, ['membership_left_out crowded', 'membership_left_out crowded']);
  await compare();
  await look();
  await restart();
  await compare();
  await look();
  assert.deepEqual(ghostsIn(), ['b', 'd', 'e']);
  // One goes: the next comparison gives the place to who spoke last of those who are out.
  inChannel('a', 'b', 'c', 'd');
  await compare();
  assert.deepEqual(ghostsIn(), ['b', 'd'], 'first the place has to be free');
  await compare();
  assert.deepEqual(ghostsIn(), ['b', 'c', 'd']);
  await restart({ ghosts: 'full', maxGhosts: 1 });
  await look();
  assert.deepEqual(ghostsIn(), ['d'], 'fewer than before: the last to speak stays');
});

test('lazily too no more are there than may be, and one who spoke while its turn to leave came stays', async (t) => {
  const it = await start(t, { maxGhosts: 2 });
  const { speak, ghostsIn, id, clock, quiet } = it;
  await speak('a', 'b');
  const { now } = it;
  let release = () => {};
  now.settling.held = new Promise<void>((resolve) => {
    release = resolve;
  });
  clock.now += 1;
  await now.ghosts.ready(person('c'), id);
  assert.deepEqual(ghostsIn(), ['a', 'b', 'c'], 'nobody waits for the leave');
  clock.now += 1;
  await now.ghosts.ready(person('a'), id);
  now.settling.held = undefined;
  release();
  await quiet();
  assert.deepEqual(ghostsIn(), ['a', 'c'], 'b is the longest silent by now');
});

test('a leave that the network wants takes the place of one for silence', async (t) => {
  const it = await start(t, { idle: 30 * day });
  const { rig, clock, id, speak, ghostsIn, quiet } = it;
  await speak('alice');
  const { now } = it;
  let release = () => {};
  now.settling.held = new Promise<void>((resolve) => {
    release = resolve;
  });
  clock.now += 31 * day;
  await now.limits.look();
  await now.ghosts.ready(person('alice'), id);
  now.sync.heard(change('alice', 'leave', { reason: 'Quit: bye' }), now.links.liveOn(node));
  await new Promise((resolve) => setTimeout(resolve, 20));
  release();
  await quiet();
  assert.deepEqual(ghostsIn(), []);
  assert.equal(rig.fake.room(id).stateOf('m.room.member', '@irc_libera_alice:hs.test')?.content.reason, 'Quit: bye');
});

test('rooms of private and group chats are left alone, and what is no longer linked', async (t) => {
  const it = await start(t, { idle: 30 * day, maxGhosts: 1 });
  const { clock, newRoom, look, quiet, ghostsIn } = it;
  const { links, ghosts, spoken } = it.now;
  const [chat, other] = [newRoom(), newRoom()];
  await links.add({ room: chat, channel: channel('chat'), origin: 'portal', state: 'live', options: { chat: 'group' } });
  const past: Link = await links.add({ room: other, channel: channel('#past'), origin: 'config', state: 'live' });
  for (const at of [chat, other]) for (const nick of ['alice', 'ben']) await ghosts.ready(person(nick), at);
  await quiet();
  assert.deepEqual([ghostsIn(chat), ghostsIn(other)], [['alice', 'ben'], ['ben']]);
  await links.setState(past.id, 'suspended');
  clock.now += 31 * day;
  await look();
  assert.deepEqual([ghostsIn(chat), ghostsIn(other)], [['alice', 'ben'], ['ben']]);
  await links.remove(past.id);
  it.now.limits.unlinked(other);
  assert.equal(spoken.of(other).size, 0);
});

test('who was silent before an upgrade of the room is so after it', async (t) => {
  const it = await start(t, { ghosts: 'full', idle: 30 * day });
  const { clock, id, link, newRoom, speak, look, compare, inChannel, ghostsIn } = it;
  inChannel('alice', 'ben');
  await compare();
  clock.now += 31 * day;
  await speak('alice');
  await look();
  assert.deepEqual(ghostsIn(), ['alice']);
  const to = newRoom();
  await it.now.links.set(link.id, { room: to });
  it.now.limits.moved(id, to);
  await compare();
  assert.deepEqual(ghostsIn(to), ['alice']);
});
