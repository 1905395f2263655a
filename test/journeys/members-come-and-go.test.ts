// Who comes, goes, is renamed, put out or away on IRC, seen on Matrix, and the other way round; topics as each link says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/waiting.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 500;
const stage = await openStage({
  channels: ['#stage', '#other'],
  async prepare({ bridge }) {
    await bridge.configure('irc', (config) => {
      const irc = config.irc as { links: { channel: string }[] };
      const links = irc.links.map((link) => (link.channel === '#other' ? { ...link, topic: 'both' } : link));
      return { ...config, irc: { ...irc, links } };
    });
  },
});
const { alice } = stage;
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
const other = stage.places['#other'] as { room: string; channel: string };
const bob = await stage.sitIn('Bob', '#stage', '#other');

/** Made operators of the channel by the server's. */
const opped = (where = channel) => stage.asOperator(`SAMODE ${where} +oo Bob causeway`);

/** What changed in the room's memberships since, as `ghost leave: reason`. */
const changes = (since: number, where = room) =>
  alice.heard
    .slice(since)
    .filter((event) => event.room === where && event.type === 'm.room.member')
    .map(
      ({ state_key, content }) =>
        `${state_key?.slice(1, state_key.indexOf(':'))} ${content.membership}${content.reason ? `: ${content.reason}` : ''}`,
    );
const change = (text: string, since: number, where = room) => until(text, () => changes(since, where).includes(text) || undefined);

test('a ghost comes with its first line, leaves with PART and its reason, and comes back with the next line', async () => {
  const since = alice.mark();
  const carol = await stage.sitIn('carol', channel);
  await delay(settle);
  assert.deepEqual(changes(since), [], 'nobody is brought in for sitting there');
  carol.say(channel, 'hello');
  await change('irc_local_carol join', since);
  await carol.part(channel, 'lunch');
  await change('irc_local_carol leave: lunch', since);
  await carol.join(channel);
  carol.say(channel, 'back');
  await alice.waitForText(room, 'back', { since });
  await carol.quit('good night');
  await until('the ghost to leave', () => changes(since).length === 4 || undefined);
  assert.deepEqual(changes(since), [
    'irc_local_carol join',
    'irc_local_carol leave: lunch',
    'irc_local_carol join',
    'irc_local_carol leave: good night',
  ]);
  assert.deepEqual(roomLines(alice.heard.slice(since), room), ['irc_local_carol: hello', 'irc_local_carol: back']);
});

test('who says something and leaves at once is heard, then gone', async () => {
  const since = alice.mark();
  const hasty = await stage.sitIn('hasty', channel);
  for (let at = 0; at < 20; at += 1) hasty.say(channel, `word ${at}`);
  await hasty.quit('off');
  await change('irc_local_hasty leave: off', since);
  assert.deepEqual(
    roomLines(alice.heard.slice(since), room),
    Array.from({ length: 20 }, (_, at) => `irc_local_hasty: word ${at}`),
  );
});

test('a new nick is a new ghost in the old one’s place, in every room; a new spelling is a new name', async () => {
  const dan = await stage.sitIn('dan', '#stage', '#other');
  const since = alice.mark();
  dan.say('#stage', 'I am dan');
  await alice.waitForText(room, 'I am dan', { since });
  dan.say('#other', 'here too');
  await alice.waitForText(other.room, 'here too', { since });
  await dan.setNick('daniel');
  for (const where of [room, other.room]) {
    await change('irc_local_daniel join', since, where);
    await change('irc_local_dan leave: is now known as daniel', since, where);
  }
  await dan.setNick('Daniel');
  await until('the new spelling', async () => (await alice.members(room)).get(stage.ghost('daniel')) === 'Daniel' || undefined);
  dan.say('#stage', 'I was dan');
  const { sender } = await alice.waitForText(room, 'I was dan', { since });
  assert.equal(sender, stage.ghost('daniel'));
  await dan.quit();
});

test('a kick on IRC puts the ghost out of the room, with who and why; it may come back', async () => {
  const erin = await stage.sitIn('erin', channel);
  const since = alice.mark();
  erin.say(channel, 'rude words');
  await alice.waitForText(room, 'rude words', { since });
  await opped();
  await bob.kick(channel, 'erin', 'no rude words');
  await change('irc_local_erin leave: kicked by Bob: no rude words', since);
  await erin.join(channel);
  erin.say(channel, 'sorry');
  await alice.waitForText(room, 'sorry', { since });
  await erin.quit();
  await delay(settle);
  assert.deepEqual(roomLines(alice.heard.slice(since), room, alice.userId), ['irc_local_erin: rude words', 'irc_local_erin: sorry']);
});

test('a person kicked on IRC is put out of the room, with who and why; they may come back', async () => {
  const frank = await stage.matrixPerson('frank');
  await frank.join(room);
  const since = bob.mark();
  const roomSince = alice.mark();
  await frank.say(room, 'one');
  await bob.waitForText(channel, 'one', { since });
  await opped();
  await bob.kick(channel, 'frank[m]', 'enough');
  await change('frank leave: kicked by Bob: enough', roomSince);
  await frank.join(room);
  await frank.say(room, 'two');
  await bob.waitForText(channel, 'two', { since });
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, since), ['frank[m]: one', 'frank[m]: two']);
  assert.deepEqual(roomLines(alice.heard.slice(roomSince), room), ['frank: one', 'frank: two']);
});

test('a ghost kicked on Matrix is kicked on IRC by the bot, which says for whom; banned as well', async () => {
  const gina = await stage.sitIn('gina', channel);
  const since = bob.mark();
  const roomSince = alice.mark();
  gina.say(channel, 'spam');
  await alice.waitForText(room, 'spam', { since: roomSince });
  await alice.kick(room, stage.ghost('gina'), 'no spam');
  const kick = await bob.waitForLine(({ command, params }) => command === 'KICK' && params[1] === 'gina', { since });
  assert.equal(kick.nick, 'causeway');
  assert.match(kick.text, /alice.*no spam/);
  await delay(settle);
  assert.deepEqual(roomLines(alice.heard.slice(roomSince), room), ['irc_local_gina: spam'], 'no notice answers it');
  await gina.join(channel);
  gina.say(channel, 'more spam');
  await alice.waitForText(room, 'more spam', { since: roomSince });
  const banSince = bob.mark();
  await alice.ban(room, stage.ghost('gina'));
  await bob.waitForLine(({ command, params }) => command === 'KICK' && params[1] === 'gina', { since: banSince });
  await gina.quit();
});

test('a person who leaves the room, or is put out of it, leaves the channel', async () => {
  const hal = await stage.matrixPerson('hal');
  for (const leave of [() => hal.leave(room), () => alice.kick(room, hal.userId, 'out')]) {
    await hal.join(room);
    const since = bob.mark();
    await hal.say(room, 'hello');
    await bob.waitForText(channel, 'hello', { since });
    await leave();
    await bob.waitForLine(({ command, nick }) => (command === 'PART' || command === 'QUIT') && nick === 'hal[m]', { since });
  }
});

test('a topic crosses the ways that the link says, and does not come back', async () => {
  const topicOf = async (where: string) => (await alice.state(where, 'm.room.topic'))?.topic;
  await bob.setTopic(channel, 'from \x02IRC');
  await until('the topic in the room', async () => (await topicOf(room)) === 'from IRC' || undefined);
  const since = bob.mark();
  await alice.setState(room, 'm.room.topic', { topic: 'from Matrix' });
  await opped('#other');
  await bob.setTopic('#other', 'from IRC');
  await until('the other topic', async () => (await topicOf(other.room)) === 'from IRC' || undefined);
  await alice.setState(other.room, 'm.room.topic', { topic: 'from Matrix' });
  await bob.waitForLine(({ command, target, text }) => command === 'TOPIC' && target === '#other' && text === 'from Matrix', { since });
  await delay(settle);
  assert.deepEqual(
    bob.heard.slice(since).flatMap(({ command, target, text }) => (command === 'TOPIC' ? [`${target} ${text}`] : [])),
    ['#other from IRC', '#other from Matrix'],
  );
  assert.equal(await topicOf(other.room), 'from Matrix');
  assert.equal(await topicOf(room), 'from Matrix', 'each side keeps its own where the link says so');
});

test('who is away on IRC is seen away on Matrix, with their words, and back again', async () => {
  const ida = await stage.sitIn('ida', channel);
  const since = alice.mark();
  ida.say(channel, 'soon away');
  await alice.waitForText(room, 'soon away', { since });
  const presence = () =>
    alice.call<{ presence: string; status_msg?: string }>('GET', `/v3/presence/${encodeURIComponent(stage.ghost('ida'))}/status`);
  ida.raw('AWAY :at the sea');
  await until('ida to be away', async () => ((await presence()).presence === 'unavailable' ? true : undefined));
  assert.equal((await presence()).status_msg, 'at the sea');
  ida.raw('AWAY');
  await until('ida to be back', async () => ((await presence()).presence === 'online' ? true : undefined));
  await ida.quit();
});

test('typing on Matrix is seen on IRC, and on IRC on Matrix', async () => {
  const since = bob.mark();
  await alice.say(room, 'I begin');
  await bob.waitForText(channel, 'I begin', { since });
  await alice.typing(room, true);
  await bob.waitForLine(({ command, nick, tags }) => command === 'TAGMSG' && nick === 'alice[m]' && tags['+typing'] === 'active', {
    since,
  });
  await alice.typing(room, false);
  await bob.waitForLine(({ command, nick, tags }) => command === 'TAGMSG' && nick === 'alice[m]' && tags['+typing'] === 'done', { since });
  bob.say(channel, 'and I');
  await alice.waitForText(room, 'and I');
  bob.tag(channel, { '+typing': 'active' });
  await until('Bob to type', () => alice.typingIn(room).includes(stage.ghost('Bob')) || undefined);
  bob.tag(channel, { '+typing': 'done' });
  await until('Bob to stop', () => !alice.typingIn(room).includes(stage.ghost('Bob')) || undefined);
});
