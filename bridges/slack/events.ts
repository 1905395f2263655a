// What happened in a channel of Slack, as the core is told it. Pure: who and what is named was looked up before (intake.ts),
// which also decides what is ours and whether anybody listens; a name of each happening comes from wire/dedupe.ts.

import type { ChannelId, RemoteEvent, RemoteFile, RemoteMessageId, RemoteUser, ShownAs, Style } from '#bridge-core';
import type { SlackBody } from './body.ts';
import { bodyOf } from './body.ts';
import { type Fields, fieldsIn, idIn, textIn } from './fields.ts';
import { filesOf } from './files.ts';
import { makeMessageId, parseId, timeOf } from './ids.ts';

export type SlackRemoteEvent = RemoteEvent<SlackBody>;

/** Why a message of nobody in Slack is gone there. */
export const takenAway = 'deleted in Slack';

/** What an event is read with. */
export interface View {
  readonly channel: ChannelId;
  /** By an id of a person or a bot, both known already. */
  person(id: string): RemoteUser;
  /** The sign, or `:name:` with its picture. */
  emoji(name: string): { readonly emoji: string; readonly picture?: RemoteFile };
  /** Of another workspace. */
  file?(id: string): Fields | undefined;
  readonly receivedAt: number;
  /** The happening's name, for all but messages, which are called by their `ts`. */
  readonly key: string | undefined;
  readonly isRtm: boolean;
}

/** Told twice: as an event of their own too. */
const elsewhere: ReadonlySet<string> = new Set(
  [
    'channel_archive channel_unarchive group_archive group_unarchive message_replied pinned_item unpinned_item bot_add bot_remove bot_enable',
    'bot_disable channel_posting_permissions channel_convert_to_private channel_convert_to_public reply_broadcast file_comment file_mention sh_room_shared tombstone',
    'channel_join channel_leave',
  ]
    .join(' ')
    .split(' '),
);

/** For who comes by the hundred, nobody need be looked up. What is hidden is no message, whatever it is called. */
export function isNothing(event: Fields): boolean {
  if (event.type !== 'message') return false;
  const subtype = textIn(event, 'subtype') ?? '';
  return elsewhere.has(subtype) || (event.hidden === true && !isChange.has(subtype));
}

const isChange: ReadonlySet<string> = new Set(['message_changed', 'message_deleted']);
const isJoinOrLeave = /^group_(?:join|leave)$/;

/** Whether it happened while its channel was private; undefined: it does not say, as on RTM. Chats are another kind. */
export function isOfPrivate(event: Fields): boolean | undefined {
  const kind = textIn(event, 'channel_type');
  if (kind !== undefined) return kind === 'group' || kind === 'G';
  return [textIn(event, 'type'), textIn(event, 'subtype')].some((word) => word?.startsWith('group_') === true) || undefined;
}

/** Undefined: nothing that people see. */
export function remoteEventOf(event: Fields, view: View): SlackRemoteEvent | undefined {
  switch (event.type) {
    case 'message':
      return messageOf(event, view);
    case 'reaction_added':
    case 'reaction_removed':
      return reactionOf(event, view);
    case 'member_joined_channel':
    case 'member_left_channel':
      return membershipOf(event, view, event.type === 'member_joined_channel');
    case 'channel_rename':
    case 'group_rename': {
      const name = textIn(fieldsIn(event, 'channel'), 'name');
      return name === undefined ? undefined : { kind: 'channel', ...based(event, view), name: written(name) };
    }
    case 'channel_archive':
    case 'group_archive':
    case 'channel_unarchive':
    case 'group_unarchive':
      return { kind: 'channel', ...based(event, view), ...doneBy(event, view), archived: event.type.endsWith('_archive') };
    case 'pin_added':
    case 'pin_removed': {
      const target = textIn(fieldsIn(fieldsIn(event, 'item'), 'message'), 'ts');
      if (target === undefined) return undefined;
      return { kind: 'pin', ...based(event, view), ...doneBy(event, view), target: makeMessageId(target), on: event.type === 'pin_added' };
    }
    case 'user_typing': {
      const user = textIn(event, 'user');
      const thread = textIn(event, 'thread_ts');
      const base = { kind: 'typing' as const, at: view.receivedAt, channel: view.channel, on: true };
      return user === undefined ? undefined : { ...base, sender: view.person(user), ...(thread && { thread: makeMessageId(thread) }) };
    }
    default:
      return undefined;
  }
}

/** `upTo` of whoever's connection told it. */
export function readOf(event: Fields, reader: string, view: View): SlackRemoteEvent | undefined {
  const ts = textIn(event, 'ts');
  if (ts === undefined) return undefined;
  return { kind: 'read', at: view.receivedAt, channel: view.channel, user: view.person(reader), upTo: makeMessageId(ts) };
}

/** Those whom an event names: they must be known before it can be read. */
export function peopleIn(event: Fields): string[] {
  const inner = fieldsIn(event, 'message');
  const before = fieldsIn(event, 'previous_message');
  const ids = [event, inner, before].flatMap((of) => [idIn(of, 'user'), textIn(of, 'inviter'), authorIn(of)]);
  if (event.subtype === 'huddle_thread') ids.push(textIn(fieldsIn(event, 'room'), 'created_by'));
  return [...new Set(ids)].filter((id) => id !== undefined);
}

/** A bot without a user of its own is called by its bot id. */
function authorIn(message: Fields | undefined): string | undefined {
  return textIn(message, 'user') ?? textIn(message, 'bot_id');
}

function messageOf(event: Fields, view: View): SlackRemoteEvent | undefined {
  const subtype = textIn(event, 'subtype') ?? '';
  switch (subtype) {
    case 'message_changed':
      return changeOf(event, view);
    case 'message_deleted': {
      const target = textIn(event, 'deleted_ts');
      const author = authorIn(fieldsIn(event, 'previous_message')) ?? authorIn(event) ?? slackbot;
      if (target === undefined) return undefined;
      return { kind: 'redaction', ...based(event, view), sender: view.person(author), target: makeMessageId(target) };
    }
    case 'channel_topic':
    case 'group_topic':
      return { kind: 'channel', ...posted(event, view), ...doneBy(event, view), topic: textIn(event, 'topic') ?? '' };
    case 'channel_purpose':
    case 'group_purpose':
      return { kind: 'channel', ...posted(event, view), ...doneBy(event, view), topic: textIn(event, 'purpose') ?? '' };
    case 'channel_name':
    case 'group_name': {
      const name = textIn(event, 'name');
      return name === undefined ? undefined : { kind: 'channel', ...posted(event, view), ...doneBy(event, view), name: written(name) };
    }
    default:
      // On RTM nothing else tells who came into a private channel.
      if (isJoinOrLeave.test(subtype)) return view.isRtm ? membershipOf(event, view, subtype === 'group_join') : undefined;
      return isNothing(event) ? undefined : saidIn(event, view);
  }
}

/** A message as it was posted: as it comes, and as the history has it. */
export function saidIn(event: Fields, view: View): SlackRemoteEvent | undefined {
  if (event.subtype === 'huddle_thread') return huddleIn(event, view);
  const isNobodys = textIn(event, 'username') !== undefined || event.subtype === 'bot_message';
  const author = authorIn(event) ?? (isNobodys ? slackbot : undefined);
  const ts = textIn(event, 'ts');
  if (author === undefined || ts === undefined) return undefined;
  const body = bodyOf(event);
  const files = filesOf(event, teamOf(view), view.file);
  const shownAs = shownIn(event);
  const thread = threadIn(event, ts);
  const isBroadcast = event.subtype === 'thread_broadcast';
  return {
    kind: 'message',
    ...posted(event, view),
    sender: view.person(author),
    body,
    style: styleIn(event),
    ...(files.length > 0 && { files }),
    ...(thread !== undefined && { thread }),
    ...(isBroadcast && { isBroadcast }),
    ...(shownAs !== undefined && { shownAs }),
  };
}

/** Slack writes nothing into it. */
function huddleIn(event: Fields, view: View): SlackRemoteEvent | undefined {
  if (textIn(event, 'ts') === undefined) return undefined;
  const starter = textIn(fieldsIn(event, 'room'), 'created_by') ?? textIn(event, 'user') ?? slackbot;
  return { kind: 'message', ...posted(event, view), sender: view.person(starter), body: { text: 'started a huddle' }, style: 'emote' };
}

function changeOf(event: Fields, view: View): SlackRemoteEvent | undefined {
  const message = fieldsIn(event, 'message');
  const before = fieldsIn(event, 'previous_message');
  const ts = textIn(message, 'ts');
  const author = authorIn(message);
  if (message === undefined || ts === undefined) return undefined;
  const target = makeMessageId(ts);
  if (message.subtype === 'tombstone')
    return { kind: 'redaction', ...based(event, view), sender: view.person(authorIn(before) ?? slackbot), target };
  // A preview, a thread's new reply and the like change a message too: an edit bears its own new moment.
  const edited = textIn(fieldsIn(message, 'edited'), 'ts');
  const isEdit = edited !== undefined && edited !== textIn(fieldsIn(before, 'edited'), 'ts');
  const files = filesOf(message, teamOf(view), view.file);
  const isFewer = files.length < filesOf(before ?? {}, teamOf(view)).length;
  if (author === undefined || (!isEdit && !isFewer)) return undefined;
  const thread = threadIn(message, ts);
  return {
    kind: 'edit',
    ...based(event, view),
    sender: view.person(author),
    target,
    body: bodyOf(message),
    style: styleIn(message),
    ...((isFewer || files.length > 0) && { files }),
    ...(thread !== undefined && { thread }),
  };
}

function reactionOf(event: Fields, view: View): SlackRemoteEvent | undefined {
  const item = fieldsIn(event, 'item');
  const target = textIn(item, 'ts');
  const user = textIn(event, 'user');
  const name = textIn(event, 'reaction');
  if (target === undefined || user === undefined || name === undefined) return undefined;
  const base = { ...based(event, view), sender: view.person(user), target: makeMessageId(target) };
  return { kind: 'reaction', ...base, ...view.emoji(name), on: event.type === 'reaction_added' };
}

function membershipOf(event: Fields, view: View, isJoin: boolean): SlackRemoteEvent | undefined {
  const user = textIn(event, 'user');
  const inviter = textIn(event, 'inviter');
  if (user === undefined) return undefined;
  const base = { kind: 'membership' as const, ...based(event, view), user: view.person(user) };
  return { ...base, change: isJoin ? 'join' : 'leave', ...(inviter !== undefined && { by: view.person(inviter) }) };
}

/** `USLACKBOT` stands for whom Slack does not name. */
const slackbot = 'USLACKBOT';

function styleIn(message: Fields): Style {
  return message.subtype === 'me_message' ? 'emote' : 'text';
}

function shownIn(message: Fields): ShownAs | undefined {
  const name = textIn(message, 'username');
  if (name === undefined) return undefined;
  const icons = fieldsIn(message, 'icons');
  const avatar = textIn(icons, 'image_original') ?? textIn(icons, 'image_72') ?? textIn(icons, 'image_64') ?? textIn(icons, 'image_48');
  return { name, ...(avatar !== undefined && { avatar }) };
}

/** The first message of a thread bears its own `ts` once there are replies. */
function threadIn(message: Fields, ts: string): RemoteMessageId | undefined {
  const thread = textIn(message, 'thread_ts');
  return thread === undefined || thread === ts ? undefined : makeMessageId(thread);
}

function posted(event: Fields, view: View) {
  const ts = textIn(event, 'ts') ?? '';
  return { at: timeIn(ts, view), channel: view.channel, id: makeMessageId(ts) };
}

function based(event: Fields, view: View) {
  const ts = textIn(event, 'event_ts') ?? textIn(event, 'ts');
  return { at: timeIn(ts, view), channel: view.channel, ...(view.key !== undefined && { id: makeMessageId(view.key) }) };
}

/** Nothing comes from later than it was heard. */
function timeIn(ts: string | undefined, { receivedAt }: View): number {
  const at = ts === undefined ? Number.NaN : timeOf(ts);
  return Number.isFinite(at) ? Math.min(at, receivedAt) : receivedAt;
}

function doneBy(event: Fields, view: View): { readonly by?: RemoteUser } {
  const user = textIn(event, 'user') ?? textIn(event, 'actor_id');
  return user === undefined ? {} : { by: view.person(user) };
}

/** As channels are described. */
const written = (name: string): string => `#${name}`;

const teamOf = (view: View): string => parseId(view.channel).team;
