// What a reload takes over while the bridge runs, and what it names as wanting a restart.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChannelId, Outgoing } from '#bridge-core';
import type { GitterBody } from '../../../bridges/gitter/body.ts';
import { until } from '../../support/waiting.ts';
import { type GitterEvents, heard, settingsFor, withAdapter } from './with-gitter.ts';

const quickly = { timeout: 180_000 };

const relayed = (channel: ChannelId, text: string): Outgoing<GitterBody> => ({
  ...{ key: text, channel, body: { text }, style: 'text', shownAs: { name: 'Alice' } },
});

const texts = (events: GitterEvents): string[] => events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : []));

test('another token of the relay account is taken over, also where the one of before was revoked; nothing is lost', quickly, async (t) => {
  const org = await withAdapter(t);
  const { adapter, ann, channel, gitter, relay, room, events } = org;
  ann.say(room, 'before');
  await heard(events, 'message');
  gitter.revoke(org.token);
  await until('it down', () => adapter.status()[0]?.state === 'down' || undefined);
  ann.say(room, 'meanwhile');
  const token = gitter.tokenOf(relay);
  assert.deepEqual(adapter.reload(settingsFor(gitter, token)), ['gitter.token: Gitter is asked whose it is']);
  await heard(events, 'message', ({ body }) => body.text === 'meanwhile');
  await until('it up', () => adapter.status()[0]?.state === 'up' || undefined);
  ann.say(room, 'after');
  await heard(events, 'message', ({ body }) => body.text === 'after');
  assert.deepEqual(texts(events), ['before', 'meanwhile', 'after']);
  const bot = await adapter.session({ as: 'bot' }, channel);
  await bot.send(relayed(channel, 'said by the new one'));
  assert.equal(room.messages.at(-1)?.user.username, 'matrixbot');
  // While it runs, too.
  const next = gitter.tokenOf(relay, gitter.addClient({ name: 'Another' }));
  adapter.reload(settingsFor(gitter, next));
  await gitter.waitForCall('GET /user', (call) => call.token === next);
  await until(
    'it listening',
    () =>
      gitter.faye
        .clientsOf('matrixbot')
        .some((client) => client.token.value === next && client.subscriptions.has(`/rooms/${room.id}/chatMessages`)) || undefined,
  );
  ann.say(room, 'by the third');
  await heard(events, 'message', ({ body }) => body.text === 'by the third');
  assert.equal(texts(events).length, 4);
});

test('a token of another account, or of none, is not taken over', quickly, async (t) => {
  const org = await withAdapter(t);
  const { adapter, ann, bob, gitter, room, events } = org;
  for (const token of [gitter.tokenOf(bob), 'f'.repeat(40)]) {
    adapter.reload(settingsFor(gitter, token));
    await gitter.waitForCall('GET /user', (call) => call.token === token);
  }
  ann.say(room, 'as before');
  await heard(events, 'message');
  assert.equal(adapter.status()[0]?.state, 'up');
  assert.deepEqual(adapter.speakerOf(`gitter/${org.relay.id}` as never), { as: 'bot' });
});

test('how people are spoken for and told of is taken over at once; addresses are named as wanting a restart', quickly, async (t) => {
  const org = await withAdapter(t);
  const { adapter, ann, channel, gitter, room, events, token } = org;
  const bot = () => adapter.session({ as: 'bot' }, channel);
  await (await bot()).send(relayed(channel, 'by the first'));
  assert.equal((await bot()).react, undefined);
  const more = {
    relay: '{name} says: {text}',
    reactions: 'off',
    presence: true,
    copies: 1,
    echo_timeout: '2s',
    bans: '20ms',
    history: { most: 5 },
  };
  assert.deepEqual(
    adapter.reload(settingsFor(gitter, token, more)).toSorted(),
    Object.keys(more)
      .map((name) => `gitter.${name}: taken over`)
      .toSorted(),
  );
  assert.deepEqual(adapter.reload(settingsFor(gitter, token, more)), []);
  await (await bot()).send(relayed(channel, 'by the second'));
  assert.deepEqual(
    room.messages.map(({ text }) => text),
    ['`Alice` by the first', 'Alice says: by the second'],
  );
  assert.notEqual((await bot()).react, undefined);
  await assert.rejects(async () => (await bot()).send(relayed(channel, 'by the second')), /the same words/);
  ann.setPresence(room, 'in');
  await heard(events, 'presence');
  const told = gitter.callsOf('GET /rooms/:room/bans').length;
  await until('the banned to be looked at anew', () => gitter.callsOf('GET /rooms/:room/bans').length > told + 1 || undefined);
  const lines = adapter.reload(
    settingsFor(gitter, token, { ...more, stream_url: gitter.streamUrl, resolver: {}, faye_url: `${gitter.url}/faye` }),
  );
  assert.deepEqual(lines.toSorted(), [
    'gitter.faye_url: needs a restart',
    'gitter.resolver: needs a restart',
    'gitter.stream_url: needs a restart',
  ]);
});
