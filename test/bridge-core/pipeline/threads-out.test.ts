// Threads and answers of the room on networks that have threads, and on those that have not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { startPipeline } from './pipeline-rig.ts';

const inThread = (root: string, body: string, reply?: string) => ({
  ...{ msgtype: 'm.text', body },
  'm.relates_to': {
    ...{ rel_type: 'm.thread', event_id: root },
    ...(reply === undefined ? { is_falling_back: true, 'm.in_reply_to': { event_id: root } } : { 'm.in_reply_to': { event_id: reply } }),
  },
});

test('what is said in a thread goes into the thread; the reply that old clients need is none', async (t) => {
  const p = await startPipeline(t, { adapter: { threads: true } });
  const room = p.room();
  const link = await p.link(room, '#chan');
  const root = p.hs.say(p.alice, room, 'the root');
  const within = p.hs.say(p.bob, room, inThread(root, 'within'));
  p.hs.say(p.alice, room, inThread(root, 'an answer', within));
  await p.settled();
  const [first, second, third] = p.network.channel('#chan').messages;
  assert.deepEqual([first?.thread, second?.thread, third?.thread], [undefined, first?.id, first?.id]);
  assert.deepEqual([second?.replyTo, third?.replyTo], [undefined, second?.id]);
  assert.deepEqual([second?.body, third?.body], ['within', 'an answer'], 'nobody is named where the thread shows it');
  assert.equal(p.parts.relations.ofEvent(within as never, link.id)[0]?.thread, root);
});

test('a thread on what somebody of the network said', async (t) => {
  const p = await startPipeline(t, { adapter: { threads: true } });
  const room = p.room();
  await p.link(room, '#chan');
  const said = p.network.say('zoe', '#chan', 'from there');
  await until('the room', () => p.inRoom(room).length === 1);
  await p.settled();
  p.hs.say(p.alice, room, inThread(p.hs.messages(room)[0]?.event_id ?? '', 'within'));
  await p.settled();
  assert.equal(p.network.channel('#chan').messages[1]?.thread, said.id);
});

test('an answer outside threads is left to the session; where there are no threads it names who is answered', async (t) => {
  for (const threads of [true, false]) {
    const p = await startPipeline(t, { adapter: { threads } });
    const room = p.room();
    await p.link(room, '#chan');
    const first = p.hs.say(p.alice, room, 'a question');
    await p.settled();
    p.hs.say(p.bob, room, { msgtype: 'm.text', body: 'yes', 'm.relates_to': { 'm.in_reply_to': { event_id: first } } });
    p.hs.say(p.bob, room, inThread(first, 'and more'));
    await p.settled();
    const [question, answer, more] = p.network.channel('#chan').messages;
    assert.deepEqual([answer?.replyTo, answer?.thread], [question?.id, undefined]);
    assert.equal(answer?.body, threads ? 'yes' : 'alice[m]: yes');
    assert.deepEqual([more?.body, more?.thread], threads ? ['and more', question?.id] : ['alice[m]: and more', undefined]);
  }
});

test('a thread whose beginning the network does not know is plain text', async (t) => {
  const p = await startPipeline(t, { adapter: { threads: true } });
  const room = p.room();
  const early = p.hs.say(p.alice, room, 'before it was linked');
  await p.settled();
  await p.link(room, '#chan');
  p.hs.say(p.bob, room, inThread(early, 'within'));
  const later = p.hs.say(p.alice, room, inThread(early, 'known'));
  await p.settled();
  p.hs.say(p.bob, room, inThread(early, 'an answer', later));
  await p.settled();
  const [within, , answer] = p.network.channel('#chan').messages;
  assert.deepEqual([within?.body, within?.thread], ['within', undefined]);
  assert.deepEqual([answer?.thread, answer?.replyTo !== undefined], [undefined, true]);
});

test('who answers before the beginning has arrived waits for it', async (t) => {
  const p = await startPipeline(t, { adapter: { threads: true } });
  const room = p.room();
  await p.link(room, '#chan');
  p.network.script(['busy', 'busy'], ({ body }) => body === 'the root');
  const root = p.hs.say(p.alice, room, 'the root');
  p.hs.say(p.bob, room, inThread(root, 'within'));
  await p.settled();
  const [first, second] = p.network.channel('#chan').messages;
  assert.deepEqual([first?.body, second?.thread], ['the root', first?.id]);
});

test('an answer to what is in a thread knows of that thread, whoever said it and however it came there; each part of it answers', async (t) => {
  const p = await startPipeline(t, { adapter: { threads: true } });
  const room = p.room();
  await p.link(room, '#chan');
  const answer = (to: string, body: string) =>
    p.hs.say(p.bob, room, { msgtype: 'm.text', body, 'm.relates_to': { 'm.in_reply_to': { event_id: to } } });
  const root = p.network.say('zoe', '#chan', 'the root');
  p.network.say('yan', '#chan', 'in its thread', { thread: root.id });
  await until('the room', () => p.inRoom(room).length === 2);
  await p.settled();
  answer(p.hs.messages(room)[1]?.event_id ?? '', 'to what was said there');
  const begins = answer(p.hs.messages(room)[0]?.event_id ?? '', 'begins one');
  await p.settled();
  answer(begins, 'to what was said here');
  answer(begins, 'in several parts, '.repeat(20));
  await p.settled();
  const [, , first, second, third, ...parts] = p.network.channel('#chan').messages;
  assert.deepEqual([first?.thread, second?.thread, third?.thread], [root.id, undefined, root.id]);
  assert.ok(parts.length > 1);
  for (const part of parts) assert.deepEqual([part.replyTo, part.thread], [second?.id, root.id]);
});
