// The inner events that this Slack sends, one builder each, typed by @slack/types; so tsc proves their fields. Those that exist on
// RTM only have no type there: they follow the pages of docs.slack.dev/reference/events that their names lead to.

import type {
  AppMentionEvent,
  AppUninstalledEvent,
  ChannelArchiveEvent,
  ChannelCreatedEvent,
  ChannelDeletedEvent,
  ChannelIDChangedEvent,
  ChannelLeftEvent,
  ChannelRenameEvent,
  ChannelSharedEvent,
  ChannelUnarchiveEvent,
  ChannelUnsharedEvent,
  EmojiChangedEvent,
  FileChangeEvent,
  FileCreatedEvent,
  FileDeletedEvent,
  FilePublicEvent,
  FileSharedEvent,
  GroupArchiveEvent,
  GroupDeletedEvent,
  GroupLeftEvent,
  GroupRenameEvent,
  GroupUnarchiveEvent,
  IMCreatedEvent,
  IMOpenEvent,
  MemberJoinedChannelEvent,
  MemberLeftChannelEvent,
  MessageChangedEvent,
  MessageDeletedEvent,
  MessageMetadataDeletedEvent,
  MessageMetadataPostedEvent,
  MessageMetadataUpdatedEvent,
  MessageRepliedEvent,
  PinAddedEvent,
  PinRemovedEvent,
  ReactionAddedEvent,
  ReactionRemovedEvent,
  SubteamCreatedEvent,
  SubteamMembersChangedEvent,
  SubteamUpdatedEvent,
  TeamDomainChangeEvent,
  TeamJoinEvent,
  TeamRenameEvent,
  TokensRevokedEvent,
  UserChangeEvent,
  UserProfileChangedEvent,
} from '@slack/types';
import { asEvent, inHistory, type MessageEvent } from './message-shapes.ts';
import type { Channel, Message } from './model.ts';
import type { OrUndefined } from './shapes.ts';
import { isConnect, type World } from './world.ts';

/** Reactions to what no user sent come without `item_user`. */
type WithoutItemUser<E extends { item_user: string }> = Omit<E, 'item_user'> & { item_user?: string };

/** docs.slack.dev/reference/events: user_typing, channel_marked, presence_change, manual_presence_change, channel_joined … */
export type RtmOnlyEvent =
  | { readonly type: 'user_typing'; readonly channel: string; readonly user: string; readonly thread_ts?: string | undefined }
  | { readonly type: 'channel_marked' | 'group_marked' | 'im_marked' | 'mpim_marked'; readonly channel: string; readonly ts: string }
  | { readonly type: 'presence_change'; readonly user?: string; readonly users?: readonly string[]; readonly presence: string }
  | { readonly type: 'manual_presence_change'; readonly presence: string }
  | { readonly type: 'channel_joined' | 'group_joined'; readonly channel: object };

export type InnerEvent =
  | MessageEvent
  | OrUndefined<
      | AppMentionEvent
      | AppUninstalledEvent
      | ChannelArchiveEvent
      | ChannelCreatedEvent
      | ChannelDeletedEvent
      | ChannelIDChangedEvent
      | ChannelLeftEvent
      | ChannelRenameEvent
      | ChannelSharedEvent
      | ChannelUnarchiveEvent
      | ChannelUnsharedEvent
      | EmojiChangedEvent
      | FileChangeEvent
      | FileCreatedEvent
      | FileDeletedEvent
      | FilePublicEvent
      | FileSharedEvent
      | GroupArchiveEvent
      | GroupDeletedEvent
      | GroupLeftEvent
      | GroupRenameEvent
      | GroupUnarchiveEvent
      | IMCreatedEvent
      | IMOpenEvent
      | MemberJoinedChannelEvent
      | MemberLeftChannelEvent
      | MessageMetadataDeletedEvent
      | MessageMetadataPostedEvent
      | MessageMetadataUpdatedEvent
      | PinAddedEvent
      | PinRemovedEvent
      | WithoutItemUser<ReactionAddedEvent>
      | WithoutItemUser<ReactionRemovedEvent>
      | SubteamCreatedEvent
      | SubteamMembersChangedEvent
      | SubteamUpdatedEvent
      | TeamDomainChangeEvent
      | TeamJoinEvent
      | TeamRenameEvent
      | TokensRevokedEvent
      | UserChangeEvent
      | UserProfileChangedEvent
    >
  | RtmOnlyEvent;

/** `previous` is the message as an event before the change; without `edited`, it is no edit but a preview, a file, a thread. */
export function messageChanged(world: World, message: Message, previous: MessageEvent): InnerEvent {
  const ts = world.clock.ts();
  return {
    type: 'message',
    subtype: 'message_changed',
    hidden: true,
    channel: message.channel.id,
    channel_type: message.channel.kind,
    ts,
    event_ts: ts,
    message: nested(asEvent(world, message, ts)),
    previous_message: nested(previous),
  } satisfies OrUndefined<MessageChangedEvent>;
}

export function messageDeleted(world: World, message: Message, previous: MessageEvent): InnerEvent {
  const ts = world.clock.ts();
  return {
    type: 'message',
    subtype: 'message_deleted',
    hidden: true,
    channel: message.channel.id,
    channel_type: message.channel.kind,
    ts,
    event_ts: ts,
    deleted_ts: message.ts,
    previous_message: nested(previous),
  } satisfies OrUndefined<MessageDeletedEvent>;
}

/** Told of the parent of a thread beside the reply itself. */
export function messageReplied(world: World, parent: Message, replies: readonly Message[]): InnerEvent {
  const ts = world.clock.ts();
  const told = {
    ...nested(asEvent(world, parent, ts)),
    thread_ts: parent.ts,
    reply_count: replies.length,
    replies: replies.map(({ user, ts: replyTs }) => ({ user, ts: replyTs })),
  };
  return {
    type: 'message',
    subtype: 'message_replied',
    hidden: true,
    channel: parent.channel.id,
    channel_type: parent.channel.kind,
    ts,
    event_ts: ts,
    message: told as unknown as MessageRepliedEvent['message'],
  } satisfies OrUndefined<MessageRepliedEvent>;
}

/** Messages within events name neither their channel nor the event's moment. */
function nested(message: MessageEvent): MessageChangedEvent['message'] {
  const { channel: _, channel_type: __, event_ts: ___, ...rest } = message;
  return rest as MessageChangedEvent['message'];
}

export function reacted(message: Message, user: string, reaction: string, isAdded: boolean, eventTs: string): InnerEvent {
  const item = { type: 'message', channel: message.channel.id, ts: message.ts } as const;
  const rest = { user, reaction, item, item_user: message.user, event_ts: eventTs };
  return isAdded ? { type: 'reaction_added', ...rest } : { type: 'reaction_removed', ...rest };
}

export function pinned(world: World, message: Message, user: string, isAdded: boolean): InnerEvent {
  const { channel, ts } = message;
  const { metadata: _, ...shape } = inHistory(world, message);
  const at = channel.pins.get(ts) ?? { by: user, at: world.clock.seconds() };
  const item = {
    type: 'message',
    created: at.at,
    created_by: at.by,
    channel: channel.id,
    message: { ...shape, permalink: permalink(world, message) },
  };
  const rest = {
    user,
    channel_id: channel.id,
    item: item as unknown as PinAddedEvent['item'],
    item_user: message.user ?? '',
    // A number on the wire (the Java SDK's recordings), a string in the types.
    pin_count: channel.pins.size as unknown as string,
    pinned_info: { channel: channel.id, pinned_by: at.by, pinned_ts: at.at },
    event_ts: world.clock.ts(),
  };
  return isAdded ? { type: 'pin_added', ...rest } : { type: 'pin_removed', ...rest, has_pins: channel.pins.size > 0 };
}

export function permalink(world: World, { channel, ts, threadTs }: Message): string {
  const thread = threadTs === undefined ? '' : `?thread_ts=${threadTs}&cid=${channel.id}`;
  return `${world.origin}/workspaces/${channel.team.domain}/archives/${channel.id}/p${ts.replace('.', '')}${thread}`;
}

export function memberMoved(world: World, channel: Channel, user: string, isJoin: boolean, inviter?: string): InnerEvent {
  const team = world.user(user).teamId;
  const rest = { user, channel: channel.id, channel_type: channel.kind === 'channel' ? 'C' : 'G', team, event_ts: world.clock.ts() };
  return isJoin ? { type: 'member_joined_channel', ...rest, inviter } : { type: 'member_left_channel', ...rest };
}

export function renamed(world: World, { id, name, created, kind }: Channel): InnerEvent {
  const channel = { id, name, name_normalized: name, created, is_channel: true, is_mpim: kind === 'mpim' };
  return { type: kind === 'channel' ? 'channel_rename' : 'group_rename', channel, event_ts: world.clock.ts() };
}

export function archived(world: World, { id, kind }: Channel, user: string, isArchived: boolean): InnerEvent {
  const event_ts = world.clock.ts();
  if (kind === 'channel')
    return { type: isArchived ? 'channel_archive' : 'channel_unarchive', channel: id, user, is_moved: undefined, event_ts };
  if (isArchived) return { type: 'group_archive', channel: id, user, is_moved: 0, event_ts };
  return { type: 'group_unarchive', channel: id, actor_id: user, event_ts };
}

export function created(world: World, channel: Channel): InnerEvent {
  const { id, name, creator, kind } = channel;
  return {
    type: 'channel_created',
    event_ts: world.clock.ts(),
    channel: {
      id,
      is_channel: true,
      name,
      name_normalized: name,
      created: channel.created,
      creator,
      is_shared: false,
      is_org_shared: false,
      context_team_id: channel.team.id,
      is_archived: false,
      is_frozen: false,
      is_general: channel.isGeneral,
      is_group: false,
      is_private: kind !== 'channel',
      is_ext_shared: isConnect(channel),
      is_im: false,
      is_mpim: kind === 'mpim',
      is_pending_ext_shared: false,
    },
  } satisfies ChannelCreatedEvent;
}
