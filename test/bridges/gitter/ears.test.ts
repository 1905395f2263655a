// More rooms than Gitter takes calls for: each of them is heard in the end, and what people wait for is not held up by it.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { AdapterTools } from '#bridge-core';
import { GitterAdapter } from '../../../bridges/gitter/adapter.ts';
import type { GitterBody } from '../../../bridges/gitter/body.ts';
import { makeChannelId } from '../../../bridges/gitter/ids.ts';
import type { FakeGitterOptions } from '../../support/fake-gitter.ts';
import { keepTools } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { heard, orgOnGitter, quick, settingsFor, withAdapter } from './with-gitter.ts';

const quickly = { timeout: 180_000 };
const entering = 'POST /user/:user/rooms';

async function withRooms(t: TestContext, count: number, gitter: FakeGitterOptions = {}) {
  const org = await orgOnGitter({ gitter });
  t.after(() => org.gitter.stop());
  const rooms = Array.from({ length: count }, (_, at) => org.gitter.addRoom(`org/room-${at}`, [org.ann]));
  const { memory } = keepTools();
  const start = async () => {
    const tools = keepTools({}, memory).tools as unknown as AdapterTools<GitterBody>;
    const adapter = new GitterAdapter(settingsFor(org.gitter, org.token), tools, quick);
    t.after(() => adapter.disconnect());
    await Promise.all(rooms.map(({ uri }) => adapter.watch(makeChannelId(uri ?? ''))));
    await adapter.connect();
    return adapter;
  };
  const unheard = () => {
    const clients = org.gitter.faye.clientsOf('matrixbot');
    return rooms.filter(({ id }) => !clients.some(({ subscriptions }) => subscriptions.has(`/rooms/${id}/chatMessages`)));
  };
  const allHeard = () => until('all rooms to be heard', () => unheard().length === 0 || undefined);
  return { ...org, rooms, start, unheard, allHeard };
}

test('a room for which Gitter had no turn is gone into later', quickly, async (t) => {
  const { gitter, start, allHeard } = await withRooms(t, 12);
  gitter.fault({ on: entering, times: 5, act: { limited: 300 } });
  gitter.fault({ on: 'GET /user/:user/rooms', times: 1, act: { status: 503 } });
  await start();
  await allHeard();
});

test('more rooms than a window has calls are all heard, within the limit; after a restart none is gone into anew', quickly, async (t) => {
  const { gitter, rooms, start, allHeard } = await withRooms(t, 16, { limits: true, rate: { calls: 24, window: 900 } });
  const first = await start();
  await allHeard();
  // They are heard before the bot goes in.
  const went = () => gitter.callsOf(entering).filter(({ answer }) => answer?.status === 200).length;
  await until('the bot to be in all', () => went() === rooms.length);
  assert.deepEqual(gitter.limits.exceeded, []);
  await first.disconnect();
  const before = gitter.callsOf(entering).length;
  await start();
  await allHeard();
  assert.equal(gitter.callsOf(entering).length, before, 'it is known to be in them');
  assert.deepEqual(gitter.limits.exceeded, []);
});

test('a room that nobody is to hear any more is not gone into again', quickly, async (t) => {
  const { gitter, rooms, start, unheard } = await withRooms(t, 2);
  gitter.fault({ on: entering, times: 1, act: { limited: 2_000 } });
  const adapter = await start();
  await until('the other to be heard', () => unheard().length === 1 || undefined);
  const [late] = unheard();
  await adapter.unwatch(makeChannelId(late?.uri ?? ''));
  const calls = gitter.callsOf(entering).length;
  await adapter.watch(makeChannelId(rooms.find((room) => room !== late)?.uri ?? ''));
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  assert.equal(gitter.callsOf(entering).length, calls);
  await adapter.watch(makeChannelId(late?.uri ?? ''));
  assert.deepEqual(unheard(), [], 'and is, when it is asked for anew');
});

test('the lists of the banned are read one at a time', quickly, async (t) => {
  const { gitter, start, allHeard, rooms } = await withRooms(t, 6);
  gitter.fault({ on: 'GET /rooms/:room/bans', times: 2, act: { limited: 200 } });
  gitter.fault({ on: 'GET /rooms/:room/bans', act: { wait: 60 } });
  await start();
  await allHeard();
  const read = () => gitter.callsOf('GET /rooms/:room/bans').filter(({ answer }) => answer?.status === 200);
  await until('all to be read', () => new Set(read().map(({ path }) => path)).size === rooms.length || undefined);
  const begun = read().map(({ at }) => at);
  assert.ok(
    begun.slice(1).every((at, index) => at - (begun[index] ?? 0) > 50),
    'each is asked for once the one before it is there',
  );
});

test('where Gitter has no turn for reading what was missed, it is read later, and is no gap', quickly, async (t) => {
  const { ann, events, gitter, room } = await withAdapter(t);
  ann.say(room, 'before');
  await heard(events, 'message');
  gitter.fault({ on: 'GET /rooms/:room/chatMessages', times: 12, act: { limited: 30 } });
  gitter.cutFaye('matrixbot');
  ann.say(room, 'missed');
  await heard(events, 'message', ({ body }) => body.text === 'missed');
  assert.equal(events.filter(({ kind }) => kind === 'gap').length, 0);
});
