import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventId, userId } from '../../../bridge-core/ids.ts';
import type { MatrixEvent } from '../../../bridge-core/matrix-event.ts';
import { OtherBridges } from '../../../bridge-core/plumbing/other-bridges.ts';
import { room } from '../rig.ts';

const one = room('!one');
const bot = userId('@bot:elsewhere.test');

function state(type: string, content: object, sender = bot): MatrixEvent {
  return { id: eventId('$e'), room: one, sender, type, at: 0, content: content as MatrixEvent['content'], stateKey: 'k' };
}

test('a bot is known by its own bridge info or claim, in that room', () => {
  for (const event of [
    state('m.bridge', { bridgebot: bot }),
    state('uk.half-shot.bridge', { bridgebot: bot }),
    state('m.room.bridging', { user_id: '@x:y', status: 'success' }),
  ]) {
    const bridges = new OtherBridges();
    bridges.heard(event);
    assert.equal(bridges.isBot(one, bot), true, event.type);
    assert.equal(bridges.isBot(room('!two'), bot), false);
  }
});

test('nobody is made a bot by somebody else’s word, nor by what is no state', () => {
  const bridges = new OtherBridges();
  bridges.heard(state('m.bridge', { bridgebot: bot }, userId('@mallory:hs.test')));
  const { stateKey: _, ...message } = state('m.bridge', { bridgebot: bot });
  bridges.heard(message);
  bridges.heard(state('m.room.message', { bridgebot: bot }));
  assert.equal(bridges.isBot(one, bot), false);
  assert.equal(bridges.isBot(one, userId('@mallory:hs.test')), false);
});

test('reading the state anew forgets who is named no more', () => {
  const bridges = new OtherBridges();
  bridges.heard(state('m.bridge', { bridgebot: bot }));
  bridges.learn(one, [state('m.bridge', {})]);
  assert.equal(bridges.isBot(one, bot), false);
});
