// The bridge is killed with -9 in mid-load, again and again, at instants that a seed decides, and started anew on the same store:
// nothing is lost and nothing comes twice, in either direction, for what was said before a crash is looked for in Slack, and what
// was missed is asked for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kills, surviveKills } from '../kills.ts';
import { openLoad } from '../load.ts';
import { openSlackStage } from './stage.ts';

const stage = await openSlackStage({ transport: 'socket', section: { rate_limits: false } });
const place = stage.places.general ?? assert.fail();
const people = [stage.alice, await stage.matrixPerson('carol')];
await people[1]?.join(place.room);
const load = openLoad(stage, place, people);
// Slack takes its time, before it posts and after it has: so kills fall on either side of that.
stage.slack.fault({ on: 'chat.postMessage', every: 2, act: { wait: 40, when: 'before' } });
stage.slack.fault({ on: 'chat.postMessage', every: 2, act: { wait: 40, when: 'after' } });

test(`killed ${kills} times each way with rows in flight: no loss, no doubles, order as promised`, { timeout: 300_000 }, (t) =>
  surviveKills(t, { bridge: stage.bridge, store: 'slack.db', load }),
);
