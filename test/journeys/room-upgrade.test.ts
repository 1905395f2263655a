// A room is upgraded: link, claim and bridge info follow, and so do the ghosts as they speak. Version 12 and closed rooms
// included; a room that only says that it is the successor is not believed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/waiting.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 700;
const bot = '@ircbot:hs.test';
const closed = { room: '', channel: '#closed' };
const stage = await openStage({
  channels: ['#stage', '#busy', '#forged'],
  room: { version: '11' },
  async prepare({ makeRoom, link }) {
    closed.room = await makeRoom({ name: 'closed', version: '11', isPublic: false });
    await link(closed.room, closed.channel);
  },
});
const { alice, bridge } = stage;
const bob = await stage.sitIn('Bob', '#stage', '#busy', '#closed', '#forged');
const claim = (room: string, channel: string) => alice.state(room, 'm.room.bridging', `irc://local.test/${channel}`);
const linkOf = async (channel: string) => (await bridge.links('irc')).find((link) => link.channel === `local/${channel}`);
const crosses = async (room: string, channel: string, text: string) => {
  const since = alice.mark();
  const bobSince = bob.mark();
  bob.say(channel, `irc ${text}`);
  await alice.waitForText(room, `irc ${text}`, { since });
  await alice.say(room, `matrix ${text}`);
  await bob.waitForText(channel, `matrix ${text}`, { since: bobSince });
};
/** As clients do it: the bot gets its power back, for the homeserver copies what stands in the old room. */
const followed = (channel: string, room: string) =>
  until(
    `${channel} to follow`,
    async () => ((await linkOf(channel))?.room === room && (await linkOf(channel))?.state === 'live') || undefined,
  );

test('from version 11 to 12: the link goes along, is claimed there and given back here, and lines cross in the new room alone', async () => {
  const { room: old, channel } = stage.places['#stage'] as { room: string; channel: string };
  await crosses(old, channel, 'before');
  const fresh = await alice.upgrade(old, '12');
  assert.match(fresh, /^![^:]+$/, 'an id without a server');
  await followed(channel, fresh);
  await crosses(fresh, channel, 'after');
  assert.deepEqual(await claim(fresh, channel), { user_id: bot, status: 'success' });
  await until('the old claim to be given back', async () => (await claim(old, channel))?.status === 'failure' || undefined);
  assert.equal((await alice.state(fresh, 'm.bridge', `dev.causeway://irc/local/${encodeURIComponent('#stage')}`))?.bridgebot ?? bot, bot);
  const since = alice.mark();
  bob.say(channel, 'only there');
  await alice.waitForText(fresh, 'only there', { since });
  await delay(settle);
  assert.deepEqual(roomLines(alice.heard.slice(since), old), []);
});

test('under load: every line arrives once, in the old room or the new, in order', async () => {
  const { room: old, channel } = stage.places['#busy'] as { room: string; channel: string };
  await crosses(old, channel, 'before');
  const since = alice.mark();
  const said: string[] = [];
  const timer = setInterval(() => {
    said.push(`busy ${said.length}`);
    bob.say(channel, said.at(-1) as string);
  }, 40);
  const upgraded = async () => {
    await delay(400);
    const fresh = await alice.upgrade(old, '11');
    await followed(channel, fresh);
    await delay(600);
    return fresh;
  };
  const fresh = await upgraded().finally(() => clearInterval(timer));
  await alice.waitForText(fresh, said.at(-1) as string, { since, timeout: 60_000 });
  await delay(settle);
  const heard = alice.heard.slice(since).filter(({ sender, type }) => sender === stage.ghost('Bob') && type === 'm.room.message');
  const of = (room: string) => heard.filter((event) => event.room === room).map(({ content }) => content.body);
  assert.deepEqual([...of(old), ...of(fresh)], said);
  await crosses(fresh, channel, 'after');
});

test('a closed room: the bot waits to be let in, and goes on from there', async () => {
  const { channel } = closed;
  await crosses(closed.room, channel, 'before');
  const fresh = await alice.upgrade(closed.room, '12');
  await alice.invite(fresh, bot);
  await followed(channel, fresh);
  await crosses(fresh, channel, 'after');
  assert.equal((await alice.members(fresh)).get(stage.ghost('Bob')), 'Bob');
});

test('a tombstone that points at a room which does not name this one is not followed, and the room is told', async () => {
  const { room, channel } = stage.places['#forged'] as { room: string; channel: string };
  const elsewhere = await alice.createRoom({ name: 'elsewhere', version: '11' });
  await alice.setState(room, 'm.room.tombstone', { body: 'moved', replacement_room: elsewhere });
  const notice = await alice.waitForText(room, /does not name this one as its predecessor/);
  assert.equal(notice.sender, bot);
  assert.equal((await linkOf(channel))?.room, room);
  await until('the bot not to stay', async () => !(await alice.members(elsewhere)).has(bot) || undefined);
  const bobSince = bob.mark();
  bob.say(channel, 'still here');
  await alice.waitForText(room, 'still here');
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, bobSince), []);
});

test('after a restart of the bridge the links stand where they went', async () => {
  const before = (await linkOf('#stage'))?.room as string;
  const since = bob.mark();
  await bridge.stop();
  await bridge.start();
  await bob.waitForLine(({ command, nick, target }) => command === 'JOIN' && nick === 'causeway' && target === '#stage', { since });
  await crosses(before, '#stage', 'restarted');
  assert.equal((await linkOf('#stage'))?.room, before);
});

test('upgraded twice while the bridge was down: what was said in each of the rooms reaches the channel, once and in order', async () => {
  const { channel } = stage.places['#stage'] as { channel: string };
  const rooms = [(await linkOf(channel))?.room ?? ''];
  const since = bob.mark();
  await bridge.stop();
  await alice.say(rooms[0] ?? '', 'in the first');
  for (const words of ['in the second', 'in the third']) {
    rooms.push(await alice.upgrade(rooms.at(-1) ?? '', '12'));
    await alice.say(rooms.at(-1) ?? '', words);
  }
  await stage.startBridge();
  await followed(channel, rooms.at(-1) ?? '');
  await bob.waitForText(channel, 'in the third', { since });
  await crosses(rooms.at(-1) ?? '', channel, 'at last');
  assert.deepEqual(
    ircLines(bob, channel, since).map((line) => line.replace(/^[^:]*: (?:\[.*?\] )?/, '')),
    ['in the first', 'in the second', 'in the third', 'matrix at last'],
  );
});
