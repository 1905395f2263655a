// Whatever the far side does, in whatever order, and over restarts: every row ends once, and each speaker's in order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { until } from '../../support/waiting.ts';
import { type Fate, openLanesRig } from './lanes-rig.ts';

const fate = fc.constantFrom<Fate>('ok', 'later', 'later', 'later', 'unknown', 'away', 'never');
const row = fc.record({
  lane: fc.constantFrom('one', 'two', 'three'),
  speaker: fc.constantFrom('a', 'b', 'c'),
  fates: fc.array(fate, { maxLength: 5 }),
  /** The row is said only after so many ms. */
  pause: fc.constantFrom(0, 0, 0, 0, 1, 15),
});

test('every row ends exactly once, delivered or dead, and what a speaker says in a lane is delivered in order', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 25 }), fc.nat(25), async (rows, restartAfter) => {
      const timing = { firstDelay: 1, maxDelay: 3, parkTries: 2, probeEvery: 3, parkedFirst: 4, parkedMax: 8 };
      let rig = openLanesRig(t, { timing });
      const delivered: string[] = [];
      const buried: string[] = [];
      const names: string[] = [];
      const collect = () => {
        delivered.push(...rig.delivered);
        buried.push(...rig.buried.map(({ name }) => name));
      };
      for (const [number, { lane, speaker, fates, pause }] of rows.entries()) {
        if (pause > 0) await delay(pause);
        if (number === restartAfter) {
          const next = await rig.restart();
          collect();
          for (const [late, { fates: left }] of rows.entries()) if (late < number) next.script(`${late}`, ...left.slice(0, 1));
          rig = next;
          rig.lanes.start();
        }
        names.push(`${number}`);
        rig.script(`${number}`, ...fates);
        await rig.say(lane, `${speaker}:${number}`);
      }
      await until('an empty journal', () => rig.committed('SELECT count(*) FROM journal WHERE state != 3') === 0);
      await rig.lanes.stop();
      collect();
      assert.deepEqual(
        [...delivered, ...buried].map(Number).sort((a, b) => a - b),
        names.map(Number),
      );
      for (const lane of ['one', 'two', 'three']) {
        for (const speaker of ['a', 'b', 'c']) {
          const heard = delivered.map(Number).filter((number) => rows[number]?.lane === lane && rows[number]?.speaker === speaker);
          assert.deepEqual(
            heard,
            heard.toSorted((a, b) => a - b),
            `${lane} ${speaker}`,
          );
        }
      }
      await rig.store.close();
    }),
    { numRuns: 40 },
  );
});
