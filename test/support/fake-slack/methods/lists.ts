// conversations.list, .info, .members and users.conversations: what there is and who is in it. Pages and defaults as their pages on
// docs.slack.dev/reference/methods; cursors are Slack's secret, here a place in base64.

import { type Call, channelOf, isVisible, type MethodName, type Methods, page, type To } from '../call.ts';
import { methods, scopesFor } from '../documented.ts';
import type { Channel, ChannelKind } from '../model.ts';
import { grantsAny } from '../scopes.ts';
import { channelShape, listedChannel } from '../shapes.ts';
import { isOn, SlackFault } from '../world.ts';
import { missingScope } from './missing-scope.ts';

const kinds: Readonly<Record<string, ChannelKind>> = { public_channel: 'channel', private_channel: 'group', im: 'im', mpim: 'mpim' };

export const listMethods = {
  'conversations.list': (call): To<'conversations.list'> => listed(call, (channel) => isVisible(call, channel)),

  'users.conversations': (call): To<'users.conversations'> => {
    const whose = call.args.text('user') ?? call.user.id;
    const mayTell = (channel: Channel) => channel.kind === 'channel' || channel.members.has(call.user.id);
    const { channels = [], response_metadata } = listed(call, (channel) => channel.members.has(whose) && mayTell(channel));
    return { channels: channels.map(({ num_members: _, ...channel }) => channel) as never, response_metadata };
  },

  'conversations.info': (call): To<'conversations.info'> => {
    const channel = channelOf(call);
    const shape = channelShape(channel, call.user.id, call.team);
    const counted = call.args.isOn('include_num_members') && channel.kind !== 'im' ? { num_members: channel.members.size } : {};
    return { channel: { ...shape, ...counted, ...(call.args.isOn('include_locale') ? { locale: 'en-US' } : {}) } };
  },

  'conversations.members': (call): To<'conversations.members'> => {
    const { items, next_cursor } = page([...channelOf(call).members], call, 100, 1000);
    return { members: items, response_metadata: { next_cursor } };
  },
} satisfies Partial<Methods<MethodName>>;

function listed(call: Call, fits: (channel: Channel) => boolean): To<'conversations.list'> {
  const { args, team, token, method, world, user } = call;
  const types = args.list('types');
  const asked = new Set((types.length === 0 ? ['public_channel'] : types).map((type) => kindOf(type)));
  const documented = methods.get(method)?.scopes[token.kind === 'bot' ? 'bot' : 'user'] ?? [];
  for (const kind of asked) {
    const scopes = scopesFor(kind, documented);
    if (!grantsAny(token, scopes)) throw missingScope(token, scopes);
  }
  const isWanted = (channel: Channel) =>
    asked.has(channel.kind) && isOn(channel, team) && fits(channel) && !(channel.isArchived && args.isOn('exclude_archived'));
  const { items, next_cursor } = page([...world.channels.values()].filter(isWanted), call, 100, 1000);
  return { channels: items.map((channel) => listedChannel(channel, user.id, team)), response_metadata: { next_cursor } };
}

function kindOf(type: string): ChannelKind {
  const kind = kinds[type];
  if (kind === undefined) throw new SlackFault('invalid_types');
  return kind;
}
