// Somebody joins the alias of a channel that nobody linked: the bridge makes the room while the homeserver asks for it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { MatrixError } from '../support/matrix-person.ts';
import { until } from '../support/waiting.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

const stage = await openStage({
  channels: ['#stage'],
  // Synapse lists nothing unless told.
  synapse: { settings: { room_list_publication_rules: [{ action: 'allow' }] } },
  bridges: {
    irc: { config: { portals: { aliases: true, deny: ['#secret*'], directory: true, spaces: true, moderators: ['@alice:hs.test'] } } },
  },
});
const { alice } = stage;
const aliasOf = (name: string) => `#irc_local_=23${name}:hs.test`;
const bot = '@ircbot:hs.test';

test('joining an alias makes the room, and lines cross both ways', async () => {
  const bob = await stage.sitIn('bob', '#garden');
  bob.raw('TOPIC #garden :of flowers');
  await bob.settle();
  const room = await alice.join(aliasOf('garden'));
  assert.equal((await alice.state(room, 'm.room.name')).name, '#garden');
  assert.equal((await alice.state(room, 'm.room.create')).type, undefined);
  assert.deepEqual(await alice.state(room, 'm.room.bridging', 'irc://local.test/#garden'), { user_id: bot, status: 'success' });
  assert.equal((await alice.state(room, 'm.room.history_visibility')).history_visibility, 'joined');
  assert.equal((await alice.state(room, 'm.room.canonical_alias')).alias, aliasOf('garden'));
  const mark = alice.mark();
  bob.say('#garden', 'hello from IRC');
  await alice.waitForText(room, 'hello from IRC', { since: mark });
  await alice.say(room, 'hello from Matrix');
  await until('the line on IRC', () => ircLines(bob, '#garden').some((line) => line.endsWith(': hello from Matrix')));
  assert.deepEqual(roomLines(alice.heard, room, alice.userId), ['irc_local_bob: hello from IRC']);
});

test('many who join at once, or while the room is being made, come into one room', async () => {
  const people = await Promise.all(['carol', 'dave', 'erin', 'fred'].map((name) => stage.matrixPerson(name)));
  for (const [round, apart] of [0, 8, 16, 24, 32].entries()) {
    const joins = people.map(async (person, at) => {
      await delay(at * apart);
      return await person.join(aliasOf(`park-${round}`));
    });
    assert.equal(new Set(await Promise.all(joins)).size, 1);
  }
  const { output } = await stage.bridge.command('links', stage.bridge.fileOf('irc'), '--json');
  const parks = (JSON.parse(output) as { channel: string }[]).filter(({ channel }) => /#park-\d$/.test(channel));
  assert.equal(parks.length, 5);
});

test('the room stands in the directory, and a look-up names an alias before there is a room', async () => {
  const room = await alice.join(aliasOf('garden'));
  const filter = { generic_search_term: 'garden' };
  const listed = await until('the room', async () => {
    const { chunk } = await alice.call<{ chunk: { room_id: string; name?: string }[] }>('POST', '/v3/publicRooms', { filter });
    return chunk.find(({ room_id }) => room_id === room);
  });
  assert.equal(listed.name, '#garden');
  const location = await alice.call<{ alias: string }[]>('GET', '/v3/thirdparty/location/irc?domain=local.test&channel=%23meadow');
  assert.deepEqual(
    location.map(({ alias }) => alias),
    [aliasOf('meadow')],
  );
});

test('what is denied and what no network could have leads nowhere', async () => {
  for (const alias of [aliasOf('secret-plans'), '#irc_elsewhere_=23garden:hs.test', '#irc_local_garden:hs.test'])
    await assert.rejects(alice.join(alias), (error: MatrixError) => error.status === 404, alias);
});

test('a moderator of the settings may change the room, others may not, and nobody can encrypt it', async () => {
  const room = await alice.join(aliasOf('garden'));
  await alice.setState(room, 'm.room.topic', { topic: 'of trees' });
  const carol = await stage.matrixPerson('carla');
  await carol.join(room);
  await assert.rejects(carol.setState(room, 'm.room.topic', { topic: 'of weeds' }), (error: MatrixError) => error.status === 403);
  await assert.rejects(
    alice.setState(room, 'm.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' }),
    (error: MatrixError) => error.status === 403,
  );
});

test('the space of the network holds the room, and who joined is invited to it', async () => {
  const room = await alice.join(aliasOf('garden'));
  const space = await alice.waitForInvite(bot);
  await alice.join(space);
  assert.equal((await alice.state(space, 'm.room.create')).type, 'm.space');
  await until('the room in it', async () => Array.isArray((await alice.state(space, 'm.space.child', room))?.via));
  assert.equal((await alice.state(room, 'm.space.parent', space))?.canonical, true);
});

test('after a restart of the bridge, and of a bridge killed while it made one, the rooms carry on', async () => {
  const asked = alice.join(aliasOf('meadow')).catch(() => undefined);
  await until('the room', async () => (await alice.call('GET', `/v3/directory/room/${encodeURIComponent(aliasOf('meadow'))}`)) as object);
  await stage.bridge.kill();
  await asked;
  await stage.bridge.start();
  const room = await until('the alias', () => alice.join(aliasOf('meadow')));
  const bob = await stage.sitIn('bobby', '#meadow', '#garden');
  const garden = await alice.join(aliasOf('garden'));
  await until('the links', async () => {
    const links = await stage.bridge.links('irc');
    return links.filter(({ channel, state }) => /#(meadow|garden)$/.test(channel) && state === 'live').length === 2;
  });
  for (const [channel, where] of [
    ['#meadow', room],
    ['#garden', garden],
  ] as const) {
    const mark = alice.mark();
    await until('the bot in the channel', async () => {
      bob.say(channel, 'anybody?');
      return alice.waitForText(where, 'anybody?', { since: mark, timeout: 2_000 });
    });
  }
});
