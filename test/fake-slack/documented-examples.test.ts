// The fake held against examples from Slack's own pages: each field of an example must come, with a value of the same kind. What the
// types prove at check time is not asked again here; these are the fields that Slack shows to be always there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { To } from '../support/fake-slack/call.ts';
import { events as documentedEvents } from '../support/fake-slack/documented.ts';
import type { InnerEvent } from '../support/fake-slack/inner-events.ts';
import { squarePng } from '../support/fake-slack.ts';
import { acme } from './acme.ts';
import { exampleEvents } from './example-events.ts';
import { exampleReplies } from './example-replies.ts';

/** Where `made` lacks what the example has, or has it as another kind. */
function lacks(example: unknown, made: unknown, path: string): string[] {
  if (Array.isArray(example)) {
    if (!Array.isArray(made)) return [`${path} is no list`];
    return example.length === 0 ? [] : lacks(example[0], made[0], `${path}[0]`);
  }
  if (typeof example === 'object' && example !== null) {
    if (typeof made !== 'object' || made === null) return [`${path} is missing`];
    return Object.entries(example).flatMap(([name, value]) => lacks(value, (made as Record<string, unknown>)[name], `${path}.${name}`));
  }
  // Slack writes null where there is nothing to say.
  return typeof example === typeof made || (example === null && made === undefined)
    ? []
    : [`${path} is ${typeof made}, not ${typeof example}`];
}

// Checked by tsc: replies and events are literals of Slack's own types, so neither a field too many nor a wrong kind passes.
// @ts-expect-error No reply of auth.test ever had this.
export const oneTooMany: To<'auth.test'> = { team_id: 'T1', teem: 'x' };
// @ts-expect-error The event's moment is text.
export const wrongKind: InnerEvent = { type: 'channel_rename', channel: { id: 'C1', name: 'x' }, event_ts: 1 };

test('events have the fields of their documented examples', async (t) => {
  const { slack, team, ann, bob, bot, general, web } = await acme(t, { app: { socketMode: true, userEvents: [] }, retryPauses: [] });
  const ts = ann.say(general, 'Hello, world');
  ann.edit(general, ts, 'Hello, world!');
  bob.react(general, ts, 'thumbsup');
  bob.unreact(general, ts, 'thumbsup');
  ann.pin(general, ts);
  ann.unpin(general, ts);
  bob.reply(general, ts, 'to all', true);
  bob.leave(general);
  ann.invite(general, bob);
  ann.setTopic(general, 'topic');
  ann.rename(general, 'fun');
  ann.delete(general, ann.say(general, 'gone'));
  ann.me(general, 'is dancing');
  ann.upload(general, { name: 'a.png', bytes: squarePng('a') });
  await web.chat.postMessage({ channel: general.id, text: 'Pushing is the answer', username: 'github' });
  slack.people.addEmoji(team, 'picard_facepalm', 'http://x.test/p.png');
  slack.people.removeEmoji(team, 'picard_facepalm');
  ann.change({ title: 'captain' });
  slack.people.makeUsergroup(team, ann.id, 'marketing-team', 'Marketing Team', [ann.id]);
  slack.people.moveTeam(team, 'my');
  slack.people.renameTeam(team, 'New Team Name');
  ann.createChannel('new');
  ann.archive(general);
  slack.revoke(slack.setup.authorize(slack.setup.app(), ann.user));
  const told = new Map(slack.deliveries.items.map(({ what, payload }) => [what, payload.event]));
  const faults = Object.entries(exampleEvents).flatMap(([what, example]) => lacks(example, told.get(what), what));
  assert.deepEqual(faults, []);
  for (const what of told.keys()) {
    const [type = ''] = what.split('/');
    assert.ok(type === 'message' || documentedEvents.has(type), `${type} is not documented`);
  }
  assert.ok(bot.botId);
});

test('replies have the fields of their documented examples', async (t) => {
  const { slack, ann, bob, general, web, bot, team } = await acme(t);
  const timestamp = ann.say(general, 'island');
  bob.reply(general, timestamp, 'one island');
  const { ts = '' } = await web.chat.postMessage({ channel: general.id, text: 'x' });
  const { file } = ann.upload(general, { name: 'tedair.gif', bytes: Buffer.from('GIF89a\u00b0\u0000\u00e2\u0000', 'latin1') });
  slack.people.makeUsergroup(team, ann.id, 'admins', 'Team Admins', [ann.id]);
  ann.pin(general, timestamp);
  const made: Record<string, unknown> = {
    'auth.test': await web.auth.test(),
    'conversations.history': await web.conversations.history({ channel: general.id, limit: 2 }),
    'bots.info': await web.bots.info({ bot: bot.botId }),
    'chat.postMessage': await web.chat.postMessage({
      channel: general.id,
      text: 'x',
      username: 'ecto1',
      attachments: [{ text: 'This is an attachment', id: '1', fallback: 'x' } as never],
    }),
    'chat.update': await web.chat.update({ channel: general.id, ts, text: 'Updated text you carefully authored' }),
    'conversations.info': await web.conversations.info({ channel: general.id, include_locale: true }),
    'conversations.join': await web.conversations.join({ channel: general.id }),
    'conversations.open': await web.conversations.open({ users: ann.id }),
    'conversations.replies': await web.conversations.replies({ channel: general.id, ts: timestamp }),
    'chat.delete': await web.chat.delete({ channel: general.id, ts }),
    'files.info': await web.files.info({ file }),
    'pins.list': await web.pins.list({ channel: general.id }),
    'team.info': await web.team.info(),
    'usergroups.list': await web.usergroups.list(),
    'users.info': await web.users.info({ user: ann.id }),
  };
  const faults = Object.entries(exampleReplies).flatMap(([method, example]) => lacks(example, made[method], method));
  assert.deepEqual(faults, []);
});
