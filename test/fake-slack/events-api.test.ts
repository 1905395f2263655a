// The Events API of the fake: signatures, the check of an address, retries; commands, buttons and response addresses over HTTP.

import assert from 'node:assert/strict';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { NewApp } from '../support/fake-slack/setup.ts';
import type { FakeSlackOptions } from '../support/fake-slack.ts';
import { until } from '../support/waiting.ts';
import { acme } from './acme.ts';
import { type AppAnswer, appServer, type Posted } from './app-server.ts';

async function subscribed(
  t: TestContext,
  answer?: (posted: Posted, number: number) => AppAnswer,
  options: FakeSlackOptions & { app?: NewApp } = {},
) {
  const world = await acme(t, { ...options, app: { signingSecret: 's3cret', commands: ['/matrix'], ...options.app } });
  const server = await appServer(world.atEnd, answer);
  world.app.eventsUrl = `${server.url}/slack/events`;
  world.app.commandsUrl = `${server.url}/slack/commands`;
  world.app.interactivityUrl = `${server.url}/slack/commands`;
  const events = () => server.posts.filter(({ path }) => path === '/slack/events').map(({ body }) => JSON.parse(body));
  return { ...world, server, events };
}

/** As docs.slack.dev/authentication/verifying-requests-from-slack says, written apart from the fake's own. */
function isSigned({ headers, body }: Posted, secret: string): boolean {
  const timestamp = String(headers['x-slack-request-timestamp']);
  const made = Buffer.from(`v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`);
  const given = Buffer.from(String(headers['x-slack-signature']));
  return given.length === made.length && timingSafeEqual(given, made) && Math.abs(Date.now() / 1000 - Number(timestamp)) < 300;
}

test('the documented example of a signature comes out as documented', async () => {
  const { sign } = await import('../support/fake-slack.ts');
  const body =
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner' +
    '&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN' +
    '&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
  const documented = 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503';
  assert.equal(sign('8f742231b10e8888abcd99yyyzzz85a5', 1531420618, body), documented);
});

test('an address is taken once it echoes the challenge', async (t) => {
  const { slack, app, server } = await subscribed(t, ({ body }) => ({ body: JSON.stringify({ challenge: JSON.parse(body).challenge }) }));
  app.eventsUrl = undefined;
  assert.equal(await slack.subscribe(app, `${server.url}/slack/events`), true);
  const [asked] = server.posts as [Posted];
  assert.deepEqual([JSON.parse(asked.body).type, isSigned(asked, 's3cret')], ['url_verification', true]);
  const deaf = await appServer(
    (end) => t.after(end as () => void),
    () => ({ body: 'ok' }),
  );
  assert.equal(await slack.subscribe(app, deaf.url), false);
  assert.equal(await slack.subscribe(app, 'http://127.0.0.1:1/'), false);
});

test('events come signed over the raw body, in order, with ids of their own', async (t) => {
  const { slack, ann, general, server, events } = await subscribed(t);
  for (const text of ['one', 'zwei ü', 'drei 🎉']) ann.say(general, text);
  await slack.waitForDelivery('message', ({ payload }) => (payload.event as { text: string }).text.startsWith('drei'));
  assert.deepEqual(
    events().map(({ event }) => event.text),
    ['one', 'zwei ü', 'drei :tada:'],
  );
  assert.equal(new Set(events().map(({ event_id }) => event_id)).size, 3);
  assert.ok(server.posts.every((posted) => isSigned(posted, 's3cret') && !isSigned(posted, 'another')));
  assert.equal(server.posts[0]?.headers['x-slack-retry-num'], undefined);
});

test('an event refused or answered too late is sent again with count and reason, unless the app asks for none', async (t) => {
  const answers: AppAnswer[] = [
    { status: 500 },
    { wait: 2_000 },
    { status: 302, headers: { location: '/' } },
    { status: 503, headers: { 'x-slack-no-retry': '1' } },
  ];
  const { slack, ann, general, server } = await subscribed(t, (_posted, number) => answers[number - 1] ?? {}, { answerTimeout: 1_000 });
  ann.say(general, 'again and again');
  await slack.deliveries.waitFor(({ attempt, outcome }) => attempt === 3 && outcome === 'failed');
  assert.deepEqual(
    server.posts.map(({ headers }) => [headers['x-slack-retry-num'], headers['x-slack-retry-reason']]),
    [
      [undefined, undefined],
      ['1', 'http_error'],
      ['2', 'http_timeout'],
      ['3', 'http_error'],
    ],
  );
  ann.say(general, 'once');
  await slack.waitForDelivery('message', ({ payload }) => (payload.event as { text: string }).text === 'once');
  assert.equal(server.posts.length, 5);
});

test('an app that asks for no more tries gets none, one that is away gets them when it is back', async (t) => {
  const { slack, app, ann, general, server } = await subscribed(t, () => ({ status: 500, headers: { 'x-slack-no-retry': '1' } }));
  ann.say(general, 'once');
  await slack.waitForDelivery('message');
  const there = app.eventsUrl;
  app.eventsUrl = 'http://127.0.0.1:1/';
  ann.say(general, 'nobody there');
  const delivery = await slack.waitForDelivery('message', ({ reason }) => reason === 'connection_failed');
  assert.equal(delivery.attempt, 0);
  app.eventsUrl = there;
  await slack.deliveries.waitFor(({ reason, attempt }) => reason === 'http_error' && attempt > 0);
  assert.equal(server.posts.length, 2);
});

test('an app hears only what it subscribed to and has the scope for', async (t) => {
  const { slack, ann, bob, general, app, events } = await subscribed(t, undefined, {
    app: { botEvents: ['message.channels', 'reaction_added', 'message.im'] },
  });
  const ts = ann.say(general, 'said');
  ann.pin(general, ts);
  bob.react(general, ts, 'eyes');
  ann.say(bob, 'between us');
  for (const token of slack.world.tokensOf(app)) token.scopes.delete('reactions:read');
  bob.unreact(general, ts, 'eyes');
  bob.react(general, ts, 'tada');
  ann.say(general, 'last');
  await until('the last', () => events().at(-1)?.event.text === 'last');
  assert.deepEqual(
    events().map(({ event }) => event.text ?? event.reaction),
    ['said', 'eyes', 'last'],
  );
});

test("a person's token hears their direct messages, told in their name", async (t) => {
  const { slack, app, ann, bob, events, team } = await subscribed(t, undefined, { app: { userEvents: ['message.im', 'message.mpim'] } });
  slack.setup.authorize(app, ann.user, { token: 'xoxp-ann' });
  bob.say(ann, 'psst');
  await until('the message', () => events().length > 0);
  const [{ event, authorizations, event_context }] = events();
  assert.deepEqual([event.channel_type, event.text, authorizations[0].user_id, authorizations[0].is_bot], ['im', 'psst', ann.id, false]);
  slack.setup.authorize(app, bob.user, { token: 'xoxp-bob' });
  bob.say(ann, 'again');
  await until('one event for two tokens', () => events().length > 1);
  const appToken = slack.setup.appToken(app).value;
  const { web } = { web: new (await import('@slack/web-api')).WebClient(appToken, { slackApiUrl: slack.apiUrl }) };
  const { authorizations: all = [] } = await web.apps.event.authorizations.list({ event_context: events()[1].event_context });
  assert.deepEqual([all.map(({ user_id }) => user_id), all[0]?.team_id], [[ann.id, bob.id], team.id]);
  assert.notEqual(event_context, events()[1].event_context);
});

test('a slash command comes as a signed form, and its answer goes to the asker or the channel', async (t) => {
  const { ann, bob, general, server } = await subscribed(
    t,
    ({ body }) => {
      const text = new URLSearchParams(body).get('text');
      const answer = { response_type: text === 'loud' ? 'in_channel' : 'ephemeral', text: `heard ${text}` };
      return text === 'slow' ? { wait: 2_500 } : { body: JSON.stringify(answer), headers: { 'content-type': 'application/json' } };
    },
    { answerTimeout: 1_500 },
  );
  assert.deepEqual(await ann.command(general, '/matrix status'), { error: undefined, text: 'heard status', isInChannel: false });
  await ann.command(general, '/matrix loud');
  assert.deepEqual([ann.ephemerals.map(({ text }) => text), bob.ephemerals, bob.texts(general)], [['heard status'], [], ['heard loud']]);
  assert.equal((await ann.command(general, '/matrix slow')).error, 'operation_timeout');
  const [posted] = server.posts as [Posted];
  const form = Object.fromEntries(new URLSearchParams(posted.body));
  const { team_id, channel_id, channel_name, user_id, command, text, api_app_id } = form;
  assert.deepEqual(
    [team_id, channel_id, channel_name, user_id, command, text, api_app_id],
    ['T0001', general.id, 'general', ann.id, '/matrix', 'status', 'A0BRIDGE'],
  );
  assert.ok(isSigned(posted, 's3cret'));
  const respond = (body: object) =>
    fetch(form.response_url ?? '', { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  for (let number = 0; number < 5; number += 1) assert.equal((await respond({ text: `late ${number}` })).status, 200);
  assert.equal((await respond({ text: 'once too often' })).status, 404);
  assert.equal(ann.ephemerals.length, 6);
});

test('a pressed button comes as its payload, and the response address changes the message', async (t) => {
  const { slack, ann, general, server, web } = await subscribed(t);
  const button = { type: 'button', action_id: 'deny', value: 'no', text: { type: 'plain_text', text: 'Deny' } } as const;
  const { ts = '' } = await web.chat.postMessage({ channel: general.id, text: 'Link?', blocks: [{ type: 'actions', elements: [button] }] });
  await ann.press(general, ts, 'deny');
  const payload = JSON.parse(new URLSearchParams(server.posts.find(({ path }) => path === '/slack/commands')?.body).get('payload') ?? '');
  assert.deepEqual(
    [payload.type, payload.actions[0].action_id, payload.container.message_ts, payload.user.id],
    ['block_actions', 'deny', ts, ann.id],
  );
  const body = JSON.stringify({ replace_original: true, text: 'Denied.' });
  await fetch(payload.response_url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  assert.deepEqual(ann.texts(general), ['Denied.']);
  assert.deepEqual(slack.undocumented, []);
});

test('too many events are told of instead of sent', async (t) => {
  const { slack, app, server, team } = await subscribed(t);
  await slack.eventsApi.tellRateLimited(app, team.id);
  const { type, team_id, api_app_id, minute_rate_limited } = JSON.parse(server.posts[0]?.body ?? '');
  assert.deepEqual([type, team_id, api_app_id, minute_rate_limited % 60], ['app_rate_limited', team.id, app.id, 0]);
});
