import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openLookups } from '../../../bridge-core/control/third-party.ts';
import { RetryableError } from '../../../bridge-core/errors.ts';
import { userId } from '../../../bridge-core/ids.ts';
import { Roster } from '../../../bridge-core/membership/roster.ts';
import { Links } from '../../../bridge-core/plumbing/links.ts';
import { Ghosts } from '../../../bridge-core/virtual-users/ghosts.ts';
import { channel, names, person, room, startRig } from '../rig.ts';

async function start(t: TestContext) {
  const rig = await startRig(t);
  const { homeserver, store, log, network } = rig;
  const roster = new Roster({ store, members: (id) => homeserver.joinedMembers(id) });
  const links = new Links({ store });
  const ghosts = new Ghosts({ store, homeserver, names, places: roster, log });
  network.known.set(person('alice').id, person('Alice', 'Alice'));
  const { adapter } = network;
  const opened: string[] = [];
  const portals = {
    open: async (alias: string) => opened.push(alias) > 0 && alias.includes('open'),
    aliasFor: async (id: string) => (id === channel('#open') ? names.aliasOf({ network: 'libera', channel: '#open' }) : undefined),
  };
  const protocol = { id: 'irc', name: 'IRC' };
  const lookups = openLookups({ protocol, adapter, homeserver, links, ghosts, names, portals, log });
  return { rig, links, opened, ...lookups };
}

const alice = userId('@irc_libera_alice:hs.test');
const libera = 'irc.libera.test';

test('the protocol is described with each network and the bot', async (t) => {
  const { rig, thirdParty } = await start(t);
  const described = (await thirdParty.protocol('irc')) as Record<string, unknown>;
  assert.deepEqual(described.user_fields, ['domain', 'nick']);
  assert.deepEqual((described.instances as unknown[])[0], {
    network_id: 'libera',
    bot_user_id: rig.bot,
    desc: 'Libera',
    icon: '',
    fields: { domain: libera },
  });
  assert.equal(await thirdParty.protocol('slack'), undefined);
  assert.equal(await thirdParty.user('slack', {}), undefined);
  assert.equal(await thirdParty.location('slack', {}), undefined);
});

test('people are found both ways, in the letters that their ghost has', async (t) => {
  const { thirdParty } = await start(t);
  const expected = [{ userid: alice, protocol: 'irc', fields: { domain: libera, nick: 'alice' } }];
  assert.deepEqual(await thirdParty.user('irc', { domain: libera, nick: 'ALICE' }), expected);
  assert.deepEqual(await thirdParty.userOf(alice), expected);
  assert.deepEqual(await thirdParty.user('irc', { domain: libera, nick: 'nobody' }), []);
  assert.deepEqual(await thirdParty.user('irc', { domain: 'irc.other.test', nick: 'alice' }), []);
  assert.deepEqual(await thirdParty.user('irc', {}), []);
  assert.deepEqual(await thirdParty.userOf(userId('@op:hs.test')), []);
});

test('a channel is where a public room is linked to it, and both ways', async (t) => {
  const { rig, links, thirdParty } = await start(t);
  const open = rig.fake.createRoom({ creator: rig.bot, alias: '#open:hs.test' });
  rig.fake.setState(rig.bot, open, 'm.room.canonical_alias', '', { alias: '#open:hs.test' });
  const closed = rig.fake.createRoom({ creator: rig.bot, joinRule: 'invite' });
  rig.fake.setState(rig.bot, closed, 'm.room.canonical_alias', '', { alias: '#closed:hs.test' });
  for (const id of [open, closed]) await links.add({ room: room(id), channel: channel('#node'), origin: 'config', state: 'live' });
  const fields = { domain: libera, channel: '#node' };
  assert.deepEqual(await thirdParty.location('irc', { domain: libera, channel: '#Node' }), [
    { alias: '#open:hs.test', protocol: 'irc', fields },
  ]);
  assert.deepEqual(await thirdParty.locationOf('#open:hs.test'), [{ alias: '#open:hs.test', protocol: 'irc', fields }]);
  assert.deepEqual(await thirdParty.location('irc', { domain: libera, channel: '#none' }), []);
  assert.deepEqual(await thirdParty.locationOf('#nowhere:hs.test'), []);
  const own = names.aliasOf({ network: 'libera', channel: '#node' });
  assert.deepEqual(await thirdParty.locationOf(own), [{ alias: own, protocol: 'irc', fields }]);
});

test('a ghost is made for whom the network confirms, and for nobody else', async (t) => {
  const { rig, userExists } = await start(t);
  assert.equal(await userExists(alice), true);
  assert.equal(rig.fake.world.users.get(alice)?.name, 'Alice');
  for (const id of ['@irc_libera_nobody:hs.test', '@irc_other_alice:hs.test', '@irc_libera_=61lice:hs.test', '@op:hs.test']) {
    assert.equal(await userExists(userId(id)), false, id);
    assert.equal(rig.fake.world.users.has(id), false);
  }
  assert.equal(await userExists(rig.bot), true);
});

test('a network that cannot be asked confirms nobody new, and takes back nobody', async (t) => {
  const { rig, userExists } = await start(t);
  await userExists(alice);
  rig.network.adapter.user = async () => {
    throw new RetryableError('NETWORK_UNREACHABLE', 'away');
  };
  assert.equal(await userExists(alice), true);
  assert.equal(await userExists(userId('@irc_libera_ben:hs.test')), false);
});

test('an alias exists where a room may be made for it, and look-ups tell of it before there is one', async (t) => {
  const { opened, aliasExists, thirdParty } = await start(t);
  const alias = names.aliasOf({ network: 'libera', channel: '#open' });
  assert.equal(await aliasExists(alias), true);
  assert.equal(await aliasExists('#irc_libera_=23node:hs.test'), false);
  assert.deepEqual(opened, [alias, '#irc_libera_=23node:hs.test']);
  assert.deepEqual(await thirdParty.location('irc', { domain: libera, channel: '#Open' }), [
    { alias, protocol: 'irc', fields: { domain: libera, channel: '#open' } },
  ]);
});
