// The Web API: what fails is told as what to do about it; a limit stops what it was told for; a token is in no error.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { BridgeError, PermanentError, RetryableError, UnknownOutcomeError, UnreachableError } from '#bridge-core';
import { SlackRefusal } from '../../../../bridges/slack/wire/faults.ts';
import { WebApi } from '../../../../bridges/slack/wire/web-api.ts';
import { until } from '../../../support/waiting.ts';
import { wired } from './wired.ts';

async function thrownBy(call: Promise<unknown>): Promise<BridgeError> {
  try {
    await call;
  } catch (thrown) {
    assert.ok(thrown instanceof BridgeError, inspect(thrown));
    assert.doesNotMatch(inspect(thrown, { depth: 6 }), /xox[bp]-/);
    return thrown;
  }
  return assert.fail('it did not fail');
}

test('a call is answered in the shape that Slack documents, lists page by page', async (t) => {
  const { slack, bots, general, team, ann } = await wired(t);
  const { ts, channel } = await bots.call('chat.postMessage', {
    channel: general.id,
    text: 'hello',
    metadata: { event_type: 'x', event_payload: { a: 1 } },
  });
  assert.deepEqual([ann.texts(general), channel, typeof ts], [['hello'], general.id, 'string']);
  slack.addPeople(team, 7);
  const names: (string | undefined)[] = [];
  let pages = 0;
  for await (const { members = [] } of bots.pages('users.list', { limit: 3 })) {
    pages += 1;
    names.push(...members.map(({ name }) => name));
  }
  assert.deepEqual([pages > 3, names.includes('person7'), new Set(names).size === names.length], [true, true, true]);
});

test("each of Slack's refusals says what to do: log in, another channel, let us in, or give up", async (t) => {
  const { slack, bots, caller, general, team, ann, app } = await wired(t);
  const post = (channel: string, args: object = {}) => thrownBy(bots.call('chat.postMessage', { channel, text: 'x', ...args }));
  const told = (error: BridgeError) => [error.code, error instanceof PermanentError, error instanceof SlackRefusal && error.word];
  assert.deepEqual(told(await post('C0NOWHERE')), ['CHANNEL_UNKNOWN', true, 'channel_not_found']);
  const elsewhere = slack.addChannel(team, 'elsewhere', [ann], { isPrivate: true });
  assert.deepEqual(told(await post(elsewhere.id)), ['CHANNEL_UNKNOWN', true, 'channel_not_found']);
  assert.deepEqual(told(await post(slack.addChannel(team, 'apart', [ann]).id)), ['CHANNEL_CLOSED', true, 'not_in_channel']);
  ann.archive(general);
  assert.deepEqual(told(await post(general.id)), ['CHANNEL_CLOSED', true, 'is_archived']);
  slack.fault({ on: 'chat.postMessage', times: 1, act: { error: 'msg_too_long' } });
  assert.deepEqual(told(await post(general.id)), ['NETWORK_REFUSED', true, 'msg_too_long']);
  assert.deepEqual(told(await thrownBy(caller('xoxb-nobody').call('auth.test'))), ['NETWORK_LOGIN', true, 'invalid_auth']);
  const poor = slack.setup.authorize(app, ann.user, { scopes: ['users:read', 'chat:write'], token: 'xoxp-poor' });
  const lacking = await thrownBy(caller(poor.value).call('reactions.add', { channel: general.id, timestamp: '1.1', name: 'eyes' }));
  assert.ok(lacking instanceof SlackRefusal);
  assert.deepEqual([lacking.code, lacking.needed, lacking.provided], ['NETWORK_LOGIN', ['reactions:write'], ['users:read', 'chat:write']]);
  assert.match(lacking.message, /needed: reactions:write; the token has: users:read, chat:write/);
  slack.revoke(poor);
  assert.deepEqual(told(await thrownBy(caller(poor.value).call('auth.test'))), ['NETWORK_LOGIN', true, 'token_revoked']);
});

test('a post whose outcome cannot be known says so; one that surely did not arrive does not', async (t) => {
  const { slack, bots, ann, general, api } = await wired(t, { web: { timeout: 1_500, limits: false } });
  const post = () => thrownBy(bots.call('chat.postMessage', { channel: general.id, text: 'x' }));
  const unknown = [
    { drop: 'after' },
    { drop: 'before' },
    { doneBut: 502 },
    { status: 503 },
    { truncate: true },
    { html: true },
    { wait: 2_500, when: 'after' },
    { error: 'internal_error' },
    { error: 'fatal_error' },
  ] as const;
  for (const act of unknown) {
    slack.fault({ on: 'chat.postMessage', times: 1, act });
    const error = await post();
    assert.ok(error instanceof UnknownOutcomeError, inspect([act, error]));
  }
  assert.equal(ann.texts(general).length, 4);
  await slack.down();
  // Of what was sent by a connection that was kept nobody knows; once it is noticed that it is gone, nothing is sent.
  await until('the loss to be noticed', async () => {
    const away = await post();
    assert.ok(away instanceof UnknownOutcomeError || away.code === 'NETWORK_UNREACHABLE', inspect(away));
    return away instanceof UnreachableError && away.code === 'NETWORK_UNREACHABLE';
  });
  await slack.up();
  await bots.call('chat.postMessage', { channel: general.id, text: 'back' });
  assert.equal(api.tiers.waiting, 0);
});

test('what may be asked twice is told to be tried again, not to be of unknown outcome', async (t) => {
  const { slack, bots, general } = await wired(t, { web: { timeout: 300 } });
  for (const act of [{ drop: 'after' }, { status: 500 }, { truncate: true }, { error: 'internal_error' }, { wait: 2_500 }] as const) {
    slack.fault({ on: 'conversations.info', times: 1, act });
    const error = await thrownBy(bots.call('conversations.info', { channel: general.id }));
    assert.deepEqual([error.code, error instanceof RetryableError], ['NETWORK_UNREACHABLE', true], inspect([act, error]));
  }
  slack.fault({ on: 'conversations.info', times: 1, act: { error: 'service_unavailable' } });
  assert.equal((await thrownBy(bots.call('conversations.info', { channel: general.id }))).code, 'NETWORK_UNREACHABLE');
});

test('who does not speak TLS, or is nobody, is told apart', async (t) => {
  const plain = createServer((socket) => socket.end('hello?'));
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  t.after(() => plain.close());
  const { port } = plain.address() as { port: number };
  const ask = async (apiUrl: string) => {
    const api = new WebApi({ apiUrl, timeout: 20_000 });
    t.after(() => api.close());
    return thrownBy(api.caller({ token: 'xoxb-1', scope: 'T' }).call('auth.test'));
  };
  assert.equal((await ask(`https://127.0.0.1:${port}/api/`)).code, 'NETWORK_TLS');
  assert.ok((await ask('https://nowhere.invalid/api/')) instanceof UnreachableError);
});

test('a limit on one channel stops that channel alone, for as long as Slack said', async (t) => {
  const limited: [string, number][] = [];
  const { slack, bots, ann, general, team, bot } = await wired(t, {
    web: { onLimited: (method, after) => void limited.push([method, after]) },
  });
  const other = slack.addChannel(team, 'other', [ann, { id: bot.user.id }]);
  slack.fault({ on: 'chat.postMessage', channel: general.id, times: 1, act: { ratelimited: 7 } });
  const post = (channel: string, text: string) => bots.call('chat.postMessage', { channel, text });
  const first = await thrownBy(post(general.id, 'a'));
  assert.ok(first instanceof RetryableError);
  assert.deepEqual([first.code, first.after], ['NETWORK_BUSY', 7000]);
  const second = await thrownBy(post(general.id, 'b'));
  assert.ok(second instanceof RetryableError && (second.after ?? 0) > 3000);
  await post(other.id, 'goes on');
  await bots.call('conversations.info', { channel: general.id });
  assert.deepEqual([ann.texts(other), slack.callsOf('chat.postMessage').length, limited], [['goes on'], 2, [['chat.postMessage', 7000]]]);
});

test('a short limit is waited through by who has the patience; a 429 without its header counts half a minute', async (t) => {
  const { slack, bots, general } = await wired(t);
  slack.fault({ on: 'conversations.info', times: 1, act: { ratelimited: 1 } });
  const since = performance.now();
  const { channel } = await bots.call('conversations.info', { channel: general.id });
  assert.deepEqual([channel?.id, performance.now() - since > 950], [general.id, true]);
  slack.fault({ on: 'chat.postMessage', times: 1, act: { ratelimited: undefined } });
  const error = await thrownBy(bots.call('chat.postMessage', { channel: general.id, text: 'x' }));
  assert.deepEqual([error.code, error instanceof RetryableError && error.after], ['NETWORK_BUSY', 30_000]);
});

test('with limits in force at Slack, our own budget keeps us below them', async (t) => {
  const { slack, bots, general, bot, team, ann } = await wired(t, { limits: true });
  const channels = [general, ...['b', 'c'].map((name) => slack.addChannel(team, name, [ann, { id: bot.user.id }]))];
  const posts = channels.flatMap(({ id }) =>
    Array.from({ length: 6 }, (_, number) => bots.call('chat.postMessage', { channel: id, text: String(number) }, { patience: 20_000 })),
  );
  const since = performance.now();
  await Promise.all(posts);
  const took = performance.now() - since;
  // Four at once, then one a second in each channel, side by side: the last two of all channels are the last.
  assert.ok(took > 1_500, `${took}`);
  const order = slack.callsOf('chat.postMessage').map(({ args }) => args.channel);
  for (const from of [-6, -3]) assert.equal(new Set(order.slice(from, from + 3 || undefined)).size, 3, order.join());
  assert.deepEqual(slack.limits.exceeded, []);
  // Those of one moment go by connections of their own.
  for (const channel of channels) assert.deepEqual([...ann.texts(channel)].sort(), ['0', '1', '2', '3', '4', '5']);
});

test('a token that grew too old is renewed once for all who wait for it', async (t) => {
  const { slack, api, team, app, general } = await wired(t);
  const old = slack.setup.install(app, team, { token: 'xoxb-old' });
  slack.fault({ token: 'xoxb-old', act: { error: 'token_expired' } });
  let renewals = 0;
  const renew = async () => {
    renewals += 1;
    return 'xoxb-1';
  };
  const caller = api.caller({ token: old.token.value, scope: 'T0001', renew });
  const answers = await Promise.all([1, 2, 3].map(() => caller.call('conversations.info', { channel: general.id })));
  assert.deepEqual([renewals, answers.map(({ channel }) => channel?.id)], [1, [general.id, general.id, general.id]]);
});

test('each call is watched: its method, how it went, and how long', async (t: TestContext) => {
  const calls: [string, string, boolean][] = [];
  const { slack, bots } = await wired(t, { web: { onCalled: (method, outcome, ms) => void calls.push([method, outcome, ms >= 0]) } });
  await bots.call('auth.test');
  slack.fault({ on: 'auth.test', times: 1, act: { error: 'account_inactive' } });
  slack.fault({ on: 'auth.test', times: 1, act: { status: 500 } });
  await bots.call('auth.test').catch(() => {});
  await bots.call('auth.test').catch(() => {});
  assert.deepEqual(calls, [
    ['auth.test', 'ok', true],
    ['auth.test', 'account_inactive', true],
    ['auth.test', 'http', true],
  ]);
});
