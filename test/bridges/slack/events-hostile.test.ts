// Whatever an event holds (fields missing, of the wrong type, long, deep), reading it neither throws nor makes what cannot be journaled.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { channelId } from '#bridge-core';
import { peopleIn, remoteEventOf, type View } from '../../../bridges/slack/events.ts';
import type { Fields } from '../../../bridges/slack/fields.ts';
import { slackFormatter } from '../../../bridges/slack/formatter.ts';
import { makeUserId } from '../../../bridges/slack/ids.ts';
import { channelIn } from '../../../bridges/slack/intake.ts';
import { dedupeKeyOf } from '../../../bridges/slack/wire/dedupe.ts';
import { commandOf, eventOf, interactionOf } from '../../../bridges/slack/wire/envelope.ts';

const words = (text: string) => text.split(' ');
const types = words(
  'message message message message reaction_added reaction_removed member_joined_channel channel_rename channel_archive pin_added user_typing',
);
const subtypes = words(
  'message_changed message_deleted bot_message me_message thread_broadcast tombstone channel_topic channel_name huddle_thread file_share ' +
    'message_replied group_join ekm_access_denied',
);
const names = words(
  'channel channel_id user ts event_ts thread_ts text blocks attachments files item reaction message previous_message deleted_ts edited bot_id ' +
    'username icons name topic purpose inviter hidden metadata actor_id team room id type elements url users subtype style fields',
);

const leaf = fc.oneof(
  fc.constantFrom(null, '', 'C0001', 'U0001', '1700000000.000100', 0, -1, 1e308, true, 'x'.repeat(40_000), '<@U1|', '\ud800', ...subtypes),
  fc.string(),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 6 }),
  ),
}));
const event = fc
  .tuple(
    fc.constantFrom(...types),
    fc.option(fc.constantFrom(...subtypes)),
    fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 20 }),
  )
  .map(([type, subtype, rest]) => ({ ...rest, type, ...(subtype !== null && { subtype }) }) as Fields & { type: string });

const view: View = {
  channel: channelId('T1/C1'),
  person: (id) => ({ id: makeUserId('T1', id), name: id, fields: {} }),
  emoji: (name) => ({ emoji: name }),
  ...{ receivedAt: 1, key: 'k', isRtm: false },
};
const nobody = { user: () => undefined, channel: () => undefined, usergroup: () => undefined, emoji: () => undefined };
const formatter = slackFormatter(nobody as never);
const from = { source: 'socket', via: 'app' } as const;

test('an event of whatever shape is read, or left', () => {
  fc.assert(
    fc.property(event, (given) => {
      dedupeKeyOf({ event: given, team: 'T1' });
      peopleIn(given);
      channelIn(given);
      const read = remoteEventOf(given, view);
      assert.ok(read === undefined || Number.isFinite(read.at));
      if (read?.kind === 'message' || read?.kind === 'edit') formatter.parse(read.body, view.channel);
      JSON.stringify(read);
    }),
    { numRuns: 2_000 },
  );
});

test('so is what surrounds it, a command and a pressed button', () => {
  fc.assert(
    fc.property(value, event, (given, inner) => {
      eventOf(given, from);
      eventOf({ event: inner, team_id: given, authorizations: given }, from);
      commandOf(given, from);
      interactionOf({ ...inner, user: given, team: given, actions: given }, from);
    }),
    { numRuns: 1_000 },
  );
});

test('what nests too deep to be written down is left out, and the rest is said', () => {
  const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`) as unknown;
  const said = { type: 'message', channel: 'C1', user: 'U1', text: 'hi', ts: '1700000000.000100' };
  const read = remoteEventOf({ ...said, blocks: [{ type: 'divider' }, { type: 'rich_text', elements: deep }], attachments: [deep] }, view);
  assert.ok(read?.kind === 'message');
  assert.deepEqual(JSON.parse(JSON.stringify(read.body)), { text: 'hi', blocks: [{ type: 'divider' }] });
});

test('a text nested beyond measure ends', () => {
  let deep: unknown = { type: 'text', text: 'x' };
  for (let level = 0; level < 20_000; level += 1) deep = { type: 'rich_text_section', elements: [deep] };
  const body = { text: '>'.repeat(40_000), blocks: [{ type: 'rich_text', elements: [deep] }] } as never;
  formatter.parse(body, view.channel);
});
