// Rooms of every kind that people have: version 11 and 12, open and closed, with silence for newcomers; and rooms that cannot be
// carried, which say so.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { RoomOptions } from '../support/matrix-person.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 400;
const kinds: Record<string, RoomOptions> = {
  'version 11, open': { version: '11' },
  'version 11, closed': { version: '11', isPublic: false },
  'version 12, open': { version: '12' },
  'version 12, closed': { version: '12', isPublic: false },
};
const rooms = new Map<string, { room: string; channel: string }>();
const encrypted = { room: '', channel: '#encrypted' };
const stage = await openStage({
  channels: ['#later'],
  refused: 1,
  async prepare({ makeRoom, link }) {
    for (const [at, kind] of Object.keys(kinds).entries()) {
      const place = { room: await makeRoom(kinds[kind] as RoomOptions), channel: `#kind${at}` };
      rooms.set(kind, place);
      await link(place.room, place.channel);
    }
    encrypted.room = await makeRoom({ isEncrypted: true });
    await link(encrypted.room, encrypted.channel);
  },
});
const { alice, synapse } = stage;
const bot = `@ircbot:${synapse.domain}`;
const bob = await stage.sitIn('Bob', ...[...rooms.values()].map(({ channel }) => channel), encrypted.channel, '#later');

for (const [kind, { room, channel }] of rooms) {
  test(`${kind}: the bot is in, the channel is claimed, lines cross both ways, and the ghost is in before it speaks`, async () => {
    assert.match(room, kind.includes('12') ? /^![^:]+$/ : /:hs\.test$/);
    const { creator: _, ...claim } = await alice.state(room, 'm.room.bridging', `irc://local.test/${channel}`);
    assert.deepEqual(claim, { user_id: bot, status: 'success' });
    // Written once the link carries, in both its names.
    for (const info of ['m.bridge', 'uk.half-shot.bridge']) await alice.waitFor((event) => event.room === room && event.type === info);
    const since = alice.mark();
    const bobSince = bob.mark();
    bob.say(channel, 'hello');
    bob.say(channel, 'again');
    await alice.waitForText(room, 'again', { since });
    await alice.say(room, 'welcome');
    await bob.waitForText(channel, 'welcome', { since: bobSince });
    await delay(settle);
    assert.deepEqual(roomLines(alice.heard.slice(since), room, alice.userId), ['irc_local_bob: hello', 'irc_local_bob: again']);
    assert.deepEqual(ircLines(bob, channel, bobSince), ['alice[m]: welcome']);
    const story = alice.heard
      .slice(since)
      .filter((event) => event.room === room && event.sender !== alice.userId)
      .map(({ type, sender, content }) => `${sender.slice(1, sender.indexOf(':'))} ${content.membership ?? type.replace('m.room.', '')}`);
    const invited = kind.includes('closed') ? ['ircbot invite'] : [];
    assert.deepEqual(story, [...invited, 'irc_local_bob join', 'irc_local_bob message', 'irc_local_bob message']);
    const levels = await alice.state(room, 'm.room.power_levels');
    assert.ok(!(stage.ghost('Bob') in levels.users), 'nobody gave the ghost any power');
  });
}

test('where one needs power to speak, the ghost cannot: its person is told why, the room hears nothing, and others go on', async () => {
  const { room, channel } = rooms.get('version 11, open') as { room: string; channel: string };
  const levels = await alice.state(room, 'm.room.power_levels');
  await alice.setState(room, 'm.room.power_levels', { ...levels, events_default: 50 });
  const since = alice.mark();
  const bobSince = bob.mark();
  bob.say(channel, 'may I?');
  const told = await bob.waitForLine((line) => line.command === 'NOTICE' && line.target === 'Bob', { since: bobSince, timeout: 60_000 });
  assert.equal(told.nick, 'causeway');
  assert.match(told.text, /^Your message did not reach the Matrix room: /);
  await alice.say(room, 'speak');
  await bob.waitForText(channel, 'speak', { since: bobSince });
  await alice.setState(room, 'm.room.power_levels', levels);
  bob.say(channel, 'and now?');
  await alice.waitForText(room, 'and now?', { since });
  await delay(settle);
  assert.deepEqual(roomLines(alice.heard.slice(since), room, alice.userId), ['irc_local_bob: and now?']);
});

const stateOf = async (channel: string) => (await stage.bridge.links('irc')).find((link) => link.channel === `local/${channel}`);

test('an encrypted room is refused, and told so in words; nothing of its channel is carried into it', async () => {
  const { room, channel } = encrypted;
  const notice = await alice.waitFor((event) => event.room === room && event.sender === bot && event.type === 'm.room.message');
  assert.equal(notice.content.msgtype, 'm.notice');
  assert.match(notice.content.body, /#encrypted.*encrypted/s);
  const since = alice.mark();
  bob.say(channel, 'secret?');
  await alice.say(room, 'as if it were encrypted');
  await delay(1_000);
  assert.deepEqual(roomLines(alice.heard.slice(since), room, alice.userId), []);
  assert.deepEqual(ircLines(bob, channel), []);
});

test('a room that is made encrypted while it is linked is linked no longer, and told so once', async () => {
  const { room, channel } = stage.places['#later'] as { room: string; channel: string };
  bob.say(channel, 'in clear');
  await alice.waitForText(room, 'in clear');
  const since = alice.mark();
  await alice.setState(room, 'm.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' });
  const notice = await alice.waitFor((event) => event.room === room && event.sender === bot && event.type === 'm.room.message', { since });
  assert.match(notice.content.body, /encrypted/);
  bob.say(channel, 'into the void');
  await alice.say(room, 'in clear once more');
  await delay(1_000);
  assert.deepEqual(roomLines(alice.heard.slice(since), room, alice.userId).length, 1);
  assert.deepEqual(ircLines(bob, channel), []);
  assert.equal((await stateOf(channel))?.state, 'suspended');
});
