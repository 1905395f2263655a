// The channel puts the bot out: it comes back once, a minute later. Put out again it is meant: the link is suspended, the room
// is told who did it and why, and an admin may link anew; or it is invited again by whoever is there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/waiting.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 700;
const stage = await openStage({ channels: ['#stage', '#other'] });
const { alice, bridge } = stage;
const admin = await stage.matrixPerson('admin');
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
const other = stage.places['#other'] as { room: string; channel: string };
await admin.join(room);
const levels = await alice.state(room, 'm.room.power_levels');
await alice.setState(room, 'm.room.power_levels', { ...levels, users: { ...levels.users, [admin.userId]: 100 } });
const bob = await stage.sitIn('Bob', '#stage', '#other');
await stage.asOperator('SAMODE #stage +o Bob');

const who = async () => (await bob.names(channel)).map((name) => name.replace(/^@/, '').replace(/!.*/, ''));
const state = async () => (await bridge.links('irc')).find((link) => link.room === room)?.state;
const crosses = async (place: { room: string; channel: string }, text: string) => {
  const [since, bobSince] = [alice.mark(), bob.mark()];
  bob.say(place.channel, `irc ${text}`);
  await alice.waitForText(place.room, `irc ${text}`, { since });
  await alice.say(place.room, `matrix ${text}`);
  await bob.waitForText(place.channel, `matrix ${text}`, { since: bobSince });
};

test('kicked once, it comes back by itself after a minute, and meanwhile all is heard', async () => {
  await crosses({ room, channel }, 'before');
  await delay(settle);
  const since = alice.mark();
  const kicked = performance.now();
  await bob.kick(channel, 'causeway', 'shoo');
  await crosses({ room, channel }, 'without the bot');
  assert.ok(!(await who()).includes('causeway'));
  await until('the bot to be back', async () => (await who()).includes('causeway') || undefined, 90_000);
  assert.ok(performance.now() - kicked > 55_000, 'not at once');
  await crosses({ room, channel }, 'after');
  assert.deepEqual(
    roomLines(alice.heard.slice(since), room, alice.userId),
    ['irc_local_bob: irc without the bot', 'irc_local_bob: irc after'],
    'nothing is told to be missing',
  );
  assert.equal(await state(), 'live');
});

test('kicked again, the link is suspended: bot and people go, the room is told, nothing crosses; elsewhere all goes on', async () => {
  const since = alice.mark();
  await bob.kick(channel, 'causeway', 'I said shoo');
  const notice = await alice.waitForText(room, /kicked/, { since });
  assert.equal(notice.sender, '@ircbot:hs.test');
  assert.equal(
    notice.content.body,
    'kicked from #stage by Bob (I said shoo), for the second time. Messages are no longer carried; link the channel again once that is mended.',
  );
  await until('all to leave', async () => (await who()).join() === 'Bob' || undefined);
  assert.equal(await state(), 'suspended');
  const [later, bobLater] = [alice.mark(), bob.mark()];
  bob.say(channel, 'irc in vain');
  await alice.say(room, 'matrix in vain');
  await delay(settle);
  assert.deepEqual(roomLines(alice.heard.slice(later), room, alice.userId), []);
  assert.deepEqual(ircLines(bob, channel, bobLater), []);
  await crosses(other, 'elsewhere');
});

test('invited by somebody there it goes on by itself, and says so; put out once more it is meant at once', async () => {
  const since = alice.mark();
  bob.invite('causeway', channel);
  await alice.waitForText(room, /is in #stage again: messages are carried/, { since, timeout: 60_000 });
  const gap = await alice.waitForText(room, /may be missing here/, { since });
  assert.match(String(gap.content.body), /the channel had put the bridge out/);
  await crosses({ room, channel }, 'called back');
  assert.equal(await state(), 'live');
  const out = alice.mark();
  await bob.kick(channel, 'causeway', 'out, finally');
  await alice.waitForText(room, /out, finally/, { since: out });
  await until('it to be suspended', async () => (await state()) === 'suspended' || undefined);
});

test('linked anew by an admin it works again', async () => {
  const since = alice.mark();
  await admin.say(room, '!irc link #stage');
  await alice.waitForText(room, /#stage on TestNet is now linked to this room/, { since, timeout: 60_000 });
  await crosses({ room, channel }, 'again');
  assert.equal(await state(), 'live');
  assert.deepEqual((await who()).sort(), ['Bob', 'alice[m]', 'causeway']);
});
