// The homeserver restarts again and again while people on Matrix speak: what it had told them that it took, and not yet pushed to
// the bridge, it forgets. Every line that stands in a room is heard on IRC once, in its order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/waiting.ts';
import { ircLines, openStage } from './stage.ts';

const channels = ['#one', '#two', '#three'];
const rounds = 2;

const stage = await openStage({ channels });
const { alice, synapse, bridge } = stage;
const bob = await stage.sitIn('Bob', ...channels);
const pid = bridge.pid;

/** Says numbered lines in every room, each as soon as the one before was answered or failed, while `work` goes on. Resolves with those that the
 *  homeserver took, by channel. Work is told when it has taken a few more in each. */
async function underLoad(name: string, work: (aFewMore: () => Promise<void>) => Promise<void>): Promise<Map<string, string[]>> {
  const taken = new Map<string, string[]>();
  let isOver = false;
  const speakers = channels.map(async (channel) => {
    const answered: string[] = [];
    taken.set(channel, answered);
    for (let number = 0; !isOver; number += 1) {
      const line = `${name} ${number}`;
      await alice.say(stage.places[channel]?.room ?? '', line).then(
        () => answered.push(line),
        () => delay(50),
      );
      await delay(10);
    }
  });
  const aFewMore = async () => {
    for (const answered of taken.values()) {
      const before = answered.length;
      await until('more to be said', () => answered.length >= before + 5);
    }
  };
  await work(aFewMore).finally(() => {
    isOver = true;
  });
  await Promise.all(speakers);
  return taken;
}

/** What stands in the room is what must be heard: a line may have been taken although its answer was lost. */
async function standsIn(room: string, name: string): Promise<string[]> {
  const events = await alice.history(room, 20_000);
  const lines = events
    .filter(({ type, sender }) => type === 'm.room.message' && sender === alice.userId)
    .map(({ content }) => content.body);
  return lines.filter((line) => line.startsWith(`${name} `));
}

async function allAreHeard(name: string, taken: ReadonlyMap<string, string[]>, since: number): Promise<void> {
  for (const channel of channels) {
    const room = stage.places[channel]?.room ?? '';
    const end = `end of ${name} ${channel}`;
    await alice.say(room, end);
    await bob.waitForText(channel, end, { since, timeout: 60_000 });
  }
  await delay(1_000);
  for (const channel of channels) {
    const stands = await standsIn(stage.places[channel]?.room ?? '', name);
    const heard = ircLines(bob, channel, since).map((line) => line.replace('alice[m]: ', ''));
    assert.deepEqual(
      heard.filter((line) => line.startsWith(`${name} `)),
      stands,
    );
    const unheard = (taken.get(channel) ?? []).filter((line) => !heard.includes(line));
    assert.deepEqual(unheard, [], `${channel}: taken, and not heard`);
    assert.ok(stands.length > 10, `${channel}: ${stands.length} lines are no load`);
  }
  assert.equal(bridge.pid, pid);
}

const ends = {
  killed: () => synapse.kill(),
  stopped: () => synapse.stop(),
} as const;

for (const [how, end] of Object.entries(ends)) {
  test(`it is ${how} in the middle of it, again and again`, async () => {
    const since = bob.mark();
    const taken = await underLoad(how, async (aFewMore) => {
      for (let round = 0; round < rounds; round += 1) {
        await Promise.all([aFewMore(), delay(1_500 + 137 * round)]);
        await end();
        await delay(300);
        await synapse.start();
      }
      await Promise.all([aFewMore(), delay(2_000)]);
    });
    await allAreHeard(how, taken, since);
  });

  test(`it is ${how} while the bridge is slow to answer, so that much is still to be pushed`, async () => {
    const since = bob.mark();
    const name = `${how} behind`;
    const taken = await underLoad(name, async (aFewMore) => {
      for (let round = 0; round < rounds; round += 1) {
        await Promise.all([aFewMore(), delay(1_500)]);
        await stage.whileBridgeSleeps(async () => {
          await delay(500);
          await end();
        });
        await synapse.start();
      }
      await Promise.all([aFewMore(), delay(2_000)]);
    });
    await allAreHeard(name, taken, since);
  });
}

test('the bridge and the homeserver are killed at once, and come back', async () => {
  const since = bob.mark();
  let isBack = false;
  const taken = await underLoad('both', async () => {
    await delay(1_500);
    await stage.whileBridgeSleeps(async () => {
      await delay(500);
      await synapse.kill();
    });
    await bridge.kill();
    await synapse.start();
    await delay(500);
    await stage.startBridge();
    isBack = true;
    await delay(2_000);
  });
  assert.ok(isBack);
  for (const channel of channels) {
    const room = stage.places[channel]?.room ?? '';
    await alice.say(room, `end of both ${channel}`);
    await bob.waitForText(channel, `end of both ${channel}`, { since, timeout: 60_000 });
    const heard = ircLines(bob, channel, since).map((line) => line.replace(/^[^:]*: /, '').replace(/^\(.*?\) /, ''));
    const unheard = (taken.get(channel) ?? []).filter((line) => !heard.some((each) => each === line || each.endsWith(line)));
    assert.deepEqual(unheard, [], `${channel}: taken, and not heard`);
  }
});
