// Rooms that people of ours are in by their own accounts: heard by their own logins, once, whoever else hears them, and no longer once they
// are out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelId, userId } from '#bridge-core';
import type { Room } from '../../support/fake-gitter.ts';
import { until } from '../../support/waiting.ts';
import { type GitterEvents, heard, loginOf, type Wish, withAdapter } from './with-gitter.ts';

const [ann, bob] = [userId('@ann:hs.test'), userId('@bob:hs.test')];
const quickly = { timeout: 180_000 };

const texts = (events: GitterEvents): string[] => events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : []));

const moves = (events: GitterEvents, channel: ChannelId): string[] =>
  events.flatMap((event) => (event.kind === 'membership' && event.channel === channel ? [`${event.user.name} ${event.change}`] : []));

type Org = Awaited<ReturnType<typeof withAdapter>>;

/** A private room of Ann and Bob in which the relay account is not; Ann is logged in and listens. */
async function withSecret(t: Parameters<typeof withAdapter>[0], wish: Wish = {}) {
  const org = await withAdapter(t, wish);
  const secret = org.gitter.addRoom('org/secret', [org.ann, org.bob], { isPrivate: true });
  await org.adapter.signIn(loginOf(org, org.ann, ann));
  const channel = (await org.adapter.channels.resolve('org/secret', ann))?.id;
  assert.ok(channel);
  await until('her rooms', () => org.adapter.channels.isIn(channel, ann));
  await org.adapter.watch(channel, ann);
  return { ...org, secret, secretId: channel };
}

const heardBy = (org: Org, room: Room, username: string) => org.gitter.waitForListener(room, username);

const listensTo = ({ gitter }: Org, room: Room, username: string, what = 'chatMessages'): boolean =>
  gitter.faye.clientsOf(username).some((client) => client.subscriptions.has(`/rooms/${room.id}/${what}`));

test('a private room that the relay account is not in is heard by its person’s own login', quickly, async (t) => {
  const org = await withSecret(t);
  const { adapter, bob: native, secret, secretId, events } = org;
  const listed: string[] = [];
  for await (const { name } of adapter.channels.of(ann)) listed.push(name);
  assert.deepEqual(listed.sort(), ['org/room', 'org/secret']);
  native.say(secret, 'between us');
  assert.equal((await heard(events, 'message')).channel, secretId);
  org.ann.say(secret, 'by other means');
  await heard(events, 'message', ({ body }) => body.text === 'by other means');
  const session = await adapter.session({ as: 'user', user: ann }, secretId);
  await session.send({ key: 'k', channel: secretId, body: { text: 'through us' }, style: 'text' });
  assert.equal(secret.messages.at(-1)?.user.username, 'ann');
  native.say(secret, 'the last');
  await heard(events, 'message', ({ body }) => body.text === 'the last');
  assert.deepEqual(texts(events), ['between us', 'by other means', 'the last']);
  assert.ok(!secret.members.has(org.relay.id));
  assert.equal(
    org.gitter.callsOf('POST /user/:user/rooms').filter(({ username }) => username === 'ann').length,
    0,
    'she was in it already',
  );
});

test('where the relay account listens too, each line is heard once; who goes on hears on', quickly, async (t) => {
  const org = await withAdapter(t);
  const { adapter, ann: native, bob: other, channel, room, events } = org;
  for (const [person, user] of [[native, ann] as const, [other, bob] as const]) {
    await adapter.signIn(loginOf(org, person, user));
    await until('where they are', () => adapter.channels.isIn(channel, user));
    await adapter.watch(channel, user);
  }
  const zoe = org.gitter.addPerson('zoe');
  await until('who comes to be told', () => listensTo(org, room, 'matrixbot', 'users') || undefined);
  zoe.join(room);
  zoe.say(room, 'to all');
  await heard(events, 'message');
  await adapter.unwatch(channel);
  zoe.say(room, 'to two');
  await heard(events, 'message', ({ body }) => body.text === 'to two');
  // The one that listens logs out: the other does, and what was said in between is read.
  await adapter.signOut(loginOf(org, native, ann));
  zoe.say(room, 'to one');
  await heard(events, 'message', ({ body }) => body.text === 'to one');
  await heardBy(org, room, 'bob');
  await delay(100);
  assert.deepEqual(texts(events), ['to all', 'to two', 'to one']);
  assert.deepEqual(moves(events, channel), ['zoe join']);
  assert.equal(adapter.channels.isIn(channel, ann), false, 'who is logged out is in nothing');
});

test('who is put out of a room of theirs hears nothing more of it; that, and their return, are told once', quickly, async (t) => {
  const org = await withSecret(t);
  const { adapter, bob: native, secret, secretId, events } = org;
  const founder = org.gitter.addPerson('founder');
  secret.members.set(founder.id, org.gitter.world.membership());
  secret.admins.add(founder.id);
  secret.admins.delete(org.ann.id);
  founder.kick(secret, org.ann);
  const { user } = await heard(events, 'membership', ({ change }) => change === 'leave');
  assert.equal(adapter.channels.isIn(secretId, ann), false);
  assert.deepEqual(adapter.speakerOf(user.id), { as: 'user', user: ann });
  // As the core does where a room of somebody's rests.
  await adapter.unwatch(secretId, ann);
  native.say(secret, 'without her');
  founder.add(secret, org.ann);
  await heard(events, 'membership', ({ change }) => change === 'join');
  await adapter.watch(secretId, ann);
  native.say(secret, 'here again');
  await heard(events, 'message');
  await delay(100);
  assert.deepEqual(texts(events), ['here again']);
  assert.deepEqual(moves(events, secretId), ['ann leave', 'ann join']);
});

/** Bob is logged in, and his own channel tells where he goes. */
async function withBob(t: Parameters<typeof withAdapter>[0]) {
  const org = await withAdapter(t);
  const { adapter, channel, gitter } = org;
  await adapter.signIn(loginOf(org, org.bob, bob));
  await until('where he is', () => adapter.channels.isIn(channel, bob));
  const tells = () => gitter.faye.clientsOf('bob').some(({ subscriptions }) => subscriptions.has(`/user/${org.bob.id}/rooms`));
  await until('his own channel', () => tells() || undefined);
  await adapter.watch(channel, bob);
  return org;
}

test('who is put out of a room of theirs and let in again at once hears it as before', quickly, async (t) => {
  const org = await withSecret(t);
  const { bob: native, gitter, secret, secretId, events } = org;
  const founder = gitter.addPerson('founder');
  secret.members.set(founder.id, gitter.world.membership());
  secret.admins.add(founder.id);
  secret.admins.delete(org.ann.id);
  const isTold = () => ['chatMessages', 'users'].every((what) => listensTo(org, secret, 'ann', what));
  await until('all of it to be told', isTold);
  founder.kick(secret, org.ann);
  // In the same breath: Gitter, which tells her no more of the room, does not begin to by itself.
  founder.add(secret, org.ann);
  assert.equal(isTold(), false);
  await until('all of it to be told again', isTold);
  native.say(secret, 'here again');
  await heard(events, 'message');
  assert.deepEqual(moves(events, secretId), ['ann leave', 'ann join']);
});

test('who is in two rooms with the relay account and goes is told to be gone once', quickly, async (t) => {
  const org = await withBob(t);
  const { channel, room, events } = org;
  org.bob.leave(room);
  await heard(events, 'membership', ({ change }) => change === 'leave');
  org.bob.join(room);
  await heard(events, 'membership', ({ change }) => change === 'join');
  await delay(100);
  assert.deepEqual(
    moves(events, channel).map((move) => move.split(' ').at(-1)),
    ['leave', 'join'],
  );
});

test('where the room’s own channel tells of a going after the return, they are in, and both are told once', quickly, async (t) => {
  const org = await withBob(t);
  const { adapter, channel, gitter, room, events } = org;
  await until('the room’s channel', () => listensTo(org, room, 'matrixbot', 'users') || undefined);
  gitter.deliveryFault({ on: 'users/remove', username: 'matrixbot', times: 1, act: { delay: 500 } });
  const late = gitter.waitForDelivery('users/remove', ({ username }) => username === 'matrixbot');
  org.bob.leave(room);
  org.bob.join(room);
  await heard(events, 'membership', ({ change }) => change === 'join');
  await late;
  org.ann.say(room, 'behind it');
  await heard(events, 'message');
  await delay(100);
  assert.deepEqual(
    moves(events, channel).map((move) => move.split(' ').at(-1)),
    ['leave', 'join'],
  );
  assert.equal(adapter.channels.isIn(channel, bob), true);
});

test('somebody of ours who goes and is back at once has gone and come, however long the list of the banned takes', quickly, async (t) => {
  const org = await withBob(t);
  const { channel, gitter, room, events } = org;
  room.admins.add(org.relay.id);
  gitter.fault({ on: 'GET /rooms/:room/bans', act: { wait: 300 } });
  org.bob.leave(room);
  org.bob.join(room);
  await until('both', () => moves(events, channel).length >= 2 || undefined);
  assert.deepEqual(
    moves(events, channel).map((move) => move.split(' ').at(-1)),
    ['leave', 'join'],
  );
});

test('what their own channel tells behind the list, which was asked for meanwhile, is told once', quickly, async (t) => {
  const org = await withBob(t);
  const { adapter, channel, events, gitter, room } = org;
  await until('who goes to be told', () => listensTo(org, room, 'matrixbot', 'users'));
  gitter.deliveryFault({ username: 'bob', act: { delay: 1_500 } });
  org.bob.leave(room);
  await heard(events, 'membership', ({ change }) => change === 'leave');
  org.bob.join(room);
  await heard(events, 'membership', ({ change }) => change === 'join');
  gitter.clearFaults();
  for (const what of ['rooms/remove', 'rooms/create']) await gitter.waitForDelivery(what, ({ username }) => username === 'bob');
  // Behind them, by his own channel as well.
  const chat = org.ann.open(org.bob);
  await heardBy(org, chat, 'bob');
  await delay(100);
  assert.equal(adapter.channels.isIn(channel, bob), true);
  assert.deepEqual(
    moves(events, channel).map((move) => move.split(' ').at(-1)),
    ['leave', 'join'],
  );
});

test('a room that somebody is to listen to is heard once they are logged in; who left meanwhile is told to be gone', quickly, async (t) => {
  const org = await withAdapter(t);
  const { adapter, gitter, events } = org;
  const secret = gitter.addRoom('org/secret', [org.ann, org.bob], { isPrivate: true });
  const gone = gitter.addRoom('org/gone', [org.bob], { isPrivate: true });
  const [here, there] = ['gitter/org/secret', 'gitter/org/gone'] as ChannelId[];
  assert.ok(here !== undefined && there !== undefined);
  assert.equal(adapter.channels.isIn(here, ann), undefined, 'not known yet');
  await adapter.watch(here, ann);
  await adapter.watch(there, ann);
  org.bob.say(secret, 'while nobody listens');
  await adapter.signIn(loginOf(org, org.ann, ann));
  await heard(events, 'message', ({ body }) => body.text === 'while nobody listens');
  await heard(events, 'membership', (event) => event.channel === there && event.change === 'leave');
  assert.equal(adapter.channels.isIn(there, ann), false);
  org.bob.say(gone, 'nothing for her');
  org.bob.say(secret, 'the last');
  await heard(events, 'message', ({ body }) => body.text === 'the last');
  assert.deepEqual(texts(events), ['while nobody listens', 'the last']);
});

test('what a room of one’s own missed while its person’s channel was cut is read', quickly, async (t) => {
  const org = await withSecret(t);
  const { bob: native, gitter, secret, secretId, events, adapter } = org;
  native.say(secret, 'one');
  await heard(events, 'message');
  gitter.deliveryFault({ username: 'ann', act: 'lose' });
  native.say(secret, 'two');
  gitter.clearFaults();
  gitter.forgetFayeClients();
  await heard(events, 'message', ({ body }) => body.text === 'two');
  native.say(secret, 'three');
  await heard(events, 'message', ({ body }) => body.text === 'three');
  assert.deepEqual(texts(events), ['one', 'two', 'three']);
  assert.equal(adapter.channels.isIn(secretId, ann), true);
});

test('a room of one’s own that is renamed goes on under its new name', quickly, async (t) => {
  const moved: string[][] = [];
  const org = await withSecret(t, { inbox: { moved: async (from, to) => void moved.push([from, to]) } });
  const { bob: native, gitter, secret, secretId, events, adapter } = org;
  gitter.renameRoom(secret, 'org/hidden');
  await until('it moved', () => moved.length > 0 || undefined);
  assert.deepEqual(moved, [[secretId, 'gitter/org/hidden']]);
  assert.deepEqual([adapter.channels.isIn('gitter/org/hidden' as ChannelId, ann), adapter.channels.isIn(secretId, ann)], [true, false]);
  native.say(secret, 'still here');
  assert.equal((await heard(events, 'message')).channel, 'gitter/org/hidden');
});

test('new credentials of a login listen in place of the old ones', quickly, async (t) => {
  const org = await withSecret(t);
  const { adapter, bob: native, secret, events } = org;
  const chat = native.open(org.ann);
  await heardBy(org, chat, 'ann');
  const before = new Set(org.gitter.faye.clientsOf('ann'));
  await adapter.signIn(loginOf(org, org.ann, ann));
  const fresh = () => org.gitter.faye.clientsOf('ann').filter((client) => !before.has(client));
  await until('the new one', () => fresh().some((client) => client.subscriptions.has(`/rooms/${secret.id}/chatMessages`)) || undefined);
  await until('the chat', () => fresh().some((client) => client.subscriptions.has(`/rooms/${chat.id}/chatMessages`)) || undefined);
  native.say(secret, 'in the room');
  native.say(chat, 'in the chat');
  await heard(events, 'message', ({ body }) => body.text === 'in the room');
  await heard(events, 'message', ({ body }) => body.text === 'in the chat');
  assert.equal(texts(events).length, 2);
  assert.ok(listensTo(org, secret, 'ann'));
});

test('who logs out while new credentials take the place of the old ones is logged out', quickly, async (t) => {
  const org = await withSecret(t);
  const { adapter, gitter, secretId } = org;
  const login = loginOf(org, org.ann, ann);
  const again = adapter.signIn(login);
  await adapter.signOut(login);
  await again;
  await until('nothing of hers to listen', () => gitter.faye.clientsOf('ann').length === 0);
  assert.deepEqual([adapter.speakerOf(login.account), adapter.channels.isIn(secretId, ann)], [undefined, false]);
});
