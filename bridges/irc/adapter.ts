// The IRC adapter: one object a network of the config, and what the core asks handed to the right one by the id.

import type {
  Adapter,
  AdapterTools,
  Capabilities,
  ChannelId,
  ConfiguredLink,
  ConnectionStatus,
  RemoteEvent,
  RemoteMessageId,
  RemoteUser,
  RemoteUserId,
  Session,
  Speaker,
  UserId,
} from '#bridge-core';
import { roomId } from '#bridge-core';
import { IrcChannels } from './channels.ts';
import { ircFormatter } from './formatter.ts';
import { makeChannelId, parseId } from './ids.ts';
import { logins } from './logins.ts';
import { IrcLookups } from './lookups.ts';
import { IrcNetwork, unknownNetwork } from './network.ts';
import type { IrcSettings } from './settings.ts';
import { type IrcTiming, usualTiming } from './timing.ts';
import { openConnection } from './wire/connect.ts';

const topicWays = { off: 'off', 'irc-to-matrix': 'to-matrix', 'matrix-to-irc': 'to-network', both: 'both' } as const;

export class IrcAdapter implements Adapter {
  readonly formatter = ircFormatter;
  readonly logins = logins;
  /** Whoever of ours heard the channel last is known here alone (reporters.ts). */
  readonly closesGaps = true;
  readonly channels: IrcChannels;
  readonly lookups: IrcLookups;
  #settings: IrcSettings;
  readonly #networks = new Map<string, IrcNetwork>();

  /** `timing` for tests, which may change it on the way. */
  constructor(settings: IrcSettings, tools: AdapterTools, timing: IrcTiming = usualTiming) {
    this.#settings = settings;
    for (const [id, network] of Object.entries(settings.networks)) {
      const keys = () =>
        this.#settings.links.flatMap((link) => (link.network === id && link.key ? [[link.channel, link.key] as const] : []));
      const parts = { id, settings: network, keys, tools, timing, open: openConnection };
      this.#networks.set(id, new IrcNetwork(parts));
    }
    this.channels = new IrcChannels(this.#networks);
    this.lookups = new IrcLookups(this.#networks);
  }

  capabilities(channel: ChannelId): Capabilities {
    const network = this.#networkOf(channel);
    const { flood, puppets } = network.settings;
    return {
      messageIds: network.botSession()?.connection.capabilities.has('message-tags') ?? false,
      threads: false,
      shownAs: false,
      files: 'link',
      members: 'all',
      puppets: puppets.max === 0 ? 'none' : 'automatic',
      sendsPerSecond: flood === 'off' ? 10_000 : 1_000 / flood.every,
    };
  }

  configuredLinks(): readonly ConfiguredLink[] {
    return this.#settings.links.flatMap(({ network: id, channel, room, topic }) => {
      const network = this.#networks.get(id);
      if (network === undefined) return [];
      const folded = network.fold(channel);
      network.memory.noteWritten(folded, channel);
      return [{ channel: makeChannelId(id, folded), room: roomId(room), topic: topicWays[topic] }];
    });
  }

  /** Links come and go while the bridge runs; a network's connections are made with its settings. */
  reload(settings: unknown): readonly string[] {
    const now = settings as IrcSettings;
    const before = this.#settings;
    this.#settings = { ...before, links: now.links.filter(({ network }) => this.#networks.has(network)) };
    const names = new Set([...Object.keys(before.networks), ...Object.keys(now.networks)]);
    return [...names]
      .filter((name) => JSON.stringify(before.networks[name]) !== JSON.stringify(now.networks[name]))
      .map((name) => `irc.networks.${name}: needs a restart`);
  }

  async connect(): Promise<void> {
    for (const network of this.#networks.values()) network.start();
  }

  async disconnect(): Promise<void> {
    await Promise.all(Array.from(this.#networks.values(), (network) => network.stop()));
  }

  async watch(channel: ChannelId): Promise<void> {
    await this.#networkOf(channel).watching.watch(channel);
  }

  async unwatch(channel: ChannelId, _by?: UserId, isForNow = false): Promise<void> {
    await this.#networks.get(parseId(channel).network)?.watching.unwatch(channel, isForNow);
  }

  async session(speaker: Speaker, channel: ChannelId, isSilent = false): Promise<Session> {
    return this.#networkOf(channel).session(speaker, isSilent);
  }

  openSession(speaker: Speaker, channel: ChannelId): Session | undefined {
    return this.#networks.get(parseId(channel).network)?.openSession(speaker);
  }

  speakerOf(user: RemoteUserId): Speaker | undefined {
    const { network, name } = parseId(user);
    return this.#networks.get(network)?.speakerOf(name);
  }

  async user(id: RemoteUserId, channels: readonly ChannelId[] = []): Promise<RemoteUser | undefined> {
    const { network, name } = parseId(id);
    const here = channels.map((channel) => parseId(channel)).filter((place) => place.network === network);
    return this.#networks.get(network)?.directory.user(
      name,
      here.map((place) => place.name),
    );
  }

  async tell(user: RemoteUserId, words: string): Promise<void> {
    const { network, name } = parseId(user);
    await this.#networks.get(network)?.tell(name, words);
  }

  nick(user: UserId, channel: ChannelId, wanted: string): Promise<string> {
    return this.#networkOf(channel).rename(user, wanted);
  }

  async *history(channel: ChannelId, since: RemoteMessageId | number): AsyncGenerator<RemoteEvent> {
    yield* this.#networkOf(channel).directory.history(this.channels.describe(channel), since);
  }

  status(): readonly ConnectionStatus[] {
    return Array.from(this.#networks.values(), (network) => network.status());
  }

  #networkOf(channel: ChannelId): IrcNetwork {
    const network = this.#networks.get(parseId(channel).network);
    if (network === undefined) throw unknownNetwork(channel);
    return network;
  }
}
