// The channels that the bridge listens to on one network, by folded name and, for the many lines of them, by the name as the
// server writes it.

import type { ChannelId } from '#bridge-core';
import type { Coverage } from './reporters.ts';

export interface Watched {
  readonly id: ChannelId;
  readonly folded: string;
  /** As people write it. */
  readonly name: string;
  readonly coverage: Coverage;
  key: string | undefined;
  topic: string | undefined;
  /** The bot's last kick, and its way back. */
  kickedAt: number | undefined;
  timer: NodeJS.Timeout | undefined;
  /** Until when it was heard as known durably. */
  markedAt: number;
  /** For a while after a gap: old lines that the server repeats to whoever joins count from here on. */
  replay: { readonly after: number; readonly until: number } | undefined;
  /** What was said before it let us in again is missing for that reason. */
  readonly wasShutOut: boolean;
}

export class WatchedChannels {
  readonly #byFolded = new Map<string, Watched>();
  readonly #byName = new Map<string, Watched | undefined>();
  readonly #fold: (name: string) => string;
  #hasOldKeys = false;

  constructor(fold: (name: string) => string) {
    this.#fold = fold;
  }

  get size(): number {
    return this.#byFolded.size;
  }

  [Symbol.iterator](): Iterator<Watched> {
    return this.#byFolded.values();
  }

  get(folded: string): Watched | undefined {
    return this.#byFolded.get(folded);
  }

  /** By the name as it stands in a line. */
  named(name: string): Watched | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const folded = this.#fold(name);
    const found = this.#byFolded.get(folded) ?? this.#written(folded);
    if (found === undefined) return undefined;
    if (this.#byName.size > 10_000) this.#byName.clear();
    this.#byName.set(name, found);
    return found;
  }

  /** How all parts key the channel: as in its id, whatever rule that was folded by. */
  keyOf(name: string): string {
    return this.named(name)?.folded ?? this.#fold(name);
  }

  add(channel: Watched): void {
    this.#byFolded.set(channel.folded, channel);
    this.#hasOldKeys ||= this.#fold(channel.name) !== channel.folded;
  }

  /** The network folds by another rule now, as its server says: keys of ids may be of the old one. */
  ruleChanged(): void {
    this.#byName.clear();
    this.#hasOldKeys = [...this].some((channel) => this.#fold(channel.name) !== channel.folded);
  }

  #written(folded: string): Watched | undefined {
    if (!this.#hasOldKeys) return undefined;
    return [...this].find((channel) => this.#fold(channel.name) === folded);
  }

  remove(channel: Watched): void {
    clearTimeout(channel.timer);
    this.#byFolded.delete(channel.folded);
    this.#byName.clear();
  }
}
