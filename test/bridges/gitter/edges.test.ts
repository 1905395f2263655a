// What lies on an edge: a status that is edited, the end of the ten minutes, who is banned and comes back, a realtime channel that refuses a
// token which the API takes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { userId } from '#bridge-core';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';
import { heard, loginOf, withAdapter } from './with-gitter.ts';

const quickly = { timeout: 180_000 };
const unlimited = { rate: { calls: 100_000, window: 60_000 } };
const ann = userId('@ann:hs.test');

test('a status that is edited stays one, without the name before it, on either side', quickly, async (t) => {
  const org = await withAdapter(t, { isApproved: true, gitter: unlimited });
  const { adapter, bob, room, events, channel } = org;
  const id = bob.me(room, 'waves');
  await heard(events, 'message', ({ style }) => style === 'emote');
  bob.edit(id, '@bob waves twice');
  const edit = await heard(events, 'edit');
  assert.deepEqual([edit.style, edit.body.text], ['emote', 'waves twice']);
  await adapter.signIn(loginOf(org, org.ann, ann));
  const hers = await adapter.session({ as: 'user', user: ann }, channel);
  const bot = await adapter.session({ as: 'bot' }, channel);
  const zoe = { shownAs: { name: 'Zoe' }, by: '@zoe:hs.test' as never };
  for (const [session, more, before] of [
    [hers, {}, '@ann '],
    [bot, zoe, 'Zoe '],
  ] as const) {
    const message = (text: string) => ({ key: text, channel, body: { text }, style: 'emote' as const, ...more });
    const said = await session.send(message('nods'));
    assert.ok(said);
    assert.equal(await session.edit?.({ channel, ids: [said] }, message('nods twice')), said);
    const stands = room.messages.find((each) => each.id === said);
    assert.deepEqual([stands?.text, stands?.isStatus], [`${before}nods twice`, true]);
  }
});

test('whether the ten minutes are over is Gitter’s to say, whatever our clock shows', quickly, async (t) => {
  const org = await withAdapter(t, { isApproved: true, gitter: unlimited });
  const { adapter, gitter, room, channel } = org;
  const bot = await adapter.session({ as: 'bot' }, channel);
  gitter.clock.stand();
  const message = (text: string) => ({ key: text, channel, body: { text }, style: 'text' as const });
  const edited = async (ahead: number) => {
    const id = await bot.send(message(`before ${ahead}`));
    assert.ok(id);
    gitter.clock.forward(ahead);
    const now = await bot.edit?.({ channel, ids: [id] }, message(`after ${ahead}`));
    gitter.clock.forward(-ahead);
    return now === id;
  };
  assert.deepEqual([await edited(599_000), await edited(601_000)], [true, false]);
  assert.match(room.messages.at(-1)?.text ?? '', /^\*\(\[edited\]/);
  // Their clock is behind ours by as long as an edit may take.
  gitter.clock.forward(-615_000);
  const id = await bot.send(message('in their past'));
  assert.ok(id);
  assert.equal(await bot.edit?.({ channel, ids: [id] }, message('edited all the same')), id);
});

test('a realtime channel that refuses a login’s token for a while hears it again, as long as the API takes it', quickly, async (t) => {
  const org = await withAdapter(t, { gitter: unlimited });
  const { adapter, bob, gitter, events } = org;
  const login = loginOf(org, org.ann, ann);
  const chat = bob.open(org.ann);
  await adapter.signIn(login);
  await gitter.waitForListener(chat, 'ann');
  gitter.refuseFaye('ann', 1);
  gitter.forgetFayeClients();
  await gitter.waitForListener(chat, 'ann');
  bob.say(chat, 'still there?');
  await heard(events, 'message', ({ body }) => body.text === 'still there?');
  gitter.refuseFaye('matrixbot', 1);
  gitter.forgetFayeClients();
  await gitter.waitForListener(org.room, 'matrixbot');
  bob.say(org.room, 'and here?');
  await heard(events, 'message', ({ body }) => body.text === 'and here?');
});

test('who is banned and let in again, by either side, is there again once they come', quickly, async (t) => {
  const bridge = await wholeBridge(t, {
    isApproved: true,
    gitter: unlimited,
    section: { bans: '1s' },
    config: { membership: { ghosts: 'full' } },
  });
  const { ann: admin, bob, gitter, homeserver, matrixRoom, person, relay, room } = bridge;
  room.admins.add(relay.id);
  homeserver.setState(person, matrixRoom, 'm.room.power_levels', '', { users: { [person]: 100, [homeserver.bot]: 90 } });
  await bridge.restart();
  await gitter.waitForListener(room, 'matrixbot');
  bob.say(room, 'one');
  const { sender: ghost } = await until('him', () => homeserver.messages(matrixRoom).find(({ content }) => content.body === 'one'));
  const membership = () => homeserver.room(matrixRoom).stateOf('m.room.member', ghost)?.content.membership;
  // Banned there, let in again there: back with the next word.
  admin.ban(room, bob);
  await until('him out here', () => membership() === 'leave' || undefined);
  admin.unban(room, bob);
  bob.join(room);
  bob.say(room, 'two');
  await until('his word', () => homeserver.messages(matrixRoom).some(({ content }) => content.body === 'two') || undefined);
  // Banned here, let in again there.
  homeserver.ban(person, matrixRoom, ghost, 'no spam');
  await until('the ban there', () => room.bans.some(({ user }) => user === bob.user) || undefined);
  admin.unban(room, bob);
  bob.join(room);
  bob.say(room, 'three');
  // A moderator's ban is theirs to end, whoever lets him in over there.
  await until(
    'him told',
    () => [...gitter.world.messages.values()].some(({ room: place, user }) => place.isOneToOne && user.id === relay.id) || undefined,
  );
  assert.equal(membership(), 'ban');
  homeserver.setState(person, matrixRoom, 'm.room.member', ghost, { membership: 'leave' });
  await until('the end of it', () => membership() === 'leave' || undefined);
  bob.say(room, 'four');
  await until('his word', () => homeserver.messages(matrixRoom).some(({ content }) => content.body === 'four') || undefined);
  const shown = homeserver.messages(matrixRoom).flatMap(({ sender, content }) => (sender === ghost ? [content.body] : []));
  assert.deepEqual(shown, ['one', 'two', 'four']);
});

for (const [what, act] of [
  ['has no turn for it', { limited: 300 }],
  ['is away', { status: 502 }],
] as const)
  test(
    `the relay account put out of a room while Gitter ${what}: it is back, and hears what was said, once Gitter can`,
    quickly,
    async (t) => {
      const { ann: admin, events, gitter, relay, room } = await withAdapter(t, { gitter: unlimited });
      gitter.fault({ on: 'POST /user/:user/rooms', times: 1, act });
      admin.kick(room, relay);
      await until('a refusal', () => gitter.callsOf('POST /user/:user/rooms').some(({ answer }) => (answer?.status ?? 0) >= 400));
      admin.say(room, 'still there?');
      await heard(events, 'message', ({ body }) => body.text === 'still there?');
      assert.ok(room.members.has(relay.id));
    },
  );

test(
  'the relay account put out of a private room while nobody tells it: once it is not let in to listen, that is told',
  quickly,
  async (t) => {
    const shut: string[] = [];
    const inbox = { suspended: (_channel: unknown, reason: string) => void shut.push(reason) };
    const { ann: admin, gitter, relay, room } = await withAdapter(t, { gitter: unlimited, inbox });
    await until('it to be in', () => room.members.has(relay.id));
    gitter.makePrivate(room);
    gitter.deliveryFault({ username: 'matrixbot', act: 'lose' });
    admin.kick(room, relay);
    gitter.clearFaults();
    gitter.forgetFayeClients();
    await until('its end to be told', () => shut.length > 0);
  },
);
