// The streaming API, read as bytes: both delimiters, blanks between, characters split over chunks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/waiting.ts';
import { apiOf, org } from './org.ts';

type Org = Awaited<ReturnType<typeof org>>;

/** An open stream with its chunks so far. */
async function streamOf({ gitter, room, token, atEnd }: Org, kind = 'chatMessages') {
  const cancel = new AbortController();
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${gitter.streamUrl}/rooms/${room.id}/${kind}`, { headers, signal: cancel.signal });
  const chunks: Buffer[] = [];
  const end = (async () => {
    for await (const chunk of response.body ?? []) chunks.push(Buffer.from(chunk));
  })().then(
    () => 'ended',
    () => 'cut',
  );
  atEnd(() => cancel.abort());
  const text = () => Buffer.concat(chunks).toString();
  return { response, chunks, text, end };
}

const objects = (text: string, delimiter: string) =>
  text
    .split(delimiter)
    .filter((part) => part.trim() !== '')
    .map((part) => JSON.parse(part));

for (const [style, delimiter, blank] of [
  ['lf', '\n', ' \n'],
  ['cr', '\r', '\n'],
] as const) {
  test(`${style}: new messages come bare, each split within a character, blanks between`, async (t) => {
    const world = await org(t, { stream: { style, heartbeat: 30 } });
    const { ann, bob, room } = world;
    const { response, chunks, text } = await streamOf(world);
    assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'application/json; charset=utf-8']);
    await until('a blank', () => chunks.length > 0);
    assert.ok(text().startsWith(blank));
    const first = ann.say(room, 'größe');
    ann.edit(first, 'an edit');
    bob.reply(room, first, 'plain');
    ann.delete(ann.say(room, 'third'));
    const said = () => objects(text(), delimiter);
    await until('three', () => (text().includes('third') && text().endsWith(blank) ? true : undefined));
    assert.deepEqual(
      said().map((message) => [message.text, message.fromUser.username, message.operation]),
      [
        ['größe', 'ann', undefined],
        ['plain', 'bob', undefined],
        ['third', 'ann', undefined],
      ],
    );
    // Whoever reads late gets both halves at once.
    await until('a chunk that ends within a character', () => {
      if (chunks.some((chunk) => chunk.toString().endsWith('\ufffd'))) return true;
      ann.say(room, 'größer');
      return undefined;
    });
  });
}

test('objects can come whole, and of events too', async (t) => {
  const world = await org(t, { stream: { isSplit: false } });
  const { gitter, room } = world;
  const { chunks } = await streamOf(world, 'events');
  gitter.addActivity(room, 'pushed');
  await until('the event', () => chunks.length > 0);
  assert.equal(JSON.parse(String(chunks[0])).html, 'pushed');
  assert.equal(chunks.length, 1);
});

test('who may not read, or is nobody, gets no stream', async (t) => {
  const { gitter, ann, token } = await org(t);
  const secret = gitter.addRoom('org/secret', [ann], { isPrivate: true });
  const status = async (id: string, value: string) =>
    (await fetch(`${gitter.streamUrl}/rooms/${id}/chatMessages`, { headers: { authorization: `Bearer ${value}` } })).status;
  assert.deepEqual([await status(secret.id, token), await status('0'.repeat(24), token), await status(secret.id, 'x')], [403, 404, 401]);
});

test('a stream can be cut, ends with its token, and leaves a gap that afterId closes', async (t) => {
  const world = await org(t);
  const { gitter, ann, room, token, path } = world;
  const first = await streamOf(world);
  const seen = ann.say(room, 'seen');
  await until('it', () => first.text().endsWith('\n'));
  gitter.cutStreams('relay');
  assert.equal(await first.end, 'cut');
  ann.say(room, 'missed');
  const second = await streamOf(world);
  const { body } = await apiOf(gitter, token)('GET', `${path}/chatMessages?afterId=${seen}`);
  assert.deepEqual(
    body.map(({ text }: { text: string }) => text),
    ['missed'],
  );
  gitter.revoke(token);
  assert.equal(await second.end, 'ended');
});

test('deliveries by stream can be lost, doubled, out of order, or take the stream with them', async (t) => {
  const world = await org(t);
  const { gitter, ann, room } = world;
  const { text, end } = await streamOf(world);
  const acts = ['drop', 'double', 'reorder'] as const;
  for (const act of acts) {
    gitter.deliveryFault({ on: 'chatMessages/create', transport: 'stream', times: 1, act });
    ann.say(room, act);
  }
  ann.say(room, 'last');
  gitter.deliveryFault({ transport: 'stream', times: 1, act: { cut: 'after' } });
  ann.say(room, 'farewell');
  assert.equal(await end, 'cut');
  assert.deepEqual(
    objects(text(), '\n').map((message) => message.text),
    ['double', 'double', 'last', 'reorder', 'farewell'],
  );
});
