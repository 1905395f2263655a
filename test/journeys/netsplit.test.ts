// Two linked IRC servers lose each other: those on the far side are gone for a while and nobody makes a fuss of it; where a
// nick is held on both sides as they meet again, each line is still its speaker's.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startInspircdPair } from '../../quickstart/servers/inspircd.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 500;
const pair = await startInspircdPair({ folder: tempFolder() });
after(() => pair.stop());
const stage = await openStage({ networks: { local: { port: pair.first.port } } });
const { alice } = stage;
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
const bob = await stage.sitIn('Bob', channel);
const far = { port: pair.second.port };
const carol = await stage.ircPerson('carol', 'local', far);
await carol.join(channel);

/** What changed in the room's memberships since, as `ghost leave`. */
const memberships = (since: number) =>
  alice.heard
    .slice(since)
    .filter((event) => event.room === room && event.type === 'm.room.member')
    .map(({ state_key, content }) => `${state_key?.slice(1, state_key.indexOf(':'))} ${content.membership}`);

test('people beyond the split leave the channel and not the room, and speak on as themselves once they are back', async () => {
  carol.say(channel, 'before');
  await alice.waitForText(room, 'before');
  await alice.say(room, 'all there?');
  await carol.waitForText(channel, 'all there?');
  const since = alice.mark();
  const [bobSince, carolSince] = [bob.mark(), carol.mark()];
  await pair.split();
  const quit = await bob.waitForLine(({ command, nick }) => command === 'QUIT' && nick === 'carol', { since: bobSince });
  assert.match(quit.text, /^irc1\.test irc2\.test$/);
  await carol.waitForLine(({ command, nick }) => command === 'QUIT' && nick === 'alice[m]', { since: carolSince });
  bob.say(channel, 'during');
  carol.say(channel, 'to nobody');
  await alice.waitForText(room, 'during', { since });
  await alice.say(room, 'anybody there?');
  await bob.waitForText(channel, 'anybody there?', { since: bobSince });
  assert.ok((await alice.members(room)).has(stage.ghost('carol')), 'the ghost stays for those who come back soon');
  await pair.connect();
  await bob.waitForLine(({ command, nick }) => command === 'JOIN' && nick === 'carol', { since: bobSince });
  carol.say(channel, 'after');
  await alice.waitForText(room, 'after', { since });
  await alice.say(room, 'welcome back');
  await carol.waitForText(channel, 'welcome back', { since: carolSince });
  await delay(settle);
  assert.deepEqual(roomLines(alice.heard.slice(since), room), [
    'irc_local_bob: during',
    'alice: anybody there?',
    'irc_local_carol: after',
    'alice: welcome back',
  ]);
  assert.deepEqual(ircLines(carol, channel, carolSince), ['alice[m]: welcome back']);
  assert.deepEqual(memberships(since), ['irc_local_bob join']);
});

for (const [isOlder, name] of [
  [true, 'alice'],
  [false, 'dave'],
] as const) {
  test(`a nick held on both sides, by the puppet ${isOlder ? 'longer: the other' : 'less long: it'} is renamed as they meet, and each line is its speaker’s`, async () => {
    const person = isOlder ? alice : await stage.matrixPerson(name);
    if (!isOlder) await person.join(room);
    const taker = await stage.ircPerson(`taker${name}`, 'local', far);
    await taker.join(channel);
    const since = alice.mark();
    const bobSince = bob.mark();
    await pair.split();
    await bob.waitForLine(({ command, nick }) => command === 'QUIT' && nick === `taker${name}`, { since: bobSince });
    // The nick is free there only once that half has noticed too.
    await taker.waitForLine(({ command, nick }) => command === 'QUIT' && nick === 'Bob');
    await taker.setNick(`${name}[m]`);
    if (!isOlder) {
      await delay(1_100);
      await person.say(room, 'hello');
      await bob.waitForText(channel, 'hello', { since: bobSince });
    }
    await pair.connect();
    await bob.waitForLine(({ command, nick }) => command === 'JOIN' && nick === 'carol', { since: bobSince });
    await delay(settle);
    const [sinceMet, bobSinceMet] = [alice.mark(), bob.mark()];
    taker.say(channel, 'who am I');
    await alice.waitForText(room, 'who am I', { since });
    await person.say(room, 'and who am I');
    const own = await bob.waitForText(channel, 'and who am I', { since: bobSince });
    const strange = await bob.waitForText(channel, 'who am I', { since: bobSince });
    // The servers put a name of numbers in place of a nick that is held twice.
    assert.match(isOlder ? strange.nick : own.nick, /^00\d[A-Z]+$/);
    assert.equal(isOlder ? own.nick : strange.nick, `${name}[m]`);
    bob.say(channel, `${own.nick}: found you`);
    const { content } = await alice.waitForText(room, /found you/, { since });
    assert.deepEqual(content['m.mentions'], { user_ids: [person.userId] });
    await delay(settle);
    const ghost = `irc_local_${strange.nick.toLowerCase().replace('[', '=7b').replace(']', '=7d')}`;
    assert.deepEqual(roomLines(alice.heard.slice(sinceMet), room), [
      `${ghost}: who am I`,
      `${name}: and who am I`,
      `irc_local_bob: ${own.nick}: found you`,
    ]);
    assert.deepEqual(ircLines(bob, channel, bobSinceMet), [`${strange.nick}: who am I`, `${own.nick}: and who am I`]);
    await taker.quit();
  });
}

test('the far server dies and stays away while Matrix speaks: those who remain hear everything', async () => {
  const bobSince = bob.mark();
  await pair.second.kill();
  await bob.waitForLine(({ command, nick }) => command === 'QUIT' && nick === 'carol', { since: bobSince, timeout: 60_000 });
  for (let at = 0; at < 10; at += 1) await alice.say(room, `line ${at}`);
  await bob.waitForText(channel, 'line 9', { since: bobSince });
  await delay(settle);
  assert.deepEqual(
    ircLines(bob, channel, bobSince).map((line) => line.replace(/^\S+: /, '')),
    Array.from({ length: 10 }, (_, at) => `line ${at}`),
  );
});
