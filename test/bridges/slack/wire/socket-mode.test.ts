// Socket Mode: what comes is taken once journaled, and the connection heals itself, or is renewed before it ends.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { dedupeKeyOf } from '../../../../bridges/slack/wire/dedupe.ts';
import { openSocketMode } from '../../../../bridges/slack/wire/socket-mode.ts';
import type { SourceTiming } from '../../../../bridges/slack/wire/source.ts';
import { until, within } from '../../../support/waiting.ts';
import { ear, quick, wired } from './wired.ts';

async function listening(t: TestContext, options: Parameters<typeof wired>[1] & { timing?: Partial<SourceTiming>; token?: string } = {}) {
  const world = await wired(t, { ...options, app: { socketMode: true, commands: ['/matrix'] } });
  world.slack.setup.appToken(world.app, 'xapp-1');
  const { told, listener } = ear();
  const source = openSocketMode({
    ...listener,
    api: world.api,
    appToken: options.token ?? 'xapp-1',
    timing: { ...quick, ...options.timing },
  });
  world.atEnd(() => source.close());
  return { ...world, told, source };
}

test('an event is told as it came, and acknowledged once it is taken in, not before', async (t) => {
  const { slack, told, ann, general, bot, team, app } = await listening(t);
  const gate = Promise.withResolvers<void>();
  told.hold = () => gate.promise;
  assert.deepEqual(await told.state('up'), [{ state: 'up', wasLost: true }]);
  const ts = ann.say(general, 'hello');
  const { event, receivedAt, context, eventId, ...rest } = await told.heard('hello');
  assert.deepEqual(rest, {
    team: team.id,
    app: app.id,
    source: 'socket',
    via: 'the app',
    authorizations: [{ user: bot.user.id, isBot: true, team: team.id }],
  });
  assert.deepEqual([event.ts, event.channel_type, typeof context, eventId?.slice(0, 2)], [ts, 'channel', 'string', 'Ev']);
  assert.ok(Math.abs(receivedAt - Date.now()) < 5_000);
  assert.equal(slack.deliveries.items[0]?.outcome, 'pending');
  gate.resolve();
  assert.equal((await slack.waitForDelivery('message')).outcome, 'taken');
});

test('what could not be taken in, or not in time, is not acknowledged, and comes again under the same name', async (t) => {
  const { slack, told, ann, general } = await listening(t, { answerTimeout: 1_500 });
  await told.state('up');
  told.hold = async () => {
    if (told.events.length === 1) throw new Error('the disk is full');
    if (told.events.length === 2) await delay(2_500);
  };
  ann.say(general, 'again');
  const delivery = await slack.deliveries.waitFor(({ outcome }) => outcome === 'taken');
  assert.equal(delivery.attempt, 2);
  assert.deepEqual(
    told.events.map(({ retry }) => retry),
    [undefined, { number: 1, reason: 'timeout' }, { number: 2, reason: 'timeout' }],
  );
  assert.equal(new Set(told.events.map(dedupeKeyOf)).size, 1);
});

test('before Slack closes a socket the next one stands: nothing is missed, and nobody is told of a loss', async (t) => {
  const { slack, app, told, ann, general } = await listening(t);
  await told.state('up');
  slack.socketMode.refresh(app, 3_000);
  await told.state('up', 2);
  assert.equal(slack.socketMode.connections(app), 2);
  ann.say(general, 'in between');
  assert.equal((await slack.waitForDelivery('message')).attempt, 0);
  await until('the old one closed', () => slack.socketMode.connections(app) === 1);
  assert.deepEqual(told.states, [{ state: 'connecting' }, { state: 'up', wasLost: true }, { state: 'up', wasLost: false }]);
});

test('a socket that is cut comes back soon, tells that something may be missing, and what was not acknowledged is told again', async (t) => {
  const { slack, told, ann, general } = await listening(t, { retryPauses: Array.from({ length: 12 }, () => 300) });
  await told.state('up');
  slack.eventFault({ on: 'message', transport: 'socket', times: 1, act: { cut: 'before' } });
  const since = performance.now();
  ann.say(general, 'through a cut');
  await told.heard('through a cut');
  // The library itself would wait for five seconds.
  assert.ok(performance.now() - since < 4_500);
  assert.deepEqual(
    (await told.state('up', 2)).map((each) => 'wasLost' in each && each.wasLost),
    [true, true],
  );
  assert.equal((await told.state('down')).length, 1);
});

test('doubled, late and dropped events are told as they come, the doubled one under one name', async (t) => {
  const { slack, told, ann, general } = await listening(t);
  await told.state('up');
  slack.eventFault({ on: 'message', times: 1, act: 'double' });
  ann.say(general, 'twice');
  slack.eventFault({ on: 'message', times: 1, act: { delay: 1_000 } });
  ann.say(general, 'late');
  slack.eventFault({ on: 'message', times: 1, act: 'drop' });
  ann.say(general, 'never');
  ann.say(general, 'last');
  await told.heard('late');
  assert.deepEqual(told.texts(), ['twice', 'twice', 'last', 'late']);
  assert.equal(new Set(told.events.map(dedupeKeyOf)).size, 3);
});

test('a socket that stays open and says nothing is given up by our own watch', async (t) => {
  const { slack, app, told, ann, general } = await listening(t, { timing: { silence: 400 }, retryPauses: [30, 600, 600] });
  await told.state('up');
  slack.socketMode.freeze(app);
  ann.say(general, 'into the void');
  const [down] = await told.state('down');
  assert.deepEqual(down, { state: 'down', reason: 'nothing was heard for 0.4 s' });
  await told.state('up', 2);
});

test("the library's pings are a sign of life: a quiet workspace is not taken for a dead socket", async (t) => {
  const { told } = await listening(t, { timing: { silence: 4_000 } });
  await told.state('up');
  await delay(4_500);
  assert.deepEqual(told.states.slice(1), [{ state: 'up', wasLost: true }]);
});

test('where ten sockets of the app are open, it is tried again once one is free, without a crash', async (t) => {
  const { slack, told, app, client } = await listening(t, { token: 'xapp-2' });
  assert.deepEqual((await told.state('refused'))[0]?.state, 'refused');
  const { WebSocket } = await import('ws');
  const web = client('xapp-1');
  for (let number = 0; number < 10; number += 1) {
    const socket = new WebSocket((await web.apps.connections.open()).url ?? '');
    t.after(() => socket.terminate());
    await new Promise((resolve) => socket.once('message', resolve));
  }
  assert.equal(slack.socketMode.connections(app), 10);
  const full = ear();
  const { api } = await wired(t);
  const source = openSocketMode({ ...full.listener, api: Object.assign(api, { apiUrl: slack.apiUrl }), appToken: 'xapp-1' });
  const [down] = await full.told.state('down');
  assert.deepEqual(down, { state: 'down', reason: 'Slack has ten sockets of this app already' });
  await source.close();
});

test('a token that Slack refuses ends the tries, and no error bears it', async (t) => {
  const { slack, told } = await listening(t, { token: 'xapp-secret-and-wrong' });
  const [refused] = await told.state('refused');
  assert.match(JSON.stringify(refused), /apps\.connections\.open: Slack says invalid_auth/);
  assert.doesNotMatch(JSON.stringify(told.states), /secret/);
  await delay(100);
  assert.equal(slack.callsOf('apps.connections.open').length, 1);
});

test('while Slack is away it is asked again and again, with pauses that grow', async (t) => {
  const { slack, told, ann, general } = await listening(t);
  await told.state('up');
  await slack.down();
  await told.state('down', 3);
  await slack.up();
  await told.state('up', 2);
  ann.say(general, 'back');
  await told.heard('back');
});

test('an address that is not given, too late or not whole is asked for again', async (t) => {
  const { slack, told, ann, general, source } = await listening(t, { timing: { connectTimeout: 2_000 } });
  await told.state('up');
  for (const act of [
    { status: 502 },
    { drop: 'after' },
    { truncate: true },
    { html: true },
    { wait: 3_000 },
    { error: 'internal_error' },
  ] as const) {
    slack.fault({ on: 'apps.connections.open', times: 1, act });
  }
  slack.socketMode.cut();
  await told.state('up', 2);
  assert.equal(slack.callsOf('apps.connections.open').length, 8);
  ann.say(general, 'after all');
  await told.heard('after all');
  assert.equal(source.isUp, true);
});

test('a command is answered on the socket, and later at its address where we take longer', async (t) => {
  const { told, ann, general, team } = await listening(t, { timing: { answerWithin: 2_000 } });
  const known = Promise.withResolvers<void>();
  await told.state('up');
  told.reply = async ({ text }) => {
    if (text === 'slow') await known.promise;
    return { text: `heard ${text}`, isInChannel: text === 'loud' };
  };
  assert.deepEqual(await ann.command(general, '/matrix status'), { error: undefined, text: 'heard status', isInChannel: false });
  assert.equal((await ann.command(general, '/matrix loud')).isInChannel, true);
  assert.deepEqual(await ann.command(general, '/matrix slow'), { error: undefined, text: undefined, isInChannel: false });
  known.resolve();
  await until('the late answer', () => ann.ephemerals.some(({ text }) => text === 'heard slow'));
  const { responseUrl, triggerId, app, ...command } = told.commands[0] ?? assert.fail();
  assert.ok(responseUrl.startsWith('http') && triggerId !== undefined && app === 'A0BRIDGE');
  assert.deepEqual(command, {
    team: team.id,
    channel: general.id,
    channelName: 'general',
    user: ann.id,
    userName: 'ann',
    command: '/matrix',
    text: 'status',
    source: 'socket',
    via: 'the app',
  });
});

test('a pressed button is told with its message, and the answer takes its place', async (t) => {
  const { told, ann, general, bots } = await listening(t);
  await told.state('up');
  const button = { type: 'button', action_id: 'approve', value: 'yes', text: { type: 'plain_text', text: 'Approve' } };
  const blocks = [{ type: 'actions', block_id: 'b1', elements: [button] }];
  const { ts = '' } = await bots.call('chat.postMessage', { channel: general.id, text: 'Link?', blocks });
  assert.equal(await ann.press(general, ts, 'approve'), undefined);
  const [pressed] = told.interactions;
  assert.deepEqual(
    [pressed?.type, pressed?.user, pressed?.channel, pressed?.messageTs, pressed?.actions],
    ['block_actions', ann.id, general.id, ts, [{ id: 'approve', block: 'b1', value: 'yes' }]],
  );
  await until('the message changed', () => ann.texts(general).includes('Done.'));
});

test('closed in any state, it leaves nothing open', async (t) => {
  const { slack, app, told, source } = await listening(t);
  await told.state('up');
  slack.socketMode.freeze(app);
  await within('the end', source.close());
  assert.equal(source.isUp, false);
  const { told: other, listener } = ear();
  const { api } = await wired(t);
  const opening = openSocketMode({ ...listener, api, appToken: 'xapp-1' });
  await opening.close();
  await delay(50);
  assert.deepEqual(other.states, [{ state: 'connecting' }]);
});
