// What is known of channels, while Slack is asked and tells of them at once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Conversation, Conversations } from '../../../bridges/slack/conversations.ts';

const info = { id: 'C1', name: 'launch', is_member: true };

test('what is told while an answer is on its way is newer than that: what was made private meanwhile is private', async () => {
  const answers: ((more: object) => void)[] = [];
  const ask = () => new Promise<{ channel: object }>((resolve) => answers.push((more) => resolve({ channel: { ...info, ...more } })));
  const conversations = new Conversations({ ask: ask as never });
  const first = conversations.load('C1');
  answers.shift()?.({});
  assert.equal((await first)?.kind, 'public');

  const second = conversations.refresh('C1');
  conversations.change('C1', { kind: 'private', isMember: false });
  answers.shift()?.({ topic: { value: 'of then' } });
  assert.deepEqual(await second, { ...(await first), kind: 'private', isMember: false, topic: 'of then' });
  assert.equal(conversations.known('C1')?.kind, 'private');

  const third = conversations.refresh('C1');
  answers.shift()?.({ is_private: false });
  assert.equal((await third)?.kind, 'public', 'nothing was told meanwhile');
});

test('what is told while a list is asked for, or read, is newer than that: who was let in or put out meanwhile is so', async () => {
  const page = { channels: ['C1', 'C2', 'C3'].map((id) => ({ id, name: id.toLowerCase(), is_member: false })) };
  const answers: (() => void)[] = [];
  const ask = (() => new Promise((resolve) => answers.push(() => resolve(page)))) as never;
  const conversations = new Conversations({ ask });
  const read = async (method: 'conversations.list' | 'users.conversations', by = ask) => {
    const found: Conversation[] = [];
    const list = conversations.list(method, 'public_channel', by);
    const next = list.next();
    conversations.change('C1', { isMember: true, name: 'renamed' });
    answers.shift()?.();
    const first = (await next).value;
    conversations.change('C3', { isMember: false, kind: 'private' });
    if (first !== undefined) found.push(first);
    for await (const each of list) found.push(each);
    return found.map(({ name, kind, isMember }) => `${name} ${kind} ${isMember}`);
  };
  assert.deepEqual(await read('conversations.list'), ['renamed public true', 'c2 public false', 'c3 private false']);
  assert.deepEqual(await read('users.conversations'), ['renamed public true', 'c2 public true', 'c3 private false']);
  const others = (() => Promise.resolve(page)) as never;
  assert.deepEqual(await read('users.conversations', others), ['renamed public true', 'c2 public true', 'c3 private true']);
});

test('however often it is asked how a channel stands, one question is under way and one waits, and the last answer holds', async () => {
  const answers: ((topic: string) => void)[] = [];
  const ask = () =>
    new Promise<{ channel: object }>((resolve) => answers.push((value) => resolve({ channel: { ...info, topic: { value } } })));
  const conversations = new Conversations({ ask: ask as never });
  const first = conversations.refresh('C1');
  const rest = Array.from({ length: 100 }, () => conversations.refresh('C1'));
  assert.equal(answers.length, 1);
  answers.shift()?.('old');
  assert.equal((await first)?.topic, 'old');
  assert.equal(answers.length, 1);
  answers.shift()?.('new');
  assert.deepEqual([...new Set((await Promise.all(rest)).map((each) => each?.topic))], ['new']);
  assert.deepEqual([answers.length, conversations.known('C1')?.topic], [0, 'new']);
});

test('what was asked for before is older, however late it is answered or read', async () => {
  const answers: ((name: string) => void)[] = [];
  const ask = ((method: string) =>
    new Promise((resolve) =>
      answers.push((name) => resolve(method === 'conversations.info' ? { channel: { ...info, name } } : { channels: [{ ...info, name }] })),
    )) as never;
  const conversations = new Conversations({ ask });
  const list = conversations.list('conversations.list', 'public_channel');
  const listed = list.next();
  const loaded = conversations.load('C1');
  const fresh = conversations.refresh('C1');
  answers[2]?.('new');
  assert.equal((await fresh)?.name, 'new');
  for (const answer of answers) answer('old');
  assert.deepEqual([(await loaded)?.name, (await listed).value?.name, conversations.known('C1')?.name], ['new', 'new', 'new']);
  assert.equal((await list.next()).done, true);
});
