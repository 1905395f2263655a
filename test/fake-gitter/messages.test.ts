// Messages over REST: lists and their bounds, edits in time, deletes, threads, virtual users, the guard against copies.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageShape } from '../support/fake-gitter.ts';
import { type Answered, apiOf, org } from './org.ts';

const texts = ({ body }: Answered) => (body as readonly MessageShape[]).map(({ text }) => text);

test('a message comes back as it is kept, with what the server read in it', async (t) => {
  const { ann, room, relay, api, path } = await org(t);
  const { status, body } = await api('POST', `${path}/chatMessages`, { text: '**hi** @ann, see #3 at https://example.org/' });
  assert.equal(status, 200);
  assert.deepEqual(body.mentions, [{ screenName: 'ann', userId: ann.id, userIds: [] }]);
  assert.deepEqual([body.issues, body.urls, body.meta], [[{ number: '3' }], [{ url: 'https://example.org/' }], []]);
  assert.deepEqual([body.v, body.readBy, body.unread, body.fromUser.id], [1, 0, false, relay.id]);
  assert.match(body.html, /^<strong>hi<\/strong> <span data-link-type="mention" data-screen-name="ann" class="mention">@ann<\/span>/);
  assert.equal(ann.sees(room)[0]?.unread, true);
  assert.deepEqual((await api('GET', `${path}/chatMessages/${body.id}`)).body, body);
});

test('too long, empty or for nobody: refused', async (t) => {
  const { gitter, ann, api, path } = await org(t);
  const say = async (text: unknown, where = path) => (await api('POST', `${where}/chatMessages`, { text })).status;
  assert.deepEqual([await say('x'.repeat(4096)), await say('x'.repeat(4097)), await say(' '), await say(undefined)], [200, 400, 400, 400]);
  const other = gitter.addRoom('org/other', [ann]);
  assert.equal(await say('not a member', `/rooms/${other.id}`), 403);
});

test('lists are by time, oldest first, bounded by ids, words and numbers', async (t) => {
  const { ann, room, api, path } = await org(t);
  const ids = Array.from({ length: 120 }, (_, number) => ann.say(room, `message ${number}`));
  const list = async (query: string) => texts(await api('GET', `${path}/chatMessages?${query}`));
  const usual = await list('');
  assert.deepEqual([usual.length, usual[0], usual.at(-1)], [50, 'message 70', 'message 119']);
  assert.equal((await list('limit=500')).length, 100);
  assert.deepEqual(await list(`limit=2&beforeId=${ids[10]}`), ['message 8', 'message 9']);
  assert.deepEqual(await list(`limit=2&afterId=${ids[10]}`), ['message 11', 'message 12']);
  assert.deepEqual(await list(`limit=3&aroundId=${ids[10]}`), ['message 9', 'message 10', 'message 11']);
  assert.deepEqual(await list('limit=2&skip=10'), ['message 108', 'message 109']);
  assert.deepEqual(await list('q=sage+77'), ['message 77']);
  assert.equal((await api('GET', `${path}/chatMessages?skip=5001`)).status, 400);
  assert.equal((await api('GET', `${path}/chatMessages?afterId=x`)).status, 400);
  const lookup = (await api('GET', `${path}/chatMessages?limit=1&lookups=user&lean=true`)).body;
  assert.deepEqual([lookup.items[0].fromUser, lookup.lookups.users[ann.id].username], [ann.id, 'ann']);
  assert.equal('mentions' in lookup.items[0], false);
});

test('with several server processes the ids of one second are out of order, and afterId alone skips', async (t) => {
  const { gitter, ann, room, api, path } = await org(t, { quirks: { processes: 2 } });
  // All within a second.
  gitter.clock.forward(1000 - (gitter.clock.now() % 1000));
  const ids = ['a', 'b', 'c', 'd'].map((text) => ann.say(room, text));
  assert.notDeepEqual(ids.toSorted(), ids);
  const known = ids.toSorted()[2] ?? '';
  const after = texts(await api('GET', `${path}/chatMessages?afterId=${known}`));
  assert.ok(after.length === 1 && ids.indexOf(known) < 2, 'some that came later are skipped');
  assert.deepEqual(texts(await api('GET', `${path}/chatMessages`)), ['a', 'b', 'c', 'd']);
});

test('one edits what is one’s own, within ten minutes', async (t) => {
  const { gitter, ann, room, api, path } = await org(t);
  const { id } = (await api('POST', `${path}/chatMessages`, { text: 'one' })).body;
  const edited = await api('PUT', `${path}/chatMessages/${id}`, { text: '*two*' });
  assert.deepEqual([edited.body.text, edited.body.html, edited.body.v], ['*two*', '<em>two</em>', 2]);
  assert.ok(Date.parse(edited.body.editedAt) >= Date.parse(edited.body.sent));
  assert.equal((await api('PUT', `${path}/chatMessages/${ann.say(room, 'hers')}`, { text: 'x' })).status, 403);
  gitter.clock.forward(600_001);
  assert.equal((await api('PUT', `${path}/chatMessages/${id}`, { text: 'late' })).status, 400);
});

test('one deletes one’s own, an admin anybody’s; a parent with replies is emptied', async (t) => {
  const { ann, bob, room, api, path } = await org(t);
  const { id } = (await api('POST', `${path}/chatMessages`, { text: 'mine' })).body;
  const theirs = bob.say(room, 'his');
  bob.reply(room, id, 'child');
  assert.equal((await api('DELETE', `${path}/chatMessages/${theirs}`)).status, 403);
  assert.equal((await api('DELETE', `${path}/chatMessages/${id}`)).status, 204);
  ann.delete(theirs);
  const { body } = await api('GET', `${path}/chatMessages`);
  assert.deepEqual(
    body.map(({ text, threadMessageCount, editedAt }: MessageShape) => [text, threadMessageCount, editedAt]),
    [['', 1, undefined]],
  );
  assert.equal((await api('DELETE', `${path}/chatMessages/${theirs}`)).status, 404);
});

test('replies stand in their thread, and beside the others only when asked for', async (t) => {
  const { gitter, ann, bob, room, api, path } = await org(t);
  const parent = ann.say(room, 'parent');
  const child = (await api('POST', `${path}/chatMessages`, { text: 'child', parentId: parent })).body;
  bob.reply(room, parent, 'second');
  assert.equal(child.parentId, parent);
  assert.deepEqual(texts(await api('GET', `${path}/chatMessages`)), ['parent']);
  assert.deepEqual(texts(await api('GET', `${path}/chatMessages?includeThreads=true`)), ['parent', 'child', 'second']);
  assert.deepEqual(texts(await api('GET', `${path}/chatMessages/${parent}/thread?afterId=${child.id}`)), ['second']);
  assert.deepEqual(
    ann.thread(parent).map(({ text }) => text),
    ['child', 'second'],
  );
  const [shown] = ann.sees(room);
  assert.deepEqual([shown?.threadMessageCount, shown?.editedAt, shown?.v], [2, undefined, 3]);
  const other = ann.say(gitter.addRoom('org/other', [ann]), 'elsewhere');
  for (const parentId of [child.id, other, 'nonsense'])
    assert.equal((await api('POST', `${path}/chatMessages`, { text: 'x', parentId })).status, 400);
});

test('a virtual user is for approved clients; its author is a mock, edits and deletes are the bridge’s', async (t) => {
  const { gitter, ann, relay, room, api, path } = await org(t);
  const virtualUser = { type: 'matrix', externalId: 'mx:example.org', displayName: 'Mx', avatarUrl: 'http://127.0.0.1/mx.png' };
  assert.equal((await api('POST', `${path}/chatMessages`, { text: 'x', virtualUser })).status, 403);
  const approved = apiOf(gitter, gitter.tokenOf(relay, gitter.addClient({ mayUseVirtualUsers: true })));
  const post = (change: object) =>
    approved('POST', `${path}/chatMessages`, { text: 'from afar', virtualUser: { ...virtualUser, ...change } });
  for (const change of [{ displayName: 'x'.repeat(256) }, { avatarUrl: 'x'.repeat(2001) }, { type: '' }, { externalId: undefined }])
    assert.equal((await post(change)).status, 400);
  const { body } = await post({});
  assert.deepEqual([body.fromUser.id, body.fromUser.displayName, body.virtualUser], ['matrix-mx:example.org', 'Mx', virtualUser]);
  assert.equal((await approved('PUT', `${path}/chatMessages/${body.id}`, { text: 'better' })).body.text, 'better');
  assert.equal((await ann.waitForMessage(room, ({ virtualUser: who }) => who?.displayName === 'Mx')).text, 'better');
  assert.equal((await approved('DELETE', `${path}/chatMessages/${body.id}`)).status, 204);
  await ann.waitForRemoval(body.id);
});

test('a status message keeps its flag', async (t) => {
  const { ann, room, api, path } = await org(t);
  await api('POST', `${path}/chatMessages`, { text: '@relay waves', status: true });
  ann.me(room, 'nods');
  assert.deepEqual(
    ann.sees(room).map(({ text, status }) => [text, status]),
    [
      ['@relay waves', true],
      ['@ann nods', true],
    ],
  );
});

test('the copy after the tenth has a young account shadow-banned: all it says is answered and thrown away', async (t) => {
  const { gitter, ann, room, path } = await org(t);
  const young = gitter.addPerson({ username: 'young', age: 3 });
  young.join(room);
  const api = apiOf(gitter, gitter.tokenOf(young));
  const text = 'the same words as ever, and again';
  for (let number = 0; number < 11; number += 1) assert.equal((await api('POST', `${path}/chatMessages`, { text })).status, 200);
  const { status, body } = await api('POST', `${path}/chatMessages`, { text: 'something new' });
  assert.deepEqual([status, body.text, young.user.isShadowBanned], [200, 'something new', true]);
  assert.equal((await api('GET', `${path}/chatMessages/${body.id}`)).status, 404);
  assert.equal(ann.texts(room).length, 10);
});

test('shorter texts may be repeated more often, old accounts without end, and after twelve hours anew', async (t) => {
  const { gitter, ann, room } = await org(t);
  const [young, old] = [gitter.addPerson({ username: 'young', age: 3 }), gitter.addPerson('old')];
  for (const person of [young, old]) person.join(room);
  const repeat = (text: string, times: number) => {
    for (let number = 0; number < times; number += 1) young.say(room, text);
    return young.user.isShadowBanned;
  };
  assert.equal(repeat('a text of nineteen!', 20), false);
  assert.equal(repeat('short one', 100), false);
  gitter.clock.forward(12 * 3_600_000);
  assert.equal(repeat('a text of nineteen!', 20), false);
  assert.equal(repeat('a text of nineteen!', 1), true);
  for (let number = 0; number < 30; number += 1) old.say(room, 'an announcement of thirty times');
  assert.equal(ann.texts(room).length, 20 + 100 + 20 + 30);
});
