// The fake network as a whole: which channels are to have a room, and who is there, in pages of two.

import { type ChannelId, channelId, type Mirror, type MirroredChannel, type MirroredNetwork, type PageOfPeople } from '#bridge-core';
import type { FakeChannels } from './channels.ts';
import { personOf } from './events.ts';
import { type FakeNetwork, isChatName } from './network.ts';

export class FakeMirror implements Mirror {
  readonly #network: FakeNetwork;
  readonly #channels: FakeChannels;
  /** Nothing unless said; `isPrivateToo`: with what not everybody may know of. */
  wish: Pick<MirroredNetwork, 'channels' | 'people'> & { readonly isPrivateToo?: boolean } = { channels: false, people: 'off' };
  /** Left out by the settings. */
  readonly excluded = new Set<string>();
  /** From where people were asked for. */
  readonly asked: (string | undefined)[] = [];
  /** What could have no room. */
  readonly refusals: ChannelId[] = [];
  /** Before a channel is told of. */
  looks: (name: string) => Promise<void> = async () => {};

  constructor(network: FakeNetwork, channels: FakeChannels) {
    this.#network = network;
    this.#channels = channels;
  }

  networks(): readonly MirroredNetwork[] {
    return this.wish.channels || this.wish.people !== 'off' ? [{ id: 'fake', roomsPerMinute: 6_000, ...this.wish }] : [];
  }

  async *channels(): AsyncGenerator<MirroredChannel> {
    for (const name of [...this.#network.channels.keys()]) {
      const found = await this.channel(channelId(`fake/${name}`));
      if (!isChatName(name) && 'channel' in found) yield found;
    }
  }

  async channel(id: ChannelId): Promise<MirroredChannel | { readonly why: 'hidden' | 'excluded' }> {
    await this.looks(this.#channels.describe(id).name);
    const channel = this.#channels.describe(id);
    const known = this.#network.channels.get(channel.name);
    const isMeant = channel.kind === undefined || (channel.kind === 'private' && this.wish.channels && this.wish.isPrivateToo === true);
    const isExcluded = this.excluded.has(channel.name);
    if (known === undefined || !isMeant || (isExcluded && channel.kind === 'private')) return { why: 'hidden' };
    return isExcluded ? { why: 'excluded' } : { channel, isArchived: known.isArchived };
  }

  refused(id: ChannelId): void {
    this.refusals.push(id);
  }

  async *people(_network: string, from?: string): AsyncGenerator<PageOfPeople> {
    this.asked.push(from);
    const nicks = [...this.#network.people];
    for (let at = Number(from ?? 0); at < nicks.length; at += 2) {
      await this.#network.opensPeople(at);
      const people = nicks.slice(at, at + 2).map(personOf);
      yield { people, ...(at + 2 < nicks.length && { next: String(at + 2) }) };
    }
  }
}
