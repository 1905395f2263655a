// The adapter on a Slack, by Socket Mode: what people say is heard, what we say is there and not heard.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelId, PermanentError, RetryableError } from '#bridge-core';
import { SlackAdapter } from '../../../bridges/slack/adapter.ts';
import { makeChannelId, webhookTeam } from '../../../bridges/slack/ids.ts';
import { botScopes } from '../../support/fake-slack/setup.ts';
import { keepTools } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { acmeSlack, heard, quick, settingsFor, withAdapter } from './with-slack.ts';

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

test('a reload says what needs a restart by its name in the config, and that a webhook does', async (t) => {
  const { adapter, slack } = await withAdapter(t);
  const incoming = 'https://hooks.slack.test/x';
  const links = (hook: object) => [
    { team: 'T0001', channel: 'C0GENERAL', room: '!a:hs.test' },
    { channel: 'C0HOOK', room: '!b:hs.test', webhook: hook },
  ];
  const settings = settingsFor(slack, ['socket'], { links: links({ incoming, outgoing_token: 't' }), rate_limits: false });
  assert.deepEqual(adapter.reload(settings), ['slack.rate_limits: needs a restart', 'slack.links: the webhook of C0HOOK needs a restart']);
  assert.deepEqual(
    adapter.configuredLinks().map(({ room }) => room),
    ['!a:hs.test'],
  );
});

test('while Slack is away a channel that nobody needs any more is not left, and that is to be asked again', {
  timeout: 180_000,
}, async (t) => {
  const { adapter, bot, general, channel, slack } = await withAdapter(t);
  await adapter.unwatch(channel);
  await slack.down();
  await until('Slack to be gone', () => adapter.status()[0]?.state !== 'up' || undefined);
  await assert.rejects(adapter.depart(channel), RetryableError);
  await slack.up();
  await until('Slack', () => adapter.status()[0]?.state === 'up' || undefined);
  await adapter.depart(channel);
  assert.ok(!general.members.has(bot.user.id));
});

test('of a pair of webhooks that nothing is linked to any more no sealed record is left', async (t) => {
  const { slack, transports } = await acmeSlack();
  t.after(() => slack.stop());
  const { tools } = keepTools();
  const record = { incoming: `${slack.apiUrl}services/T1/B1/x`, outgoingToken: 'a-token', by: '@eve:hs.test' };
  await tools.secrets.set('webhooks w1', JSON.stringify(record));
  const adapter = new SlackAdapter(settingsFor(slack, transports), tools as never, quick);
  t.after(() => adapter.disconnect());
  const id = makeChannelId(webhookTeam, 'w1');
  await adapter.watch(id);
  await adapter.depart(id);
  assert.deepEqual(tools.secrets.names('webhooks '), ['webhooks w1'], 'it is linked');
  await adapter.unwatch(id);
  await adapter.depart(id);
  assert.deepEqual(tools.secrets.names('webhooks '), []);
  await assert.rejects(adapter.session({ as: 'bot' }, id), PermanentError);
});

test('the bot leaves a channel that nobody needs any more, and no other', async (t) => {
  const { adapter, bot, general, channel, slack } = await withAdapter(t);
  await adapter.depart(channel);
  assert.ok(general.members.has(bot.user.id));
  await adapter.unwatch(channel);
  await adapter.depart(channel);
  assert.ok(!general.members.has(bot.user.id));
  await adapter.depart(channel);
  assert.equal(slack.callsOf('conversations.leave').length, 1);
  await adapter.watch(channel);
  assert.ok(general.members.has(bot.user.id));
});

test('a channel that is asked for anew while it was let go of is heard, whatever comes of the asking before', async (t) => {
  const { adapter, ann, general, channel, tools, events } = await withAdapter(t);
  await adapter.unwatch(channel);
  const note = Promise.withResolvers<void>();
  const mocked = t.mock.method(tools.memory, 'set', () => note.promise);
  const first = adapter.watch(channel);
  first.catch(() => {});
  await until('its note', () => mocked.mock.callCount() > 0 || undefined);
  mocked.mock.restore();
  await adapter.unwatch(channel);
  await adapter.watch(channel);
  note.reject(new RetryableError('STORE_BROKEN', 'the disk is full'));
  await assert.rejects(first, { code: 'STORE_BROKEN' });
  ann.say(general, 'still heard?');
  await heard(events, 'message', ({ body }) => body.text === 'still heard?');
});
