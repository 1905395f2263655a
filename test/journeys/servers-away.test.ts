// A server goes away under load and comes back: nothing is lost, nothing doubles, the order holds. Lines are counted by body, at
// the far end: on Matrix in the homeserver's own record, on IRC by who sat in the channel.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ircLines, openStage, roomLines } from './stage.ts';
import { persistent, underLoad } from './steady.ts';

/** How long the homeserver stays away, ms. */
const away = 60_000;
/** Each side's, while it is away: it takes 40 lines a second in one room at best, and then has to make up for all of it. */
const perSecondAway = 3;

const stage = await openStage();
const { alice, synapse, bridge, ircServers } = stage;
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
let bob = await stage.sitIn('Bob', channel);
const irc = ircServers.local as NonNullable<(typeof ircServers)['local']>;

const history = async (who: string) => (await alice.history(room, 5_000)).filter(({ sender }) => sender === who);
const bodies = (events: Awaited<ReturnType<typeof history>>, name: string) =>
  events.map(({ content }) => String(content.body)).filter((body) => body.startsWith(`${name} `));
/** What everybody else in the room must not have heard: a word of failure. */
const notices = async () => roomLines(await alice.history(room, 5_000), room).filter((line) => line.startsWith('ircbot'));

test('the IRC server restarts while a person on Matrix speaks: every line arrives, in order, at most the one in flight twice', async () => {
  await alice.say(room, 'before');
  await bob.waitForText(channel, 'before');
  const first = bob;
  const since = first.mark();
  const speaker = persistent(alice, room);
  const said = await underLoad('restart', speaker.say, async () => {
    await delay(1_000);
    await irc.stop();
    await delay(3_000);
    bob = await stage.whileBridgeSleeps(async () => {
      await irc.start();
      return stage.sitIn('Bob', channel);
    });
    await delay(3_000);
  });
  await speaker.done();
  await bob.waitForText(channel, said.at(-1) as string);
  await delay(1_000);
  const heard = [...ircLines(first, channel, since), ...ircLines(bob, channel)].map((line) => line.replace('alice[m]: ', ''));
  const once = heard.filter((line, at) => heard.indexOf(line) === at);
  assert.deepEqual(once, said);
  assert.ok(heard.length - once.length <= 1, `heard twice: ${heard.filter((line, at) => heard.indexOf(line) !== at)}`);
  assert.equal((await notices()).filter((line) => !line.includes('may be missing')).length, 0, String(await notices()));
});

test('after it is back, IRC speaks to Matrix as before, and the room was told once what may be missing', async () => {
  const since = alice.mark();
  bob.say(channel, 'back again');
  await alice.waitForText(room, 'back again', { since });
  await delay(500);
  assert.deepEqual(roomLines(alice.heard.slice(since), room), ['irc_local_bob: back again']);
  const told = await notices();
  assert.equal(told.length, 1, String(told));
  assert.match(
    told[0] as string,
    /^ircbot \(notice\): Messages between \d\d:\d\d UTC and \d\d:\d\d UTC may be missing here \(the connection was lost\)$/,
  );
});

test(`the homeserver is dead for ${away / 1_000} s while both sides speak: every line arrives once, in order, with its own time`, async () => {
  const carol = await stage.sitIn('carol', channel);
  const witness = await stage.sitIn('witness', channel);
  const times = new Map<string, number>();
  const say = (text: string) => {
    times.set(text, Date.now());
    (times.size % 2 === 0 ? bob : carol).say(channel, text);
  };
  const speaker = persistent(alice, room);
  let fromIrc: string[] = [];
  const fromMatrix = await underLoad(
    'alive',
    speaker.say,
    async () => {
      fromIrc = await underLoad(
        'dead',
        say,
        async () => {
          await delay(1_000);
          await synapse.kill();
          await delay(away);
          await synapse.start();
          await delay(2_000);
        },
        perSecondAway,
      );
    },
    perSecondAway,
  );
  await speaker.done();
  await alice.waitForText(room, fromIrc.at(-1) as string, { timeout: 120_000 });
  await witness.waitForText(channel, fromMatrix.at(-1) as string, { timeout: 120_000 });
  await delay(1_000);
  // Two people's lines come in the order in which the server had them.
  const heard = (name: string) =>
    witness.heard.flatMap(({ command, text }) => (command === 'PRIVMSG' && text.startsWith(`${name} `) ? [text] : []));
  const events = (await alice.history(room, 5_000)).filter(({ content }) => /^dead \d/.test(content.body ?? ''));
  assert.deepEqual(heard('dead').sort(), [...fromIrc].sort());
  assert.deepEqual(bodies(events, 'dead'), heard('dead'));
  for (const { content, origin_server_ts } of events) {
    const happened = times.get(content.body) ?? 0;
    assert.ok(origin_server_ts - happened < 15_000, `${content.body} bears a time ${origin_server_ts - happened} ms late`);
  }
  // Alice may have said a line twice, whose answer died with the homeserver: what stands in the room counts.
  const said = bodies(await history(alice.userId), 'alive');
  assert.deepEqual([...new Set(said)], fromMatrix);
  assert.deepEqual(heard('alive'), said);
  assert.equal((await notices()).length, 1, String(await notices()));
});

test('the homeserver restarts, twice, while both sides speak and the bridge stays: nothing is lost, nothing doubles', async () => {
  const since = bob.mark();
  const speaker = persistent(alice, room);
  const pid = bridge.pid;
  let fromIrc: string[] = [];
  const fromMatrix = await underLoad('up', speaker.say, async () => {
    fromIrc = await underLoad(
      'down',
      (text) => bob.say(channel, text),
      async () => {
        for (const restart of [() => synapse.restart(), () => synapse.kill().then(() => synapse.start())]) {
          await delay(2_000);
          await restart();
          await delay(2_000);
        }
      },
    );
  });
  await speaker.done();
  await bob.waitForText(channel, fromMatrix.at(-1) as string, { since, timeout: 60_000 });
  await alice.waitFor(({ sender, content }) => sender === stage.ghost('Bob') && content.body === fromIrc.at(-1));
  await delay(2_000);
  assert.equal(bridge.pid, pid);
  assert.deepEqual(bodies(await history(stage.ghost('Bob')), 'down'), fromIrc);
  // Alice herself may have said a line twice: the homeserver forgets what it answered. What stands in the room counts.
  const said = bodies(await history(alice.userId), 'up');
  assert.deepEqual([...new Set(said)], fromMatrix);
  assert.deepEqual(
    ircLines(bob, channel, since).map((line) => line.replace('alice[m]: ', '')),
    said,
  );
  assert.equal((await notices()).length, 1, String(await notices()));
});

test('where words wait for an IRC server that is away for long, people are told so, and told once it is back', async () => {
  const since = alice.mark();
  await irc.stop();
  await alice.say(room, 'patience');
  await alice.waitForText(room, 'TestNet is away. What is said here waits for it, 30m at most.', { since, timeout: 60_000 });
  bob = await stage.whileBridgeSleeps(async () => {
    await irc.start();
    return stage.sitIn('Bob', channel);
  });
  await bob.waitForText(channel, 'patience');
  await alice.waitForText(room, 'TestNet is back; what waited is delivered now.', { since });
});
