// The adapter on a Slack, by Socket Mode: what people say is heard, what we say is there and not heard.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelId } from '#bridge-core';
import { botScopes } from '../../support/fake-slack/setup.ts';
import { heard, withAdapter } from './with-slack.ts';

test('a line goes each way, and our own is not heard', async (t) => {
  const { adapter, ann, general, events, channel, slack } = await withAdapter(t);
  const ts = ann.say(general, 'hello there');
  const event = await heard(events, 'message');
  assert.deepEqual([event.id, event.sender.name, event.sender.id, event.body.text], [ts, 'Ann Example', 'T0001/U0ANN', 'hello there']);

  const bot = await adapter.session({ as: 'bot' }, channel);
  const said = await bot.send({ key: 'k1', channel, body: { text: 'from Matrix' }, style: 'text', shownAs: { name: 'alice' } });
  const seen = await ann.waitForMessage(general, 'from Matrix');
  assert.equal(seen.ts, said);
  assert.equal(seen.username, 'alice');
  ann.say(general, 'and back');
  await heard(events, 'message', ({ body }) => body.text === 'and back');
  assert.equal(events.filter(({ kind }) => kind === 'message').length, 2);
  assert.deepEqual(slack.undocumented, []);
});

test('names are shown beside the words only where the bot may: who they are is never lost', async (t) => {
  const all = await withAdapter(t);
  assert.equal(all.adapter.capabilities(all.channel).shownAs, true);
  const scopes = botScopes.filter((scope) => scope !== 'chat:write.customize');
  const lacking = await withAdapter(t, { scopes });
  assert.equal(lacking.adapter.capabilities(lacking.channel).shownAs, false);
  assert.equal(lacking.adapter.capabilities(channelId('T0404/C1')).shownAs, false);
});
