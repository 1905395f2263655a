// How people of Matrix are called in Slack where the bot speaks for them: by the setting, by their room, told apart where need be.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { userId } from '#bridge-core';
import { nameFor } from '../../../bridges/slack/posting.ts';
import { until } from '../../support/waiting.ts';
import { type WholeBridge, wholeBridge } from './whole-bridge.ts';

const ann = userId('@ann:hs.test');

test('a name is what the template makes of it, 80 signs at most, and an id that tells two apart stands whole', () => {
  const everywhere = { name: '{name} [{server}]', showIds: 'clashes' } as const;
  assert.equal(nameFor(everywhere, { name: 'Ann {user}' }, ann), 'Ann {user} [hs.test]');
  assert.equal(nameFor(everywhere, { name: 'Ann', isFormed: true }, ann), 'Ann');
  assert.equal(nameFor(everywhere, { name: 'Ann', isAmbiguous: true }, ann), 'Ann [hs.test] (@ann:hs.test)');
  assert.equal(nameFor({ ...everywhere, showIds: 'never' }, { name: 'Ann', isAmbiguous: true }, ann), 'Ann [hs.test]');
  assert.equal(nameFor({ ...everywhere, name: '{localpart}' }, { name: 'Ann', isAmbiguous: true }, ann), 'ann');
  const long = nameFor(everywhere, { name: '😀'.repeat(100), isAmbiguous: true }, ann);
  assert.equal([...long].length, 80);
  assert.ok(long.endsWith(' (@ann:hs.test)'));
});

/** Alice, by what she says there; once it is known who is in the room, which is read behind the link. */
async function calledThere(
  { ann, homeserver, person }: WholeBridge,
  room: string,
  channel: Parameters<WholeBridge['ann']['say']>[0],
  name: string,
) {
  let said = 0;
  await until(`her to be called ${name} in ${room}`, async () => {
    said += 1;
    homeserver.say(person, room, `hello ${said}`);
    return (await ann.waitForMessage(channel, `hello ${said}`)).username === name;
  });
}

test('a room’s own template goes before the setting, from the config or by a word; two of one name are told apart', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t, {
    section: ({ general, room, slack, team, ann }) => {
      slack.addChannel(team, 'plans', [ann], { id: 'C0PLANS' });
      return {
        name: '{name} via Matrix',
        links: [{ team: 'T0001', channel: general.id, room, names: '{name} ({server})' }],
      };
    },
  });
  const { ann: inSlack, general, homeserver, person, room } = bridge;
  await calledThere(bridge, room, general, 'Alice (hs.test)');
  homeserver.say(person, room, '!slack names {localpart}');
  const said = (of: string) => homeserver.messages(of).map(({ content }) => String(content.body));
  await until('the refusal', () => said(room).some((line) => line.includes('in the bridge’s config')) || undefined);

  const other = homeserver.createRoom({ creator: person, levels: { users: { [homeserver.bot]: 50 } } });
  homeserver.invite(person, other, homeserver.bot);
  await until('the bot', () => homeserver.room(other).membership(homeserver.bot) === 'join' || undefined);
  homeserver.say(person, other, '!slack link #plans');
  await until('the link', () => said(other).some((line) => line.includes('is now linked')) || undefined);
  await calledThere(bridge, other, 'C0PLANS', 'Alice via Matrix');
  const twin = homeserver.user('alice2', 'Alice');
  homeserver.invite(person, other, twin);
  homeserver.join(twin, other);
  homeserver.say(twin, other, 'which of us');
  assert.equal((await inSlack.waitForMessage('C0PLANS', 'which of us')).username, 'Alice via Matrix (@alice2:hs.test)');
  homeserver.say(person, other, '!slack names {name} <{localpart}>');
  await until('the answer', () => said(other).some((line) => line.startsWith('People of this room are called')) || undefined);
  homeserver.say(person, other, 'by a word');
  assert.equal((await inSlack.waitForMessage('C0PLANS', 'by a word')).username, 'Alice <alice>');
});

test('who is called as somebody in Slack is told apart from them, as far as they are known', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t);
  const { ann, general, homeserver, room } = bridge;
  ann.say(general, 'it is me');
  await until('her words', () => homeserver.events(room).some(({ content }) => content.body === 'it is me') || undefined);
  const twin = homeserver.user('annie', 'ann example');
  homeserver.join(twin, room);
  homeserver.say(twin, room, 'or me');
  assert.equal((await ann.waitForMessage(general, 'or me')).username, 'ann example (@annie:hs.test)');
  ann.change({ displayName: 'Annette' });
  await until('her new name', () =>
    homeserver.events(room).some(({ type, content }) => type === 'm.room.member' && content.displayname === 'Annette'),
  );
  homeserver.say(twin, room, 'me alone');
  assert.equal((await ann.waitForMessage(general, 'me alone')).username, 'ann example');
});
