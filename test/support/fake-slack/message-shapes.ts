// How messages look: in history (the response types of @slack/web-api) and as events (the message events of @slack/types). Subtypes
// and their fields follow docs.slack.dev/reference/events/message. Fields outside the types package are named in `Beyond`, with
// where they are seen. Unverified: that history leaves out the subtype `file_share`, and that bots' edits bear the bot's id.

import type {
  AllMessageEvents,
  BotMessageEvent,
  ChannelNameMessageEvent,
  ChannelTopicMessageEvent,
  FileShareMessageEvent,
  GenericMessageEvent,
  MeMessageEvent,
  MessageMetadata,
  ThreadBroadcastMessageEvent,
} from '@slack/types';
import type { ConversationsHistoryResponse } from '@slack/web-api';
import { fileInMessage } from './file-shapes.ts';
import type { Message, Team } from './model.ts';
import { botProfile, type OrUndefined } from './shapes.ts';
import type { World } from './world.ts';

export type HistoryMessage = NonNullable<ConversationsHistoryResponse['messages']>[number];

/** Seen in the Java SDK's recorded events and replies, not in the types package. */
export interface Beyond {
  readonly app_id?: string | undefined;
  readonly metadata?: MessageMetadata | undefined;
  readonly inviter?: string | undefined;
  readonly pinned_to?: string[] | undefined;
  readonly hidden?: true | undefined;
  readonly name?: string | undefined;
  readonly old_name?: string | undefined;
  readonly topic?: string | undefined;
  readonly purpose?: string | undefined;
}

/** The twins for private channels, which the types package leaves out. */
type GroupTwin<E extends { subtype: string }> = Omit<E, 'subtype'> & { subtype: `group_${string}` };
export type MessageEvent = OrUndefined<AllMessageEvents | GroupTwin<ChannelTopicMessageEvent> | TombstoneEvent> & Beyond;
/** What stays of a deleted message that has replies: only ever within `message_changed`. */
type TombstoneEvent = Omit<GenericMessageEvent, 'subtype'> & { subtype: 'tombstone'; hidden: true };

/** `metadata`: only where it was asked for. */
export function inHistory(
  world: World,
  message: Message,
  { metadata = false, reader }: { metadata?: boolean; reader?: Team | undefined } = {},
): OrUndefined<HistoryMessage> & Beyond {
  const shape = {
    type: 'message',
    subtype: message.subtype === 'file_share' ? undefined : message.subtype,
    hidden: message.subtype === 'tombstone' ? (true as const) : undefined,
    ...author(world, message),
    ...body(world, message, reader),
    ...thread(message),
    ...message.extra,
    metadata: (metadata ? message.metadata : undefined) as never,
    reactions: reactions(message),
    ...(message.files.length > 0 ? { upload: message.isUpload, display_as_bot: false } : {}),
    root: (message.subtype === 'thread_broadcast' ? root(world, message) : undefined) as HistoryMessage['root'],
  };
  return shape satisfies OrUndefined<HistoryMessage> & Beyond;
}

/** As an event of its own; for one that tells of a change, see inner-events.ts. */
export function asEvent(world: World, message: Message, eventTs: string): MessageEvent {
  const { kind, id } = message.channel;
  const place = { type: 'message', channel: id, channel_type: kind, event_ts: eventTs } as const;
  const beyond = {
    app_id: message.bot?.app?.id,
    metadata: message.metadata,
    pinned_to: message.channel.pins.has(message.ts) ? [id] : undefined,
    ...message.extra,
  } satisfies Beyond;
  const all = {
    ...place,
    ...author(world, message),
    ...body(world, message, undefined),
    ...thread(message),
    ...beyond,
    reactions: reactions(message),
  };
  const user = message.user ?? '';
  switch (message.subtype) {
    case undefined:
      return { ...all, subtype: undefined, user } satisfies OrUndefined<GenericMessageEvent> & Beyond;
    case 'bot_message':
      return { ...all, subtype: 'bot_message', bot_id: message.bot?.id ?? '' } satisfies OrUndefined<BotMessageEvent> & Beyond;
    case 'me_message':
      return { ...all, subtype: 'me_message', user } satisfies OrUndefined<MeMessageEvent> & Beyond;
    case 'file_share':
      return {
        ...all,
        subtype: 'file_share',
        user,
        upload: message.isUpload,
        display_as_bot: false,
      } satisfies OrUndefined<FileShareMessageEvent> & Beyond;
    case 'thread_broadcast':
      return {
        ...all,
        subtype: 'thread_broadcast',
        user,
        client_msg_id: message.clientMsgId ?? '',
        root: root(world, message) as ThreadBroadcastMessageEvent['root'],
      } satisfies OrUndefined<ThreadBroadcastMessageEvent> & Beyond;
    case 'tombstone':
      return { ...all, subtype: 'tombstone', user, hidden: true } satisfies OrUndefined<TombstoneEvent> & Beyond;
    default:
      return { ...all, subtype: message.subtype as ChannelNameMessageEvent['subtype'], user, name: '', old_name: '', ...message.extra };
  }
}

function author(world: World, { user, bot, username, icons, team }: Message) {
  return {
    user,
    team,
    username,
    icons,
    ...(bot === undefined ? {} : { bot_id: bot.id, app_id: bot.app?.id, bot_profile: botProfile(world, bot) }),
  };
}

function body(world: World, message: Message, reader: Team | undefined) {
  return {
    ts: message.ts,
    text: message.text,
    client_msg_id: message.clientMsgId,
    // Passed on as clients gave them; the packages do not agree on one type.
    blocks: message.blocks as never,
    attachments: message.attachments as never,
    files: (message.files.length === 0 ? undefined : message.files.map((file) => fileInMessage(world, file, reader))) as never,
    edited: message.edited,
  };
}

function thread({ ts, threadTs, channel: { timeline } }: Message) {
  const replies = timeline.replies.get(threadTs ?? ts) ?? [];
  if (threadTs !== undefined) return { thread_ts: threadTs, parent_user_id: timeline.all.get(threadTs)?.user };
  if (replies.length === 0) return {};
  const users = [...new Set(replies.map((reply) => reply.user ?? reply.bot?.id ?? ''))];
  return {
    thread_ts: ts,
    reply_count: replies.length,
    reply_users_count: users.length,
    reply_users: users.slice(0, 5),
    latest_reply: replies.at(-1)?.ts ?? ts,
    is_locked: false,
    subscribed: false,
  };
}

function root(world: World, { threadTs, channel }: Message): object | undefined {
  const parent = threadTs === undefined ? undefined : channel.timeline.all.get(threadTs);
  return parent === undefined ? undefined : inHistory(world, parent);
}

function reactions(message: Message) {
  if (message.reactions.size === 0) return undefined;
  return [...message.reactions].map(([name, users]) => ({ name, users, count: users.length }));
}
