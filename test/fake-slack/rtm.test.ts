// RTM of the fake, with @slack/rtm-api at the other end; its two traps are shown beside the way around each.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { RTMClient } from '@slack/rtm-api';
import { WebSocket } from 'ws';
import { until } from '../support/waiting.ts';
import { acme, refusal, silent } from './acme.ts';

type Event = { readonly type: string } & Readonly<Record<string, unknown>>;

async function classic(t: TestContext) {
  const world = await acme(t, { app: { isClassic: true } });
  const { slack, atEnd } = world;
  const connect = async (token: string, options: object = {}, mustSend = false) => {
    const rtm = new RTMClient(token, {
      slackApiUrl: slack.apiUrl,
      logger: silent as never,
      replyAckOnReconnectTimeout: 20,
      retryConfig: { retries: 0 },
    });
    const heard: Event[] = [];
    rtm.on('slack_event', (_type, event) => heard.push(event));
    await rtm.start(options);
    // `ready`, which sending needs, comes two seconds later whatever the setting says.
    await new Promise((resolve) => rtm.once(mustSend ? 'ready' : 'connected', resolve));
    atEnd(() => rtm.disconnect());
    const of = (type: string) => heard.filter((event) => event.type === type);
    return { rtm, heard, of, next: (type: string) => until(type, () => of(type).at(-1)) };
  };
  return { ...world, connect };
}

// At once, since the library waits two seconds in some of them.
suite('RTM', { concurrency: true }, () => {
  test('a classic bot hears what is said where it is, typing too, and nothing from elsewhere', async (t) => {
    const { slack, ann, bob, team, general, bot, connect } = await classic(t);
    const elsewhere = slack.addChannel(team, 'elsewhere', [ann, bob]);
    const { next, of } = await connect(bot.token.value);
    ann.typing(general);
    ann.say(elsewhere, 'not for the bot');
    const ts = ann.say(general, 'hello');
    const { event_ts: _, blocks: __, client_msg_id: ___, ...message } = await next('message');
    assert.deepEqual(message, { type: 'message', channel: general.id, user: ann.id, team: team.id, ts, text: 'hello' });
    assert.deepEqual(of('user_typing'), [{ type: 'user_typing', channel: general.id, user: ann.id }]);
    assert.deepEqual(of('message').length, 1);
  });

  test("a person's own connection hears their direct messages and how far they read", async (t) => {
    const { slack, app, ann, bob, general, connect } = await classic(t);
    const { next } = await connect(slack.setup.authorize(app, ann.user).value);
    const ts = bob.say(ann, 'psst');
    assert.equal((await next('message')).text, 'psst');
    ann.mark(bob, ts);
    assert.deepEqual(await next('im_marked'), { type: 'im_marked', channel: ann.open(bob).id, ts });
    const said = ann.say(general, 'from the phone');
    ann.mark(general, said);
    assert.deepEqual(await next('channel_marked'), { type: 'channel_marked', channel: general.id, ts: said });
  });

  test('typing that a client sends is told to the others; presence only to those who asked', async (t) => {
    const { slack, app, ann, bob, general, connect } = await classic(t);
    const [anns, bobs] = await Promise.all([
      connect(slack.setup.authorize(app, ann.user).value, {}, true),
      connect(slack.setup.authorize(app, bob.user).value, { batch_presence_aware: true }, true),
    ]);
    await anns.rtm.sendTyping(general.id);
    assert.equal((await bobs.next('user_typing')).user, ann.id);
    await bobs.rtm.subscribePresence([ann.id]);
    assert.deepEqual(await bobs.next('presence_change'), { type: 'presence_change', presence: 'active', users: [ann.id] });
    ann.setPresence('away');
    await until('away', () => bobs.of('presence_change').find(({ presence }) => presence === 'away'));
    assert.deepEqual([anns.of('presence_change'), anns.of('user_typing')], [[], []]);
    assert.deepEqual(await anns.next('manual_presence_change'), { type: 'manual_presence_change', presence: 'away' });
  });

  test('a connection that is cut or moved comes back; what was said meanwhile is not told again', async (t) => {
    const { slack, ann, bot, general, connect } = await classic(t);
    const { rtm, of, next } = await connect(bot.token.value);
    const ready = once(rtm as never, 'connected');
    slack.rtm.cut();
    ann.say(general, 'missed');
    await ready;
    ann.say(general, 'heard');
    assert.equal((await next('message')).text, 'heard');
    slack.rtm.goodbye();
    await next('goodbye');
    const again = once(rtm as never, 'connected');
    slack.rtm.migrate();
    await again;
    assert.deepEqual(
      of('message').map(({ text }) => text),
      ['heard'],
    );
  });

  test('frames are answered as documented: pong, a refusal, a message sent, and too long a frame ends it', async (t) => {
    const { web, ann, general } = await classic(t);
    const { url = '' } = await web.rtm.connect();
    const socket = new WebSocket(url);
    t.after(() => socket.terminate());
    const frames: Event[] = [];
    socket.on('message', (data) => frames.push(JSON.parse(data.toString())));
    const ask = async (frame: object) => {
      const known = frames.length;
      socket.send(JSON.stringify(frame));
      return until('an answer', () => frames[known]);
    };
    assert.deepEqual(await until('hello', () => frames[0]), { type: 'hello' });
    assert.deepEqual(await ask({ id: 1, type: 'ping', time: 5 }), { type: 'pong', reply_to: 1, time: 5 });
    const refused = { ok: false, reply_to: 2, error: { code: 2, msg: 'message text is missing' } };
    assert.deepEqual(await ask({ id: 2, type: 'message', channel: general.id, text: '' }), refused);
    socket.send(JSON.stringify({ id: 3, type: 'message', channel: general.id, text: 'by RTM' }));
    const { ts } = await until('the answer', () => frames.find(({ reply_to }) => reply_to === 3));
    assert.deepEqual(
      ann.sees(general).map(({ ts: of, text }) => [of, text]),
      [[ts, 'by RTM']],
    );
    socket.send(JSON.stringify({ id: 4, type: 'message', channel: general.id, text: 'x'.repeat(16 * 1024) }));
    await once(socket, 'close');
  });

  test('modern tokens are refused, and start() of the library does not say so: its event does', async (t) => {
    const { slack, bot, web } = await acme(t);
    assert.equal(await refusal(web.rtm.connect()), 'not_allowed_token_type');
    const rtm = new RTMClient(bot.token.value, { slackApiUrl: slack.apiUrl, logger: silent as never, retryConfig: { retries: 0 } });
    const told = new Promise<{ data: { error: string } }>((resolve) => rtm.once('unable_to_rtm_start', resolve));
    const settled = rtm.start().then(
      () => 'settled',
      () => 'settled',
    );
    assert.equal((await told).data.error, 'not_allowed_token_type');
    assert.equal(await Promise.race([settled, delay(200, 'pending')]), 'pending');
    t.diagnostic(`calls in that time: ${slack.callsOf('rtm.connect').length - 1}`);
    // This ends it, and start() with it.
    await Promise.race([rtm.disconnect(), delay(200)]);
  });

  test('after an awaited sendMessage the library dies on disconnect; after sendTyping it does not', async (t) => {
    const { slack, bot, general } = await classic(t);
    const run = async (act: string) => {
      const code = `
      import { RTMClient } from '@slack/rtm-api';
      const rtm = new RTMClient(${JSON.stringify(bot.token.value)}, { slackApiUrl: ${JSON.stringify(slack.apiUrl)}, replyAckOnReconnectTimeout: 10 });
      await rtm.start();
      await new Promise((resolve) => rtm.once('ready', resolve));
      await rtm.${act};
      await rtm.disconnect();
    `;
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: process.cwd(), stdio: 'ignore' });
      const [status] = await once(child, 'exit');
      return status;
    };
    const typed = `sendTyping(${JSON.stringify(general.id)})`;
    const said = `sendMessage('x', ${JSON.stringify(general.id)})`;
    const [afterTyping, afterMessage] = await Promise.all([run(typed), run(said)]);
    assert.equal(afterTyping, 0);
    assert.notEqual(afterMessage, 0, 'the library has been mended: tell the bridge that it may send by RTM');
  });
});
