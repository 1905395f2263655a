// While the realtime channel is away: private chats are heard by streams as rooms are, and no longer once it is back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { userId } from '#bridge-core';
import { GitterAdapter } from '../../../bridges/gitter/adapter.ts';
import type { FakeGitter } from '../../support/fake-gitter.ts';
import { until } from '../../support/waiting.ts';
import { heard, loginOf, quick, settingsFor, withAdapter } from './with-gitter.ts';

const quickly = { timeout: 180_000 };
const ann = userId('@ann:hs.test');
const rate = { calls: 100_000, window: 60_000 };
// Whatever comes back comes within that time, also on a slow day.
const settings = ({ streamUrl }: FakeGitter) => ({ stream_url: streamUrl, echo_timeout: '60s' });

test(
  'private chats are heard by streams while the realtime channel is away, new ones too, and by that alone once it is back',
  quickly,
  async (t) => {
    const org = await withAdapter(t, { gitter: { rate }, settings, timing: { reread: 100 } });
    const { adapter, bob, gitter, events } = org;
    const chat = bob.open(org.ann);
    await adapter.signIn(loginOf(org, org.ann, ann));
    await gitter.waitForListener(chat, 'ann');
    const hasStream = ({ id }: { readonly id: string }) => gitter.streams.of('ann').some(({ channel }) => channel.includes(id));
    assert.equal(hasStream(chat), false);
    // Until then there are two connections, of which one would go on.
    await until('her socket', () => gitter.faye.clientsOf('ann')[0]?.transport === 'websocket' || undefined);
    for (const on of ['POST /bayeux', 'UPGRADE /bayeux']) gitter.fault({ on, act: { status: 503 } });
    gitter.cutFaye();
    bob.say(chat, 'meanwhile');
    await heard(events, 'message', ({ body }) => body.text === 'meanwhile');
    await until('a stream of the chat', () => hasStream(chat) || undefined);
    bob.say(chat, 'by a stream');
    const said = await heard(events, 'message', ({ body }) => body.text === 'by a stream');
    assert.equal(said.channel, `gitter/~${chat.id}`);

    const session = await adapter.session({ as: 'user', user: ann }, said.channel);
    const looks = () => gitter.callsOf('GET /rooms/:room/chatMessages/:message').length;
    const before = looks();
    await session.send({ key: 'k', channel: said.channel, body: { text: 'heard too' }, style: 'text' });
    assert.equal(looks(), before, 'that it came back is seen by the stream');

    const carol = gitter.addPerson('carol');
    const fresh = carol.open(org.ann);
    carol.say(fresh, 'the first words');
    await heard(events, 'message', ({ body }) => body.text === 'the first words');
    await until('its stream', () => hasStream(fresh) || undefined);

    gitter.clearFaults();
    await gitter.waitForListener(chat, 'ann');
    await until('no stream', () => gitter.streams.of('ann').length === 0 || undefined);
    bob.say(chat, 'as before');
    await heard(events, 'message', ({ body }) => body.text === 'as before');
    await delay(50);
    const texts = events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : []));
    assert.deepEqual(texts, ['meanwhile', 'by a stream', 'the first words', 'as before']);
  },
);

test('of very many chats those of the last words are heard by streams', quickly, async (t) => {
  const org = await withAdapter(t, {
    gitter: { rate },
    settings: ({ url, streamUrl }: FakeGitter) => ({ faye_url: `${url}/nowhere`, stream_url: streamUrl }),
  });
  const { adapter, gitter } = org;
  const people = Array.from({ length: 60 }, (_, at) => gitter.addPerson(`person${at}`));
  const chats = people.map((person) => person.open(org.ann));
  for (const [at, chat] of chats.entries()) org.memory.set(`heard gitter/~${chat.id}`, Date.now() - 3_600_000 + at);
  await adapter.disconnect();
  const next = new GitterAdapter(
    settingsFor(gitter, org.token, { faye_url: `${gitter.url}/nowhere`, stream_url: gitter.streamUrl }),
    org.tools,
    quick,
  );
  t.after(() => next.disconnect());
  await next.connect();
  await next.signIn(loginOf(org, org.ann, ann));
  const streamed = () => chats.filter(({ id }) => gitter.streams.of('ann').some(({ channel }) => channel.includes(id)));
  await until('fifty', () => streamed().length >= 50 || undefined);
  await delay(100);
  assert.deepEqual(streamed(), chats.slice(-50));
});

test('a stream that is refused the token once is tried again, and shuts no room', quickly, async (t) => {
  const shut: string[] = [];
  const org = await withAdapter(t, {
    gitter: { rate },
    inbox: { suspended: (_channel, reason) => void shut.push(reason) },
    settings: ({ url, streamUrl }: FakeGitter) => ({ faye_url: `${url}/nowhere`, stream_url: streamUrl }),
  });
  const { events, gitter, room } = org;
  await gitter.waitForListener(room, 'matrixbot');
  gitter.fault({ on: 'GET /stream/rooms/:room/chatMessages', times: 1, act: { status: 401 } });
  gitter.cutStreams('matrixbot');
  await gitter.waitForCall('GET /stream/rooms/:room/chatMessages', ({ answer }) => answer?.status === 401);
  org.ann.say(room, 'still heard?');
  await heard(events, 'message');
  await gitter.waitForListener(room, 'matrixbot');
  assert.deepEqual(shut, []);
});

test('a token that is revoked while the realtime channel is away is found to be void', quickly, async (t) => {
  const { adapter, gitter, room, token } = await withAdapter(t, {
    gitter: { rate },
    settings: ({ url, streamUrl }: FakeGitter) => ({ faye_url: `${url}/nowhere`, stream_url: streamUrl }),
  });
  await gitter.waitForListener(room, 'matrixbot');
  gitter.revoke(token);
  await until('it down', () => adapter.status()[0]?.state === 'down');
  assert.match(adapter.status()[0]?.detail ?? '', /refuses the credentials/);
});
