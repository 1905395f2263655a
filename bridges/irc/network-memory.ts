// What one network's part of the adapter remembers over a restart: how the server folds names (ids depend on it), how channels
// are written, and until when each channel was heard.

import type { ChannelId, Json, KeyValue, Logger } from '#bridge-core';
import { messageOf } from '#bridge-core';
import type { Isupport } from './wire/connection.ts';
import { isupportFrom } from './wire/isupport.ts';

export class NetworkMemory {
  readonly #network: string;
  readonly #memory: KeyValue;
  readonly #log: Logger;
  readonly #written = new Map<string, string>();

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
    const isKnown = this.#memory.get(`support/${this.#network}`) !== undefined;
    const isSame = (['casemapping', 'nicklen', 'chantypes', 'network'] as const).every((name) => before[name] === support[name]);
    if (isKnown && isSame) return;
    if (isKnown && before.casemapping !== support.casemapping) {
      const change = { before: before.casemapping, now: support.casemapping };
      this.#log.warn(
        change,
        'the network folds names by another rule than before: people and channels with []\\~ in their names may change',
      );
    }
    const tokens = [`CASEMAPPING=${support.casemapping}`, `NICKLEN=${support.nicklen}`, `CHANTYPES=${support.chantypes}`];
    this.#set(`support/${this.#network}`, support.network === undefined ? tokens : [...tokens, `NETWORK=${support.network}`]);
  }

  /** How people write the channel: as noted for good, or as first written. */
  channelName(folded: string): string {
    const name = this.#memory.get(`name/${this.#network}/${folded}`);
    return typeof name === 'string' ? name : (this.#written.get(folded) ?? folded);
  }

  /** Somebody wrote it so. Not noted for good, for anybody may ask for channels by the thousand. */
  noteWritten(folded: string, name: string): void {
    if (this.#written.size >= 1_000) this.#written.clear();
    if (!this.#written.has(folded)) this.#written.set(folded, name);
  }

  /** The channel is in use: its way of writing is kept. */
  keepChannelName(folded: string): string {
    const name = this.channelName(folded);
    const key = `name/${this.#network}/${folded}`;
    if (name !== folded && this.#memory.get(key) !== name) this.#set(key, name);
    return name;
  }

  /** Until when a channel was heard, and the id of the last message. `markedAt`: as its own note says. */
  heardUntil(channel: ChannelId): { readonly at: number; readonly markedAt: number; readonly id: string | undefined } | undefined {
    const mark = this.#memory.get(`heard/${channel}`);
    const [markedAt, id] = Array.isArray(mark) ? mark : [];
    if (typeof markedAt !== 'number') return undefined;
    const note = this.#memory.get(`listening/${this.#network}`);
    const [listening, ...unheard] = Array.isArray(note) ? note : [];
    const isIncluded = typeof listening === 'number' && !unheard.includes(channel) && !this.isShutOut(channel);
    return { at: isIncluded ? Math.max(markedAt, listening) : markedAt, markedAt, id: typeof id === 'string' ? id : undefined };
  }

  noteHeard(channel: ChannelId, at: number, id: string | undefined): void {
    this.#set(`heard/${channel}`, id === undefined ? [at] : [at, id]);
  }

  forgetHeard(channel: ChannelId): void {
    this.#set(`heard/${channel}`, undefined);
  }

  /** It put us out, and is to be gone back into once it lets us in again. */
  isShutOut(channel: ChannelId): boolean {
    return this.#memory.get(`out/${channel}`) === true;
  }

  noteShutOut(channel: ChannelId, isOut: boolean): void {
    if (this.isShutOut(channel) !== isOut) this.#set(`out/${channel}`, isOut ? true : undefined);
  }

  /** All watched channels but these were heard until then. */
  noteListening(at: number, unheard: readonly ChannelId[]): void {
    this.#set(`listening/${this.#network}`, [at, ...unheard]);
  }

  #set(key: string, value: Json | undefined): void {
    this.#memory.set(key, value).catch((thrown: unknown) => {
      this.#log.error({ error: messageOf(thrown), key }, 'could not be remembered');
    });
  }
}
