// The door to the homeserver, over real sockets: what is asked, and how failures come out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openHomeserver } from '../../../bridge-core/appservice/open-homeserver.ts';
import { ConfigError, PermanentError, RetryableError, UnknownOutcomeError, UnreachableError } from '../../../bridge-core/errors.ts';
import { eventId, roomId, userId } from '../../../bridge-core/ids.ts';
import { bothSides, collectingLog, rejection, textOf } from './kit.ts';

const ghost = userId('@irc_bob:hs.test');
const message = { msgtype: 'm.text', body: 'hello' };

test('a message sent twice under one transaction id becomes one event', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  const first = await homeserver.send(homeserver.bot, room, 'm.room.message', 'key.1', message);
  const second = await homeserver.send(homeserver.bot, room, 'm.room.message', 'key.1', message);
  assert.equal(first, second);
  assert.deepEqual(
    fake.messages(room).map((event) => event.content),
    [message],
  );
});

test('a late message bears its own time, and never one in the future', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  await homeserver.send(homeserver.bot, room, 'm.room.message', 'a', message, 1_600_000_000_123);
  await homeserver.send(homeserver.bot, room, 'm.room.message', 'b', message, Date.now() + 3_600_000);
  const [late, early] = fake.messages(room);
  assert.equal(late?.origin_server_ts, 1_600_000_000_123);
  assert.ok(Number(early?.origin_server_ts) <= Date.now());
});

test('a redaction and typing go out as the ghost', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  await homeserver.register(ghost);
  await homeserver.join(ghost, room);
  const said = await homeserver.send(ghost, room, 'm.room.message', 'a', message);
  await homeserver.redact(ghost, room, said, 'b', { reason: 'slip' });
  await homeserver.typing(ghost, room, true);
  const last = fake.events(room).at(-1);
  assert.equal(last?.sender, ghost);
  assert.equal(last?.redacts, said);
  assert.equal(last?.content.reason, 'slip');
  assert.ok(fake.requests.some(({ path, user }) => path.endsWith(`/typing/${ghost}`) && user === ghost));
});

for (const version of ['11', '12']) {
  test(`rooms of version ${version}: made, read, changed, by ids that are never taken apart`, async (t) => {
    const { fake, homeserver } = await bothSides(t);
    const alice = userId(fake.user('alice', 'Alice'));
    const room = await homeserver.createRoom(homeserver.bot, { room_version: version, invite: [alice], name: 'Here' });
    assert.equal(room.includes(':'), version === '11');
    await homeserver.setState(homeserver.bot, room, 'm.room.topic', '', { topic: 'things' });
    assert.deepEqual(await homeserver.state(room, 'm.room.topic', ''), { topic: 'things' });
    assert.equal(await homeserver.state(room, 'm.room.avatar', ''), undefined);
    const state = await homeserver.fullState(room);
    assert.deepEqual(state.find((event) => event.type === 'm.room.name')?.content, { name: 'Here' });
    assert.equal(state.find((event) => event.stateKey === alice)?.content.membership, 'invite');
    const topic = state.find((event) => event.type === 'm.room.topic');
    assert.deepEqual((await homeserver.event(room, topic?.id ?? eventId('')))?.content, { topic: 'things' });
    assert.equal(await homeserver.event(room, eventId('$none')), undefined);
  });
}

test('people: registered once, profiles written and read, members listed', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  assert.equal(await homeserver.register(ghost), true);
  assert.equal(await homeserver.register(ghost), false);
  await homeserver.setDisplayName(ghost, 'Bob');
  await homeserver.setAvatar(ghost, 'mxc://hs.test/a');
  assert.deepEqual(await homeserver.profile(ghost), { name: 'Bob', avatar: 'mxc://hs.test/a' });
  assert.deepEqual(await homeserver.profile(userId('@nobody:hs.test')), {});
  await homeserver.join(ghost, room);
  assert.deepEqual((await homeserver.joinedMembers(room)).get(ghost), { name: 'Bob', avatar: 'mxc://hs.test/a' });
  await homeserver.setAccountData(ghost, 'dev.test', { a: 1 });
  assert.deepEqual(await homeserver.accountData(ghost, 'dev.test'), { a: 1 });
  assert.equal(await homeserver.accountData(ghost, 'dev.other'), undefined);
  await homeserver.setPresence(ghost, 'online', 'here');
  assert.deepEqual(fake.world.users.get(ghost)?.presence, { presence: 'online', status_msg: 'here' });
});

test('a join with a key leaves the key in the member event', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  await homeserver.register(ghost);
  assert.equal(await homeserver.join(ghost, room, 'store.1.2.0'), room);
  assert.equal(fake.room(room).stateOf('m.room.member', ghost)?.content['dev.causeway.key'], 'store.1.2.0');
});

test('invite, kick, ban, unban and leave each carry their reason', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = roomId(fake.createRoom({ creator: fake.bot, joinRule: 'invite' }));
  const member = () => fake.room(room).stateOf('m.room.member', ghost)?.content;
  await homeserver.register(ghost);
  await homeserver.invite(homeserver.bot, room, ghost, 'come in');
  assert.deepEqual([member()?.membership, member()?.reason], ['invite', 'come in']);
  await homeserver.join(ghost, room);
  await homeserver.kick(homeserver.bot, room, ghost, 'out');
  assert.deepEqual([member()?.membership, member()?.reason], ['leave', 'out']);
  await homeserver.ban(homeserver.bot, room, ghost, 'for good');
  assert.deepEqual([member()?.membership, member()?.reason], ['ban', 'for good']);
  await homeserver.unban(homeserver.bot, room, ghost);
  assert.equal(member()?.membership, 'leave');
  await homeserver.invite(homeserver.bot, room, ghost);
  await homeserver.join(ghost, room);
  await homeserver.leave(ghost, room, 'tired');
  assert.deepEqual([member()?.membership, member()?.reason], ['leave', 'tired']);
});

test('aliases are found, joined and, where there is none, missing', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = fake.createRoom({ creator: fake.user('alice'), alias: '#place:hs.test' });
  assert.equal(await homeserver.resolveAlias('#place:hs.test'), room);
  assert.equal(await homeserver.resolveAlias('#nowhere:hs.test'), undefined);
  assert.equal(await homeserver.join(homeserver.bot, '#place:hs.test'), room);
});

test('messages are read back page by page until others speak of an earlier time', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const alice = fake.user('alice');
  const room = fake.createRoom({ creator: fake.bot, members: [alice] });
  const add = (at: number, content: Record<string, unknown>) =>
    fake.world.append(fake.room(room), { sender: alice, type: 'm.room.message', content, at });
  for (let number = 0; number < 150; number += 1) add(1000 + number, { body: `old ${number}` });
  add(5000, { body: 'wanted', 'dev.causeway.key': 'k' });
  for (let number = 0; number < 120; number += 1) add(100, { body: 'delivered late', 'dev.causeway.key': `late.${number}` });
  for (let number = 0; number < 30; number += 1) add(6000, { body: `new ${number}` });
  const bodies: unknown[] = [];
  for await (const event of homeserver.messagesBack(roomId(room), 4000)) bodies.push(event.content.body);
  assert.ok(bodies.includes('wanted'), 'what was delivered late with an old time does not end the reading');
  assert.ok(!bodies.includes('old 0'), 'it ends before the beginning of the room');
  assert.ok(fake.requests.filter(({ path }) => path.endsWith('/messages')).every(({ user }) => user === fake.bot));
});

test('files go up whole and as streams, and come down in ranges', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  async function* stream() {
    yield Buffer.from('one ');
    yield Buffer.from('two');
  }
  const whole = await homeserver.upload(homeserver.bot, Buffer.from('cat'), 'image/png', 'cät.png');
  const streamed = await homeserver.upload(homeserver.bot, stream(), 'text/plain', 'a.txt', 7);
  const collected = await homeserver.upload(homeserver.bot, stream(), 'text/plain', 'a.txt');
  assert.equal(fake.world.media.get(whole.split('/').at(-1) ?? '')?.name, 'cät.png');
  for (const mxc of [streamed, collected]) assert.equal(await textOf((await homeserver.download(mxc)).body), 'one two');
  const part = await homeserver.download(whole, 'bytes=1-1');
  assert.deepEqual([part.status, part.headers['content-range'], await textOf(part.body)], [206, 'bytes 1-1/3', 'a']);
  const beyond = await homeserver.download(whole, 'bytes=9-');
  assert.equal(beyond.status, 416);
  await textOf(beyond.body);
  assert.equal((await rejection(homeserver.download('mxc://hs.test/none'))).code, 'HOMESERVER_REFUSED');
  assert.equal((await rejection(homeserver.download('https://elsewhere/x'))).code, 'BAD_REQUEST');
});

test('what the homeserver refuses comes out by what is to be done about it', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = roomId(fake.createRoom({ creator: fake.user('alice') }));
  const send = (content: object = message) => rejection(homeserver.send(homeserver.bot, room, 'm.room.message', 'x', content as never));

  const forbidden = await send();
  assert.ok(forbidden instanceof PermanentError);
  assert.equal(forbidden.code, 'FORBIDDEN_IN_ROOM');
  assert.match(forbidden.message, /not in room/);

  fake.join(fake.bot, room);
  assert.equal((await send({ body: 'x'.repeat(70_000) })).code, 'EVENT_TOO_LARGE');

  const refused = async (answer: { answer: number; errcode?: string; extra?: object; headers?: Record<string, string> }) => {
    fake.fault({ on: 'send', times: 1, act: answer });
    return send();
  };
  const bad = await refused({ answer: 400, errcode: 'M_BAD_JSON' });
  assert.ok(bad instanceof PermanentError && bad.code === 'HOMESERVER_REFUSED');
  const token = await refused({ answer: 401, errcode: 'M_UNKNOWN_TOKEN' });
  assert.ok(token instanceof UnreachableError && token.code === 'HOMESERVER_TOKEN');
  for (const status of [500, 502, 503, 504]) assert.ok((await refused({ answer: status })) instanceof UnknownOutcomeError);
});

test('a page of a proxy in between is no refusal by the homeserver', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  fake.fault({ on: 'send', times: 1, act: { raw: '<h1>404</h1>', status: 404 } });
  const error = await rejection(homeserver.send(homeserver.bot, room, 'm.room.message', 'x', message));
  assert.ok(error instanceof RetryableError && !(error instanceof UnreachableError));
  fake.fault({ on: 'send', times: 1, act: { raw: '<h1>hello</h1>', status: 200 } });
  assert.ok((await rejection(homeserver.send(homeserver.bot, room, 'm.room.message', 'x', message))) instanceof UnknownOutcomeError);
});

test('a connection cut after the request has an unknown outcome for a send, and the same id finds the event', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  fake.fault({ on: 'send', times: 1, act: { drop: 'after' } });
  const error = await rejection(homeserver.send(homeserver.bot, room, 'm.room.message', 'x', message));
  assert.ok(error instanceof UnknownOutcomeError);
  await homeserver.send(homeserver.bot, room, 'm.room.message', 'x', message);
  assert.equal(fake.messages(room).length, 1);

  fake.fault({ on: 'send', times: 1, act: { truncate: true } });
  assert.ok((await rejection(homeserver.send(homeserver.bot, room, 'm.room.message', 'y', message))) instanceof UnknownOutcomeError);

  fake.fault({ on: 'state', times: 1, act: { drop: 'after' } });
  const other = await rejection(homeserver.state(room, 'm.room.name', ''));
  assert.ok(other instanceof RetryableError && !(other instanceof UnknownOutcomeError));
});

test('a homeserver that is down is unreachable for sends and all else', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  await fake.down();
  for (const call of [
    () => homeserver.send(homeserver.bot, room, 'm.room.message', 'x', message),
    () => homeserver.state(room, 'm.room.name', ''),
    () => homeserver.register(ghost),
    () => homeserver.check(),
    () => homeserver.upload(homeserver.bot, Buffer.from('x'), 'text/plain', 'x'),
  ]) {
    const error = await rejection(call());
    assert.ok(error instanceof UnreachableError, error.message);
    assert.equal(error.code, 'HOMESERVER_UNREACHABLE');
  }
  await fake.up();
  await homeserver.send(homeserver.bot, room, 'm.room.message', 'x', message);
});

test('check tells a wrong token, no registration, a wrong domain and another bot apart', async (t) => {
  const { fake, homeserver, log } = await bothSides(t);
  assert.ok((await homeserver.check()).versions.includes('v1.12'));
  const check = async (change: object) => {
    const other = openHomeserver({
      ...{ url: fake.url, domain: fake.domain, bot: userId(fake.bot), asToken: fake.asToken },
      ...{ registrationId: fake.registrationId, inFlight: 4, log, ...change },
    });
    t.after(() => other.close());
    return rejection(other.check());
  };
  const wrongToken = await check({ asToken: 'nonsense' });
  assert.ok(wrongToken instanceof ConfigError);
  assert.equal(wrongToken.code, 'HOMESERVER_TOKEN');
  assert.match(wrongToken.message, /knows @bridge:hs\.test, but not/);
  assert.equal((await check({ asToken: 'nonsense', bot: userId('@unknown:hs.test') })).code, 'HOMESERVER_NOT_REGISTERED');
  for (const on of ['register/available', 'profile'])
    fake.fault({ on, times: 1, act: { answer: 403, errcode: 'M_FORBIDDEN', error: 'Registration has been disabled' } });
  const either = await check({ asToken: 'nonsense' });
  assert.equal(either.code, 'HOMESERVER_TOKEN');
  assert.match(either.message, /add it; or it has another one of @bridge:hs\.test, with other tokens: give it this one/);

  assert.equal((await check({ domain: 'example.org', bot: userId('@bridge:example.org') })).code, 'HOMESERVER_DOMAIN');
  assert.equal((await check({ bot: userId('@irc_other:hs.test') })).code, 'REGISTRATION_MISMATCH');
  fake.fault({ on: 'versions', times: 1, act: { raw: 'nginx', status: 200 } });
  const notMatrix = await check({});
  assert.ok(notMatrix instanceof UnreachableError, 'something else listens there');
});

test('ping says whether the homeserver reaches us, and shrugs where it has none', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const error = await rejection(homeserver.ping());
  assert.ok(error instanceof RetryableError);
  assert.equal(error.code, 'HOMESERVER_UNREACHING');

  // It did, and is sending already.
  const words = 'AlreadyCalled: Tried to cancel an already-called event.';
  fake.fault({ on: '/ping', times: 1, act: { answer: 502, errcode: 'M_CONNECTION_FAILED', error: words } });
  await homeserver.ping();

  const old = await bothSides(t, { hasPing: false });
  await old.homeserver.ping();
  await old.homeserver.ping();
  assert.equal(old.log.lines.filter(({ message: said }) => said.includes('no ping')).length, 1);

  const misnamed = openHomeserver({
    ...{ url: fake.url, domain: fake.domain, bot: userId(fake.bot), asToken: fake.asToken },
    ...{ registrationId: 'another', inFlight: 4, log: collectingLog() },
  });
  t.after(() => misnamed.close());
  assert.equal((await rejection(misnamed.ping())).code, 'REGISTRATION_MISMATCH');
});
