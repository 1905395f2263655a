// What Slack posts to us: proven to be Slack's, taken in, then answered; events, commands and buttons on one door.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { dedupeKeyOf } from '../../../../bridges/slack/wire/dedupe.ts';
import { eventsApi } from '../../../../bridges/slack/wire/events-api.ts';
import { verify } from '../../../../bridges/slack/wire/signature.ts';
import type { SourceTiming } from '../../../../bridges/slack/wire/source.ts';
import { sign } from '../../../support/fake-slack.ts';
import { until } from '../../../support/waiting.ts';
import { appDoor } from './app-door.ts';
import { ear, wired } from './wired.ts';

async function subscribed(t: TestContext, options: Parameters<typeof wired>[1] & { timing?: Partial<SourceTiming> } = {}) {
  const world = await wired(t, { ...options, app: { signingSecret: 'new', commands: ['/matrix'], ...options.app } });
  const { told, listener } = ear();
  const heldBack: [string, number, string][] = [];
  const secrets = ['new', 'old'];
  const handler = eventsApi({
    ...listener,
    onHeldBack: ({ team, minute, via }) => void heldBack.push([team, minute, via]),
    api: world.api,
    apps: () => [
      { via: 'another app', secrets: ['unlike'] },
      { via: 'the app', secrets },
    ],
    timing: options.timing ?? {},
  });
  const { url, requests } = await appDoor(world.atEnd, handler);
  Object.assign(world.app, { eventsUrl: url, commandsUrl: url, interactivityUrl: url });
  const ask = (body: string, headers: Record<string, string | undefined> = {}, secret = 'new', at = Math.floor(Date.now() / 1000)) =>
    handler({
      headers: {
        'content-type': 'application/json',
        'x-slack-request-timestamp': String(at),
        'x-slack-signature': sign(secret, at, body),
        ...headers,
      },
      body: Buffer.from(body),
    });
  return { ...world, told, heldBack, requests, ask, secrets, url };
}

const event = (text: string) =>
  JSON.stringify({ type: 'event_callback', team_id: 'T0001', event_id: 'Ev1', event: { type: 'message', channel: 'C1', text, ts: '1.1' } });

test('an address is taken once the challenge came back, which is answered to Slack alone', async (t) => {
  const { slack, app, ask, url } = await subscribed(t);
  app.eventsUrl = undefined;
  assert.equal(await slack.subscribe(app, url), true);
  const challenge = JSON.stringify({ type: 'url_verification', challenge: '<script>' });
  assert.equal((await ask(challenge, {}, 'wrong')).status, 401);
  const { status, headers, body } = await ask(challenge);
  assert.deepEqual([status, headers?.['content-type'], body], [200, 'text/plain; charset=utf-8', '<script>']);
});

test('an event is answered once it is taken in, told under the app that signed it', async (t) => {
  const { slack, told, ann, general } = await subscribed(t);
  const gate = Promise.withResolvers<void>();
  told.hold = () => gate.promise;
  ann.say(general, 'grüße 🎉');
  const { source, via, team, eventId, retry } = await until('the event', () => told.events[0]);
  assert.deepEqual([source, via, team, eventId?.slice(0, 2), retry], ['events', 'the app', 'T0001', 'Ev', undefined]);
  assert.equal(slack.deliveries.items[0]?.outcome, 'pending');
  gate.resolve();
  assert.equal((await slack.waitForDelivery('message')).outcome, 'taken');
});

test('while a secret is replaced both are good; then the old one is not, nor an old or unsigned request', async (t) => {
  const { told, ask, secrets } = await subscribed(t);
  const now = Math.floor(Date.now() / 1000);
  assert.equal((await ask(event('new'))).status, 200);
  assert.equal((await ask(event('old'), {}, 'old')).status, 200);
  secrets.pop();
  assert.equal((await ask(event('too late'), {}, 'old')).status, 401);
  assert.equal((await ask(event('replayed'), {}, 'new', now - 302)).status, 401);
  assert.equal((await ask(event('from the future'), {}, 'new', now + 302)).status, 401);
  assert.equal((await ask(event('slow clock'), {}, 'new', now - 290)).status, 200);
  assert.equal((await ask(event('unsigned'), { 'x-slack-signature': undefined })).status, 401);
  assert.equal((await ask(event('no time'), { 'x-slack-request-timestamp': undefined })).status, 401);
  assert.equal((await ask(event('other length'), { 'x-slack-signature': 'v0=ab' })).status, 401);
  assert.deepEqual(told.texts(), ['new', 'old', 'slow clock']);
});

test('what is told of no workspace is told of the organisation', async (t) => {
  const { told, ask } = await subscribed(t);
  const inner = { type: 'user_change', user: { id: 'W1' }, event_ts: '1.1' };
  await ask(JSON.stringify({ type: 'event_callback', team_id: null, enterprise_id: 'E1', event_id: 'Ev1', event: inner }));
  assert.deepEqual([told.events[0]?.team, told.events[0]?.enterprise], ['E1', 'E1']);
});

test('another app of ours may speak for itself and is told apart', async (t) => {
  const { told, ask } = await subscribed(t);
  await ask(event('mine'), {}, 'unlike');
  assert.deepEqual(
    told.events.map(({ via }) => via),
    ['another app'],
  );
});

test('an empty secret signs nothing', () => {
  const body = Buffer.from('x');
  const headers = { 'x-slack-request-timestamp': '1000', 'x-slack-signature': sign('', 1000, 'x') };
  assert.deepEqual(verify({ headers, body }, [{ via: 'a', secrets: [''] }], 1_000_000), { refused: 'forged' });
});

test('an event that could not be taken in, or not in time, comes again and is told as such', async (t) => {
  const { slack, told, ann, general } = await subscribed(t, { answerTimeout: 10_000, timing: { answerWithin: 1_500 } });
  told.hold = async () => {
    if (told.events.length === 1) throw new Error('the disk is full');
    if (told.events.length === 2) await delay(2_000);
  };
  ann.say(general, 'again');
  const { attempt } = await slack.deliveries.waitFor(({ outcome }) => outcome === 'taken');
  assert.deepEqual(
    [attempt, told.events.map(({ retry }) => retry)],
    [2, [undefined, { number: 1, reason: 'http_error' }, { number: 2, reason: 'http_error' }]],
  );
});

test('doubled, late and overtaking events are told as they come, each happening under one name', async (t) => {
  const { slack, told, ann, general } = await subscribed(t);
  slack.eventFault({ on: 'message', times: 1, act: 'double' });
  ann.say(general, 'twice');
  slack.eventFault({ on: 'message', times: 1, act: 'reorder' });
  ann.say(general, 'overtaken');
  ann.say(general, 'overtakes');
  slack.eventFault({ on: 'message', times: 1, act: { delay: 1_000 } });
  ann.say(general, 'late');
  ann.say(general, 'last');
  await told.heard('late');
  assert.deepEqual(told.texts(), ['twice', 'twice', 'overtakes', 'overtaken', 'last', 'late']);
  assert.equal(new Set(told.events.map(dedupeKeyOf)).size, 5);
});

test('the type of the body may have whatever parameters', async (t) => {
  const { told, ask } = await subscribed(t);
  for (const type of ['application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"', 'application/json']) {
    assert.equal((await ask(event(type), { 'content-type': type })).status, 200);
  }
  assert.equal(told.events.length, 3);
  const form = 'command=%2Fmatrix&team_id=T1&channel_id=C1&user_id=U1&text=status';
  assert.equal((await ask(form, { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' })).status, 200);
  assert.equal(told.commands[0]?.text, 'status');
});

test('what is signed and still no sense is refused or taken, and breaks nothing', async (t) => {
  const { told, ask } = await subscribed(t);
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  assert.equal((await ask('{')).status, 400);
  assert.equal((await ask('[]')).status, 400);
  assert.equal((await ask('payload=%7B', form)).status, 400);
  assert.equal((await ask('a=b', form)).status, 400);
  assert.equal((await ask('ssl_check=1', form)).status, 200);
  assert.equal((await ask('{"type":"event_callback","team_id":"T1"}')).status, 200);
  assert.equal((await ask('{"type":"something_new"}')).status, 200);
  assert.deepEqual([told.events, told.commands], [[], []]);
});

test('where Slack holds events back, that is told with the minute from which on', async (t) => {
  const { slack, app, team, heldBack } = await subscribed(t);
  await slack.eventsApi.tellRateLimited(app, team.id);
  const [[of, minute, via]] = heldBack as [[string, number, string]];
  assert.equal(via, 'the app');
  assert.deepEqual([of, minute % 60_000, Date.now() - minute < 120_000], [team.id, 0, true]);
});

test('a command and a button come by signed form, answered at once or at their address', async (t) => {
  const { slack, told, ann, bob, general, bots } = await subscribed(t, { timing: { answerWithin: 2_000 } });
  const known = Promise.withResolvers<void>();
  told.reply = async ({ text }) => {
    if (text === 'slow') await known.promise;
    if (text === 'broken') throw new Error('a secret detail');
    return text === 'nothing' ? undefined : { text: `heard ${text}`, isInChannel: text === 'loud' };
  };
  assert.deepEqual(await ann.command(general, '/matrix status'), { error: undefined, text: 'heard status', isInChannel: false });
  await ann.command(general, '/matrix loud');
  assert.deepEqual(bob.texts(general), ['heard loud']);
  assert.deepEqual(await ann.command(general, '/matrix nothing'), { error: undefined, text: undefined, isInChannel: false });
  const broken = await ann.command(general, '/matrix broken');
  assert.match(broken.text ?? '', /did not work/);
  assert.equal((await ann.command(general, '/matrix slow')).text, undefined);
  known.resolve();
  await until('the late answer', () => ann.ephemerals.some(({ text }) => text === 'heard slow'));
  assert.equal(told.commands[0]?.source, 'events');
  const button = { type: 'button', action_id: 'deny', value: 'no', text: { type: 'plain_text', text: 'Deny' } };
  const { ts = '' } = await bots.call('chat.postMessage', {
    channel: general.id,
    text: 'Link?',
    blocks: [{ type: 'actions', elements: [button] }],
  });
  assert.equal(await ann.press(general, ts, 'deny'), undefined);
  await until('the message changed', () => ann.texts(general).includes('Done.'));
  assert.deepEqual([told.interactions[0]?.actions[0]?.id, slack.undocumented], ['deny', []]);
});
