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
