// Bridges in one process, over a fake network and homeserver: carried on through what befalls the process itself.

import assert from 'node:assert/strict';
import fs, { mkdirSync, renameSync, rmdirSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { type TestContext, test } from 'node:test';
import { startFakeBridge } from '../support/fake-bridge.ts';
import { until } from '../support/waiting.ts';

/** Nothing is written any more, until what it gives is called. */
function breakDisk(t: TestContext): () => void {
  const failed = new Error('no such disk');
  const mocks = [
    t.mock.method(fs, 'fdatasync', (_: number, done: (error?: Error) => void) => done(failed)),
    t.mock.method(fs, 'fdatasyncSync', () => {
      throw failed;
    }),
  ];
  syncBuiltinESMExports();
  return () => {
    for (const { mock } of mocks) mock.restore();
    syncBuiltinESMExports();
  };
}

test('a bridge whose disk failed once is started anew by itself, and nothing is lost or doubled', async (t) => {
  const { network, homeserver, room, person, lines } = await startFakeBridge(t);
  const heard = () => network.channel('#place').messages.map(({ body }) => body);
  const shown = () => homeserver.events(room).flatMap(({ type, content }) => (type === 'm.room.message' ? [String(content.body)] : []));
  homeserver.say(person, room, 'before');
  await until('the first words', () => heard().includes('before') || undefined);

  const mendDisk = breakDisk(t);
  homeserver.say(person, room, 'in the failure');
  network.say('zoe', '#place', 'said then');
  await until('the disk to be lost', () => lines.some((line) => line.includes('the disk failed')) || undefined);
  mendDisk();

  await until('the words of before to arrive', () => heard().includes('in the failure') || undefined);
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

test('a disk that still fails when the store is opened anew is tried again, and the door says meanwhile what is lacking', async (t) => {
  const { network, homeserver, room, person, lines, storePath, url } = await startFakeBridge(t);
  const mendDisk = breakDisk(t);
  homeserver.say(person, room, 'in the failure');
  await until('the disk to be lost', () => lines.some((line) => line.includes('the disk failed')) || undefined);
  mendDisk();
  renameSync(storePath, `${storePath}.away`);
  mkdirSync(storePath);

  await until('the opening to fail', () => lines.some((line) => line.startsWith('does not start: cannot open the store')) || undefined);
  const health = await fetch(`${url}/health`);
  assert.equal(health.status, 200);
  const { ok, bridges } = (await health.json()) as { ok: boolean; bridges: Record<string, { details: { start: { detail: string } } }> };
  assert.equal(ok, false);
  assert.match(bridges[homeserver.registrationId]?.details.start.detail ?? '', /^STORE_BROKEN: cannot open the store/);
  assert.equal((await fetch(`${url}/ready`)).status, 503);
  assert.match(await (await fetch(`${url}/metrics`)).text(), new RegExp(`causeway_up\\{bridge="${homeserver.registrationId}"\\} 0`));

  rmdirSync(storePath);
  renameSync(`${storePath}.away`, storePath);
  await until(
    'the words of before to arrive',
    () => network.channel('#place').messages.some(({ body }) => body === 'in the failure') || undefined,
  );
  assert.ok(lines.includes('runs now'));
  await until('the door to be ready', async () => (await fetch(`${url}/ready`)).status === 200 || undefined);
});

test('what cannot be noted or closed on a disk that failed hinders neither the rest of the stop nor the new start', async (t) => {
  const { network, homeserver, room, person, lines, adapter } = await startFakeBridge(t, { settings: 'membership: { idle: 1h }' });
  network.say('zoe', '#place', 'before');
  await until('the first words', () => homeserver.events(room).some(({ content }) => content.body === 'before') || undefined);
  const first = adapter();
  const close = first.disconnect.bind(first);
  first.disconnect = async () => {
    await close();
    throw new Error('the marks could not be written');
  };

  const mendDisk = breakDisk(t);
  homeserver.say(person, room, 'in the failure');
  await until('the disk to be lost', () => lines.some((line) => line.includes('the disk failed')) || undefined);
  mendDisk();

  await until(
    'the words of before to arrive',
    () => network.channel('#place').messages.some(({ body }) => body === 'in the failure') || undefined,
  );
  assert.ok(lines.includes('not all could be closed'));
});
