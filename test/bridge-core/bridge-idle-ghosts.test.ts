// The whole bridge over the fake network: ghosts that say nothing for long, and more of them than a room is to have.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderMetrics } from '../../bridge-core/observe/metrics.ts';
import { type FakeBridge, startFakeBridge } from '../support/fake-bridge.ts';
import { until } from '../support/waiting.ts';

const ghostsIn = ({ homeserver, room }: Pick<FakeBridge, 'homeserver' | 'room'>) =>
  homeserver
    .members(room)
    .flatMap((user) => (user.startsWith('@fake_') ? [user.slice('@fake_'.length, -':hs.test'.length)] : []))
    .sort();
const said = ({ homeserver, room }: Pick<FakeBridge, 'homeserver' | 'room'>, text: string) =>
  homeserver.messages(room).find(({ content }) => content.body === text);
const reasons = ({ homeserver, room }: Pick<FakeBridge, 'homeserver' | 'room'>, nick: string) =>
  homeserver.room(room).stateOf('m.room.member', `@fake_${nick}:hs.test`)?.content;

test('a ghost that says nothing goes, its words are delivered when it speaks again, and a restart forgets nothing of it', async (t) => {
  const bridge = await startFakeBridge(t, { settings: 'membership: { idle: 1s }' });
  const { network } = bridge;
  network.say('zoe', '#place', 'one');
  await until('it to be said', () => said(bridge, 'one'));
  await until('zoe to go', () => ghostsIn(bridge).length === 0 || undefined);
  assert.deepEqual(reasons(bridge, 'zoe'), { membership: 'leave', reason: 'silent for 1s' });
  assert.ok(network.channel('#place').members.has('zoe'));
  const figures = await renderMetrics();
  assert.match(figures, /causeway_membership_left_out_total\{bridge="[^"]+",why="silent"\} \d/);
  assert.match(figures, /causeway_membership_ghosts\{bridge="[^"]+"\} \d/);
  const again = network.say('zoe', '#place', 'two');
  await until('it to be said', () => said(bridge, 'two'));
  await bridge.restart();
  await until('zoe to go', () => ghostsIn(bridge).length === 0 || undefined);
  // Somebody else takes it away: it is zoe's ghost that may.
  network.redact('mod', '#place', again.id, 'no');
  const gone = await until('it to be taken away', () => {
    const { homeserver, room } = bridge;
    return homeserver.room(room).timeline.find(({ type }) => type === 'm.room.redaction');
  });
  assert.equal(gone.sender, '@fake_zoe:hs.test');
});

test('a mirrored channel larger than its room may be: who speaks takes the place of who never did, over a restart too', async (t) => {
  const bridge = await startFakeBridge(t, { settings: 'membership: { ghosts: full, max_ghosts: 3, per_second: 1000 }' });
  const { network } = bridge;
  await until('the bot there', () => network.channel('#place').members.has('causeway') || undefined);
  for (const nick of ['a', 'b', 'c', 'd', 'e', 'f']) network.join(nick, '#place');
  await until('three of them', () => ghostsIn(bridge).length === 3 || undefined);
  for (const nick of ['e', 'f', 'd']) {
    network.say(nick, '#place', `I am ${nick}`);
    await until('it to be said', () => said(bridge, `I am ${nick}`));
  }
  await until('who speaks', () => ghostsIn(bridge).join() === 'd,e,f' || undefined);
  await bridge.restart();
  network.say('a', '#place', 'after all');
  await until('it to be said', () => said(bridge, 'after all'));
  await until('a in place of e', () => ghostsIn(bridge).join() === 'a,d,f' || undefined);
  assert.equal(reasons(bridge, 'e')?.reason, 'makes room for somebody who speaks');
});
