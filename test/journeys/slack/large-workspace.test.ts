// A workspace of eight thousand is linked within the calls that Slack allows, and messages cross meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSlackStage } from './stage.ts';

test('eight thousand people: linked and speaking at once, no limit of Slack is passed', async () => {
  const crowd = 8_000;
  const stage = await openSlackStage({
    transport: 'socket',
    prepare: async ({ slack, team, places }) => {
      const people = slack.addPeople(team, crowd);
      for (const { id } of people) places.general?.channel.members.add(id);
    },
  });
  const { alice, ann, slack } = stage;
  const { room, channel } = stage.places.general ?? assert.fail();
  const began = slack.calls.items.length;
  ann.say(channel, 'hello all');
  await alice.waitForText(room, 'hello all');
  await alice.say(room, 'hello yourself');
  await ann.waitForMessage(channel, 'hello yourself');
  assert.deepEqual(slack.limits.exceeded, []);
  const calls = slack.calls.items.map(({ method }) => method);
  assert.ok(calls.length < 60, `${calls.length} calls, ${began} of them before the first words`);
  assert.ok(!calls.includes('users.list'), 'nobody reads the whole list for that');
  await stage.stop();
});
