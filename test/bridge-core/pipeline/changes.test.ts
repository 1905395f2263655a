// State of the room that becomes state of the channel: name, topic, pins, invitations; by whom, and who is told of a refusal.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { banVerbs, verbs } from '../../support/fake-adapter.ts';
import { until } from '../../support/waiting.ts';
import { startPipeline } from './pipeline-rig.ts';

const notices = (p: Awaited<ReturnType<typeof startPipeline>>, room: string) =>
  p.hs
    .messages(room)
    .filter(({ content }) => content.msgtype === 'm.notice')
    .map(({ content }) => String(content.body));

test('a room’s name goes the way that the link says, and no empty one', async (t) => {
  const p = await startPipeline(t);
  const [both, none] = [p.room(), p.room()];
  await p.link(both, '#both', { name: 'to-network' });
  await p.link(none, '#none');
  for (const room of [both, none]) p.hs.setState(p.alice, room, 'm.room.name', '', { name: 'News' });
  await p.settled();
  p.hs.setState(p.alice, both, 'm.room.name', '', {});
  await p.settled();
  assert.equal(p.network.channel('#both').title, 'News');
  assert.equal(p.network.channel('#none').title, '#none');
});

test('what is pinned and unpinned in the room is so in the channel, as far as it is known there', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  const early = p.hs.say(p.alice, room, 'before it was linked');
  await p.settled();
  await p.link(room, '#chan');
  const [one, two] = [p.hs.say(p.alice, room, 'one'), p.hs.say(p.bob, room, 'two')];
  const pin = (...pinned: string[]) => p.hs.setState(p.alice, room, 'm.room.pinned_events', '', { pinned });
  pin(early, one, two);
  await p.settled();
  const ids = new Map(p.network.channel('#chan').messages.map(({ body, id }) => [body, id]));
  assert.deepEqual([...p.network.channel('#chan').pinned].sort(), [...ids.values()].sort());
  pin(early, two);
  await p.settled();
  assert.deepEqual([...p.network.channel('#chan').pinned], [ids.get('two')]);
  const pins = p.network.log.filter(({ what }) => what === 'pin');
  assert.deepEqual(
    pins.map(({ nick }) => nick),
    ['alice[m]', 'alice[m]', 'alice[m]'],
    'only what changed, by whoever did it',
  );
});

test('where the network pins nothing nobody’s session is opened for it', async (t) => {
  const p = await startPipeline(t, { adapter: { verbs: ['sent'] } });
  const room = p.room();
  await p.link(room, '#chan', { name: 'both', topic: 'both' });
  p.hs.setState(p.alice, room, 'm.room.pinned_events', '', { pinned: ['$x'] });
  p.hs.setState(p.alice, room, 'm.room.name', '', { name: 'News' });
  p.hs.setState(p.alice, room, 'm.room.topic', '', { topic: 'News' });
  await p.settled();
  assert.equal(p.network.connections.size, 1);
  assert.deepEqual(notices(p, room), []);
});

test('a ghost that is invited into the room is invited into the channel', async (t) => {
  const p = await startPipeline(t);
  const [room, other] = [p.room(), p.room()];
  await p.link(room, '#chan');
  await p.link(other, '#other');
  p.network.say('zoe', '#chan', 'hello');
  await until('the ghost', () => p.inRoom(room).length === 1);
  await p.settled();
  p.hs.invite(p.alice, other, p.hs.messages(room)[0]?.sender ?? '');
  await p.settled();
  assert.deepEqual([...p.network.channel('#other').invited], ['zoe']);
  assert.deepEqual([...p.network.channel('#chan').invited], []);
});

test('who may not do it there is helped by the bot; where that may not either, the room hears who and why', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan', { topic: 'both' });
  const topic = (words: string) => p.hs.setState(p.alice, room, 'm.room.topic', '', { topic: words });
  p.network.powerless.add('alice[m]');
  topic('by the bot');
  await p.settled();
  assert.equal(p.network.channel('#chan').topic, 'by the bot');
  p.network.powerless.add('causeway');
  topic('by nobody');
  await p.settled();
  assert.equal(p.network.channel('#chan').topic, 'by the bot');
  const [told] = notices(p, room);
  assert.match(told ?? '', /^Alice: the topic was not carried to #chan: causeway may not do that\. /);
  assert.deepEqual(p.parts.dead, []);
});

test('a putting out that the network refuses is told by the actor’s name', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  p.network.say('zoe', '#chan', 'spam');
  await until('the ghost', () => p.inRoom(room).length === 1);
  await p.settled();
  p.network.powerless.add('causeway');
  p.hs.kick(p.alice, room, p.hs.messages(room)[0]?.sender ?? '');
  await p.settled();
  assert.ok(p.network.channel('#chan').members.has('zoe'));
  assert.match(notices(p, room)[0] ?? '', /^Alice: putting out or leaving was not carried to #chan: /);
});

test('a link that only shows what the network says carries nothing to it', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan', { way: 'to-matrix', topic: 'both' });
  await p.link(room, '#open');
  p.hs.say(p.alice, room, 'hello');
  p.hs.setState(p.alice, room, 'm.room.topic', '', { topic: 'news' });
  p.network.say('zoe', '#chan', 'from there');
  await until('the room', () => p.inRoom(room).length === 2);
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['zoe: from there']);
  assert.equal(p.network.channel('#chan').topic, '');
  assert.deepEqual(p.network.said('#open').sort(), ['alice[m]: hello', 'causeway: <zoe> from there']);
});

test('where the network has bans, who is banned in the room is banned there, and who is let in again is let in there', async (t) => {
  const p = await startPipeline(t, { adapter: { verbs: [...verbs, ...banVerbs] } });
  const room = p.room();
  await p.link(room, '#chan');
  p.network.say('zoe', '#chan', 'spam');
  await until('the ghost', () => p.inRoom(room).length === 1);
  const ghost = p.hs.messages(room)[0]?.sender ?? '';
  await p.settled();
  const { banned } = p.network.channel('#chan');
  p.hs.ban(p.alice, room, ghost, 'no spam');
  await p.settled();
  assert.deepEqual([...banned], ['zoe']);
  p.hs.setState(p.alice, room, 'm.room.member', ghost, { membership: 'leave' });
  await p.settled();
  assert.deepEqual([...banned], []);
  p.hs.ban(p.alice, room, ghost);
  await p.settled();
  assert.deepEqual([...banned], ['zoe'], 'though the ghost was in the room no more');
});

test('a person whom the network bans is banned from the room, until it lets them in again', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  p.hs.setState(p.alice, room, 'm.room.power_levels', '', { users: { [p.alice]: 100, [p.hs.bot]: 90 } });
  p.hs.join(p.bob, room);
  p.hs.say(p.bob, room, 'hello');
  await p.settled();
  const membership = () => p.hs.room(room).stateOf('m.room.member', p.bob)?.content.membership;
  p.network.ban('zoe', '#chan', 'bob[m]');
  await until('bob to be banned', () => membership() === 'ban');
  p.network.unban('zoe', '#chan', 'bob[m]');
  await until('bob to be let in', () => membership() === 'leave');
});
