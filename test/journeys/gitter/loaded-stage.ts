// A stage on which both sides speak at once, for what happens to what is said meanwhile; and what then must stand on either side.

import assert from 'node:assert/strict';
import { after } from 'node:test';
import { faultIn, openLoad } from '../load.ts';
import { openGitterStage } from './stage.ts';

export const stage = await openGitterStage({ section: { echo_timeout: '1s' }, gitter: { rate: { calls: 100_000, window: 60_000 } } });
export const { alice, ann, bob, bridge, channel, gitter, room } = stage;
const people = [alice, await stage.matrixPerson('carol')];
await people[1]?.join(room);
export const load = openLoad(stage, stage, people);
after(() => gitter.clearFaults());

export const patient = { timeout: 300_000 };
/** What the relay account hears. */
export const relayed = { on: 'chatMessages/create', username: 'matrixbot', transport: 'faye' } as const;

/** Whole, once and in order, both ways. */
export async function allArrived(): Promise<void> {
  await load.arrived(60_000);
  gitter.clearFaults();
  assert.deepEqual([faultIn(load.inNetwork(), load.said.up, 2), faultIn(await load.inMatrix(), load.said.down, 2)], [undefined, undefined]);
}
