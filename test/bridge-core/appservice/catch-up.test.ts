import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CatchUp, type CatchUpParts } from '../../../bridge-core/appservice/catch-up.ts';
import { PermanentError, RetryableError, UnreachableError } from '../../../bridge-core/errors.ts';
import { type RoomId, roomId } from '../../../bridge-core/ids.ts';
import { type MatrixEvent, narrow } from '../../../bridge-core/matrix-event.ts';
import type { Json } from '../../../bridge-core/remote-event.ts';
import { until } from '../../support/waiting.ts';
import { collectingLog } from './kit.ts';

const room = roomId('!room:hs.test');
const minute = 60_000;

function event(id: string, fields: object = {}, where = room): MatrixEvent {
  const raw = {
    ...{ event_id: `$${id}`, room_id: where, sender: '@a:hs.test', type: 'm.room.message', origin_server_ts: Date.now(), content: {} },
    ...fields,
  };
  const narrowed = narrow(raw);
  assert.ok(!('fault' in narrowed));
  return narrowed;
}

const member = (id: string, user: string, membership: string) =>
  event(id, { type: 'm.room.member', state_key: user, content: { membership } });

type Reads = (room: RoomId) => AsyncIterable<MatrixEvent>;

interface Rig {
  readonly catchUp: CatchUp;
  /** What the homeserver has, by room, oldest first. */
  readonly said: Map<RoomId, MatrixEvent[]>;
  readonly taken: string[];
  readonly asked: RoomId[];
  readonly stored: Map<string, Json>;
  readonly log: ReturnType<typeof collectingLog>;
  /** A transaction. */
  push(isFirst: boolean, ...events: MatrixEvent[]): Promise<void>;
}

function rig(
  t: TestContext,
  over: Partial<CatchUpParts> & { stored?: Map<string, Json>; reads?: (honest: Reads) => Reads; places?: RoomId[] } = {},
): Rig {
  const { stored = new Map(), reads = (honest) => honest, places = [room], ...parts } = over;
  const said = new Map<RoomId, MatrixEvent[]>();
  const taken: string[] = [];
  const asked: RoomId[] = [];
  const log = collectingLog();
  // Newest first, as a homeserver reads back.
  const read = reads(async function* (where) {
    yield* [...(said.get(where) ?? [])].reverse();
  });
  const catchUp = new CatchUp({
    homeserver: {
      messagesBack: (where) => {
        asked.push(where);
        return read(where);
      },
    },
    notes: {
      get: (name) => stored.get(name),
      set: async (name, value) => void (value === undefined ? stored.delete(name) : stored.set(name, value)),
    },
    rooms: () => places.map((each) => ({ room: each, at: 0 })),
    // Known already: left out, as the ledger does.
    accept: async ({ events }) => void taken.push(...events.map(({ id }) => id).filter((id) => !taken.includes(id))),
    log,
    ...parts,
  });
  t.after(() => catchUp.stop());
  return {
    ...{ catchUp, said, taken, asked, stored, log },
    push: async (isFirst, ...events) => {
      for (const each of events) {
        const there = said.get(each.room) ?? [];
        if (!there.includes(each)) said.set(each.room, [...there, each]);
      }
      catchUp.heard(isFirst);
      await catchUp.take({ events, ephemeral: [], record: () => {} });
    },
  };
}

test('over one connection nothing is asked', async (t) => {
  const { push, asked, taken } = rig(t);
  await push(true, event('0'));
  for (let number = 1; number < 50; number += 1) await push(false, event(String(number)));
  assert.deepEqual([asked, taken.length], [[], 50]);
});

test('what was said before a new connection is read back before what came over it, in order', async (t) => {
  const { push, said, taken, asked } = rig(t);
  await push(true, event('1'));
  said.get(room)?.push(event('2'), event('3'));
  await push(true, event('4'));
  assert.deepEqual(taken, ['$1', '$2', '$3', '$4']);
  await push(false, event('5'));
  assert.deepEqual(asked, [room]);
});

test('a transaction that comes late over a new connection is taken in where it belongs', async (t) => {
  const { push, said, taken } = rig(t);
  await push(true, event('1'));
  const late = event('2');
  said.get(room)?.push(late, event('3'));
  await push(true, late);
  assert.deepEqual(taken, ['$1', '$2', '$3']);
});

test('what a room’s state was before is not taken for what is now when it comes after all, with its successor or before it', async (t) => {
  const { push, said, taken } = rig(t);
  await push(true, event('1'));
  const [invited, joined, left] = [
    member('2', '@b:hs.test', 'invite'),
    member('3', '@b:hs.test', 'join'),
    member('6', '@b:hs.test', 'leave'),
  ];
  said.get(room)?.push(invited, joined);
  await push(true, event('4'));
  assert.deepEqual(taken, ['$1', '$3', '$4']);
  await push(false, invited);
  await push(false, joined, event('5'));
  await push(false, left);
  assert.deepEqual(taken, ['$1', '$3', '$4', '$5', '$6']);
});

test('what came already is not taken in again, be it of no use then or long out of date', async (t) => {
  const accepted: string[] = [];
  const { push, said } = rig(t, { accept: async ({ events }) => void accepted.push(...events.map(({ id }) => id)) });
  await push(true, event('1'), member('2', '@b:hs.test', 'join'));
  said.get(room)?.push(member('3', '@c:hs.test', 'join'), member('4', '@c:hs.test', 'leave'));
  await push(true, event('5'));
  assert.deepEqual(accepted, ['$1', '$2', '$4', '$5', '$5'], 'of state only what stands');
});

test('what was said long before the last transaction, or before the room was ours, is left alone', async (t) => {
  const made = Date.now() - 10_000;
  const { push, said, taken } = rig(t, { rooms: () => [{ room, at: made }] });
  await push(true, event('now'));
  const old = [event('old', { origin_server_ts: Date.now() - 5 * minute }), event('before', { origin_server_ts: made - 1 })];
  said.set(room, [...old, ...(said.get(room) ?? []), event('lost')]);
  await push(true, event('next'));
  assert.deepEqual(taken, ['$now', '$lost', '$next']);
});

test('where nobody but us speaks, the reading ends all the same', async (t) => {
  let read = 0;
  const { push } = rig(t, {
    reads: () =>
      async function* () {
        for (;;) yield event(`ours${read++}`, { origin_server_ts: Date.now() - 5 * minute });
      },
  });
  await push(true, event('1'));
  await push(true, event('2'));
  assert.ok(read <= 100, `${read} events`);
});

test('a start goes by the time that the run before noted, at its first transaction and then while events come', async (t) => {
  const first = rig(t, { every: 20 });
  await first.push(true, event('1'));
  const noted = [...first.stored.values()];
  assert.equal(noted.length, 1);
  await delay(30);
  await first.push(false, event('2'));
  await until('the next note', () => Number([...first.stored.values()][0]) > Number(noted[0]));
  first.catchUp.stop();
  const second = rig(t, { stored: first.stored });
  second.said.set(room, [event('lost')]);
  await second.push(true, event('3'));
  assert.deepEqual(second.taken, ['$lost', '$3']);
});

test('a transaction waits for its own rooms alone; the rest is read beside it, eight at once at most, two after a start', async (t) => {
  const places = Array.from({ length: 500 }, (_, number) => roomId(`!${number}:hs.test`));
  const busy = places.at(-1) as RoomId;
  let atOnce = 0;
  let most = 0;
  let gate = Promise.withResolvers<void>();
  const reads = (honest: Reads): Reads =>
    async function* (where) {
      atOnce += 1;
      most = Math.max(most, atOnce);
      if (where !== busy) await gate.promise;
      yield* honest(where);
      atOnce -= 1;
    };
  const start = rig(t, { places, reads, stored: new Map([['homeserver.heard', Date.now()]]) });
  start.said.set(busy, [event('lost', {}, busy)]);
  await start.push(true, event('next', {}, busy));
  assert.deepEqual(start.taken, ['$lost', '$next']);
  assert.deepEqual([start.asked.length, most], [3, 3], 'two after a start, and the one that was waited for');
  gate.resolve();
  await until('the last read after a start', () => start.asked.length === 500 && atOnce === 0);
  assert.equal(most, 3);
  gate = Promise.withResolvers();
  start.said.set(places[3] as RoomId, [event('other', {}, places[3])]);
  await start.push(true, event('more', {}, busy));
  assert.deepEqual([start.asked.length, start.taken.at(-1)], [509, '$more']);
  gate.resolve();
  await until('the last read', () => start.asked.length === 1_000 && atOnce === 0);
  assert.deepEqual([most, new Set(start.asked.slice(500)).size, start.taken.at(-1)], [8, 500, '$other']);
  assert.equal(start.asked[500], busy, 'the most recently active first');
});

test('a connection opened after a long silence proves nothing: only the rooms that were busy last are read', async (t) => {
  const places = Array.from({ length: 200 }, (_, number) => roomId(`!${number}:hs.test`));
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { push, asked } = rig(t, { places });
  await push(true, event('1', {}, places[150]));
  t.mock.timers.tick(5 * minute);
  await push(true, event('2', {}, places[7]));
  while (asked.length < 50) await delay(1);
  await delay(10);
  assert.deepEqual([asked.length, asked.includes(places[150] as RoomId)], [50, true]);
});

test('where every transaction has a connection of its own, that says nothing, and hardly anything is read', async (t) => {
  const { push, asked } = rig(t);
  for (let number = 0; number < 100; number += 1) await push(true, event(String(number)));
  assert.ok(asked.length <= 4, `${asked.length} reads`);
});

test('a homeserver that does not answer holds a transaction up for a moment only', async (t) => {
  const answers = Promise.withResolvers<void>();
  const { push, taken, said } = rig(t, {
    patience: 20,
    reads: (honest) =>
      async function* (where) {
        await answers.promise;
        yield* honest(where);
      },
  });
  await push(true, event('1'));
  said.get(room)?.push(event('lost'), member('join', '@c:hs.test', 'join'));
  await push(true, event('2'));
  assert.deepEqual(taken, ['$1', '$2']);
  answers.resolve();
  await until('what was lost', () => taken.length > 2);
  await delay(20);
  assert.deepEqual(taken, ['$1', '$2', '$lost'], 'who came and went may have been told anew meanwhile');
});

test('a homeserver that fails is told of once, and asked again until it answers; the note waits', async (t) => {
  let isAway = false;
  const { push, taken, said, log, stored } = rig(t, {
    ...{ pause: 10, every: 5 },
    reads: (honest) =>
      async function* (where) {
        if (isAway) throw new UnreachableError('HOMESERVER_UNREACHABLE', 'away');
        yield* honest(where);
      },
  });
  await push(true, event('1'));
  await delay(10);
  const noted = [...stored.values()];
  isAway = true;
  said.get(room)?.push(event('lost'));
  await push(true, event('2'));
  await push(false, event('3'));
  await delay(60);
  assert.deepEqual(taken, ['$1', '$2', '$3']);
  assert.deepEqual([...stored.values()], noted);
  isAway = false;
  await until('what was lost, and the note', () => taken.length > 3 && [...stored.values()].join() !== noted.join());
  assert.deepEqual(taken, ['$1', '$2', '$3', '$lost']);
  assert.equal(log.lines.filter(({ level }) => level === 'warn').length, 1);
});

for (const [what, failure] of [
  ['answers amiss', () => new RetryableError('HOMESERVER_UNREACHABLE', '500')],
  ['has too much to do', () => new RetryableError('HOMESERVER_BUSY', '429')],
] as const)
  test(`a homeserver that ${what} for a while, whatever room is asked for, is asked again until it answers`, async (t) => {
    let tries = 0;
    const { push, taken, said, asked } = rig(t, {
      pause: 5,
      reads: (honest) =>
        async function* (where) {
          if (tries++ < 10) throw failure();
          yield* honest(where);
        },
    });
    await push(true, event('1'));
    said.get(room)?.push(event('lost'));
    await push(true, event('2'));
    await until('what was lost', () => taken.includes('$lost') || undefined);
    assert.deepEqual([taken, asked.length], [['$1', '$2', '$lost'], 11]);
  });

for (const [what, level, failure] of [
  ['may not be read', 'debug', () => new PermanentError('FORBIDDEN_IN_ROOM', 'not in the room')],
  ['fails again and again', 'warn', () => new RetryableError('HOMESERVER_UNREACHABLE', '500')],
] as const)
  test(`a room that ${what} is left out, and holds nothing else up`, async (t) => {
    const other = roomId('!other:hs.test');
    const { push, taken, said, log } = rig(t, {
      pause: 5,
      places: [room, other],
      reads: (honest) =>
        async function* (where) {
          if (where === room) throw failure();
          yield* honest(where);
        },
    });
    await push(true, event('1'), event('2', {}, other));
    said.get(other)?.push(event('lost', {}, other));
    await push(true, event('3'));
    const isLeftOut = () => log.lines.some((line) => line.level === level && line.message.startsWith('a room cannot be read back'));
    await until('both rooms', () => taken.length === 4 && isLeftOut());
    assert.deepEqual(taken.toSorted(), ['$1', '$2', '$3', '$lost']);
    const before = log.lines.length;
    await delay(30);
    assert.equal(log.lines.length, before, 'not tried for ever');
  });

test('what was said in one room since a time is taken in, in order', async (t) => {
  const { catchUp, said, taken } = rig(t);
  said.set(
    room,
    [1, 2, 3].map((at) => event(String(at), { origin_server_ts: at })),
  );
  await catchUp.room(room, 2);
  assert.deepEqual(taken, ['$2', '$3']);
});

test('a clock that went back an hour since the last transaction hides nothing of what was lost', async (t) => {
  const stored = new Map<string, Json>([['homeserver.heard', Date.now() + 60 * minute]]);
  const { push, said, taken } = rig(t, { stored });
  said.set(room, [event('lost', { origin_server_ts: Date.now() - minute })]);
  await push(true, event('new'));
  await until('it', () => taken.includes('$lost'));
});
