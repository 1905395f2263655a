// A bot that was put out of a channel and is brought in again goes on by itself, with what was said meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { type WholeBridge, wholeBridge } from './whole-bridge.ts';

const bodies = ({ homeserver }: WholeBridge, room: string): string[] =>
  homeserver.messages(room).map(({ content }) => String(content.body));
const shows = (bridge: WholeBridge, room: string, words: string) =>
  until(words, () => bodies(bridge, room).some((body) => body.includes(words)) || undefined);

async function putOut(bridge: WholeBridge, room: string, channel = bridge.general): Promise<void> {
  const { ann, bot } = bridge;
  ann.say(channel, 'before');
  await shows(bridge, room, 'before');
  ann.kick(channel, bot.user);
  await shows(bridge, room, 'no longer carried');
}

/** Once each, in order, and the bridge speaks there as well. */
async function goesOn(bridge: WholeBridge, room: string, by: string, channel = bridge.general): Promise<void> {
  const { ann, homeserver } = bridge;
  await shows(bridge, room, 'messages are carried');
  ann.say(channel, 'after');
  await shows(bridge, room, 'after');
  const said = bodies(bridge, room).filter((body) => ['before', 'meanwhile', 'after'].includes(body));
  assert.deepEqual(said, ['before', 'meanwhile', 'after']);
  homeserver.say(by, room, 'from here');
  await ann.waitForMessage(channel, 'from here');
}

/** Another channel of Slack, linked by a word to a room of its own. */
async function linked(bridge: WholeBridge) {
  const { ann, bot, homeserver, person, slack, team } = bridge;
  const channel = slack.addChannel(team, 'backroom', [ann], { id: 'C0BACK', isPrivate: true });
  ann.invite(channel, bot.user);
  const room = homeserver.createRoom({ creator: person });
  homeserver.setState(person, room, 'm.room.power_levels', '', { users: { [person]: 100, [homeserver.bot]: 100 } });
  homeserver.invite(person, room, homeserver.bot);
  const { bot: us } = homeserver;
  await until(
    'the bot',
    () => homeserver.events(room).some(({ state_key, content }) => state_key === us && content.membership === 'join') || undefined,
  );
  homeserver.say(person, room, '!slack link #backroom');
  await shows(bridge, room, 'is now linked');
  return { channel, room };
}

test('a link of the config goes on once the bot is invited again, with what was said meanwhile', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t);
  const { ann, bot, general, person, room } = bridge;
  await putOut(bridge, room);
  ann.say(general, 'meanwhile');
  ann.invite(general, bot.user);
  await goesOn(bridge, room, person);
});

test('so does one made by a word, also where the bot was invited while the bridge did not run', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t);
  const { ann, bot, homeserver, person } = bridge;
  const { channel, room } = await linked(bridge);
  await putOut(bridge, room, channel);
  // Who links it while it lets nobody in is told so, and it waits still.
  homeserver.say(person, room, '!slack link C0BACK');
  await shows(bridge, room, 'That was not done');
  await bridge.restart(async () => {
    ann.say(channel, 'meanwhile');
    ann.invite(channel, bot.user);
  });
  await goesOn(bridge, room, person, channel);
});

test('one that was taken away meanwhile does not, and begins anew when it is made again', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t);
  const { ann, bot, homeserver, person } = bridge;
  const { channel, room } = await linked(bridge);
  await putOut(bridge, room, channel);
  homeserver.say(person, room, '!slack unlink');
  await shows(bridge, room, 'is no longer linked');
  ann.say(channel, 'not for Matrix');
  ann.invite(channel, bot.user);
  homeserver.say(person, room, '!slack link #backroom');
  await until('the link', () => bodies(bridge, room).filter((body) => body.includes('is now linked')).length === 2 || undefined);
  ann.say(channel, 'after');
  await shows(bridge, room, 'after');
  assert.equal(
    bodies(bridge, room).some((body) => body.includes('not for Matrix') || body.includes('messages are carried')),
    false,
  );
});

test('so does the room that was made for a channel of a workspace kept in step', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t, {
    section: ({ slack, team, ann }) => {
      slack.addChannel(team, 'plans', [ann], { id: 'C0PLANS' });
      return { team_sync: { rooms_per_minute: 6_000 } };
    },
  });
  const { ann, bot, homeserver, person, slack } = bridge;
  const channel = slack.world.channels.get('C0PLANS') ?? assert.fail('no channel');
  const room = await until('its room', () => homeserver.world.aliases.get('#slack_t0001_c0plans:hs.test'));
  await until(
    'the link',
    () => channel.members.has(bot.user.id) && homeserver.room(room).stateOf('m.bridge', 'dev.causeway://slack/T0001/C0PLANS'),
  );
  homeserver.join(person, room);
  await putOut(bridge, room, channel);
  ann.say(channel, 'meanwhile');
  ann.invite(channel, bot.user);
  await goesOn(bridge, room, person, channel);
});
