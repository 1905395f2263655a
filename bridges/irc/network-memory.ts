// What one network's part of the adapter remembers over a restart: how the server folds names (ids depend on it), how channels
// are written, and until when each channel was heard.

import type { ChannelId, KeyValue, Logger } from '#bridge-core';
import { messageOf } from '#bridge-core';
import type { Isupport } from './wire/connection.ts';
import { isupportFrom } from './wire/isupport.ts';

export class NetworkMemory {
  readonly #network: string;
  readonly #memory: KeyValue;
  readonly #log: Logger;

  constructor(network: string, memory: KeyValue, log: Logger) {
    this.#network = network;
    this.#memory = memory;
    this.#log = log;
  }

  /** As the server last described itself; the protocol's defaults before it ever did. */
  support(): Isupport {
    const tokens = this.#memory.get(`support/${this.#network}`);
    return isupportFrom(Array.isArray(tokens) ? tokens.filter((each) => typeof each === 'string') : []);
  }

  noteSupport(support: Isupport): void {
    const before = this.support();
    if (before.casemapping === support.casemapping && before.nicklen === support.nicklen && before.chantypes === support.chantypes) return;
    if (this.#memory.get(`support/${this.#network}`) !== undefined && before.casemapping !== support.casemapping) {
      const change = { before: before.casemapping, now: support.casemapping };
      this.#log.warn(
        change,
        'the network folds names by another rule than before: people and channels with []\\~ in their names may change',
      );
    }
    const tokens = [`CASEMAPPING=${support.casemapping}`, `NICKLEN=${support.nicklen}`, `CHANTYPES=${support.chantypes}`];
    this.#set(`support/${this.#network}`, tokens);
  }

  /** How people write the channel, where that differs from its folded name. */
  channelName(folded: string): string {
    const name = this.#memory.get(`name/${this.#network}/${folded}`);
    return typeof name === 'string' ? name : folded;
  }

  noteChannelName(folded: string, name: string): void {
    if (this.channelName(folded) !== name) this.#set(`name/${this.#network}/${folded}`, name);
  }

  heardUntil(channel: ChannelId): number | undefined {
    const at = this.#memory.get(`heard/${channel}`);
    return typeof at === 'number' ? at : undefined;
  }

  noteHeard(channel: ChannelId, at: number): void {
    this.#set(`heard/${channel}`, at);
  }

  #set(key: string, value: string | number | readonly string[]): void {
    this.#memory.set(key, value).catch((thrown: unknown) => {
      this.#log.error({ error: messageOf(thrown), key }, 'could not be remembered');
    });
  }
}
