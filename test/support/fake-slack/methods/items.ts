// reactions.* and pins.*: as their pages on docs.slack.dev/reference/methods, for messages only (files and their comments are history).

import { type Call, channelOf, isVisible, type MethodName, type Methods, type To } from '../call.ts';
import { isTs } from '../clock.ts';
import { permalink } from '../inner-events.ts';
import { inHistory } from '../message-shapes.ts';
import type { Message } from '../model.ts';
import { SlackFault } from '../world.ts';

export const itemMethods = {
  'reactions.add': (call): To<'reactions.add'> => {
    const message = item(call);
    if (message.channel.isArchived) throw new SlackFault('is_archived');
    call.messages.react(message, call.user.id, nameOf(call));
    return {};
  },

  'reactions.remove': (call): To<'reactions.remove'> => {
    call.messages.unreact(item(call), call.user.id, nameOf(call));
    return {};
  },

  'reactions.get': (call): To<'reactions.get'> => {
    const message = item(call);
    const { user, text, ts, reactions, bot_id, app_id, bot_profile, team } = inHistory(call.world, message);
    const shape = {
      type: 'message',
      user,
      text,
      ts,
      reactions,
      bot_id,
      app_id,
      bot_profile,
      team,
      permalink: permalink(call.world, message),
    };
    return { type: 'message', channel: message.channel.id, message: shape as never };
  },

  'pins.add': (call): To<'pins.add'> => {
    call.messages.pin(pinnable(call), call.user.id);
    return {};
  },

  'pins.remove': (call): To<'pins.remove'> => {
    call.messages.unpin(pinnable(call), call.user.id);
    return {};
  },

  'pins.list': (call): To<'pins.list'> => {
    const channel = channelOf(call);
    const items = [...channel.pins].reverse().flatMap(([ts, { by, at }]) => {
      const message = channel.timeline.all.get(ts);
      if (message === undefined) return [];
      const shape = { ...inHistory(call.world, message), pinned_to: [channel.id], permalink: permalink(call.world, message) };
      return { type: 'message', created: at, created_by: by, channel: channel.id, message: shape as never };
    });
    return { items };
  },
} satisfies Partial<Methods<MethodName>>;

function item(call: Call): Message {
  const { args, world } = call;
  const ts = args.text('timestamp');
  if (args.text('channel') === undefined || ts === undefined) throw new SlackFault('no_item_specified');
  if (!isTs(ts)) throw new SlackFault('bad_timestamp');
  const channel = world.channels.get(args.need('channel'));
  if (channel === undefined || !isVisible(call, channel)) throw new SlackFault('channel_not_found');
  return world.message(channel, ts);
}

function pinnable(call: Call): Message {
  const message = item(call);
  if (!message.channel.members.has(call.user.id)) throw new SlackFault(call.method === 'pins.add' ? 'not_in_channel' : 'restricted_action');
  return message;
}

/** Without colons, though Slack strips those that are given. */
function nameOf({ args }: Call): string {
  const name = args.text('name');
  if (name === undefined) throw new SlackFault('invalid_name');
  return name.replace(/^:|:$/g, '');
}
