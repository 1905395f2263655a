// For whom each channel is listened to: for the bot's links, or for people who have rooms of their own for it.

import type { ChannelId, UserId } from '#bridge-core';
import { parseId } from './ids.ts';

export class Watchers {
  /** `undefined`: the bot. */
  readonly #of = new Map<ChannelId, Map<UserId | undefined, number>>();
  #count = 0;

  has(channel: ChannelId): boolean {
    return this.#of.has(channel);
  }

  isBy(channel: ChannelId, by: UserId | undefined): boolean {
    return this.#of.get(channel)?.has(by) === true;
  }

  some(channel: ChannelId, fits: (by: UserId | undefined) => boolean): boolean {
    for (const by of this.#of.get(channel)?.keys() ?? []) if (fits(by)) return true;
    return false;
  }

  /** Its number; undefined: they did already. */
  add(channel: ChannelId, by: UserId | undefined): number | undefined {
    if (this.isBy(channel, by)) return undefined;
    this.#count += 1;
    this.#of.set(channel, (this.#of.get(channel) ?? new Map<UserId | undefined, number>()).set(by, this.#count));
    return this.#count;
  }

  /** Neither ended nor begun anew. */
  stands(channel: ChannelId, by: UserId | undefined, number: number): boolean {
    return this.#of.get(channel)?.get(by) === number;
  }

  /** True: nobody listens any more. */
  delete(channel: ChannelId, by: UserId | undefined): boolean {
    const of = this.#of.get(channel);
    of?.delete(by);
    if (of !== undefined && of.size > 0) return false;
    this.#of.delete(channel);
    return true;
  }

  /** Of one team; those of the bot, or of one person. */
  by(team: string, by: UserId | undefined): ChannelId[] {
    return this.all(team).filter((channel) => this.isBy(channel, by));
  }

  all(team: string): ChannelId[] {
    return [...this.#of.keys()].filter((channel) => parseId(channel).team === team);
  }
}
