// The bridge is killed with -9 in mid-load, again and again, at instants that a seed decides, and started anew on the same store:
// nothing is lost and nothing comes twice, in either direction, for a post without an answer is looked for among ours, and what was
// said meanwhile is read back.

import { test } from 'node:test';
import { kills, surviveKills } from '../kills.ts';
import { openLoad } from '../load.ts';
import { openGitterStage } from './stage.ts';

const stage = await openGitterStage({ gitter: { rate: { calls: 100_000, window: 60_000 } } });
const people = [stage.alice, await stage.matrixPerson('carol')];
await people[1]?.join(stage.room);
const load = openLoad(stage, stage, people);
// Gitter takes its time, before it posts and after it has: so kills fall on either side of that.
stage.gitter.fault({ on: 'POST /rooms/:room/chatMessages', every: 2, act: { wait: 40, when: 'before' } });
stage.gitter.fault({ on: 'POST /rooms/:room/chatMessages', every: 2, act: { wait: 40, when: 'after' } });

test(`killed ${kills} times each way with rows in flight: no loss, no doubles, order as promised`, { timeout: 300_000 }, (t) =>
  surviveKills(t, { bridge: stage.bridge, store: 'gitter.db', load }),
);
