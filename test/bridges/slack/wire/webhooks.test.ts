// The old pair: what an outgoing webhook tells, of Slack and of Mattermost, and what an incoming one takes or refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { BridgeError, RetryableError, UnknownOutcomeError, UnreachableError } from '#bridge-core';
import { dedupeKeyOf, postedKey } from '../../../../bridges/slack/wire/dedupe.ts';
import type { HttpAnswer, HttpRequest, SlackEvent } from '../../../../bridges/slack/wire/source.ts';
import { outgoingWebhook, postToWebhook } from '../../../../bridges/slack/wire/webhooks.ts';
import { until } from '../../../support/waiting.ts';
import { appDoor } from './app-door.ts';
import { wired } from './wired.ts';

const options = { tokens: ['t0k', 'before'], via: 'the hook' };

test('what an outgoing webhook of Slack tells is an event like any other', async (t) => {
  const { slack, atEnd, ann, team, general } = await wired(t);
  const told: unknown[] = [];
  const { url } = await appDoor(atEnd, async (request): Promise<HttpAnswer> => {
    told.push(outgoingWebhook(request, options));
    return { status: 200 };
  });
  slack.addOutgoingWebhook(team, url, { channel: general, token: 't0k' });
  const ts = ann.say(general, 'question & more');
  const { receivedAt, event, ...rest } = (await until('the message', () => told[0])) as SlackEvent;
  assert.deepEqual([rest, typeof receivedAt], [{ team: team.id, source: 'webhook', via: 'the hook' }, 'number']);
  const { channel, user, user_name, text, subtype } = event;
  assert.deepEqual([channel, event.ts, user, user_name, text, subtype], [general.id, ts, ann.id, 'ann', 'question &amp; more', undefined]);
  assert.equal(dedupeKeyOf({ ...rest, event }), postedKey(general.id, ts));
  slack.addIncomingWebhook(general, { path: '/services/in' });
  await fetch(`${slack.url}/services/in`, { method: 'POST', body: '{"text":"by a bot"}', headers: { 'content-type': 'application/json' } });
  const bots = (await until('the bot', () => told[1])) as SlackEvent;
  assert.deepEqual([bots.event.subtype, bots.event.user], ['bot_message', 'USLACKBOT']);
});

const ask = (body: string, type: string): HttpRequest => ({ headers: { 'content-type': type }, body: Buffer.from(body) });
const form = 'application/x-www-form-urlencoded; charset=utf-8';
// docs.mattermost.com, "Outgoing webhooks".
const mattermost = {
  token: 't0k',
  team_id: 'rdc9bgriktyx9p4kowh3dmgqyc',
  team_domain: 'test-team',
  channel_id: 'qmd5oqtwoibz8cuzxzg5ekshgr',
  channel_name: 'testchannel',
  timestamp: 1532547279456,
  user_id: 'rnina9994bde8mua79zqcg5hmo',
  user_name: 'scottbishel',
  post_id: 'cgpduqzzubgapktgpq1mq4ynwo',
  text: 'a < b & c',
  trigger_word: '#build',
  file_ids: 'znana1194bde8mua79zqcg5hmo,second',
};

test("Mattermost's are understood by form and by JSON, two of one millisecond told apart by their ids", () => {
  const texts = Object.entries(mattermost).map(([name, value]) => [name, String(value)]);
  for (const request of [ask(new URLSearchParams(texts).toString(), form), ask(JSON.stringify(mattermost), 'application/json')]) {
    const told = outgoingWebhook(request, options);
    assert.ok(typeof told === 'object');
    const { event, team } = told;
    assert.deepEqual(
      [team, event.channel, event.ts, event.text],
      [mattermost.team_id, mattermost.channel_id, '1532547279.456000', 'a < b & c'],
    );
    assert.deepEqual([event.post_id, event.file_ids], [mattermost.post_id, ['znana1194bde8mua79zqcg5hmo', 'second']]);
    assert.equal(dedupeKeyOf(told), postedKey(mattermost.channel_id, mattermost.post_id));
  }
});

test('without the right word nothing is told, and what is no message is none', () => {
  const body = (change: object) => ask(JSON.stringify({ ...mattermost, ...change }), 'application/json');
  assert.equal(outgoingWebhook(body({ token: 'wrong' }), options), 'refused');
  assert.equal(outgoingWebhook(body({ token: undefined }), options), 'refused');
  assert.equal(outgoingWebhook(body({ token: '' }), { ...options, tokens: [''] }), 'refused');
  assert.equal(typeof outgoingWebhook(body({ token: 'before' }), options), 'object');
  assert.equal(outgoingWebhook(body({ text: undefined }), options), undefined);
  assert.equal(outgoingWebhook(body({ timestamp: 'soon' }), options), undefined);
  assert.equal(outgoingWebhook(ask('{', 'application/json'), options), 'refused');
  assert.equal(outgoingWebhook(ask('{', 'application/json'), { ...options, tokens: undefined }), undefined);
});

test('what cost a minute to read is refused unread, though it bears the token: anybody may post here', () => {
  const whole = new URLSearchParams(Object.entries(mattermost).map(([name, value]) => [name, String(value)])).toString();
  assert.equal(typeof outgoingWebhook(ask(whole, form), options), 'object');
  assert.equal(outgoingWebhook(ask(`${whole}${'&a'.repeat(5_000)}`, form), options), 'refused');
  const long = JSON.stringify({ ...mattermost, text: 'a'.repeat(3_000_000) });
  assert.equal(outgoingWebhook(ask(long, 'application/json'), options), 'refused');
});

test('an incoming webhook posts with name and picture, one a second', async (t) => {
  const { slack, api, ann, general } = await wired(t);
  const hook = { url: slack.addIncomingWebhook(general), name: 'general' };
  await postToWebhook(api, hook, { text: 'hello', username: 'Mia', icon_emoji: ':ghost:' });
  const [said] = ann.sees(general);
  assert.deepEqual([said?.text, said?.username, said?.subtype], ['hello', 'Mia', 'bot_message']);
  const since = performance.now();
  for (let number = 0; number < 4; number += 1) await postToWebhook(api, hook, { text: String(number) });
  assert.ok(performance.now() - since > 800);
});

test('an incoming webhook that does not take it says what to do, without its address in any error', async (t) => {
  const { slack, api, ann, general, team } = await wired(t);
  const url = slack.addIncomingWebhook(general, { path: '/services/T/B/s3cret' });
  const failing = async (given: string) => {
    const thrown = await postToWebhook(api, { url: given, name: `hook ${Math.random()}` }, { text: 'x' }).catch((error: unknown) => error);
    assert.ok(thrown instanceof BridgeError, inspect(thrown));
    assert.doesNotMatch(inspect(thrown, { depth: 6 }), /s3cret/);
    return thrown;
  };
  assert.equal((await failing(`${slack.url}/services/T/B/s3cret-unknown`)).code, 'CHANNEL_UNKNOWN');
  const closed = slack.addChannel(team, 'closed', [ann]);
  ann.archive(closed);
  assert.equal((await failing(slack.addIncomingWebhook(closed))).code, 'CHANNEL_CLOSED');
  slack.fault({ on: '/services/', times: 1, act: { ratelimited: 3 } });
  const limited = await failing(url);
  assert.ok(limited instanceof RetryableError && limited.code === 'NETWORK_BUSY' && limited.after === 3_000);
  for (const act of [{ drop: 'after' }, { status: 502 }] as const) {
    slack.fault({ on: '/services/', times: 1, act });
    assert.ok((await failing(url)) instanceof UnknownOutcomeError);
  }
  await slack.down();
  assert.ok((await failing(url)) instanceof UnreachableError);
  await slack.up();
});
