// Many come at once: a channel mirrored whole into its room, and a room's people each with a nick of their own. Joins go at the
// set rate and hold up no line; who speaks is let in first.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { IrcPerson } from '../support/irc-person.ts';
import { until } from '../support/waiting.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

const crowd = 40;
const perSecond = 4;
const nicks = Array.from({ length: crowd }, (_, at) => `crowd${at}`);
const stage = await openStage({
  bridges: { irc: { config: { membership: { ghosts: 'full', puppets: 'full', per_second: perSecond } } } },
});
const { alice, bridge } = stage;
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
const bob = await stage.sitIn('Bob', channel);
const people: IrcPerson[] = await Promise.all(nicks.map((nick) => stage.ircPerson(nick)));
/** Whatever stands in the room by now. */
const aliceHeardAll = async () => {
  const mark = await alice.send(room, 'test.causeway.mark', {});
  await alice.waitFor(({ event_id }) => event_id === mark);
};
const ghostsIn = async () => [...(await alice.members(room)).keys()].filter((user) => user.startsWith('@irc_local_crowd'));

test('those who sit there come into the room too, at the set rate, and a line said meanwhile waits for none of them', async () => {
  await until('Bob', async () => (await alice.members(room)).has(stage.ghost('Bob')) || undefined);
  const since = alice.mark();
  const began = Date.now();
  await Promise.all(people.map((person) => person.join(channel)));
  const last = people.at(-1) as IrcPerson;
  last.say(channel, 'I am the last');
  const said = await alice.waitForText(room, 'I am the last', { since });
  assert.equal(said.sender, stage.ghost(last.nick));
  const bobSince = bob.mark();
  await alice.say(room, 'so many!');
  await bob.waitForText(channel, 'so many!', { since: bobSince });
  const early = (await ghostsIn()).length;
  assert.ok(early < crowd, `${early} were in already`);
  assert.ok((await bridge.metric('causeway_membership_queue')) > 0);
  await until('all to be in', async () => (await ghostsIn()).length === crowd || undefined);
  const joinsHeard = () =>
    alice.heard.slice(since).filter((event) => event.state_key?.startsWith('@irc_local_crowd') && event.content.membership === 'join');
  await until('alice to have heard of all', () => joinsHeard().length >= crowd || undefined);
  await delay(300);
  const joins = joinsHeard();
  assert.equal(joins.length, crowd, 'each once');
  const took = (Math.max(...joins.map(({ origin_server_ts }) => origin_server_ts)) - began) / 1_000;
  assert.ok(took >= (crowd - 2) / perSecond - 0.5, `${crowd} joined within ${took.toFixed(1)} s`);
  // Alice may hear of the last one before the bridge is told that it is in.
  await until('nobody to wait any more', async () => (await bridge.metric('causeway_membership_queue')) === 0 || undefined);
});

test('a flood of joins and parts ends with who is there, however it went', async () => {
  await Promise.all(people.slice(0, 20).map((person) => person.part(channel, 'off')));
  await Promise.all(people.slice(0, 10).map((person) => person.join(channel)));
  const expected = [...nicks.slice(0, 10), ...nicks.slice(20)].map((nick) => stage.ghost(nick)).sort();
  await until('those who stayed', async () => (await ghostsIn()).sort().join() === expected.join() || undefined);
  await delay(500);
  assert.deepEqual((await ghostsIn()).sort(), expected);
});

test('a restart compares and changes nothing; who left meanwhile is gone, who came is in', async () => {
  await bridge.stop();
  await people[0]?.part(channel);
  await people[10]?.join(channel);
  await aliceHeardAll();
  const since = alice.mark();
  await stage.startBridge();
  await until('the difference', async () => {
    const now = await ghostsIn();
    return (!now.includes(stage.ghost('crowd0')) && now.includes(stage.ghost('crowd10'))) || undefined;
  });
  await delay(1_000);
  await aliceHeardAll();
  const changed = alice.heard.slice(since).filter((event) => event.room === room && event.type === 'm.room.member');
  assert.deepEqual(changed.map(({ state_key, content }) => `${state_key} ${content.membership}`).sort(), [
    '@irc_local_crowd0:hs.test leave',
    '@irc_local_crowd10:hs.test join',
  ]);
});

test('the room’s people come into the channel, each with a nick, before they say anything', async () => {
  const names = Array.from({ length: 8 }, (_, at) => `guest${at}`);
  const guests = await Promise.all(names.map((name) => stage.matrixPerson(name)));
  const since = bob.mark();
  await Promise.all(guests.map((guest) => guest.join(room)));
  await until('the guests in the channel', async () => {
    const seen = await bob.names(channel);
    return names.every((name) => seen.some((nick) => nick.startsWith(`${name}[m]!`))) || undefined;
  });
  await Promise.all(guests.map((guest, at) => guest.say(room, `guest line ${at}`)));
  await until('all lines', () => ircLines(bob, channel, since).length === names.length || undefined);
  assert.deepEqual(
    ircLines(bob, channel, since).sort(),
    names.map((name, at) => `${name}[m]: guest line ${at}`),
  );
  await delay(500);
  assert.equal(roomLines(alice.heard, room).filter((line) => line.startsWith('ircbot')).length, 0);
});

test('who says nothing for long goes, though the channel is mirrored; with a word they are back, and no comparison brings in others', async () => {
  await bridge.configure('irc', (config) => ({ ...config, membership: { ...(config.membership as object), idle: '3s' } }));
  await bridge.stop();
  await stage.startBridge();
  await until('all to be gone', async () => (await ghostsIn()).length === 0 || undefined);
  const since = alice.mark();
  people[30]?.say(channel, 'not gone at all');
  const { sender } = await alice.waitForText(room, 'not gone at all', { since });
  assert.equal(sender, stage.ghost('crowd30'));
  await until('it to be gone again', async () => (await ghostsIn()).length === 0 || undefined);
  await bridge.stop();
  const [restarted, bobSince] = [alice.mark(), bob.mark()];
  await stage.startBridge();
  await bob.waitForLine(({ command, nick }) => command === 'JOIN' && nick === 'causeway', { since: bobSince });
  people[31]?.say(channel, 'back');
  await alice.waitForText(room, 'back', { since: restarted });
  await until('it to be gone again', async () => (await ghostsIn()).length === 0 || undefined);
  const joined = alice.heard.slice(restarted).filter(({ type, content }) => type === 'm.room.member' && content.membership === 'join');
  assert.deepEqual(
    joined.map(({ state_key }) => state_key),
    [stage.ghost('crowd31')],
  );
});
