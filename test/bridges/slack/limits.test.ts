// A mirrored channel with more people than its room may have.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { bodiesIn } from './matrix-side.ts';
import { wholeBridge } from './whole-bridge.ts';

test('who speaks takes the place of whoever was silent the longest, over a restart too', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t, { core: { membership: { ghosts: 'full', max_ghosts: 1 } } });
  const { ann, bob, general, homeserver, room } = bridge;
  const ghosts = () => homeserver.members(room).filter((user) => user.startsWith('@slack_t0001_u'));
  const said = (words: string) => until(words, () => bodiesIn(bridge, room).includes(words) || undefined);
  const only = (id: string) => until(id, () => ghosts().join() === `@slack_t0001_${id}:hs.test` || undefined);
  await until('somebody', () => ghosts().length === 1 || undefined);
  ann.say(general, 'one');
  await said('one');
  await only('u0ann');
  bob.say(general, 'two');
  await said('two');
  await only('u0bob');
  await bridge.restart();
  ann.say(general, 'three');
  await said('three');
  await only('u0ann');
  assert.equal(homeserver.room(room).stateOf('m.room.member', '@slack_t0001_u0bob:hs.test')?.content.membership, 'leave');
});
