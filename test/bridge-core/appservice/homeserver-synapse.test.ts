// The door to the homeserver and the listener against a real Synapse: what the fake homeserver of the other tests claims must
// be true of it.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CatchUp } from '../../../bridge-core/appservice/catch-up.ts';
import type { Homeserver } from '../../../bridge-core/appservice/homeserver.ts';
import { type Listener, openListener } from '../../../bridge-core/appservice/listener.ts';
import { openHomeserver } from '../../../bridge-core/appservice/open-homeserver.ts';
import { openTransactions } from '../../../bridge-core/appservice/transactions.ts';
import { RetryableError, UnreachableError } from '../../../bridge-core/errors.ts';
import { type RoomId, userId } from '../../../bridge-core/ids.ts';
import type { EphemeralEvent, MatrixEvent } from '../../../bridge-core/matrix-event.ts';
import { freePort } from '../../../quickstart/servers/ports.ts';
import { type Synapse, startSynapse } from '../../../quickstart/servers/synapse.ts';
import { collectingLog, rejection, tempFolder, tempStore, textOf } from './kit.ts';

const bot = userId('@cwbot:hs.test');
const ghost = userId('@irc_bob:hs.test');
const message = { msgtype: 'm.text', body: 'hello' };

let synapse: Synapse;
let listener: Listener;
let homeserver: Homeserver;
let failTransactions = 0;
const log = collectingLog();
const events: MatrixEvent[] = [];
const ephemeral: EphemeralEvent[] = [];
const ends: (() => unknown)[] = [];
const suite = { after: (end: () => unknown) => ends.unshift(end) } as never;

const open = (change: Partial<Parameters<typeof openHomeserver>[0]> = {}): Homeserver => {
  const opened = openHomeserver({
    ...{ url: synapse.url, domain: 'hs.test', bot, asToken: 'as-token', registrationId: 'cw', inFlight: 8, log },
    ...change,
  });
  ends.unshift(() => opened.close());
  return opened;
};

const until = async (enough: () => boolean, what: string): Promise<void> => {
  const end = Date.now() + 60_000;
  while (!enough()) {
    if (Date.now() > end) assert.fail(`not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

before(async () => {
  const folder = tempFolder(suite);
  const port = await freePort();
  const registration = join(folder, 'registration.yaml');
  writeFileSync(
    registration,
    `id: cw
url: http://127.0.0.1:${port}
as_token: as-token
hs_token: hs-token
sender_localpart: cwbot
rate_limited: false
receive_ephemeral: true
protocols: [irc]
namespaces:
  users: [{exclusive: true, regex: '@irc_.*:hs\\.test'}]
  aliases: [{exclusive: true, regex: '#irc_.*:hs\\.test'}]
  rooms: []
`,
  );
  synapse = await startSynapse({ folder: join(folder, 'synapse'), registrations: [registration] });
  ends.unshift(() => synapse.stop());
  homeserver = open();
  const store = tempStore(suite);
  const transactions = openTransactions({
    ...{ store, log },
    onFailure: () => void homeserver.ping().catch(() => {}),
    accept: async (batch) => {
      if (failTransactions > 0) {
        failTransactions -= 1;
        throw new RetryableError('STORE_BROKEN', 'not now');
      }
      events.push(...batch.events);
      ephemeral.push(...batch.ephemeral);
      await store.write(batch.record);
    },
  });
  ends.unshift(() => transactions.close());
  listener = await openListener({ host: '127.0.0.1', port, log });
  ends.unshift(() => listener.close());
  listener.add({
    ...{ name: 'irc', hsToken: 'hs-token', webPrefix: 'irc' },
    inbound: {
      transaction: (id, body) => transactions.receive(id, body),
      user: async (id) => {
        if (id === '@irc_eve:hs.test') await homeserver.register(id);
        return id === '@irc_eve:hs.test';
      },
      alias: async () => false,
      thirdParty: {
        protocol: async () => ({ user_fields: [], location_fields: [], icon: '', field_types: {}, instances: [] }),
        user: async (_protocol, fields) => [{ userid: `@irc_${fields.nick}:hs.test`, protocol: 'irc', fields: {} }],
        userOf: async () => [],
        location: async () => [],
        locationOf: async () => [],
      },
    },
  });
});

after(async () => {
  for (const end of ends) await end();
});

test('check and ping are content, and say what is wrong', async () => {
  assert.ok((await homeserver.check()).versions.length > 0);
  await homeserver.ping();
  // Where nobody may register, as Synapse comes, and the bot was not there yet, both causes are possible.
  for (const asked of [bot, userId('@unknown:hs.test')]) {
    const either = await rejection(open({ asToken: 'wrong', bot: asked }).check());
    assert.equal(either.code, 'HOMESERVER_TOKEN');
    assert.match(either.message, /does not name the registration file.*: add it; or it has another one.*: give it this one/);
  }
  await homeserver.register(bot);
  const known = await rejection(open({ asToken: 'wrong' }).check());
  assert.equal(known.code, 'HOMESERVER_TOKEN');
  assert.match(known.message, /knows @cwbot:hs\.test, but not the as_token/);

  assert.equal((await rejection(open({ domain: 'x.org', bot: userId('@cwbot:x.org') }).check())).code, 'HOMESERVER_DOMAIN');
  assert.equal((await rejection(open({ bot: userId('@other:hs.test') }).check())).code, 'REGISTRATION_MISMATCH');
  assert.equal((await rejection(open({ registrationId: 'other' }).ping())).code, 'REGISTRATION_MISMATCH');
  const token = await rejection(open({ asToken: 'wrong' }).state('!x' as RoomId, 'm.room.name', ''));
  assert.ok(token instanceof UnreachableError && token.code === 'HOMESERVER_TOKEN');
});

for (const version of ['11', '12']) {
  test(`room version ${version}: a ghost joins with a key, speaks once, redacts, and all comes back in order`, async () => {
    await homeserver.register(ghost);
    assert.equal(await homeserver.register(ghost), false);
    await homeserver.setDisplayName(ghost, 'Bob');
    const room = await homeserver.createRoom(bot, { room_version: version, preset: 'public_chat', name: 'Here' });
    assert.equal(await homeserver.join(ghost, room, 'key.1'), room);
    const member = await homeserver.state(room, 'm.room.member', ghost);
    assert.deepEqual([member?.membership, member?.displayname, member?.['dev.causeway.key']], ['join', 'Bob', 'key.1']);
    const at = Date.now() - 86_400_000;
    const said = await homeserver.send(ghost, room, 'm.room.message', `a.${version}`, message, at);
    assert.equal(await homeserver.send(ghost, room, 'm.room.message', `a.${version}`, message, at), said);
    const event = await homeserver.event(room, said);
    assert.deepEqual([event?.at, event?.content.body, event?.sender], [at, 'hello', ghost]);
    const redaction = await homeserver.redact(ghost, room, said, `b.${version}`, { reason: 'slip', 'dev.causeway.key': 'key.2' });
    await homeserver.typing(ghost, room, true);
    await until(() => events.some(({ id }) => id === redaction), 'the redaction by transaction');
    const back = events.find(({ id }) => id === redaction);
    assert.deepEqual([back?.redacts, back?.content['dev.causeway.key'], back?.content.reason], [said, 'key.2', 'slip']);
    const mine = events.filter((one) => one.room === room).map(({ id }) => id);
    assert.ok(mine.indexOf(said) < mine.indexOf(redaction));

    const read: string[] = [];
    for await (const one of homeserver.messagesBack(room, 0)) read.push(one.type);
    assert.deepEqual([read[0], read.at(-1)], ['m.room.redaction', 'm.room.create']);
    assert.deepEqual((await homeserver.joinedMembers(room)).get(ghost), { name: 'Bob' });
    assert.ok((await homeserver.fullState(room)).some((one) => one.type === 'm.room.create'));
    assert.equal((await rejection(homeserver.setState(ghost, room, 'm.room.topic', '', { topic: 'x' }))).code, 'FORBIDDEN_IN_ROOM');
  });
}

test('memberships of a closed room, each with its reason', async () => {
  const room = await homeserver.createRoom(bot, { preset: 'private_chat' });
  const member = () => homeserver.state(room, 'm.room.member', ghost);
  await homeserver.register(ghost);
  assert.equal((await rejection(homeserver.join(ghost, room, 'k'))).code, 'FORBIDDEN_IN_ROOM');
  await homeserver.invite(bot, room, ghost, 'come in');
  assert.equal((await member())?.reason, 'come in');
  await homeserver.join(ghost, room, 'k');
  await homeserver.kick(bot, room, ghost, 'out');
  assert.deepEqual([(await member())?.membership, (await member())?.reason], ['leave', 'out']);
  await homeserver.ban(bot, room, ghost, 'for good');
  await homeserver.unban(bot, room, ghost);
  await homeserver.invite(bot, room, ghost);
  await homeserver.join(ghost, room);
  await homeserver.leave(ghost, room, 'tired');
  assert.deepEqual([(await member())?.membership, (await member())?.reason], ['leave', 'tired']);
});

test('an invited ghost that nobody knew is asked for, and made', async () => {
  const room = await homeserver.createRoom(bot, {});
  await homeserver.invite(bot, room, userId('@irc_eve:hs.test'));
  assert.equal((await homeserver.state(room, 'm.room.member', '@irc_eve:hs.test'))?.membership, 'invite');
});

test('files go up and come down, in ranges, with their type; unknown ones are missing', async () => {
  async function* stream() {
    yield Buffer.from('one ');
    yield Buffer.from('two');
  }
  const mxc = await homeserver.upload(ghost, stream(), 'text/plain', 'a b.txt', 7);
  const whole = await homeserver.download(mxc);
  assert.equal(await textOf(whole.body), 'one two');
  assert.match(whole.headers['content-type'] ?? '', /^text\/plain/);
  const part = await homeserver.download(mxc, 'bytes=0-2');
  assert.ok((await textOf(part.body)).startsWith('one'), `${part.status}`);
  assert.equal((await rejection(homeserver.download('mxc://hs.test/nothing'))).code, 'HOMESERVER_REFUSED');
});

test('presence, account data, aliases and what is not there', async () => {
  await homeserver.setPresence(ghost, 'online', 'here');
  await homeserver.setAccountData(ghost, 'dev.test', { a: 1 });
  assert.deepEqual(await homeserver.accountData(ghost, 'dev.test'), { a: 1 });
  assert.equal(await homeserver.accountData(ghost, 'dev.none'), undefined);
  assert.equal(await homeserver.resolveAlias('#none:hs.test'), undefined);
  assert.equal(await homeserver.resolveAlias('#irc_none:hs.test'), undefined);
  assert.deepEqual(await homeserver.profile(userId('@nobody:hs.test')), {});
});

test('typing of others comes by transaction', async () => {
  await until(() => ephemeral.some(({ type }) => type === 'm.typing'), 'typing');
});

test('after a transaction that we failed, our ping brings the events long before the pause of Synapse ends', async () => {
  const person = await synapse.registerPerson('alice');
  const room = await homeserver.createRoom(bot, { invite: [person.userId], preset: 'public_chat' });
  const call = (method: string, path: string, body: object) =>
    fetch(`${synapse.url}/_matrix/client/v3${path}`, {
      ...{ method, body: JSON.stringify(body), headers: { authorization: `Bearer ${person.accessToken}` } },
    });
  await call('POST', `/join/${encodeURIComponent(room)}`, {});
  await until(() => events.some((event) => event.room === room && event.stateKey === person.userId), 'the join');
  // Four failures would keep Synapse from trying for 30 s in all.
  failTransactions = 4;
  const began = Date.now();
  await call('PUT', `/rooms/${encodeURIComponent(room)}/send/m.room.message/t1`, { msgtype: 'm.text', body: 'urgent' });
  await until(() => events.some((event) => event.content.body === 'urgent'), 'the message');
  assert.ok(Date.now() - began < 28_000, `${Date.now() - began} ms`);
});

test('what did not come by transaction is read back by the bot, in order; of memberships what stands', async () => {
  const person = await synapse.registerPerson('carol');
  const room = await homeserver.createRoom(bot, { invite: [person.userId], preset: 'public_chat' });
  const call = (method: string, path: string, body?: object) =>
    fetch(`${synapse.url}/_matrix/client/v3${path}`, {
      ...{ method, headers: { authorization: `Bearer ${person.accessToken}` } },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const lines: string[] = [];
  const lost: string[] = [];
  const catchUp = new CatchUp({
    ...{ homeserver, log },
    notes: { get: () => undefined, set: async () => {} },
    rooms: () => [{ room, at: 0 }],
    accept: async (batch) => {
      for (const { content, stateKey } of batch.events) {
        if (typeof content.body === 'string') lines.push(content.body);
        if (stateKey === person.userId) lost.push(String(content.membership));
      }
    },
  });
  const none = { events: [], ephemeral: [], record: () => {} };
  try {
    catchUp.heard(true);
    await catchUp.take(none);
    const path = encodeURIComponent(room);
    await call('POST', `/join/${path}`, {});
    for (const number of [1, 2, 3]) {
      await call('PUT', `/rooms/${path}/send/m.room.message/lost${number}`, { msgtype: 'm.text', body: `lost ${number}` });
    }
    await call('POST', `/rooms/${path}/leave`, {});
    catchUp.heard(true);
    await catchUp.take({ ...none, events: events.filter((event) => event.room === room).slice(0, 1) });
    await until(() => lost.length > 0, 'the room read back');
  } finally {
    catchUp.stop();
  }
  assert.deepEqual([lines, lost], [['lost 1', 'lost 2', 'lost 3'], ['leave']]);
  assert.equal(log.lines.filter(({ message }) => message.includes('cannot be read')).length, 0);
});

test('a restart of Synapse: unreachable meanwhile, transaction numbers from 1 again, and its events are taken', async () => {
  const room = await homeserver.createRoom(bot, {});
  await synapse.stop();
  assert.ok((await rejection(homeserver.send(bot, room, 'm.room.message', 'r.1', message))) instanceof UnreachableError);
  await synapse.start();
  await homeserver.ping();
  for (let number = 0; number < 5; number += 1) {
    await homeserver.send(bot, room, 'm.room.message', `r.${number}`, { ...message, body: `after ${number}` });
  }
  await until(() => events.filter((event) => String(event.content.body).startsWith('after')).length === 5, 'all five');
});
