// What a channel of our links is called, also where its network was taken out of the config: then nothing is known of it but its
// id, and what is left of it must stop nobody else.

import type { Channels } from '../adapter.ts';
import type { Channel } from '../channel.ts';
import { PermanentError } from '../errors.ts';
import type { ChannelId } from '../ids.ts';
import { isForAll, isVeiled } from './kept-back.ts';
import type { Link } from './links.ts';

export interface Described extends Pick<Channel, 'id' | 'name' | 'kind'> {
  readonly network?: Channel['network'];
}

export function described(channels: Pick<Channels, 'describe'>, id: ChannelId): Described {
  try {
    return channels.describe(id);
  } catch (thrown) {
    if (!(thrown instanceof PermanentError)) throw thrown;
    return { id, name: id };
  }
}

/** What it is called in words to the link's room, as all who are there may know it. */
export function calledIn(channels: Pick<Channels, 'describe'>, link: Link): string {
  return isNameless(channels, link) ? 'the channel' : described(channels, link.channel).name;
}

/** What it is called is not for all who are in the link's room, be it that only the network knows so far that it is private. */
export function isNameless(channels: Pick<Channels, 'describe'>, link: Link): boolean {
  return isVeiled(link) || (isForAll(link) && described(channels, link.channel).kind === 'private');
}
