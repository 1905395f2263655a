// Two networks on one room, carried by one bridge: what is said in any of the three is heard once in each of the others, and
// with both networks away no notice answers a notice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/waiting.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 1_000;
const stage = await openStage({
  networks: { local: 'inspircd', ng: 'ngircd' },
  channels: ['#stage'],
  async prepare({ places, link }) {
    await link(places['#stage']?.room as string, '#ng', 'ng');
  },
});
const { alice, ircServers } = stage;
const { room } = stage.places['#stage'] as { room: string };
let bob = await stage.sitIn('Bob', '#stage');
let gil = await stage.ircPerson('gil', 'ng');
await gil.join('#ng');

test('a line of one network comes once in the room by its ghost, and once on the other network by the bot, with the name', async () => {
  const [since, bobSince, gilSince] = [alice.mark(), bob.mark(), gil.mark()];
  bob.say('#stage', 'hello from afar');
  bob.action('#stage', 'waves');
  await gil.waitForText('#ng', /waves/, { since: gilSince });
  gil.say('#ng', 'hello back');
  await bob.waitForText('#stage', /hello back/, { since: bobSince });
  await alice.waitForText(room, 'hello back', { since });
  await delay(settle);
  assert.deepEqual(roomLines(alice.heard.slice(since), room), [
    'irc_local_bob: hello from afar',
    'irc_local_bob (emote): waves',
    'irc_ng_gil: hello back',
  ]);
  assert.deepEqual(ircLines(gil, '#ng', gilSince), ['causeway: <Bob> hello from afar', 'causeway: * Bob waves']);
  assert.deepEqual(ircLines(bob, '#stage', bobSince), ['causeway: <gil> hello back']);
});

test('a line of the room comes once on each network, by the person’s own puppet', async () => {
  const [bobSince, gilSince] = [bob.mark(), gil.mark()];
  await alice.say(room, 'to all');
  await alice.say(room, 'of you');
  await bob.waitForText('#stage', 'of you', { since: bobSince });
  await gil.waitForText('#ng', 'of you', { since: gilSince });
  await delay(settle);
  for (const lines of [ircLines(bob, '#stage', bobSince), ircLines(gil, '#ng', gilSince)])
    assert.deepEqual(lines, ['alice[m]: to all', 'alice[m]: of you']);
});

test('a reply, an edit and a removal reach the network where the message was said, and the other', async () => {
  const [since, bobSince, gilSince] = [alice.mark(), bob.mark(), gil.mark()];
  bob.say('#stage', 'who is here?');
  const asked = await alice.waitForText(room, 'who is here?', { since });
  await alice.reply(room, asked.event_id, 'we are');
  const said = await alice.say(room, 'I will be back on Monday then');
  await alice.edit(room, said, 'I will be back on Tuesday then');
  // What still waits when it is removed is never said.
  await bob.waitForText('#stage', 's/Monday/Tuesday/', { since: bobSince });
  await gil.waitForText('#ng', 's/Monday/Tuesday/', { since: gilSince });
  await alice.redact(room, said);
  await bob.waitForText('#stage', /removed/, { since: bobSince });
  await gil.waitForText('#ng', /removed/, { since: gilSince });
  const rest = [
    'alice[m]: I will be back on Monday then',
    'alice[m]: s/Monday/Tuesday/',
    'alice[m] (emote): removed "I will be back on Tuesday then"',
  ];
  assert.deepEqual(ircLines(bob, '#stage', bobSince), ['alice[m]: Bob: we are', ...rest]);
  assert.deepEqual(ircLines(gil, '#ng', gilSince), ['causeway: <Bob> who is here?', 'alice[m]: Bob: we are', ...rest]);
});

test('both networks away at once: what is said waits, notices are few and are not carried, and all arrives once they are back', async () => {
  const since = alice.mark();
  await Promise.all([ircServers.local?.kill(), ircServers.ng?.kill()]);
  await delay(1_000);
  for (let at = 0; at < 5; at += 1) {
    await alice.say(room, `line ${at}`);
    await delay(200);
  }
  // Long enough for rooms to be told of it.
  await delay(20_000);
  await stage.whileBridgeSleeps(async () => {
    await Promise.all([ircServers.local?.start(), ircServers.ng?.start()]);
    bob = await stage.sitIn('Bob', '#stage');
    gil = await stage.ircPerson('gil', 'ng');
    await gil.join('#ng');
  });
  await bob.waitForText('#stage', 'line 4');
  await gil.waitForText('#ng', 'line 4');
  bob.say('#stage', 'there again');
  await gil.waitForText('#ng', '<Bob> there again');
  gil.say('#ng', 'I too');
  await bob.waitForText('#stage', '<gil> I too');
  await until('the room to hear both', () => roomLines(alice.heard.slice(since), room).includes('irc_ng_gil: I too') || undefined);
  const told = (pattern: RegExp) =>
    roomLines(alice.heard.slice(since), room).filter((line) => line.startsWith('ircbot (notice): ') && pattern.test(line)).length;
  await until('both gaps to be told', () => told(/may be missing/) >= 2);
  await delay(settle);
  const expected = Array.from({ length: 5 }, (_, at) => `alice[m]: line ${at}`);
  assert.deepEqual(ircLines(bob, '#stage'), [...expected, 'causeway: <gil> I too']);
  assert.deepEqual(ircLines(gil, '#ng'), [...expected, 'causeway: <Bob> there again']);
  const lines = roomLines(alice.heard.slice(since), room, alice.userId);
  const notices = lines.filter((line) => line.startsWith('ircbot (notice): '));
  assert.deepEqual(
    lines.filter((line) => !notices.includes(line)),
    ['irc_local_bob: there again', 'irc_ng_gil: I too'],
  );
  assert.equal(told(/may be missing/), 2, String(notices));
  assert.ok(notices.length <= 6, String(notices));
});
