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
      const { body, style, id, replyTo, files, thread, isBroadcast, shownAs, avatar } = happening.message;
      return {
        ...common,
        ...{ kind: 'message', sender, body, style },
        ...(withIds && { id: remoteMessageId(id) }),
        ...(replyTo !== undefined && { replyTo: remoteMessageId(replyTo) }),
        ...(files !== undefined && { files }),
        ...(thread !== undefined && { thread: remoteMessageId(thread) }),
        ...(isBroadcast !== undefined && { isBroadcast }),
        ...(shownAs !== undefined && { shownAs: { name: shownAs, ...(avatar !== undefined && { avatar }) } }),
      };
    }
    case 'edit': {
      const { target, body, style, message } = happening;
      const { files, thread, shownAs, avatar } = message ?? {};
      return {
        ...{ ...common, ...own, kind: 'edit', sender, target: remoteMessageId(target), body, style },
        ...(files !== undefined && { files }),
        ...(thread !== undefined && { thread: remoteMessageId(thread) }),
        ...(shownAs !== undefined && { shownAs: { name: shownAs, ...(avatar !== undefined && { avatar }) } }),
      };
    }
    case 'redaction': {
      const { target, reason } = happening;
      return { ...common, ...own, kind: 'redaction', sender, target: remoteMessageId(target), ...(reason !== undefined && { reason }) };
    }
    case 'reaction': {
      const { target, emoji, on, picture } = happening;
      return {
        ...{ ...common, ...own, kind: 'reaction', sender, target: remoteMessageId(target), emoji, on },
        ...(picture !== undefined && { picture: { name: emoji, source: picture } }),
      };
    }
    case 'typing':
      return { ...common, kind: 'typing', sender, on: happening.on };
    case 'join':
    case 'leave':
      return { ...common, kind: 'membership', user: sender, change: happening.what };
    case 'unban':
      return { ...common, ...own, kind: 'membership', user: sender, change: 'unban', by: personOf(happening.by) };
    case 'kick':
    case 'ban': {
      const { reason, by } = happening;
      return {
        ...common,
        ...own,
        kind: 'membership',
        user: sender,
        change: happening.what,
        by: personOf(by),
        ...(reason !== undefined && { reason }),
      };
    }
    case 'topic':
      return { ...common, ...own, kind: 'channel', by: sender, topic: happening.topic };
    case 'called':
      return { ...common, ...own, kind: 'channel', by: sender, name: happening.name };
    case 'archived':
      return { ...common, ...own, kind: 'channel', by: sender, archived: happening.on };
    case 'pin':
      return { ...common, ...own, kind: 'pin', by: sender, target: remoteMessageId(happening.target), on: happening.on };
    case 'rename':
      return { ...common, kind: 'profile', user: sender, was: personOf(happening.was) };
    case 'read':
      return { ...common, kind: 'read', user: sender, upTo: remoteMessageId(happening.upTo) };
    case 'away':
      return { ...common, kind: 'presence', user: sender, ...(happening.away !== undefined && { away: happening.away }) };
  }
}
