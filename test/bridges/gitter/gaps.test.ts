// What is told of a gap in Gitter where what was missed is not to be read back; of a room that is renamed while it is, and of what was read late.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { RetryableError } from '#bridge-core';
import { Gaps, type GapsParts } from '../../../bridges/gitter/gaps.ts';
import { firstIdAt } from '../../../bridges/gitter/ids.ts';
import type { Room } from '../../../bridges/gitter/rooms.ts';
import { keepTools, silentLog } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { type GitterEvents, heard, withAdapter } from './with-gitter.ts';

const quickly = { timeout: 180_000 };

const texts = (events: GitterEvents): string[] => events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : []));

const kinds = (events: GitterEvents, kind: string) => events.filter((event) => event.kind === kind);

async function heardAll(events: GitterEvents, wanted: readonly string[]): Promise<void> {
  await until(wanted.at(-1) ?? '', () => texts(events).includes(wanted.at(-1) ?? '') || undefined);
  assert.deepEqual(texts(events), wanted);
}

test('where nothing is to be read back, what was missed is told as a gap and none of it is told', quickly, async (t) => {
  const { ann, gitter, room, events } = await withAdapter(t, { settings: { history: { most: 0 } } });
  ann.say(room, 'before');
  await heardAll(events, ['before']);
  gitter.deliveryFault({ on: 'chatMessages/create', username: 'matrixbot', times: 2, act: 'drop' });
  for (const text of ['lost', 'lost too', 'after']) ann.say(room, text);
  await heardAll(events, ['before', 'after']);
  gitter.cutFaye('matrixbot');
  await delay(100);
  await gitter.waitForListener(room, 'matrixbot');
  ann.say(room, 'at last');
  await heardAll(events, ['before', 'after', 'at last']);
  assert.equal(kinds(events, 'gap').length, 1);
});

test('where nothing is to be read back, what is still on its way is no gap', quickly, async (t) => {
  const { ann, gitter, room, events } = await withAdapter(t, { settings: { history: { most: 0 } } });
  ann.say(room, 'before');
  await heardAll(events, ['before']);
  gitter.deliveryFault({ on: 'chatMessages/create', username: 'matrixbot', times: 1, act: { delay: 700 } });
  ann.say(room, 'late');
  gitter.cutFaye('matrixbot');
  await heardAll(events, ['before', 'late']);
  ann.say(room, 'after');
  await heardAll(events, ['before', 'late', 'after']);
  assert.equal(kinds(events, 'gap').length, 0);
});

test('what is read while the room is renamed is told under the name that its links have by then', quickly, async (t) => {
  const told: string[] = [];
  const { ann, gitter, room, events } = await withAdapter(t, {
    inbox: { moved: async (from, to) => void told.push(`${events.length}: ${from} → ${to}`) },
  });
  ann.say(room, 'before');
  await heardAll(events, ['before']);
  gitter.deliveryFault({ on: 'chatMessages/create', username: 'matrixbot', times: 1, act: 'lose' });
  ann.say(room, 'missed');
  const reads = () => gitter.callsOf('GET /rooms/:room/chatMessages').length;
  const before = reads();
  gitter.fault({ on: 'GET /rooms/:room/chatMessages', times: 1, act: { wait: 1_500 } });
  gitter.forgetFayeClients();
  await until('it to be read', () => reads() > before || undefined);
  gitter.renameRoom(room, 'org/renamed');
  ann.say(room, 'after');
  await heard(events, 'message', ({ body }) => body.text === 'after');
  const said = events.flatMap((event) => (event.kind === 'message' ? [`${event.body.text} in ${event.channel}`] : []));
  const named = told.map((line) => line.replace(/^\d+: /, ''));
  assert.deepEqual(named, ['gitter/org/room → gitter/org/renamed']);
  const at = Number(told[0]?.split(':')[0]);
  assert.deepEqual(
    events.map(({ channel }, index) => (index < at ? 'gitter/org/room' : 'gitter/org/renamed') === channel),
    events.map(() => true),
    said.join('; '),
  );
  assert.deepEqual(texts(events), ['before', 'missed', 'after']);
});

test('what was handed on since a history was drawn is not taken for removed, though it is of the same second', async () => {
  const second = Math.floor((Date.now() - 5_000) / 1_000) * 1_000;
  const said = (name: string, at: number) => ({
    id: firstIdAt(at).slice(0, 16) + name.padStart(8, '0'),
    text: name,
    sent: new Date(at).toISOString(),
  });
  const [old, read, late] = [said('a', second - 60_000), said('b', second + 100), said('c', second + 150)];
  const removed: string[] = [];
  const channel = 'gitter/org/room' as Room['channel'];
  const intake = {
    before: (_room: Room, work: () => Promise<void>) => work(),
    known: (id: string) => (id === late.id ? late : undefined),
    knownIn: () => [late],
    channelOf: () => channel,
    read: async () => {},
    reread: async () => {},
    removed: async (_room: Room, id: string) => void removed.push(id),
  };
  const gaps = new Gaps({
    ...{ memory: keepTools().tools.memory, log: silentLog, settings: { history: { most: 100 } }, isThere: () => true },
    intake: intake as unknown as GapsParts['intake'],
    inbox: { shown: async () => [read, late].map(({ id }) => ({ id, isGone: false, sender: '@gitter_bob:hs.test' })) } as never,
    channelOf: () => channel,
  });
  await gaps.begin(channel, second - 10_000);
  await gaps.fill({ id: 'room', channel } as Room, () => assert.fail('nothing is asked'), 'bot', [old, read] as never);
  await gaps.close();
  assert.deepEqual(removed, []);
});

const full = new RetryableError('STORE_BROKEN', 'the disk is full');

test('what the core cannot take for a while is given again, and nothing of its room before it', quickly, async (t) => {
  const taken: string[] = [];
  let refusals = 1;
  const receive = async (event: GitterEvents[number]) => {
    if (event.kind !== 'message') return;
    if (event.body.text === 'kept' && refusals-- > 0) throw full;
    taken.push(event.body.text);
  };
  const { ann, room } = await withAdapter(t, { inbox: { receive } });
  ann.say(room, 'before');
  await until('the first', () => taken.includes('before') || undefined);
  for (const text of ['kept', 'after']) ann.say(room, text);
  await until('all of it', () => taken.includes('after') || undefined);
  assert.deepEqual(taken, ['before', 'kept', 'after']);
});

test('what the core cannot take until the stop is left for the next start, with all that follows it', quickly, async (t) => {
  const taken: string[] = [];
  let refused = 0;
  const receive = async (event: GitterEvents[number]) => {
    if (event.kind !== 'message') return;
    if (event.body.text === 'left') refused += 1;
    if (event.body.text === 'left') throw full;
    taken.push(event.body.text);
  };
  const { ann, room, adapter } = await withAdapter(t, { inbox: { receive } });
  for (const text of ['before', 'left', 'after']) ann.say(room, text);
  await until('the first try', () => refused > 0 || undefined);
  await adapter.disconnect();
  await until('the last try', () => refused > 1 || undefined);
  await delay(50);
  assert.deepEqual([taken, refused], [['before'], 2]);
});

test('a room that is renamed while the core can note nothing is told to be once it can', quickly, async (t) => {
  const told: string[] = [];
  let refusals = 1;
  const moved = async (from: string, to: string) => {
    if (refusals-- > 0) throw full;
    told.push(`${from} → ${to}`);
  };
  const { ann, gitter, room, events } = await withAdapter(t, { inbox: { moved } });
  gitter.renameRoom(room, 'org/renamed');
  await until('the first try', () => refusals < 1 || undefined);
  ann.say(room, 'after');
  const { channel } = await heard(events, 'message', ({ body }) => body.text === 'after');
  assert.deepEqual([told, channel], [['gitter/org/room → gitter/org/renamed'], 'gitter/org/renamed']);
});

test('a disk that takes nothing for a while ends no process: how far a room was heard is noted with the next word', async () => {
  const noted: unknown[] = [];
  let refusals = 1;
  const { memory } = keepTools().tools;
  const gaps = new Gaps({
    ...{ log: silentLog, settings: { history: { most: 100 } }, isThere: () => true, channelOf: () => 'gitter/org/room' as never },
    ...{ intake: {} as never, inbox: {} as never, writeEvery: 5 },
    memory: {
      ...{ get: memory.get, keys: memory.keys },
      set: async (_name, value) => {
        if (refusals-- > 0) throw full;
        noted.push(value);
      },
    },
  });
  gaps.heard('gitter/org/room' as never, { sent: new Date(1_000).toISOString() } as never);
  await until('the first try', () => refusals < 1 || undefined);
  await gaps.close();
  assert.deepEqual(noted, [1_000]);
});
