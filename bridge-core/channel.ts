// A channel as the network has it: part of the contract. Types only.

import type { ChannelId } from './ids.ts';

export interface Channel {
  readonly id: ChannelId;
  /** As people write it: `#node`. */
  readonly name: string;
  /** Every answer calls it by its `name`; commands take any of these. */
  readonly network: { readonly id: string; readonly name: string; readonly domain: string; readonly aliases: readonly string[] };
  readonly topic?: string;
  readonly url?: string;
  /** Nothing is known of it yet but its id, which stands for its name: as after a start, until the network was asked. */
  readonly isUnknown?: true;
  /** `public` unless said: anybody of the network may come in. */
  readonly kind?: 'public' | 'private' | 'direct' | 'group';
}
