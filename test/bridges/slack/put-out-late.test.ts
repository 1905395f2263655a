// Slack tells of the bot's going and coming in several words, each by a request of its own: in whatever order they come, the room is
// linked where the bot is in the channel, and nothing that was said there is missing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { bodiesIn } from './matrix-side.ts';
import { tellsLate } from './told-late.ts';
import { type WholeBridge, wholeBridge } from './whole-bridge.ts';

const inTime = { timeout: 180_000 };

const shows = (bridge: WholeBridge, words: RegExp) =>
  until(String(words), () => bodiesIn(bridge, bridge.room).find((body) => words.test(body)));
/** From here on: before that, the bot comes back into a public channel by itself. */
async function isHeard(bridge: WholeBridge): Promise<void> {
  bridge.ann.say(bridge.general, 'before');
  await shows(bridge, /before/);
}
const moment = () => (Date.now() / 1_000).toFixed(6);

test(
  'put out and in again: a word of its going that comes afterwards ends nothing, be it that it does not say when it was',
  inTime,
  async (t) => {
    const bridge = await wholeBridge(t, { transport: 'events' });
    const { ann, bot, general } = bridge;
    const late = tellsLate(bridge);
    await isHeard(bridge);
    const went = moment();
    ann.kick(general, bot.user);
    await shows(bridge, /was removed from the channel/);
    ann.invite(general, bot.user);
    await shows(bridge, /messages are carried/);
    const left = { type: 'member_left_channel', channel: general.id, user: bot.user.id, channel_type: 'C', team: 'T0001' };
    for (const event of [left, { ...left, event_ts: went }]) await late(event);
    ann.say(general, 'afterwards');
    await shows(bridge, /afterwards/);
    assert.equal(bodiesIn(bridge, bridge.room).filter((body) => /was removed/.test(body)).length, 1);
  },
);

test('its going is told after its coming: what was said between is shown', inTime, async (t) => {
  const bridge = await wholeBridge(t, { transport: 'events' });
  const { ann, bot, general, slack } = bridge;
  const late = tellsLate(bridge);
  await isHeard(bridge);
  slack.eventFault({ on: /left/, transport: 'events', act: 'drop' });
  const went = moment();
  ann.kick(general, bot.user);
  ann.say(general, 'between');
  ann.invite(general, bot.user);
  ann.say(general, 'after');
  await shows(bridge, /after/);
  await late({ type: 'member_left_channel', channel: general.id, user: bot.user.id, channel_type: 'C', team: 'T0001', event_ts: went });
  await shows(bridge, /between/);
  const said = bodiesIn(bridge, bridge.room);
  assert.deepEqual([said.filter((body) => body === 'after').length, said.some((body) => /was removed/.test(body))], [1, false]);
});

test('a word of its coming that is told once it is out again lets nothing go on', inTime, async (t) => {
  const bridge = await wholeBridge(t, { transport: 'events' });
  const { ann, bot, general, slack } = bridge;
  const late = tellsLate(bridge);
  await isHeard(bridge);
  ann.kick(general, bot.user);
  await shows(bridge, /was removed from the channel/);
  const asked = () => slack.callsOf('conversations.info').filter(({ answer }) => answer !== undefined).length;
  // When the second is asked about, the first is done with.
  for (let told = 0; told < 2; told += 1) {
    const before = asked();
    await late({ type: 'member_joined_channel', channel: general.id, user: bot.user.id, channel_type: 'C', team: 'T0001' });
    await until('the question', () => asked() > before);
  }
  assert.ok(!bodiesIn(bridge, bridge.room).some((body) => /messages are carried/.test(body)));
  ann.invite(general, bot.user);
  await shows(bridge, /messages are carried/);
});

test('put out before anything tells that, a look at its private channel finds it: the room is told why, and goes on', inTime, async (t) => {
  const bridge = await wholeBridge(t, {
    transport: 'events',
    core: { portals: { aliases: true } },
    section: ({ slack, team, ann, bot }) => {
      slack.addChannel(team, 'secret', [ann, bot.user], { id: 'C0SECRET', isPrivate: true });
      return { team_sync: { rooms_per_minute: 6_000, allow_private: true } };
    },
  });
  const { ann, bot, homeserver, slack } = bridge;
  const room = await until('the room', () =>
    [...homeserver.world.rooms.keys()].find((id) => homeserver.room(id).stateOf('m.bridge', 'dev.causeway://slack/T0001/C0SECRET')),
  );
  const shown = (words: RegExp) => until(String(words), () => bodiesIn(bridge, room).find((body) => words.test(body)));
  ann.say('C0SECRET', 'before');
  await shown(/before/);
  slack.eventFault({ on: /left/, transport: 'events', act: 'drop' });
  ann.kick('C0SECRET', bot.user);
  await tellsLate(bridge)({ type: 'group_rename', channel: { id: 'C0SECRET', name: 'secret' }, event_ts: moment() });
  await shown(/was removed from the channel/);
  ann.say('C0SECRET', 'between');
  ann.invite('C0SECRET', bot.user);
  await shown(/between/);
  assert.ok(!bodiesIn(bridge, room).some((body) => /not to have a room/.test(body)));
});
