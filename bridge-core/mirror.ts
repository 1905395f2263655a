// What of whole networks is kept in step, though nobody asks for a channel or speaks: part of the contract. Which networks, and
// what of them, is the adapter's setting; rooms, spaces and names are the core's (plumbing/mirrors.ts). Types only.

import type { Channel } from './channel.ts';
import type { ChannelId } from './ids.ts';
import type { RemoteUser } from './remote-event.ts';

export interface Mirror {
  networks(): readonly MirroredNetwork[];
  /** Those that are to have a room, all of them, in the adapter's own time; a private one (Channel.kind) only where its settings say so
   *  and `Channels.isIn` tells who of ours is in it: they alone are let into its room. */
  channels(network: string): AsyncIterable<MirroredChannel>;
  /** That one as the network has it now, after `Inbox.changed`; private ones as in `channels`. */
  channel(id: ChannelId): Promise<MirroredChannel | Unmirrored>;
  /** No room could be made for it, be it that it does not let the bridge in: whoever could may be asked to. Told after each try. */
  refused?(id: ChannelId): void;
  /** Page by page; `from` is the `next` of the last page that was taken in, of an earlier run maybe. */
  people(network: string, from?: string): AsyncIterable<PageOfPeople>;
}

export interface MirroredNetwork {
  readonly id: string;
  readonly channels: boolean;
  /** New rooms, so that neither side feels it. */
  readonly roomsPerMinute: number;
  /** `known`: names and pictures of those who have a ghost already; `all`: everybody has one. */
  readonly people: 'off' | 'known' | 'all';
}

export interface MirroredChannel {
  readonly channel: Channel;
  readonly isArchived: boolean;
}

/** `hidden`: not everybody of the network may see it, or there is none. `shut-out`: the same, and the bridge may be let into it again, as
 *  after `Inbox.suspended`. `excluded`: the settings leave it out. */
export interface Unmirrored {
  readonly why: 'hidden' | 'shut-out' | 'excluded';
}

export interface PageOfPeople {
  readonly people: readonly RemoteUser[];
  readonly next?: string;
}
