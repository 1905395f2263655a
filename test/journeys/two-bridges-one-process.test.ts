// Two bridges in one process on one room, each with a network of its own: one's ghosts are ordinary people to the other, each
// line is heard once everywhere else, and what one has to say about itself is no line for the other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/waiting.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 1_000;
const stage = await openStage({
  networks: { left: 'inspircd', right: 'inspircd' },
  bridges: {
    west: { networks: ['left'], config: { names: { ghosts: 'west_{network}_{nick}', aliases: 'west_{network}_{channel}' } } },
    east: { networks: ['right'], config: { names: { ghosts: 'east_{network}_{nick}', aliases: 'east_{network}_{channel}' } } },
  },
  channels: ['#stage'],
  async prepare({ places, link }) {
    await link(places['#stage']?.room as string, '#far', 'right', 'east');
  },
});
const { alice, ircServers, bridge } = stage;
const { room } = stage.places['#stage'] as { room: string };
let bob = await stage.sitIn('Bob', '#stage');
let rita = await stage.ircPerson('Rita', 'right');
await rita.join('#far');

test('each bridge claims its own channel in the room, and both are live', async () => {
  for (const [bot, key] of [
    ['westbot', 'irc://left.test/#stage'],
    ['eastbot', 'irc://right.test/#far'],
  ])
    assert.deepEqual(await alice.state(room, 'm.room.bridging', key), { user_id: `@${bot}:hs.test`, status: 'success' });
});

test('a line of one network is heard once in the room and once on the other network, from a puppet of the ghost', async () => {
  const [since, bobSince, ritaSince] = [alice.mark(), bob.mark(), rita.mark()];
  bob.say('#stage', 'hello over there');
  await rita.waitForText('#far', 'hello over there', { since: ritaSince });
  rita.say('#far', 'hello yourself');
  await bob.waitForText('#stage', 'hello yourself', { since: bobSince });
  await alice.say(room, 'hello both');
  await bob.waitForText('#stage', 'hello both', { since: bobSince });
  await rita.waitForText('#far', 'hello both', { since: ritaSince });
  await delay(settle);
  assert.deepEqual(roomLines(alice.heard.slice(since), room), [
    'west_left_bob: hello over there',
    'east_right_rita: hello yourself',
    'alice: hello both',
  ]);
  assert.deepEqual(ircLines(rita, '#far', ritaSince), ['Bob[m]: hello over there', 'alice[m]: hello both']);
  assert.deepEqual(ircLines(bob, '#stage', bobSince), ['Rita[m]: hello yourself', 'alice[m]: hello both']);
});

test('a nick of the far network becomes a pill, and the far network is told the nick', async () => {
  const [since, bobSince] = [alice.mark(), bob.mark()];
  bob.say('#stage', 'Rita[m]: have you seen alice[m]?');
  const { content } = await alice.waitForText(room, /have you seen/, { since });
  assert.deepEqual(content['m.mentions'], { user_ids: ['@east_right_rita:hs.test', alice.userId] });
  const heard = await rita.waitForText('#far', /have you seen/);
  assert.equal(heard.text, 'Rita: have you seen alice[m]?');
  await delay(settle);
  assert.deepEqual(ircLines(bob, '#stage', bobSince), []);
});

test('many lines at once from all sides: each once everywhere else, each speaker’s in order', async () => {
  const [since, bobSince, ritaSince] = [alice.mark(), bob.mark(), rita.mark()];
  const texts = (name: string) => Array.from({ length: 15 }, (_, at) => `${name} ${at}`);
  for (const at of Array.from({ length: 15 }).keys()) {
    bob.say('#stage', `west ${at}`);
    rita.say('#far', `east ${at}`);
    await alice.say(room, `room ${at}`);
  }
  await bob.waitForText('#stage', 'room 14', { since: bobSince, timeout: 60_000 });
  await bob.waitForText('#stage', 'east 14', { since: bobSince, timeout: 60_000 });
  await rita.waitForText('#far', 'west 14', { since: ritaSince, timeout: 60_000 });
  await delay(settle);
  const heard: Record<string, string[]> = {
    room: roomLines(alice.heard.slice(since), room),
    west: ircLines(bob, '#stage', bobSince),
    east: ircLines(rita, '#far', ritaSince),
  };
  for (const [where, lines] of Object.entries(heard)) {
    const names = ['room', 'west', 'east'].filter((name) => name !== where || name === 'room');
    for (const name of names)
      assert.deepEqual(
        lines.flatMap((line) => line.match(new RegExp(`${name} \\d+$`))?.[0] ?? []),
        texts(name),
        `${name} in ${where}`,
      );
    assert.equal(lines.length, names.length * 15, where);
  }
});

test('both networks away at once: no notice answers a notice, and what was said arrives once they are back', async () => {
  const since = alice.mark();
  await Promise.all([ircServers.left?.kill(), ircServers.right?.kill()]);
  await delay(500);
  for (let at = 0; at < 5; at += 1) await alice.say(room, `line ${at}`);
  // Long enough for rooms to be told of it.
  await delay(20_000);
  await stage.whileBridgeSleeps(async () => {
    await Promise.all([ircServers.left?.start(), ircServers.right?.start()]);
    bob = await stage.sitIn('Bob', '#stage');
    rita = await stage.ircPerson('Rita', 'right');
    await rita.join('#far');
  });
  await bob.waitForText('#stage', 'line 4');
  await rita.waitForText('#far', 'line 4');
  bob.say('#stage', 'there again');
  await rita.waitForText('#far', 'there again');
  await until('quiet', async () => (await bridge.metric('causeway_journal_rows')) === 0 || undefined);
  const noticesNow = () => roomLines(alice.heard.slice(since), room).filter((line) => /^(west|east)bot \(notice\): /.test(line));
  const gapsTold = () => noticesNow().filter((line) => line.includes('may be missing')).length;
  await until('both gaps to be told', () => gapsTold() >= 2);
  await delay(2 * settle);
  const expected = Array.from({ length: 5 }, (_, at) => `alice[m]: line ${at}`);
  assert.deepEqual(ircLines(bob, '#stage'), expected);
  assert.deepEqual(ircLines(rita, '#far'), [...expected, 'Bob[m]: there again']);
  const notices = noticesNow();
  assert.equal(gapsTold(), 2, String(notices));
  assert.ok(notices.length <= 6, String(notices));
});

test('one of the two stops being wanted: the other goes on', async () => {
  await bridge.stop();
  await bridge.configure('east', (config) => ({ ...config, irc: { ...(config.irc as object), links: [] } }));
  const stopped = bob.mark();
  await stage.startBridge();
  await bob.waitForLine(({ command, nick }) => command === 'JOIN' && nick === 'causeway', { since: stopped });
  const [since, ritaSince] = [alice.mark(), rita.mark()];
  bob.say('#stage', 'alone now');
  await alice.waitForText(room, 'alone now', { since });
  const bobSince = bob.mark();
  await alice.say(room, 'so it is');
  await bob.waitForText('#stage', 'so it is', { since: bobSince });
  await until(
    'the claim to be given back',
    async () => (await alice.state(room, 'm.room.bridging', 'irc://right.test/#far'))?.status === 'failure' || undefined,
  );
  await delay(settle);
  assert.deepEqual(ircLines(rita, '#far', ritaSince), []);
});
