// REST about people, rooms, membership and bans, with plain fetch.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { apiOf, org } from './org.ts';

test('the caller is an array of one; others are found by name and have public profiles', async (t) => {
  const { gitter, relay, bob, api } = await org(t);
  const { status, body } = await api('GET', '/user');
  assert.deepEqual([status, body.length, body[0].username, body[0].id], [200, 1, 'relay', relay.id]);
  assert.equal((await api('GET', '/user/me')).body.id, relay.id);
  assert.equal((await api('GET', `/user/${bob.id}`)).status, 403);
  assert.deepEqual(
    (await api('GET', '/user?q=BOB')).body.results.map((user: { displayName: string }) => user.displayName),
    ['Bob Example'],
  );
  assert.equal((await api('GET', '/users/Bob')).body.id, bob.id);
  assert.equal((await api('GET', '/users/nobody')).status, 404);
  bob.setAvatar(Buffer.from('new'));
  const { avatarUrlMedium } = (await api('GET', '/users/bob')).body;
  assert.equal(await (await fetch(avatarUrlMedium)).text(), 'new');
  const picture = await fetch((await api('GET', '/user/me')).body.avatarUrl);
  assert.deepEqual([picture.headers.get('content-type'), (await picture.bytes())[1]], ['image/png', 0x50]);
  assert.equal(gitter.callsOf('GET /users/:name').length, 3);
});

test('a token is taken from header, query or body; without one that is good all is 401', async (t) => {
  const { gitter, token } = await org(t);
  const status = async (path: string, init: RequestInit = {}) => (await fetch(gitter.apiUrl + path, init)).status;
  assert.equal(await status('/user', { headers: { 'x-access-token': token } }), 200);
  assert.equal(await status(`/user?access_token=${token}`), 200);
  const body = JSON.stringify({ uri: 'org/room', access_token: token });
  assert.equal(await status('/rooms', { method: 'POST', body, headers: { 'content-type': 'application/json' } }), 200);
  assert.equal(await status('/user', { headers: { authorization: 'Bearer wrong' } }), 401);
  gitter.revoke(token);
  assert.equal(await status('/user', { headers: { authorization: `Bearer ${token}` } }), 401);
});

test('wrong ids give 400, unknown ones 404, private rooms 403, each with its error in JSON', async (t) => {
  const { gitter, ann, api } = await org(t);
  const secret = gitter.addRoom('org/secret', [ann], { isPrivate: true });
  const answers = await Promise.all(['/rooms/nonsense', `/rooms/${'a'.repeat(24)}`, `/rooms/${secret.id}`].map((path) => api('GET', path)));
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body.error]),
    [
      [400, 'Bad Request'],
      [404, 'Not Found'],
      [403, 'Forbidden'],
    ],
  );
  assert.equal((await api('GET', '/nowhere')).status, 404);
});

test('a chunked body is refused', async (t) => {
  const { gitter, token, path } = await org(t);
  const status = await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
    const call = request(`${gitter.apiUrl}${path}/chatMessages`, { method: 'POST', headers }, ({ statusCode }) => resolve(statusCode));
    call.on('error', reject);
    call.end('{"text":"x"}');
  });
  assert.equal(status, 411);
});

test('a uri is resolved without joining, in whatever case; joining takes the id', async (t) => {
  const { gitter, ann, relay, api } = await org(t);
  const other = gitter.addRoom('Org/Other', [ann]);
  const found = await api('POST', '/rooms', { uri: 'org/other' });
  assert.deepEqual([found.body.id, found.body.uri, found.body.name, found.body.roomMember], [other.id, 'Org/Other', 'org/Other', false]);
  const joined = await api('POST', `/user/${relay.id}/rooms`, { id: other.id });
  assert.deepEqual([joined.status, joined.body.roomMember, joined.body.userCount], [200, true, 2]);
  assert.equal((await api('POST', '/rooms', { uri: 'org/none' })).status, 404);
  assert.deepEqual(
    (await api('GET', '/rooms')).body.map(({ uri }: { uri: string }) => uri),
    ['org/room', 'Org/Other'],
  );
  assert.equal((await api('GET', '/rooms?q=other&limit=1')).body.results[0].id, other.id);
  assert.equal((await api('GET', '/groups')).body[0].uri, 'org');
  assert.equal((await api('DELETE', `/rooms/${other.id}/users/${relay.id}`)).body.success, true);
  assert.equal((await api('GET', `/rooms/${other.id}`)).body.roomMember, false);
});

test("a person's name resolves to the one-to-one room with them", async (t) => {
  const { gitter, bob, relay, api } = await org(t);
  const { body } = await api('POST', '/rooms', { uri: 'bob' });
  assert.deepEqual(
    [body.oneToOne, body.user.username, body.name, body.url, body.githubType],
    [true, 'bob', 'Bob Example', '/bob', 'ONETOONE'],
  );
  assert.equal((await api('POST', '/rooms', { uri: 'bob' })).body.id, body.id);
  await api('POST', `/rooms/${body.id}/chatMessages`, { text: 'between us' });
  assert.deepEqual(bob.texts(relay), ['between us']);
  const theirs = apiOf(gitter, gitter.tokenOf(bob));
  assert.equal((await theirs('GET', `/rooms/${body.id}`)).body.user.username, 'relay');
  assert.equal((await apiOf(gitter, gitter.tokenOf(gitter.addPerson('cat')))('GET', `/rooms/${body.id}`)).status, 403);
});

test('topic, tags and providers are for admins; so is making and deleting rooms', async (t) => {
  const { gitter, ann, room, api, path } = await org(t);
  assert.equal((await api('PUT', path, { topic: 'Mine' })).status, 403);
  const admin = apiOf(gitter, gitter.tokenOf(ann));
  const { body } = await admin('PUT', path, { topic: 'New', tags: 'a, b', noindex: true });
  assert.deepEqual([body.topic, body.tags, body.noindex, body.permissions], ['New', ['a', 'b'], true, { admin: true }]);
  const group = gitter.world.groupAt('org');
  group?.admins.add(ann.id);
  const made = await admin('POST', `/groups/${group?.id}/rooms`, { name: 'fresh', topic: 'Young', security: 'PRIVATE' });
  assert.deepEqual([made.body.uri, made.body.public, made.body.topic], ['org/fresh', false, 'Young']);
  assert.equal((await admin('POST', `/groups/${group?.id}/rooms`, { name: 'fresh' })).status, 409);
  assert.equal((await api('DELETE', path)).status, 403);
  assert.deepEqual((await admin('DELETE', path)).body, { success: true });
  assert.equal((await admin('GET', path)).status, 404);
  assert.equal(room.isDeleted, true);
});

test('members come in pages with the role of admins, and can be added and removed', async (t) => {
  const { gitter, ann, bob, api, path } = await org(t);
  const cat = gitter.addPerson('cat');
  const names = (users: { username: string }[]) => users.map(({ username }) => username);
  assert.equal((await api('POST', `${path}/users`, { username: 'cat' })).body.user.id, cat.id);
  assert.deepEqual(names((await api('GET', `${path}/users?limit=2&skip=1`)).body), ['bob', 'relay']);
  assert.deepEqual(names((await api('GET', `${path}/users?q=example`)).body), ['bob']);
  assert.equal((await api('GET', `${path}/users`)).body[0].role, 'admin');
  assert.equal((await api('DELETE', `${path}/users/${bob.id}`)).status, 403);
  const admin = apiOf(gitter, gitter.tokenOf(ann));
  assert.equal((await admin('DELETE', `${path}/users/bob?type=username`)).status, 200);
  assert.deepEqual(names((await api('GET', `${path}/users`)).body), ['ann', 'relay', 'cat']);
});

test('whoever is banned is out, cannot come back nor write, until the ban is lifted', async (t) => {
  const { gitter, ann, bob, room, api, path } = await org(t);
  const admin = apiOf(gitter, gitter.tokenOf(ann));
  bob.say(room, 'spam');
  assert.equal((await api('POST', `${path}/bans`, { username: 'bob' })).status, 403);
  assert.equal((await admin('POST', `${path}/bans`, { username: 'bob', removeMessages: true })).status, 200);
  assert.deepEqual(ann.texts(room), []);
  assert.throws(() => bob.join(room), { status: 403 });
  assert.throws(() => bob.say(room, 'again'), { status: 403 });
  assert.equal((await admin('GET', `${path}/bans`)).body[0].user.username, 'bob');
  assert.equal((await admin('DELETE', `${path}/bans/bob`)).status, 204);
  bob.join(room);
  assert.equal((await admin('POST', `${path}/bans`, { username: 'ann' })).status, 403);
});

test('a virtual user is banned by type and id, or by a name shaped like a Matrix id', async (t) => {
  const { gitter, ann, relay, path } = await org(t);
  const admin = apiOf(gitter, gitter.tokenOf(ann));
  const approved = apiOf(gitter, gitter.tokenOf(relay, gitter.addClient({ mayUseVirtualUsers: true })));
  const say = async (externalId: string) =>
    (await approved('POST', `${path}/chatMessages`, { text: 'hi', virtualUser: { type: 'matrix', externalId, displayName: 'X' } })).status;
  await admin('POST', `${path}/bans`, { virtualUser: { type: 'matrix', externalId: 'one:example.org' } });
  const { body } = await admin('POST', `${path}/bans`, { username: '@two:example.org' });
  assert.deepEqual(body.virtualUser, { type: 'matrix', externalId: 'two:example.org' });
  assert.deepEqual([await say('one:example.org'), await say('two:example.org'), await say('three:example.org')], [403, 403, 200]);
  assert.equal((await admin('DELETE', `${path}/bans/${encodeURIComponent('@two:example.org')}`)).status, 204);
  assert.equal(await say('two:example.org'), 200);
});

test('unread items are told, marked read one by one or all, and an empty list is refused', async (t) => {
  const { ann, relay, room, api, path } = await org(t);
  const ids = [ann.say(room, 'one'), ann.say(room, '@relay two'), ann.say(room, 'three')];
  const at = `/user/${relay.id}/rooms/${room.id}/unreadItems`;
  assert.deepEqual((await api('GET', at)).body, { chat: ids, mention: [ids[1]] });
  assert.equal((await api('POST', at, { chat: [] })).status, 400);
  assert.equal((await api('POST', at, { chat: [ids[0]] })).status, 200);
  assert.deepEqual(
    (await api('GET', `${path}/chatMessages/${ids[0]}/readBy`)).body.map(({ username }: { username: string }) => username),
    ['relay'],
  );
  await api('DELETE', `${at}/all`);
  assert.deepEqual((await api('GET', at)).body, { chat: [], mention: [] });
  const { body } = await api('PATCH', `/user/me/rooms/${room.id}`, { favourite: true, mode: 'mute' });
  assert.deepEqual([body.favourite, body.lurk], [1, true]);
});

test("integrations' entries stand in the activity feed", async (t) => {
  const { gitter, room, api, path } = await org(t);
  gitter.addActivity(room, 'pushed <b>3</b>', { meta: { service: 'github' } });
  const [entry] = (await api('GET', `${path}/events`)).body;
  assert.deepEqual([entry.html, entry.meta.service], ['pushed <b>3</b>', 'github']);
});

test('a hundred calls a minute for each user and client; the headers tell, the next is 429', async (t) => {
  const { gitter, relay, token, api } = await org(t);
  // A minute of this clock, however long a hundred calls take.
  gitter.clock.stand();
  for (let number = 0; number < 99; number += 1) await api('GET', '/user');
  const last = await api('GET', '/user');
  assert.deepEqual([last.status, last.headers.get('x-ratelimit-limit'), last.headers.get('x-ratelimit-remaining')], [200, '100', '0']);
  const reset = Number(last.headers.get('x-ratelimit-reset'));
  assert.equal(reset, gitter.clock.now() + 60_000, 'a moment in ms');
  assert.equal((await api('GET', '/user')).status, 429);
  assert.deepEqual(
    gitter.limits.exceeded.map(({ username, route }) => [username, route]),
    [['relay', 'GET /user']],
  );
  assert.equal((await apiOf(gitter, gitter.tokenOf(relay, gitter.addClient()))('GET', '/user')).status, 200);
  gitter.clock.forward(60_001);
  assert.equal((await api('GET', '/user')).headers.get('x-ratelimit-remaining'), '99');
  assert.equal(gitter.callsOf('GET /user').filter((call) => call.token === token).length, 102);
});
