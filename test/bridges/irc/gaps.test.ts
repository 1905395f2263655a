// What was said while nobody of ours was there: fetched, or told of and counted; nothing in the middle is missing silently.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Json, RemoteEvent } from '#bridge-core';
import type { IrcTiming } from '../../../bridges/irc/timing.ts';
import { allCapabilities, type FakeIrcd, type FakeIrcdOptions, startFakeIrcd } from '../../support/fake-ircd.ts';
import { until } from '../../support/waiting.ts';
import { matrixId, type WithAdapter, withAdapter } from './with-adapter.ts';

const quick: Partial<IrcTiming> = { reconnectFirst: 100, reconnectMost: 200, mark: 50 };
const withoutHistory = Object.entries(allCapabilities).filter(([name]) => name !== 'draft/chathistory');
const bot = 'causeway';
const hour = 3_600_000;

async function serve(t: TestContext, options: FakeIrcdOptions = {}) {
  const ircd = await startFakeIrcd(options);
  t.after(() => ircd.close());
  return { ircd, zoe: ircd.person('zoe').join('#chan') };
}

async function bridge(t: TestContext, ircd: FakeIrcd, memory = new Map<string, Json>(), timing: Partial<IrcTiming> = {}) {
  const world = withAdapter(t, { port: ircd.port, memory, timing: { ...quick, ...timing } });
  await world.adapter.connect();
  await world.watch('#chan');
  return world;
}

const gapsOf = (world: WithAdapter) => world.events.filter((event): event is Extract<RemoteEvent, { kind: 'gap' }> => event.kind === 'gap');

/** What was told, in order, gaps among it. */
const told = (world: WithAdapter) =>
  world.events.flatMap((event) => (event.kind === 'message' ? [event.body] : event.kind === 'gap' ? ['(gap)'] : []));

async function toldLast(world: WithAdapter, body: string): Promise<string[]> {
  await until(body, () => told(world).includes(body) || undefined);
  return told(world);
}

const lines = (count: number) => Array.from({ length: count }, (_, at) => `missed ${at}`);

test('a history longer than is read: what is newer is told as a gap, behind what was read', async (t) => {
  const { ircd, zoe } = await serve(t, { faults: { keeps: 20_000 } });
  const world = await bridge(t, ircd);
  zoe.say('#chan', 'before');
  await toldLast(world, 'before');
  ircd.drop(bot);
  for (const line of lines(10_300)) zoe.say('#chan', line);
  await ircd.waitForMember('#chan', bot);
  zoe.say('#chan', 'after');
  assert.deepEqual(await toldLast(world, 'after'), ['before', ...lines(10_000), '(gap)', 'after']);
  const [gap] = gapsOf(world);
  const last = world.events.findLast((event) => event.kind === 'message' && event.body === 'missed 9999');
  assert.equal(gap?.from, last?.at);
  assert.ok(gap && gap.to >= gap.from);
  assert.equal(world.counted.get('gaps'), 1);
});

test('a server that let go of the oldest: what it no longer has is told as a gap, before what it has', async (t) => {
  const { ircd, zoe } = await serve(t, { faults: { keeps: 50 } });
  const world = await bridge(t, ircd);
  zoe.say('#chan', 'before');
  await toldLast(world, 'before');
  ircd.drop(bot);
  for (const line of lines(80)) zoe.say('#chan', line);
  await ircd.waitForMember('#chan', bot);
  // The bot is in, and reads: nothing said from here on pushes out what it is about to read.
  ircd.faults.keeps = 1_000;
  zoe.say('#chan', 'after');
  assert.deepEqual(await toldLast(world, 'after'), ['before', '(gap)', ...lines(80).slice(30), 'after']);
  const [gap] = gapsOf(world);
  const [first] = world.events.filter((event) => event.kind === 'message' && event.body === 'missed 30');
  assert.equal(gap?.to, first?.at);
  assert.equal(world.counted.get('gaps'), 1);
});

test('where the server has older lines still, nothing is missing, though it no longer knows the last', async (t) => {
  const { ircd, zoe } = await serve(t);
  const memory = new Map<string, Json>([['heard/local/#chan', [Date.now() - 10_000, 'taken-away']]]);
  ircd.world.remember('#chan', {
    ...{ message: { command: 'PRIVMSG', params: ['#chan', 'long ago'], prefix: 'zoe!zoe@zoe.people.test' } as never },
    ...{ msgid: 'old', at: Date.now() - hour, rest: [], isRedacted: false },
  });
  zoe.say('#chan', 'missed');
  const world = await bridge(t, ircd, memory);
  zoe.say('#chan', 'after');
  assert.deepEqual(await toldLast(world, 'after'), ['missed', 'after']);
  assert.equal(world.counted.get('gaps'), undefined);
});

for (const [what, server, expected, gaps] of [
  ['told as missing once', { capabilities: withoutHistory }, ['before', '(gap)', 'after'], 1],
  ['fetched, and not told as missing', {}, ['before', 'missed', 'after'], undefined],
] as const) {
  test(`a server dies, and one connection after the other is found lost: what nobody heard is ${what}`, async (t) => {
    const { ircd, zoe } = await serve(t, server);
    const world = await bridge(t, ircd, undefined, { handover: 10 });
    const id = await world.watch('#chan');
    const people = ['ann', 'ben', 'cat'];
    for (const who of people) await world.join(who, id);
    zoe.say('#chan', 'before');
    await toldLast(world, 'before');
    const ours = new Map([[bot, 'bot'], ...people.map((who) => [`${who}[m]`, String(matrixId(who))] as const)]);
    ircd.faults.refuse = ['ERROR :come later'];
    for (const nick of ours.keys()) ircd.client(nick).sendBytes = () => {};
    for (const [nick, who] of ours) {
      ircd.drop(nick);
      const isIts = ({ speaker, state }: (typeof world.connections)[number]) =>
        state === 'down' && (speaker.as === 'user' ? speaker.user : 'bot') === who;
      await until(`${nick} to be found lost`, () => world.connections.some(isIts));
      // Long enough for the next one to be asked in vain whether it hears.
      await delay(30);
    }
    zoe.say('#chan', 'missed');
    ircd.faults.refuse = undefined;
    await ircd.waitForMember('#chan', bot);
    zoe.say('#chan', 'after');
    assert.deepEqual(await toldLast(world, 'after'), expected);
    assert.equal(world.counted.get('gaps'), gaps);
  });
}

test('the network between is cut: the gap begins when the server was last heard, not when that was noticed', async (t) => {
  const { ircd, zoe } = await serve(t, { capabilities: withoutHistory });
  const world = withAdapter(t, {
    ...{ port: ircd.port, timing: { ...quick, handover: 10 } },
    network: { keepalive: { ping: '1s', timeout: '1s' } },
  });
  await world.adapter.connect();
  const id = await world.watch('#chan');
  for (const who of ['ann', 'ben']) await world.join(who, id);
  zoe.say('#chan', 'before');
  await toldLast(world, 'before');
  const ours = [bot, 'ann[m]', 'ben[m]'].map((nick) => ircd.client(nick));
  for (const each of ours) each.sendBytes = () => {};
  const cut = Date.now();
  zoe.say('#chan', 'missed');
  await until('all to be found lost', () => world.connections.filter(({ state }) => state === 'down').length >= 3);
  for (const each of ours) each.quit('Ping timeout: 120 seconds', false);
  await ircd.waitForMember('#chan', bot);
  zoe.say('#chan', 'after');
  assert.deepEqual(await toldLast(world, 'after'), ['before', '(gap)', 'after']);
  const [gap] = gapsOf(world);
  assert.ok(gap && gap.from <= cut && gap.to > cut, `${gap?.from} to ${gap?.to}, cut at ${cut}`);
});

test('where nobody says anything the gap begins with the last sign of life, not with the last words', async (t) => {
  const { ircd, zoe } = await serve(t, { capabilities: withoutHistory });
  const world = withAdapter(t, { port: ircd.port, timing: quick, network: { keepalive: { ping: '1s', timeout: '30s' } } });
  await world.adapter.connect();
  await world.watch('#chan');
  zoe.say('#chan', 'before');
  await toldLast(world, 'before');
  const [words, pings] = [Date.now(), () => ircd.lines(bot).filter((line) => line === 'PING alive').length];
  const before = pings();
  // The third is sent only once the second was answered.
  await until('three PINGs', () => pings() >= before + 3 || undefined);
  ircd.drop(bot);
  zoe.say('#chan', 'missed');
  await ircd.waitForMember('#chan', bot);
  zoe.say('#chan', 'after');
  assert.deepEqual(await toldLast(world, 'after'), ['before', '(gap)', 'after']);
  const [gap] = gapsOf(world);
  assert.ok(gap && gap.from >= words + 1_000, `${gap?.from} is ${(gap?.from ?? 0) - words} ms after the last words`);
});

test('the bridge killed and away: the room is told from when to when, once, and it is counted', async (t) => {
  const { ircd, zoe } = await serve(t, { capabilities: withoutHistory });
  const first = await bridge(t, ircd);
  zoe.say('#chan', 'before');
  await toldLast(first, 'before');
  const from = Date.now();
  await until('a note of that it listens', () => listening(first.memory) > from || undefined);
  const memory = new Map(first.memory);
  await first.adapter.disconnect();
  for (const line of lines(5)) zoe.say('#chan', line);
  const world = await bridge(t, ircd, memory, { quickRestart: 1 });
  zoe.say('#chan', 'after');
  assert.deepEqual(await toldLast(world, 'after'), ['(gap)', 'after']);
  const [gap] = gapsOf(world);
  assert.ok(gap && gap.from >= from && gap.from < gap.to);
  assert.equal(world.counted.get('gaps'), 1);
});

test('a quick restart is counted, and not told in every room', async (t) => {
  const { ircd, zoe } = await serve(t, { capabilities: withoutHistory });
  const first = await bridge(t, ircd);
  await first.adapter.disconnect();
  zoe.say('#chan', 'missed');
  const world = await bridge(t, ircd, first.memory);
  zoe.say('#chan', 'after');
  assert.deepEqual(await toldLast(world, 'after'), ['after']);
  assert.equal(world.counted.get('gaps'), 1);
});

for (const [what, unheard, expected] of [
  ['a quiet channel was heard as long as the bridge listened', [], ['after']],
  ['a channel that the bridge was out of was not heard while it listened elsewhere', ['local/#chan'], ['(gap)', 'after']],
] as const) {
  test(what, async (t) => {
    const { ircd, zoe } = await serve(t, { capabilities: withoutHistory });
    const memory = new Map<string, Json>([
      ['heard/local/#chan', [Date.now() - 3 * hour, 'id']],
      ['listening/local', [Date.now() - 2_000, ...unheard]],
    ]);
    const world = await bridge(t, ircd, memory);
    zoe.say('#chan', 'after');
    assert.deepEqual(await toldLast(world, 'after'), [...expected]);
    assert.equal(world.counted.get('gaps'), 1);
    if (expected.length > 1) assert.ok((gapsOf(world)[0]?.from ?? 0) < Date.now() - 2 * hour);
  });
}

test('a channel that was left on purpose and is entered again has no gap', async (t) => {
  const { ircd, zoe } = await serve(t, { capabilities: withoutHistory });
  const world = await bridge(t, ircd, undefined, { quickRestart: 1 });
  zoe.say('#chan', 'before');
  await toldLast(world, 'before');
  await world.adapter.unwatch((await world.adapter.channels.resolve('#chan'))?.id as never);
  zoe.say('#chan', 'not for us');
  await world.watch('#chan');
  zoe.say('#chan', 'after');
  assert.deepEqual(await toldLast(world, 'after'), ['before', 'after']);
  assert.equal(world.counted.get('gaps'), undefined);
});

function listening(memory: Map<string, Json>): number {
  const note = memory.get('listening/local');
  return Array.isArray(note) && typeof note[0] === 'number' ? note[0] : 0;
}
