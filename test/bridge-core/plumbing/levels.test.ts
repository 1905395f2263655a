// A room's power levels, changed by several at once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roomId, userId } from '../../../bridge-core/ids.ts';
import { Levels } from '../../../bridge-core/plumbing/levels.ts';

const [room, other] = [roomId('!r:hs.test'), roomId('!s:hs.test')];

test('two who change them at once each keep what the other changed, also where one of them fails', async () => {
  const stand = new Map<string, Record<string, unknown>>([room, other].map((id) => [id, { events_default: 0, invite: 0 }]));
  const order: string[] = [];
  let isRefused = false;
  const levels = new Levels({
    bot: userId('@bot:hs.test'),
    state: async (id: string) => {
      const now = stand.get(id);
      order.push(`read ${id}`);
      await new Promise(setImmediate);
      return now;
    },
    setState: async (_by: string, id: string, _type: string, _key: string, content: Record<string, unknown>) => {
      await new Promise(setImmediate);
      if (isRefused) throw new Error('refused');
      order.push(`wrote ${id}`);
      stand.set(id, content);
    },
  } as never);
  await Promise.all([
    levels.change(room, (now) => ({ ...now, events_default: 100 })),
    levels.change(room, (now) => ({ ...now, invite: 100 })),
    levels.change(other, (now) => ({ ...now, invite: 50 })),
  ]);
  assert.deepEqual(stand.get(room), { events_default: 100, invite: 100 });
  assert.deepEqual(order.slice(0, 2), [`read ${room}`, `read ${other}`], 'one room does not wait for another');

  isRefused = true;
  const failing = levels.change(room, (now) => ({ ...now, invite: 0 }));
  const next = levels.change(room, (now) => {
    isRefused = false;
    return { ...now, events_default: 0 };
  });
  await assert.rejects(failing, /refused/);
  await next;
  assert.deepEqual(stand.get(room), { events_default: 0, invite: 100 });

  const written = order.length;
  await levels.change(room, (now) => ({ ...now, invite: 100 }));
  await levels.change(room, () => undefined);
  assert.deepEqual(order.slice(written), [`read ${room}`, `read ${room}`], 'what stands already is not written again');
});
