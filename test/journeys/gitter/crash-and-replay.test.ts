// The bridge is killed with -9 in mid-load, again and again, at instants that a seed decides, and started anew on the same store:
// nothing is lost and nothing comes twice, in either direction, for a post without an answer is looked for among ours, and what was
// said meanwhile is read back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openChance } from '../../support/seed.ts';
import { readRemains } from '../../support/store-after-death.ts';
import { faultIn, openLoad } from '../load.ts';
import { openGitterStage } from './stage.ts';

const kills = 10;
/** A kill that met nothing in flight does not count; so often it is tried in all. */
const mostKills = 24;
/** Said on either side for each kill. */
const portion = 16;

const chance = openChance();
const stage = await openGitterStage({ gitter: { rate: { calls: 100_000, window: 60_000 } } });
const people = [stage.alice, await stage.matrixPerson('carol')];
await people[1]?.join(stage.room);
const load = openLoad(stage, stage, people);
// Gitter takes its time, before it posts and after it has: so kills fall on either side of that.
stage.gitter.fault({ on: 'POST /rooms/:room/chatMessages', every: 2, act: { wait: 40, when: 'before' } });
stage.gitter.fault({ on: 'POST /rooms/:room/chatMessages', every: 2, act: { wait: 40, when: 'after' } });

test(`killed ${kills} times each way with rows in flight: no loss, no doubles, order as promised`, { timeout: 180_000 }, async (t) => {
  t.diagnostic(`seed ${chance.seed}`);
  const met = { up: 0, down: 0 };
  let tries = 0;
  for (; tries < mostKills && (met.up < kills || met.down < kills); tries += 1) {
    const saying = load.say(portion, 3);
    await delay(50 + chance.number(550));
    await stage.bridge.kill('SIGKILL');
    const { inFlight } = readRemains(`${stage.bridge.folder}/gitter.db`);
    if (inFlight.toNetwork > 0) met.up += 1;
    if (inFlight.toMatrix > 0) met.down += 1;
    await saying;
    await stage.bridge.start();
  }
  await load.arrived(60_000);
  t.diagnostic(`${load.said.up} up, ${load.said.down} down, ${tries} kills, in flight ${met.up} and ${met.down} times`);
  const faults = [faultIn(load.inNetwork(), load.said.up, 2), faultIn(await load.inMatrix(), load.said.down, 2)];
  assert.deepEqual(faults, [undefined, undefined], `seed ${chance.seed}`);
  assert.ok(met.up >= kills && met.down >= kills, `in flight ${met.up} and ${met.down} times of ${tries}`);
});
