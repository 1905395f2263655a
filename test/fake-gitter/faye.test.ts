// Faye's own client on the fake's Bayeux server, over both transports.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { MessageShape } from '../support/fake-gitter.ts';
import { until } from '../support/waiting.ts';
import { apiOf, type Listening, listen, org } from './org.ts';

const transports = ['websocket', 'long-polling'] as const satisfies readonly NonNullable<Listening['transport']>[];

for (const transport of transports) {
  test(`${transport}: what happens in a room is heard in order, numbered from 1, by everybody who subscribed`, async (t) => {
    const world = await org(t);
    const { gitter, ann, bob, room, token, path } = world;
    const [one, other] = [listen(world, token, { transport }), listen(world, gitter.tokenOf(bob), { transport })];
    for (const each of [one, other]) assert.deepEqual(await each.subscribe(`${path}/chatMessages`), []);
    // The handshake goes over HTTP, and on a slow day whatever is said before the socket stands: what is said next takes it.
    await until('the transport', async () => {
      for (const { client } of [one, other]) await client.publish('/api/v1/ping2', { reason: 'ping' });
      return gitter.faye.clientsOf().every((client) => client.transport === transport) || undefined;
    });
    const first = ann.say(room, 'one');
    for (const text of ['two', 'three']) bob.say(room, text);
    ann.edit(first, 'one, better');
    ann.delete(bob.say(room, 'four'));
    bob.read(room, [first]);
    for (const each of [one, other]) {
      await each.until('seven things', () => each.heard.length === 7);
      const operations = each.heard.map(({ data }) => data.operation);
      assert.deepEqual(operations, ['create', 'create', 'create', 'update', 'create', 'remove', 'patch']);
      assert.deepEqual(each.numbers(), [1, 2, 3, 4, 5, 6, 7]);
      assert.deepEqual(each.texts(), ['one', 'two', 'three', 'four']);
      const [, , , edit, , removal, reading] = each.heard.map(({ data }) => data.model);
      assert.deepEqual([edit.text, typeof edit.editedAt, edit.v], ['one, better', 'string', 2]);
      assert.deepEqual(Object.keys(removal), ['id']);
      assert.deepEqual(reading, { id: first, readBy: 1, v: 3 });
    }
    assert.deepEqual(new Set(gitter.deliveries.items.map((delivery) => delivery.transport)), new Set([transport]));
  });

  test(`${transport}: after a cut the same client goes on, and gets what came meanwhile`, async (t) => {
    const world = await org(t);
    const { gitter, ann, room, token, path } = world;
    const bridge = listen(world, token, { transport });
    await bridge.subscribe(`${path}/chatMessages`);
    ann.say(room, 'before');
    await bridge.until('the first', () => bridge.heard.length === 1);
    gitter.cutFaye('relay');
    ann.say(room, 'meanwhile');
    await bridge.until('what came meanwhile', () => bridge.heard.length === 2);
    gitter.deliveryFault({ on: 'chatMessages/create', times: 1, act: { cut: 'before' } });
    ann.say(room, 'lost in the socket');
    await bridge.until('a connection again', () => gitter.faye.clientsOf('relay')[0]?.isReachable() === true);
    ann.say(room, 'after');
    await bridge.until('the last', () => bridge.heard.length === 3);
    assert.deepEqual(bridge.texts(), ['before', 'meanwhile', 'after']);
    assert.deepEqual(bridge.numbers(), [1, 2, 4]);
    assert.equal(gitter.faye.clientsOf('relay').length, 1);
  });

  test(`${transport}: a server that forgot its clients has them shake hands and subscribe anew`, async (t) => {
    const world = await org(t);
    const { gitter, ann, room, token, path } = world;
    const bridge = listen(world, token, { transport });
    await bridge.subscribe(`${path}/chatMessages`);
    ann.say(room, 'before');
    await bridge.until('the first', () => bridge.heard.length === 1);
    gitter.forgetFayeClients();
    ann.say(room, 'unheard');
    await gitter.waitForListener(room, 'relay');
    ann.say(room, 'after');
    await bridge.until('the last', () => bridge.heard.length === 2);
    assert.deepEqual(bridge.numbers(), [1, 1]);
    const snapshots = bridge.answers.flatMap(({ ext }) => (ext?.snapshot as readonly MessageShape[]) ?? []);
    assert.deepEqual(
      snapshots.map(({ text }) => text),
      ['before', 'unheard'],
    );
  });

  test(`${transport}: a server that was away for a while is found again`, async (t) => {
    const world = await org(t);
    const { gitter, ann, room, token, path } = world;
    const bridge = listen(world, token, { transport });
    await bridge.subscribe(`${path}/chatMessages`);
    await gitter.down();
    ann.say(room, 'while it was away');
    await delay(60);
    await gitter.up();
    await bridge.until('what was kept', () => bridge.texts().includes('while it was away'));
  });

  test(`${transport}: an idle connection is answered at its timeout and goes on`, async (t) => {
    // Faye's client gives a request up, and what is on its way in it, once it takes half as long again.
    const world = await org(t, { faye: { timeout: 1_000, patience: 60_000 } });
    const { ann, room, token, path } = world;
    const bridge = listen(world, token, { transport });
    await bridge.subscribe(`${path}/chatMessages`);
    const connects = () => bridge.answers.filter(({ channel, successful }) => channel === '/meta/connect' && successful).length;
    await bridge.until('three answers', () => connects() >= 3);
    ann.say(room, 'still here');
    await bridge.until('it', () => bridge.texts().includes('still here'));
  });
}

test('a client whose server is gone for good can still be ended', async (t) => {
  const world = await org(t);
  const bridge = listen(world, world.token);
  await bridge.subscribe('/ping');
  // The file ends by itself, or this does not hold.
  await world.gitter.down();
});

test('a client whose WebSocket is refused falls back to long-polling', async (t) => {
  const world = await org(t);
  const { gitter, ann, room, token, path } = world;
  gitter.fault({ on: 'UPGRADE /bayeux', act: { status: 403 } });
  const bridge = listen(world, token);
  await bridge.subscribe(`${path}/chatMessages`);
  ann.say(room, 'hello');
  await bridge.until('it', () => bridge.texts().includes('hello'));
  assert.deepEqual(
    gitter.deliveries.items.map(({ transport }) => transport),
    ['long-polling'],
  );
});

test('without a good token the handshake is refused for ever; with one it tells who it is for', async (t) => {
  const world = await org(t);
  const { relay, token } = world;
  const stranger = listen(world, 'f'.repeat(40));
  stranger.client.handshake();
  await stranger.until('the refusal', () => stranger.answers.length > 0);
  const [refusal] = stranger.answers;
  assert.deepEqual([refusal?.successful, refusal?.error?.slice(0, 5), refusal?.advice?.reconnect], [false, '401::', 'none']);
  const bridge = listen(world, token, { ext: { client: 'key', connType: 'online' } });
  await bridge.subscribe('/ping');
  assert.equal(bridge.answers[0]?.ext?.userId, relay.id);
  assert.equal(world.gitter.faye.clientsOf('relay')[0]?.ext.client, 'key');
});

test('a revoked token is told, and closes the client', async (t) => {
  const world = await org(t);
  const { gitter, token, api } = world;
  const bridge = listen(world, token);
  await bridge.subscribe(`/token/${token}`);
  await bridge.until('a line to it', () => gitter.faye.clientsOf('relay')[0]?.isReachable() === true);
  gitter.revoke(token);
  await bridge.until('the end', () => bridge.answers.at(-1)?.advice?.reconnect === 'none');
  assert.deepEqual(
    bridge.heard.map(({ data }) => data),
    [{ notification: 'token_revoked' }],
  );
  assert.equal(gitter.faye.clients.size, 0);
  assert.equal((await api('GET', '/user')).status, 401);
});

test('who may not read a room, or asks for what there is not, is refused', async (t) => {
  const world = await org(t);
  const { gitter, ann, bob, token, path } = world;
  const secret = gitter.addRoom('org/secret', [ann], { isPrivate: true });
  const bridge = listen(world, token);
  const denied = '403::Authorisation denied.';
  for (const channel of [`/rooms/${secret.id}/chatMessages`, `/user/${bob.id}/rooms`, '/token/other'])
    assert.equal(await bridge.subscribe(channel), denied);
  for (const channel of ['/everything', `${path}/widgets`, '/rooms/a/b/c/d/e'])
    assert.match(String(await bridge.subscribe(channel)), /^40[34]::/);
  assert.equal(await bridge.subscribe('/everything'), '404::Unknown subscription');
});

test('nothing can be published but a ping', async (t) => {
  const world = await org(t);
  const { room, ann, token, path } = world;
  const bridge = listen(world, token);
  await bridge.client.publish('/api/v1/ping2', { reason: 'ping' });
  await assert.rejects(Promise.resolve(bridge.client.publish(`/api/v1${path}/chatMessages`, { text: 'x' })), { code: 403 });
  assert.deepEqual(ann.texts(room), []);
});

test("snapshots hold the thirty newest messages without threads, or what was asked for; a room's is given on request alone", async (t) => {
  const world = await org(t);
  const { ann, bob, relay, room, token, path } = world;
  const ids = Array.from({ length: 40 }, (_, number) => ann.say(room, `message ${number + 1}`));
  bob.reply(room, ids[39] ?? '', 'in the thread');
  const texts = (snapshot: unknown) => (snapshot as readonly MessageShape[]).map(({ text }) => text);
  const usual = texts(await listen(world, token).subscribe(`${path}/chatMessages`));
  assert.deepEqual([usual.length, usual[0], usual.at(-1)], [30, 'message 11', 'message 40']);
  const few = await listen(world, token, { snapshot: { limit: 2, beforeInclId: ids[9], lean: true } }).subscribe(`${path}/chatMessages`);
  assert.deepEqual(texts(few), ['message 9', 'message 10']);
  assert.equal('issues' in ((few as object[])[0] ?? {}), false);
  const threads = await listen(world, token, { snapshot: { includeThreads: true } }).subscribe(`${path}/chatMessages`);
  assert.equal(texts(threads).at(-1), 'in the thread');
  const silent = listen(world, token, { snapshot: false });
  assert.equal(await silent.subscribe(`${path}/chatMessages`), undefined);
  const bridge = listen(world, token);
  const users = (await bridge.subscribe(`${path}/users`)) as { username: string; role?: string }[];
  assert.deepEqual(
    users.map(({ username, role }) => [username, role]),
    [
      ['ann', 'admin'],
      ['bob', undefined],
      ['relay', undefined],
    ],
  );
  const rooms = (await bridge.subscribe(`/user/${relay.id}/rooms`)) as { uri: string }[];
  assert.deepEqual(
    rooms.map(({ uri }) => uri),
    ['org/room'],
  );
  assert.equal(await bridge.subscribe(path), undefined);
  const asked = (await listen(world, token, { snapshot: true }).subscribe(path)) as { topic: string };
  assert.equal(asked.topic, 'All of it');
});

test('a subscription hears from the moment it is made, though its snapshot may come later', async (t) => {
  const world = await org(t, { quirks: { snapshotDelay: 50 } });
  const { gitter, ann, room, token, path } = world;
  const bridge = listen(world, token);
  const snapshot = bridge.subscribe(`${path}/chatMessages`);
  await gitter.waitForListener(room, 'relay');
  ann.say(room, 'between');
  assert.deepEqual(await snapshot, []);
  await bridge.until('what was said before it was answered', () => bridge.texts().length > 0);
  assert.deepEqual(bridge.texts(), ['between']);
});

test('joins, leaves, topic and presence are told; a crowd joins in silence', async (t) => {
  const world = await org(t);
  const { gitter, ann, bob, room, token, path } = world;
  const bridge = listen(world, token);
  for (const channel of [path, `${path}/users`]) await bridge.subscribe(channel);
  const cat = gitter.addPerson('cat');
  cat.join(room);
  cat.leave(room);
  ann.kick(room, bob);
  ann.setTopic(room, 'New');
  cat.setPresence(room, 'in');
  const looking = listen(world, gitter.tokenOf(cat), { ext: { troupeId: room.id } });
  await looking.subscribe('/ping');
  await looking.client.disconnect();
  const ofUsers = () => bridge.heard.filter(({ channel }) => channel.endsWith('/users')).map(({ data }) => [data.operation, data.model.id]);
  const presence = () => bridge.heard.filter(({ data }) => data.notification === 'presence').map(({ data }) => [data.userId, data.status]);
  await bridge.until('all', () => presence().length === 3);
  assert.deepEqual(ofUsers(), [
    ['create', cat.id],
    ['remove', cat.id],
    ['remove', bob.id],
  ]);
  assert.deepEqual(presence(), [
    [cat.id, 'in'],
    [cat.id, 'in'],
    [cat.id, 'out'],
  ]);
  assert.ok(bridge.heard.some(({ channel, data }) => channel.endsWith(path) && data.operation === 'patch' && data.model.topic === 'New'));
  const crowd = Array.from({ length: 120 }, (_, number) => gitter.addPerson(`fan${number}`));
  for (const fan of crowd) fan.join(room);
  ann.setTopic(room, 'Crowded');
  await bridge.until('the last', () => bridge.heard.some(({ data }) => data.model?.topic === 'Crowded'));
  assert.equal(ofUsers().length, 3 + 98);
});

test('who is removed from a room hears no more of it', async (t) => {
  const world = await org(t);
  const { gitter, ann, bob, room, path } = world;
  const theirs = listen(world, gitter.tokenOf(bob));
  for (const channel of [`${path}/chatMessages`, `/user/${bob.id}/rooms`]) await theirs.subscribe(channel);
  ann.kick(room, bob);
  ann.say(room, 'without bob');
  ann.add(room, bob);
  await theirs.until('the room again', () => theirs.heard.some(({ data }) => data.operation === 'create'));
  assert.deepEqual(
    theirs.heard.filter(({ data }) => data.operation !== 'patch').map(({ channel, data }) => [channel.split('/').at(-1), data.operation]),
    [
      ['rooms', 'remove'],
      ['rooms', 'create'],
    ],
  );
});

test("a thread's counter, an emptied parent and a virtual user come as Gitter tells them", async (t) => {
  const world = await org(t);
  const { gitter, ann, bob, relay, room, token, path } = world;
  const bridge = listen(world, token);
  await bridge.subscribe(`${path}/chatMessages`);
  const parent = ann.say(room, 'parent');
  bob.reply(room, parent, 'child');
  ann.delete(parent);
  const approved = apiOf(gitter, gitter.tokenOf(relay, gitter.addClient({ mayUseVirtualUsers: true })));
  const virtualUser = { type: 'matrix', externalId: 'mx:example.org', displayName: 'Mx' };
  await approved('POST', `${path}/chatMessages`, { text: 'from afar', virtualUser });
  await bridge.until('five', () => bridge.heard.length === 5);
  const [, child, counter, emptied, afar] = bridge.heard.map(({ data }) => data.model);
  assert.equal(child.parentId, parent);
  assert.deepEqual([counter.id, counter.threadMessageCount, counter.editedAt, counter.v], [parent, 1, undefined, 2]);
  assert.deepEqual([emptied.id, emptied.text, emptied.html, emptied.editedAt], [parent, '', '', undefined]);
  assert.deepEqual([afar.fromUser.id, afar.virtualUser], ['matrix-mx:example.org', virtualUser]);
});

test('what is unread, and who is meant, is told to each', async (t) => {
  const world = await org(t);
  const { gitter, ann, bob, room } = world;
  const theirs = listen(world, gitter.tokenOf(bob));
  for (const channel of [`/user/${bob.id}`, `/user/${bob.id}/rooms/${room.id}/unreadItems`]) await theirs.subscribe(channel);
  const id = ann.say(room, 'for @bob');
  bob.read(room);
  await theirs.until('three', () => theirs.heard.length === 3);
  assert.deepEqual(
    theirs.heard.map(({ data }) => [data.notification, data.items]),
    [
      ['unread_items', { chat: [id], mention: [id] }],
      ['user_notification', undefined],
      ['unread_items_removed', { chat: [id] }],
    ],
  );
});
