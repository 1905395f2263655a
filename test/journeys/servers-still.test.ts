// A server stands still without ending a connection, for longer than any request is waited for, and goes on: each line once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ircLines, openStage } from './stage.ts';
import { persistent, underLoad } from './steady.ts';

const stage = await openStage();
const { alice, synapse, ircServers } = stage;
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
const bob = await stage.sitIn('Bob', channel);
const irc = ircServers.local as NonNullable<(typeof ircServers)['local']>;

/** Bob's lines in the room that begin so. */
async function ofBob(name: string): Promise<string[]> {
  const events = (await alice.history(room, 5_000)).filter(({ sender }) => sender === stage.ghost('Bob'));
  return events.map(({ content }) => String(content.body)).filter((body) => body.startsWith(`${name} `));
}

test('the homeserver and then the IRC server stand still without ending a connection, and go on: each line once', async () => {
  const [since, bobSince] = [alice.mark(), bob.mark()];
  const fromIrc = await underLoad(
    'still',
    (text) => bob.say(channel, text),
    async () => {
      synapse.signal('SIGSTOP');
      // Longer than any request is waited for.
      await delay(45_000);
      synapse.signal('SIGCONT');
      await delay(3_000);
    },
    10,
  );
  await alice.waitForText(room, fromIrc.at(-1) as string, { since, timeout: 90_000 });
  await delay(1_000);
  assert.deepEqual(await ofBob('still'), fromIrc);
  const speaker = persistent(alice, room);
  const fromMatrix = await underLoad('stuck', speaker.say, async () => {
    irc.signal('SIGSTOP');
    await delay(10_000);
    irc.signal('SIGCONT');
    await delay(2_000);
  });
  await speaker.done();
  await bob.waitForText(channel, fromMatrix.at(-1) as string, { since: bobSince, timeout: 60_000 });
  await delay(1_000);
  const heard = ircLines(bob, channel, bobSince).map((line) => line.replace('alice[m]: ', ''));
  assert.deepEqual(heard, fromMatrix);
});
