// The start with many rooms: how many calls of Gitter's API it takes until all of them are heard, which come first, and what is told of it
// meanwhile.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { AdapterTools } from '#bridge-core';
import { GitterAdapter } from '../../../bridges/gitter/adapter.ts';
import type { GitterBody } from '../../../bridges/gitter/body.ts';
import { makeChannelId } from '../../../bridges/gitter/ids.ts';
import type { FakeGitterOptions, Room } from '../../support/fake-gitter.ts';
import { keepTools, keptIn } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { type GitterEvents, heard, orgOnGitter, quick, settingsFor, withAdapter } from './with-gitter.ts';

const quickly = { timeout: 180_000 };
const unlimited = { rate: { calls: 100_000, window: 60_000 } };
const channelOf = ({ uri }: Room) => makeChannelId(uri ?? '');

async function withRooms(t: TestContext, names: readonly string[], gitter: FakeGitterOptions = unlimited) {
  const org = await orgOnGitter({ gitter });
  t.after(() => org.gitter.stop());
  const rooms = names.map((name) => org.gitter.addRoom(name, [org.ann]));
  for (const room of rooms) org.ann.say(room, 'of old');
  for (const room of rooms) for (const message of room.messages) Object.assign(message, { sent: message.sent - 3_600_000 });
  const { memory } = keepTools();
  const start = async (inbox: Parameters<typeof keepTools>[0] = {}) => {
    const kept = keepTools(inbox, memory);
    const adapter = new GitterAdapter(settingsFor(org.gitter, org.token), kept.tools as unknown as AdapterTools<GitterBody>, quick);
    t.after(() => adapter.disconnect());
    await Promise.all(rooms.map((room) => adapter.watch(channelOf(room))));
    await adapter.connect();
    return { adapter, events: kept.events as unknown as GitterEvents };
  };
  /** In the order in which that began. */
  const inOrder = () => {
    const open = org.gitter.faye.clientsOf('matrixbot').flatMap(({ subscriptions }) => [...subscriptions]);
    return open.flatMap((path) => rooms.filter(({ id }) => path === `/rooms/${id}/chatMessages`));
  };
  const allHeard = () => until('all rooms to be heard', () => new Set(inOrder()).size === rooms.length || undefined);
  return { ...org, rooms, memory, start, inOrder, allHeard };
}

const names = (count: number, nameOf: (at: number) => string) => Array.from({ length: count }, (_, at) => nameOf(at));

test('what is said before a subscription is answered hides nothing that was missed before it', quickly, async (t) => {
  const { adapter, ann, gitter, room, memory, token, tools, events } = await withAdapter(t, { gitter: { quirks: { snapshotDelay: 150 } } });
  await adapter.disconnect();
  for (const [name, at] of memory) if (name.startsWith('heard ')) memory.set(name, Number(at) - 60_000);
  ann.say(room, 'missed');
  for (const message of room.messages) Object.assign(message, { sent: message.sent - 30_000 });
  const next = new GitterAdapter(settingsFor(gitter, token), { ...tools, memory: keptIn(memory) }, quick);
  t.after(() => next.disconnect());
  void next.watch(makeChannelId('org/room'));
  await next.connect();
  await gitter.waitForListener(room, 'matrixbot');
  ann.say(room, 'early');
  const texts = () => events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : []));
  await until('both', () => texts().length >= 2 || undefined);
  assert.deepEqual(texts(), ['missed', 'early']);
});

test('many rooms of one community are heard after a handful of calls, and none of them takes more than two, ever', quickly, async (t) => {
  const { gitter, rooms, start, allHeard } = await withRooms(
    t,
    names(40, (at) => `org/room-${at}`),
  );
  const calls = () => gitter.calls.items.filter(({ path }) => path.startsWith('/api/')).length;
  const { adapter } = await start();
  await allHeard();
  const forThese = (route: string) => gitter.callsOf(route).length;
  assert.deepEqual([forThese('POST /rooms'), forThese('GET /groups/:group/rooms')], [1, 1]);
  await until('the relay account to be in all of them, and their lists of the banned', () => {
    const isIn = rooms.every(({ members }) => members.size === 2);
    return (isIn && forThese('GET /rooms/:room/bans') === rooms.length) || undefined;
  });
  assert.ok(calls() <= 2 * rooms.length + 5, `${calls()} calls`);
  await adapter.disconnect();
  const before = calls();
  await start();
  await allHeard();
  await until('the lists of the banned', () => forThese('GET /rooms/:room/bans') === 2 * rooms.length || undefined);
  assert.ok(calls() - before <= rooms.length + 3, `${calls() - before} calls`);
});

test('a cut connection is made good without a call for each room', quickly, async (t) => {
  const { ann, gitter, rooms, start, allHeard } = await withRooms(
    t,
    names(10, (at) => `org/room-${at}`),
  );
  const { events } = await start();
  await allHeard();
  gitter.deliveryFault({ username: 'matrixbot', act: 'lose' });
  for (const room of rooms) ann.say(room, `meanwhile in ${room.uri}`);
  gitter.clearFaults();
  gitter.cutFaye('matrixbot');
  for (const room of rooms) await heard(events, 'message', ({ body }) => body.text === `meanwhile in ${room.uri}`);
  assert.equal(gitter.callsOf('GET /rooms/:room/chatMessages').length, 0);
});

test('more than a snapshot holds is read back, answers in threads too where it leaves them out', quickly, async (t) => {
  const { ann, bob, events, gitter, room } = await withAdapter(t, { gitter: unlimited });
  const root = ann.say(room, 'the root');
  await heard(events, 'message');
  gitter.deliveryFault({ username: 'matrixbot', act: 'lose' });
  const lines = names(130, (at) => `line ${at}`);
  for (const line of lines) ann.say(room, line);
  gitter.clearFaults();
  gitter.forgetFayeClients();
  await heard(events, 'message', ({ body }) => body.text === 'line 129');
  assert.equal(events.filter(({ kind }) => kind === 'message').length, 131);
  for (const message of room.messages) Object.assign(message, { sent: message.sent - 60_000 });
  const second = bob.say(room, 'another root');
  await heard(events, 'message', ({ body }) => body.text === 'another root');
  gitter.world.quirks.snapshotThreads = false;
  gitter.deliveryFault({ username: 'matrixbot', act: 'lose' });
  bob.reply(room, second, 'an answer');
  bob.reply(room, root, 'an answer to the first');
  gitter.clearFaults();
  gitter.forgetFayeClients();
  await heard(events, 'message', ({ body }) => body.text === 'an answer');
});

test('the liveliest rooms come first, and one in which somebody speaks from Matrix before all others', quickly, async (t) => {
  const { gitter, rooms, memory, start, inOrder, allHeard } = await withRooms(
    t,
    names(40, (at) => `org-${at}/room`),
  );
  for (const [at, room] of rooms.entries()) memory.set(`heard ${channelOf(room)}`, Date.now() - (40 - at) * 3_600_000);
  gitter.fault({ on: 'POST /rooms', act: { wait: 400 } });
  const { adapter } = await start();
  await until('the first of them', () => inOrder().length > 0 || undefined);
  const quiet = rooms[0];
  assert.ok(quiet);
  const channel = channelOf(quiet);
  const bot = await adapter.session({ as: 'bot' }, channel);
  await bot.send({ key: 'hello', channel, body: { text: 'anybody here?' }, style: 'text' });
  await allHeard();
  const order = inOrder();
  assert.ok(order.indexOf(quiet) < 32, 'not among the last, as its last words would have it');
  // 0: the liveliest. Each is begun with once all that are livelier are over, but for the seven beside it.
  const others = order.filter((room) => room !== quiet).map((room) => rooms.length - 1 - rooms.indexOf(room));
  assert.ok(
    others.every((rank, place) => place >= rank - 7),
    `eight at once, the liveliest first: ${others.join(' ')}`,
  );
});

test('how many rooms are heard so far is told, how long it takes, and of each that it is not heard yet', quickly, async (t) => {
  const { gitter, rooms, start, allHeard } = await withRooms(
    t,
    names(12, (at) => `org-${at}/room`),
    { limits: true, rate: { calls: 20, window: 1_500 } },
  );
  gitter.fault({ on: 'POST /rooms', act: { wait: 100 } });
  const { adapter } = await start();
  const told = await until('a word of it', () => adapter.status()[0]?.note);
  // How long it takes is known better once Gitter has told its limit.
  assert.match(told, /^\d+ of 12 rooms heard so far, about (?:1 minute|2 minutes) to go$/);
  const last = rooms.at(-1);
  assert.ok(last);
  assert.match(adapter.unheard(channelOf(last)) ?? '', /not heard yet/);
  await allHeard();
  await until('nothing more to tell', () => (adapter.status()[0]?.note === undefined ? true : undefined));
  for (const room of rooms) assert.equal(adapter.unheard(channelOf(room)), undefined);
  assert.equal(adapter.status()[0]?.unheard, 0);
});

test('a room that is heard only from within is gone into first', quickly, async (t) => {
  const { gitter, ann, rooms, start, allHeard } = await withRooms(
    t,
    names(8, (at) => `org/room-${at}`),
  );
  gitter.world.quirks.hearingNeedsMembership = true;
  const { events } = await start();
  await allHeard();
  for (const room of rooms) ann.say(room, `in ${room.uri}`);
  for (const room of rooms) await heard(events, 'message', ({ body }) => body.text === `in ${room.uri}`);
});
