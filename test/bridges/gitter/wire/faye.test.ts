// The realtime channel where Gitter is not there: tried ever more seldom, and up again once it is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../support/waiting.ts';
import { heard, withAdapter } from '../with-gitter.ts';

test('a realtime channel that does not come back is tried ever more seldom, and stands once it does', { timeout: 180_000 }, async (t) => {
  const { gitter, ann, room, events } = await withAdapter(t);
  await gitter.waitForListener(room, 'matrixbot');
  for (const on of ['POST /bayeux', 'UPGRADE /bayeux']) gitter.fault({ on, act: { status: 503 } });
  const tries = () => gitter.calls.items.filter(({ route }) => route.endsWith(' /bayeux')).map(({ at }) => at);
  const before = tries().length;
  gitter.cutFaye('matrixbot');
  await until('14 tries', () => tries().length >= before + 14 || undefined);
  const of = tries().slice(before, before + 14);
  assert.ok((of.at(-1) ?? 0) - (of[0] ?? 0) > 1_000, 'at an even pace it were less');
  gitter.clearFaults();
  ann.say(room, 'back');
  await heard(events, 'message');
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
