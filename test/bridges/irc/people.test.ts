// Who comes, goes, is renamed, kicked or away, as the core is told it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelId, type RemoteEvent, type RemoteUser, remoteUserId } from '#bridge-core';
import { capabilities, type FakeIrcd, type FakeIrcdOptions, startFakeIrcd } from '../../support/fake-ircd.ts';
import { until } from '../../support/waiting.ts';
import { matrixId, type Wish, type WithAdapter, withAdapter } from './with-adapter.ts';

interface Stage {
  readonly ircd: FakeIrcd;
  readonly world: WithAdapter;
  readonly id: ChannelId;
}

async function start(t: { after(end: () => Promise<void>): void }, server: FakeIrcdOptions = {}, wish: Partial<Wish> = {}): Promise<Stage> {
  const ircd = await startFakeIrcd(server);
  const world = withAdapter(t, { port: ircd.port, ...wish });
  t.after(() => ircd.close());
  await world.adapter.connect();
  return { ircd, world, id: await world.watch('#chan') };
}

function summary(event: RemoteEvent): string {
  switch (event.kind) {
    case 'membership': {
      const by = event.by === undefined ? '' : ` by ${event.by.name}`;
      const reason = event.reason === undefined ? '' : ` (${event.reason})`;
      return `${event.user.name} ${event.change}${by}${reason}${event.netsplit ? ' netsplit' : ''}`;
    }
    case 'profile':
      return `${event.was.name} → ${event.user.name}`;
    case 'channel':
      return `topic ${event.topic}${event.by === undefined ? '' : ` by ${event.by.name}`}`;
    case 'presence':
      return `${event.user.name} ${event.away === undefined ? 'back' : `away: ${event.away}`}`;
    case 'message':
      return `${event.sender.name}: ${event.body}`;
    default:
      return event.kind;
  }
}

async function names(world: WithAdapter, id: ChannelId): Promise<string[]> {
  const found: RemoteUser[] = [];
  for await (const user of world.adapter.channels.members(id)) found.push(user);
  return found.map((user) => user.name).sort();
}

for (const server of [{}, { capabilities: [] }]) {
  test(`comings and goings are told once (${server.capabilities === undefined ? 'all capabilities' : 'none'})`, async (t) => {
    const { ircd, world, id } = await start(t, server);
    await world.join('ann', id);
    await world.join('ben', id);
    const zoe = ircd.person('zoe').join('#chan');
    const yves = ircd.person('Yves').join('#chan');
    zoe.becomeOperator('#chan').topic('#chan', 'News');
    yves.rename('Yvonne');
    zoe.kick('#chan', 'Yvonne', 'no reason');
    yves.join('#chan').part('#chan', 'bored');
    yves.join('#chan').quit('Quit: gone');
    zoe.say('#chan', 'only me');
    await world.event('message');
    await delay(20);
    assert.deepEqual(world.events.map(summary), [
      'zoe join',
      'Yves join',
      'topic News by zoe',
      'Yves → Yvonne',
      'Yvonne kick by zoe (no reason)',
      'Yvonne join',
      'Yvonne leave (bored)',
      'Yvonne join',
      'Yvonne leave (Quit: gone)',
      'zoe: only me',
    ]);
    assert.deepEqual(await names(world, id), ['zoe']);
  });
}

test('one who quits leaves every channel, one who is renamed is renamed in each', async (t) => {
  const { ircd, world } = await start(t);
  await world.watch('#other');
  await world.watch('#third');
  const zoe = ircd.person('zoe').join('#chan').join('#other');
  zoe.rename('Zoë2');
  zoe.rename('zora');
  zoe.quit('bye');
  await until(
    'both leaves',
    () => world.events.filter((event) => event.kind === 'membership' && event.change === 'leave').length === 2 || undefined,
  );
  const told = world.events.filter((event) => event.kind !== 'channel').map((event) => `${event.channel} ${summary(event)}`);
  for (const channel of ['local/#chan', 'local/#other']) {
    assert.deepEqual(
      told.filter((line) => line.startsWith(channel)).map((line) => line.slice(channel.length + 1)),
      ['zoe join', 'zoe → Zoë2', 'Zoë2 → zora', 'zora leave (bye)'],
    );
  }
});

test('a netsplit is told as one', async (t) => {
  const { ircd, world } = await start(t);
  ircd.person('zoe').join('#chan');
  ircd.person('yves').join('#chan');
  ircd.split(['zoe', 'yves']);
  const leave = await world.event('membership', (event) => event.user.name === 'yves' && event.change === 'leave');
  assert.equal(leave.netsplit, true);
  assert.equal(leave.reason, 'netsplit: irc.fake.test far.fake.test');
  ircd.heal();
  await until(
    'them back',
    () => world.events.filter((event) => event.kind === 'membership' && event.change === 'join').length === 4 || undefined,
  );
});

test('the topic that stands is told at the join, and not again', async (t) => {
  const ircd = await startFakeIrcd();
  ircd.person('zoe').join('#chan').becomeOperator('#chan').topic('#chan', 'As it was');
  const world = withAdapter(t, { port: ircd.port, timing: { reconnectFirst: 20 } });
  t.after(() => ircd.close());
  await world.adapter.connect();
  const id = await world.watch('#chan');
  const topic = await world.event('channel');
  assert.equal(topic.topic, 'As it was');
  assert.equal(world.adapter.channels.describe(id).topic, 'As it was');
  await until('who is there', () => world.memberLists.length === 1 || undefined);
  ircd.drop('causeway');
  await until('the bot back', () => world.memberLists.length === 2 || undefined);
  assert.equal(world.events.filter((event) => event.kind === 'channel').length, 1);
});

test('being away is told once, and being back', async (t) => {
  const { ircd, world } = await start(t);
  const zoe = ircd.person('zoe').join('#chan');
  zoe.setAway('lunch');
  zoe.setAway('lunch');
  zoe.setAway('dinner');
  zoe.setAway();
  await until('her return', () => world.events.find((event) => event.kind === 'presence' && event.away === undefined));
  assert.deepEqual(world.events.filter((event) => event.kind === 'presence').map(summary), [
    'zoe away: lunch',
    'zoe away: dinner',
    'zoe back',
  ]);
});

test('reactions, typing, redactions and replies of others are told', async (t) => {
  const { ircd, world } = await start(t);
  const zoe = ircd.person('zoe').join('#chan');
  const said = zoe.say('#chan', 'look') ?? '';
  zoe.reply('#chan', said, 'here');
  zoe.typing('#chan', 'active');
  zoe.typing('#chan', 'done');
  zoe.react('#chan', said, '👍');
  zoe.react('#chan', said, '👍', false);
  zoe.redact('#chan', said, 'mistake');
  const redaction = await world.event('redaction');
  assert.deepEqual([redaction.target, redaction.reason, redaction.sender?.id], [said, 'mistake', 'local/zoe']);
  const reply = await world.event('message', (event) => event.body === 'here');
  assert.equal(reply.replyTo, said);
  assert.deepEqual(
    world.events.flatMap((event) => (event.kind === 'typing' ? [event.on] : [])),
    [true, false],
  );
  assert.deepEqual(
    world.events.flatMap((event) => (event.kind === 'reaction' ? [[event.target, event.emoji, event.on]] : [])),
    [
      [said, '👍', true],
      [said, '👍', false],
    ],
  );
});

test('ten thousand members are read once, and each can be addressed', async (t) => {
  const ircd = await startFakeIrcd();
  ircd.crowd('#big', 10_000);
  const world = withAdapter(t, { port: ircd.port });
  t.after(() => ircd.close());
  await world.adapter.connect();
  const id = await world.watch('#big');
  await until('the list', () => world.memberLists[0]);
  assert.equal((await names(world, id)).length, 10_000);
  const found = world.adapter.channels.named(id, 'CROWD9999');
  assert.deepEqual(found, { remote: { id: 'local/crowd9999', name: 'crowd9999', fields: { network: 'local', nick: 'crowd9999' } } });
  await world.join('ann', id);
  assert.deepEqual(world.adapter.channels.named(id, 'ann[m]'), { user: matrixId('ann') });
  assert.equal(world.adapter.channels.named(id, 'causeway'), undefined);
  assert.equal(world.adapter.channels.named(id, 'nobody'), undefined);
  assert.equal(ircd.lines('ann[m]').filter((line) => line.startsWith('NAMES')).length, 0);
  assert.deepEqual(
    world.events.filter((event) => event.kind === 'membership'),
    [],
  );
});

test('somebody exists who is in a channel or whom the server knows; a puppet is nobody of the network', async (t) => {
  const { ircd, world, id } = await start(t);
  ircd.person('Zoe').join('#chan');
  ircd.person('Yves');
  await until('zoe', () => world.adapter.channels.named(id, 'zoe'));
  assert.equal((await world.adapter.user(remoteUserId('local/zoe')))?.name, 'Zoe');
  assert.equal((await world.adapter.user(remoteUserId('local/yves')))?.name, 'Yves');
  assert.equal(await world.adapter.user(remoteUserId('local/nobody')), undefined);
  assert.equal(await world.adapter.user(remoteUserId('local/not a nick')), undefined);
  assert.equal(await world.adapter.user(remoteUserId('elsewhere/zoe')), undefined);
  await world.join('ann', id);
  assert.equal(await world.adapter.user(remoteUserId('local/ann{m}')), undefined);
});

test('capitals are folded by the rule of the network, and a change of it is warned of', async (t) => {
  const { ircd, world, id } = await start(t, { capabilities: capabilities('message-tags') });
  ircd.person('Zoe[1]').join('#CHAN').say('#Chan', 'hi');
  const event = await world.event('message');
  assert.equal(event.channel, id);
  assert.deepEqual([event.sender.id, event.sender.name, event.sender.fields.nick], ['local/zoe{1}', 'Zoe[1]', 'zoe{1}']);
  const memory = new Map(world.memory);
  await world.adapter.disconnect();
  ircd.faults.isupport = ['CASEMAPPING=ascii'];
  const next = withAdapter(t, { port: ircd.port, memory });
  await next.adapter.connect();
  await next.watch('#chan');
  assert.ok(next.logged.some(({ level, message }) => level === 'warn' && /folds names by another rule/.test(message)));
});

test('channels are found by what people write', async (t) => {
  const { world } = await start(t);
  const { channels } = world.adapter;
  for (const query of ['#Node', 'local #Node', 'local/#Node', 'irc://127.0.0.1/%23Node', 'LOCAL/#Node', 'FakeNet #Node', 'fakenet/#Node']) {
    assert.equal((await channels.resolve(query))?.id, 'local/#node', query);
  }
  for (const query of ['node', 'other/#node', '#a b', '#a,b', '', '#', `#${'x'.repeat(300)}`, '#a\u0007']) {
    assert.equal(await channels.resolve(query), undefined, query);
  }
  assert.equal((await channels.resolve('#a/b'))?.id, 'local/#a/b');
  const [first, second] = [await channels.resolve('#Node'), await channels.resolve('local/#node')];
  assert.deepEqual([first?.name, second?.name], ['#Node', '#Node']);
  assert.equal(first?.network.domain, '127.0.0.1');
});

test('a network is called as it calls itself, over restarts too; before it ever did, as the config says', async (t) => {
  const ircd = await startFakeIrcd();
  t.after(() => ircd.close());
  const names = async ({ adapter }: WithAdapter) => {
    const described = await adapter.channels.resolve('#chan');
    return [described?.network.name, adapter.status()[0]?.name, adapter.lookups.networks()[0]?.name];
  };
  const world = withAdapter(t, { port: ircd.port });
  assert.deepEqual(await names(world), ['local', 'local', 'local']);
  await world.adapter.connect();
  await world.watch('#chan');
  assert.deepEqual(await names(world), ['FakeNet', 'FakeNet', 'FakeNet']);
  await world.adapter.disconnect();
  const next = withAdapter(t, { port: ircd.port, memory: world.memory });
  assert.deepEqual(await names(next), ['FakeNet', 'FakeNet', 'FakeNet']);
});

test('channels of the network are listed', async (t) => {
  const { ircd, world } = await start(t);
  ircd.person('zoe').join('#gardens').becomeOperator('#gardens').topic('#gardens', 'Roses and more');
  ircd.person('yves').join('#cars');
  const found: string[] = [];
  for await (const channel of world.adapter.channels.list('roses')) found.push(`${channel.id} ${channel.topic}`);
  assert.deepEqual(found, ['local/#gardens Roses and more']);
});

test('a channel whose id was folded before the server told its rule works all the same', async (t) => {
  const ircd = await startFakeIrcd({ capabilities: [], faults: { isupport: ['CASEMAPPING=ascii'] } });
  ircd.world.fold = (name: string) => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const links = [{ network: 'local', channel: '#Odd[1]', room: '!r:hs.test' }];
  const world = withAdapter(t, { port: ircd.port, links });
  t.after(() => ircd.close());
  const [link] = world.adapter.configuredLinks();
  assert.equal(link?.channel, 'local/#odd{1}');
  const id = link?.channel;
  await world.adapter.watch(id);
  await world.adapter.connect();
  await ircd.waitForMember('#Odd[1]', 'causeway');
  const zoe = ircd.person('zoe').join('#odd[1]');
  zoe.say('#ODD[1]', 'heard');
  const event = await world.event('message');
  assert.equal(event.channel, id);
  await world.say('ann', id, 'spoken');
  await zoe.waitForText('#odd[1]', 'spoken');
  await world.adapter.unwatch(id);
  await until('all to leave', () => ircd.members('#odd[1]').join() === 'zoe' || undefined);
});
