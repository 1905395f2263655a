// A channel that put the bot out calls it back: its link is asked to go on, and what was said meanwhile is there or told to be missing.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Json } from '#bridge-core';
import { allCapabilities, type FakeIrcd, type FakeIrcdOptions, startFakeIrcd } from '../../support/fake-ircd.ts';
import { until } from '../../support/waiting.ts';
import { withAdapter } from './with-adapter.ts';

const bot = 'causeway';
const withoutHistory = Object.entries(allCapabilities).filter(([name]) => name !== 'draft/chathistory');

async function serve(t: TestContext, options: FakeIrcdOptions = {}) {
  const ircd = await startFakeIrcd(options);
  t.after(() => ircd.close());
  const zoe = ircd.person('zoe').join('#chan').becomeOperator('#chan');
  return { ircd, zoe };
}

async function connect(t: TestContext, ircd: FakeIrcd, memory?: Map<string, Json>) {
  const world = withAdapter(t, { port: ircd.port, timing: { rejoin: 20, reconnectFirst: 50, mark: 30 }, ...(memory && { memory }) });
  await world.adapter.connect();
  await until('the bot', () => world.adapter.status()[0]?.state === 'up' || undefined);
  return world;
}

/** The bot asks for no more of what it missed: broken off by a kick, that would rightly be told as a gap. */
async function readBack(ircd: FakeIrcd): Promise<void> {
  const asked = () => ircd.lines(bot).filter((line) => line.startsWith('CHATHISTORY')).length;
  for (let before = -1; before !== asked(); ) {
    before = asked();
    // Before the second is what followed from what came before the first.
    await ircd.hasHeard(bot);
    await ircd.hasHeard(bot);
  }
}

/** Heard, then put out twice; as the core does, the adapter is told to wait. */
async function putOut(t: TestContext, options: FakeIrcdOptions = {}) {
  const { ircd, zoe } = await serve(t, options);
  const world = await connect(t, ircd);
  const id = await world.watch('#chan');
  zoe.say('#chan', 'before');
  await world.event('message', ({ body }) => body === 'before');
  zoe.kick('#chan', bot);
  await until('it to go', () => !ircd.members('#chan').includes(bot) || undefined);
  await ircd.waitForMember('#chan', bot);
  zoe.say('#chan', 'once more');
  await world.event('message', ({ body }) => body === 'once more');
  await readBack(ircd);
  zoe.kick('#chan', bot, 'meant');
  await until('the link to be suspended', () => world.suspended.length > 0 || undefined);
  await world.adapter.unwatch(id, undefined, true);
  return { ircd, zoe, world, id };
}

/** As the core takes it in: what has an id comes once. */
const told = ({ events }: Awaited<ReturnType<typeof connect>>) =>
  [...new Map(events.map((event, at) => [event.id ?? at, event])).values()].flatMap((event) =>
    event.kind === 'message' ? [event.body] : event.kind === 'gap' ? [`gap: ${event.reason}`] : [],
  );

test('invited by somebody, its link is to go on, with what was said meanwhile; put out again it is meant at once', async (t) => {
  const { ircd, zoe, world, id } = await putOut(t);
  zoe.say('#chan', 'among ourselves');
  assert.deepEqual(world.readmitted, []);
  zoe.mode('#chan', '+i');
  zoe.invite(bot, '#chan');
  await until('the call', () => world.readmitted.length > 0 || undefined);
  assert.deepEqual(world.readmitted, [id]);
  assert.ok(!ircd.members('#chan').includes(bot), 'that is for the core to say');
  assert.deepEqual(zoe.texts('zoe'), [], 'nothing was declined');
  await world.adapter.watch(id);
  zoe.say('#chan', 'after');
  await world.event('message', ({ body }) => body === 'after');
  assert.deepEqual(told(world), ['before', 'once more', 'among ourselves', 'after']);
  zoe.kick('#chan', bot, 'I changed my mind');
  await until('the link to be suspended again', () => world.suspended.length > 1 || undefined);
  assert.match(world.suspended[1]?.reason ?? '', /I changed my mind/);
});

test('over a restart too; where the server keeps nothing the room hears why something is missing', async (t) => {
  const { ircd, zoe, world, id } = await putOut(t, { capabilities: withoutHistory });
  await world.adapter.disconnect();
  const again = await connect(t, ircd, world.memory);
  // Another channel is listened to meanwhile, and noted so.
  again.memory.delete('listening/local');
  await again.watch('#other');
  await until('the note', () => again.memory.get('listening/local') !== undefined || undefined);
  zoe.say('#chan', 'among ourselves');
  zoe.invite(bot, '#chan');
  await until('the call', () => again.readmitted.includes(id) || undefined);
  await again.adapter.watch(id);
  zoe.say('#chan', 'after');
  await again.event('message', ({ body }) => body === 'after');
  assert.deepEqual(told(again), ['gap: the channel had put the bridge out', 'after']);
});

test('once it is no longer linked, an invitation is declined as any other, and what was said is not for us', async (t) => {
  const { zoe, world, id } = await putOut(t);
  await world.adapter.unwatch(id);
  zoe.say('#chan', 'among ourselves');
  zoe.invite(bot, '#chan');
  await zoe.waitForText('zoe', /declined/);
  assert.deepEqual(world.readmitted, []);
  await world.adapter.watch(id);
  zoe.say('#chan', 'linked anew');
  await world.event('message', ({ body }) => body === 'linked anew');
  assert.deepEqual(told(world), ['before', 'once more', 'linked anew']);
});
