// What can be done with messages, whoever does it: post, edit, delete, react, pin, preview; each with its events. Rules as in the
// methods' pages (chat.*, reactions.*, pins.*). Who may do it is asked before. Unverified: the numbers 23 and 50 of reactions,
// and that the tombstone of a thread goes with its last reply.

import type { MessageMetadata } from '@slack/types';
import * as events from './inner-events.ts';
import { asEvent, type MessageEvent } from './message-shapes.ts';
import type { Attachment, Blocks, Bot, Channel, Message, SlackFile, SubtypeFields } from './model.ts';
import { normalise, richText } from './text.ts';
import { insert, remove } from './timeline.ts';
import { type Audience, SlackFault, type World } from './world.ts';

export interface Draft {
  readonly channel: Channel;
  readonly user?: string | undefined;
  readonly bot?: Bot | undefined;
  readonly team: string;
  readonly text: string;
  readonly blocks?: Blocks | undefined;
  readonly attachments?: readonly Attachment[] | undefined;
  readonly files?: readonly SlackFile[] | undefined;
  readonly threadTs?: string | undefined;
  readonly isBroadcast?: boolean | undefined;
  readonly subtype?: string | undefined;
  readonly extra?: SubtypeFields | undefined;
  readonly username?: string | undefined;
  readonly icons?: { readonly [size: string]: string } | undefined;
  readonly metadata?: MessageMetadata | undefined;
  readonly clientMsgId?: string | undefined;
  readonly isUpload?: boolean | undefined;
  readonly unfurls?: { readonly links: boolean; readonly media: boolean } | undefined;
}

export interface Change {
  readonly text?: string | undefined;
  readonly blocks?: Blocks | undefined;
  readonly attachments?: readonly Attachment[] | undefined;
  readonly metadata?: MessageMetadata | undefined;
}

const reactionsOfOne = 23;
const distinctReactions = 50;

export class Messages {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  post(draft: Draft): Message {
    const world = this.#world;
    const { channel } = draft;
    const threadTs = draft.threadTs === undefined ? undefined : this.#rootOf(channel, draft.threadTs);
    const isBroadcast = threadTs !== undefined && draft.isBroadcast === true;
    const text = normalise(draft.text);
    const message: Message = {
      ts: world.clock.ts(),
      channel,
      team: draft.team,
      subtype: draft.subtype ?? (isBroadcast ? 'thread_broadcast' : undefined),
      extra: draft.extra ?? {},
      user: draft.user,
      bot: draft.bot,
      username: draft.username,
      icons: draft.icons,
      text,
      blocks: this.#withIds(draft.blocks) ?? (text === '' || draft.extra !== undefined ? undefined : [richText(text, world.secret(2))]),
      attachments: draft.attachments,
      files: draft.files ?? [],
      threadTs,
      isBroadcast,
      clientMsgId: draft.clientMsgId,
      metadata: draft.metadata,
      edited: undefined,
      reactions: new Map(),
      isUpload: draft.isUpload ?? false,
    };
    insert(channel.timeline, message);
    for (const file of message.files) file.shares.push({ channel, ts: message.ts, threadTs });
    this.#announcePost(message);
    if (draft.unfurls !== undefined) this.#previewLater(message, draft.unfurls);
    return message;
  }

  /** `editor`: a user, or for a bot's own edit the bot. */
  edit(message: Message, editor: string, change: Change): void {
    const previous = this.#told(message);
    if (change.text !== undefined) message.text = normalise(change.text);
    if (change.blocks !== undefined) message.blocks = this.#withIds(change.blocks);
    else if (change.text !== undefined) message.blocks = message.text === '' ? undefined : [richText(message.text, this.#world.secret(2))];
    if (change.attachments !== undefined) message.attachments = change.attachments;
    if (change.metadata !== undefined) this.#setMetadata(message, change.metadata);
    message.edited = { user: editor, ts: this.#world.clock.ts() };
    this.announceChange(message, previous);
  }

  /** A thread's first message leaves a tombstone while there are replies. */
  delete(message: Message): void {
    const { channel, threadTs, ts } = message;
    const previous = this.#told(message);
    if (channel.timeline.replies.has(ts)) {
      const gone = {
        subtype: 'tombstone',
        user: 'USLACKBOT',
        bot: undefined,
        text: 'This message was deleted.',
        username: undefined,
        icons: undefined,
      };
      Object.assign(message, gone, {
        blocks: undefined,
        attachments: undefined,
        files: [],
        edited: undefined,
        metadata: undefined,
        extra: {},
      });
      message.reactions.clear();
      this.announceChange(message, previous);
      return;
    }
    channel.pins.delete(ts);
    remove(channel.timeline, message);
    this.#announce(events.messageDeleted(this.#world, message, previous), channel);
    const parent = threadTs === undefined ? undefined : channel.timeline.all.get(threadTs);
    if (parent?.subtype === 'tombstone' && !channel.timeline.replies.has(parent.ts)) this.delete(parent);
  }

  react(message: Message, user: string, name: string): void {
    if (!this.#isEmoji(message.channel, name)) throw new SlackFault('invalid_name');
    const users = message.reactions.get(name) ?? [];
    if (users.includes(user)) throw new SlackFault('already_reacted');
    if (users.length === 0 && message.reactions.size >= distinctReactions) throw new SlackFault('too_many_emoji');
    const own = [...message.reactions.values()].filter((each) => each.includes(user)).length;
    if (own >= reactionsOfOne) throw new SlackFault('too_many_reactions');
    message.reactions.set(name, [...users, user]);
    this.#announce(events.reacted(message, user, name, true, this.#world.clock.ts()), message.channel);
  }

  unreact(message: Message, user: string, name: string): void {
    const users = message.reactions.get(name) ?? [];
    if (!users.includes(user)) throw new SlackFault('no_reaction');
    const rest = users.filter((each) => each !== user);
    if (rest.length === 0) message.reactions.delete(name);
    else message.reactions.set(name, rest);
    this.#announce(events.reacted(message, user, name, false, this.#world.clock.ts()), message.channel);
  }

  pin(message: Message, user: string): void {
    const { channel, ts } = message;
    if (channel.pins.has(ts)) throw new SlackFault('already_pinned');
    channel.pins.set(ts, { by: user, at: this.#world.clock.seconds() });
    this.#announce(events.pinned(this.#world, message, user, true), channel);
  }

  unpin(message: Message, user: string): void {
    const { channel, ts } = message;
    if (!channel.pins.delete(ts)) throw new SlackFault('no_pin');
    this.#announce(events.pinned(this.#world, message, user, false), channel);
  }

  /** Changes a message without its author's doing: a preview, a deleted file. */
  alter(message: Message, act: () => void): void {
    const previous = this.#told(message);
    act();
    this.announceChange(message, previous);
  }

  announceChange(message: Message, previous: MessageEvent): void {
    this.#announce(events.messageChanged(this.#world, message, previous), message.channel);
  }

  #announcePost(message: Message): void {
    const world = this.#world;
    const { channel, threadTs, bot, user, metadata, ts } = message;
    this.#announce(this.#told(message), channel);
    const parent = threadTs === undefined ? undefined : channel.timeline.all.get(threadTs);
    if (parent !== undefined) this.#announce(events.messageReplied(world, parent, channel.timeline.replies.get(parent.ts) ?? []), channel);
    const isSpoken = message.subtype === undefined || !/^(?:channel|group)_/.test(message.subtype);
    const mentions = isSpoken ? (message.text.match(/(?<=<@)[UW][A-Z0-9]+/g) ?? []) : [];
    for (const mentioned of new Set(mentions)) this.#announceMention(message, mentioned);
    for (const file of message.files) this.#announceFile(file, message);
    if (metadata === undefined || bot?.app === undefined) return;
    const origin = { app_id: bot.app.id, bot_id: bot.id, user_id: user ?? bot.userId ?? '', team_id: message.team };
    this.#announce({ type: 'message_metadata_posted', ...origin, channel_id: channel.id, metadata, message_ts: ts, event_ts: ts }, channel);
  }

  /** Beside the message itself, to the app of the bot that is spoken to. */
  #announceMention(message: Message, mentioned: string): void {
    const bot = this.#world.users.get(mentioned)?.bot;
    if (bot?.app === undefined || !message.channel.members.has(mentioned)) return;
    const { ts, channel, text, user, bot: from, threadTs: thread_ts, team } = message;
    const event = { type: 'app_mention', user, text, ts, channel: channel.id, event_ts: ts, thread_ts, team, bot_id: from?.id } as const;
    const audience: Audience = { of: 'app', app: bot.app, team: this.#world.team(bot.teamId), user: mentioned, isBot: true };
    this.#world.announce({ ...event, client_msg_id: message.clientMsgId }, audience);
  }

  #announceFile(file: SlackFile, { channel, user, ts }: Message): void {
    const named = { file_id: file.id, user_id: user ?? file.user, file: { id: file.id } };
    this.#announce({ type: 'file_shared', ...named, channel_id: channel.id, event_ts: ts }, channel);
    if (channel.kind === 'channel') this.#announce({ type: 'file_public', ...named, event_ts: ts }, channel);
  }

  #previewLater(message: Message, wanted: { readonly links: boolean; readonly media: boolean }): void {
    const { unfurls, quirks } = this.#world;
    const found = unfurls.filter(({ url, isMedia }) => message.text.includes(url) && (isMedia ? wanted.media : wanted.links));
    if (found.length === 0) return;
    this.#world.later.in(quirks.unfurlDelay, () => {
      if (message.channel.timeline.all.get(message.ts) !== message || message.subtype === 'tombstone') return;
      const added = found.map(({ url, attachment }, number) => ({ id: number + 1, from_url: url, original_url: url, ...attachment }));
      this.alter(message, () => {
        message.attachments = [...(message.attachments ?? []), ...added];
      });
    });
  }

  #setMetadata(message: Message, metadata: MessageMetadata): void {
    const isEmpty = !('event_type' in metadata);
    const previous_metadata = message.metadata;
    message.metadata = isEmpty ? undefined : metadata;
    const { bot, channel, user, team, ts } = message;
    if (bot?.app === undefined || previous_metadata === undefined) return;
    const event_ts = this.#world.clock.ts();
    const origin = {
      app_id: bot.app.id,
      bot_id: bot.id,
      user_id: user ?? '',
      team_id: team,
      channel_id: channel.id,
      message_ts: ts,
      event_ts,
    };
    if (isEmpty) this.#announce({ type: 'message_metadata_deleted', ...origin, previous_metadata, deleted_ts: event_ts }, channel);
    else this.#announce({ type: 'message_metadata_updated', ...origin, previous_metadata, metadata }, channel);
  }

  /** Slack gives ids to blocks that have none. */
  #withIds(blocks: Blocks | undefined): Blocks | undefined {
    return blocks?.map((block) => ({ block_id: this.#world.secret(2), ...block }));
  }

  #told(message: Message): MessageEvent {
    const event = asEvent(this.#world, message, message.ts);
    return this.#world.quirks.metadataInEvents || event.metadata === undefined ? event : { ...event, metadata: undefined };
  }

  /** A reply to a reply stands in the thread of the root. */
  #rootOf(channel: Channel, ts: string): string {
    return channel.timeline.all.get(ts)?.threadTs ?? ts;
  }

  #isEmoji(channel: Channel, name: string): boolean {
    const [plain = '', tone] = name.split('::');
    if (tone !== undefined && !/^skin-tone-[2-6]$/.test(tone)) return false;
    return channel.team.emoji.has(plain) || (/^[a-z0-9_+'-]+$/.test(plain) && !this.#world.unknownEmoji.has(plain));
  }

  #announce(event: events.InnerEvent, channel: Channel): void {
    this.#world.announce(event, { of: 'channel', channel });
  }
}
