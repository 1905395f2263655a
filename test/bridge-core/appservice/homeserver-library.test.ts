// What the bridge library would do unasked, and must not: join, raise powers, try again, remember without end.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { queryObjects } from 'node:v8';
import { MatrixClient } from '@vector-im/matrix-bot-sdk';
import { Intent } from 'matrix-appservice-bridge';
import { RetryableError } from '../../../bridge-core/errors.ts';
import { eventId, roomId, userId } from '../../../bridge-core/ids.ts';
import { bothSides, rejection } from './kit.ts';

const ghost = userId('@irc_bob:hs.test');
const message = { msgtype: 'm.text', body: 'hello' };
/** Live objects of a class, after a collection. */
const countOf = (kind: new (...given: never[]) => object): number => Number(queryObjects(kind, { format: 'count' }));

test("the library's requests go over our Agent, under our name", async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  const seen: string[] = [];
  const onRequest = (event: unknown) => seen.push((event as { request: { path: string } }).request.path);
  subscribe('undici:request:create', onRequest);
  t.after(() => unsubscribe('undici:request:create', onRequest));
  await homeserver.state(room, 'm.room.create', '');
  assert.equal(seen.length, 1);
  assert.match(seen[0] ?? '', /\/state\/m\.room\.create\/\?user_id=/);
  assert.equal(fake.requests.at(-1)?.agent, 'causeway');
});

test('two bridges in one process each ask with their own token', async (t) => {
  const one = await bothSides(t, { asToken: 'one' });
  const two = await bothSides(t, { asToken: 'two', domain: 'two.test' });
  const rooms = [one, two].map(({ fake }) => roomId(fake.createRoom({ creator: fake.bot, name: fake.domain })));
  const names = await Promise.all([one, two].map(({ homeserver }, n) => homeserver.state(rooms[n] as never, 'm.room.name', '')));
  assert.deepEqual(names, [{ name: 'hs.test' }, { name: 'two.test' }]);
});

test('two bridges of one registration on two homeservers each ask their own', async (t) => {
  const sides = [await bothSides(t), await bothSides(t)];
  const name = async ({ fake, homeserver }: (typeof sides)[number], words: string) =>
    await homeserver.state(roomId(fake.createRoom({ creator: fake.bot, name: words })), 'm.room.name', '');
  assert.deepEqual(await Promise.all(sides.map((side, at) => name(side, `${at}`))), [{ name: '0' }, { name: '1' }]);
  await sides[1]?.homeserver.close();
  assert.deepEqual(await name(sides[0] as (typeof sides)[number], 'still there'), { name: 'still there' });
});

test('a refused state event neither joins, raises a power level nor tries again', async (t) => {
  for (const version of ['11', '12']) {
    const { fake, homeserver } = await bothSides(t);
    const room = roomId(fake.createRoom({ creator: fake.bot, version }));
    await homeserver.register(ghost);
    await homeserver.join(ghost, room);
    const levels = JSON.stringify(await homeserver.state(room, 'm.room.power_levels', ''));
    const before = fake.requests.length;
    for (const type of ['m.room.topic', 'm.room.power_levels']) {
      assert.equal((await rejection(homeserver.setState(ghost, room, type, '', {}))).code, 'FORBIDDEN_IN_ROOM');
    }
    assert.equal(fake.requests.length - before, 2);
    assert.equal(JSON.stringify(await homeserver.state(room, 'm.room.power_levels', '')), levels);
  }
});

test('no call of a user outside the room makes them join or be invited', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  const target = userId(fake.user('alice'));
  await homeserver.register(ghost);
  const before = fake.requests.length;
  const calls = [
    () => homeserver.setState(ghost, room, 'm.room.topic', '', {}),
    () => homeserver.invite(ghost, room, target),
    () => homeserver.kick(ghost, room, target),
    () => homeserver.ban(ghost, room, target),
    () => homeserver.unban(ghost, room, target),
    () => homeserver.send(ghost, room, 'm.room.message', 'x', message),
  ];
  for (const call of calls) assert.equal((await rejection(call())).code, 'FORBIDDEN_IN_ROOM');
  await homeserver.typing(ghost, room, true).catch(() => {});
  assert.equal(fake.requests.length - before, calls.length + 1);
  assert.equal(fake.room(room).membership(ghost), 'leave');
});

test('no call repeats itself when the connection breaks or the homeserver fails', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  const user = userId(fake.user('alice'));
  const calls: [string, () => Promise<unknown>][] = [
    ['setState', () => homeserver.setState(homeserver.bot, room, 'm.room.topic', '', {})],
    ['state', () => homeserver.state(room, 'm.room.name', '')],
    ['fullState', () => homeserver.fullState(room)],
    ['event', () => homeserver.event(room, eventId('$x'))],
    ['joinedMembers', () => homeserver.joinedMembers(room)],
    ['resolveAlias', () => homeserver.resolveAlias('#x:hs.test')],
    ['createRoom', () => homeserver.createRoom(homeserver.bot, {})],
    ['join', () => homeserver.join(homeserver.bot, room)],
    ['leave', () => homeserver.leave(homeserver.bot, room)],
    ['invite', () => homeserver.invite(homeserver.bot, room, user)],
    ['kick', () => homeserver.kick(homeserver.bot, room, user)],
    ['ban', () => homeserver.ban(homeserver.bot, room, user)],
    ['unban', () => homeserver.unban(homeserver.bot, room, user)],
    ['register', () => homeserver.register(ghost)],
    ['setDisplayName', () => homeserver.setDisplayName(homeserver.bot, 'x')],
    ['setAvatar', () => homeserver.setAvatar(homeserver.bot, 'mxc://x/y')],
    ['profile', () => homeserver.profile(user)],
    ['setPresence', () => homeserver.setPresence(homeserver.bot, 'online')],
    ['accountData', () => homeserver.accountData(homeserver.bot, 'x')],
  ];
  for (const fault of [{ drop: 'after' }, { answer: 500 }] as const) {
    fake.fault({ act: fault });
    for (const [name, call] of calls) {
      const before = fake.counts.requests;
      const error = await rejection(call());
      assert.ok(error instanceof RetryableError, `${name}: ${error}`);
      assert.equal(fake.counts.requests - before, 1, name);
    }
    fake.clearFaults();
  }
});

test('making a room changes nothing in what the caller gave', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const options = Object.freeze({ invite: Object.freeze([fake.bot, fake.user('alice')]), preset: 'private_chat' });
  const room = await homeserver.createRoom(homeserver.bot, options);
  assert.deepEqual(options.invite, [fake.bot, '@alice:hs.test']);
  assert.deepEqual(fake.room(room).members('invite'), ['@alice:hs.test']);
});

test('a thousand ghosts leave no thousand clients behind', async (t) => {
  const { homeserver } = await bothSides(t);
  for (let number = 0; number < 1000; number += 1) {
    await homeserver.setDisplayName(userId(`@irc_g${number}:hs.test`), 'x').catch(() => {});
  }
  assert.ok(countOf(MatrixClient) <= 250, `${countOf(MatrixClient)} clients`);
  assert.ok(countOf(Intent) <= 2, `${countOf(Intent)} intents`);
});

test('the library is loaded by the first call that needs it, not by the messages', () => {
  const script = `
    const { openHomeserver } = await import('./bridge-core/appservice/open-homeserver.ts');
    const { startFakeHomeserver } = await import('./test/support/fake-homeserver.ts');
    const { createRequire } = await import('node:module');
    const isLoaded = () => Object.keys(createRequire(process.cwd() + '/x.js').cache).some((path) => path.includes('matrix-bot-sdk'));
    const fake = await startFakeHomeserver();
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
    const homeserver = openHomeserver({ url: fake.url, domain: 'hs.test', bot: fake.bot, asToken: fake.asToken, registrationId: 'x', inFlight: 4, log });
    const room = fake.createRoom({ creator: fake.bot });
    await homeserver.check();
    await homeserver.register('@irc_bob:hs.test');
    await homeserver.join('@irc_bob:hs.test', room, 'key');
    await homeserver.send('@irc_bob:hs.test', room, 'm.room.message', 'a', { body: 'x' });
    for await (const event of homeserver.messagesBack(room, 0)) event;
    const before = isLoaded();
    await homeserver.warm();
    console.log(JSON.stringify({ before, after: isLoaded() }));
    await homeserver.close();
    await fake.stop();
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(stdout), { before: false, after: true });
  assert.equal(stderr, '', 'and it says nothing on its own');
});
