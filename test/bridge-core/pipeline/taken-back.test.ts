// What its sender takes back before the network could be told of it: nobody there ever reads it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/waiting.ts';
import type { Pipeline } from './pipeline-rig.ts';
import { startPipeline } from './pipeline-rig.ts';

const rows = (p: Pipeline) => p.temp.committed('SELECT count(*) FROM journal') as number;

/** Says it while the network is away. */
async function waiting(p: Pipeline, room: string, ...texts: string[]): Promise<string[]> {
  p.network.down();
  const ids = texts.map((text) => p.hs.say(p.alice, room, text));
  await until('them in the journal', () => rows(p) === texts.length);
  await delay(20);
  return ids;
}

test('a message redacted while it waits is not said, and what waits behind it is', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const [secret = ''] = await waiting(p, room, 'my password is hunter2', 'hello');
  p.hs.redact(p.alice, room, secret);
  await until('it gone from the journal', () => p.temp.committed("SELECT count(*) FROM journal WHERE event LIKE '%hunter2%'") === 0);
  p.network.up();
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: hello']);
});

test('its edits go with it', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const [secret = ''] = await waiting(p, room, 'hunter2');
  const edit = { msgtype: 'm.text', body: 'hunter3' };
  p.hs.say(p.alice, room, { ...edit, 'm.new_content': edit, 'm.relates_to': { rel_type: 'm.replace', event_id: secret } });
  await until('the edit', () => rows(p) === 2);
  p.hs.redact(p.alice, room, secret);
  await until('the original gone', () => p.temp.committed("SELECT count(*) FROM journal WHERE event LIKE '%hunter2%'") === 0);
  p.network.up();
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), []);
});

test('after a restart it is not said either', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const [secret = ''] = await waiting(p, room, 'hunter2', 'hello');
  p.hs.redact(p.alice, room, secret);
  await until('it gone from the journal', () => p.temp.committed("SELECT count(*) FROM journal WHERE event LIKE '%hunter2%'") === 0);
  p.network.isUp = true;
  await p.restart();
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: hello']);
});

test('a redaction in another room takes nothing back', async (t) => {
  const p = await startPipeline(t);
  const [room, other] = [p.room(), p.room()];
  await p.link(room, '#chan');
  await p.link(other, '#other');
  const [message = ''] = await waiting(p, room, 'stays');
  p.hs.say(p.bob, other, { redacts: message }, 'm.room.redaction');
  await until('the redaction', () => rows(p) === 2);
  p.network.up();
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: stays']);
});
