import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CatchUp, type CatchUpParts } from '../../../bridge-core/appservice/catch-up.ts';
import { RetryableError } from '../../../bridge-core/errors.ts';
import { roomId } from '../../../bridge-core/ids.ts';
import { narrow } from '../../../bridge-core/matrix-event.ts';
import type { Json } from '../../../bridge-core/remote-event.ts';

const room = roomId('!room:hs.test');
const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };

function event(number: number) {
  const raw = {
    event_id: `$${number}`,
    room_id: room,
    sender: '@a:hs.test',
    type: 'm.room.message',
    origin_server_ts: number,
    content: {},
  };
  const narrowed = narrow(raw);
  assert.ok(!('fault' in narrowed));
  return narrowed;
}

/** A homeserver whose stream is a list of numbers; the position is how many there are. */
function rig(over: Partial<CatchUpParts> = {}) {
  const stream: number[] = [];
  const taken: string[] = [];
  const stored = new Map<string, Json>();
  const asked: string[] = [];
  const catchUp = new CatchUp({
    homeserver: {
      position: async () => String(stream.length),
      since: async (position) => {
        asked.push(position);
        const events = stream.slice(Number(position)).map(event);
        const rooms = new Map(events.length === 0 ? [] : [[room, events]]);
        return { position: String(stream.length), rooms };
      },
      // Newest first, as a homeserver reads back.
      messagesBack: async function* () {
        for (const number of [...stream].reverse()) yield event(number);
      },
    },
    notes: {
      get: (name) => stored.get(name),
      set: async (name, value) => {
        if (value === undefined) stored.delete(name);
        else stored.set(name, value);
      },
    },
    accept: async (events) => {
      taken.push(...events.map(({ id }) => id));
    },
    log: quiet,
    ...over,
  });
  return { stream, taken, asked, stored, catchUp };
}

test('the first transaction of a connection waits for what came since the position that was noted', async () => {
  const { stream, taken, catchUp } = rig();
  await catchUp.before(true);
  stream.push(1, 2, 3);
  await catchUp.before(false);
  assert.deepEqual(taken, []);
  await catchUp.before(true);
  assert.deepEqual(taken, ['$1', '$2', '$3']);
  catchUp.stop();
});

test('a start knows the position of the run before', async () => {
  const first = rig();
  await first.catchUp.before(true);
  first.catchUp.stop();
  const second = rig({ notes: { get: (name) => first.stored.get(name), set: async () => {} } });
  second.stream.push(1);
  await second.catchUp.before(true);
  assert.deepEqual(second.taken, ['$1']);
  second.catchUp.stop();
});

test('the older of two notes counts: what was sent before the newer may still have been on its way', async () => {
  const { stream, asked, catchUp } = rig({ every: 20 });
  await catchUp.before(true);
  stream.push(1);
  await catchUp.before(false);
  await delay(40);
  stream.push(2);
  await catchUp.before(false);
  await delay(40);
  await catchUp.before(true);
  assert.ok(Number(asked.at(-1)) < 2, `asked from ${asked.at(-1)}`);
  catchUp.stop();
});

test('a homeserver that does not answer holds the transaction up for a moment only, and is asked again', async () => {
  let isAway = true;
  const { stream, taken, catchUp } = rig();
  await catchUp.before(true);
  catchUp.stop();
  const away = rig({
    patience: 20,
    notes: { get: () => '0', set: async () => {} },
    homeserver: {
      position: async () => '0',
      since: async () => {
        if (isAway) throw new RetryableError('HOMESERVER_UNREACHABLE', 'away');
        return { position: '1', rooms: new Map([[room, [event(1)]]]) };
      },
      messagesBack: async function* () {},
    },
  });
  await away.catchUp.before(true);
  assert.deepEqual(away.taken, []);
  isAway = false;
  await away.catchUp.before(true);
  assert.deepEqual(away.taken, ['$1']);
  away.catchUp.stop();
  assert.deepEqual([stream, taken], [[], []]);
});

test('what was said in one room since a time is taken in, in order', async () => {
  const { catchUp, stream, taken } = rig();
  stream.push(1, 2, 3);
  await catchUp.room(room, event(2).at);
  catchUp.stop();
  assert.deepEqual(taken, [event(2).id, event(3).id]);
});
