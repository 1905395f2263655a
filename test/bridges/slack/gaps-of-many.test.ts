// Many channels after a start, more than may be read of at once: nobody waits for what is quiet, and who speaks is read first.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

const count = 30;

test('of more channels than the budget has calls none is told to have a gap, and what is said in the last of them is not late', {
  timeout: 180_000,
}, async (t) => {
  const rooms = new Map<string, string>();
  const bridge = await wholeBridge(t, {
    slack: { limits: true },
    section: ({ slack, team, ann, bot, general, room }) => {
      for (let number = 0; number < count; number += 1) slack.addChannel(team, `room-${number}`, [ann, bot.user], { id: `C1R${number}` });
      return {
        links: [{ team: 'T0001', channel: general.id, room }],
        team_sync: { rooms_per_minute: 6_000 },
        // Twelve at once, then one in five seconds: the last would be read after a minute and a half.
        history: { calls_per_minute: 12 },
      };
    },
  });
  const { ann, app, homeserver, slack } = bridge;
  const aliasOf = (id: string) => `#slack_t0001_${id.toLowerCase()}:hs.test`;
  await until('every room', () => homeserver.world.aliases.size === count || undefined);
  for (let number = 0; number < count; number += 1) rooms.set(`C1R${number}`, homeserver.world.aliases.get(aliasOf(`C1R${number}`)) ?? '');
  const said = (id: string) => homeserver.messages(rooms.get(id) ?? '').map(({ content }) => String(content.body));
  ann.say(`C1R${count - 1}`, 'before');
  await until('the first word', () => said(`C1R${count - 1}`).includes('before') || undefined);
  // What nobody hears hurries nothing, and this Slack soon gives it up.
  const isHeard = () => slack.socketMode.connections(app) > 0;
  await bridge.restart(async () => {
    await until('the connection of before to end', () => !isHeard() || undefined);
    ann.say(`C1R${count - 1}`, 'meanwhile');
  });
  await until('Slack to be heard', () => isHeard() || undefined);
  ann.say(`C1R${count - 1}`, 'now');
  const last = await until('both words', () => (said(`C1R${count - 1}`).includes('now') ? said(`C1R${count - 1}`) : undefined));
  assert.deepEqual(last, ['before', 'meanwhile', 'now']);
  const told = [...rooms.keys()].flatMap(said).filter((line) => line.includes('may be missing'));
  assert.deepEqual(told, []);
});
