// Rooms for Gitter's rooms on a real Synapse: made when somebody joins an alias or an admin has one made, several on one room of Gitter, found by
// the directory and by look-ups, replaced by an upgrade, renamed in Gitter.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MatrixPerson } from '../../support/matrix-person.ts';
import { until } from '../../support/waiting.ts';
import { openGitterStage } from './stage.ts';

const patient = { timeout: 180_000 };
const soon = { timeout: 60_000 };

const stage = await openGitterStage({
  config: { portals: { aliases: true, directory: true, beside_links: true } },
  gitter: { rate: { calls: 1_000, window: 60_000 } },
  // Synapse lists nothing unless told.
  synapse: { settings: { room_list_publication_rules: [{ action: 'allow' }] } },
});
const { alice, ann, bob, bridge, channel, gitter, room } = stage;
const dora = await stage.matrixPerson('dora');
await dora.setDisplayName('Dora');
const garden = gitter.addRoom('org/Garden', [ann], { topic: 'of flowers' });
const aliasOf = (name: string) => `#gitter_org=2F${name}:hs.test`;

async function crosses(who: MatrixPerson, where: string, place: typeof channel, words: string): Promise<void> {
  ann.say(place, `${words}, from there`);
  assert.equal((await who.waitForText(where, `${words}, from there`, soon)).sender, stage.ghostOf(ann));
  await who.say(where, `${words}, from here`);
  await ann.waitForMessage(place, `${words}, from here`, soon);
}

test('joining an alias makes a room for the room of Gitter, which lines cross into and out of', patient, async () => {
  const portal = await alice.join(aliasOf('garden'));
  assert.equal((await alice.state(portal, 'm.room.name')).name, 'org/Garden');
  assert.equal((await alice.state(portal, 'm.room.topic')).topic, 'of flowers');
  assert.deepEqual(await alice.state(portal, 'm.room.bridging', 'gitter://127.0.0.1/org/garden'), {
    user_id: stage.botId,
    status: 'success',
  });
  await gitter.waitForListener(garden, 'matrixbot', soon);
  await crosses(alice, portal, garden, 'flowers');
  await assert.rejects(alice.join(aliasOf('nowhere')), { status: 404 });
  const listed = await until('the room in the directory', async () => {
    const filter = { generic_search_term: 'garden' };
    const { chunk } = await alice.call<{ chunk: { room_id: string }[] }>('POST', '/v3/publicRooms', { filter });
    return chunk.find(({ room_id }) => room_id === portal);
  });
  assert.ok(listed);
});

test('people and rooms are looked up by their names', patient, async () => {
  const ask = <Answer>(path: string) => alice.call<Answer>('GET', `/v3/thirdparty/${path}`);
  const { gitter: protocol } =
    await ask<Record<string, { user_fields: string[]; location_fields: string[]; instances: { desc: string }[] }>>('protocols');
  assert.deepEqual([protocol?.user_fields, protocol?.location_fields], [['username'], ['room']]);
  assert.deepEqual(
    protocol?.instances.map(({ desc }) => desc),
    ['Gitter'],
  );
  assert.deepEqual(await ask('user/gitter?username=ann'), [
    { userid: stage.ghostOf(ann), protocol: 'gitter', fields: { username: 'ann' } },
  ]);
  assert.deepEqual(await ask('user/gitter?username=nobody'), []);
  const places = await ask<{ alias: string; fields: object }[]>('location/gitter?room=org/garden');
  assert.deepEqual(places, [{ alias: aliasOf('garden'), protocol: 'gitter', fields: { room: 'org/garden' } }]);
});

test(
  'several rooms on one room of Gitter: each hears the others and Gitter once, everybody under their own name; edits and removals follow',
  patient,
  async () => {
    const other = await dora.join(aliasOf('room'));
    assert.notEqual(other, room);
    ann.say(channel, 'to both');
    for (const [who, where] of [[alice, room] as const, [dora, other] as const]) await who.waitForText(where, 'to both', soon);
    const said = await dora.say(other, 'from the other');
    const heard = await bob.waitForMessage(channel, 'from the other', soon);
    assert.equal(heard.virtualUser?.displayName, 'Dora');
    const shown = await alice.waitForText(room, /from the other/, soon);
    assert.match(String(shown.content.body), /Dora/);
    await dora.edit(other, said, 'from the other, edited');
    const isEdit = ({ room: where, content }: typeof shown) => where === room && /other, edited/.test(content['m.new_content']?.body ?? '');
    assert.equal((await alice.waitFor(isEdit, soon)).content['m.relates_to'].event_id, shown.event_id);
    await dora.redact(other, said);
    await bob.waitForRemoval(heard.id, soon);
    await alice.waitFor(
      ({ type, redacts, content }) => type === 'm.room.redaction' && (redacts ?? content.redacts) === shown.event_id,
      soon,
    );
    const count = (who: MatrixPerson, where: string) => who.messages(where).filter(({ content }) => content.body === 'to both').length;
    assert.deepEqual([count(alice, room), count(dora, other)], [1, 1]);
  },
);

test('an admin has a room made by the old word for it, and the bot leaves one that is not linked', patient, async () => {
  const admin = await stage.matrixPerson('admin');
  const chat = await stage.chatOf(admin);
  const meadow = gitter.addRoom('org/meadow', [ann]);
  const answer = await stage.ask(admin, chat, 'mkportal org/meadow', /org\/meadow/);
  assert.ok(answer.includes(aliasOf('meadow')), answer);
  const made = await admin.join(aliasOf('meadow'));
  assert.ok(answer.includes(made), answer);
  await gitter.waitForListener(meadow, 'matrixbot', soon);
  await crosses(admin, made, meadow, 'grass');
  assert.match(await stage.ask(admin, chat, `leave ${made}`), /that room is linked/);
  assert.match(await stage.ask(alice, await stage.chatOf(alice), 'mkportal org/garden'), /needs the permission “admin”/);
  const stale = await stage.openRoom({ name: 'stale' }, admin);
  assert.match(await stage.ask(admin, chat, `leave ${stale}`), /I have left/);
  await until('the bot to be out', async () => !(await admin.members(stale)).has(stage.botId) || undefined);
});

test('the link goes along into the room’s upgrade, and along with the room of Gitter that is renamed', patient, async () => {
  const fresh = await alice.upgrade(room, '12');
  await until('the link to follow', async () => {
    const { output } = await bridge.command('links', bridge.fileOf('gitter'), '--json');
    return (JSON.parse(output) as { room: string; state: string }[]).some((link) => link.room === fresh && link.state === 'live');
  });
  await crosses(alice, fresh, channel, 'upgraded');
  gitter.renameRoom(channel, 'org/renamed');
  await crosses(alice, fresh, channel, 'renamed');
});
