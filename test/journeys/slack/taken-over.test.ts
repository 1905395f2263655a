// On a real homeserver: the store of matrix-appservice-slack taken over by the command, with ghosts whose ids no bridge of ours would
// make, and what was said before pointed at from both sides.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { oldNedb } from '../../bridges/slack/takeover/old-bridge.ts';
import { until } from '../../support/waiting.ts';
import { openSlackStage, type SlackStage } from './stage.ts';

/** What the old bridge did as one of its ghosts. */
function oldGhost({ synapse, bridge }: SlackStage, localpart: string) {
  const { as_token: token } = load(readFileSync(join(bridge.folder, bridge.configOf('slack').appservice.registration), 'utf8')) as {
    as_token: string;
  };
  const id = `@${localpart}:${synapse.domain}`;
  let sent = 0;
  const call = async (method: string, path: string, body: object): Promise<Record<string, string>> => {
    const who = path === 'register' ? '' : `?user_id=${encodeURIComponent(id)}`;
    const answer = await fetch(`${synapse.url}/_matrix/client/v3/${path}${who}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const told = (await answer.json()) as Record<string, string>;
    assert.ok(answer.ok, `${path}: ${JSON.stringify(told)}`);
    return told;
  };
  return {
    id,
    register: () => call('POST', 'register', { type: 'm.login.application_service', username: localpart, inhibit_login: true }),
    join: (room: string) => call('POST', `rooms/${encodeURIComponent(room)}/join`, {}),
    say: async (room: string, body: string): Promise<string> => {
      sent += 1;
      const path = `rooms/${encodeURIComponent(room)}/send/m.room.message/old${sent}`;
      return (await call('PUT', path, { msgtype: 'm.text', body })).event_id ?? '';
    },
  };
}

test('a room of the older bridge goes on: its people under their old ids, its messages within reach of both sides', async () => {
  let past = { room: '', channel: '', ghost: '', event: '', ts: '' };
  const stage = await openSlackStage({
    channels: [],
    prepare: async (before) => {
      const { slack, team, ann, bob, alice, botId, bridge } = before;
      const general = slack.addChannel(team, 'general', [ann, bob], { id: 'C0GENERAL' });
      const ghost = oldGhost(before, 'slack_acme_U0ANN');
      const left = oldGhost(before, 'slack_acmeold_U0ANN');
      const room = await alice.createRoom({ invite: [botId, ghost.id, left.id], powerLevels: { users: { [botId]: 50 } } });
      for (const each of [ghost, left]) {
        await each.register();
        await each.join(room);
      }
      const ts = ann.say(general, 'said long ago');
      const event = await ghost.say(room, 'said long ago');
      past = { room, channel: general.id, ghost: ghost.id, event, ts };
      const person = { team: 'T0001', slackId: 'U0ANN' };
      const from = await oldNedb(before.folder, {
        teams: [{ id: 'T0001', name: 'Acme', domain: 'acme', token: 'xoxb-1', botId: 'B1', user: 'U0BOT' }],
        rooms: [{ room, inbound: 'one', remote: { id: general.id, name: '#general', slack_team_id: 'T0001', slack_type: 'channel' } }],
        ghosts: [
          { ...person, id: ghost.id, name: 'Ann Example' },
          { ...person, id: left.id, name: 'Ann of old' },
        ],
        events: [{ room, event, channel: general.id, ts }],
      });
      const { code, output } = await bridge.command('import', bridge.fileOf('slack'), from);
      assert.equal(code, 0, output);
    },
  });
  const { alice, ann, bob, bridge } = stage;
  const { room, channel, ghost, event, ts } = past;
  await until('the link', async () => (await bridge.links('slack')).some(({ state }) => state === 'live') || undefined);
  ann.say(channel, 'and now');
  assert.equal((await alice.waitForText(room, 'and now')).sender, ghost);
  ann.edit(channel, ts, 'said long ago, and mended');
  const edit = await alice.waitFor(({ content }) => content['m.new_content']?.body === 'said long ago, and mended');
  assert.deepEqual([edit.sender, edit.content['m.relates_to'].event_id], [ghost, event]);
  await alice.reply(room, event, 'an answer');
  await bob.waitForMessage(channel, ({ text, thread_ts }) => text?.includes('an answer') === true && thread_ts === ts);
  await alice.react(room, event, '👍');
  await until(
    'the thumb in Slack',
    () => ann.sees(channel).some((message) => message.ts === ts && message.reactions?.length === 1) || undefined,
  );
  ann.delete(channel, ts);
  const gone = await alice.waitFor(({ type, redacts, content }) => type === 'm.room.redaction' && (redacts ?? content.redacts) === event);
  assert.equal(gone.sender, ghost, 'by who wrote it');
  const members = await until('the ghost of nobody to leave', async () => {
    const found = await alice.members(room);
    return found.has(`@slack_acmeold_U0ANN:${stage.synapse.domain}`) ? undefined : found;
  });
  assert.ok(![...members.keys()].some((user) => /t0001/.test(user)), 'nobody has a second ghost');
});
