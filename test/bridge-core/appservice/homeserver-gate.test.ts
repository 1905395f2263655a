// How much is asked of the homeserver at once, and what its 429 does.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Gate } from '../../../bridge-core/appservice/homeserver-gate.ts';
import { openHomeserver } from '../../../bridge-core/appservice/open-homeserver.ts';
import { RetryableError, UnknownOutcomeError, UnreachableError } from '../../../bridge-core/errors.ts';
import { roomId, userId } from '../../../bridge-core/ids.ts';
import { startFakeHomeserver } from '../../support/fake-homeserver.ts';
import { until } from '../../support/waiting.ts';
import { bothSides, collectingLog, rejection } from './kit.ts';

const ghost = userId('@irc_bob:hs.test');
const message = { msgtype: 'm.text', body: 'hello' };

test('a 429 names the wait, holds back what else is sent, and lets other kinds through', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  fake.fault({ on: 'send', times: 1, act: { answer: 429, errcode: 'M_LIMIT_EXCEEDED', extra: { retry_after_ms: 3_000 } } });
  const began = performance.now();
  const error = await rejection(homeserver.send(homeserver.bot, room, 'm.room.message', 'x', message));
  assert.ok(error instanceof RetryableError);
  assert.deepEqual([error.code, error.after], ['HOMESERVER_BUSY', 3_000]);
  const done: string[] = [];
  const sent = homeserver.send(homeserver.bot, room, 'm.room.message', 'y', message).then(() => done.push('message'));
  await homeserver.register(ghost).then(() => done.push('registration'));
  await sent;
  assert.deepEqual(done, ['registration', 'message'], 'the registration did not wait');
  assert.ok(performance.now() - began >= 2_990, 'the next message did');
});

test('a kind that is held shortly goes on in its time, whatever another is held for', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const gate = new Gate({ inFlight: 8 });
  gate.hold('send', 1_000);
  gate.hold('membership', 25_000);
  const entered: string[] = [];
  for (const kind of ['send', 'membership'] as const) gate.enter(kind)?.then(() => entered.push(kind));
  t.mock.timers.tick(1_100);
  await setImmediate();
  assert.deepEqual(entered, ['send']);
  t.mock.timers.tick(24_000);
  await setImmediate();
  assert.deepEqual(entered, ['send', 'membership']);
});

test('a wait of a day is cut to an hour and said; Retry-After counts where the body says nothing', async (t) => {
  const { fake, homeserver, log } = await bothSides(t);
  fake.fault({ on: 'createRoom', times: 1, act: { answer: 429, extra: { retry_after_ms: 86_400_000 } } });
  assert.equal((await rejection(homeserver.createRoom(homeserver.bot, {}))).after, 3_600_000);
  assert.ok(log.lines.some(({ level, message: said }) => level === 'warn' && said.includes('hour')));
  fake.fault({ on: 'register', times: 1, act: { answer: 429, headers: { 'retry-after': '7' } } });
  assert.equal((await rejection(homeserver.register(ghost))).after, 7000);
});

test('no more requests than allowed are under way, a quarter of them for memberships, first come first served', async (t) => {
  const { fake, homeserver } = await bothSides(t, { latency: 80 }, { inFlight: 8 });
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  const sent = Array.from({ length: 40 }, (_, n) => homeserver.send(homeserver.bot, room, 'm.room.message', `t${n}`, message));
  assert.deepEqual(homeserver.load(), { inFlight: 8, waiting: 32 });
  await Promise.all(sent);
  assert.ok(fake.counts.mostAtOnce <= 8, `${fake.counts.mostAtOnce} at once`);
  const order = fake.requests.filter(({ path }) => path.includes('/send/')).map(({ path }) => Number(path.split('/t').at(-1)));
  // Side by side they may go past each other; nobody who waits has all eight places go to those behind.
  assert.deepEqual(
    order.filter((number, place) => number - place > 7),
    [],
  );
  fake.counts.mostAtOnce = 0;
  const registered = Array.from({ length: 12 }, (_, n) => homeserver.register(userId(`@irc_g${n}:hs.test`)));
  assert.deepEqual(homeserver.load(), { inFlight: 2, waiting: 10 });
  await Promise.all(registered);
  assert.ok(fake.counts.mostAtOnce <= 2, `${fake.counts.mostAtOnce} at once`);
});

test('typing is not sent where it would have to wait', async (t) => {
  const { fake, homeserver } = await bothSides(t, { latency: 20 }, { inFlight: 1 });
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  const sent = homeserver.send(homeserver.bot, room, 'm.room.message', 'x', message);
  await homeserver.typing(homeserver.bot, room, true);
  await sent;
  assert.equal(fake.requests.filter(({ path }) => path.includes('/typing/')).length, 0);
});

test('closing ends what waits and what is under way', async () => {
  const fake = await startFakeHomeserver({ latency: 3_000 });
  const homeserver = openHomeserver({
    ...{ url: fake.url, domain: fake.domain, bot: userId(fake.bot), asToken: fake.asToken },
    ...{ registrationId: 'x', inFlight: 1, log: collectingLog() },
  });
  const room = roomId(fake.createRoom({ creator: fake.bot }));
  const underWay = rejection(homeserver.send(homeserver.bot, room, 'm.room.message', 'a', message));
  const waiting = rejection(homeserver.send(homeserver.bot, room, 'm.room.message', 'b', message));
  await until('the first on its way', () => fake.counts.atOnce === 1);
  assert.deepEqual(homeserver.load(), { inFlight: 1, waiting: 1 });
  await homeserver.close();
  assert.ok((await underWay) instanceof UnknownOutcomeError);
  assert.ok((await waiting) instanceof UnreachableError);
  await fake.stop();
});
