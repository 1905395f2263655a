// The whole bridge: what was missed is fetched when it comes up, files and faces come along, and the figures tell of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderMetrics } from '../../bridge-core/observe/metrics.ts';
import { startFakeBridge } from '../support/fake-bridge.ts';
import { until } from '../support/waiting.ts';

test('over a stop, a file among what was missed, and no more than the setting says', async (t) => {
  const bridge = await startFakeBridge(t, { options: { closesGaps: false }, settings: 'history: { gap: 2 }' });
  const { network, homeserver, room } = bridge;
  const said = () => homeserver.messages(room).map(({ content }) => String(content.body));
  network.say('zoe', '#place', 'before');
  await until('before', () => said().includes('before'));
  await bridge.adapter().disconnect();
  network.say('zoe', '#place', 'look', { files: [{ name: 'a.txt', type: 'text/plain', source: 'the words of it' }] });
  network.say('zoe', '#place', 'missed');
  network.say('zoe', '#place', 'too much');
  await bridge.restart();
  await until('the bot', () => network.channel('#place').members.has('causeway'));
  network.say('zoe', '#place', 'live');
  await until('live', () => said().includes('live'));
  const [, file, missed, gap, live] = homeserver.messages(room);
  assert.deepEqual([file?.content.body, missed?.content.body, live?.content.body], ['look', 'missed', 'live']);
  assert.match(String(gap?.content.body), /may be missing here/);
  const id = String(file?.content.url).split('/').at(-1) ?? '';
  assert.equal(homeserver.world.media.get(id)?.bytes.toString(), 'the words of it');
  const page = await renderMetrics();
  assert.match(page, /causeway_replayed_messages_total\{[^}]*network="fake"[^}]*\} 2/);
  assert.match(page, /causeway_gap_fills_total\{[^}]*outcome="filled"[^}]*\} [12]/);
});
