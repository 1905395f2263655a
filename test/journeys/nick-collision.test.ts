// A nick is somebody else's: of two people on Matrix, of somebody on IRC, the bot's own, and one that a server's operator
// takes away. Whoever speaks, each line is heard once, as the one who said it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { IrcPerson } from '../support/irc-person.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

// Ghosts bear the folded nick, and on this server [ is the capital of {.
const settle = 400;
const early: { causeway?: IrcPerson } = {};
const stage = await openStage({
  async prepare({ sitIn }) {
    early.causeway = await sitIn('causeway', '#stage');
  },
});
const { alice } = stage;
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
const bob = await stage.sitIn('Bob', channel);

async function joinRoom(name: string, displayName = name) {
  const person = await stage.matrixPerson(name);
  await person.setDisplayName(displayName);
  await person.join(room);
  return person;
}

test('the bot, whose nick somebody has, carries lines under another; the holder is a person like any other', async () => {
  assert.equal(early.causeway?.nick, 'causeway');
  assert.ok((await bob.names(channel)).some((name) => /^@?causeway1(!|$)/.test(name)));
  const since = alice.mark();
  early.causeway?.say(channel, 'I was here first');
  assert.equal((await alice.waitForText(room, 'I was here first', { since })).sender, stage.ghost('causeway'));
});

test('two people of one name have two nicks, and keep them', async () => {
  const sam = await joinRoom('sam', 'Sam');
  const sam2 = await joinRoom('sam2', 'Sam');
  const since = bob.mark();
  await sam.say(room, 'one');
  await bob.waitForText(channel, 'one', { since });
  await sam2.say(room, 'two');
  await bob.waitForText(channel, 'two', { since });
  await sam.say(room, 'three');
  await bob.waitForText(channel, 'three', { since });
  assert.deepEqual(ircLines(bob, channel, since), ['Sam[m]: one', 'Sam[m]1: two', 'Sam[m]: three']);
});

test('where somebody on IRC has the nick, the puppet takes the next, and the right one once it is free', async () => {
  const holder = await stage.sitIn('tina[m]', channel);
  const tina = await joinRoom('tina');
  const since = bob.mark();
  await tina.say(room, 'one');
  await bob.waitForText(channel, 'one', { since });
  const back = alice.mark();
  holder.say(channel, 'I am another');
  assert.equal((await alice.waitForText(room, 'I am another', { since: back })).sender, '@irc_local_tina=7bm=7d:hs.test');
  bob.say(channel, 'tina[m]1: and you?');
  const asked = await alice.waitForText(room, /and you/, { since: back });
  assert.deepEqual(asked.content['m.mentions'], { user_ids: [tina.userId] });
  await holder.quit();
  await bob.waitForLine(({ command, nick, text }) => command === 'NICK' && nick === 'tina[m]1' && text === 'tina[m]', { since });
  await tina.say(room, 'two');
  await bob.waitForText(channel, 'two', { since });
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, since), ['tina[m]1: one', 'tina[m]: I am another', 'tina[m]: two']);
  assert.deepEqual(roomLines(alice.heard.slice(back), room), [
    'irc_local_tina=7bm=7d: I am another',
    'irc_local_bob: tina[m]1: and you?',
    'tina: two',
  ]);
});

test('a puppet renamed by an operator is still the same person, and none of its lines comes back', async () => {
  const uma = await joinRoom('uma');
  const since = bob.mark();
  await uma.say(room, 'one');
  await bob.waitForText(channel, 'one', { since });
  const back = alice.mark();
  await stage.asOperator('SANICK uma[m] renamed');
  await uma.say(room, 'two');
  await bob.waitForText(channel, 'two', { since });
  bob.say(channel, 'renamed: hello');
  const asked = await alice.waitForText(room, 'renamed: hello', { since: back });
  assert.deepEqual(asked.content['m.mentions'], { user_ids: [uma.userId] });
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, since), ['uma[m]: one', 'renamed: two']);
  assert.deepEqual(roomLines(alice.heard.slice(back), room), ['uma: two', 'irc_local_bob: renamed: hello']);
});

test('a nick taken while its puppet was thrown out is its taker’s: no line of theirs is swallowed, none of the puppet’s is lost', async () => {
  const vera = await joinRoom('vera');
  const since = bob.mark();
  await vera.say(room, 'one');
  await bob.waitForText(channel, 'one', { since });
  const back = alice.mark();
  const taker = await stage.sitIn('taker', channel);
  await stage.asOperator('KILL vera[m] :out');
  await taker.setNick('vera[m]');
  taker.say(channel, 'mine now');
  await vera.say(room, 'two');
  assert.equal((await alice.waitForText(room, 'mine now', { since: back })).sender, '@irc_local_vera=7bm=7d:hs.test');
  await bob.waitForText(channel, 'two', { since, timeout: 60_000 });
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, since).sort(), ['vera[m]1: two', 'vera[m]: mine now', 'vera[m]: one']);
  assert.deepEqual(roomLines(alice.heard.slice(back), room).sort(), ['irc_local_vera=7bm=7d: mine now', 'vera: two']);
});
