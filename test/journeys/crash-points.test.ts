// The bridge dies at each named point of a message's journey, and what the next run makes of what it finds is exactly what is
// promised: see test/support/crash-points.ts for the points.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Plan, points } from '../support/crash-points.ts';
import { openLoadedBridge } from '../support/loaded-bridge.ts';
import { judge, numbersFrom } from '../support/numbered-lines.ts';
import { openChance } from '../support/seed.ts';
import { until } from '../support/waiting.ts';

const chance = openChance();
/** One Matrix person, whose session so has the only line in flight; IRC speakers in turn. */
const stage = await openLoadedBridge(after, { people: 1, speakers: 3 });
const { homeserver, bridge } = stage;

/** A line every 3 ms until the bridge is dead; then how many were said, and what it left. */
async function sayUntilDead(plan: Plan, say: (numbers: readonly number[], gap: number) => Promise<void>) {
  await stage.arm(plan);
  let said = 1;
  for (; bridge.isRunning && said < 1_000; said += 20) await say(numbersFrom(said, 20), 3);
  return { said, ...(await stage.died()) };
}

/** How often the line of that moment is said twice: not at all, surely, or if one before it was in flight. */
const doublesOnIrc: Readonly<Record<(typeof points.toNetwork)[number], readonly number[]>> = {
  'before commit': [0, 1],
  'after commit': [0, 1],
  'before line': [0],
  'after line': [0, 1],
  'before record': [1],
  'after record': [0],
};

for (const at of points.toNetwork) {
  test(`Matrix → IRC, dead ${at}: all is heard, in order, and what was not proved may be heard twice`, async (t) => {
    const nth = 1 + chance.number(10);
    const tag = `up${at.replace(' ', '')}`;
    await stage.start();
    await stage.sayInMatrix(tag, [0]);
    await until('the first line', () => stage.heardOnIrc(tag).length === 1);
    const say = (numbers: readonly number[], gap: number) => stage.sayInMatrix(tag, numbers, gap);
    const { said, inFlight } = await sayUntilDead({ way: 'toNetwork', at, nth }, say);
    const before = stage.heardOnIrc(tag).length;
    await stage.start();
    await until('the last of it', () => stage.heardOnIrc(tag).at(-1)?.number === said - 1);
    await stage.watcher.settle();
    const { lost, doubled, wrong } = judge(numbersFrom(0, said), stage.heardOnIrc(tag), 1);
    t.diagnostic(
      `seed ${chance.seed}, time ${nth}: ${said} said, ${before} heard before, ${inFlight.toNetwork} rows in flight, ${doubled.length} doubled`,
    );
    assert.deepEqual({ lost, wrong }, { lost: [], wrong: [] });
    assert.ok(doublesOnIrc[at].includes(doubled.length), `${doubled.length} doubled`);
  });
}

/** Points at which the homeserver may know the event and we do not: what it remembers, or the room's history, must tell. */
const inDoubt: readonly string[] = ['after PUT', 'answered', 'before record'];

for (const at of points.toMatrix) {
  for (const forgets of inDoubt.includes(at) ? [false, true] : [false]) {
    test(`IRC → Matrix, dead ${at}${forgets ? ', and the homeserver forgets transaction ids' : ''}: what was journaled stands once`, async (t) => {
      const nth = 1 + chance.number(10);
      const tag = `down${at.replace(' ', '')}${forgets}`;
      await stage.start();
      await homeserver.call('setLatency', at === 'after PUT' ? 40 : 0);
      const say = (numbers: readonly number[], gap: number) => stage.sayOnIrc(tag, numbers, gap);
      const { said, inFlight, takenIn } = await sayUntilDead({ way: 'toMatrix', at, nth }, say);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const before = (await stage.heardInMatrix(tag)).length;
      if (forgets) await homeserver.call('forget');
      await homeserver.call('setLatency', 0);
      await stage.start();
      // Said anew, behind what the last run left: when this stands, all before it does.
      await stage.sayOnIrc(tag, [said]);
      await until('the last of it', async () => (await stage.heardInMatrix(tag)).at(-1)?.number === said);
      await new Promise((resolve) => setTimeout(resolve, 200));
      const stands = (await stage.heardInMatrix(tag)).map(({ number }) => number);
      const journaled = stage
        .heardOnIrc(tag)
        .map(({ number }) => number)
        .filter((number) => number === said || takenIn.has(`${tag} ${number}`));
      t.diagnostic(
        `seed ${chance.seed}, time ${nth}: ${said} said, ${journaled.length - 1} journaled, ${before} stood before, ${inFlight.toMatrix} rows in flight`,
      );
      assert.deepEqual(stands, journaled);
      if (at !== 'before commit' && at !== 'after record') assert.ok(inFlight.toMatrix > 0, 'nothing was in flight');
    });
  }
}
