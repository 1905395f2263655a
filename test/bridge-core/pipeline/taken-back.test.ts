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

const edit = (p: Pipeline, room: string, of: string, body: string): string =>
  p.hs.say(p.alice, room, {
    ...{ msgtype: 'm.text', body: `* ${body}`, 'm.new_content': { msgtype: 'm.text', body } },
    'm.relates_to': { rel_type: 'm.replace', event_id: of },
  });

const kept = (p: Pipeline, words: string) => p.temp.committed(`SELECT count(*) FROM journal WHERE event LIKE '%${words}%'`);

test('its edits are not said after a restart either', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const [secret = ''] = await waiting(p, room, 'hunter2', 'hello');
  edit(p, room, secret, 'hunter3');
  edit(p, room, secret, 'hunter4');
  await until('the edits', () => rows(p) === 4);
  p.hs.redact(p.alice, room, secret);
  await until('all of it gone from the journal', () => kept(p, 'hunter') === 0);
  p.network.isUp = true;
  await p.restart();
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: hello']);
});

test('what was given up is not kept to be tried again, nor are its edits', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  p.network.meet = () => 'refuse';
  const secret = p.hs.say(p.alice, room, 'hunter2');
  const other = p.hs.say(p.alice, room, 'other');
  edit(p, room, secret, 'hunter3');
  edit(p, room, other, 'other words');
  await until('all given up', () => p.parts.journal.dead().length === 4);
  p.hs.redact(p.alice, room, secret);
  await until('it gone from the journal', () => kept(p, 'hunter') === 0);
  await p.settled();
  const left = p.parts.journal.dead().map(({ task }) => task.do === 'say' && (task.event.content['m.new_content'] ?? task.event.content));
  assert.deepEqual(
    left.map((content) => (content as { body: string }).body),
    ['other', 'other words'],
  );
});

test('of what was said already, an edit that waits is not said, and the redaction tells the words that were', async (t) => {
  const p = await startPipeline(t, { adapter: { verbs: [] } });
  const room = p.room();
  await p.link(room, '#chan');
  const first = p.hs.say(p.alice, room, 'said');
  await p.settled();
  p.network.down();
  edit(p, room, first, 'hunter3');
  await until('the edit in the journal', () => rows(p) === 1);
  p.hs.redact(p.alice, room, first);
  await until('it gone from the journal', () => kept(p, 'hunter') === 0);
  p.network.up();
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: said', 'alice[m]: removed "said"']);
});

test('an edit that is parked behind its message is not said once that was', async (t) => {
  const p = await startPipeline(t, { timing: { parkedFirst: 300, parkedMax: 300 } });
  const room = p.room();
  await p.link(room, '#chan');
  p.network.meet = ({ body }) => (body === 'first' || body === 'hunter2' ? 'busy' : undefined);
  p.hs.say(p.alice, room, 'first');
  const secret = p.hs.say(p.alice, room, 'hunter2');
  edit(p, room, secret, 'hunter3');
  const isParked = () => p.temp.committed('SELECT count(*) FROM journal WHERE state = 2') === 3;
  await until('all three parked', () => {
    p.hs.say(p.bob, room, 'others are served');
    return isParked();
  });
  p.hs.redact(p.alice, room, secret);
  await until('it gone from the journal', () => kept(p, 'hunter') === 0);
  p.network.meet = () => undefined;
  await p.settled();
  assert.deepEqual(
    p.network.said('#chan').filter((line) => line.startsWith('alice')),
    ['alice[m]: first'],
  );
});

test('what was given up is taken back while its link is suspended', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  const link = await p.link(room, '#chan');
  p.network.meet = () => 'refuse';
  const secret = p.hs.say(p.alice, room, 'hunter2');
  await until('it given up', () => p.parts.journal.dead().length === 1);
  await p.parts.links.set(link.id, { state: 'suspended', reason: 'banned' });
  p.hs.redact(p.alice, room, secret);
  await until('it gone from the journal', () => kept(p, 'hunter') === 0);
});

test('what may have been said as it was taken back, and is given up then, is not kept to be tried again', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const isTakenBack = () => p.parts.counts.filter((outcome) => outcome === 'accepted').length === 2;
  p.network.meet = () => (isTakenBack() ? 'refuse' : 'busy');
  const secret = p.hs.say(p.alice, room, 'hunter2');
  await until('it begun', () => p.temp.committed('SELECT count(*) FROM journal WHERE attempts > 0') === 1);
  p.hs.redact(p.alice, room, secret);
  await p.settled();
  assert.deepEqual(p.parts.dead, ['NETWORK_REFUSED']);
  await until('it gone from the journal', () => kept(p, 'hunter') === 0);
});

test('what is parked and on its way for the first time as it is taken back is looked for, and taken away there', async (t) => {
  const p = await startPipeline(t, { adapter: { keys: false } });
  const room = p.room();
  await p.link(room, '#chan');
  let isFirstLeft = false;
  p.network.meet = ({ body }) => {
    if (body === 'first') return isFirstLeft ? undefined : 'busy';
    return body === 'hunter2' ? 'hang' : undefined;
  };
  p.hs.say(p.alice, room, 'first');
  const secret = p.hs.say(p.alice, room, 'hunter2');
  await until('both parked', () => {
    p.hs.say(p.bob, room, 'others are served');
    return p.temp.committed('SELECT count(*) FROM journal WHERE state = 2') === 2;
  });
  isFirstLeft = true;
  await until('it on its way', () => p.network.hanging === 1);
  p.hs.redact(p.alice, room, secret);
  await until('the redaction', () => p.temp.committed("SELECT count(*) FROM journal WHERE event LIKE '%m.room.redaction%'") === 1);
  p.network.meet = () => undefined;
  // It arrives, and its proof is lost.
  p.network.asOurs(() => p.network.say('alice[m]', '#chan', 'hunter2'));
  for (const connection of [...p.network.connections]) if (connection.nick === 'alice[m]') p.network.cut(connection);
  await p.settled();
  assert.deepEqual(
    p.network.said('#chan').filter((line) => line.startsWith('alice')),
    ['alice[m]: first'],
  );
});

test('what is on its way as it is taken back with its edits is looked for, and taken away there', async (t) => {
  const p = await startPipeline(t, { adapter: { keys: false } });
  const room = p.room();
  await p.link(room, '#chan');
  p.network.meet = () => 'hang';
  const secret = p.hs.say(p.alice, room, 'hunter2');
  await until('it on its way', () => p.network.hanging === 1);
  edit(p, room, secret, 'hunter3');
  await until('the edit', () => kept(p, 'hunter3') === 1);
  p.hs.redact(p.alice, room, secret);
  await until('the edit gone', () => kept(p, 'hunter3') === 0);
  p.network.meet = () => undefined;
  // It arrives, and its proof is lost.
  p.network.asOurs(() => p.network.say('alice[m]', '#chan', 'hunter2'));
  for (const connection of [...p.network.connections]) if (connection.nick === 'alice[m]') p.network.cut(connection);
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), []);
});

/** Alice's words, which wait for their turn behind Bob's: the bot says both, and Bob's hang. */
async function waitingForItsTurn(p: Pipeline, room: string): Promise<string> {
  p.network.meet = ({ body }) => (body.includes('slow') ? 'hang' : undefined);
  p.hs.say(p.bob, room, 'slow');
  await until('it on its way', () => p.network.hanging === 1);
  const secret = p.hs.say(p.alice, room, 'hunter2');
  await until('it in the journal', () => kept(p, 'hunter2') === 1);
  await delay(50);
  return secret;
}

test('what is redacted while it waits for its turn is not said, nor what waits for its file', async (t) => {
  const p = await startPipeline(t, { adapter: { maxPuppets: 0, files: 'upload', verbs: [] } });
  const room = p.room();
  await p.link(room, '#chan');
  const secret = await waitingForItsTurn(p, room);
  p.hs.redact(p.alice, room, secret);
  await until('it gone from the journal', () => kept(p, 'hunter2') === 0);
  p.network.release();
  await p.settled();

  p.hs.world.media.set('cat', { type: 'image/png', name: 'cat.png', bytes: Buffer.from('a picture of a cat') });
  const answer = Promise.withResolvers<void>();
  let isAsked = false;
  const gate = () => {
    isAsked = true;
    return answer.promise;
  };
  p.hs.fault({ on: 'GET .*/media/download.*', act: { gate }, times: 1 });
  const image = p.hs.say(p.alice, room, { msgtype: 'm.image', body: 'hunter3', url: 'mxc://hs.test/cat', info: { size: 7 } });
  await until('the file to be asked for', () => isAsked || undefined);
  p.hs.redact(p.alice, room, image);
  await until('that gone from the journal', () => kept(p, 'hunter3') === 0);
  answer.resolve();
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['causeway: <Bob> slow']);
});

test('what waits for its turn as its link is taken away is not said; where that is suspended, its sender is told', async (t) => {
  const p = await startPipeline(t, { adapter: { maxPuppets: 0 } });
  const room = p.room();
  const link = await p.link(room, '#chan');
  await waitingForItsTurn(p, room);
  await p.parts.links.set(link.id, { state: 'suspended', reason: 'banned' });
  p.network.release();
  await until('its end', () => p.parts.dead.length === 1);
  await p.parts.links.set(link.id, { state: 'live', reason: undefined });

  await waitingForItsTurn(p, room);
  await p.parts.links.remove(link.id);
  p.network.release();
  await p.settled();
  assert.deepEqual([p.network.said('#chan'), p.parts.dead], [['causeway: <Bob> slow', 'causeway: <Bob> slow'], ['CHANNEL_CLOSED']]);
});
