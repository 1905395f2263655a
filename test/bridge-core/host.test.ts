// Bridges in one process, over a fake network and homeserver: carried on through what befalls the process itself.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { test } from 'node:test';
import { startFakeBridge } from '../support/fake-bridge.ts';
import { until } from '../support/waiting.ts';

test('a bridge whose disk failed once is started anew by itself, and nothing is lost or doubled', async (t) => {
  const { network, homeserver, room, person, lines } = await startFakeBridge(t);
  const heard = () => network.channel('#place').messages.map(({ body }) => body);
  const shown = () => homeserver.events(room).flatMap(({ type, content }) => (type === 'm.room.message' ? [String(content.body)] : []));
  homeserver.say(person, room, 'before');
  await until('the first words', () => heard().includes('before') || undefined);

  const failed = new Error('no such disk');
  const mocks = [
    t.mock.method(fs, 'fdatasync', (_: number, done: (error?: Error) => void) => done(failed)),
    t.mock.method(fs, 'fdatasyncSync', () => {
      throw failed;
    }),
  ];
  syncBuiltinESMExports();
  homeserver.say(person, room, 'in the failure');
  network.say('zoe', '#place', 'said then');
  await until('the disk to be lost', () => lines.some((line) => line.includes('the disk failed')) || undefined);
  for (const { mock } of mocks) mock.restore();
  syncBuiltinESMExports();

  await until('the words of before to arrive', () => heard().includes('in the failure') || undefined, 15_000);
  homeserver.say(person, room, 'after');
  network.say('zoe', '#place', 'said later');
  await until('the last words', () => (heard().includes('after') && shown().includes('said later')) || undefined);
  assert.deepEqual(
    heard().filter((body) => !body.startsWith('said')),
    ['before', 'in the failure', 'after'],
  );
  assert.deepEqual(
    shown().filter((body) => body.startsWith('said')),
    ['said then', 'said later'],
  );
});
