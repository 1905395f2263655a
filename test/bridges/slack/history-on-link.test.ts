// What a new link brings along of what was said before it (`history.on_link`).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

type Bridge = Awaited<ReturnType<typeof wholeBridge>>;

const bodies = ({ homeserver }: Bridge, room: string) =>
  homeserver
    .messages(room)
    .filter(({ sender }) => sender.startsWith('@slack_'))
    .map(({ content }) => String(content.body));

test('a new link brings the last words along, with those of threads and the reactions that are on them, once and before what is said next', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t, {
    // What was said before is told by no event that Slack tries again.
    slack: { retryPauses: [] },
    core: { history: { on_link: 6 } },
    section: ({ slack, team, ann, bob, bot, general, room }) => {
      slack.addChannel(team, 'plans', [ann, bob, bot.user], { id: 'C0PLANS' });
      for (const number of [1, 2, 3, 4, 5, 6, 7, 8]) ann.say(general, `word ${number}`);
      const root = bob.say(general, 'shall we?');
      ann.reply(general, root, 'we shall');
      const edited = bob.say(general, 'not yet');
      bob.edit(general, edited, 'now');
      bob.react(general, root, 'tada');
      ann.react(general, root, 'tada');
      return {
        links: [{ team: 'T0001', channel: general.id, room }],
        // As for an app that may ask for little.
        history: { page: 15, calls_per_minute: 5 },
      };
    },
  });
  const { ann, general, homeserver, person, room } = bridge;
  const wanted = ['word 6', 'word 7', 'word 8', 'shall we?', 'we shall', 'now'];
  await until('the last of it', () => bodies(bridge, room).includes('now') || undefined);
  ann.say(general, 'and live');
  await until('the live word', () => bodies(bridge, room).includes('and live') || undefined);
  assert.deepEqual(bodies(bridge, room), [...wanted, 'and live']);
  const [root, reply] = ['shall we?', 'we shall'].map((body) => homeserver.messages(room).find(({ content }) => content.body === body));
  const relates = reply?.content['m.relates_to'] as { rel_type?: string; event_id?: string } | undefined;
  assert.deepEqual([relates?.rel_type, relates?.event_id], ['m.thread', root?.event_id]);
  const signs = homeserver.events(room).flatMap(({ type, sender, content }) => {
    const to = content['m.relates_to'] as { event_id?: string; key?: string } | undefined;
    return type === 'm.reaction' ? [`${sender} ${to?.key} ${to?.event_id === root?.event_id}`] : [];
  });
  assert.deepEqual(signs, ['@slack_t0001_u0bob:hs.test 🎉 true', '@slack_t0001_u0ann:hs.test 🎉 true']);

  ann.say('C0PLANS', 'said before the link');
  const other = homeserver.createRoom({ creator: person, levels: { users: { [homeserver.bot]: 50 } } });
  homeserver.invite(person, other, homeserver.bot);
  await until('the bot', () => homeserver.room(other).membership(homeserver.bot) === 'join' || undefined);
  homeserver.say(person, other, '!slack link #plans');
  await until('the word', () => bodies(bridge, other).length > 0 || undefined);
  assert.deepEqual(bodies(bridge, other), ['said before the link']);
  await bridge.restart();
  ann.say('C0PLANS', 'after a restart');
  await until('the word', () => bodies(bridge, other).includes('after a restart') || undefined);
  assert.deepEqual(bodies(bridge, other), ['said before the link', 'after a restart']);
  assert.deepEqual(bodies(bridge, room), [...wanted, 'and live']);
});

test('of a busy channel no more is read than is wanted', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t, {
    // What was said before is told by no event that Slack tries again.
    slack: { retryPauses: [] },
    core: { history: { on_link: 3 } },
    section: ({ ann, general, room }) => {
      for (let number = 0; number < 60; number += 1) ann.say(general, `word ${number}`);
      return { links: [{ team: 'T0001', channel: general.id, room }], history: { page: 15, calls_per_minute: 5 } };
    },
  });
  await until('the last of it', () => bodies(bridge, bridge.room).includes('word 59') || undefined);
  assert.deepEqual(bodies(bridge, bridge.room), ['word 57', 'word 58', 'word 59']);
  // The newest page may be read once more, for what was said while the connection was made.
  const further = bridge.slack.callsOf('conversations.history').filter(({ args }) => args.cursor !== undefined);
  assert.deepEqual(further, []);
});
