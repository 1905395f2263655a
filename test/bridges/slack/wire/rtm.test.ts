// RTM: what is heard is told, typing goes out, and the library's three traps stay shut.

import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import { dedupeKeyOf } from '../../../../bridges/slack/wire/dedupe.ts';
import { openRtm } from '../../../../bridges/slack/wire/rtm.ts';
import type { SourceTiming } from '../../../../bridges/slack/wire/source.ts';
import type { Caller } from '../../../../bridges/slack/wire/web-api.ts';
import { until, within } from '../../../support/waiting.ts';
import { ear, quick, wired } from './wired.ts';

async function classic(t: TestContext, options: Parameters<typeof wired>[1] & { timing?: Partial<SourceTiming> } = {}) {
  const world = await wired(t, { ...options, app: { isClassic: true, ...options.app } });
  const listen = (token = world.bot.token.value, isBot = true) => {
    const { told, listener } = ear();
    const source = openRtm({ ...listener, caller: world.caller(token), isBot, timing: { ...quick, ...options.timing } });
    world.atEnd(() => source.close());
    return { told, source };
  };
  return { ...world, listen };
}

// At once, since the library waits two seconds before it may send.
suite('RTM', { concurrency: true }, () => {
  test('what the bot hears is told in one shape with all else', async (t) => {
    const { listen, ann, general, bot, team } = await classic(t);
    const { told, source } = listen();
    assert.deepEqual(await told.state('up'), [{ state: 'up', wasLost: true }]);
    assert.equal(source.isUp, true);
    ann.typing(general);
    const ts = ann.say(general, 'hello');
    const { event, receivedAt, ...rest } = await told.heard('hello');
    const authorizations = [{ user: bot.user.id, isBot: true, team: team.id }];
    assert.deepEqual(rest, { team: team.id, source: 'rtm', via: 'the app', authorizations });
    assert.deepEqual([event.ts, event.channel, typeof receivedAt], [ts, general.id, 'number']);
    assert.deepEqual(
      told.events.map(({ event: each }) => each.type),
      ['user_typing', 'message'],
    );
  });

  test("typing goes out, and a person's own connection hears how far they read", async (t) => {
    const { slack, app, listen, ann, bob, general } = await classic(t);
    const anns = listen(slack.setup.authorize(app, ann.user).value, false);
    const bobs = listen(slack.setup.authorize(app, bob.user).value, false);
    await Promise.all([anns.told.state('up'), bobs.told.state('up')]);
    anns.source.type(general.id);
    const typing = () => bobs.told.events.find(({ event }) => event.type === 'user_typing');
    await until('typing', () => {
      // Lost until the library is ready for it.
      anns.source.type(general.id);
      return typing();
    });
    assert.deepEqual(typing()?.event, { type: 'user_typing', channel: general.id, user: ann.id });
    const ts = bob.say(ann, 'psst');
    ann.mark(bob, ts);
    const mark = await until('the mark', () => anns.told.events.find(({ event }) => event.type === 'im_marked'));
    assert.deepEqual([mark.event.ts, mark.authorizations?.[0]], [ts, { user: ann.id, isBot: false, team: 'T0001' }]);
  });

  test('a connection that is cut comes back and tells that something may be missing', async (t) => {
    const { slack, listen, ann, general } = await classic(t);
    const { told } = listen();
    await told.state('up');
    slack.rtm.cut();
    ann.say(general, 'missed');
    const ups = await told.state('up', 2);
    assert.deepEqual(ups, [
      { state: 'up', wasLost: true },
      { state: 'up', wasLost: true },
    ]);
    ann.say(general, 'heard');
    await told.heard('heard');
    assert.deepEqual(told.texts(), ['heard']);
  });

  test('doubled and late events are told as they come, the doubled one under one name; one lost to a cut makes a gap', async (t) => {
    const { slack, listen, ann, general } = await classic(t);
    const { told } = listen();
    await told.state('up');
    slack.eventFault({ on: 'message', times: 1, act: 'double' });
    ann.say(general, 'twice');
    slack.eventFault({ on: 'message', times: 1, act: { delay: 60 } });
    ann.say(general, 'late');
    ann.say(general, 'in time');
    await told.heard('late');
    assert.deepEqual(told.texts(), ['twice', 'twice', 'in time', 'late']);
    assert.equal(new Set(told.events.map(dedupeKeyOf)).size, 3);
    slack.eventFault({ on: 'message', times: 1, act: { cut: 'before' } });
    ann.say(general, 'lost to the cut');
    assert.deepEqual((await told.state('up', 2))[1], { state: 'up', wasLost: true });
    assert.equal(told.texts().includes('lost to the cut'), false);
  });

  test('when Slack says goodbye or moves the workspace, the next connection is made', async (t) => {
    const { slack, listen, ann, general } = await classic(t);
    const { told } = listen();
    await told.state('up');
    slack.rtm.goodbye();
    await told.state('up', 2);
    assert.equal(slack.rtm.connections(), 2);
    ann.say(general, 'on both');
    await until('it came twice', () => told.events.length === 2);
    assert.equal(new Set(told.events.map(dedupeKeyOf)).size, 1);
    assert.equal(
      told.states.some(({ state }) => state === 'down'),
      false,
    );
    slack.rtm.migrate();
    await told.state('up', 3);
  });

  test('a modern token is refused at once, where start() of the library would wait for ever', async (t) => {
    const { slack, listen } = await classic(t, { app: { isClassic: false } });
    const { told, source } = listen();
    const [refused] = await told.state('refused');
    assert.match(JSON.stringify(refused), /rtm\.connect: Slack says not_allowed_token_type/);
    await delay(100);
    assert.equal(slack.callsOf('rtm.connect').length, 1);
    source.type('C1');
    await source.close();
  });

  test('a connection that stays open and says nothing is given up', async (t) => {
    const { slack, listen } = await classic(t, { timing: { silence: 300 } });
    const { told, source } = listen();
    await told.state('up');
    slack.rtm.freeze();
    await told.state('down');
    await told.state('up', 2);
    await within('the end', source.close());
  });

  test('what could not be taken in makes a gap to be filled, since RTM tells once only', async (t) => {
    const { listen, ann, general } = await classic(t);
    const { told } = listen();
    await told.state('up');
    told.hold = async () => {
      if (told.events.length === 1) throw new Error('the disk is full');
    };
    ann.say(general, 'not kept');
    assert.deepEqual((await told.state('up', 2))[1], { state: 'up', wasLost: true });
  });

  test('a hello that comes as the connection is closed is heard by nobody, where the library would end the process', async (t) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    t.after(() => new Promise((resolve) => server.close(resolve)));
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const url = `ws://127.0.0.1:${port}`;
    const caller = { isSecure: false, call: async () => ({ url, self: { id: 'U1' }, team: { id: 'T1' } }) } as unknown as Caller;
    const { told, listener } = ear();
    const lines: Socket[] = [];
    const noted = (message: unknown) => void lines.push((message as { socket: Socket }).socket);
    subscribe('net.client.socket', noted);
    t.after(() => unsubscribe('net.client.socket', noted));
    const arrived = once(server, 'connection') as Promise<[WebSocket]>;
    const source = openRtm({ ...listener, caller, isBot: true });
    const [socket] = await arrived;
    const gone = once(socket, 'close');
    socket.on('error', () => {});
    // Answered once the other end is open.
    socket.ping();
    await once(socket, 'pong');
    // What is still to be said keeps it open for a moment.
    for (const line of lines.filter(({ remotePort }) => remotePort === port))
      Object.assign(line, { _writev: null, _write: (_chunk: unknown, _encoding: unknown, done: () => void) => setTimeout(done, 50) });
    socket.send(JSON.stringify({ type: 'hello' }));
    await within('the end', source.close());
    await within('the end of the connection', gone);
    assert.deepEqual(
      told.states.map(({ state }) => state),
      ['connecting'],
    );
  });

  test('while Slack limits or refuses connections it waits as it was told, and goes on', async (t) => {
    const { slack, listen } = await classic(t);
    slack.fault({ on: 'rtm.connect', times: 1, act: { ratelimited: 1 } });
    slack.fault({ on: 'rtm.connect', times: 1, act: { status: 503 } });
    slack.fault({ on: 'rtm.connect', times: 1, act: { error: 'migration_in_progress' } });
    const { told, source } = listen();
    await told.state('up');
    assert.equal(slack.callsOf('rtm.connect').length, 4);
    await source.close();
  });
});
