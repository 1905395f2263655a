// The ids that the core stores and hands back: `<network>/<folded name>`. Names arrive here already folded, by the rule of
// their network; nothing else in this folder takes an id apart.

import { type ChannelId, channelId, type RemoteMessageId, type RemoteUserId, remoteMessageId, remoteUserId } from '#bridge-core';

export interface Place {
  readonly network: string;
  /** Folded: a channel with its sign, or a nick. */
  readonly name: string;
}

export function makeChannelId(network: string, folded: string): ChannelId {
  return channelId(`${network}/${folded}`);
}

export function makeUserId(network: string, folded: string): RemoteUserId {
  return remoteUserId(`${network}/${folded}`);
}

/** The server's `msgid`; undefined where it gives none. */
export function makeMessageId(tag: string | undefined): RemoteMessageId | undefined {
  return tag === undefined || tag === '' ? undefined : remoteMessageId(tag);
}

/** Network names hold no slash, channels may: the first one parts them. */
export function parseId(id: ChannelId | RemoteUserId): Place {
  const slash = id.indexOf('/');
  return { network: id.slice(0, Math.max(slash, 0)), name: id.slice(slash + 1) };
}
