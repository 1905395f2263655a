// Files and threads across: natively on both sides, in their places, with their words.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { openSlackStage } from './stage.ts';

const stage = await openSlackStage({ transport: 'socket' });
const { alice, ann, bob, slack } = stage;
const { room, channel } = stage.places.general ?? assert.fail();

const bytesOf = async (mxc: string): Promise<Buffer> => {
  const path = `/v1/media/download/${mxc.slice('mxc://'.length)}`;
  const answer = await fetch(`${stage.synapse.url}/_matrix/client${path}`, { headers: { authorization: `Bearer ${alice.accessToken}` } });
  return Buffer.from(await answer.arrayBuffer());
};

test('a thread with a file from Slack: each in the thread, the file as it was, its words with it', async () => {
  const root = ann.say(channel, 'the root');
  const shownRoot = await alice.waitForText(room, 'the root');
  const bytes = Buffer.from('a file of Slack, byte for byte');
  bob.upload(channel, { name: 'notes.txt', bytes, comment: 'my *notes*', thread: root });
  const file = await alice.waitFor(({ content }) => content.msgtype === 'm.file');
  assert.deepEqual([file.content.filename, file.content.body, file.sender], ['notes.txt', 'my notes', stage.ghostOf(bob)]);
  assert.deepEqual([file.content['m.relates_to'].rel_type, file.content['m.relates_to'].event_id], ['m.thread', shownRoot.event_id]);
  assert.deepEqual(await bytesOf(file.content.url), bytes);
});

test('a file from Matrix in a thread is uploaded to Slack, there and in her name', async () => {
  const root = await alice.say(room, 'a root of Matrix');
  const { ts = '' } = await ann.waitForMessage(channel, 'a root of Matrix');
  const bytes = Buffer.from('a file of Matrix, byte for byte');
  await alice.sendFile(room, bytes, 'plan.txt', 'text/plain', {
    body: 'our plan',
    'm.relates_to': { rel_type: 'm.thread', event_id: root, is_falling_back: true, 'm.in_reply_to': { event_id: root } },
  });
  const files = () =>
    ann.thread(channel, ts).flatMap((message) => (message.files ?? []) as { readonly id: string; readonly name: string }[]);
  const [file] = await until('the file in the thread', () => (files().length > 0 ? files() : undefined));
  assert.equal(file?.name, 'plan.txt');
  const [post] = ann.thread(channel, ts);
  assert.match(post?.text ?? '', /Alice/);
  assert.match(post?.text ?? '', /our plan/);
  assert.deepEqual(slack.world.files.get(file?.id ?? '')?.bytes, bytes);
});

test('a broadcast from a thread stands in the thread and in the main line', async () => {
  const root = ann.say(channel, 'another root');
  const shownRoot = await alice.waitForText(room, 'another root');
  bob.reply(channel, root, 'for all to see', true);
  await until('both', () => {
    const copies = alice.messages(room).filter(({ content }) => String(content.body).includes('for all to see'));
    const inThread = copies.filter(({ content }) => content['m.relates_to']?.rel_type === 'm.thread');
    return (
      (copies.length === 2 && inThread.length === 1 && inThread[0]?.content['m.relates_to'].event_id === shownRoot.event_id) || undefined
    );
  });
});
