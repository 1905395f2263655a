// People's own accounts at Gitter: how they log in, what becomes of a token, their private chats, and what their word counts for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeniedError, type LoginResult, RetryableError, userId } from '#bridge-core';
import { GitterAdapter } from '../../../bridges/gitter/adapter.ts';
import { makeUserId } from '../../../bridges/gitter/ids.ts';
import { keepTools, keptIn } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { openWeb } from '../../support/web-door.ts';
import { heard, loginOf, orgOnGitter, quick, settingsFor, withAdapter } from './with-gitter.ts';

const ann = userId('@ann:hs.test');
const quickly = { timeout: 180_000 };

test('a person logs in with a token of theirs; one that Gitter refuses is no login', quickly, async (t) => {
  const { adapter, gitter, ann: native } = await withAdapter(t);
  const flow = adapter.logins.find(({ id }) => id === 'token');
  const begin = async () => {
    const run = flow?.run(ann);
    const step = (await run?.next({}))?.value;
    assert.ok(step !== undefined && 'ask' in step && step.ask[0]?.secret);
    return run;
  };
  const done = await (await begin())?.next({ token: gitter.tokenOf(native) });
  const result = done?.value as LoginResult;
  assert.deepEqual([result.account, result.name, result.network], [makeUserId(native.id), 'ann on Gitter', 'gitter']);
  await adapter.signIn({ ...result, user: ann });
  assert.deepEqual(adapter.speakerOf(result.account), { as: 'user', user: ann });
  const refused = await begin();
  await assert.rejects(async () => refused?.next({ token: 'f'.repeat(40) }), { code: 'NETWORK_LOGIN' });
});

test('a person logs in by Gitter’s page: the link is theirs alone and good once', quickly, async (t) => {
  const org = await orgOnGitter();
  const web = await openWeb();
  const client = org.gitter.addClient({ redirectUri: `${web.url}/oauth` });
  const logins: { user: string; result: LoginResult }[] = [];
  const kept = keepTools({ loggedIn: async (user, result) => void logins.push({ user, result }) });
  const loggedIn = async (user: string, result: LoginResult) => void logins.push({ user, result });
  const tools = { ...kept.tools, inbox: { ...kept.tools.inbox, loggedIn }, web: web.routes, publicUrl: web.url };
  const oauth = { url: org.gitter.oauthUrl, client_id: client.id, client_secret: client.secret };
  const adapter = new GitterAdapter(settingsFor(org.gitter, org.token, { oauth }), tools as never, quick);
  t.after(async () => {
    await adapter.disconnect();
    await org.gitter.stop();
    await web.close();
  });
  const run = adapter.logins[0]?.run(ann);
  const step = (await run?.next({}))?.value;
  assert.ok(step !== undefined && 'open' in step);
  assert.equal((await run?.next({}))?.value, undefined);
  assert.equal((await fetch(step.open, { redirect: 'manual' })).status, 200, 'what only looks uses nothing up');
  const asked = await fetch(step.open, { redirect: 'manual' });
  const cookie = asked.headers.get('set-cookie')?.split(';')[0] ?? '';
  assert.match(asked.headers.get('set-cookie') ?? '', /HttpOnly; SameSite=Lax/);
  const text = await asked.text();
  assert.match(text, /@ann:hs\.test on Matrix will be able to read and write in Gitter as you/);
  const browser = /name="browser" value="([^"]+)"/.exec(text)?.[1] ?? '';
  const answer = (more: object) =>
    fetch(step.open, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ browser }), ...more });
  assert.equal((await answer({})).status, 403, 'another site’s page cannot answer it in her browser');
  const begun = await answer({ headers: { cookie } });
  assert.equal(begun.status, 303);
  assert.equal((await fetch(step.open)).status, 410, 'another browser is too late');
  const others = { cookie: `causeway_gitter=${'x'.repeat(24)}` };
  const late = await answer({ headers: others, body: new URLSearchParams({ browser: 'x'.repeat(24) }) });
  assert.equal(late.status, 410, 'and so is its answer');
  const back = org.ann.approve(begun.headers.get('location') ?? '');
  assert.equal((await fetch(back)).status, 410, 'another browser cannot bring it back');
  const page = await fetch(back, { headers: { cookie } });
  assert.equal(page.status, 200);
  assert.match(await page.text(), /logged in as ann on Gitter, for @ann:hs.test/);
  assert.equal((await fetch(back, { headers: { cookie } })).status, 410);
  assert.deepEqual([logins.length, logins[0]?.user, logins[0]?.result.account], [1, ann, makeUserId(org.ann.id)]);
});

test('a call that is refused once is no void token, and one that was refused for a while is taken again', quickly, async (t) => {
  const org = await withAdapter(t, { timing: { again: 200 } });
  const { adapter, ann: native, gitter, room, events, channel } = org;
  const bot = await adapter.session({ as: 'bot' }, channel);
  const hello = { key: 'hello', channel, body: { text: 'hello' }, style: 'text' as const };
  gitter.fault({ on: 'POST /rooms/:room/chatMessages', times: 1, act: { status: 401 } });
  await assert.rejects(bot.send(hello), RetryableError);
  await bot.send(hello);
  assert.equal(adapter.status()[0]?.state, 'up');
  gitter.fault({ username: 'matrixbot', act: { status: 401 } });
  await assert.rejects(bot.send(hello), { code: 'NETWORK_LOGIN' });
  assert.equal(adapter.status()[0]?.state, 'down');
  gitter.clearFaults();
  await until('the relay account to be back', () => adapter.status()[0]?.state === 'up' || undefined);
  native.say(room, 'still heard?');
  await heard(events, 'message');
});

test('a token that is taken for a moment and refused once more is asked about again', quickly, async (t) => {
  const { adapter, gitter, channel } = await withAdapter(t, { timing: { again: 50 } });
  const bot = await adapter.session({ as: 'bot' }, channel);
  const refused = { username: 'matrixbot', act: { status: 401 } };
  gitter.fault(refused);
  await assert.rejects(bot.send({ key: 'hello', channel, body: { text: 'hello' }, style: 'text' }), { code: 'NETWORK_LOGIN' });
  gitter.clearFaults();
  gitter.fault({ ...refused, on: 'GET /user', after: 1, times: 4 });
  await until('the relay account to be back', () => adapter.status()[0]?.state === 'up' || undefined);
});

test('who writes to the relay account privately is answered, once', quickly, async (t) => {
  const org = await withAdapter(t);
  const { bob, relay, gitter } = org;
  await gitter.waitForListener(org.room, 'matrixbot');
  const chat = bob.open(relay);
  bob.say(chat, 'who are you?');
  await until('an answer', () => chat.messages.find(({ user }) => user.id === relay.id));
  bob.say(chat, 'are you sure?');
  bob.say(org.room, 'hello');
  await heard(org.events, 'message');
  assert.equal(chat.messages.filter(({ user }) => user.id === relay.id).length, 1);
  assert.match(chat.messages[1]?.text ?? '', /nobody reads/);
});

test('a token that was revoked is noticed without a word said, and told', quickly, async (t) => {
  const org = await withAdapter(t);
  const login = loginOf(org, org.ann, ann);
  await org.adapter.signIn(login);
  await until('her channel', () => org.gitter.faye.clientsOf('ann').length > 0 || undefined);
  await org.adapter.session({ as: 'user', user: ann }, org.channel);
  await new Promise((resolve) => setTimeout(resolve, 50));
  org.gitter.revoke(login.credentials.token);
  await until('it told', () => org.connections.find(({ speaker, state }) => speaker.as === 'user' && state === 'logged-out'));
  await assert.rejects(org.adapter.session({ as: 'user', user: ann }, org.channel), { code: 'NETWORK_LOGIN' });
  assert.equal(org.adapter.status()[0]?.state, 'up');
});

test('the relay account’s revoked token takes the bridge down, and says why', quickly, async (t) => {
  const org = await withAdapter(t);
  org.gitter.revoke(org.token);
  await until('it down', () => org.adapter.status()[0]?.state === 'down' || undefined);
  assert.match(org.adapter.status()[0]?.detail ?? '', /refuses the credentials/);
});

test('private chats of a logged-in person are heard, and spoken in by them', quickly, async (t) => {
  const org = await withAdapter(t);
  const { adapter, bob, events } = org;
  const chat = bob.open(org.ann);
  await adapter.signIn(loginOf(org, org.ann, ann));
  await org.gitter.waitForListener(chat, 'ann');
  bob.say(chat, 'psst');
  const said = await heard(events, 'message');
  assert.equal(said.channel, `gitter/~${chat.id}`);
  assert.deepEqual(adapter.channels.chat(said.channel), { kind: 'direct', people: [ann] });
  assert.equal(adapter.channels.describe(said.channel).name, 'Bob Example');
  const session = await adapter.session({ as: 'user', user: ann }, said.channel);
  await session.send({ key: 'k', channel: said.channel, body: { text: 'what?' }, style: 'text' });
  assert.equal(chat.messages.at(-1)?.user.username, 'ann');
  const carol = org.gitter.addPerson('carol');
  const fresh = carol.open(org.ann);
  await org.gitter.waitForListener(fresh, 'ann');
  carol.say(fresh, 'hi');
  await heard(events, 'message', ({ body }) => body.text === 'hi');
  await adapter.signOut(loginOf(org, org.ann, ann));
  assert.equal(adapter.channels.chat(said.channel), undefined);
});

test('a chat that was begun while nobody listened comes with its first words, an old one does not', quickly, async (t) => {
  const org = await withAdapter(t);
  const { adapter, bob, events, gitter, memory, token, tools } = org;
  const old = bob.open(org.ann);
  bob.say(old, 'long ago');
  for (const message of old.messages) Object.assign(message, { sent: message.sent - 60_000 });
  const login = loginOf(org, org.ann, ann);
  // An id tells the second in which the chat was made.
  await new Promise((resolve) => setTimeout(resolve, 1_001));
  await adapter.signIn(login);
  await gitter.waitForListener(old, 'ann');
  await adapter.disconnect();
  const carol = gitter.addPerson('carol');
  const fresh = carol.open(org.ann);
  carol.say(fresh, 'the first words');
  const next = new GitterAdapter(settingsFor(gitter, token), { ...tools, memory: keptIn(memory) }, quick);
  t.after(() => next.disconnect());
  await next.connect();
  await next.signIn(login);
  await heard(events, 'message', ({ body }) => body.text === 'the first words');
  bob.say(old, 'now');
  await heard(events, 'message', ({ body }) => body.text === 'now');
  assert.deepEqual(
    events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : [])),
    ['the first words', 'now'],
  );
});

test('a room’s consent is the word of its admin’s own login', quickly, async (t) => {
  const org = await withAdapter(t);
  const { adapter, channel } = org;
  const ask = (user: string) => adapter.channels.approvePlumb(channel, userId(user), { id: '!room:hs.test' as never });
  await assert.rejects(ask('@stranger:hs.test'), DeniedError);
  await adapter.signIn(loginOf(org, org.bob, '@bob:hs.test'));
  await assert.rejects(ask('@bob:hs.test'), /bob is no admin of org\/room/);
  await adapter.signIn(loginOf(org, org.ann, ann));
  assert.equal(await ask(ann), 'granted');
});

test('a private room is nothing to who is not in it', quickly, async (t) => {
  const org = await withAdapter(t);
  const { adapter, gitter, ann: native } = org;
  gitter.addRoom('org/secret', [native, org.relay], { isPrivate: true });
  await adapter.signIn(loginOf(org, native, ann));
  assert.equal((await adapter.channels.resolve('org/secret'))?.kind, 'private');
  assert.equal(await adapter.channels.resolve('org/secret', userId('@bob:hs.test')), undefined);
  assert.equal((await adapter.channels.resolve('org/secret', ann))?.name, 'org/secret');
  const names = async (by?: string) => {
    const found: string[] = [];
    for await (const { name } of adapter.channels.list('secret', by === undefined ? {} : { by: userId(by) })) found.push(name);
    return found;
  };
  assert.deepEqual([await names(), await names(ann)], [[], ['org/secret']]);
});

test('rooms are found by their names, by links to them, and never by opening a chat', quickly, async (t) => {
  const { adapter, channel, gitter } = await withAdapter(t);
  for (const query of ['org/room', 'ORG/Room', 'gitter org/room', 'https://gitter.im/org/room?at=1', 'gitter/org/room'])
    assert.equal((await adapter.channels.resolve(query))?.id, channel, query);
  assert.equal(await adapter.channels.resolve('ann'), undefined);
  assert.equal(await adapter.channels.resolve('org/nowhere'), undefined);
  assert.equal([...gitter.world.rooms.values()].filter(({ isOneToOne }) => isOneToOne).length, 0);
});

test('people and rooms are looked up by their names', quickly, async (t) => {
  const { adapter, ann: native } = await withAdapter(t);
  const { lookups } = adapter;
  const found = lookups.user({ username: '@ann' });
  assert.ok(found);
  const user = await adapter.user(found.id);
  assert.deepEqual([user?.id, user?.fields], [makeUserId(native.id), { user: native.id, username: 'ann' }]);
  assert.equal(await adapter.user(lookups.user({ username: 'nobody-at-all' })?.id ?? ('' as never)), undefined);
  assert.deepEqual(lookups.channel({ room: 'Org/Room' }), { id: 'gitter/org/room', fields: { room: 'org/room' } });
  assert.equal(lookups.channel({ room: 'no room/at all' }), undefined);
});
