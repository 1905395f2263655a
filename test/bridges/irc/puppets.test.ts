// Who has a connection of their own, under which nick, and what becomes of both over limits, collisions, losses and restarts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChannelId } from '#bridge-core';
import { Puppets } from '../../../bridge-core/virtual-users/puppets.ts';
import type { IrcTiming } from '../../../bridges/irc/timing.ts';
import { type FakeIrcd, type FakeIrcdOptions, startFakeIrcd } from '../../support/fake-ircd.ts';
import { until } from '../../support/waiting.ts';
import { matrixId, speaker, type Wish, type WithAdapter, withAdapter } from './with-adapter.ts';

const minute = 60_000;

interface Stage {
  readonly ircd: FakeIrcd;
  readonly world: WithAdapter;
  readonly id: ChannelId;
}

const quick: Partial<IrcTiming> = { reconnectFirst: 50, reconnectMost: 100, regain: 100, sweep: 50, young: 0 };

async function start(t: { after(end: () => Promise<void>): void }, server: FakeIrcdOptions = {}, wish: Partial<Wish> = {}): Promise<Stage> {
  const ircd = await startFakeIrcd(server);
  const world = withAdapter(t, { port: ircd.port, ...wish, timing: { ...quick, ...wish.timing } });
  t.after(() => ircd.close());
  await world.adapter.connect();
  return { ircd, world, id: await world.watch('#chan') };
}

test('a puppet is called after its person, and says who that is', async (t) => {
  const { ircd, world, id } = await start(t);
  const session = await world.adapter.session({ as: 'user', user: matrixId('ada'), name: 'Ada Lovelace' }, id);
  assert.equal(session.self, 'local/ada_lovelace{m}');
  const client = ircd.client('Ada_Lovelace[m]');
  assert.deepEqual([client.user, client.realname], ['~ada', '@ada:hs.test']);
  assert.deepEqual(world.adapter.speakerOf(session.self), { as: 'user', user: matrixId('ada') });
});

test('two people of one name have two nicks, the same ones after a restart', async (t) => {
  const { ircd, world, id } = await start(t);
  const open = (adapter: WithAdapter['adapter'], name: string) =>
    adapter.session({ as: 'user', user: matrixId(name), name: 'Sam' }, id).then((session) => session.self);
  assert.equal(await open(world.adapter, 'sam1'), 'local/sam{m}');
  assert.equal(await open(world.adapter, 'sam2'), 'local/sam{m}1');
  await world.adapter.disconnect();
  const next = withAdapter(t, { port: ircd.port, memory: world.memory, timing: quick });
  assert.deepEqual(
    await Promise.all([next.adapter.connect(), ircd.waitForUser('Sam[m]'), ircd.waitForUser('Sam[m]1')]).then(() => 'back'),
    'back',
  );
  assert.equal(await open(next.adapter, 'sam2'), 'local/sam{m}1');
  assert.equal(await open(next.adapter, 'sam1'), 'local/sam{m}');
});

test('a nick that somebody else has is made another, and taken back once it is free', async (t) => {
  const { ircd, world, id } = await start(t);
  const squatter = ircd.person('ann[m]').join('#chan');
  await world.join('ann', id);
  assert.deepEqual(ircd.members('#chan').sort(), ['ann[m]', 'ann[m]1', 'causeway']);
  squatter.quit();
  await ircd.waitForUser('ann[m]');
  await world.say('ann', id, 'myself again');
  assert.equal(ircd.said('#chan')[0]?.nick, 'ann[m]');
  assert.deepEqual(world.texts(), []);
});

test('a nick forced by the server is followed, and what is said under it stays ours', async (t) => {
  const { ircd, world, id } = await start(t, {}, { timing: { regain: 60_000 } });
  await world.join('ann', id);
  const client = ircd.client('ann[m]');
  ircd.world.users.delete(ircd.world.fold('ann[m]'));
  const change = ':ann[m]!ann@client.fake.test NICK Guest123';
  for (const nick of ['causeway', 'ann[m]']) {
    if (nick === 'ann[m]') client.sendRaw(change);
    else ircd.send(nick, change);
  }
  client.nick = 'Guest123';
  ircd.world.users.set(ircd.world.fold('Guest123'), client);
  await until('the new nick', () => world.adapter.channels.named(id, 'Guest123'));
  await world.say('ann', id, 'still me');
  assert.equal(ircd.said('#chan')[0]?.nick, 'Guest123');
  assert.deepEqual(world.texts(), []);
});

test('a person chooses another nick, which stays theirs', async (t) => {
  const { ircd, world, id } = await start(t);
  await world.join('ann', id);
  await world.join('ben', id);
  assert.equal(await world.adapter.nick(matrixId('ann'), id, 'Änn the 1st'), 'Ann_the_1st');
  assert.ok(ircd.members('#chan').includes('Ann_the_1st'));
  await assert.rejects(world.adapter.nick(matrixId('ann'), id, 'ben[m]'), /somebody else/);
  await assert.rejects(world.adapter.nick(matrixId('ann'), id, 'causeway'), /somebody else/);
  await assert.rejects(world.adapter.nick(matrixId('ann'), id, '☃'), /nothing that can stand in a nick/);
  ircd.person('taken');
  await assert.rejects(world.adapter.nick(matrixId('ann'), id, 'taken'), /in use/);
  assert.equal(ircd.client('Ann_the_1st').nick, 'Ann_the_1st');
  ircd.drop('Ann_the_1st');
  await ircd.waitForMember('#chan', 'Ann_the_1st');
});

test('above the limit nobody gets a connection; those who have one keep it', async (t) => {
  const { world, id } = await start(t, {}, { network: { puppets: { max: 2 } } });
  await world.join('ann', id);
  await world.join('ben', id);
  await assert.rejects(world.join('cleo', id), { code: 'SESSION_LIMIT' });
  await world.say('ann', id, 'still here');
  const [status] = world.adapter.status();
  assert.equal(status?.sessions, 2);
});

test('who cannot be connected in time is spoken for by the bot, the next time at once, until they are in', async (t) => {
  const { ircd, world, id } = await start(t, {}, { network: { puppets: { max: 5, wait: '3s' } } });
  ircd.faults.nickRefusals = 10_000;
  const began = performance.now();
  const speak = () => new Puppets({ adapter: world.adapter }).speak(matrixId('ann'), 'ann', id);
  assert.equal((await speak()).relayed, true);
  assert.ok(performance.now() - began >= 2_990);
  const again = performance.now();
  assert.equal((await speak()).relayed, true);
  assert.ok(performance.now() - again < 2_500);
  ircd.faults.nickRefusals = 0;
  await ircd.waitForUser('ann[m]');
  await until('ann', () => world.adapter.openSession(speaker('ann'), id));
  assert.equal((await speak()).relayed, false);
  await world.say('ann', id, 'here at last');
});

test('a server that throttles is given time, and all come in', async (t) => {
  const { ircd, world, id } = await start(t);
  ircd.faults.refuse = ['Trying to reconnect too fast, throttled'];
  const joining = world.join('ann', id);
  joining.catch(() => {});
  await until('the refusal', () => world.connections.some((news) => /throttled/.test(news.reason ?? '')) || undefined);
  const refused = world.connections.length;
  await delay(400);
  assert.equal(world.connections.length, refused, 'no storm of attempts');
});

test('a banned person is refused, not relayed, and the others go on', async (t) => {
  const { ircd, world, id } = await start(t);
  await world.join('ann', id);
  await world.join('ben', id);
  ircd.kline('ann[m]', 'spam');
  await until('the ban', () => world.connections.find((news) => /spam/.test(news.reason ?? '')));
  ircd.faults.refuse = undefined;
  await assert.rejects(world.join('ann', id), { code: 'NETWORK_BANNED', name: 'DeniedError' });
  await world.say('ben', id, 'still here');
});

test('after a restart who spoke last is connected at once and goes back to the channels', async (t) => {
  const { ircd, world, id } = await start(t);
  await world.say('ann', id, 'hello');
  await world.adapter.disconnect();
  await until('all to leave', () => ircd.connections === 0 || undefined);
  const next = withAdapter(t, { port: ircd.port, memory: world.memory, timing: quick });
  await next.adapter.connect();
  await ircd.waitForUser('ann[m]');
  await next.watch('#chan');
  await ircd.waitForMember('#chan', 'ann[m]');
  assert.equal(next.adapter.openSession(speaker('ann'), id)?.self, 'local/ann{m}');
});

test('after a restart the bot is let into a channel before its puppets ask', async (t) => {
  const { ircd, world, id } = await start(t);
  await world.say('ann', id, 'hello');
  await world.adapter.disconnect();
  await until('all to leave', () => ircd.connections === 0 || undefined);
  ircd.faults.latency = 80;
  const since = ircd.received.length;
  const next = withAdapter(t, { port: ircd.port, memory: world.memory, timing: { ...quick, botFirst: 30_000 } });
  await next.adapter.connect();
  await next.watch('#chan');
  await ircd.waitForMember('#chan', 'ann[m]');
  const [bots, anns] = ircd.received.slice(since).filter(({ text }) => text.startsWith('JOIN '));
  assert.deepEqual([bots?.nick, anns?.nick], ['causeway', 'ann[m]']);
  assert.ok((anns?.at ?? 0) - (bots?.at ?? 0) >= 75, 'asked before the bot was in');
});

test('puppets that say nothing for long, or are in no channel, give their connection up', async (t) => {
  await t.test('idle', async (t) => {
    const { ircd, world, id } = await start(t, {}, { network: { puppets: { max: 5, idle: '1s' } } });
    await world.join('ann', id);
    await ircd.waitForLine(({ nick, text }) => nick === 'ann[m]' && text.startsWith('QUIT'));
    // Its connection is just being closed.
    await world.say('ann', id, 'back again');
  });
  await t.test('in no channel', async (t) => {
    const { ircd, world, id } = await start(t, {}, { timing: { homeless: 1_000 } });
    await world.join('ann', id);
    await delay(1_300);
    assert.ok(ircd.members('#chan').includes('ann[m]'), 'while in one it stays');
    await world.adapter.openSession(speaker('ann'), id)?.leave(id, 'bye');
    await until('ann to go', () => ircd.world.user('ann[m]') === undefined || undefined);
  });
});

test('a puppet that was kicked stays out until its person speaks', async (t) => {
  const { ircd, world, id } = await start(t);
  await world.join('ann', id);
  const zoe = ircd.person('zoe').join('#chan').becomeOperator('#chan');
  zoe.kick('#chan', 'ann[m]', 'shush');
  const kick = await world.event('membership', (event) => event.change === 'kick');
  assert.deepEqual([kick.user.id, kick.by?.name, kick.reason], ['local/ann{m}', 'zoe', 'shush']);
  assert.deepEqual(world.adapter.speakerOf(kick.user.id), { as: 'user', user: matrixId('ann') });
  await ircd.hasHeard('ann[m]');
  await delay(100);
  assert.ok(!ircd.members('#chan').includes('ann[m]'));
  await world.say('ann', id, 'excuse me');
  assert.ok(ircd.members('#chan').includes('ann[m]'));
});

test('with a channel key all come in', async (t) => {
  const ircd = await startFakeIrcd();
  ircd.person('zoe').join('#locked').becomeOperator('#locked').mode('#locked', '+k', 'sesame');
  const links = [{ network: 'local', channel: '#Locked', room: '!r:hs.test', key: 'sesame' }];
  const world = withAdapter(t, { port: ircd.port, links, timing: quick });
  t.after(() => ircd.close());
  const [link] = world.adapter.configuredLinks();
  assert.deepEqual([link?.channel, link?.room], ['local/#locked', '!r:hs.test']);
  await world.adapter.connect();
  const id = await world.watch('#LOCKED');
  await world.join('ann', id);
  ircd.mode('#locked', '-k+k', 'sesame', 'open');
  await ircd.hasHeard('causeway');
  await world.join('ben', id);
  assert.equal(world.adapter.channels.describe(id).name, '#Locked');
});

test('a hundred puppets come in together', async (t) => {
  const { ircd, world, id } = await start(t);
  await Promise.all(Array.from({ length: 100 }, (_, at) => world.join(`p${at}`, id)));
  assert.equal(ircd.members('#chan').length, 101);
  const zoe = ircd.person('zoe').join('#chan');
  zoe.say('#chan', 'hello all');
  await world.event('message');
  await delay(50);
  assert.deepEqual(world.texts(), ['zoe: hello all']);
});

test('above the limit who speaks takes the connection of whoever has been silent the longest, and long enough', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { ircd, world, id } = await start(t, {}, { network: { puppets: { max: 2, yield_after: '10m' } } });
  const zoe = ircd.person('zoe').join('#chan');
  await world.say('ann', id, 'first');
  t.mock.timers.tick(minute);
  await world.say('ben', id, 'second');
  t.mock.timers.tick(9 * minute - 1);
  await assert.rejects(world.say('cleo', id, 'too early'), { code: 'SESSION_LIMIT' });
  t.mock.timers.tick(minute);
  await world.say('ben', id, 'still here');
  await world.say('cleo', id, 'third');
  const quit = await zoe.waitFor(({ command }) => command === 'QUIT');
  assert.deepEqual([quit.nick, quit.params[0]], ['ann[m]', 'Quit: silent for long; the connection goes to somebody who speaks']);
  assert.deepEqual(ircd.members('#chan').sort(), ['ben[m]', 'causeway', 'cleo[m]', 'zoe']);
  await assert.rejects(world.say('ann', id, 'and I?'), { code: 'SESSION_LIMIT' }, 'the others spoke just now');
  t.mock.timers.tick(11 * minute);
  await Promise.all([world.say('ann', id, 'me again'), world.say('dan', id, 'and me'), world.say('ann', id, 'twice')]);
  assert.deepEqual(ircd.members('#chan').sort(), ['ann[m]', 'causeway', 'dan[m]', 'zoe']);
  assert.deepEqual(
    zoe.texts('#chan').toSorted(),
    [
      'ann[m]: first',
      'ann[m]: me again',
      'ann[m]: twice',
      'ben[m]: second',
      'ben[m]: still here',
      'cleo[m]: third',
      'dan[m]: and me',
    ].toSorted(),
  );
  assert.deepEqual(world.texts(), []);
});

test('many who speak at once get no more connections than there are', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { ircd, world, id } = await start(t, {}, { network: { puppets: { max: 3, yield_after: '10m' } } });
  for (const name of ['a1', 'a2', 'a3']) await world.say(name, id, 'hello');
  t.mock.timers.tick(11 * minute);
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, ircd.world.users.size);
    t.mock.timers.tick(1);
  }, 1);
  const came = await Promise.allSettled(['b1', 'b2', 'b3', 'b4', 'b5'].map((name) => world.say(name, id, 'hello')));
  clearInterval(watch);
  assert.equal(came.filter(({ status }) => status === 'fulfilled').length, 3);
  assert.equal(ircd.members('#chan').length, 4);
  assert.equal(most, 4, 'three and the bot');
});

test('who only is to be there takes nobody’s connection', async (t) => {
  const { world, id } = await start(t, {}, { network: { puppets: { max: 1, yield_after: '1ms' } } });
  await world.join('ann', id);
  await delay(20);
  await assert.rejects(world.adapter.session(speaker('ben'), id, true), { code: 'SESSION_LIMIT' });
  await world.say('ben', id, 'now I speak');
});

test('who waits for the proof of a line keeps their connection, however long it takes', async (t) => {
  const { ircd, world, id } = await start(t, {}, { network: { puppets: { max: 1, yield_after: '1ms' } } });
  await world.join('ann', id);
  ircd.faults.swallow = 1;
  const unproved = world.say('ann', id, 'no answer comes');
  unproved.catch(() => {});
  await ircd.waitForLine(/no answer comes/);
  await assert.rejects(world.say('ben', id, 'may I?'), { code: 'SESSION_LIMIT' });
  assert.ok(ircd.members('#chan').includes('ann[m]'));
});

test('who cannot be connected, and for whom nothing waits, holds no place either', async (t) => {
  const { ircd, world, id } = await start(t, {}, { network: { puppets: { max: 1, wait: '3s', yield_after: '100ms' } } });
  ircd.faults.nickRefusals = 10_000;
  await assert.rejects(world.join('ann', id), { code: 'SESSION_LIMIT' });
  ircd.faults.nickRefusals = 0;
  await delay(50);
  ircd.drop((await ircd.waitForUser('ann[m]')).nick);
  ircd.faults.nickRefusals = 10_000;
  await delay(150);
  ircd.faults.nickRefusals = 0;
  await world.say('ben', id, 'hello');
});
