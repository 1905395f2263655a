// A channel archived and opened again from Matrix: by one's own login, by the bot where it may, and not by who does not rule the room.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { botScopes } from '../../support/fake-slack.ts';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

test('who rules a room archives its channel and opens it again; nobody else does, nor a bot that may not', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t);
  const { ann, general, homeserver, person, room, slack } = bridge;
  const said = () => homeserver.messages(room).map(({ content }) => String(content.body));
  const eve = homeserver.user('eve', 'Eve');
  homeserver.invite(person, room, eve);
  homeserver.join(eve, room);
  const ask = async (by: string, words: string, wanted: RegExp) => {
    const before = said().length;
    homeserver.say(by, room, words);
    await until(
      `${wanted} after ${said().slice(before)}`,
      () =>
        said()
          .slice(before)
          .some((line) => wanted.test(line)) || undefined,
    );
  };
  await ask(eve, '!slack archive', /power/);
  assert.equal(general.isArchived, false);
  await ask(person, '!slack archive', /is archived in Slack/);
  assert.equal(general.isArchived, true);
  await until('the room to be told', () => said().some((line) => line.includes('archived the channel')) || undefined);
  assert.equal(said().filter((line) => line.includes('archived the channel')).length, 1);
  homeserver.say(person, room, 'into the void');
  await until('it to be refused', () => homeserver.events(room).some(({ type }) => type === 'com.beeper.message_send_status') || undefined);
  await ask(person, '!slack unarchive', /open again in Slack/);
  assert.equal(general.isArchived, false);
  homeserver.say(person, room, 'and back');
  await ann.waitForMessage(general, 'and back');
  assert.deepEqual(slack.undocumented, []);

  const narrow = await wholeBridge(t, { scopes: botScopes.filter((scope) => scope !== 'channels:manage') });
  narrow.homeserver.say(narrow.person, narrow.room, '!slack archive');
  const lines = () => narrow.homeserver.messages(narrow.room).map(({ content }) => String(content.body));
  await until(`the refusal in ${lines()}`, () => lines().some((line) => line.includes('channels:manage')) || undefined);
  assert.equal(narrow.general.isArchived, false);
});
