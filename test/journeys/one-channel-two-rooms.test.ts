// One channel linked to two rooms: what is said in any of the three is heard once in each of the others.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 1_000;
const rooms: string[] = [];
const channel = '#stage';
const stage = await openStage({
  channels: [],
  async prepare({ makeRoom, link }) {
    for (const name of ['first', 'second']) {
      rooms.push(await makeRoom({ name }));
      await link(rooms.at(-1) as string, channel);
    }
  },
});
const [first, second] = rooms as [string, string];
const { alice } = stage;
const dora = await stage.matrixPerson('dora');
await dora.setDisplayName('Dora <D>');
await dora.join(second);
const bob = await stage.sitIn('Bob', channel);

test('a line of IRC comes once in each room', async () => {
  const since = alice.mark();
  for (const text of ['one', 'two', 'three']) bob.say(channel, text);
  await Promise.all(rooms.map((room) => alice.waitForText(room, 'three', { since })));
  await delay(settle);
  const expected = ['irc_local_bob: one', 'irc_local_bob: two', 'irc_local_bob: three'];
  for (const room of rooms) assert.deepEqual(roomLines(alice.heard.slice(since), room), expected);
});

test('a line of one room comes once on IRC, and once in the other room, by the bot in the name of who said it', async () => {
  const since = alice.mark();
  const ircSince = bob.mark();
  await dora.say(second, 'hello');
  await dora.emote(second, 'waves');
  await dora.sayHtml(second, '<b>loud</b> words', 'loud words');
  await alice.waitForText(first, /loud words/, { since });
  await bob.waitForText(channel, /loud/, { since: ircSince });
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, ircSince), ['Dora_D[m]: hello', 'Dora_D[m] (emote): waves', 'Dora_D[m]: \x02loud\x02 words']);
  const repeats = alice.heard.slice(since).filter(({ room, type }) => room === first && type === 'm.room.message');
  assert.deepEqual(
    repeats.map(({ sender, content }) => [sender, content.msgtype, content.body]),
    [
      ['@ircbot:hs.test', 'm.text', 'Dora <D>: hello'],
      ['@ircbot:hs.test', 'm.emote', 'Dora <D>: waves'],
      ['@ircbot:hs.test', 'm.text', 'Dora <D>: loud words'],
    ],
  );
  const profile = repeats[0]?.content['com.beeper.per_message_profile'];
  assert.deepEqual(profile, { id: dora.userId, displayname: 'Dora <D>', has_fallback: true });
  assert.match(
    repeats[2]?.content.formatted_body,
    /^<strong data-mx-profile-fallback>Dora &lt;D&gt;: <\/strong><strong>loud<\/strong> words$/,
  );
  assert.deepEqual(roomLines(alice.heard.slice(since), second, dora.userId), [], 'nothing of it comes back to where it was said');
});

test('people of all three talk at once, and everybody hears everything once', async () => {
  const [since, ircSince] = [alice.mark(), bob.mark()];
  const texts = (name: string) => Array.from({ length: 15 }, (_, at) => `${name} ${at}`);
  await Promise.all([
    (async () => {
      for (const text of texts('irc')) {
        bob.say(channel, text);
        await delay(20);
      }
    })(),
    (async () => {
      for (const text of texts('first')) await alice.say(first, text);
    })(),
    (async () => {
      for (const text of texts('second')) await dora.say(second, text);
    })(),
  ]);
  for (const name of ['irc', 'first', 'second']) {
    for (const room of rooms) await alice.waitForText(room, new RegExp(`${name} 14$`), { since });
    if (name !== 'irc') await bob.waitForText(channel, `${name} 14`, { since: ircSince });
  }
  await delay(settle);
  const of = (lines: readonly string[], name: string) =>
    lines.flatMap((line) => line.match(new RegExp(`(?<![a-z])${name} \\d+$`))?.[0] ?? []);
  for (const [where, lines] of [
    ['irc', ircLines(bob, channel, ircSince)],
    ['first', roomLines(alice.heard.slice(since), first)],
    ['second', roomLines(alice.heard.slice(since), second)],
  ] as const) {
    const names = ['irc', 'first', 'second'].filter((name) => where !== 'irc' || name !== 'irc');
    for (const name of names) assert.deepEqual(of(lines, name), texts(name), `${name} in ${where}`);
    assert.equal(lines.length, names.length * 15, where);
  }
});

test('what becomes of a line later is seen in the other room as what it is: edited, reacted to, removed', async () => {
  const since = alice.mark();
  const line = await dora.say(second, 'first words');
  const shown = await alice.waitForText(first, 'Dora <D>: first words', { since });
  await dora.edit(second, line, 'other words');
  const edited = await alice.waitFor(({ room, content }) => room === first && content['m.new_content'] !== undefined, { since });
  assert.deepEqual(edited.content['m.relates_to'], { rel_type: 'm.replace', event_id: shown.event_id });
  assert.equal(edited.content['m.new_content'].body, 'Dora <D>: other words');

  const thumb = await dora.react(second, line, '👍');
  const given = await alice.waitFor(({ room, type }) => room === first && type === 'm.reaction', { since });
  assert.equal(given.content['m.relates_to'].event_id, shown.event_id);
  // Back again, from the room where it was only repeated.
  await alice.react(first, shown.event_id, '🎉');
  const back = await alice.waitFor(({ room, type, sender }) => room === second && type === 'm.reaction' && sender !== dora.userId, {
    since,
  });
  assert.equal(back.content['m.relates_to'].event_id, line);
  await dora.redact(second, thumb);
  const taken = await alice.waitFor(({ room, type }) => room === first && type === 'm.room.redaction', { since });
  assert.equal(taken.redacts ?? taken.content.redacts, given.event_id);

  const later = alice.mark();
  await dora.redact(second, line);
  const removed = await alice.waitFor(({ room, type }) => room === first && type === 'm.room.redaction', { since: later });
  assert.equal(removed.redacts ?? removed.content.redacts, shown.event_id);
});
