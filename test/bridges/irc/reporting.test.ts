// Every line of a channel is reported once and in order, whoever of our sessions is lost, returns or stands by.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelId, remoteMessageId } from '#bridge-core';
import type { IrcTiming } from '../../../bridges/irc/timing.ts';
import { allCapabilities, capabilities, type FakeIrcd, type FakeIrcdOptions, type Person, startFakeIrcd } from '../../support/fake-ircd.ts';
import { until } from '../../support/waiting.ts';
import { speaker, type Wish, type WithAdapter, withAdapter } from './with-adapter.ts';

interface Stage {
  readonly ircd: FakeIrcd;
  readonly world: WithAdapter;
  readonly id: ChannelId;
  readonly zoe: Person;
}

const quick: Partial<IrcTiming> = { reconnectFirst: 100, reconnectMost: 200, rejoin: 150, handover: 5_000, young: 0 };
const withoutHistory = Object.entries(allCapabilities).filter(([name]) => name !== 'draft/chathistory');

async function start(t: { after(end: () => Promise<void>): void }, server: FakeIrcdOptions = {}, wish: Partial<Wish> = {}): Promise<Stage> {
  const ircd = await startFakeIrcd({ capabilities: withoutHistory, ...server });
  const world = withAdapter(t, { port: ircd.port, ...wish, timing: { ...quick, ...wish.timing } });
  t.after(() => ircd.close());
  await world.adapter.connect();
  const id = await world.watch('#chan');
  return { ircd, world, id, zoe: ircd.person('zoe').join('#chan') };
}

const bot = 'causeway';
const botIsBack = (ircd: FakeIrcd) => ircd.waitForMember('#chan', bot);

/** It has begun to listen, and two PINGs have shown that it hears all. */
async function standsBy(ircd: FakeIrcd, nick: string): Promise<void> {
  await until(`${nick} to stand by`, () => ircd.lines(nick).filter((line) => line.startsWith('PING')).length >= 2 || undefined);
  await ircd.hasHeard(nick);
}

/** Everything said is told once and in order, and nothing was missed. */
async function assertAll(world: WithAdapter, lines: readonly string[]): Promise<void> {
  await until('the last line', () => world.texts().includes(`zoe: ${lines.at(-1)}`) || undefined);
  assert.deepEqual(
    world.texts(),
    lines.map((line) => `zoe: ${line}`),
  );
}

for (const server of [{}, { capabilities: [] }]) {
  const kind = server.capabilities === undefined ? 'with ids' : 'without any capability';

  test(`the bot lost, a puppet reports on from the same line (${kind})`, async (t) => {
    const { ircd, world, id, zoe } = await start(t, server);
    await world.join('ann', id);
    await standsBy(ircd, 'ann[m]');
    const lines = Array.from({ length: 60 }, (_, at) => (at % 3 === 0 ? 'again' : `line ${at}`));
    for (const [at, line] of lines.entries()) {
      if (at === 20) ircd.drop(bot);
      if (at === 40) await botIsBack(ircd);
      if (at % 5 === 0) await delay(2);
      zoe.say('#chan', line);
    }
    zoe.say('#chan', 'the end');
    await assertAll(world, [...lines, 'the end']);
    assert.ok(!world.events.some((event) => event.kind === 'gap'));
  });

  test(`a half-open bot is found by its QUIT, and what it never heard is reported (${kind})`, async (t) => {
    const { ircd, world, id, zoe } = await start(t, server);
    await world.join('ann', id);
    await standsBy(ircd, 'ann[m]');
    zoe.say('#chan', 'heard by both');
    await world.event('message');
    const half = ircd.client(bot);
    half.sendBytes = () => {};
    const lines = ['lost on the dead socket', 'this too', 'this too'];
    for (const line of lines) zoe.say('#chan', line);
    await delay(50);
    assert.deepEqual(world.texts(), ['zoe: heard by both']);
    half.quit('Ping timeout: 120 seconds', false);
    zoe.say('#chan', 'after');
    await assertAll(world, ['heard by both', ...lines, 'after']);
    await botIsBack(ircd);
    zoe.say('#chan', 'by the bot again');
    await assertAll(world, ['heard by both', ...lines, 'after', 'by the bot again']);
  });
}

test('the standby lost, another stands by', async (t) => {
  const { ircd, world, id, zoe } = await start(t);
  await world.join('ann', id);
  await world.join('ben', id);
  ircd.drop('ann[m]');
  zoe.say('#chan', 'one');
  await world.event('message');
  await standsBy(ircd, 'ben[m]');
  ircd.drop(bot);
  zoe.say('#chan', 'two');
  await botIsBack(ircd);
  zoe.say('#chan', 'three');
  await assertAll(world, ['one', 'two', 'three']);
  assert.ok(!world.events.some((event) => event.kind === 'gap'));
});

test('puppets that come and go while the bot is away lose nothing', async (t) => {
  const { ircd, world, id, zoe } = await start(t);
  await world.join('ann', id);
  await standsBy(ircd, 'ann[m]');
  // Nobody gets a new connection until the bot is to be back.
  await world.adapter.session(speaker('ben'), id);
  ircd.faults.refuse = ['Server is restarting'];
  ircd.drop(bot);
  zoe.say('#chan', 'ann reports');
  await until('the first line', () => world.texts().length === 1 || undefined);
  await world.join('ben', id);
  zoe.say('#chan', 'ben stands by');
  await until('the second line', () => world.texts().length === 2 || undefined);
  await standsBy(ircd, 'ben[m]');
  ircd.drop('ann[m]');
  zoe.say('#chan', 'ben reports');
  ircd.faults.refuse = undefined;
  await botIsBack(ircd);
  zoe.say('#chan', 'the bot reports');
  await assertAll(world, ['ann reports', 'ben stands by', 'ben reports', 'the bot reports']);
});

test('what a puppet said last is ours also where another hears its end before the bot hears the words', async (t) => {
  const { ircd, world, id, zoe } = await start(t);
  await world.join('ann', id);
  await world.join('ben', id);
  await standsBy(ircd, 'ann[m]');
  const slow = ircd.client(bot);
  const held: Buffer[] = [];
  const send = slow.sendBytes.bind(slow);
  slow.sendBytes = (bytes) => void held.push(bytes);
  await world.say('ben', id, 'good night');
  await world.adapter.openSession(speaker('ben'), id)?.close('off');
  await ircd.hasHeard('ann[m]');
  slow.sendBytes = send;
  for (const bytes of held) send(bytes);
  zoe.say('#chan', 'after');
  await assertAll(world, ['after']);
});

test('who takes a nick that a puppet gave up is heard by whoever told of its end, also where the bot never did', async (t) => {
  const { ircd, world, id, zoe } = await start(t);
  await world.join('ann', id);
  await world.join('ben', id);
  await standsBy(ircd, 'ann[m]');
  const half = ircd.client(bot);
  half.sendBytes = () => {};
  await world.adapter.openSession(speaker('ben'), id)?.close('off');
  await ircd.hasHeard('ann[m]');
  ircd.person('ben[m]').join('#chan').say('#chan', 'another ben');
  await ircd.hasHeard('ann[m]');
  half.quit('Ping timeout: 120 seconds', false);
  zoe.say('#chan', 'after');
  await until('the last line', () => world.texts().includes('zoe: after') || undefined);
  assert.deepEqual(world.texts(), ['ben[m]: another ben', 'zoe: after']);
});

test('with nobody left there, the gap is told once the bot is back', async (t) => {
  const { ircd, world, zoe, id } = await start(t);
  zoe.say('#chan', 'before');
  const before = await world.event('message');
  ircd.drop(bot);
  zoe.say('#chan', 'in the gap');
  await botIsBack(ircd);
  const gap = await world.event('gap');
  assert.equal(gap.channel, id);
  assert.ok(gap.from >= before.at && gap.from <= gap.to);
  zoe.say('#chan', 'after');
  await assertAll(world, ['before', 'after']);
});

test('a gap is filled from the history of the server, before what is said afterwards, ours left out', async (t) => {
  const { ircd, world, zoe, id } = await start(t, { capabilities: Object.entries(allCapabilities) });
  zoe.say('#chan', 'before');
  await world.say('ann', id, 'of our own');
  await world.adapter.openSession({ as: 'user', user: await sessionOwner(world) }, id)?.close();
  await world.event('message');
  ircd.drop(bot);
  ircd.person('ann[m]').join('#chan').say('#chan', 'looks like ours');
  const missed = Array.from({ length: 250 }, (_, at) => `missed ${at}`);
  for (const line of missed) zoe.say('#chan', line);
  const back = botIsBack(ircd);
  await back;
  zoe.say('#chan', 'after');
  await assertAll(world, ['before', ...missed, 'after']);
  assert.ok(!world.events.some((event) => event.kind === 'gap'));
  const ids = world.events.flatMap((event) => (event.kind === 'message' ? [event.id] : []));
  assert.equal(new Set(ids).size, ids.length);
});

async function sessionOwner(world: WithAdapter) {
  const found = world.connections.find((news) => news.speaker.as === 'user');
  if (found?.speaker.as !== 'user') throw new TypeError('nobody connected');
  return found.speaker.user;
}

test('after a restart of the bridge the history is read from where it had heard', async (t) => {
  const server = { capabilities: Object.entries(allCapabilities) };
  const { ircd, world, zoe } = await start(t, server);
  zoe.say('#chan', 'before');
  await world.event('message');
  await world.adapter.disconnect();
  zoe.say('#chan', 'meanwhile');
  const next = withAdapter(t, { port: ircd.port, memory: world.memory });
  await next.adapter.connect();
  await next.watch('#chan');
  zoe.say('#chan', 'after');
  await until('the last line', () => next.texts().includes('zoe: after') || undefined);
  assert.deepEqual(next.texts(), ['zoe: meanwhile', 'zoe: after']);
  assert.ok(!next.events.some((event) => event.kind === 'gap'));
});

test('history can be asked for', async (t) => {
  const { world, zoe, id } = await start(t, { capabilities: Object.entries(allCapabilities) });
  const first = zoe.say('#chan', 'one');
  zoe.say('#chan', 'two');
  zoe.say('#chan', 'three');
  const said: string[] = [];
  for await (const event of world.adapter.history(id, remoteMessageId(first ?? ''))) if (event.kind === 'message') said.push(event.body);
  assert.deepEqual(said, ['two', 'three']);
});

test('old lines that a server repeats at the join are no news', async (t) => {
  const { ircd, world, zoe } = await start(t);
  ircd.replay(bot, '#chan', [
    '@time=2020-01-01T00:00:00.000Z;msgid=old1 :zoe!zoe@zoe.people.test PRIVMSG #chan :long ago',
    '@time=2020-01-01T00:00:01.000Z;msgid=old2 :zoe!zoe@zoe.people.test PRIVMSG #chan :long ago too',
  ]);
  zoe.say('#chan', 'now');
  await assertAll(world, ['now']);
});

test('kicked, the bot goes back in once; a puppet reports meanwhile, the kick too', async (t) => {
  const { ircd, world, id, zoe } = await start(t);
  await world.join('ann', id);
  await standsBy(ircd, 'ann[m]');
  zoe.becomeOperator('#chan');
  zoe.kick('#chan', bot, 'out');
  zoe.say('#chan', 'without the bot');
  const kick = await world.event('membership', (event) => event.change === 'kick');
  assert.deepEqual([kick.user.name, kick.by?.name, kick.reason], [bot, 'zoe', 'out']);
  await botIsBack(ircd);
  zoe.say('#chan', 'with the bot');
  await assertAll(world, ['without the bot', 'with the bot']);
  assert.deepEqual(world.suspended, []);
  assert.equal(world.events.filter((event) => event.kind === 'membership' && event.change === 'kick').length, 1);
});

test('kicked again, the channel is shut: puppets leave too', async (t) => {
  const { ircd, world, id, zoe } = await start(t);
  await world.join('ann', id);
  zoe.becomeOperator('#chan');
  zoe.kick('#chan', bot, 'out');
  await botIsBack(ircd);
  zoe.kick('#chan', bot, 'and stay out');
  const { channel, reason } = await until('the suspension', () => world.suspended[0]);
  assert.equal(channel, id);
  assert.match(reason, /kicked from #chan by zoe \(and stay out\), for the second time/);
  await until('the puppet to leave', () => !ircd.members('#chan').includes('ann[m]') || undefined);
  zoe.say('#chan', 'nobody here');
  await delay(300);
  assert.ok(!ircd.members('#chan').includes(bot));
  assert.deepEqual(world.texts(), []);
});

test('banned, invite-only or keyed channels suspend the link, full ones are tried again', async (t) => {
  const { ircd, world } = await start(t, {}, { timing: { joinRetry: 100 } });
  for (const [numeric, words] of [
    ['474', /banned/],
    ['473', /invitation/],
    ['475', /key/],
  ] as const) {
    const name = `#c${numeric}`;
    ircd.refuseJoin(name, numeric, 'Cannot join channel');
    await assert.rejects(world.watch(name), words);
    assert.equal(world.suspended.at(-1)?.channel, `local/${name}`);
    assert.match(world.suspended.at(-1)?.reason ?? '', words);
  }
  ircd.refuseJoin('#full', '471', 'Cannot join channel (+l)', 2);
  await world.watch('#full');
  await ircd.waitForMember('#full', bot);
  assert.equal(world.suspended.length, 3);
});

test('a ban that is met at the return after a kick suspends the link', async (t) => {
  const { ircd, world, zoe } = await start(t);
  zoe.becomeOperator('#chan');
  zoe.mode('#chan', '+b', `${bot}!*@*`);
  zoe.kick('#chan', bot, 'banned');
  const { reason } = await until('the suspension', () => world.suspended[0]);
  assert.match(reason, /banned from the channel/);
  assert.equal(ircd.members('#chan').length, 1);
});

test('a channel no longer watched is left by all, and watched again it is heard again', async (t) => {
  const { ircd, world, id, zoe } = await start(t);
  await world.join('ann', id);
  await world.adapter.unwatch(id);
  await until('all to leave', () => ircd.members('#chan').join() === 'zoe' || undefined);
  zoe.say('#chan', 'unheard');
  await world.watch('#chan');
  zoe.say('#chan', 'heard');
  await assertAll(world, ['heard']);
});

test('the whole server down and up: all are back, in their channels', async (t) => {
  const { ircd, world, id } = await start(t, {}, {});
  await world.join('ann', id);
  await world.join('ben', id);
  await ircd.stop();
  await until('the news', () => world.adapter.status()[0]?.state !== 'up' || undefined);
  await assert.rejects(world.adapter.session({ as: 'bot' }, id), { code: 'NETWORK_UNREACHABLE' });
  await ircd.listen();
  await ircd.waitForMember('#chan', 'ann[m]');
  await ircd.waitForMember('#chan', 'ben[m]');
  await botIsBack(ircd);
  const zora = ircd.person('zora').join('#chan');
  zora.say('#chan', 'once');
  await until('the line', () => world.texts().length > 0 || undefined);
  await delay(50);
  assert.deepEqual(world.texts(), ['zora: once']);
});

test('what a server says without any capability is heard too, with the time of hearing', async (t) => {
  const { world, zoe } = await start(t, { capabilities: capabilities() });
  const before = Date.now();
  zoe.action('#chan', 'waves');
  const event = await world.event('message');
  assert.deepEqual([event.style, event.body, event.id], ['emote', 'waves', undefined]);
  assert.ok(event.at >= before && event.at <= Date.now());
});
