// The people of the fake: what they do without the API, what they are refused, what they see.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GitterFault } from '../support/fake-gitter.ts';
import { apiOf, listen, org } from './org.ts';

test('people talk in rooms by name, id or object, and with each other', async (t) => {
  const { gitter, ann, bob, room } = await org(t);
  ann.say('org/room', 'by uri');
  bob.say(room.id, 'by id');
  ann.say(bob, 'between us');
  assert.deepEqual(bob.texts('org/room'), ['by uri', 'by id']);
  assert.deepEqual(bob.texts(ann), ['between us']);
  assert.equal(ann.open(bob).isOneToOne, true);
  assert.equal(bob.unread(ann).length, 1);
  bob.read(ann);
  assert.deepEqual(bob.unread(ann), []);
  assert.equal(ann.sees(bob)[0]?.readBy, 1);
  const cat = gitter.addPerson('cat');
  assert.throws(() => cat.sees(ann.open(bob)), { name: 'GitterFault', status: 403 });
});

test('what Gitter forbids to a person it forbids here, as a fault with its status', async (t) => {
  const { gitter, ann, bob, room } = await org(t);
  const id = ann.say(room, 'hers');
  const refused: readonly (readonly [act: () => unknown, status: number])[] = [
    [() => bob.edit(id, 'his'), 403],
    [() => bob.delete(id), 403],
    [() => bob.setTopic(room, 'x'), 403],
    [() => bob.kick(room, ann), 403],
    [() => bob.say('org/none', 'x'), 404],
    [() => bob.createRoom('org/new'), 403],
    [() => bob.open(bob), 400],
    [() => gitter.addPerson('cat').say(room, 'not in it'), 403],
  ];
  for (const [act, status] of refused) assert.throws(act, (fault) => fault instanceof GitterFault && fault.status === status);
});

test('an admin of the community has rooms made and all of them to govern', async (t) => {
  const { gitter } = await org(t);
  const founder = gitter.addPerson('founder');
  gitter.addGroup('fresh', { admins: [founder], name: 'Fresh Things' });
  const room = founder.createRoom('fresh/talk', { topic: 'Begin' });
  founder.setTopic(room, 'Go on');
  const { body } = await apiOf(gitter, gitter.tokenOf(founder))('POST', '/rooms', { uri: 'fresh/talk' });
  assert.deepEqual([body.name, body.topic, body.group.name], ['Fresh Things/talk', 'Go on', 'Fresh Things']);
  gitter.renameRoom(room, 'fresh/chat');
  assert.equal(gitter.world.roomAt('FRESH/chat'), room);
});

test('new names and pictures are told to the person alone, and seen in what they say next', async (t) => {
  const world = await org(t);
  const { gitter, ann, bob, room, token } = world;
  const [own, other] = [listen(world, gitter.tokenOf(ann)), listen(world, token)];
  await own.subscribe(`/user/${ann.id}`);
  await other.subscribe(`/rooms/${room.id}/users`);
  ann.setDisplayName('Ann the Great');
  ann.rename('anna');
  await own.until('both', () => own.heard.length === 2);
  ann.say(room, 'hello');
  const [seen] = bob.sees(room);
  assert.deepEqual(seen?.fromUser, own.heard[1]?.data.model);
  assert.equal(other.heard.length, 0);
});

test('a closed account is a ghost from then on', async (t) => {
  const { gitter, ann, bob, room } = await org(t);
  const token = gitter.tokenOf(bob);
  bob.say(room, 'farewell');
  gitter.closeAccount(bob);
  assert.equal((await apiOf(gitter, token)('GET', '/user')).status, 401);
  const from = ann.sees(room)[0]?.fromUser;
  assert.deepEqual(typeof from === 'object' && [from.id, from.username, from.removed], [bob.id, 'ghost', true]);
});

test('waiting tells what was there instead', async (t) => {
  const { ann, room } = await org(t);
  ann.say(room, 'something else');
  await assert.rejects(ann.waitForMessage(room, 'hello', { timeout: 20 }), /ann did not see hello.*ann: something else/);
  setTimeout(() => ann.say(room, 'hello'), 10);
  assert.equal((await ann.waitForMessage(room, /^hel/)).text, 'hello');
});
