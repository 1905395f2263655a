// Both sides speak all the time while a seed decides what befalls the bridge and its servers next: kills, stops, restarts that
// forget, silence, storms, connections that an operator ends. What is promised of each alone holds of all together.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openLoadedBridge } from '../support/loaded-bridge.ts';
import { judge, numbersFrom } from '../support/numbered-lines.ts';
import { openChance } from '../support/seed.ts';
import { until, untilAll } from '../support/waiting.ts';

const rounds = 6;
const chance = openChance();
const stage = await openLoadedBridge(after, { people: 5 });
const { homeserver, bridge, irc, people, room } = stage;
const sends = 'PUT .*/send/m\\.room\\.message/';

const operator = await stage.sitIn('operator');
operator.raw('OPER root rootpw');
/** Ends of the bridge's process: with each, what IRC says until it is back is heard by nobody. */
let ends = 0;

async function hang(server: { signal(signal: NodeJS.Signals): void }, ms: number): Promise<void> {
  server.signal('SIGSTOP');
  await delay(ms);
  server.signal('SIGCONT');
}

const troubles: Readonly<Record<string, () => Promise<unknown>>> = {
  'the bridge is killed': async () => {
    ends += 1;
    await stage.kill();
    await delay(chance.number(300));
    await stage.start();
  },
  'the bridge is stopped': async () => {
    ends += 1;
    await bridge.stop();
    await stage.start();
  },
  'the homeserver restarts': () => homeserver.call('restart', chance.number(800)),
  'the homeserver restarts and the bridge is killed': async () => {
    ends += 1;
    const restarted = homeserver.call('restart', chance.number(800));
    await delay(chance.number(60));
    await stage.kill();
    await restarted;
    await stage.start();
  },
  'the homeserver is away': async () => {
    await homeserver.call('down');
    await delay(chance.number(2_500));
    await homeserver.call('up');
  },
  'the homeserver is slow': () => homeserver.call('setLatency', chance.number(30)),
  'the homeserver fails': async () => {
    await homeserver.call('fault', { on: sends, every: 3, act: { answer: 500 } });
    await homeserver.call('fault', { on: sends, every: 3, act: { answer: 502, done: true } });
    await homeserver.call('fault', { on: sends, every: 4, act: { drop: 'after' } });
    // Shorter than what would set a ghost's lines aside.
    await delay(chance.number(1_200));
    await homeserver.call('clearFaults');
  },
  'the bridge hangs': () => hang(bridge, chance.number(1_000)),
  'the IRC server hangs': () => hang(irc, chance.number(1_500)),
  'the bot is killed on IRC': async () => operator.raw('KILL causeway :go'),
  'a puppet is killed on IRC': async () => operator.raw(`KILL person${chance.number(people.length)}[m] :go`),
};

test('whatever happens: nothing accepted is lost, what doubles was in flight, each speaker and each room in order', async (t) => {
  await stage.start();
  let isOver = false;
  const speak = async (say: (numbers: readonly number[]) => Promise<void>): Promise<number> => {
    let said = 0;
    for (; !isOver || said % people.length > 0; said += 1) {
      await say([said]);
      await delay(10);
    }
    return said;
  };
  const speaking = Promise.all([speak((numbers) => stage.sayInMatrix('up', numbers)), speak((numbers) => stage.sayOnIrc('down', numbers))]);
  const happened: string[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      await delay(200 + chance.number(1_300));
      const what = chance.pick(Object.keys(troubles));
      happened.push(what);
      await troubles[what]?.();
    }
  } finally {
    isOver = true;
  }
  const [up, down] = await speaking;
  await homeserver.call('setLatency', 0);
  const told = `seed ${chance.seed}: ${happened.join(', ')}`;
  t.diagnostic(told);

  await untilAll('lines on IRC', up, () => new Set(stage.heardOnIrc('up').map(({ number }) => number)).size).catch(() => undefined);
  await stage.sayOnIrc('last', [0]);
  await until('the last word of IRC', async () => (await stage.heardInMatrix('last')).length > 0);
  await delay(500);
  const { takenIn, dead } = await stage.kill();
  const { lost, doubled, wrong } = judge(numbersFrom(0, up), stage.heardOnIrc('up'), people.length);
  const order = stage.heardOnIrc('down').map(({ number }) => number);
  const isTaken = order.map((number) => takenIn.has(`down ${number}`));
  const stretches = isTaken.filter((taken, at) => !taken && isTaken[at - 1] !== false).length;
  const stands = (await stage.heardInMatrix('down')).map(({ number }) => number);
  t.diagnostic(
    `Matrix → IRC: ${up} said, ${lost.length} lost, ${doubled.length} doubled; IRC → Matrix: ${down} said, ` +
      `${stands.length} taken in and standing, the rest in ${stretches} stretches without a bridge`,
  );
  assert.deepEqual({ lost, wrong }, { lost: [], wrong: [] }, told);
  assert.deepEqual(
    stands,
    order.filter((number) => takenIn.has(`down ${number}`)),
    told,
  );
  // Killed before any puppet stood by for it, the bot has nobody to hear in its place: then that is told.
  const gaps = (await homeserver.call('events', room)).filter(({ content }) => /may be missing here/.test(String(content.body))).length;
  assert.ok(stretches <= ends + gaps, `${stretches} stretches, the bridge ended ${ends} times, and ${gaps} gaps were told; ${told}`);
  assert.equal(dead, 0, told);
});
