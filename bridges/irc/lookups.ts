// Who and what is meant by fields from outside: of a name template (`network`, `nick`) or of Matrix's third-party look-up
// (`domain`, `nick`). By the networks' own rules of names; nobody is asked.

import type { ChannelId, Found, Lookups, RemoteUserId } from '#bridge-core';
import { isChannelName } from './channels.ts';
import { makeChannelId, makeUserId } from './ids.ts';
import type { IrcNetwork } from './network.ts';

type Fields = Readonly<Record<string, string>>;

export class IrcLookups implements Lookups {
  readonly userFields = ['domain', 'nick'];
  readonly locationFields = ['domain', 'channel'];
  readonly fieldTypes = {
    domain: { regexp: '[a-z0-9-_]+(\\.[a-z0-9-_]+)*', placeholder: 'irc.example.com' },
    nick: { regexp: '[^#\\s]+', placeholder: 'SomeNick' },
    channel: { regexp: '[#&+!][^\\s]+', placeholder: '#channel' },
  };
  readonly #networks: ReadonlyMap<string, IrcNetwork>;

  constructor(networks: ReadonlyMap<string, IrcNetwork>) {
    this.#networks = networks;
  }

  networks() {
    return Array.from(this.#networks.values(), ({ id, name, settings }) => ({ id, name, domain: settings.domain }));
  }

  user(fields: Fields): Found<RemoteUserId> | undefined {
    const network = this.#networkOf(fields);
    const { nick } = fields;
    if (network === undefined || nick === undefined || !isNick(network, nick)) return undefined;
    const folded = network.fold(nick);
    return { id: makeUserId(network.id, folded), fields: { domain: network.settings.domain, nick: folded } };
  }

  channel(fields: Fields): Found<ChannelId> | undefined {
    const network = this.#networkOf(fields);
    const { channel } = fields;
    if (network === undefined || channel === undefined || !isChannelName(network, channel)) return undefined;
    const folded = network.fold(channel);
    return { id: makeChannelId(network.id, folded), fields: { domain: network.settings.domain, channel: folded } };
  }

  #networkOf({ network, domain }: Fields): IrcNetwork | undefined {
    const named = network === undefined ? undefined : this.#networks.get(network);
    if (named !== undefined || domain === undefined) return named;
    const wanted = domain.toLowerCase();
    return this.#networks.values().find(({ settings }) => settings.domain === wanted || settings.aliases.includes(wanted));
  }
}

/** What no server could take for a channel, a mask or a status, nor for two words. */
function isNick(network: IrcNetwork, nick: string): boolean {
  return /^[^\s\0!@:,*?.#&+~%\d-][^\s\0!@:,*?]*$/.test(nick) && !network.support.chantypes.includes(nick.charAt(0));
}
