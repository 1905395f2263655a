// What capabilities tell the bot of people without being asked: accounts, real names, hosts, all their modes. Told by `whois`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChannelId, remoteUserId } from '#bridge-core';
import { IrcNetwork } from '../../../bridges/irc/network.ts';
import { ircSettings } from '../../../bridges/irc/settings.ts';
import { usualTiming } from '../../../bridges/irc/timing.ts';
import { openConnection } from '../../../bridges/irc/wire/connect.ts';
import { allCapabilities, capabilities, type FakeIrcd, startFakeIrcd } from '../../support/fake-ircd.ts';
import { keepTools } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { withAdapter } from './with-adapter.ts';

const without = (...names: string[]) => Object.entries(allCapabilities).filter(([name]) => !names.includes(name));

/** The bot in #chan, and what is told of somebody. */
async function bridge(t: { after(end: () => Promise<void>): void }, ircd: FakeIrcd) {
  const world = withAdapter(t, { port: ircd.port, timing: { reconnectFirst: 20 } });
  t.after(() => ircd.close());
  await world.adapter.connect();
  const id = await world.watch('#chan');
  await until('the member list', () => world.memberLists[0]);
  const detail = async (nick: string) => (await world.adapter.user(remoteUserId(`local/${nick}`)))?.detail;
  const told = (nick: string, words: string | undefined) =>
    until(`${nick} to be ${words}`, async () => (await detail(nick)) === words || undefined);
  return { world, id, detail, told };
}

test('extended-join: account and real name are known as somebody comes in', async (t) => {
  const ircd = await startFakeIrcd();
  const { told } = await bridge(t, ircd);
  ircd.person('zoe', { user: '~z', host: 'zoe.people.test', realname: 'Zoe \x02of\x02 Zermatt', account: 'zed' }).join('#chan');
  ircd.person('yves', { user: '~y', host: 'yves.people.test', realname: 'Yves' }).join('#chan');
  await told('zoe', '“Zoe of Zermatt”, ~z@zoe.people.test, logged in as zed');
  await told('yves', '“Yves”, ~y@yves.people.test');
});

test('account-tag: whom the bot found there is known by their first line, also that they are logged out', async (t) => {
  const ircd = await startFakeIrcd({ capabilities: without('account-notify') });
  const zoe = ircd.person('zoe', { user: '~z', host: 'zoe.test', account: 'zed' }).join('#chan');
  const { world, told } = await bridge(t, ircd);
  await told('zoe', '~z@zoe.test');
  zoe.say('#chan', 'hello');
  await told('zoe', '~z@zoe.test, logged in as zed');
  zoe.account = undefined;
  zoe.say('#chan', 'logged out');
  await told('zoe', '~z@zoe.test');
  assert.deepEqual(world.texts(), ['zoe: hello', 'zoe: logged out']);
});

test('without account-tag a line says nothing of the account', async (t) => {
  const ircd = await startFakeIrcd({ capabilities: without('account-tag') });
  const { world, detail, told } = await bridge(t, ircd);
  const zoe = ircd.person('zoe', { user: '~z', host: 'zoe.test', account: 'zed' }).join('#chan');
  await told('zoe', '“zoe”, ~z@zoe.test, logged in as zed');
  zoe.say('#chan', 'hello');
  await world.event('message');
  assert.equal(await detail('zoe'), '“zoe”, ~z@zoe.test, logged in as zed');
});

test('account-notify and setname: changes are known as they happen, and follow the person to another nick', async (t) => {
  const ircd = await startFakeIrcd();
  const { told } = await bridge(t, ircd);
  const zoe = ircd.person('zoe', { user: '~z', host: 'zoe.test', realname: 'Zoe' }).join('#chan');
  ircd.setAccount('zoe', 'zed');
  zoe.setName('Zoe Zermatt');
  zoe.setAway('lunch');
  await told('zoe', '“Zoe Zermatt”, ~z@zoe.test, logged in as zed, away: lunch');
  zoe.setAway();
  zoe.rename('zora');
  await told('zora', '“Zoe Zermatt”, ~z@zoe.test, logged in as zed');
  ircd.setAccount('zora', undefined);
  await told('zora', '“Zoe Zermatt”, ~z@zoe.test');
});

test('chghost: a new host is known, and nobody seems to leave or come', async (t) => {
  const ircd = await startFakeIrcd();
  const { world, told } = await bridge(t, ircd);
  ircd.person('zoe', { user: '~z', host: 'zoe.test', realname: 'Zoe' }).join('#chan');
  ircd.changeHost('zoe', 'zed', 'staff.test');
  await told('zoe', '“Zoe”, zed@staff.test');
  assert.deepEqual(
    world.events.flatMap((event) => (event.kind === 'membership' ? [`${event.user.name} ${event.change}`] : [])),
    ['zoe join'],
  );
});

test('without chghost a new host looks like leaving and coming back', async (t) => {
  const ircd = await startFakeIrcd({ capabilities: without('chghost') });
  const { world, told } = await bridge(t, ircd);
  ircd.person('zoe', { user: '~z', host: 'zoe.test', realname: 'Zoe' }).join('#chan');
  ircd.changeHost('zoe', 'zed', 'staff.test');
  await told('zoe', '“Zoe”, zed@staff.test');
  assert.deepEqual(
    world.events.flatMap((event) => (event.kind === 'membership' ? [`${event.user.name} ${event.change}`] : [])),
    ['zoe join', 'zoe leave', 'zoe join'],
  );
});

test('userhost-in-names: the hosts of all members are known from the list, and nobody is asked for', async (t) => {
  const ircd = await startFakeIrcd();
  ircd.person('zoe', { user: '~z', host: 'zoe.test' }).join('#chan');
  ircd.person('yves', { user: '~y', host: 'yves.test' }).join('#chan');
  const { detail } = await bridge(t, ircd);
  assert.equal(await detail('zoe'), '~z@zoe.test');
  assert.equal(await detail('yves'), '~y@yves.test');
  assert.deepEqual(
    ircd.lines('causeway').filter((line) => /^(WHO|WHOIS|USERHOST|ISON)\b/.test(line)),
    [],
  );
});

test('a nick that another host has when the bot is back is another person', async (t) => {
  const ircd = await startFakeIrcd();
  const { told } = await bridge(t, ircd);
  const zoe = ircd.person('zoe', { user: '~z', host: 'zoe.test', realname: 'Zoe', account: 'zed' }).join('#chan');
  await told('zoe', '“Zoe”, ~z@zoe.test, logged in as zed');
  ircd.drop('causeway');
  zoe.quit();
  ircd.person('zoe', { user: '~e', host: 'else.test', realname: 'Somebody', account: 'sam' }).join('#chan');
  await told('zoe', '~e@else.test');
});

test('without any of them nothing is known of who was there', async (t) => {
  const ircd = await startFakeIrcd({ capabilities: [] });
  ircd.person('zoe').join('#chan');
  const { detail } = await bridge(t, ircd);
  assert.equal(await detail('zoe'), undefined);
});

test('multi-prefix: what somebody is in the channel that is asked from is told, all of it', async (t) => {
  const asked = async (ircd: FakeIrcd) => {
    ircd.person('zoe', { user: '~z', host: 'zoe.test' }).join('#chan').becomeOperator('#chan').mode('#chan', '+v', 'zoe');
    const { world, id } = await bridge(t, ircd);
    const detail = async (channels: readonly ChannelId[]) => (await world.adapter.user(remoteUserId('local/zoe'), channels))?.detail;
    return [await detail([id]), await detail(['local/#other' as ChannelId, 'else/#chan' as ChannelId])];
  };
  assert.deepEqual(await asked(await startFakeIrcd()), ['~z@zoe.test, operator and voice in #chan', '~z@zoe.test']);
  const only = capabilities('userhost-in-names');
  assert.deepEqual(await asked(await startFakeIrcd({ capabilities: only })), ['~z@zoe.test, operator in #chan', '~z@zoe.test']);
});

/** A network without an adapter around it, so that its picture of the members can be looked at. */
async function network(t: { after(end: () => Promise<void>): void }, ircd: FakeIrcd): Promise<IrcNetwork> {
  const lists: ChannelId[] = [];
  const { tools } = keepTools({ members: (id) => void lists.push(id) });
  const { networks } = ircSettings.parse({ networks: { local: { host: '127.0.0.1', port: ircd.port, tls: false, flood: 'off' } } });
  const settings = networks.local;
  assert.ok(settings !== undefined);
  const made = new IrcNetwork({ id: 'local', settings, keys: () => [], tools, timing: usualTiming, open: openConnection });
  t.after(() => made.stop());
  t.after(() => ircd.close());
  made.start();
  await made.watching.watch('local/#chan' as ChannelId);
  await until('the member list', () => lists[0]);
  return made;
}

test('multi-prefix: who is operator and has a voice still has it when they are operator no more', async (t) => {
  const after = async (ircd: FakeIrcd) => {
    ircd.person('zoe').join('#chan').becomeOperator('#chan').mode('#chan', '+v', 'zoe');
    const { presence } = await network(t, ircd);
    const before = presence.signs('#chan', 'zoe');
    ircd.mode('#chan', '-o', 'zoe');
    await until('the change', () => presence.signs('#chan', 'zoe') !== before || undefined);
    return [before, presence.signs('#chan', 'zoe')];
  };
  assert.deepEqual(await after(await startFakeIrcd()), ['@+', '+']);
  assert.deepEqual(
    await after(await startFakeIrcd({ capabilities: capabilities('message-tags') })),
    ['@', ''],
    'else the voice is lost sight of',
  );
});
