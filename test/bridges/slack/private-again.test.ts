// A channel that goes to and fro between all and few, in a workspace that is kept in step with its private channels.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { bodiesIn } from './matrix-side.ts';
import { wholeBridge } from './whole-bridge.ts';

async function begin(t: TestContext) {
  const bridge = await wholeBridge(t, {
    core: { portals: { aliases: true } },
    section: () => ({ team_sync: { rooms_per_minute: 6_000, allow_private: true } }),
  });
  const { homeserver } = bridge;
  const find = (channel: string) =>
    [...homeserver.world.rooms.values()].find(
      (room) => room.id !== bridge.room && room.stateOf('m.bridge', `dev.causeway://slack/T0001/${channel}`) !== undefined,
    )?.id;
  return {
    ...{ ...bridge, eve: homeserver.user('eve', 'Eve') },
    state: (room: string, type: string) => homeserver.room(room).stateOf(type)?.content,
    roomOf: (channel: string) => until(`a room of ${channel}`, () => find(channel)),
    async shows(room: string, ...words: readonly string[]) {
      const last = words.at(-1) ?? '';
      await until(`“${last}”`, () => bodiesIn(bridge, room).includes(last));
      const ghosts = homeserver.messages(room).filter(({ sender }) => sender !== homeserver.bot);
      assert.deepEqual(
        ghosts.map(({ content }) => String(content.body)),
        words,
      );
    },
  };
}

test('private, public and private again: nothing of it is shown to others, however late it is looked at', {
  timeout: 180_000,
}, async (t) => {
  const scene = await begin(t);
  const { ann, bob, eve, homeserver, slack, state } = scene;
  const launch = ann.createChannel('launch');
  ann.invite(launch, bob);
  const room = await scene.roomOf(launch.id);
  ann.convert(launch, true);
  await until('the closed door', () => state(room, 'm.room.join_rules')?.join_rule === 'invite');
  await scene.restart();
  bob.say(launch, 'for few');
  await scene.shows(room, 'for few');
  ann.convert(launch, false);
  await until('the open door', () => state(room, 'm.room.join_rules')?.join_rule === 'public');
  homeserver.join(eve, room);
  bob.say(launch, 'for all');
  await scene.shows(room, 'for few', 'for all');
  await scene.restart(async () => {
    ann.convert(launch, true);
    bob.say(launch, 'for few again');
    for (const on of ['conversations.list', 'users.conversations']) slack.fault({ on, act: { wait: 2_000 } });
  });
  await scene.shows(room, 'for few', 'for all', 'for few again');
  assert.notEqual(homeserver.room(room).membership(eve), 'join');
});
