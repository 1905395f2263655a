// The realtime channel where Gitter is not there: tried ever more seldom, and up again once it is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FayeLine } from '../../../../bridges/gitter/wire/faye.ts';
import { until } from '../../../support/waiting.ts';
import { heard, orgOnGitter, quick, withAdapter } from '../with-gitter.ts';

test('a realtime channel that does not come back is tried ever more seldom, and stands once it does', { timeout: 180_000 }, async (t) => {
  const { gitter, ann, room, events } = await withAdapter(t);
  // Behind the answers to whatever was asked: each of those would be tried again for itself.
  ann.say(room, 'before');
  await heard(events, 'message');
  for (const on of ['POST /bayeux', 'UPGRADE /bayeux']) gitter.fault({ on, act: { status: 503 } });
  const tries = () => gitter.calls.items.filter(({ route }) => route.endsWith(' /bayeux')).map(({ at }) => at);
  const before = tries().length;
  gitter.cutFaye('matrixbot');
  await until('14 tries', () => tries().length >= before + 14 || undefined);
  const of = tries().slice(before, before + 14);
  assert.ok((of.at(-1) ?? 0) - (of[0] ?? 0) > 1_000, 'at an even pace it were less');
  gitter.clearFaults();
  ann.say(room, 'back');
  await heard(events, 'message', ({ body }) => body.text === 'back');
});

test('what is asked for in the moment in which the server knows us no more is heard once it does', { timeout: 180_000 }, async (t) => {
  const { adapter, gitter, ann, room, events } = await withAdapter(t, { gitter: { quirks: { namelessRefusals: true } } });
  const other = gitter.addRoom('org/other', [ann]);
  const channel = await adapter.channels.resolve('org/other');
  assert.ok(channel);
  ann.say(room, 'one');
  await heard(events, 'message');
  // A number is missing, for which the room is asked for anew.
  gitter.deliveryFault({ on: 'chatMessages/create', username: 'matrixbot', times: 1, act: 'skip' });
  ann.say(room, 'two');
  gitter.forgetFayeClients();
  const watched = adapter.watch(channel.id);
  await gitter.waitForListener(room, 'matrixbot');
  await gitter.waitForListener(other, 'matrixbot');
  await watched;
  for (const [place, text] of [[room, 'three'] as const, [other, 'four'] as const]) {
    ann.say(place, text);
    await heard(events, 'message', ({ body }) => body.text === text);
  }
});

test('what an earlier wish is answered, late, opens nothing: it shows less than was told since', { timeout: 180_000 }, async (t) => {
  const { gitter, room, token } = await orgOnGitter();
  const line = new FayeLine({ url: gitter.fayeUrl, token, ...(quick.faye && { timing: quick.faye }), onState: () => {} });
  t.after(async () => {
    await line.close();
    await gitter.stop();
  });
  const opened: string[] = [];
  const listener = (name: string) => ({ ext: { snapshot: { limit: 100 } }, onData: () => {}, onOpen: () => void opened.push(name) });
  const path = `/api/v1/rooms/${room.id}`;
  gitter.world.quirks.snapshotDelay = 400;
  line.subscribe(`${path}/chatMessages`, listener('the first'));
  await gitter.waitForListener(room, 'matrixbot');
  line.unsubscribe(`${path}/chatMessages`);
  gitter.world.quirks.snapshotDelay = 0;
  line.subscribe(`${path}/chatMessages`, listener('the second'));
  await until('the second', () => opened.length > 0 || undefined);
  // Answered behind the first.
  gitter.world.quirks.snapshotDelay = 500;
  line.subscribe(`${path}/users`, listener('the third'));
  await until('the third', () => opened.includes('the third') || undefined);
  assert.deepEqual(opened, ['the second', 'the third']);
});

test('whatever is listened to is asked for once at the greeting', { timeout: 180_000 }, async (t) => {
  const { gitter, room, token } = await orgOnGitter();
  const asked: string[] = [];
  const { take } = gitter.faye;
  t.mock.method(gitter.faye, 'take', function (this: typeof gitter.faye, ...given: Parameters<typeof take>) {
    if (given[0].channel === '/meta/subscribe') asked.push(String(given[0].subscription));
    take.apply(this, given);
  });
  const line = new FayeLine({ url: gitter.fayeUrl, token, ...(quick.faye && { timing: quick.faye }), onState: () => {} });
  t.after(async () => {
    await line.close();
    await gitter.stop();
  });
  const channels = ['', '/users', '/chatMessages'].map((part) => `/api/v1/rooms/${room.id}${part}`);
  const opened: string[] = [];
  for (const channel of channels) line.subscribe(channel, { onData: () => {}, onOpen: () => void opened.push(channel) });
  await until('all of them', () => opened.length >= channels.length || undefined);
  // Behind whatever else would be asked.
  const last = `/api/v1/rooms/${room.id}/events`;
  const answered = Promise.withResolvers<void>();
  line.subscribe(last, { onData: () => {}, onOpen: () => answered.resolve() });
  await answered.promise;
  assert.deepEqual(asked.toSorted(), [...channels, last].toSorted());
});

test('what is asked for anew while the server knows us no more is not taken back behind that', { timeout: 180_000 }, async (t) => {
  const { gitter, ann, room, events } = await withAdapter(t);
  ann.say(room, 'one');
  await heard(events, 'message');
  const asked: string[] = [];
  const { take } = gitter.faye;
  let isPinged = false;
  // The first answer that tells it is that to the ping: the connection is up again by then, and nobody is greeted.
  const heldBack: (() => void)[] = [];
  t.mock.method(gitter.faye, 'take', function (this: typeof gitter.faye, ...given: Parameters<typeof take>) {
    const { channel, subscription } = given[0];
    if (channel === '/meta/connect' && !isPinged) return void heldBack.push(() => take.apply(this, given));
    if (String(subscription).endsWith('/chatMessages')) asked.push(channel);
    take.apply(this, given);
    if (!channel.startsWith('/meta/') && !isPinged) {
      isPinged = true;
      for (const go of heldBack) setTimeout(go, 200);
    }
  });
  for (const on of ['POST /bayeux', 'UPGRADE /bayeux']) gitter.fault({ on, act: { status: 503 } });
  const tries = () => gitter.calls.items.filter(({ route }) => route.endsWith(' /bayeux')).length;
  const before = tries();
  gitter.forgetFayeClients();
  gitter.cutFaye('matrixbot');
  await until('it to be lost', () => tries() >= before + 2);
  gitter.clearFaults();
  await until('the wish', () => asked.includes('/meta/subscribe') || undefined);
  await gitter.waitForListener(room, 'matrixbot');
  ann.say(room, 'two');
  await heard(events, 'message', ({ body }) => body.text === 'two');
  assert.deepEqual([...new Set(asked)], ['/meta/subscribe']);
});
