// What single persons are answered: private messages, invitations, CTCP; seldom, and never so that two bridges talk for ever.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelId, remoteUserId } from '#bridge-core';
import { allCapabilities, type FakeIrcd, type FakeIrcdOptions, startFakeIrcd } from '../../support/fake-ircd.ts';
import { type WithAdapter, withAdapter } from './with-adapter.ts';

type Test = { after(end: () => Promise<void>): void };

async function start(t: Test, server: FakeIrcdOptions = {}): Promise<{ ircd: FakeIrcd; world: WithAdapter; id: ChannelId }> {
  const ircd = await startFakeIrcd(server);
  const world = withAdapter(t, { port: ircd.port });
  t.after(() => ircd.close());
  await world.adapter.connect();
  const id = await world.watch('#chan');
  await world.join('ann', id);
  return { ircd, world, id };
}

test('a private message is answered by why nobody reads it, once in a while for each person', async (t) => {
  const { ircd, world } = await start(t);
  const zoe = ircd.person('zoe');
  zoe.say('ann[m]', 'hello?');
  const answer = await zoe.waitForText('zoe', /not delivered/);
  assert.deepEqual([answer.command, answer.nick], ['NOTICE', 'ann[m]']);
  assert.match(answer.params[1] ?? '', /@ann:hs\.test is on Matrix/);
  zoe.say('ann[m]', 'hello??');
  zoe.say('causeway', 'and you?');
  // Questions that are answered behind them.
  zoe.say('ann[m]', '\u0001PING 1\u0001');
  await zoe.waitForText('zoe', /PING/);
  zoe.say('causeway', '\u0001VERSION\u0001');
  await zoe.waitForText('zoe', /VERSION/);
  assert.equal(zoe.texts('zoe').filter((text) => /not delivered/.test(text)).length, 1);
  const yves = ircd.person('yves');
  yves.say('causeway', 'bot?');
  assert.match((await yves.waitForText('yves', /not delivered/)).params[1] ?? '', /bot of a Matrix bridge/);
  const since = zoe.mark();
  world.timing.courtesy = 0;
  zoe.say('ann[m]', 'still there?');
  await zoe.waitForText('zoe', /not delivered/, { since });
  assert.deepEqual(world.texts(), []);
});

test('a notice is never answered, nor what a server says', async (t) => {
  const { ircd } = await start(t);
  const zoe = ircd.person('zoe');
  zoe.notice('ann[m]', 'automatic');
  ircd.send('ann[m]', ':irc.fake.test PRIVMSG ann[m] :from the server');
  ircd.send('ann[m]', ':services.fake.test!s@services PRIVMSG ann[m] :from services');
  await delay(50);
  assert.deepEqual(zoe.texts('zoe'), []);
  assert.deepEqual(
    ircd.lines('ann[m]').filter((line) => line.startsWith('NOTICE')),
    [],
  );
});

test('an invitation is declined with its reason, and not followed', async (t) => {
  const { ircd } = await start(t);
  const zoe = ircd.person('zoe').join('#party');
  zoe.invite('ann[m]', '#party');
  assert.match(
    (await zoe.waitForText('zoe', /#party/)).params[1] ?? '',
    /declined: people come from Matrix only to channels that are linked/,
  );
  const yves = ircd.person('yves').join('#party');
  yves.invite('causeway', '#party');
  assert.match((await yves.waitForText('yves', /#party/)).params[1] ?? '', /declined: a channel is linked by those who run the bridge/);
  await delay(20);
  assert.deepEqual(ircd.members('#party').sort(), ['yves', 'zoe']);
});

test('into a linked channel the bot follows an invitation at once, a puppet with its person’s next words', async (t) => {
  const { ircd, world, id } = await start(t);
  const zoe = ircd.person('zoe').join('#chan').becomeOperator('#chan');
  zoe.kick('#chan', 'causeway');
  zoe.kick('#chan', 'ann[m]');
  zoe.mode('#chan', '+i');
  await world.event('membership', ({ change }) => change === 'kick');
  await ircd.hasHeard('ann[m]');
  await assert.rejects(world.join('ann', id), { code: 'CHANNEL_CLOSED' });
  zoe.invite('causeway', '#chan');
  await ircd.waitForMember('#chan', 'causeway');
  zoe.invite('ann[m]', '#chan');
  assert.match((await zoe.waitForText('zoe', /#chan/)).params[1] ?? '', /^@ann:hs\.test comes into #chan with their next words there\.$/);
  await world.say('ann', id, 'thank you');
  await zoe.waitForText('#chan', 'thank you');
});

test('invite-notify: that others are invited is told, who by, and nobody is answered', async (t) => {
  const { ircd, world } = await start(t);
  const zoe = ircd.person('zoe').join('#chan').becomeOperator('#chan');
  ircd.person('yves');
  const before = world.events.length;
  zoe.invite('yves', '#chan');
  zoe.say('#chan', 'there');
  await world.event('message');
  const told = world.events.slice(before).flatMap((event) => {
    if (event.kind !== 'membership') return [event.kind];
    return event.change === 'invite' ? [`${event.by?.name} invites ${event.user.name}`] : [];
  });
  assert.deepEqual(told, ['zoe invites yves', 'message']);
  assert.deepEqual(zoe.texts('zoe'), []);
});

test('without invite-notify, in a channel that is not watched, or of the bot itself, no invitation is told', async (t) => {
  const without = Object.entries(allCapabilities).filter(([name]) => name !== 'invite-notify');
  const { ircd, world } = await start(t, { capabilities: without });
  const zoe = ircd.person('zoe').join('#chan').join('#other').becomeOperator('#chan').becomeOperator('#other');
  ircd.person('yves');
  for (const channel of ['#chan', '#other']) zoe.invite('yves', channel);
  zoe.invite('causeway', '#other');
  zoe.say('#chan', 'there');
  await world.event('message');
  assert.ok(!world.events.some((event) => event.kind === 'membership' && event.change === 'invite'));
});

test('CTCP questions are answered in private, never in a channel', async (t) => {
  const { ircd, world } = await start(t);
  const zoe = ircd.person('zoe').join('#chan');
  zoe.say('ann[m]', '\u0001VERSION\u0001');
  assert.equal((await zoe.waitForText('zoe', /VERSION/)).params[1], '\u0001VERSION causeway, a Matrix bridge\u0001');
  zoe.say('ann[m]', '\u0001PING 12345\u0001');
  assert.equal((await zoe.waitForText('zoe', /PING/)).params[1], '\u0001PING 12345\u0001');
  zoe.say('ann[m]', '\u0001TIME\u0001');
  await zoe.waitForText('zoe', /TIME .*GMT/);
  zoe.say('ann[m]', '\u0001DCC SEND virus.exe 1 2 3\u0001');
  zoe.say('#chan', '\u0001VERSION\u0001');
  zoe.say('#chan', 'only this is news');
  await world.event('message');
  assert.deepEqual(world.texts(), ['zoe: only this is news']);
  assert.equal(zoe.texts('zoe').length, 3);
  assert.equal(zoe.texts('#chan').length, 0);
});

test('the core tells a person something, under the same limit', async (t) => {
  const { ircd, world } = await start(t);
  const zoe = ircd.person('Zoe').join('#chan');
  await world.adapter.tell(remoteUserId('local/zoe'), 'Your line was not delivered.');
  await world.adapter.tell(remoteUserId('local/zoe'), 'Your line was not delivered.');
  await zoe.waitForText('Zoe', 'Your line was not delivered.');
  await delay(30);
  assert.deepEqual(zoe.texts('Zoe'), ['causeway: Your line was not delivered.']);
});

test('a message to the operators of a channel is not for everybody', async (t) => {
  const { ircd, world } = await start(t);
  const zoe = ircd.person('zoe').join('#chan');
  ircd.send('causeway', ':zoe!zoe@zoe.people.test PRIVMSG @#chan :only for operators');
  zoe.say('#chan', 'for all');
  await world.event('message');
  assert.deepEqual(world.texts(), ['zoe: for all']);
});
