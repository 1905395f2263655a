// A whole bridge between Gitter and Matrix: what is said on one side stands on the other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

test('a message goes both ways', { timeout: 180_000 }, async (t) => {
  const { ann, room, homeserver, person, matrixRoom } = await wholeBridge(t);
  ann.say(room, 'hello **Matrix**');
  const shown = await until('the message in the room', () =>
    homeserver.events(matrixRoom).find(({ type, content }) => type === 'm.room.message' && content.body === 'hello Matrix'),
  );
  assert.equal(shown.sender, `@gitter_${ann.id}:hs.test`);
  assert.equal(shown.content.formatted_body, 'hello <strong>Matrix</strong>');
  homeserver.say(person, matrixRoom, 'hello Gitter');
  const seen = await until('the message in Gitter', () => room.messages.find(({ text }) => text.includes('hello Gitter')));
  assert.equal(seen.text, '`Alice` hello Gitter');
  assert.equal(seen.user.username, 'matrixbot');
});
