// The acts of conversations.*: join, open, invite, kick, leave, name, describe, archive, mark. Errors as on their pages on
// docs.slack.dev/reference/methods. Unverified: that `general` can be neither left nor archived by anybody, and who may rename
// (here whoever is in the channel).

import { type Call, channelOf, type MethodName, type Methods, mustBeIn, type To } from '../call.ts';
import type { Channel } from '../model.ts';
import { channelShape } from '../shapes.ts';
import { isDirect, SlackFault } from '../world.ts';

export const channelMethods = {
  'conversations.create': (call): To<'conversations.create'> => {
    const { args, channels, team, user } = call;
    const name = args.text('name');
    if (name === undefined) throw new SlackFault('invalid_name_required');
    const channel = channels.create(team, name, user.id, args.isOn('is_private') ? 'group' : 'channel');
    return { channel: shape(call, channel) };
  },

  'conversations.join': (call): To<'conversations.join'> => {
    const channel = channelOf(call);
    if (channel.kind !== 'channel') throw new SlackFault('method_not_supported_for_channel_type');
    if (channel.isArchived) throw new SlackFault('is_archived');
    if (channel.members.has(call.user.id)) {
      return { channel: shape(call, channel), warning: 'already_in_channel', response_metadata: { warnings: ['already_in_channel'] } };
    }
    call.channels.join(channel, call.user.id);
    return { channel: shape(call, channel) };
  },

  'conversations.open': (call): To<'conversations.open'> => {
    const { args, channels, team, user, world } = call;
    const isFull = args.isOn('return_im');
    const shown = (channel: Channel) => (isFull ? shape(call, channel) : { id: channel.id });
    if (args.text('channel') !== undefined) {
      const channel = channelOf(call);
      if (!isDirect(channel)) throw new SlackFault('method_not_supported_for_channel_type');
      return { channel: shown(channel), no_op: true, already_open: true };
    }
    const asked = args.list('users');
    if (asked.length === 0) throw new SlackFault('users_list_not_supplied');
    if (asked.length > 8) throw new SlackFault('too_many_users');
    for (const id of asked) {
      const other = world.users.get(id);
      if (other === undefined) throw new SlackFault('user_not_found');
      if (other.isDeleted) throw new SlackFault('user_disabled');
      if (!other.teams.has(team.id) && !sharesChannel(call, id)) throw new SlackFault('user_not_visible');
    }
    const users = [...new Set([user.id, ...asked])];
    const known = world.directBetween(team, users);
    if (known === undefined && args.isOn('prevent_creation')) throw new SlackFault('channel_not_found');
    const { channel, isNew } = channels.direct(team, users, user.id);
    return { channel: shown(channel), ...(isNew ? {} : { no_op: true, already_open: true }) };
  },

  'conversations.close': (call): To<'conversations.close'> => {
    const channel = channelOf(call);
    if (!isDirect(channel)) throw new SlackFault('method_not_supported_for_channel_type');
    return {};
  },

  'conversations.invite': (call): To<'conversations.invite'> => {
    const channel = acted(call);
    mustBeIn(call, channel);
    const users = call.args.list('users');
    if (users.length === 0) throw new SlackFault('no_user');
    for (const id of users) {
      if (id === call.user.id) throw new SlackFault('cant_invite_self');
      const invited = call.world.users.get(id);
      if (invited === undefined) throw new SlackFault('user_not_found');
      if (channel.members.has(id)) throw new SlackFault('already_in_channel');
      if (invited.isDeleted || invited.isRestricted) throw new SlackFault('cant_invite');
      const isNear = [...invited.teams].some((team) => team === channel.team.id || channel.sharedWith.has(team));
      if (!isNear) throw new SlackFault('cant_invite');
    }
    for (const id of users) call.channels.join(channel, id, call.user.id);
    return { channel: shape(call, channel) };
  },

  'conversations.kick': (call): To<'conversations.kick'> => {
    const channel = acted(call, false);
    const id = call.args.text('user') ?? '';
    if (!call.world.users.has(id)) throw new SlackFault('user_not_found');
    if (id === call.user.id) throw new SlackFault('cant_kick_self');
    if (channel.isGeneral) throw new SlackFault('cant_kick_from_general');
    if (!channel.members.has(id) || !channel.members.has(call.user.id)) throw new SlackFault('not_in_channel');
    call.channels.leave(channel, id, call.user.id);
    return {};
  },

  'conversations.leave': (call): To<'conversations.leave'> => {
    const channel = acted(call);
    if (channel.isGeneral) throw new SlackFault('cant_leave_general');
    if (!channel.members.has(call.user.id)) return { not_in_channel: true };
    if (channel.members.size === 1 && channel.kind === 'group') throw new SlackFault('last_member');
    call.channels.leave(channel, call.user.id);
    return {};
  },

  'conversations.setTopic': (call): To<'conversations.setTopic'> => described(call, 'topic'),
  'conversations.setPurpose': (call): To<'conversations.setPurpose'> => described(call, 'purpose'),

  'conversations.rename': (call): To<'conversations.rename'> => {
    const channel = acted(call);
    mustBeIn(call, channel);
    call.channels.rename(channel, call.args.text('name') ?? '', call.user.id);
    return { channel: shape(call, channel) };
  },

  'conversations.archive': (call): To<'conversations.archive'> => {
    const channel = acted(call, false);
    mustBeIn(call, channel);
    if (channel.isGeneral) throw new SlackFault('cant_archive_general');
    call.channels.archive(channel, call.user.id);
    return {};
  },

  'conversations.unarchive': (call): To<'conversations.unarchive'> => {
    call.channels.unarchive(acted(call, false), call.user.id);
    return {};
  },

  'conversations.mark': (call): To<'conversations.mark'> => {
    const channel = channelOf(call);
    mustBeIn(call, channel);
    const ts = call.args.need('ts');
    if (!/^\d+\.\d+$/.test(ts)) throw new SlackFault('invalid_timestamp');
    call.channels.mark(channel, call.user.id, ts);
    return {};
  },
} satisfies Partial<Methods<MethodName>>;

function shape({ user, team }: Call, channel: Channel) {
  return channelShape(channel, user.id, team) as never;
}

/** A channel that is no direct message and, unless it does not matter, not archived. */
function acted(call: Call, mustBeOpen = true): Channel {
  const channel = channelOf(call);
  if (isDirect(channel)) throw new SlackFault('method_not_supported_for_channel_type');
  if (mustBeOpen && channel.isArchived) throw new SlackFault('is_archived');
  return channel;
}

function described(call: Call, what: 'topic' | 'purpose'): To<'conversations.setTopic'> & To<'conversations.setPurpose'> {
  const channel = acted(call);
  mustBeIn(call, channel);
  call.channels.describe(channel, what, call.args.text(what) ?? '', call.user.id);
  return { channel: shape(call, channel) };
}

function sharesChannel({ world, user }: Call, other: string): boolean {
  return [...world.channels.values()].some(({ members }) => members.has(user.id) && members.has(other));
}
