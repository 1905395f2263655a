// What is being said for people of ours and was not answered: noted before it is posted and over restarts, for it may stand in Gitter all the
// same. There nothing tells it from what another bridge says under the same name but that it is these words, in this room, at that time;
// and one message alone is it.

import { createHash } from 'node:crypto';
import type { KeyValue } from '#bridge-core';

export interface Said {
  /** As the network knows whom it is said for. */
  readonly as: string;
  readonly room: string;
  readonly text: string;
}

interface Doubt {
  /** When it was begun with; ms. */
  readonly at: number;
  /** Its answer was lost: it stays one, though the same words are said again and answered. */
  readonly isLost: boolean;
}

/** ms: between our clock and Gitter's, and until a post is given up. */
const before = 60_000;
const after = 600_000;

export class Doubts {
  readonly #memory: KeyValue;
  readonly #now: () => number;
  readonly #open = new Map<string, Doubt>();

  constructor(memory: KeyValue, now = Date.now) {
    this.#memory = memory;
    this.#now = now;
    for (const name of memory.keys(doubtName(''))) {
      const at = memory.get(name);
      if (typeof at === 'number') this.#open.set(name, { at, isLost: true });
    }
  }

  /** Resolves once it is on disk. */
  async begin(said: Said): Promise<void> {
    this.#tidy();
    const name = nameOf(said);
    const isLost = this.#open.get(name)?.isLost ?? false;
    this.#open.set(name, { at: this.#now(), isLost });
    await this.#memory.set(name, this.#now());
  }

  /** Answered, refused or never sent. */
  settled(said: Said): void {
    const name = nameOf(said);
    if (this.#open.get(name)?.isLost === false) this.#forget(name);
  }

  lost(said: Said): void {
    const name = nameOf(said);
    const known = this.#open.get(name);
    if (known !== undefined) this.#open.set(name, { ...known, isLost: true });
  }

  /** A message with these words was found to be it. `sent` as Gitter tells. */
  take(said: Said, sent: number): boolean {
    const name = nameOf(said);
    const known = this.#open.get(name);
    if (known === undefined || sent < known.at - before || sent > known.at + after) return false;
    this.#forget(name);
    return true;
  }

  #tidy(): void {
    const oldest = this.#now() - 2 * after;
    for (const [name, { at }] of this.#open) if (at < oldest) this.#forget(name);
  }

  #forget(name: string): void {
    this.#open.delete(name);
    // Kept too long, it does no harm.
    this.#memory.set(name, undefined).catch(() => {});
  }
}

const doubtName = (hash: string): string => `doubt ${hash}`;

const nameOf = ({ as, room, text }: Said): string =>
  doubtName(
    createHash('sha256')
      .update(JSON.stringify([as, room, text]))
      .digest('base64url')
      .slice(0, 22),
  );
