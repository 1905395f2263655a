// Channels as the core looks for them: by what people write, by id, by search; and who is in them.

import type { Channel, ChannelId, Channels, RemoteUser, UserId } from '#bridge-core';
import { makeChannelId, parseId } from './ids.ts';
import { type IrcNetwork, unknownNetwork } from './network.ts';

/** Longer names are refused by every server. */
const longest = 200;

export class IrcChannels implements Channels {
  readonly #networks: ReadonlyMap<string, IrcNetwork>;

  constructor(networks: ReadonlyMap<string, IrcNetwork>) {
    this.#networks = networks;
  }

  async resolve(query: string): Promise<Channel | undefined> {
    const found = this.#read(query.trim());
    if (found === undefined) return undefined;
    const [network, name] = found;
    const folded = network.fold(name);
    network.memory.noteWritten(folded, name);
    return this.describe(makeChannelId(network.id, folded));
  }

  describe(id: ChannelId): Channel {
    const { network: networkId, name: folded } = parseId(id);
    const network = this.#networks.get(networkId);
    if (network === undefined) throw unknownNetwork(id);
    const watched = network.channels.get(folded);
    const name = watched?.name ?? network.memory.channelName(folded);
    const { domain, aliases, host, port, tls } = network.settings;
    const topic = watched?.topic;
    return {
      id,
      name,
      network: { id: networkId, name: network.name, domain, aliases },
      ...(topic === undefined ? {} : { topic }),
      url: `${tls === undefined ? 'irc' : 'ircs'}://${host}:${port}/${encodeURIComponent(name)}`,
    };
  }

  async *list(search?: string): AsyncGenerator<Channel> {
    const wanted = search?.toLowerCase();
    for (const network of this.#networks.values()) {
      // Spaces and commas would make it a list of masks.
      const word = wanted?.replace(/[\s,*?]+/g, '?');
      const canMask = word !== undefined && word !== '' && (network.support.get('ELIST') ?? '').toUpperCase().includes('M');
      for (const { name, topic } of await network.list(canMask ? `*${word}*` : undefined)) {
        if (!isChannelName(network, name)) continue;
        if (wanted !== undefined && !`${name} ${topic}`.toLowerCase().includes(wanted)) continue;
        yield { ...this.describe(makeChannelId(network.id, network.fold(name))), name, topic };
      }
    }
  }

  async *members(id: ChannelId): AsyncGenerator<RemoteUser> {
    const { network, name } = parseId(id);
    yield* this.#networks.get(network)?.directory.members(name) ?? [];
  }

  named(id: ChannelId, word: string): { readonly user: UserId } | { readonly remote: RemoteUser } | undefined {
    const { network, name } = parseId(id);
    return this.#networks.get(network)?.directory.named(name, word);
  }

  /** `#node` where there is one network, `libera #node`, `Libera.Chat #node`, `libera/#node`, `irc://irc.libera.chat/#node`. */
  #read(query: string): [IrcNetwork, string] | undefined {
    const address = /^ircs?:\/\/([^/:]+)(?::\d+)?\/(.+)$/i.exec(query);
    const parts = address ?? /^([^\s/]+)(?:\/|\s+)(\S+)$/.exec(query);
    const network = parts === null ? this.#only() : this.#called(parts[1] ?? '');
    const written = parts === null ? query : address === null ? (parts[2] ?? '') : unescaped(parts[2] ?? '');
    if (network !== undefined && isChannelName(network, written)) return [network, written];
    // A channel's name may hold a slash: `#a/b`.
    const only = this.#only();
    return only !== undefined && isChannelName(only, query) ? [only, query] : undefined;
  }

  #only(): IrcNetwork | undefined {
    const [first, ...others] = this.#networks.values();
    return others.length === 0 ? first : undefined;
  }

  #called(name: string): IrcNetwork | undefined {
    const wanted = name.toLowerCase();
    const exact = this.#networks.get(wanted);
    if (exact !== undefined) return exact;
    for (const network of this.#networks.values()) {
      const { domain, aliases, host } = network.settings;
      if ([domain, host.toLowerCase(), ...aliases].includes(wanted)) return network;
    }
    // Nobody keeps two networks from calling themselves the same.
    const [named, ...others] = [...this.#networks.values()].filter((network) => network.name.toLowerCase() === wanted);
    return others.length === 0 ? named : undefined;
  }
}

export function isChannelName(network: IrcNetwork, name: string): boolean {
  return name.length > 1 && name.length <= longest && network.support.chantypes.includes(name.charAt(0)) && !/[\s,\0\x07]/.test(name);
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
