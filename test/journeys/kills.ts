// The bridge killed with -9 in mid-load, again and again, at instants that a seed decides, and started anew on the same store: each way
// ten times with rows in flight. What then stands on either side is whole, in order and there once.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openChance } from '../support/seed.ts';
import { readRemains } from '../support/store-after-death.ts';
import { faultIn, type openLoad } from './load.ts';

export const kills = 10;
/** A kill that met nothing in flight does not count; so often it is tried in all. */
const mostKills = 40;
/** Said on either side for each kill. */
const portion = 16;

const chance = openChance();

export interface Killed {
  readonly bridge: { readonly folder: string; kill(signal: 'SIGKILL'): Promise<unknown>; start(): Promise<unknown> };
  /** The database's name. */
  readonly store: string;
  readonly load: ReturnType<typeof openLoad>;
}

export async function surviveKills(t: TestContext, { bridge, store, load }: Killed): Promise<void> {
  t.diagnostic(`seed ${chance.seed}`);
  const met = { up: 0, down: 0 };
  let tries = 0;
  for (; tries < mostKills && (met.up < kills || met.down < kills); tries += 1) {
    const saying = load.say(portion, 3);
    await delay(50 + chance.number(550));
    await bridge.kill('SIGKILL');
    const { inFlight } = readRemains(`${bridge.folder}/${store}`);
    if (inFlight.toNetwork > 0) met.up += 1;
    if (inFlight.toMatrix > 0) met.down += 1;
    await saying;
    await bridge.start();
  }
  await load.arrived(60_000);
  t.diagnostic(`${load.said.up} up, ${load.said.down} down, ${tries} kills, in flight ${met.up} and ${met.down} times`);
  const faults = [faultIn(load.inNetwork(), load.said.up, 2), faultIn(await load.inMatrix(), load.said.down, 2)];
  assert.deepEqual(faults, [undefined, undefined], `seed ${chance.seed}`);
  assert.ok(met.up >= kills && met.down >= kills, `in flight ${met.up} and ${met.down} times of ${tries}`);
}
