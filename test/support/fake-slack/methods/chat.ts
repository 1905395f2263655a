// chat.*: as their pages on docs.slack.dev/reference/methods. Unverified, from memory: that a message by a user's token bears the app's bot
// beside the user; that an unknown `thread_ts` puts a message into the main line; that a bot's edit bears the bot's id (seen in the
// Java SDK's recordings); that chat.update counts bytes of the escaped text (so others found).

import { type Call, channelOf, isVisible, type MethodName, type Methods, messageOf, mustBeIn, type To } from '../call.ts';
import { permalink } from '../inner-events.ts';
import { inHistory } from '../message-shapes.ts';
import type { Draft } from '../messages.ts';
import type { Channel, Message } from '../model.ts';
import { grants } from '../scopes.ts';
import { normalise } from '../text.ts';
import { SlackFault } from '../world.ts';
import { contentOf, iconsOf } from './content.ts';

const maxUpdate = 4_000;

export const chatMethods = {
  'chat.postMessage': (call): To<'chat.postMessage'> => {
    const { args, messages, world } = call;
    const channel = target(call);
    mayPost(call, channel);
    const content = contentOf(call);
    const clientMsgId = args.text('client_msg_id');
    const { clientMsgIds } = world.quirks;
    const known = clientMsgIds === 'deduplicated' && clientMsgId !== undefined ? withClientId(channel, clientMsgId) : undefined;
    const draft = { ...author(call), ...content, channel, threadTs: threadOf(call, channel), isBroadcast: args.isOn('reply_broadcast') };
    const unfurls = { links: args.isOn('unfurl_links'), media: args.isOn('unfurl_media', true) };
    const message = known ?? messages.post({ ...draft, clientMsgId: clientMsgIds === 'ignored' ? undefined : clientMsgId, unfurls });
    return { channel: channel.id, ts: message.ts, message: shown(call, message) as never };
  },

  'chat.meMessage': (call): To<'chat.meMessage'> => {
    const channel = target(call);
    mayPost(call, channel);
    const text = call.args.text('text');
    if (text === undefined) throw new SlackFault('no_text');
    const { user, team } = call;
    const message = call.messages.post({ channel, user: user.id, bot: user.bot, team: team.id, text, subtype: 'me_message' });
    return { channel: channel.id, ts: message.ts };
  },

  'chat.postEphemeral': (call): To<'chat.postEphemeral'> => {
    const { args, world, ephemerals } = call;
    const channel = target(call);
    mayPost(call, channel);
    const user = args.need('user');
    if (!channel.members.has(user)) throw new SlackFault('user_not_in_channel');
    const { text, blocks } = contentOf(call);
    const ts = world.clock.ts();
    ephemerals.add({ user, channel: channel.id, text: normalise(text), blocks, threadTs: args.text('thread_ts'), ts });
    return { message_ts: ts };
  },

  'chat.update': (call): To<'chat.update'> => {
    const { args, messages, world, token } = call;
    const channel = channelOf(call);
    const message = messageOf(call, channel, args.need('ts'));
    mayChange(call, message, 'cant_update_message');
    if (channel.isArchived) throw new SlackFault('is_inactive');
    const { editWindow } = channel.team;
    const age = world.clock.now() / 1000 - Number(message.ts);
    if (editWindow === 0 || (editWindow > 0 && age > editWindow * 60)) throw new SlackFault('edit_window_closed');
    const content = contentOf(call);
    if (Buffer.byteLength(normalise(content.text)) > maxUpdate) throw new SlackFault('msg_too_long');
    const editor = token.kind === 'bot' ? (call.user.bot?.id ?? call.user.id) : call.user.id;
    messages.edit(message, editor, {
      ...content,
      text: args.text('text') === undefined && content.blocks !== undefined ? undefined : content.text,
    });
    return { channel: channel.id, ts: message.ts, text: message.text, message: shown(call, message) as never };
  },

  'chat.delete': (call): To<'chat.delete'> => {
    const channel = channelOf(call);
    const message = messageOf(call, channel, call.args.need('ts'));
    if (!(call.token.kind === 'user' && call.user.isAdmin)) mayChange(call, message, 'cant_delete_message');
    call.messages.delete(message);
    return { channel: channel.id, ts: message.ts };
  },

  'chat.getPermalink': (call): To<'chat.getPermalink'> => {
    const channel = channelOf(call);
    return { channel: channel.id, permalink: permalink(call.world, messageOf(call, channel, call.args.need('message_ts'))) };
  },
} satisfies Partial<Methods<MethodName>>;

/** An id, a name, or a person: then the direct message with them. */
function target(call: Call): Channel {
  const { args, channels, team, user, world } = call;
  const named = args.need('channel');
  if (/^[UW]/.test(named) && world.users.has(named)) return channels.direct(team, [...new Set([user.id, named])], user.id).channel;
  const channel = world.channels.get(named) ?? world.channelNamed(team, named.replace(/^#/, ''));
  if (channel === undefined || !isVisible(call, channel)) throw new SlackFault('channel_not_found');
  return channel;
}

function mayPost(call: Call, channel: Channel): void {
  const { token, user, method } = call;
  const isOpen = token.kind === 'bot' && channel.kind === 'channel' && method === 'chat.postMessage' && grants(token, 'chat:write.public');
  if (!isOpen) mustBeIn(call, channel);
  if (channel.isArchived) throw new SlackFault('is_archived');
  if (channel.isReadOnly && !user.isAdmin)
    throw new SlackFault(method === 'chat.postMessage' ? 'restricted_action_read_only_channel' : 'restricted_action');
}

function author(call: Call): Pick<Draft, 'user' | 'bot' | 'team' | 'username' | 'icons' | 'subtype'> {
  const { args, token, user, team, world } = call;
  const asUser = args.isOn('as_user');
  if (asUser && !token.app.isClassic) throw new SlackFault('as_user_not_supported');
  if (token.kind === 'user' && (!token.app.isClassic || asUser))
    return { user: user.id, bot: world.botOf(token.app, user.teamId), team: user.teamId };
  const bot = user.bot ?? world.botOf(token.app, team.id);
  const username = asUser ? undefined : args.text('username');
  const icons = asUser ? undefined : iconsOf(call);
  const isDressed = username !== undefined || icons !== undefined || token.kind === 'user';
  if (isDressed) return { bot, team: team.id, username: username ?? bot.name, icons, subtype: 'bot_message' };
  return { user: user.id, bot, team: team.id };
}

function threadOf({ args }: Call, channel: Channel): string | undefined {
  const ts = args.text('thread_ts');
  return ts !== undefined && channel.timeline.all.has(ts) ? ts : undefined;
}

/** A bot its own messages, dressed or not; a person their own. */
function mayChange({ token, user }: Call, message: Message, fault: string): void {
  const { bot } = message;
  const isOwn =
    token.kind === 'bot' ? bot !== undefined && bot === user.bot && (message.user ?? user.id) === user.id : message.user === user.id;
  const isSpeech = [undefined, 'bot_message', 'me_message', 'thread_broadcast', 'file_share'].includes(message.subtype);
  if (!isOwn || !isSpeech) throw new SlackFault(fault);
}

function withClientId(channel: Channel, id: string): Message | undefined {
  return [...channel.timeline.all.values()].findLast((message) => message.clientMsgId === id);
}

function shown(call: Call, message: Message): object {
  return inHistory(call.world, message, { metadata: true });
}
