// Threads of the network's in Matrix: in the thread, to its last known event for clients without threads, and in the main line
// too where it was shown there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pipeline, startPipeline } from './pipeline-rig.ts';

async function begin(t: Parameters<typeof startPipeline>[0]) {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  return Object.assign(p, { at: room });
}

const relates = (p: Pipeline & { at: string }, at: number) => p.hs.messages(p.at)[at]?.content['m.relates_to'];
const idAt = (p: Pipeline & { at: string }, at: number) => p.hs.messages(p.at)[at]?.event_id;
const inThread = (root: unknown, last: unknown, isFallback = true) => ({
  ...{ rel_type: 'm.thread', event_id: root, is_falling_back: isFallback },
  'm.in_reply_to': { event_id: last },
});

test('what is said in a thread is in the thread, each after the last; a file too, and a true reply is one', async (t) => {
  const p = await begin(t);
  const root = p.network.say('zoe', '#chan', 'who is in?').id;
  const first = p.network.say('yan', '#chan', 'me', { thread: root }).id;
  p.network.say('xia', '#chan', '', { thread: root, files: [{ name: 'a.txt', source: 'F1' }] });
  p.network.say('zoe', '#chan', 'good', { thread: root, replyTo: first });
  p.network.say('zoe', '#chan', 'and all else', {});
  await p.settled();
  assert.deepEqual(relates(p, 1), inThread(idAt(p, 0), idAt(p, 0)));
  assert.deepEqual(relates(p, 2), inThread(idAt(p, 0), idAt(p, 1)));
  assert.deepEqual(relates(p, 3), inThread(idAt(p, 0), idAt(p, 1), false));
  assert.equal(relates(p, 4), undefined);
  await p.restart();
  p.network.say('yan', '#chan', 'still in', { thread: root });
  await p.settled();
  assert.deepEqual(relates(p, 5), inThread(idAt(p, 0), idAt(p, 3)));
});

test('a thread that the room does not know: the words say so', async (t) => {
  const p = await begin(t);
  p.network.say('zoe', '#chan', '\u0002yes\u0002', { thread: 'm999' });
  await p.settled();
  assert.equal(relates(p, 0), undefined);
  assert.equal(p.hs.messages(p.at)[0]?.content.body, '(in a thread) yes');
  assert.equal(p.hs.messages(p.at)[0]?.content.formatted_body, '(in a thread) <strong>yes</strong>');
});

test('shown outside too: in both places; edits and redactions reach both, a reaction the one in the thread', async (t) => {
  const p = await begin(t);
  const root = p.network.say('zoe', '#chan', 'who is in?').id;
  const { id } = p.network.say('yan', '#chan', 'me', { thread: root, isBroadcast: true, files: [{ name: 'a.txt', source: 'F1' }] });
  await p.settled();
  assert.deepEqual(
    p.hs.messages(p.at).map(({ content }) => [content.body, content.filename]),
    [
      ['who is in?', undefined],
      ['me', 'a.txt'],
      ['me', 'a.txt'],
    ],
  );
  assert.deepEqual(relates(p, 1), inThread(idAt(p, 0), idAt(p, 0)));
  assert.equal(relates(p, 2), undefined);
  p.network.edit('yan', '#chan', id, 'me too');
  p.network.react('zoe', '#chan', id, '👍');
  await p.settled();
  const edits = p.hs.messages(p.at).slice(3);
  assert.deepEqual(
    edits.map(({ content }) => [content['m.relates_to'], (content['m.new_content'] as { body: string; url?: string }).body]),
    [1, 2].map((at) => [{ rel_type: 'm.replace', event_id: idAt(p, at) }, 'me too']),
  );
  for (const { content } of edits) assert.match(String((content['m.new_content'] as { url: string }).url), /^mxc:/);
  const [reaction] = p.events(p.at, 'm.reaction');
  assert.equal((reaction?.content['m.relates_to'] as { event_id: string } | undefined)?.event_id, idAt(p, 1));
  p.network.redact('yan', '#chan', id);
  await p.settled();
  assert.deepEqual(
    p.events(p.at, 'm.room.redaction').map(({ redacts }) => redacts),
    [idAt(p, 1), idAt(p, 2)],
  );
});

test('a thread that began in what was said from Matrix', async (t) => {
  const p = await begin(t);
  const root = p.hs.say(p.alice, p.at, 'who is in?');
  await p.settled();
  p.network.say('zoe', '#chan', 'me', { thread: p.network.channel('#chan').messages[0]?.id ?? '' });
  await p.settled();
  assert.deepEqual(relates(p, 1), inThread(root, root));
});
