// What happens to a channel rather than in it, shown in Matrix: its name, topic, pins, its end and its return; and who takes
// back what others said.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { RemoteEvent } from '../../../bridge-core/remote-event.ts';
import { personOf } from '../../support/fake-adapter/events.ts';
import { until } from '../../support/waiting.ts';
import { type Pipeline, startPipeline } from './pipeline-rig.ts';

async function begin(t: Parameters<typeof startPipeline>[0], options = {}, wish: Parameters<typeof startPipeline>[1] = {}) {
  const p = await startPipeline(t, wish);
  const room = p.room();
  const link = await p.link(room, '#chan', options);
  return Object.assign(p, { at: room, of: link });
}

const state = (p: Pipeline & { at: string }, type: string) => p.hs.world.room(p.at).stateOf(type, '')?.content;
const notices = (p: Pipeline & { at: string }) =>
  p.hs
    .messages(p.at)
    .filter(({ sender }) => sender === p.hs.bot)
    .map(({ content }) => content.body);
const powerless = (p: Pipeline & { at: string }, levels: object) =>
  p.hs.setState(p.alice, p.at, 'm.room.power_levels', '', { users: { [p.alice]: 100, [p.hs.bot]: 0 }, state_default: 50, ...levels });

test('a room that people brought keeps its name unless told otherwise; its topic follows', async (t) => {
  const p = await begin(t);
  p.network.call('zoe', '#chan', 'newer');
  p.network.setTopic('zoe', '#chan', 'news');
  await p.settled();
  assert.equal(state(p, 'm.room.name'), undefined);
  assert.equal(state(p, 'm.room.topic')?.topic, 'news');
  assert.deepEqual(notices(p), []);
});

test('a room that is told to follow does, and so does one that was made for the channel', async (t) => {
  const p = await begin(t, { name: 'to-matrix' });
  const made = p.room();
  await p.parts.links.add({ room: made, channel: p.of.channel, origin: 'portal', state: 'live' });
  p.network.call('zoe', '#chan', 'newer');
  await p.settled();
  assert.equal(state(p, 'm.room.name')?.name, 'newer');
  assert.equal(p.hs.world.room(made).stateOf('m.room.name', '')?.content.name, 'newer');
  powerless(p, {});
  p.network.call('zoe', '#chan', 'newest');
  await p.settled();
  assert.equal(state(p, 'm.room.name')?.name, 'newer');
  assert.deepEqual(notices(p), ['zoe named the channel newest']);
});

test('archived: the room is told, what people say is refused and that told once, until it is opened again', async (t) => {
  const p = await begin(t);
  p.network.archive('zoe', '#chan');
  await p.settled();
  const told = 'zoe archived the channel (what is said here does not reach it any more)';
  assert.deepEqual(notices(p), [told]);
  for (const line of ['one', 'two']) {
    p.hs.say(p.alice, p.at, line);
    await p.settled();
    await p.parts.failures.flush();
    await p.settled();
  }
  assert.deepEqual(p.network.said('#chan'), []);
  assert.equal(notices(p).length, 2);
  assert.match(String(notices(p)[1]), /^A message was not delivered to #chan: the channel is archived/);
  assert.equal(p.events(p.at, 'com.beeper.message_send_status').length, 2);
  // The network may still say something, and the link stands.
  p.network.say('zoe', '#chan', 'last words');
  await p.restart();
  p.hs.say(p.bob, p.at, 'three');
  await p.settled();
  await p.parts.failures.flush();
  await p.settled();
  assert.deepEqual(p.parts.dead.at(-1), 'CHANNEL_CLOSED');
  p.network.archive('zoe', '#chan', false);
  await p.settled();
  assert.equal(notices(p).at(-1), 'zoe opened the channel again (what is said here reaches it)');
  p.hs.say(p.alice, p.at, 'four');
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['zoe: last words', 'alice[m]: four']);
});

test('pins are kept in step, in order; what people pinned stays', async (t) => {
  const p = await begin(t);
  p.hs.setState(p.alice, p.at, 'm.room.pinned_events', '', { pinned: ['$theirs'] });
  const [one, two] = ['one', 'two'].map((line) => p.network.say('zoe', '#chan', line).id);
  p.network.pin('zoe', '#chan', one ?? '');
  p.network.pin('zoe', '#chan', two ?? '');
  p.network.pin('yan', '#chan', two ?? '');
  p.network.pin('zoe', '#chan', 'm999');
  await p.settled();
  const ids = p.hs.messages(p.at).map(({ event_id }) => event_id);
  assert.deepEqual(state(p, 'm.room.pinned_events')?.pinned, ['$theirs', ...ids]);
  p.network.pin('zoe', '#chan', one ?? '', false);
  await p.settled();
  assert.deepEqual(state(p, 'm.room.pinned_events')?.pinned, ['$theirs', ids[1]]);
  assert.equal(p.events(p.at, 'm.room.pinned_events').length, 4);
});

test('where the bot may not pin it is left out, and no row is lost over it', async (t) => {
  const p = await begin(t);
  const { id } = p.network.say('zoe', '#chan', 'one');
  await p.settled();
  powerless(p, {});
  p.network.pin('zoe', '#chan', id);
  p.network.say('zoe', '#chan', 'two');
  await p.settled();
  assert.equal(state(p, 'm.room.pinned_events'), undefined);
  assert.deepEqual(p.parts.dead, []);
  assert.deepEqual(p.inRoom(p.at), ['zoe: one', 'zoe: two']);
});

test('what a moderator of the network takes back goes without any power of the bot’s, and says by whom', async (t) => {
  const p = await begin(t);
  const { id } = p.network.say('zoe', '#chan', 'rude');
  const own = p.network.say('yan', '#chan', 'oops').id;
  await p.settled();
  powerless(p, { redact: 50 });
  p.network.redact('op', '#chan', id);
  p.network.redact('yan', '#chan', own);
  await p.settled();
  const [zoe, yan] = p.hs.messages(p.at);
  assert.deepEqual(
    p.events(p.at, 'm.room.redaction').map(({ sender, redacts, content }) => [sender, redacts, content.reason]),
    [
      [zoe?.sender, zoe?.event_id, 'removed by op'],
      [yan?.sender, yan?.event_id, undefined],
    ],
  );
  // For other networks of the room, which know nobody called a reason.
  const named = p.events(p.at, 'm.room.redaction').map(({ content }) => content['com.beeper.per_message_profile']);
  assert.deepEqual(named, [{ id: '@fake_fake_op:hs.test', displayname: 'op', has_fallback: true }, undefined]);
});

test('taken back by nobody knows whom, it goes all the same', async (t) => {
  const p = await begin(t);
  const { id } = p.network.say('zoe', '#chan', 'oops');
  await p.settled();
  powerless(p, { redact: 50 });
  const event = { kind: 'redaction', at: Date.now(), channel: p.of.channel, id: 'r1', target: id };
  await p.parts.remoteToMatrix.accept(event as RemoteEvent);
  await p.settled();
  const [redaction] = p.events(p.at, 'm.room.redaction');
  assert.deepEqual([redaction?.sender, redaction?.content.reason], [p.hs.messages(p.at)[0]?.sender, undefined]);
});

test('what a person of ours said by other means goes on as theirs, and their own words that come back do not', async (t) => {
  const p = await begin(t);
  const other = p.room();
  await p.link(other, '#chan');
  p.hs.say(p.alice, p.at, 'from Matrix');
  await p.settled();
  const [message] = p.network.channel('#chan').messages;
  const own = (id: string, body: string): RemoteEvent =>
    ({ kind: 'message', at: Date.now(), channel: p.of.channel, id, sender: personOf('alice[m]'), body, style: 'text' }) as RemoteEvent;
  await p.parts.remoteToMatrix.accept(own(message?.id ?? '', 'from Matrix'));
  await p.parts.remoteToMatrix.accept(own('m900', 'from my phone'));
  await p.settled();
  assert.deepEqual(p.inRoom(p.at), ['alice: from Matrix', 'alice=5bm=5d: from my phone']);
  assert.deepEqual(p.inRoom(other), ['bridge: Alice: from Matrix', 'alice=5bm=5d: from my phone']);
});

test('their words that come back before the network has answered for them are known once it has, in every room of the channel', async (t) => {
  const p = await begin(t);
  const other = p.room();
  await p.link(other, '#chan');
  p.network.script(['hang']);
  p.hs.say(p.alice, p.at, 'from Matrix');
  await until('it is on its way', () => p.network.hanging === 1);
  const event = { at: Date.now(), channel: p.of.channel, id: 'm3', sender: personOf('alice[m]'), body: 'from Matrix' };
  await p.parts.remoteToMatrix.accept({ kind: 'message', style: 'text', ...event } as RemoteEvent);
  p.network.release();
  await p.settled();
  assert.equal(p.network.channel('#chan').messages[0]?.id, 'm3');
  assert.deepEqual(p.inRoom(p.at), ['alice: from Matrix']);
  assert.deepEqual(p.inRoom(other), ['bridge: Alice: from Matrix']);
});

test('their words that come back and wait for the network’s answer are not taken for news by a stop', async (t) => {
  const p = await begin(t);
  p.network.script(['hang']);
  p.hs.say(p.alice, p.at, 'from Matrix');
  await until('it is on its way', () => p.network.hanging === 1);
  const event = { at: Date.now(), channel: p.of.channel, id: 'm3', sender: personOf('alice[m]'), body: 'from Matrix' };
  const [row] = await p.parts.remoteToMatrix.accept({ kind: 'message', style: 'text', ...event } as RemoteEvent);
  await setImmediate();
  const stopped = Promise.all([p.parts.toMatrix.stop(), p.parts.toNetwork.stop()]);
  await setImmediate();
  p.network.release();
  await stopped;
  assert.deepEqual(p.inRoom(p.at), ['alice: from Matrix']);
  assert.equal(p.parts.journal.read(row?.seq ?? 0)?.source, row?.source, 'it waits for the next start');
});
