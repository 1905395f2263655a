// What points at another message, over a whole bridge: whose it was where a removal is told in words, and which thread an answer goes to.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { type WholeBridge, wholeBridge } from './whole-bridge.ts';

const inRoom = ({ homeserver, room }: WholeBridge, body: string) =>
  until(`${body} in the room`, () =>
    homeserver.events(room).find(({ type, content }) => type === 'm.room.message' && content.body === body),
  );

test('what a moderator removes and Slack does not let go is told with its writer’s name, over a restart too', {
  timeout: 30_000,
}, async (t) => {
  const bridge = await wholeBridge(t);
  const { ann, general, homeserver, person, room } = bridge;
  ann.say(general, 'not nice');
  homeserver.redact(person, room, (await inRoom(bridge, 'not nice')).event_id);
  await ann.waitForMessage(general, '_removed Ann Example\'s "not nice"_');
  ann.say(general, 'still not');
  const second = await inRoom(bridge, 'still not');
  await bridge.restart();
  homeserver.redact(person, room, second.event_id);
  await ann.waitForMessage(general, '_removed Ann Example\'s "still not"_');
  assert.ok(!ann.texts(general).some((text) => text.includes('U0ANN')));
});
