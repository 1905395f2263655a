// Both directions under random trouble on both sides and a stop in between: with a network that can be asked and a homeserver
// that can be looked into, everything said is heard once, each speaker's words in order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import type { Fate } from '../../support/fake-adapter.ts';
import type { Fault } from '../../support/fake-homeserver.ts';
import { startPipeline } from './pipeline-rig.ts';

const fate = fc.constantFrom<Fate | undefined>(undefined, undefined, undefined, 'busy', 'lost', 'doubtful', 'away');
const act = fc.constantFrom<Fault['act']>(
  { drop: 'before' },
  { drop: 'after' },
  { answer: 502 },
  { answer: 500, done: true },
  { wait: 15 },
);
const step = fc.record({
  who: fc.constantFrom('alice', 'bob', 'zoe', 'yan'),
  fault: fc.option(act, { nil: undefined, freq: 3 }),
  trouble: fc.constantFrom('none', 'none', 'none', 'none', 'none', 'network', 'homeserver', 'restart'),
  pause: fc.constantFrom(0, 0, 0, 5, 20),
});

test('nothing is lost, nothing doubles, and each speaker is heard in order', { timeout: 180_000 }, async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 25 }),
      fc.array(fate, { maxLength: 30 }),
      fc.boolean(),
      async (steps, fates, keys) => {
        const p = await startPipeline(t, {
          adapter: { keys, bytes: 60 },
          homeserver: { backoff: 5 },
          timing: { probeEvery: 10, parkTries: 4 },
        });
        const room = p.room();
        await p.link(room, '#chan');
        await p.settled();
        p.network.meet = () => fates.shift();
        const said: Record<string, string[]> = { alice: [], bob: [], zoe: [], yan: [] };
        for (const [number, { who, fault, trouble, pause }] of steps.entries()) {
          if (fault !== undefined) p.hs.fault({ on: 'PUT .*/send/m.room.message', act: fault, times: 1 });
          // Some are long enough to go out in two parts.
          const words = `${number} ${'and so on '.repeat(number % 5 === 4 ? 8 : 1)}`.trim();
          said[who]?.push(words);
          if (who === 'alice' || who === 'bob') p.hs.say(`@${who}:hs.test`, room, words);
          else p.network.say(who, '#chan', words);
          if (trouble === 'network') {
            p.network.down();
            setTimeout(() => p.network.up(), 10);
          }
          if (trouble === 'homeserver') await p.hs.restart(10);
          if (trouble === 'restart') await p.restart();
          if (pause > 0) await delay(pause);
        }
        await delay(15);
        p.hs.clearFaults();
        fates.length = 0;
        await p.settled();

        const heardFrom = (lines: string[], nick: string) =>
          lines.filter((line) => line.startsWith(`${nick}: `)).map((line) => line.slice(nick.length + 2));
        const squeezed = (lines: string[]) => lines.join('').replace(/\s/g, '');
        for (const who of ['alice', 'bob'])
          assert.equal(squeezed(heardFrom(p.network.said('#chan'), `${who}[m]`)), squeezed(said[who] ?? []), `${who} on the network`);
        for (const who of ['zoe', 'yan']) assert.deepEqual(heardFrom(p.inRoom(room), who), said[who], `${who} in the room`);
        assert.deepEqual(p.parts.dead, []);
        await p.end();
      },
    ),
    { numRuns: 15 },
  );
});
