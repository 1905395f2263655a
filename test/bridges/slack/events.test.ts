// What an event of Slack's means, by itself: which change is an edit, whose words they are, what is told elsewhere.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelId } from '#bridge-core';
import { peopleIn, remoteEventOf, type SlackRemoteEvent, type View } from '../../../bridges/slack/events.ts';
import type { Fields } from '../../../bridges/slack/fields.ts';
import { makeUserId } from '../../../bridges/slack/ids.ts';

const view: View = {
  channel: channelId('T1/C1'),
  person: (id) => ({ id: makeUserId('T1', id), name: `name of ${id}`, fields: { team: 't1', user: id.toLowerCase() } }),
  emoji: (name) => ({ emoji: `:${name}:` }),
  receivedAt: 1_800_000_000_000,
  key: 'the key',
  isRtm: false,
};

const read = (event: Fields, more: Partial<View> = {}): SlackRemoteEvent | undefined => remoteEventOf(event, { ...view, ...more });
const said = { type: 'message', channel: 'C1', user: 'U1', text: 'hi', ts: '1700000000.000100', event_ts: '1700000000.000100' };
const changed = (message: Fields, previous_message: Fields = said) => ({
  ...{ type: 'message', subtype: 'message_changed', hidden: true, channel: 'C1', ts: '1700000009.000100', event_ts: '1700000009.000100' },
  ...{ message, previous_message },
});

test('a plain message: its ts is its id, its time is when it was said', () => {
  assert.deepEqual(read(said), {
    ...{ kind: 'message', at: 1_700_000_000_000, channel: 'T1/C1', id: '1700000000.000100', style: 'text', body: { text: 'hi' } },
    sender: view.person('U1'),
  });
});

test('an edit bears a new moment; a preview, a reply and the like are none, even after an edit', () => {
  const edited = { ...said, text: 'ho', edited: { user: 'U1', ts: '1700000008.000000' } };
  const edit = read(changed(edited));
  assert.equal(edit?.kind, 'edit');
  assert.deepEqual(edit?.kind === 'edit' && [edit.target, edit.body.text, edit.id], ['1700000000.000100', 'ho', 'the key']);
  assert.equal(read(changed({ ...said, attachments: [{ from_url: 'https://a.test' }] })), undefined);
  assert.equal(read(changed({ ...edited, attachments: [{ from_url: 'https://a.test' }] }, edited)), undefined);
  assert.equal(read({ ...changed(said), subtype: 'message_replied' }), undefined);
});

test('a deleted message, and the first of a thread that leaves a stone, are redactions of whoever wrote them', () => {
  const deleted = {
    type: 'message',
    subtype: 'message_deleted',
    channel: 'C1',
    deleted_ts: said.ts,
    previous_message: said,
    event_ts: '1700000009.000100',
  };
  for (const event of [deleted, changed({ subtype: 'tombstone', user: 'USLACKBOT', ts: said.ts, text: 'This message was deleted.' })]) {
    const redaction = read(event);
    assert.deepEqual(redaction?.kind === 'redaction' && [redaction.target, redaction.sender?.id], [said.ts, 'T1/U1']);
  }
});

test('a file that is taken from a message is an edit that names the rest', () => {
  const file = (id: string, mode = 'hosted') => ({ id, mode, name: `${id}.txt`, url_private: `https://files.slack.com/${id}` });
  const edit = read(changed({ ...said, files: [file('F1'), file('F2', 'tombstone')] }, { ...said, files: [file('F1'), file('F2')] }));
  assert.deepEqual(edit?.kind === 'edit' && edit.files?.map(({ name, source }) => [name, source]), [
    ['F1.txt', 'T1 F1 https://files.slack.com/F1'],
  ]);
});

test('threads: a reply is in one, its first message is not, a broadcast is seen outside too', () => {
  const thread_ts = '1700000000.000000';
  const reply = read({ ...said, thread_ts });
  assert.deepEqual(reply?.kind === 'message' && [reply.thread, reply.isBroadcast], [thread_ts, undefined]);
  const first = read({ ...said, thread_ts: said.ts });
  assert.equal(first?.kind === 'message' && first.thread, undefined);
  const broadcast = read({ ...said, subtype: 'thread_broadcast', thread_ts });
  assert.deepEqual(broadcast?.kind === 'message' && [broadcast.thread, broadcast.isBroadcast], [thread_ts, true]);
});

test('an app’s post bears the name and picture that it chose, or the app’s own', () => {
  const post = { type: 'message', subtype: 'bot_message', channel: 'C1', bot_id: 'B1', text: 'built', ts: said.ts };
  const own = read(post);
  assert.deepEqual(own?.kind === 'message' && [own.sender.id, own.shownAs], ['T1/B1', undefined]);
  const dressed = read({ ...post, username: 'CI', icons: { image_48: 'https://a.test/48.png' } });
  assert.deepEqual(dressed?.kind === 'message' && dressed.shownAs, { name: 'CI', avatar: 'https://a.test/48.png' });
  const both = read({ ...said, bot_id: 'B1' });
  assert.equal(both?.kind === 'message' && both.sender.id, 'T1/U1');
});

test('what is told by an event of its own is not told by the message beside it', () => {
  for (const subtype of ['channel_join', 'channel_leave', 'channel_archive', 'pinned_item', 'bot_add', 'group_join'])
    assert.equal(read({ ...said, subtype }), undefined, subtype);
  assert.equal(read({ ...said, subtype: 'group_join' }, { isRtm: true })?.kind, 'membership');
});

test('topic, purpose, name, archive, pins, reactions, members', () => {
  const kinds = [
    read({ ...said, subtype: 'channel_topic', topic: 'news' }),
    read({ ...said, subtype: 'group_purpose', purpose: 'talk' }),
    read({ type: 'channel_rename', channel: { id: 'C1', name: 'other' }, event_ts: said.ts }),
    read({ type: 'group_archive', channel: 'C1', user: 'U2', event_ts: said.ts }),
    read({ type: 'pin_added', user: 'U2', channel_id: 'C1', item: { message: { ts: said.ts } }, event_ts: said.ts }),
    read({
      type: 'reaction_removed',
      user: 'U2',
      reaction: 'wave::skin-tone-2',
      item: { type: 'message', channel: 'C1', ts: said.ts },
      event_ts: said.ts,
    }),
    read({ type: 'member_joined_channel', user: 'U2', channel: 'C1', inviter: 'U1', event_ts: said.ts }),
  ].map((event) => JSON.parse(JSON.stringify(event)) as Record<string, unknown>);
  assert.deepEqual(
    kinds.map(({ kind, topic, name, archived, target, on, emoji, change }) => [
      kind,
      topic ?? name ?? archived ?? target ?? change,
      on ?? emoji,
    ]),
    [
      ['channel', 'news', undefined],
      ['channel', 'talk', undefined],
      ['channel', '#other', undefined],
      ['channel', true, undefined],
      ['pin', said.ts, true],
      ['reaction', said.ts, false],
      ['membership', 'join', undefined],
    ],
  );
});

test('all whom an event names are known before it is read', () => {
  assert.deepEqual(peopleIn({ ...said, inviter: 'U3' }).toSorted(), ['U1', 'U3']);
  assert.deepEqual(peopleIn(changed({ ...said, user: 'U2' })).toSorted(), ['U1', 'U2']);
  assert.deepEqual(peopleIn({ type: 'message', subtype: 'bot_message', bot_id: 'B1' }), ['B1']);
});

test('whatever comes instead of an event is no event, and no fault', () => {
  for (const event of [
    {},
    { type: 'message' },
    { type: 'message', subtype: 'message_changed' },
    { type: 'message', user: {}, ts: 7 },
    { type: 'reaction_added' },
    { type: 'pin_added', item: 'x' },
  ])
    assert.equal(read(event as Fields), undefined);
});

test('what is hidden is no message; a huddle is told of, though Slack writes nothing into it', () => {
  assert.equal(read({ ...said, hidden: true }), undefined);
  assert.equal(read({ ...said, subtype: 'assistant_app_thread', hidden: true }), undefined);
  const huddle = { ...said, subtype: 'huddle_thread', user: 'USLACKBOT', text: '', room: { created_by: 'U2' } };
  const told = read(huddle);
  assert.ok(told?.kind === 'message');
  assert.deepEqual([told.sender.id, told.body.text, told.style], ['T1/U2', 'started a huddle', 'emote']);
  assert.ok(peopleIn(huddle).includes('U2'));
});

test('a post of a bot that bears neither user, id nor name is said all the same', () => {
  const { user: _, ...rest } = said;
  const told = read({ ...rest, subtype: 'bot_message' });
  assert.ok(told?.kind === 'message');
  assert.deepEqual([told.sender.id, told.body.text], ['T1/USLACKBOT', 'hi']);
  assert.equal(read(rest), undefined);
});

test('a moment that is none is the moment of hearing', () => {
  assert.equal(read({ ...said, ts: 'soon' })?.at, view.receivedAt);
  assert.equal(read({ ...said, ts: '99999999999.000000' })?.at, view.receivedAt);
  assert.equal(read({ type: 'channel_archive', channel: 'C1', event_ts: 'NaN' })?.at, view.receivedAt);
});
