// From Matrix to the network, between a homeserver on a socket and a fake network: what is carried, to where, and that once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { userId } from '../../../bridge-core/ids.ts';
import { keyField, noticeField } from '../../../bridge-core/matrix-event.ts';
import { until } from '../../support/waiting.ts';
import { startPipeline } from './pipeline-rig.ts';

const raw = (room: string, id: string, body: string, sender = '@alice:hs.test') => ({
  ...{ event_id: id, room_id: room, sender, type: 'm.room.message', origin_server_ts: Date.now() },
  content: { msgtype: 'm.text', body },
});

test('a line said in the room is said in the channel by its person, and recorded', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  const link = await p.link(room, '#chan');
  const id = p.hs.say(p.alice, room, 'hello');
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: hello']);
  const [relation] = p.parts.relations.ofEvent(id as never, link.id);
  assert.equal(relation?.remote, p.network.channel('#chan').messages[0]?.id);
  assert.equal(relation?.text, 'hello');
  assert.deepEqual(p.inRoom(room), ['alice: hello'], 'and not repeated to the room');
});

test('an event that comes twice is carried once: in one transaction, in two, and after a restart', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const event = raw(room, '$twice', 'once');
  await p.parts.transactions.receive('t1', { events: [event, event] });
  await p.parts.transactions.receive('t2', { events: [event, raw(room, '$new', 'new')] });
  await p.settled();
  await p.restart();
  await p.parts.transactions.receive('t3', { events: [event] });
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: once', 'alice[m]: new']);
  assert.ok(p.parts.counts.includes('repeated'));
});

test('who comes and goes, or goes and comes back, within one transaction is where the last of it says', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  await p.settled();
  const member = (id: string, user: string, membership: string, displayname?: string) => ({
    ...{ event_id: id, room_id: room, sender: user, type: 'm.room.member', state_key: user, origin_server_ts: Date.now() },
    content: { membership, ...(displayname !== undefined && { displayname }) },
  });
  const [carol, bob] = [userId('@carol:hs.test'), userId(p.bob)];
  await p.parts.transactions.receive('t1', {
    events: [
      member('$1', carol, 'join', 'Carol'),
      member('$2', carol, 'leave'),
      member('$3', bob, 'leave'),
      member('$4', bob, 'join', 'Bob'),
    ],
  });
  const { roster } = p.parts;
  assert.deepEqual([roster.isIn(room, carol), roster.isIn(room, bob), roster.nameOf(room, bob)], [false, true, 'Bob']);
  assert.equal(p.temp.committed("SELECT group_concat(user) FROM roster WHERE user IN ('@carol:hs.test', '@bob:hs.test')"), bob);
  await p.settled();
});

test('what could not be written is no repetition when it comes again', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  await p.settled();
  const event = { event_id: '$1', room_id: room, sender: p.bob, type: 'm.room.member', state_key: p.bob, origin_server_ts: Date.now() };
  const gone = { events: [{ ...event, content: { membership: 'leave' } }] };
  const { store, roster, transactions } = p.parts;
  const write = store.write.bind(store);
  const failing = t.mock.method(store, 'write', (unit: () => unknown) =>
    write(() => {
      unit();
      throw new Error('the disk is full');
    }),
  );
  await assert.rejects(transactions.receive('t1', gone));
  failing.mock.restore();
  assert.equal(roster.isIn(room, userId(p.bob)), true);
  await transactions.receive('t1', gone);
  assert.equal(roster.isIn(room, userId(p.bob)), false);
  assert.equal(p.temp.committed(`SELECT count(*) FROM roster WHERE user = '${p.bob}'`), 0);
  await p.settled();
});

test('a transaction is acknowledged only once its rows are on disk, all of them together', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  await p.settled();
  const commits: unknown[] = [];
  p.parts.store.onCommit(() => commits.push(p.temp.committed('SELECT count(*) FROM journal')));
  await p.parts.transactions.receive('t1', { events: [raw(room, '$1', 'one'), raw(room, '$2', 'two'), raw(room, '$3', 'three', p.bob)] });
  assert.equal(commits[0], 3);
  assert.equal(p.temp.committed("SELECT count(*) FROM transactions WHERE id = 't1'"), 1);
  p.network.release();
  await p.settled();
});

test('nothing to carry: answered without a commit', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  await p.settled();
  let commits = 0;
  p.parts.store.onCommit(() => {
    commits += 1;
  });
  await p.parts.transactions.receive('t1', {
    events: [raw('!other:hs.test', '$elsewhere', 'not linked'), { ...raw(room, '$state', ''), type: 'm.room.name', state_key: '' }],
    ephemeral: [{ type: 'm.typing', room_id: room, content: { user_ids: [] } }],
  });
  assert.equal(commits, 0);
});

test('a room with two channels: each hears its people once, and each other', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#one');
  await p.link(room, '#two');
  p.hs.say(p.alice, room, 'to both');
  await p.settled();
  p.network.say('zoe', '#one', 'from one');
  await until('the far channel', () => p.network.said('#two').length === 2);
  await p.settled();
  assert.deepEqual(p.network.said('#one'), ['alice[m]: to both', 'zoe: from one']);
  assert.deepEqual(p.network.said('#two'), ['alice[m]: to both', 'causeway: <zoe> from one']);
  assert.deepEqual(p.inRoom(room), ['alice: to both', 'zoe: from one']);
});

test('a channel in two rooms: what is said in one is heard in the other once, in the person’s name', async (t) => {
  const p = await startPipeline(t);
  const [here, there] = [p.room(), p.room()];
  await p.link(here, '#chan');
  await p.link(there, '#chan');
  p.hs.say(p.alice, here, 'from here');
  await until('the other room', () => p.inRoom(there).length === 1);
  p.network.say('zoe', '#chan', 'from there');
  await until('both rooms', () => p.inRoom(here).length === 2 && p.inRoom(there).length === 2);
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: from here', 'zoe: from there']);
  assert.deepEqual(p.inRoom(here), ['alice: from here', 'zoe: from there']);
  assert.deepEqual(p.inRoom(there), ['bridge: Alice: from here', 'zoe: from there']);
  const [repeated] = p.hs.messages(there);
  const profile = repeated?.content['com.beeper.per_message_profile'] as { displayname: string };
  assert.equal(profile.displayname, 'Alice');
});

test('a chain of rooms and channels carries a line to its ends once', async (t) => {
  const p = await startPipeline(t);
  const [first, second] = [p.room(), p.room()];
  await p.link(first, '#one');
  await p.link(second, '#one');
  await p.link(second, '#two');
  p.hs.say(p.alice, first, 'all the way');
  await until('the far end', () => p.network.said('#two').length === 1);
  await p.settled();
  assert.deepEqual(p.network.said('#one'), ['alice[m]: all the way']);
  assert.deepEqual(p.inRoom(second), ['bridge: Alice: all the way']);
  assert.deepEqual(p.network.said('#two'), ['causeway: <Alice> all the way'], 'the name stands once');
  assert.deepEqual(p.inRoom(first), ['alice: all the way']);
});

test('rooms and channels tied into a circle do not carry a line round and round', async (t) => {
  const p = await startPipeline(t);
  const [here, there] = [p.room(), p.room()];
  for (const room of [here, there]) for (const name of ['#one', '#two']) await p.link(room, name);
  p.hs.say(p.alice, here, 'from here');
  await p.settled();
  p.network.say('zoe', '#one', 'from there');
  await until('it everywhere', () => p.inRoom(here).length >= 2 && p.inRoom(there).length >= 2);
  await p.settled();
  const times = (said: string[], words: string) => said.filter((line) => line.endsWith(words)).length;
  for (const said of [p.network.said('#one'), p.network.said('#two'), p.inRoom(here), p.inRoom(there)]) {
    for (const words of ['from here', 'from there']) assert.ok(times(said, words) >= 1 && times(said, words) <= 4, JSON.stringify(said));
  }
});

test('a key copied by a stranger proves nothing: their line is carried everywhere', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#one');
  await p.link(room, '#two');
  p.network.say('zoe', '#one', 'the original');
  await until('the room', () => p.inRoom(room).length === 1);
  const key = p.hs.messages(room)[0]?.content[keyField];
  assert.equal(typeof key, 'string');
  p.hs.say(p.alice, room, { msgtype: 'm.text', body: 'a copy', [keyField]: key });
  await p.settled();
  assert.ok(p.network.said('#one').includes('alice[m]: a copy'));
  assert.ok(p.network.said('#two').includes('alice[m]: a copy'));
});

test('the bot’s notices are never carried; anybody else’s mark counts for nothing', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const notice = (body: string) => ({ msgtype: 'm.notice', body, [noticeField]: true });
  p.hs.say(p.hs.bot, room, notice('from our bot'));
  p.hs.say(p.alice, room, notice('from alice'));
  const other = p.hs.user('otherbridge');
  p.hs.join(other, room);
  p.hs.say(other, room, notice('from another bridge’s bot'));
  p.hs.say(other, room, 'and its other words');
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: from alice', 'otherbridge[m]: and its other words']);
});

test('a command makes the bridge act, once, and is not carried', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const event = { ...raw(room, '$act', '!act') };
  await p.parts.transactions.receive('t1', { events: [event] });
  await p.parts.transactions.receive('t2', { events: [event, raw(room, '$other', 'words')] });
  await p.settled();
  assert.deepEqual(p.parts.acted, ['$act']);
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: words']);
});

test('a person who leaves the room takes their session out of the channel, after their last words', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  p.network.latency = 20;
  p.hs.say(p.bob, room, 'my last words');
  p.hs.leave(p.bob, room);
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['bob[m]: my last words']);
  assert.ok(!p.network.channel('#chan').members.has('bob[m]'));
});

test('who is in another room of the channel still stays there', async (t) => {
  const p = await startPipeline(t);
  const [here, there] = [p.room(), p.room()];
  await p.link(here, '#chan');
  await p.link(there, '#chan');
  p.hs.say(p.bob, here, 'hello');
  await p.settled();
  p.hs.leave(p.bob, here);
  await p.settled();
  assert.ok(p.network.channel('#chan').members.has('bob[m]'));
  p.hs.leave(p.bob, there);
  await p.settled();
  assert.ok(!p.network.channel('#chan').members.has('bob[m]'));
});

test('a ghost put out of the room is put out of the channel, with the actor and the reason', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  p.network.say('zoe', '#chan', 'spam');
  await until('the ghost', () => p.inRoom(room).length === 1);
  const ghost = p.hs.messages(room)[0]?.sender ?? '';
  await p.settled();
  p.hs.kick(p.alice, room, ghost, 'no spam');
  await p.settled();
  assert.ok(!p.network.channel('#chan').members.has('zoe'));
  const kick = p.network.log.findLast(({ what }) => what === 'kick');
  assert.equal(kick?.what === 'kick' && kick.reason, 'by Alice: no spam');
});

test('taking back an invitation or a ban of a ghost puts nobody out', async (t) => {
  const p = await startPipeline(t);
  const [room, other] = [p.room(), p.room()];
  await p.link(room, '#chan');
  await p.link(other, '#other');
  p.network.say('zoe', '#chan', 'spam');
  p.network.join('zoe', '#other');
  await until('the ghost', () => p.inRoom(room).length === 1);
  await p.settled();
  const ghost = p.hs.messages(room)[0]?.sender ?? '';
  p.hs.invite(p.alice, other, ghost);
  p.hs.kick(p.alice, other, ghost);
  await p.settled();
  assert.ok(p.network.channel('#other').members.has('zoe'), 'not for an invitation taken back');
  p.hs.ban(p.alice, room, ghost);
  await p.settled();
  assert.ok(!p.network.channel('#chan').members.has('zoe'), 'for a ban');
  p.network.join('zoe', '#chan');
  p.hs.kick(p.alice, room, ghost);
  await p.settled();
  assert.ok(p.network.channel('#chan').members.has('zoe'), 'not for a ban that ends');
});

test('a topic goes the way that the link says', async (t) => {
  const p = await startPipeline(t);
  const [both, none] = [p.room(), p.room()];
  await p.link(both, '#both', { topic: 'both' });
  await p.link(none, '#none', { topic: 'to-matrix' });
  for (const room of [both, none]) p.hs.setState(p.alice, room, 'm.room.topic', '', { topic: 'news' });
  await p.settled();
  assert.equal(p.network.channel('#both').topic, 'news');
  assert.equal(p.network.channel('#none').topic, '');
});

test('what was accepted before a stop is said after the start, in order', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  p.network.down();
  for (let n = 0; n < 5; n += 1) p.hs.say(p.alice, room, `line ${n}`);
  await until('them in the journal', () => p.temp.committed('SELECT count(*) FROM journal') === 5);
  await delay(20);
  p.network.isUp = true;
  await p.restart();
  await p.settled();
  assert.deepEqual(
    p.network.said('#chan'),
    [0, 1, 2, 3, 4].map((n) => `alice[m]: line ${n}`),
  );
});

test('a link that is gone takes its rows along; a suspended one makes them fail', async (t) => {
  const p = await startPipeline(t);
  const [gone, suspended] = [p.room(), p.room()];
  const first = await p.link(gone, '#gone');
  const second = await p.link(suspended, '#suspended');
  p.network.down();
  p.hs.say(p.alice, gone, 'nowhere to go');
  p.hs.say(p.alice, suspended, 'not now');
  await until('them in the journal', () => p.temp.committed('SELECT count(*) FROM journal') === 2);
  await p.parts.links.remove(first.id);
  await p.parts.links.setState(second.id, 'suspended', 'banned from the channel');
  p.network.up();
  await p.settled();
  assert.deepEqual(p.parts.dead, ['CHANNEL_CLOSED']);
  assert.deepEqual([...p.network.said('#gone'), ...p.network.said('#suspended')], []);
});
