// Channels of the fake network as the contract asks for them: `#name`, `fake #name` or an id.

import { type Channel, type ChannelId, type Channels, channelId, DeniedError, type RemoteUser, type UserId } from '#bridge-core';
import { personOf } from './events.ts';
import type { FakeNetwork } from './network.ts';

const shape = /^(?:fake[/ ])?(#[^\s,]+)$/i;

export class FakeChannels implements Channels {
  readonly #network: FakeNetwork;
  /** Who may link, by channel; nobody unless said. */
  readonly approved = new Set<string>();
  readonly named?: NonNullable<Channels['named']>;

  constructor(network: FakeNetwork, ofOurs: ((nick: string) => UserId | undefined) | undefined) {
    this.#network = network;
    if (ofOurs !== undefined) this.named = (channel, word) => this.#named(channel, word, ofOurs(word));
  }

  async resolve(query: string): Promise<Channel | undefined> {
    const name = shape.exec(query.trim())?.[1];
    return name === undefined ? undefined : this.describe(channelId(`fake/${name.toLowerCase()}`));
  }

  describe(id: ChannelId): Channel {
    const name = id.slice('fake/'.length);
    return { id, name, network: { id: 'fake', name: 'Fake', domain: 'fake.test', aliases: [] } };
  }

  async *list(search = ''): AsyncGenerator<Channel> {
    for (const name of this.#network.channels.keys()) if (name.includes(search)) yield this.describe(channelId(`fake/${name}`));
  }

  async *members(channel: ChannelId): AsyncGenerator<RemoteUser> {
    for (const nick of this.#network.channel(this.describe(channel).name).members) yield personOf(nick);
  }

  async approvePlumb(channel: ChannelId, requester: UserId): Promise<'granted' | 'asked'> {
    if (this.approved.has(`${channel} ${requester}`)) return 'granted';
    throw new DeniedError(`nobody in ${channel} agreed`);
  }

  #named(channel: ChannelId, word: string, ours: UserId | undefined): ReturnType<NonNullable<Channels['named']>> {
    const { members } = this.#network.channel(this.describe(channel).name);
    if (!members.has(word)) return undefined;
    return ours === undefined ? { remote: personOf(word) } : { user: ours };
  }
}
