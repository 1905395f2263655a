// A server that offers all of IRCv3, as no packaged one does (a scripted one, see test/support/fake-ircd): the bot logs in by SCRAM,
// several lines are one message, what is removed is removed, and what was missed is fetched from the server's history.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startFakeIrcd } from '../support/fake-ircd.ts';
import { until } from '../support/waiting.ts';
import { openStage, roomLines } from './stage.ts';

const settle = 500;
const irc = await startFakeIrcd({ accounts: { causeway: 'sesame' } });
after(() => irc.close());
const nora = irc.person('Nora').join('#stage').join('#quiet');
const stage = await openStage({
  networks: { local: { port: irc.port } },
  channels: ['#stage', '#quiet'],
  bridges: { irc: { network: { sasl: { mechanism: 'scram-sha-256', username: 'causeway', password: 'sesame' } } } },
});
const { alice } = stage;
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
const quiet = stage.places['#quiet'] as { room: string; channel: string };
const ghost = stage.ghost('Nora');
const last = () => irc.said(channel).at(-1);
const said = (text: string) => until(text, () => irc.said(channel).find((each) => each.text === text));

test('the bot is logged in by SCRAM-SHA-256', () => {
  assert.equal(irc.client('causeway').account, 'causeway');
  assert.ok(irc.lines().some((line) => line === 'AUTHENTICATE SCRAM-SHA-256'));
  assert.ok(!irc.lines().some((line) => line.includes('sesame')));
});

test('several lines are one message, both ways', async () => {
  await alice.say(room, 'one\ntwo\nthree');
  await said('one\ntwo\nthree');
  assert.equal(last()?.nick, 'alice[m]');
  // Her own line may come back to her later than the bridge had it.
  await alice.waitForText(room, 'one\ntwo\nthree');
  const since = alice.mark();
  nora.paste(channel, ['eins', 'zwei', 'drei']);
  const { sender, content } = await alice.waitForText(room, /eins/, { since });
  assert.equal(sender, ghost);
  assert.equal(content.body, 'eins\nzwei\ndrei');
  await delay(settle);
  assert.deepEqual(roomLines(alice.heard.slice(since), room), ['irc_local_nora: eins\nzwei\ndrei']);
});

test('what is removed on Matrix is removed on IRC, every line of it, without a word', async () => {
  const event = await alice.say(room, 'I should not say\nany of this');
  await said('I should not say\nany of this');
  const count = irc.said(channel).length;
  await alice.redact(room, event);
  await until('REDACT', () => irc.said(channel).find((each) => each.text.startsWith('I should not'))?.isRedacted || undefined);
  await delay(settle);
  assert.equal(irc.said(channel).length, count, 'nothing is said about it');
});

test('what is removed on IRC is removed on Matrix: by who said it as themselves, by an operator as the bot', async () => {
  const since = alice.mark();
  const msgid = nora.say(channel, 'mine to take back') ?? '';
  const event = await alice.waitForText(room, 'mine to take back', { since });
  nora.redact(channel, msgid, 'typo');
  const redaction = await alice.waitFor(({ type }) => type === 'm.room.redaction', { since });
  assert.equal(redaction.sender, ghost);
  assert.equal(redaction.redacts ?? redaction.content.redacts, event.event_id);
  assert.equal(redaction.content.reason, 'typo');

  const mine = await alice.say(room, 'an operator dislikes this');
  const { msgid: hers } = await said('an operator dislikes this');
  const again = alice.mark();
  nora.becomeOperator(channel);
  nora.redact(channel, hers);
  const second = await alice.waitFor(({ type }) => type === 'm.room.redaction', { since: again });
  assert.equal(second.sender, '@ircbot:hs.test');
  assert.equal(second.redacts ?? second.content.redacts, mine);
});

test('what somebody may remove on Matrix and not on IRC is told there in words', async () => {
  const since = alice.mark();
  nora.say(channel, 'stubborn');
  const event = await alice.waitForText(room, 'stubborn', { since });
  await alice.redact(room, event.event_id);
  await until('a word of it', () => (last()?.text.includes('stubborn') && last()?.nick === 'alice[m]') || undefined);
  assert.equal(last()?.text.replaceAll('\x01', ''), `ACTION removed Nora's "stubborn"`);
  await delay(settle);
  assert.deepEqual(
    roomLines(alice.heard.slice(since), room).filter((line) => line.startsWith('ircbot')),
    [],
  );
});

test('a reaction is a tag, and is taken back as one', async () => {
  const since = alice.mark();
  const msgid = nora.say(channel, 'react to this') ?? '';
  const event = await alice.waitForText(room, 'react to this', { since });
  const reaction = await alice.react(room, event.event_id, '🎉');
  const heard = await nora.waitFor(({ command, tags }) => command === 'TAGMSG' && tags['+draft/react'] === '🎉');
  assert.equal(heard.nick, 'alice[m]');
  assert.equal(heard.tags['+draft/reply'], msgid);
  await alice.redact(room, reaction);
  await nora.waitFor(({ command, tags }) => command === 'TAGMSG' && tags['+draft/unreact'] === '🎉');
});

test('the bot loses its connection: what is said meanwhile comes once it is back, in order, with its time, and no gap is told', async () => {
  const since = alice.mark();
  nora.say(quiet.channel, 'before');
  await alice.waitForText(quiet.room, 'before', { since });
  irc.faults.refuse = ['ERROR :come later'];
  irc.drop('causeway');
  const at = Date.now();
  for (const text of ['missed one', 'missed two', 'missed three']) nora.say(quiet.channel, text);
  await delay(1_500);
  irc.faults.refuse = undefined;
  await irc.waitForMember(quiet.channel, 'causeway');
  nora.say(quiet.channel, 'after');
  await alice.waitForText(quiet.room, 'after', { since, timeout: 60_000 });
  await delay(settle);
  assert.deepEqual(
    roomLines(alice.heard.slice(since), quiet.room),
    ['before', 'missed one', 'missed two', 'missed three', 'after'].map((text) => `irc_local_nora: ${text}`),
  );
  const missed = alice.heard.filter(({ content }) => String(content.body).startsWith('missed'));
  for (const event of missed) assert.ok(Math.abs(event.origin_server_ts - at) < 20_000);
});

test('the whole server goes and comes back: what people said on it meanwhile comes, and what Matrix said goes, once each', async () => {
  const since = alice.mark();
  await irc.stop();
  nora.say(channel, 'to those who stayed');
  await alice.say(room, 'is anybody there?');
  await delay(1_000);
  await irc.listen();
  await said('is anybody there?').catch(() => undefined);
  await until('Matrix to be heard', () => irc.said(channel).some(({ text }) => text === 'is anybody there?') || undefined);
  await alice.waitForText(room, 'to those who stayed', { since, timeout: 60_000 });
  await delay(settle);
  assert.equal(irc.said(channel).filter(({ text }) => text === 'is anybody there?').length, 1);
  assert.deepEqual(roomLines(alice.heard.slice(since), room, alice.userId), ['irc_local_nora: to those who stayed']);
});
