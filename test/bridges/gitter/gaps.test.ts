// What is told of a gap in Gitter where what was missed is not to be read back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/waiting.ts';
import { type GitterEvents, withAdapter } from './with-gitter.ts';

const quickly = { timeout: 180_000 };

const texts = (events: GitterEvents): string[] => events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : []));

const kinds = (events: GitterEvents, kind: string) => events.filter((event) => event.kind === kind);

async function heardAll(events: GitterEvents, wanted: readonly string[]): Promise<void> {
  await until(wanted.at(-1) ?? '', () => texts(events).includes(wanted.at(-1) ?? '') || undefined);
  assert.deepEqual(texts(events), wanted);
}

test('where nothing is to be read back, what was missed is told as a gap and none of it is told', quickly, async (t) => {
  const { ann, gitter, room, events } = await withAdapter(t, { settings: { history: { most: 0 } } });
  ann.say(room, 'before');
  await heardAll(events, ['before']);
  gitter.deliveryFault({ on: 'chatMessages/create', username: 'matrixbot', times: 2, act: 'drop' });
  for (const text of ['lost', 'lost too', 'after']) ann.say(room, text);
  await heardAll(events, ['before', 'after']);
  gitter.cutFaye('matrixbot');
  await delay(100);
  await gitter.waitForListener(room, 'matrixbot');
  ann.say(room, 'at last');
  await heardAll(events, ['before', 'after', 'at last']);
  assert.equal(kinds(events, 'gap').length, 1);
});

test('where nothing is to be read back, what is still on its way is no gap', quickly, async (t) => {
  const { ann, gitter, room, events } = await withAdapter(t, { settings: { history: { most: 0 } } });
  ann.say(room, 'before');
  await heardAll(events, ['before']);
  gitter.deliveryFault({ on: 'chatMessages/create', username: 'matrixbot', times: 1, act: { delay: 700 } });
  ann.say(room, 'late');
  gitter.cutFaye('matrixbot');
  await heardAll(events, ['before', 'late']);
  ann.say(room, 'after');
  await heardAll(events, ['before', 'late', 'after']);
  assert.equal(kinds(events, 'gap').length, 0);
});
