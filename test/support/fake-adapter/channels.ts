// Channels of the fake network as the contract asks for them: `#name`, `fake #name` or an id.

import {
  type Channel,
  type ChannelId,
  type Channels,
  type Chat,
  channelId,
  DeniedError,
  type Permalinks,
  type RemoteUser,
  remoteMessageId,
  type UserId,
} from '#bridge-core';
import { personOf } from './events.ts';
import { type FakeNetwork, isChatName } from './network.ts';

const shape = /^(?:fake[/ ])?(#[^\s,]+)$/i;

export class FakeChannels implements Channels {
  readonly permalinks: Permalinks = {
    read: (address) => {
      const [, name, message] = /^https:\/\/fake\.test\/log\/([^/?#]+)(?:\/([^/?#]+))?/.exec(address) ?? [];
      if (name === undefined) return undefined;
      const channel = channelId(`fake/#${name}`);
      return message === undefined ? { channel } : { channel, message: remoteMessageId(message) };
    },
    of: ({ channel, message, thread }) => {
      const page = `https://fake.test/log/${channel.slice('fake/#'.length)}`;
      return `${page}${message === undefined ? '' : `/${message}`}${thread === undefined ? '' : `?thread=${thread}`}`;
    },
  };
  readonly #network: FakeNetwork;
  /** Who may link, by channel; nobody unless said. */
  readonly approved = new Set<string>();
  /** Channels where somebody can be asked, and what was. */
  readonly answering = new Set<string>();
  readonly asked: { channel: ChannelId; requester: UserId; room: string }[] = [];
  readonly named?: NonNullable<Channels['named']>;
  of?: NonNullable<Channels['of']>;
  isIn?: NonNullable<Channels['isIn']>;
  /** Those that not everybody may know of. */
  readonly hidden: Set<string>;
  /** The bridge itself is in those. */
  seesHidden = false;
  readonly #ownerOf: (nick: string) => UserId | undefined;

  /** `ownerOf`: whose own account it is. */
  constructor(
    network: FakeNetwork,
    ofOurs: ((nick: string) => UserId | undefined) | undefined,
    ownerOf: (nick: string) => UserId | undefined,
  ) {
    this.#network = network;
    this.hidden = network.hidden;
    this.#ownerOf = ownerOf;
    if (ofOurs !== undefined) this.named = (channel, word) => this.#named(channel, word, ofOurs(word));
  }

  async resolve(query: string, by?: UserId): Promise<Channel | undefined> {
    const name = shape.exec(query.trim())?.[1]?.toLowerCase();
    if (name === undefined) return undefined;
    const channel = this.describe(channelId(`fake/${name}`));
    const isSeen = by === undefined ? this.seesHidden : this.isIn?.(channel.id, by) === true;
    return this.hidden.has(name) && !isSeen ? undefined : channel;
  }

  chat(id: ChannelId): Chat | undefined {
    const { name } = this.describe(id);
    if (!isChatName(name)) return undefined;
    const nicks = name.slice(1).split('&');
    return { kind: nicks.length > 2 ? 'group' : 'direct', people: nicks.flatMap((nick) => this.#ownerOf(nick) ?? []) };
  }

  describe(id: ChannelId): Channel {
    const name = id.slice('fake/'.length);
    const topic = this.#network.channels.get(name)?.topic;
    const network = { id: 'fake', name: this.#network.title ?? 'Fake', domain: 'fake.test', aliases: [] };
    return { id, name, network, ...(topic && { topic }), ...this.#kindOf(name) };
  }

  #kindOf(name: string): Pick<Channel, 'kind'> {
    const kind = isChatName(name) ? (name.split('&').length > 3 ? 'group' : 'direct') : this.hidden.has(name) ? 'private' : undefined;
    return kind === undefined ? {} : { kind };
  }

  async *list(search = ''): AsyncGenerator<Channel> {
    for (const name of this.#network.channels.keys()) {
      const channel = this.describe(channelId(`fake/${name}`));
      if (channel.kind === undefined && name.includes(search)) yield channel;
    }
  }

  async *members(channel: ChannelId): AsyncGenerator<RemoteUser> {
    for (const nick of this.#network.channel(this.describe(channel).name).members) yield personOf(nick);
  }

  /** People may have rooms of their own. `nickOf`: undefined where it is not known yet. */
  serve(nickOf: (user: UserId) => string | undefined): void {
    this.isIn = (channel, user) => {
      const nick = nickOf(user);
      return nick === undefined ? undefined : this.#network.channel(this.describe(channel).name).members.has(nick);
    };
    this.of = (user) => this.#ofNick(nickOf(user) ?? '');
  }

  async *#ofNick(nick: string): AsyncGenerator<Channel> {
    for (const { name, members } of this.#network.channels.values())
      if (members.has(nick) && !isChatName(name)) yield this.describe(channelId(`fake/${name}`));
  }

  async approvePlumb(channel: ChannelId, requester: UserId, room: { readonly id: string }): Promise<'granted' | 'asked'> {
    if (this.approved.has(`${channel} ${requester}`)) return 'granted';
    if (this.answering.has(channel)) {
      this.asked.push({ channel, requester, room: room.id });
      return 'asked';
    }
    throw new DeniedError(`nobody in ${channel} agreed`);
  }

  #named(channel: ChannelId, word: string, ours: UserId | undefined): ReturnType<NonNullable<Channels['named']>> {
    const { members } = this.#network.channel(this.describe(channel).name);
    if (!members.has(word)) return undefined;
    return ours === undefined ? { remote: personOf(word) } : { user: ours };
  }
}
