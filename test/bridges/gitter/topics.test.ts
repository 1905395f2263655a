// New topics of Gitter's rooms, whatever else is known of the room by then.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { withAdapter } from './with-gitter.ts';

test('a new topic is told once, also where the room was asked for before its telling came; one of ours is no news', {
  timeout: 180_000,
}, async (t) => {
  const { gitter, adapter, ann, room, channel, events } = await withAdapter(t);
  const topics = () => events.flatMap((event) => (event.kind === 'channel' && event.topic !== undefined ? [event.topic] : []));
  gitter.deliveryFault({ on: 'rooms/patch', username: 'matrixbot', times: 1, act: { delay: 300 } });
  ann.setTopic(room, 'news');
  const asked = await adapter.channels.resolve('org/room');
  assert.equal(asked?.topic, 'news');
  await until('the topic', () => topics().includes('news'));

  room.admins.add(gitter.world.userNamed('matrixbot')?.id ?? '');
  gitter.fault({ on: 'PUT /rooms/:room', times: 1, act: { wait: 200, when: 'after' } });
  const bot = await adapter.session({ as: 'bot' }, channel);
  await bot.setTopic?.(channel, 'ours');
  ann.setTopic(room, 'the last');
  await until('the last topic', () => topics().includes('the last'));
  assert.deepEqual(topics(), ['news', 'the last']);
});

test('what else changes in a room while a topic of ours is on its way does not bring the old one back', { timeout: 180_000 }, async (t) => {
  const { gitter, adapter, ann, bob, room, channel, events } = await withAdapter(t);
  const topics = () => events.flatMap((event) => (event.kind === 'channel' && event.topic !== undefined ? [event.topic] : []));
  room.admins.add(gitter.world.userNamed('matrixbot')?.id ?? '');
  gitter.fault({ on: 'PUT /rooms/:room', times: 1, act: { wait: 1_000 } });
  const bot = await adapter.session({ as: 'bot' }, channel);
  const setting = bot.setTopic?.(channel, 'ours');
  await until('our call', () => gitter.callsOf('PUT /rooms/:room').length > 0);
  bob.leave(room);
  await setting;
  ann.setTopic(room, 'the last');
  await until('the last topic', () => topics().includes('the last'));
  assert.deepEqual(topics(), ['the last']);
});

test('a topic that nobody heard of is told once the realtime channel is back, by one call for all rooms', {
  timeout: 180_000,
}, async (t) => {
  const { gitter, ann, room, events } = await withAdapter(t);
  const topics = () => events.flatMap((event) => (event.kind === 'channel' && event.topic !== undefined ? [event.topic] : []));
  const reads = () => gitter.callsOf('GET /user/:user/rooms').length;
  await until('the list', () => reads() > 0 || undefined);
  const before = reads();
  gitter.deliveryFault({ username: 'matrixbot', act: 'lose' });
  ann.setTopic(room, 'unheard');
  gitter.clearFaults();
  gitter.forgetFayeClients();
  await until('the topic', () => topics().includes('unheard'));
  assert.equal(reads(), before + 1);
  ann.setTopic(room, 'heard');
  await until('the next topic', () => topics().includes('heard'));
  assert.deepEqual(topics(), ['unheard', 'heard']);
});

test('where the list cannot be read at once, such a topic is told as soon as it can', { timeout: 180_000 }, async (t) => {
  const { gitter, ann, room, events } = await withAdapter(t);
  const topics = () => events.flatMap((event) => (event.kind === 'channel' && event.topic !== undefined ? [event.topic] : []));
  await until('the list', () => gitter.callsOf('GET /user/:user/rooms').length > 0);
  gitter.deliveryFault({ username: 'matrixbot', act: 'lose' });
  ann.setTopic(room, 'unheard');
  gitter.clearFaults();
  gitter.fault({ on: 'GET /user/:user/rooms', times: 1, act: { status: 500 } });
  gitter.forgetFayeClients();
  await until('the topic', () => topics().includes('unheard'));
});
