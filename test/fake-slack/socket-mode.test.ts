// Socket Mode of the fake, with @slack/socket-mode at the other end.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SocketModeClient } from '@slack/socket-mode';
import { WebSocket } from 'ws';
import type { FakeSlackOptions } from '../support/fake-slack.ts';
import { until } from '../support/waiting.ts';
import { acme, refusal, silent } from './acme.ts';

interface Heard {
  readonly what: string;
  readonly event: { readonly type: string; readonly text?: string; readonly ts: string; readonly channel_type?: string };
  readonly body: { readonly event_id: string; readonly team_id: string; readonly authorizations: readonly object[] };
  readonly retry_num: number;
}

async function connected(t: TestContext, options: FakeSlackOptions = {}) {
  const world = await acme(t, { ...options, app: { socketMode: true, commands: ['/matrix'] } });
  const { slack, app, atEnd } = world;
  const appToken = slack.setup.appToken(app, 'xapp-1').value;
  const heard: Heard[] = [];
  /** `clientPingTimeout`: ms; who stands still for so long loses the connection, and comes back after as long. */
  const connect = async ({ isDeaf = false, clientPingTimeout = 5_000 } = {}) => {
    const socket = new SocketModeClient({
      ...{ appToken, clientPingTimeout },
      logger: silent,
      clientOptions: { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 } },
    });
    socket.on('slack_event', async ({ ack, type, body, retry_num }) => {
      heard.push({ what: type, event: body.event, body, retry_num });
      if (!isDeaf) await ack();
    });
    await socket.start();
    atEnd(() => socket.disconnect());
    return socket;
  };
  return { ...world, appToken, heard, connect, texts: () => heard.map(({ event }) => event.text) };
}

test('what people say arrives once in its envelope, with the authorization that it is told by', async (t) => {
  const { slack, ann, general, heard, connect, bot, team } = await connected(t);
  await connect();
  const ts = ann.say(general, 'hello *world*');
  const delivery = await slack.waitForDelivery('message');
  const [{ event, body, retry_num }] = heard as [Heard];
  assert.deepEqual([event.type, event.text, event.ts, event.channel_type, retry_num], ['message', 'hello *world*', ts, 'channel', 0]);
  assert.deepEqual([body.team_id, delivery.eventId, delivery.attempt, delivery.outcome], [team.id, body.event_id, 0, 'taken']);
  const authorization = { enterprise_id: null, team_id: team.id, user_id: bot.user.id, is_bot: true, is_enterprise_install: false };
  assert.deepEqual(body.authorizations, [authorization]);
});

test('an event that is not acknowledged in time comes again, with the count and the reason', async (t) => {
  const { slack, ann, general, heard, connect } = await connected(t, { answerTimeout: 50 });
  await connect({ isDeaf: true });
  ann.say(general, 'unheard');
  await slack.deliveries.waitFor(({ attempt, outcome }) => attempt === 3 && outcome === 'failed');
  // The client may read later than it is told.
  await until('all four', () => heard.length >= 4);
  assert.deepEqual(
    heard.map(({ retry_num }) => retry_num),
    [0, 1, 2, 3],
  );
  assert.equal(new Set(heard.map(({ body }) => body.event_id)).size, 1);
  assert.equal(slack.deliveries.items[0]?.reason, 'timeout');
});

test('several sockets share the events, each event goes to one', async (t) => {
  const { slack, app, ann, general, texts, connect } = await connected(t);
  await connect();
  await connect();
  assert.equal(slack.socketMode.connections(app), 2);
  for (const text of ['1', '2', '3', '4']) ann.say(general, text);
  await until('all of them', () => texts().length >= 4);
  assert.deepEqual(texts().toSorted(), ['1', '2', '3', '4']);
});

test('a warned socket is given nothing more and closed; the client comes back', async (t) => {
  const { slack, app, ann, general, texts, connect } = await connected(t);
  const client = await connect({ clientPingTimeout: 1_000 });
  const closed = new Promise((resolve) => client.once('close', resolve));
  slack.socketMode.refresh(app, 20);
  await closed;
  await new Promise((resolve) => client.once('connected', resolve));
  ann.say(general, 'on the new socket');
  await slack.waitForDelivery('message', ({ outcome }) => outcome === 'taken');
  assert.deepEqual(texts(), ['on the new socket']);
});

test('what happens while no socket is open is tried again, and lost after the last try', async (t) => {
  const { slack, ann, general, texts, connect } = await connected(t, { retryPauses: [10, 2_000, 10] });
  ann.say(general, 'comes late');
  await slack.deliveries.waitFor(({ attempt }) => attempt === 1);
  await connect();
  const { attempt } = await slack.deliveries.waitFor(({ outcome }) => outcome === 'taken');
  assert.ok(attempt >= 2, `${attempt}`);
  assert.deepEqual(texts(), ['comes late']);
});

test('a cut socket gives back what it had not acknowledged', async (t) => {
  const { slack, ann, general, heard, connect } = await connected(t, { retryPauses: [400, 2_000, 10_000] });
  await connect({ clientPingTimeout: 1_000 });
  slack.eventFault({ on: 'message', transport: 'socket', times: 1, act: { cut: 'before' } });
  ann.say(general, 'through a cut');
  const delivery = await slack.deliveries.waitFor(({ outcome }) => outcome === 'taken');
  assert.deepEqual([delivery.attempt > 0, heard.at(-1)?.event.text], [true, 'through a cut']);
});

test('what was being told as the fake is stopped is not tried again', async (t) => {
  const { slack, ann, general, connect } = await connected(t, { retryPauses: [0] });
  await connect({ isDeaf: true });
  ann.say(general, 'the last');
  await slack.stop();
  await until('the end of it', () => slack.deliveries.items[0]?.outcome === 'failed');
  await delay(50);
  assert.equal(slack.deliveries.items.length, 1);
});

test('the eleventh socket of an app is turned away, and an address is good once', async (t) => {
  const { slack, app, client, appToken } = await connected(t);
  const web = client(appToken);
  const first = async (url = '') => {
    const socket = new WebSocket(url);
    t.after(() => socket.terminate());
    return new Promise<{ type?: string; reason?: string; num_connections?: number; code?: number }>((resolve) => {
      socket.on('message', (data) => resolve(JSON.parse(data.toString())));
      socket.on('close', (code) => resolve({ code }));
    });
  };
  const { url } = await web.apps.connections.open();
  assert.deepEqual([(await first(url)).num_connections, (await first(url)).code], [1, 1008]);
  for (let number = 1; number < 10; number += 1) await first((await web.apps.connections.open()).url);
  const refused = await first((await web.apps.connections.open()).url);
  assert.deepEqual([refused.type, refused.reason, slack.socketMode.connections(app)], ['disconnect', 'too_many_websockets', 10]);
});

test('only an app-level token with its scope opens sockets', async (t) => {
  const { slack, app, web, client } = await connected(t);
  assert.equal(await refusal(web.apps.connections.open()), 'not_allowed_token_type');
  const poor = slack.setup.appToken(app, 'xapp-poor', ['authorizations:read']);
  assert.equal(await refusal(client(poor.value).apps.connections.open()), 'missing_scope');
});

test('a slash command and a button come by the socket, and the ack may answer', async (t) => {
  const { slack, ann, general, web, connect } = await connected(t);
  const client = await connect();
  client.on('slash_commands', async ({ ack, body }) => ack({ text: `you said ${body.text}` }));
  const pressed = new Promise<{ actions: { action_id: string; value: string }[]; user: { id: string } }>((resolve) => {
    client.on('interactive', async ({ ack, body }) => {
      await ack();
      resolve(body);
    });
  });
  client.removeAllListeners('slack_event');
  assert.deepEqual(await ann.command(general, '/matrix link #room'), { error: undefined, text: 'you said link #room', isInChannel: false });
  assert.deepEqual(
    ann.ephemerals.map(({ text }) => text),
    ['you said link #room'],
  );
  const button = { type: 'button', action_id: 'approve', value: 'yes', text: { type: 'plain_text', text: 'Approve' } } as const;
  const { ts = '' } = await web.chat.postMessage({ channel: general.id, text: 'Link?', blocks: [{ type: 'actions', elements: [button] }] });
  assert.equal(await ann.press(general, ts, 'approve'), undefined);
  const { actions, user } = await pressed;
  assert.deepEqual([actions[0]?.action_id, actions[0]?.value, user.id], ['approve', 'yes', ann.id]);
  assert.equal((await ann.command(general, '/unknown')).error, 'invalid_command');
  assert.equal(slack.undocumented.length, 0);
});

test('a frozen socket stays open and says nothing', async (t) => {
  const { slack, app, ann, general, heard, connect } = await connected(t, { answerTimeout: 30, retryPauses: [] });
  const client = await connect({ clientPingTimeout: 200 });
  const closed = new Promise((resolve) => client.once('close', resolve));
  slack.socketMode.freeze(app);
  ann.say(general, 'into the void');
  assert.equal((await slack.waitForDelivery('message')).reason, 'timeout');
  // The client notices by its own pings.
  await closed;
  assert.deepEqual(heard, []);
});
