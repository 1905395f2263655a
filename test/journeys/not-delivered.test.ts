// What the network refuses: its author is told on the very message and the room once, in words that say what to do; it is kept,
// listed, and delivered late on the operator's order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/waiting.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 700;
const bot = '@ircbot:hs.test';
const stage = await openStage({ channels: ['#stage', '#other'] });
const { alice, bridge } = stage;
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
const other = stage.places['#other'] as { room: string; channel: string };
const bob = await stage.sitIn('Bob', '#stage', '#other');
const dora = await stage.matrixPerson('dora');
await dora.join(room);
const dead = async (...flags: string[]) => (await bridge.command('dead', bridge.fileOf('irc'), ...flags)).output;
const statuses = (since: number) =>
  alice.heard
    .slice(since)
    .filter((event) => event.room === room && event.type === 'com.beeper.message_send_status' && event.sender === bot);
const events: string[] = [];

test('in a moderated channel lines are refused: each bears its status, the room gets one notice, others go on', async () => {
  const since = alice.mark();
  const bobSince = bob.mark();
  await alice.say(room, 'before');
  await bob.waitForText(channel, 'before', { since: bobSince });
  await stage.asOperator('SAMODE #stage +m');
  // One notice tells of all that fail within a moment: they come together.
  await stage.whileBridgeSleeps(async () => {
    for (const text of ['one', 'two', 'three']) events.push(await alice.say(room, text));
  });
  const notice = await alice.waitFor((event) => event.room === room && event.sender === bot && event.type === 'm.room.message', { since });
  assert.equal(notice.content.msgtype, 'm.notice');
  assert.match(notice.content.body, /^3 messages were not delivered to #stage: .*the channel does not let this person speak/);
  await until('three statuses', () => statuses(since).length === 3 || undefined);
  for (const [at, { content }] of statuses(since).entries()) {
    assert.equal(content.status, 'FAIL_PERMANENT');
    assert.deepEqual(content['m.relates_to'], { rel_type: 'm.reference', event_id: events[at] });
    assert.match(content.message, /does not let this person speak/);
  }
  await alice.say(other.room, 'elsewhere');
  await bob.waitForText(other.channel, 'elsewhere', { since: bobSince });
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, bobSince), ['alice[m]: before']);
  assert.equal(roomLines(alice.heard.slice(since), room).filter((line) => line.startsWith('ircbot')).length, 1);
});

test('they are counted and listed', async () => {
  const list = await dead();
  assert.match(list, /3 messages not delivered/);
  for (const text of ['one', 'two', 'three']) assert.match(list, new RegExp(`@alice:hs\\.test: ${text}\\n.*CHANNEL_CLOSED`));
  assert.equal(await bridge.metric('causeway_journal_rows', { state: 'dead' }), 3);
});

test('over a restart they stay; on the operator’s order they are delivered in order, marked as late, and their status is cleared', async () => {
  await bridge.stop();
  assert.match(await dead(), /3 messages not delivered/);
  await bridge.start();
  await stage.asOperator('SAMODE #stage -m');
  const since = alice.mark();
  const bobSince = bob.mark();
  assert.match(await dead('--retry'), /^3 messages will be delivered, late/);
  await bob.waitForText(channel, /three$/, { since: bobSince, timeout: 60_000 });
  await delay(settle);
  const lines = ircLines(bob, channel, bobSince);
  assert.deepEqual(
    lines.map((line) => line.replace(/\[\d\d:\d\d UTC\]/, '[time]')),
    ['one', 'two', 'three'].map((text) => `alice[m]: [time] ${text}`),
  );
  await until('three statuses', () => statuses(since).filter(({ content }) => content.status === 'SUCCESS').length === 3 || undefined);
  assert.match(await dead(), /^No message was given up/);
});

test('one person who is banned is told; everybody else is heard', async () => {
  const bobSince = bob.mark();
  await dora.say(room, 'hello');
  await bob.waitForText(channel, 'hello', { since: bobSince });
  const since = alice.mark();
  await stage.asOperator('SAMODE #stage +b dora[m]!*@*', 'SAMODE #stage +o Bob');
  await dora.say(room, 'and now?');
  await alice.say(room, 'I am heard');
  await bob.waitForText(channel, 'I am heard', { since: bobSince });
  await until('the status', () => statuses(since).length === 1 || undefined);
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, bobSince), ['dora[m]: hello', 'alice[m]: I am heard'], 'nor does the bot say it for her');
});
