// What points at an earlier message: replies, edits, reactions, redactions. On InspIRCd as tags where there are tags, on ngIRCd
// as short readable text. REDACT, which neither has, is modern-server.test.ts'.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { IrcLine, IrcPerson } from '../support/irc-person.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 400;
const stage = await openStage({
  networks: { local: 'inspircd', ng: 'ngircd' },
  channels: ['#stage'],
  prepare: async ({ makeRoom, link }) => link(await makeRoom({ name: 'ng', alias: 'ng' }), '#ng', 'ng'),
});
const { alice } = stage;
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
const ngRoom = await alice.join(`#ng:${stage.synapse.domain}`);
const bob = await stage.sitIn('Bob', '#stage');
const gil = await stage.ircPerson('gil', 'ng');
await gil.join('#ng');
const ghost = stage.ghost('Bob');

/** Says it on IRC; what came of it in the room, and the message's id on IRC. */
async function fromIrc(text: string) {
  const watcher = await carol;
  const since = watcher.mark();
  bob.say(channel, text);
  const line = await watcher.waitForText(channel, text, { since });
  const event = await alice.waitForText(room, text);
  return { event, msgid: line.tags.msgid ?? '' };
}
/** The same the other way round. */
async function fromMatrix(text: string) {
  const since = bob.mark();
  const event = await alice.say(room, text);
  const line = await bob.waitForText(channel, text, { since });
  return { event, msgid: line.tags.msgid ?? '' };
}
const carol = stage.sitIn('carol', '#stage');
const tagged = (person: IrcPerson, since: number, fits: (line: IrcLine) => boolean) =>
  person.waitForLine((line) => line.command === 'TAGMSG' && fits(line), { since });

test('a reply names whom it answers, and points at the message by its tag', async () => {
  const { event, msgid } = await fromIrc('who knows?');
  const since = bob.mark();
  await alice.reply(room, event.event_id, 'I do');
  const line = await bob.waitForText(channel, 'Bob: I do', { since });
  assert.equal(line.tags['+draft/reply'], msgid);
  await alice.reply(room, event.event_id, 'bob: twice is too often');
  await bob.waitForText(channel, 'bob: twice is too often', { since });
  const own = await alice.say(room, 'a thought');
  await alice.reply(room, own, 'and another');
  await bob.waitForText(channel, 'alice[m]: and another', { since });
});

test('a reply with the quote that older clients put before it crosses without the quote', async () => {
  const { event } = await fromIrc('old question');
  const since = bob.mark();
  await alice.sayHtml(
    room,
    '<mx-reply><blockquote><a href="https://matrix.to/#/x">In reply to</a> old question</blockquote></mx-reply>an answer',
    `> <${ghost}> old question\n\nan answer`,
    { 'm.relates_to': { 'm.in_reply_to': { event_id: event.event_id } } },
  );
  await bob.waitForText(channel, 'Bob: an answer', { since });
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, since), ['alice[m]: Bob: an answer']);
});

test('a reply on IRC is a reply in the room', async () => {
  const { event, msgid } = await fromMatrix('does this work?');
  const since = alice.mark();
  bob.say(channel, 'it does', { '+draft/reply': msgid });
  const { content } = await alice.waitForText(room, 'it does', { since });
  assert.deepEqual(content['m.relates_to'], { 'm.in_reply_to': { event_id: event } });
});

test('an edit is told as short as it can be, and what is edited twice is told from its last wording', async () => {
  const { event } = await fromMatrix('the meeting is on Tuesday at noon');
  const since = bob.mark();
  await alice.edit(room, event, 'the meeting is on Friday at noon');
  await bob.waitForText(channel, 's/Tuesday/Friday/', { since });
  await alice.edit(room, event, 'the meeting is on Friday at two');
  await bob.waitForText(channel, 's/noon/two/', { since });
  await alice.edit(room, event, 'no meeting');
  await bob.waitForText(channel, '* no meeting', { since });
  await alice.edit(room, event, 'no meeting');
  await alice.say(room, 'after it');
  await bob.waitForText(channel, 'after it', { since });
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, since), [
    'alice[m]: s/Tuesday/Friday/',
    'alice[m]: s/noon/two/',
    'alice[m]: * no meeting',
    'alice[m]: after it',
  ]);
});

test('an edit that follows its message at once still finds it', async () => {
  const since = bob.mark();
  const event = await alice.say(room, 'a quick line with a mistook in it');
  await alice.edit(room, event, 'a quick line with a mistake in it');
  await bob.waitForText(channel, /mistake/, { since });
  assert.deepEqual(ircLines(bob, channel, since), ['alice[m]: a quick line with a mistook in it', 'alice[m]: s/mistook/mistake/']);
});

test('an edit of what somebody else said changes nothing of theirs', async () => {
  const mallory = await stage.matrixPerson('mallory');
  await mallory.join(room);
  const { event } = await fromMatrix('I promise you two thousand');
  const since = bob.mark();
  await mallory.edit(room, event, 'I promise you nine thousand');
  await bob.waitForText(channel, /nine/, { since });
  await alice.edit(room, event, 'I promise you one thousand');
  await bob.waitForText(channel, /one/, { since });
  assert.deepEqual(ircLines(bob, channel, since), ['mallory[m]: * I promise you nine thousand', 'alice[m]: s/two/one/']);
});

test('a removed message is told, with the reason; one of others with whose it was', async () => {
  const { event } = await fromMatrix('I should not have said this');
  const { event: theirs } = await fromIrc('nor I this');
  const since = bob.mark();
  await alice.redact(room, event);
  await bob.waitForText(channel, /removed "I should/, { since });
  await alice.redact(room, theirs.event_id, 'rude');
  await bob.waitForText(channel, /nor I this/, { since });
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, since), [
    'alice[m] (emote): removed "I should not have said this"',
    `alice[m] (emote): removed Bob's "nor I this" (rude)`,
  ]);
});

test('a reaction goes both ways as a tag, and is taken back both ways', async () => {
  const { event, msgid } = await fromIrc('I have finished');
  const since = bob.mark();
  const reaction = await alice.react(room, event.event_id, '🎉');
  const line = await tagged(bob, since, (heard) => heard.tags['+draft/react'] === '🎉');
  assert.equal(line.nick, 'alice[m]');
  assert.equal(line.tags['+draft/reply'], msgid);
  await alice.redact(room, reaction);
  const taken = await tagged(bob, since, (heard) => heard.tags['+draft/unreact'] === '🎉');
  assert.equal(taken.tags['+draft/reply'], msgid);

  const mine = await fromMatrix('so have I');
  const back = alice.mark();
  bob.tag(channel, { '+draft/react': '👏', '+draft/reply': mine.msgid });
  const shown = await alice.waitFor(({ type, sender }) => type === 'm.reaction' && sender === ghost, { since: back });
  assert.deepEqual(shown.content['m.relates_to'], { rel_type: 'm.annotation', event_id: mine.event, key: '👏' });
  bob.tag(channel, { '+draft/unreact': '👏', '+draft/reply': mine.msgid });
  const gone = await alice.waitFor(({ type }) => type === 'm.room.redaction', { since: back });
  assert.equal(gone.redacts ?? gone.content.redacts, shown.event_id);
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, since), ['alice[m]: so have I'], 'nothing of it was said in words');
});

test('where there are no tags, all of it is short readable text', async () => {
  const since = gil.mark();
  const back = alice.mark();
  gil.say('#ng', 'who knows?');
  const asked = await alice.waitForText(ngRoom, 'who knows?', { since: back });
  await alice.reply(ngRoom, asked.event_id, 'I do');
  await gil.waitForText('#ng', 'gil: I do', { since });
  const reaction = await alice.react(ngRoom, asked.event_id, '👍');
  await gil.waitForText('#ng', /reacted/, { since });
  await alice.redact(ngRoom, reaction);
  await gil.waitForText('#ng', /took back/, { since });
  const said = await alice.say(ngRoom, 'the meeting is on Tuesday at noon');
  await alice.edit(ngRoom, said, 'the meeting is on Friday at noon');
  // What still waits when it is removed is never said.
  await gil.waitForText('#ng', 's/Tuesday/Friday/', { since });
  await alice.redact(ngRoom, said);
  await gil.waitForText('#ng', /removed/, { since });
  await delay(settle);
  assert.deepEqual(ircLines(gil, '#ng', since), [
    'alice[m]: gil: I do',
    'alice[m] (emote): reacted 👍 to gil: "who knows?"',
    'alice[m] (emote): took back 👍',
    'alice[m]: the meeting is on Tuesday at noon',
    'alice[m]: s/Tuesday/Friday/',
    'alice[m] (emote): removed "the meeting is on Friday at noon"',
  ]);
  assert.deepEqual(roomLines(alice.heard.slice(back), ngRoom, alice.userId), ['irc_ng_gil: who knows?']);
});
