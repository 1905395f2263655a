// A person on Matrix who is also on IRC with a client of their own: two identities, and never one line taken for the other's,
// also where both say the same at the same moment.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 500;
const stage = await openStage();
const { alice } = stage;
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
const bob = await stage.sitIn('Bob', channel);
const own = await stage.sitIn('alice', channel);

test('what her client says comes as its own ghost, what she says on Matrix as her puppet: each once', async () => {
  const [since, ownSince, bobSince] = [alice.mark(), own.mark(), bob.mark()];
  own.say(channel, 'from my client');
  await alice.waitForText(room, 'from my client', { since });
  await alice.say(room, 'from Matrix');
  await own.waitForText(channel, 'from Matrix', { since: ownSince });
  await delay(settle);
  assert.deepEqual(roomLines(alice.heard.slice(since), room), ['irc_local_alice: from my client', 'alice: from Matrix']);
  assert.deepEqual(ircLines(own, channel, ownSince), ['alice[m]: from Matrix']);
  assert.deepEqual(ircLines(bob, channel, bobSince), ['alice: from my client', 'alice[m]: from Matrix']);
});

test('both say the same words at the same moment, again and again: nothing is taken for an echo, nothing comes back', async () => {
  const [since, bobSince] = [alice.mark(), bob.mark()];
  for (let at = 0; at < 25; at += 1) {
    const said = alice.say(room, `same ${at}`);
    own.say(channel, `same ${at}`);
    await said;
  }
  await alice.waitFor(({ sender, content }) => sender === stage.ghost('alice') && content.body === 'same 24', { since });
  await bob.waitForLine(({ nick, text }) => nick === 'alice[m]' && text === 'same 24', { since: bobSince });
  await delay(settle);
  const inRoom = roomLines(alice.heard.slice(since), room);
  const onIrc = ircLines(bob, channel, bobSince);
  for (const [lines, who] of [
    [inRoom, 'irc_local_alice'],
    [inRoom, 'alice'],
    [onIrc, 'alice'],
    [onIrc, 'alice[m]'],
  ] as const)
    assert.deepEqual(
      lines.filter((line) => line.startsWith(`${who}: `)),
      Array.from({ length: 25 }, (_, at) => `${who}: same ${at}`),
    );
  assert.equal(inRoom.length, 50);
  assert.equal(onIrc.length, 50);
});

test('to mention the one is not to mention the other', async () => {
  const since = alice.mark();
  bob.say(channel, 'alice: the client');
  bob.say(channel, 'alice[m]: the person');
  const client = await alice.waitForText(room, 'alice: the client', { since });
  const person = await alice.waitForText(room, 'alice[m]: the person', { since });
  assert.deepEqual(client.content['m.mentions'], { user_ids: [stage.ghost('alice')] });
  assert.deepEqual(person.content['m.mentions'], { user_ids: [alice.userId] });
});

test('her nick is changed to one that her client has: refused in words; to a free one: done, and the lines go on', async () => {
  const [since, bobSince] = [alice.mark(), bob.mark()];
  await alice.say(room, '!irc nick alice');
  const refusal = await alice.waitFor(
    ({ room: where, sender, type }) => where === room && type === 'm.room.message' && sender === '@ircbot:hs.test',
    { since },
  );
  assert.match(refusal.content.body, /^That was not done: .*alice/);
  const again = alice.mark();
  await alice.say(room, '!irc nick Alice_on_Matrix');
  const done = await alice.waitFor(
    ({ room: where, sender, type }) => where === room && type === 'm.room.message' && sender === '@ircbot:hs.test',
    { since: again },
  );
  assert.match(done.content.body, /^(?!That was not done).*Alice_on_Matrix/);
  await alice.say(room, 'it is me');
  await bob.waitForText(channel, 'it is me', { since: bobSince });
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, bobSince), ['Alice_on_Matrix: it is me'], 'commands and their answers are not carried');
  await own.setNick('alice[m]');
  own.say(channel, 'I took the old one');
  const taken = await alice.waitForText(room, 'I took the old one', { since });
  assert.equal(taken.sender, '@irc_local_alice=7bm=7d:hs.test');
  bob.say(channel, 'alice[m]: who are you');
  const asked = await alice.waitForText(room, 'alice[m]: who are you', { since });
  assert.deepEqual(asked.content['m.mentions'], { user_ids: ['@irc_local_alice=7bm=7d:hs.test'] });
});

test('her client writes to her puppet alone: it is told that nobody reads that, once, and the room hears nothing', async () => {
  const [since, ownSince] = [alice.mark(), own.mark()];
  own.say('Alice_on_Matrix', 'psst');
  own.say('Alice_on_Matrix', 'psst again');
  const { text } = await own.waitForText(own.nick, /not delivered/, { since: ownSince });
  assert.match(text, /^@alice:hs\.test is on Matrix/);
  await delay(settle);
  assert.equal(own.heard.slice(ownSince).filter((line) => line.command === 'NOTICE').length, 1);
  assert.deepEqual(roomLines(alice.heard.slice(since), room), []);
});
