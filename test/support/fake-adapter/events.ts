// What happened on the fake network, as the contract's events.

import { channelId, type RemoteEvent, type RemoteUser, type RemoteUserId, remoteMessageId, remoteUserId } from '#bridge-core';
import type { Happening } from './network.ts';

export const remoteIdOf = (nick: string): RemoteUserId => remoteUserId(`fake/${nick}`);

export function personOf(nick: string): RemoteUser {
  return { id: remoteIdOf(nick), name: nick, fields: { network: 'fake', nick } };
}

/** Ids are left out where the network has none. */
export function eventOf(happening: Happening, withIds: boolean): RemoteEvent | undefined {
  const { at, channel, nick } = happening;
  const common = { at, channel: channelId(`fake/${channel}`) };
  const own = withIds ? { id: remoteMessageId(`e${happening.serial}`) } : {};
  const sender = personOf(nick);
  switch (happening.what) {
    case 'message': {
      const { body, style, id, replyTo } = happening.message;
      return {
        ...common,
        ...{ kind: 'message', sender, body, style },
        ...(withIds && { id: remoteMessageId(id) }),
        ...(replyTo !== undefined && { replyTo: remoteMessageId(replyTo) }),
      };
    }
    case 'edit': {
      const { target, body, style } = happening;
      return { ...common, ...own, kind: 'edit', sender, target: remoteMessageId(target), body, style };
    }
    case 'redaction': {
      const { target, reason } = happening;
      return { ...common, ...own, kind: 'redaction', sender, target: remoteMessageId(target), ...(reason !== undefined && { reason }) };
    }
    case 'reaction': {
      const { target, emoji, on } = happening;
      return { ...common, ...own, kind: 'reaction', sender, target: remoteMessageId(target), emoji, on };
    }
    case 'typing':
      return { ...common, kind: 'typing', sender, on: happening.on };
    case 'join':
    case 'leave':
      return { ...common, kind: 'membership', user: sender, change: happening.what };
    case 'kick': {
      const { reason, by } = happening;
      return {
        ...common,
        ...own,
        kind: 'membership',
        user: sender,
        change: 'kick',
        by: personOf(by),
        ...(reason !== undefined && { reason }),
      };
    }
    case 'topic':
      return { ...common, ...own, kind: 'channel', by: sender, topic: happening.topic };
    case 'rename':
      return { ...common, kind: 'profile', user: sender, was: personOf(happening.was) };
    case 'read':
      return { ...common, kind: 'read', user: sender, upTo: remoteMessageId(happening.upTo) };
    case 'away':
      return { ...common, kind: 'presence', user: sender, ...(happening.away !== undefined && { away: happening.away }) };
  }
}
