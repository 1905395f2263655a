// Slack limits, loses answers and cuts sockets while both sides speak: nothing is lost, nothing comes twice, the order holds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { faultIn, openLoad } from '../load.ts';
import { openSlackStage } from './stage.ts';

const stage = await openSlackStage({ transport: 'socket', section: { rate_limits: false } });
const { slack } = stage;
const place = stage.places.general ?? assert.fail();
const people = [stage.alice, await stage.matrixPerson('carol')];
await people[1]?.join(place.room);
const load = openLoad(stage, place, people);

async function allArrived(): Promise<void> {
  await load.arrived();
  assert.deepEqual([faultIn(load.inNetwork(), load.said.up, 2), faultIn(await load.inMatrix(), load.said.down, 2)], [undefined, undefined]);
}

test('a storm of 429: every line waits for as long as Slack says, and goes out in order', async () => {
  slack.fault({ on: 'chat.postMessage', every: 3, times: 3, act: { ratelimited: 1 } });
  await load.say(10);
  await allArrived();
});

test('answers lost after Slack had done the work: what was posted is found there, and not said again', async () => {
  slack.fault({ on: 'chat.postMessage', every: 3, times: 3, act: { drop: 'after' } });
  slack.fault({ on: 'chat.postMessage', every: 4, times: 2, act: { doneBut: 503 } });
  await load.say(12);
  await allArrived();
});

test('5xx and connections that break before anything was done', async () => {
  slack.fault({ on: 'chat.postMessage', every: 3, times: 2, act: { status: 500 } });
  slack.fault({ on: 'chat.postMessage', every: 4, times: 2, act: { drop: 'before' } });
  await load.say(10);
  await allArrived();
});

test('the socket is cut in the middle, events come twice and late: each stands in the room once, in order', async () => {
  slack.eventFault({ transport: 'socket', on: 'message', every: 7, times: 3, act: { cut: 'before' } });
  slack.eventFault({ transport: 'socket', on: 'message', every: 9, times: 2, act: { cut: 'after' } });
  slack.eventFault({ transport: 'socket', on: 'message', every: 5, times: 5, act: 'double' });
  await load.say(20, 40);
  await delay(500);
  await allArrived();
});
