// The name of a linked channel, carried both ways where the link says so.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

test('a room and its channel are called alike where the link says so, whoever renames them, and no rename comes back', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t, {
    section: ({ general, room }) => ({ links: [{ team: 'T0001', channel: general.id, room, name: 'both' }] }),
  });
  const { ann, general, homeserver, person, room, slack } = bridge;
  homeserver.setState(person, room, 'm.room.power_levels', '', { users: { [person]: 100, [homeserver.bot]: 100 } });
  const names = () =>
    homeserver
      .events(room)
      .flatMap((event) => (event.type === 'm.room.name' ? [`${event.sender === person ? 'here' : 'there'} ${event.content.name}`] : []));
  homeserver.setState(person, room, 'm.room.name', '', { name: 'Node & Co' });
  await until('the name in Slack', () => general.name === 'node-co' || undefined);
  ann.say(general, 'is it?');
  await until('ann', () => homeserver.messages(room).some(({ content }) => content.body === 'is it?') || undefined);
  assert.deepEqual(names(), ['here Node & Co']);
  ann.rename(general, 'renamed-in-slack');
  await until('the name in the room', () => names().length > 1 || undefined);
  ann.say(general, 'and it is');
  await until('ann', () => homeserver.messages(room).some(({ content }) => content.body === 'and it is') || undefined);
  assert.deepEqual(names(), ['here Node & Co', 'there #renamed-in-slack']);
  assert.equal(general.name, 'renamed-in-slack');
  assert.equal(slack.calls.items.filter(({ method }) => method === 'conversations.rename').length, 1);
  // What Slack refuses is told, and what is said there later is news all the same.
  slack.setup.channel(general.team, { id: 'C0TAKEN', name: 'taken' });
  homeserver.setState(person, room, 'm.room.name', '', { name: 'taken' });
  await until('the refusal', () => homeserver.messages(room).some(({ content }) => /the name was not carried/.test(String(content.body))));
  assert.equal(general.name, 'renamed-in-slack');
});
