// Trouble that the fake makes when told to: in calls, in events, in connections.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { SlackError, WebAPIRateLimitedError } from '@slack/web-api';
import type { EventFault } from '../support/fake-slack.ts';
import { until } from '../support/waiting.ts';
import { acme, refusal } from './acme.ts';
import { appServer } from './app-server.ts';

const code = (call: Promise<unknown>) => call.then(() => 'none').catch((fault: SlackError) => fault.code);

test('a lost answer leaves the work done, a lost call does not; both look alike to the caller', async (t) => {
  const { slack, ann, general, web } = await acme(t);
  const post = (text: string) => code(web.chat.postMessage({ channel: general.id, text }));
  slack.fault({ on: 'chat.postMessage', times: 1, act: { drop: 'after' } });
  assert.equal(await post('done'), 'slack_webapi_request_error');
  slack.fault({ on: 'chat.postMessage', times: 1, act: { drop: 'before' } });
  assert.equal(await post('undone'), 'slack_webapi_request_error');
  slack.fault({ on: 'chat.postMessage', times: 1, act: { doneBut: 502 } });
  assert.equal(await post('done, but 502'), 'slack_webapi_http_error');
  slack.fault({ on: 'chat.postMessage', times: 1, act: { truncate: true } });
  assert.notEqual(await post('half told'), 'none');
  assert.deepEqual(ann.texts(general), ['done', 'done, but 502', 'half told']);
  const [lost, undone] = slack.callsOf('chat.postMessage');
  assert.deepEqual([lost?.answer, undone?.answer, lost?.fault], [undefined, undefined, { drop: 'after' }]);
});

test('errors, statuses, limits and pages in the place of answers come where they are told to', async (t) => {
  const { slack, general, web, client, app, ann } = await acme(t);
  const post = () => web.chat.postMessage({ channel: general.id, text: 'x' });
  slack.fault({ on: 'chat.postMessage', after: 1, times: 1, act: { error: 'internal_error' } });
  assert.deepEqual([await refusal(post()), await refusal(post()), await refusal(post())], ['none', 'internal_error', 'none']);
  slack.fault({ on: /^chat\./, times: 1, act: { status: 503, body: 'away' } });
  assert.equal(await code(post()), 'slack_webapi_http_error');
  slack.fault({ on: 'chat.postMessage', channel: 'C0OTHER', act: { error: 'fatal_error' } });
  slack.fault({ token: slack.setup.authorize(app, ann.user, { token: 'xoxp-ann' }).value, times: 1, act: { ratelimited: 7 } });
  assert.equal(await refusal(post()), 'none');
  const limited = await client('xoxp-ann')
    .auth.test()
    .catch((fault: WebAPIRateLimitedError) => fault);
  assert.equal((limited as WebAPIRateLimitedError).retryAfter, 7);
  slack.fault({ on: 'chat.postMessage', every: 2, act: { ratelimited: 1 } });
  const results = [];
  for (let number = 0; number < 4; number += 1) results.push(await code(post()));
  assert.deepEqual(results, ['none', 'slack_webapi_rate_limited_error', 'none', 'slack_webapi_rate_limited_error']);
  slack.clearFaults();
  slack.fault({ on: '/files-pri', act: { html: true } });
  const { file } = ann.upload(general, { name: 'a.txt', bytes: Buffer.from('a') });
  const { file: shown } = await web.files.info({ file });
  assert.match(await (await fetch(shown?.url_private ?? '', { headers: { authorization: 'Bearer xoxb-1' } })).text(), /<title>Sign in/);
});

test('a call may be slow before or after its work', async (t) => {
  const { slack, ann, general, client } = await acme(t);
  const web = client('xoxb-1', { timeout: 1_000 });
  slack.fault({ on: 'chat.postMessage', times: 1, act: { wait: 4_000, when: 'after' } });
  assert.equal(await code(web.chat.postMessage({ channel: general.id, text: 'in time for Slack' })), 'slack_webapi_request_error');
  // Whoever gave up may have done so before Slack came to read it.
  await until('the work', () => ann.texts(general).length > 0);
  assert.deepEqual(ann.texts(general), ['in time for Slack']);
  slack.setLatency(20);
  const before = performance.now();
  await client().auth.test();
  assert.ok(performance.now() - before >= 19);
});

/** Texts as an app's address gets them, `lost` of them never. */
async function received(t: TestContext, faults: readonly EventFault[], texts: readonly string[], lost = 0): Promise<string[]> {
  const { slack, app, atEnd, ann, general } = await acme(t);
  const server = await appServer(atEnd);
  app.eventsUrl = server.url;
  for (const fault of faults) slack.eventFault(fault);
  for (const text of texts) ann.say(general, text);
  slack.clearFaults();
  ann.say(general, 'end');
  const got = () => server.posts.map(({ body }) => JSON.parse(body).event.text as string);
  await until('the end', () => got().includes('end') && got().length > texts.length - lost);
  return got();
}

test('events may be lost, doubled, late or out of order', async (t) => {
  assert.deepEqual(await received(t, [{ on: 'message', times: 1, act: 'drop' }], ['a', 'b', 'c'], 1), ['b', 'c', 'end']);
  assert.deepEqual(await received(t, [{ transport: 'events', after: 1, times: 1, act: 'double' }], ['a', 'b']), ['a', 'b', 'b', 'end']);
  assert.deepEqual(await received(t, [{ times: 1, act: 'reorder' }], ['a', 'b', 'c']), ['b', 'a', 'c', 'end']);
  assert.deepEqual(
    await received(
      t,
      [
        { times: 1, act: { delay: 40 } },
        { transport: 'rtm', act: 'drop' },
      ],
      ['a', 'b'],
    ),
    ['b', 'end', 'a'],
  );
});

test('a doubled event bears the same id, so that it can be known', async (t) => {
  const { slack, app, atEnd, ann, general } = await acme(t);
  const server = await appServer(atEnd);
  app.eventsUrl = server.url;
  slack.eventFault({ act: 'double' });
  ann.say(general, 'twice');
  await until('both', () => server.posts.length === 2);
  assert.equal(new Set(server.posts.map(({ body }) => JSON.parse(body).event_id)).size, 1);
});

test('when it is down it refuses, and everything is as before when it is back', async (t) => {
  const { slack, ann, general, web } = await acme(t);
  await slack.down();
  assert.equal(await code(web.auth.test()), 'slack_webapi_request_error');
  ann.say(general, 'meanwhile');
  const { url } = slack;
  await slack.up();
  assert.equal(slack.url, url);
  const { messages = [] } = await web.conversations.history({ channel: general.id });
  assert.deepEqual(
    messages.map(({ text }) => text),
    ['meanwhile'],
  );
});

test('calls and what is shown can be waited for', async (t) => {
  const { slack, ann, bob, general, web } = await acme(t);
  const mark = slack.calls.mark();
  const waiting = slack.waitForCall('chat.postMessage', ({ args }) => args.text === 'second', { since: mark });
  const seen = bob.waitForMessage(general, /^sec/);
  await web.chat.postMessage({ channel: general.id, text: 'first' });
  await web.chat.postMessage({ channel: general.id, text: 'second' });
  assert.equal((await waiting).answer?.body.ok, true);
  assert.equal((await seen).text, 'second');
  await assert.rejects(ann.waitForMessage(general, 'never', { timeout: 20 }), /ann did not see never; the last were .*second/);
  await assert.rejects(
    slack.waitForCall('chat.delete', () => true, { timeout: 20 }),
    /in vain for one of calls/,
  );
});

test('what an app gives as its own id for a message is kept, ignored or makes no second one, as a test likes', async (t) => {
  for (const [clientMsgIds, expected] of [
    ['kept', ['id-1', 'id-1']],
    ['ignored', [undefined, undefined]],
    ['deduplicated', ['id-1']],
  ] as const) {
    const { ann, general, web } = await acme(t, { quirks: { clientMsgIds } });
    for (let number = 0; number < 2; number += 1)
      await web.apiCall('chat.postMessage', { channel: general.id, text: 'x', client_msg_id: 'id-1' });
    assert.deepEqual(
      ann.sees(general).map(({ client_msg_id }) => client_msg_id),
      expected,
    );
  }
});

test('with `oldest` alone, the first page is the newest or the oldest, as Slack has done both', async (t) => {
  for (const [pageWithOldestAlone, expected] of [
    ['newest', ['4', '3', '2', '1']],
    ['oldest', ['2', '1', '4', '3']],
  ] as const) {
    const { ann, general, web } = await acme(t, { quirks: { pageWithOldestAlone } });
    const [from = ''] = ['0', '1', '2', '3', '4'].map((text) => ann.say(general, text));
    const texts: (string | undefined)[] = [];
    for await (const page of web.paginate('conversations.history', { channel: general.id, oldest: from, limit: 2 })) {
      texts.push(...(page as unknown as { messages: { text: string }[] }).messages.map(({ text }) => text));
    }
    assert.deepEqual(texts, expected);
  }
});
