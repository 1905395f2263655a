// A server that sends what no server should: nothing breaks, nothing is believed that makes no sense, and the next good line is
// heard.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelId, channelId, remoteUserId } from '#bridge-core';
import { type FakeIrcd, type FakeIrcdOptions, type Person, startFakeIrcd } from '../../support/fake-ircd.ts';
import { until } from '../../support/waiting.ts';
import { type Wish, type WithAdapter, withAdapter } from './with-adapter.ts';

interface Stage {
  readonly ircd: FakeIrcd;
  readonly world: WithAdapter;
  readonly id: ChannelId;
  readonly zoe: Person;
}

async function start(t: { after(end: () => Promise<void>): void }, server: FakeIrcdOptions = {}, wish: Partial<Wish> = {}): Promise<Stage> {
  const ircd = await startFakeIrcd(server);
  const world = withAdapter(t, { port: ircd.port, ...wish, timing: { reconnectFirst: 50, reconnectMost: 100, ...wish.timing } });
  t.after(() => ircd.close());
  await world.adapter.connect();
  const id = await world.watch('#chan');
  await world.join('ann', id);
  return { ircd, world, id, zoe: ircd.person('zoe').join('#chan') };
}

const nonsense = [
  '',
  ':',
  ':zoe',
  ':zoe!z@z',
  'PRIVMSG',
  ':zoe!z@z PRIVMSG',
  ':zoe!z@z PRIVMSG #chan',
  ':zoe!z@z PRIVMSG #chan :',
  'PRIVMSG #chan :from nobody',
  ':zoe!z@z JOIN',
  ':zoe!z@z JOIN :',
  ': JOIN #chan',
  ':zoe!z@z PART',
  ':zoe!z@z KICK',
  ':zoe!z@z KICK #chan',
  ':zoe!z@z KICK #chan :',
  ':zoe!z@z NICK',
  ':zoe!z@z NICK :',
  ':stranger!z@z NICK other',
  ':stranger!z@z QUIT',
  ':zoe!z@z TOPIC',
  ':zoe!z@z MODE #chan',
  ':zoe!z@z MODE #chan +ooo',
  ':zoe!z@z MODE #chan +k',
  ':zoe!z@z MODE #chan -++--qvhaoZZZ zoe',
  ':irc.fake.test 353',
  ':irc.fake.test 353 causeway = #chan',
  ':irc.fake.test 353 causeway = #nowhere :a b c',
  ':irc.fake.test 353 causeway = #chan :@ + @+ !x@y',
  ':irc.fake.test 366',
  ':irc.fake.test 366 causeway #nowhere',
  ':irc.fake.test 332',
  ':irc.fake.test 332 causeway',
  ':irc.fake.test 474 causeway #nowhere :nope',
  ':irc.fake.test 404',
  ':irc.fake.test 470 causeway',
  ':irc.fake.test 433 causeway x :in use',
  ':irc.fake.test 005 causeway CASEMAPPING= PREFIX=(((( CHANTYPES=abc LINELEN=-1 NICKLEN=99999999999 :are supported',
  ':irc.fake.test 303',
  ':irc.fake.test 322',
  ':irc.fake.test 999 causeway :unknown',
  'BATCH',
  'BATCH +x',
  'BATCH -never',
  '@batch=never :zoe!z@z TOPIC #nowhere :x',
  '@time=not-a-time;msgid= :zoe!z@z TAGMSG #chan',
  '@+draft/react=x :zoe!z@z TAGMSG #chan',
  '@+typing=sometimes :zoe!z@z TAGMSG #chan',
  'FAIL',
  'FAIL JOIN',
  'FAIL JOIN X',
  'FAIL PRIVMSG SOMETHING',
  'ACK',
  '@label=.1 :irc.fake.test ACK',
  ':irc.fake.test INVITE causeway',
  ':zoe!z@z INVITE',
  ':zoe!z@z AWAY',
  ':zoe!z@z ACCOUNT',
  ':zoe!z@z CHGHOST',
  ':zoe!z@z REDACT',
  ':zoe!z@z REDACT #chan',
  'CAP',
  'CAP * NEW',
  'CAP * DEL',
  'AUTHENTICATE',
  'KILL',
];

test('lines without sense are passed over by bot, puppet and standby', async (t) => {
  const { ircd, world, id, zoe } = await start(t);
  for (const line of nonsense) {
    ircd.send('causeway', line);
    ircd.send('ann[m]', line);
  }
  zoe.say('#chan', 'sane again');
  await world.event('message', (event) => event.body === 'sane again');
  assert.deepEqual(world.texts(), ['zoe: sane again']);
  assert.deepEqual(
    world.logged.filter(({ level }) => level === 'error'),
    [],
  );
  await ircd.hasHeard('ann[m]');
  await world.say('ann', id, 'and so are we');
  assert.deepEqual(world.suspended, []);
});

test('answers that nobody asked for prove nothing and refuse nothing', async (t) => {
  const { ircd, world, id } = await start(t, { capabilities: [['message-tags', '']] }, { timing: { proof: 400 } });
  ircd.faults.swallow = 1;
  const lost = world.say('ann', id, 'lost');
  await ircd.waitForLine(/PRIVMSG #chan :?lost/);
  ircd.send('ann[m]', ':irc.fake.test 404 ann[m] #elsewhere :Cannot send to channel');
  ircd.send('ann[m]', '@label=.77 :irc.fake.test ACK');
  ircd.send('ann[m]', ':ann[m]!a@h PRIVMSG #elsewhere :not here');
  await assert.rejects(lost, { code: 'OUTCOME_UNKNOWN' });
});

test('a server that forces us into channels does not keep us there', async (t) => {
  const { ircd, world } = await start(t);
  ircd.force('causeway', '#trap');
  ircd.force('ann[m]', '#trap');
  await until('both to leave', () => ircd.members('#trap').length === 0 || undefined);
  assert.deepEqual(
    world.events.filter((event) => event.kind === 'membership').map((event) => event.channel),
    ['local/#chan'],
  );
});

test('a time in the future is not believed, one in the past is', async (t) => {
  const { ircd, world } = await start(t);
  ircd.send('causeway', '@time=2999-01-01T00:00:00.000Z :zoe!z@z PRIVMSG #chan :future');
  ircd.send('causeway', '@time=2011-10-19T16:40:51.620Z :zoe!z@z PRIVMSG #chan :past');
  ircd.send('causeway', '@time=rubbish :zoe!z@z PRIVMSG #chan :never');
  const future = await world.event('message', (event) => event.body === 'future');
  const past = await world.event('message', (event) => event.body === 'past');
  const never = await world.event('message', (event) => event.body === 'never');
  assert.ok(future.at <= Date.now() && never.at <= Date.now() && never.at > Date.now() - 5_000);
  assert.equal(past.at, Date.parse('2011-10-19T16:40:51.620Z'));
});

test('lines in pieces, odd line ends and invalid UTF-8 are read', async (t) => {
  const { ircd, world, zoe } = await start(t);
  ircd.faults.splitWrites = true;
  ircd.faults.lineEnd = '\n';
  for (let at = 0; at < 20; at++) zoe.say('#chan', `pieces ${at} äöü 😀`);
  await until('all', () => world.texts().length === 20 || undefined);
  ircd.faults.splitWrites = false;
  ircd.faults.lineEnd = '\r\n';
  ircd.sendBytes('causeway', Buffer.concat([Buffer.from(':zoe!z@z PRIVMSG #chan :caf'), Buffer.from([0xe9]), Buffer.from('\r\n')]));
  await world.event('message', (event) => event.body === 'café');
  assert.deepEqual(
    world.texts().slice(0, 20),
    Array.from({ length: 20 }, (_, at) => `zoe: pieces ${at} äöü 😀`),
  );
});

test('a storm of refused nicks ends with a nick', async (t) => {
  const ircd = await startFakeIrcd({ faults: { nickRefusals: 7 } });
  const world = withAdapter(t, { port: ircd.port });
  t.after(() => ircd.close());
  await world.adapter.connect();
  const id = await world.watch('#chan');
  await world.say('bot', id, 'whoever I am');
  assert.match(ircd.said('#chan')[0]?.nick ?? '', /^causeway\d$/);
});

test('a server that is full of itself is told apart from one that is away', async (t) => {
  const ircd = await startFakeIrcd({ faults: { refuse: ['465 * :You are banned', 'K-Lined'] } });
  const world = withAdapter(t, { port: ircd.port });
  t.after(() => ircd.close());
  await world.adapter.connect();
  await until('the news', () => world.connections.some((news) => news.state === 'down') || undefined);
  const id = channelId('local/#chan');
  await assert.rejects(world.adapter.session({ as: 'bot' }, id), { name: 'UnreachableError', code: 'NETWORK_BANNED' });
  await assert.rejects(world.join('ann', id), { name: 'UnreachableError' });
  await world.adapter.watch(id);
  assert.equal(world.adapter.status()[0]?.state, 'down');
  assert.match(world.adapter.status()[0]?.detail ?? '', /banned/);
  await delay(200);
  assert.equal(world.connections.filter((news) => news.state === 'down').length, 1, 'and it does not knock again at once');
});

test('an id that no network of ours has is refused or unknown, never a crash', async (t) => {
  const { world } = await start(t);
  const id = channelId('elsewhere/#chan');
  const { adapter } = world;
  await assert.rejects(adapter.watch(id), { code: 'CHANNEL_UNKNOWN' });
  await assert.rejects(adapter.session({ as: 'bot' }, id), { code: 'CHANNEL_UNKNOWN' });
  await adapter.unwatch(id);
  assert.equal(adapter.openSession({ as: 'bot' }, id), undefined);
  assert.equal(adapter.speakerOf(remoteUserId('elsewhere/zoe')), undefined);
  assert.equal(adapter.speakerOf(remoteUserId('rubbish')), undefined);
});
