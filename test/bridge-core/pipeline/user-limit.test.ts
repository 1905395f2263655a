// A bridge whose operator limits how many people it serves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roomId } from '../../../bridge-core/ids.ts';
import type { MatrixEvent } from '../../../bridge-core/matrix-event.ts';
import { UserLimit } from '../../../bridge-core/pipeline/user-limit.ts';
import { type FakeBridge, startFakeBridge } from '../../support/fake-bridge.ts';
import { openTempStore } from '../../support/temp-store.ts';
import { silentLog } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';

const bodies = ({ homeserver, room }: FakeBridge): string[] => homeserver.messages(room).map(({ content }) => String(content.body));
const blocked = async ({ url }: FakeBridge): Promise<string | undefined> =>
  /^bridge_blocked\{[^}]*\} (\d)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1];

test('above the limit nothing that is said is carried, the room hears so once, and below it all goes on; over restarts', async (t) => {
  const bridge = await startFakeBridge(t, { settings: 'active_users: { limit: 1, min_days: 1 }' });
  const { homeserver, network, room, person } = bridge;
  for (const nick of ['zoe', 'yan']) network.say(nick, '#place', `I am ${nick}`);
  await until('both', () => bodies(bridge).includes('I am yan') || undefined);
  assert.equal(await until('the figures', () => blocked(bridge)), '0');
  await bridge.restart();
  await until('the bridge to be blocked', async () => (await blocked(bridge)) === '1' || undefined);
  for (const words of ['one', 'two']) {
    network.say('zoe', '#place', `${words} of zoe`);
    homeserver.say(person, room, `${words} of ann`);
  }
  await until('the notice', () => bodies(bridge).some((body) => body.includes('more people than its operator lets it')) || undefined);
  // Words to the bridge are still heard.
  homeserver.say(person, room, '!fake list');
  await until('the answer', () => bodies(bridge).some((body) => body.startsWith('#place on Fake')) || undefined);
  await bridge.adapter().reported();
  assert.equal(bodies(bridge).filter((body) => body.includes('more people')).length, 1);
  assert.ok(!bodies(bridge).some((body) => body.endsWith('of zoe')));
  assert.deepEqual(
    network.said('#place').filter((line) => line.includes('of ann')),
    [],
  );

  // A start neither says it again nor forgets who is to hear of the end.
  await bridge.restart();
  network.say('zoe', '#place', 'three of zoe');
  await bridge.adapter().reported();
  homeserver.say(person, room, '!fake list');
  await until('the answer', () => bodies(bridge).filter((body) => body.startsWith('#place on Fake')).length === 2 || undefined);
  assert.equal(bodies(bridge).filter((body) => body.includes('more people')).length, 1);
  const isOver = () => bodies(bridge).filter((body) => body.startsWith('Messages are carried again'));
  assert.deepEqual(isOver(), []);

  await bridge.restart({ activeUsers: { limit: 2, minDays: 1, withinDays: 30 } });
  network.say('yan', '#place', 'again');
  await until('it', () => bodies(bridge).includes('again') || undefined);
  await until('the end of it', () => isOver().length === 1 || undefined);
  await bridge.restart({ activeUsers: { limit: undefined, minDays: 1, withinDays: 30 } });
  await until('the figure', async () => (await blocked(bridge)) === '0' || undefined);
  assert.equal(isOver().length, 1);
});

test('who spoke on too few days, or too long ago, is not counted; a room that was told hears that it goes on', async (t) => {
  const { store } = openTempStore(t);
  const insert = store.prepare('INSERT INTO relations (event, link, part, kind, sender, author, at) VALUES (?, 1, 0, 0, ?, ?, ?)');
  const day = 86_400_000;
  const say = (author: string, ...ages: number[]) =>
    store.write(() => {
      for (const age of ages) insert.run(`$${author}${age}`, '@ghost:hs', author, Date.now() - age * day);
    });
  await say('daily', 0, 1, 2);
  await say('passing', 1);
  await say('former', 27, 28, 29);
  const room = roomId('!r:hs');
  for (const [limit, withinDays, isOver] of [
    [1, 30, true],
    [2, 30, false],
    [0, 20, true],
    [1, 20, false],
  ] as const) {
    const told: string[] = [];
    const counted = new UserLimit({
      ...{ settings: { limit, minDays: 3, withinDays }, store, log: silentLog },
      // As it was not when it was counted last.
      notes: { get: () => (isOver ? undefined : 99), set: async () => {} },
      links: { liveOn: () => [], byRoom: () => [], all: () => [], setOptions: () => assert.fail('there is no link') },
      tell: (_room, words) => void told.push(words),
    });
    const event = { room, type: 'm.room.message' } as MatrixEvent;
    assert.deepEqual([counted.stopsHere(event), counted.stopsHere({ ...event, type: 'm.room.redaction' })], [!isOver, false]);
    counted.start();
    await until('the count', () => counted.isBlocked === isOver || undefined);
    counted.stop();
    assert.deepEqual(
      told.map((words) => words.slice(0, 23)),
      isOver ? [] : ['This bridge serves more', 'Messages are carried ag'],
    );
  }
});
