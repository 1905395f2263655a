// What is known of channels, while Slack is asked and tells of them at once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Conversations } from '../../../bridges/slack/conversations.ts';

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
