// The bridge itself is killed while people on IRC speak, on a server that keeps no history: what nobody heard is counted, and told where
// the bridge was away for long. A quick restart is told in no room.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/waiting.ts';
import { openStage, roomLines } from './stage.ts';

const stage = await openStage();
const { alice, bridge } = stage;
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
const bob = await stage.sitIn('Bob', channel);

/** Killed, and away for so many ms, in which Bob says what nobody hears; resolves with what the room hears until he is heard again. */
async function killed(away: number, name: string): Promise<string[]> {
  // Every half minute it is written down that somebody listens, the first time three seconds after the start.
  await delay(5_000);
  const since = alice.mark();
  await bridge.kill();
  for (let line = 0; line < 5; line += 1) bob.say(channel, `${name}, unheard ${line}`);
  await delay(away);
  await bridge.start();
  await until('the bot in the channel', async () => {
    bob.say(channel, `${name}, over`);
    await delay(300);
    return roomLines(alice.heard.slice(since), room).some((line) => line.endsWith(`${name}, over`)) || undefined;
  });
  return [...new Set(roomLines(alice.heard.slice(since), room))];
}

test('killed and soon back: it is counted, and the room is not told', async () => {
  bob.say(channel, 'before');
  await alice.waitForText(room, 'before');
  assert.deepEqual(await killed(0, 'quick'), ['irc_local_bob: quick, over']);
  await until('it counted', async () => (await bridge.metric('causeway_gaps_total')) === 1 || undefined);
});

test('killed and away for more than a minute: the room is told once from when to when, before what is said afterwards', async () => {
  const [told = '', ...heard] = await killed(65_000, 'long');
  assert.match(told, /^ircbot \(notice\): Messages between .*\d\d:\d\d UTC and .*\d\d:\d\d UTC may be missing here/);
  assert.deepEqual(heard, ['irc_local_bob: long, over']);
  await until('it counted', async () => (await bridge.metric('causeway_gaps_total')) === 1 || undefined);
});
