// What the bridge says to a person in Slack in private: why a line of theirs was not delivered. It reaches them, once, and nobody else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Json, RetryableError, remoteMessageId, remoteUserId, userId } from '#bridge-core';
import { Tellings } from '../../../bridges/slack/tellings.ts';
import type { Person } from '../../support/fake-slack/person.ts';
import { keptIn, silentLog } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';
import { heard, withAdapter } from './with-slack.ts';

const toAnn = remoteUserId('T0001/U0ANN');

/** What the bot said to them alone. */
function toldTo(person: Person, slack: Awaited<ReturnType<typeof withAdapter>>['slack']): string[] {
  const chat = [...slack.world.channels.values()].find(({ kind, members }) => kind === 'im' && members.has(person.id));
  return chat === undefined ? [] : person.sees(chat).map(({ text }) => text ?? '');
}

test('it is in their chat with the bot, with the message it is about, and pings nobody', { timeout: 180_000 }, async (t) => {
  const { slack, ann, bob, general, adapter, channel } = await withAdapter(t);
  const ts = ann.say(general, 'hello');
  await adapter.tell(toAnn, 'not <!here> & not there', { channel, message: remoteMessageId(ts) });
  const [told = ''] = toldTo(ann, slack);
  assert.match(told, /^not &lt;!here&gt; &amp; not there \(<http:.*\/archives\/C0GENERAL\/p\d{16}\|the message>\)$/);
  assert.deepEqual(toldTo(bob, slack), []);
  assert.deepEqual(ann.texts(general), ['hello']);
  await adapter.tell(remoteUserId('T0001/B0APP'), 'an app has no eyes');
  await adapter.tell(remoteUserId('T0009/U0ANN'), 'nor is anybody of another workspace ours');
  assert.equal(slack.callsOf('chat.postMessage').length, 1);
  assert.deepEqual(slack.undocumented, []);
});

test('where the bot may open no chat, it is shown to them alone in the channel', { timeout: 180_000 }, async (t) => {
  const scopes = ['chat:write', 'channels:read', 'channels:history', 'channels:join', 'users:read'];
  const { ann, general, adapter, channel } = await withAdapter(t, { scopes });
  await adapter.tell(toAnn, 'not delivered', { channel });
  const shown = await ann.waitForEphemeral(({ text }) => text.startsWith('not delivered'));
  assert.equal(shown.channel, general.id);
  assert.deepEqual(ann.texts(general), []);
});

test('what follows at once is told together, at the latest when the bridge stops', { timeout: 180_000 }, async (t) => {
  const { slack, ann, adapter } = await withAdapter(t);
  await adapter.tell(toAnn, 'the first');
  for (let time = 0; time < 50; time += 1) await adapter.tell(toAnn, 'refused');
  await adapter.tell(toAnn, 'too long');
  assert.deepEqual(toldTo(ann, slack), ['the first']);
  await adapter.disconnect();
  assert.deepEqual(toldTo(ann, slack), ['the first', 'refused (50 times)\ntoo long']);
});

test('a workspace that refuses for a while is asked again', async () => {
  const said: string[] = [];
  let refusals = 2;
  const ask = async (method: string, { text }: { text?: string }) => {
    if (method === 'conversations.open') return { channel: { id: 'D1' } };
    refusals -= 1;
    if (refusals >= 0) throw new RetryableError('NETWORK_BUSY', 'later');
    said.push(text ?? '');
    return {};
  };
  const teams = new Map([['T0001', { id: 'T0001', ask }]]) as never;
  const memory = keptIn(new Map());
  const tellings = new Tellings({ teams, permalinks: { of: () => undefined } as never, memory, log: silentLog, gather: 15 });
  for (let time = 0; time < 3; time += 1) await tellings.tell(toAnn, 'refused');
  await until('the words', () => said.length > 0 || undefined);
  await tellings.tell(toAnn, 'the last');
  await tellings.stop();
  assert.deepEqual(said.join('; ').replace(/ \(3 times\)/, '×3'), 'refused×3; the last');
  await tellings.tell(toAnn, 'after the end');
  assert.equal(said.length, 2);
});

test('what was still held as the process died is told after the next start, once, with the message that it is about', async (t) => {
  const first = await withAdapter(t);
  const { slack, ann, general, adapter, channel } = first;
  const ts = ann.say(general, 'hello');
  await adapter.tell(toAnn, 'the first');
  for (const time of [1, 2]) await adapter.tell(toAnn, `refused ${time}`, { channel, message: remoteMessageId(ts) });
  // As a crash leaves it: nothing is ended well, and the next one has what was written down by then.
  const memory = new Map<string, Json>(structuredClone([...first.memory]));
  const permalinks = { of: () => 'https://acme.test/p1' } as never;
  const ask = async (method: string, { text }: { text?: string }) => {
    if (method === 'chat.postMessage') said.push(text ?? '');
    return { channel: { id: 'D1' } };
  };
  const said: string[] = [];
  const next = () =>
    new Tellings({
      ...{ teams: new Map([['T0001', { id: 'T0001', ask }]]) as never, permalinks },
      memory: keptIn(memory),
      log: silentLog,
      gather: 15,
    });
  const again = next();
  again.start();
  await until('the words', () => said.length > 0 || undefined);
  assert.deepEqual(said, ['refused 1 (<https://acme.test/p1|the message>)\nrefused 2 (<https://acme.test/p1|the message>)']);
  await until('it to be forgotten', () => keptIn(memory).keys('telling ').length === 0 || undefined);
  await again.stop();
  const third = next();
  third.start();
  await third.stop();
  assert.equal(said.length, 1);
  assert.equal(toldTo(ann, slack).length, 1);
});

test('what they answer the bot is no private chat of theirs', { timeout: 180_000 }, async (t) => {
  const { slack, app, ann, general, adapter, events, channel } = await withAdapter(t);
  const token = slack.setup.authorize(app, ann.user, { token: 'xoxp-ann' });
  const user = userId('@alice:hs.test');
  await adapter.signIn({ ...{ user, account: toAnn, network: 'T0001', name: 'Ann' }, credentials: { token: token.value } });
  await adapter.tell(toAnn, 'not delivered', { channel });
  const chat = [...slack.world.channels.values()].find(({ kind }) => kind === 'im');
  assert.ok(chat);
  ann.say(chat, 'why?');
  ann.say(general, 'the end');
  await heard(events, 'message', ({ body }) => body.text === 'the end');
  await delay(100);
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'message').map((event) => event.channel),
    [channel],
  );
});

test('a message that Matrix refuses for good is told to who wrote it', { timeout: 180_000 }, async (t) => {
  const { slack, ann, general, homeserver } = await wholeBridge(t);
  homeserver.fault({ on: 'PUT .*/send/m.room.message', act: { answer: 413, errcode: 'M_TOO_LARGE', error: 'too large' }, times: 1 });
  ann.say(general, 'hello');
  const words = await until('the word', () => toldTo(ann, slack)[0]);
  assert.match(words, /^Your message did not reach the Matrix room: .*the message>\)$/);
});
