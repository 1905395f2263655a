// People with a login are shown as away in Slack when they are in Matrix, where the operator wants it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';
import { withAdapter } from './with-slack.ts';

test('who is away in Matrix is shown as away in Slack', { timeout: 180_000 }, async (t) => {
  const section = ({ general, room }: { general: { id: string }; room: string }) => ({
    presence: true,
    links: [{ team: 'T0001', channel: general.id, room }],
  });
  const { homeserver, person, slack, app, ann, general, room } = await wholeBridge(t, { section });
  const chat = homeserver.createRoom({ creator: person, isDirect: true });
  homeserver.invite(person, chat, homeserver.bot, { is_direct: true });
  const told = (words: RegExp) =>
    until(String(words), () => homeserver.messages(chat).some(({ content }) => words.test(String(content.body))) || undefined);
  await told(/bridge/i);
  homeserver.say(person, chat, 'login token');
  await told(/token/i);
  homeserver.say(person, chat, slack.setup.authorize(app, ann.user).value);
  await told(/Ann Example/);
  homeserver.say(person, room, 'I am here');
  await ann.waitForMessage(general, ({ text, user }) => text === 'I am here' && user === ann.id);
  homeserver.presence(person, 'unavailable');
  await slack.waitForCall('users.setPresence', ({ args }) => args.presence === 'away');
});

test('unless the operator says so, nobody is', { timeout: 180_000 }, async (t) => {
  const { adapter } = await withAdapter(t);
  assert.equal(adapter.carriesPresence, false);
});
