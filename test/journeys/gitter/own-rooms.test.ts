// Rooms of people's own for Gitter's rooms, on a real Synapse: each logged-in person has theirs, private ones too, hears and speaks there by their
// own account, and is themselves here in what they say with Gitter's own client; beside it a shared room that several logins serve.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { MatrixPerson } from '../../support/matrix-person.ts';
import { until } from '../../support/waiting.ts';
import { openGitterStage } from './stage.ts';

const patient = { timeout: 180_000 };
const soon = { timeout: 60_000 };

const stage = await openGitterStage({
  config: { sidecar: true, double_puppeting: 'namespace' },
  gitter: { rate: { calls: 1_000, window: 60_000 } },
});
const { alice, ann, bob, bridge, channel, gitter, room } = stage;
const carol = await stage.matrixPerson('carol');
const cid = gitter.addPerson({ username: 'cid', displayName: 'Cid Example' });
const secret = gitter.addRoom('org/secret', [ann, bob], { isPrivate: true });
const garden = gitter.addRoom('org/garden', [ann, bob, cid]);

const bodies = (who: MatrixPerson, where: string) =>
  who.heard.flatMap(({ room: place, type, sender, content }) =>
    place === where && type === 'm.room.message' && content['m.new_content'] === undefined && sender !== stage.botId ? [content.body] : [],
  );
const postsOf = () => gitter.callsOf('POST /rooms/:room/chatMessages').length;

/** Resolves with the room. */
async function join(who: MatrixPerson, chat: string, name: string): Promise<string> {
  const made = /(!\S+)$/.exec(await stage.ask(who, chat, `join ${name}`, /is yours in/))?.[1] ?? '';
  await who.join(made).catch(() => undefined);
  return made;
}

let annsChat = '';
let cidsChat = '';
let hers = '';
let theirs = '';
let secretly = '';

test(
  'two log in, list the rooms that they are in, and have a private room each of one; a private room of Gitter is nobody else’s',
  patient,
  async () => {
    annsChat = await stage.logIn(alice, ann);
    cidsChat = await stage.logIn(carol, cid);
    await until('her list', async () => /org\/secret/.test(await stage.ask(alice, annsChat, 'list')) || undefined);
    const listed = await stage.ask(carol, cidsChat, 'list', /org\/garden/);
    assert.ok(!listed.includes('org/secret'), listed);
    hers = await join(alice, annsChat, 'org/garden');
    theirs = await join(carol, cidsChat, 'gitter org/garden');
    assert.notEqual(hers, theirs);
    assert.match(await stage.ask(carol, cidsChat, 'join org/secret'), /names no channel/);
    secretly = await join(alice, annsChat, 'org/secret');
    for (const where of [hers, secretly]) {
      assert.equal((await alice.state(where, 'm.room.join_rules')).join_rule, 'invite');
      assert.ok((await alice.members(where)).has(alice.userId), 'she is in without a word of hers');
    }
    bob.say(secret, 'between us');
    assert.equal((await alice.waitForText(secretly, 'between us', soon)).sender, stage.ghostOf(bob));
    await alice.say(secretly, 'and back');
    const heard = await bob.waitForMessage(secret, 'and back', soon);
    assert.deepEqual(
      [typeof heard.fromUser === 'string' ? heard.fromUser : heard.fromUser.username, heard.virtualUser],
      ['ann', undefined],
    );
    for (const place of [secret, garden]) assert.ok(!place.members.has(stage.relay.id), 'the relay account is in neither');
  },
);

test(
  'what they say there with Gitter’s own client is theirs here, changed and taken back too, and nothing of it goes back',
  patient,
  async () => {
    const before = postsOf();
    const first = ann.say(garden, 'from my fone');
    const shown = await alice.waitForText(hers, 'from my fone', soon);
    assert.equal(shown.sender, alice.userId);
    assert.equal((await carol.waitForText(theirs, 'from my fone', soon)).sender, stage.ghostOf(ann));
    ann.edit(first, 'from my phone');
    const isEdit = ({ room: where, content }: typeof shown) => where === hers && content['m.new_content']?.body === 'from my phone';
    assert.equal((await alice.waitFor(isEdit, soon)).sender, alice.userId);
    cid.say(garden, 'and from mine');
    assert.equal((await carol.waitForText(theirs, 'and from mine', soon)).sender, carol.userId);
    assert.equal((await alice.waitForText(hers, 'and from mine', soon)).sender, stage.ghostOf(cid));
    ann.delete(first);
    await alice.waitFor(({ room: where, type, sender }) => where === hers && type === 'm.room.redaction' && sender === alice.userId, soon);
    await delay(1_000);
    assert.equal(postsOf(), before, 'nothing went back');
  },
);

test('they speak by their own accounts, once in each room, over a restart of the bridge and what was said meanwhile', patient, async () => {
  await alice.say(hers, 'good morning');
  await bob.waitForMessage(garden, 'good morning', soon);
  await carol.waitForText(theirs, /good morning/, soon);
  await bridge.kill();
  ann.say(garden, 'said while it was away');
  bob.say(secret, 'whispered while it was away');
  await stage.startBridge();
  assert.equal((await alice.waitForText(hers, 'said while it was away', soon)).sender, alice.userId);
  await alice.waitForText(secretly, 'whispered while it was away', soon);
  await carol.say(theirs, 'all here');
  const heard = await bob.waitForMessage(garden, 'all here', soon);
  assert.equal(typeof heard.fromUser === 'string' ? heard.fromUser : heard.fromUser.username, 'cid');
  await alice.waitForText(hers, /all here$/, soon);
  const counts = ['good morning', 'said while it was away', 'all here'].map(
    (words) => bob.texts(garden).filter((text) => text === words).length,
  );
  assert.deepEqual(counts, [1, 1, 1]);
  assert.equal(bodies(alice, hers).filter((body) => body === 'said while it was away').length, 1);
});

test('a shared room is served by several logins at once: each by their own account, others by the relay', patient, async () => {
  const dora = await stage.matrixPerson('dora');
  for (const who of [carol, dora]) await who.join(room);
  const speakers = [alice, carol, dora] as const;
  for (const [number, who] of speakers.entries()) await who.say(room, `shared ${number}`);
  const found: unknown[] = [];
  for (const number of speakers.keys()) {
    const { virtualUser, fromUser } = await bob.waitForMessage(channel, `shared ${number}`, soon);
    found.push(virtualUser?.externalId ?? (typeof fromUser === 'string' ? fromUser : fromUser.username));
  }
  assert.deepEqual(found, ['ann', 'cid', `dora:${stage.synapse.domain}`]);
});

test(
  'a guest comes in by her word and is said by her account; a room is closed, and opened again; who leaves there hears no more',
  patient,
  async () => {
    const gil = await stage.matrixPerson('gil');
    assert.match(await stage.ask(alice, annsChat, `invite ${gil.userId} org/garden`, /invited/), /is invited/);
    await gil.join(hers);
    await gil.say(hers, 'may I?');
    const heard = await bob.waitForMessage(garden, /may I\?$/, soon);
    assert.match(heard.text, /gil/);
    assert.equal(heard.virtualUser, undefined);
    assert.match(await stage.ask(alice, annsChat, 'part org/garden', /closed/), /You are still in it on Gitter/);
    assert.ok(garden.members.has(ann.id));
    const again = await join(alice, annsChat, 'org/garden');
    bob.say(garden, 'is she back?');
    await alice.waitForText(again, 'is she back?', soon);
    const since = alice.mark();
    ann.leave(garden);
    await alice.waitForText(again, /left/i, { since, ...soon });
    bob.say(garden, 'without her');
    await carol.waitForText(theirs, 'without her', soon);
    assert.ok(!bodies(alice, again).includes('without her'));
  },
);

test('by a token of hers in place of the registration’s power; logging out closes the rooms that are left', patient, async () => {
  await bridge.stop();
  await bridge.configure('gitter', (config) => ({ ...config, double_puppeting: 'token' }));
  await stage.startBridge();
  bob.say(secret, 'are you there?');
  await alice.waitForText(secretly, 'are you there?', soon);
  ann.say(secret, 'not yet as myself');
  assert.equal((await alice.waitForText(secretly, 'not yet as myself', soon)).sender, stage.ghostOf(ann));
  const session = await alice.call<{ access_token: string }>('POST', '/v3/login', {
    ...{ type: 'm.login.password', identifier: { type: 'm.id.user', user: 'alice' }, password: alice.password },
  });
  await stage.ask(alice, annsChat, `double-puppet ${session.access_token}`, /shown as said by you from now on/);
  ann.say(secret, 'as myself');
  assert.equal((await alice.waitForText(secretly, 'as myself', soon)).sender, alice.userId);
  await stage.ask(alice, annsChat, 'logout', /no longer logged in/);
  const joined = () => alice.call<{ joined_rooms: string[] }>('GET', '/v3/joined_rooms').then(({ joined_rooms }) => joined_rooms);
  await until('her to be out', async () => !(await joined()).includes(secretly) || undefined);
  bob.say(garden, 'and the others');
  await carol.waitForText(theirs, 'and the others', soon);
});
