// A whole bridge between Slack and Matrix: what is said on one side stands on the other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

test('a message goes both ways', { timeout: 30_000 }, async (t) => {
  const { ann, general, homeserver, person, room, slack } = await wholeBridge(t);
  ann.say(general, 'hello *Matrix*');
  const shown = await until('the message in the room', () =>
    homeserver.events(room).find(({ type, content }) => type === 'm.room.message' && content.body === 'hello Matrix'),
  );
  assert.equal(shown.sender, '@slack_t0001_u0ann:hs.test');
  assert.equal(shown.content.formatted_body, 'hello <strong>Matrix</strong>');
  homeserver.say(person, room, 'hello Slack');
  const seen = await ann.waitForMessage(general, 'hello Slack');
  assert.equal(seen.username, 'Alice');
  assert.deepEqual(slack.undocumented, []);
});
