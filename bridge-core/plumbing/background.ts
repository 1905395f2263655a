// Work that nobody waits for: a few pieces at once, one after another for each name, tried again while the other side is
// away. Nothing of it is remembered over a restart: it follows from what is stored.

import type { Logger } from '../adapter-tools.ts';
import { RetryableError } from '../errors.ts';

interface Piece {
  readonly name: string;
  readonly work: () => Promise<void>;
  tries: number;
}

const longestPause = 60_000;

export class Background {
  readonly #atOnce: number;
  readonly #log: Logger;
  readonly #waiting: Piece[] = [];
  readonly #busy = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #idle: (() => void)[] = [];
  #stopped = false;

  constructor(given: { atOnce: number; log: Logger }) {
    this.#atOnce = given.atOnce;
    this.#log = given.log;
  }

  /** Begins within this call where there is room. */
  run(name: string, work: () => Promise<void>): void {
    this.#waiting.push({ name, work, tries: 0 });
    this.#next();
  }

  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Begins nothing more; what is under way ends by itself. */
  stop(): void {
    this.#stopped = true;
    this.#waiting.length = 0;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#next();
  }

  #isIdle(): boolean {
    return this.#busy.size === 0 && this.#timers.size === 0 && this.#waiting.length === 0;
  }

  #next(): void {
    while (!this.#stopped && this.#busy.size < this.#atOnce) {
      const at = this.#waiting.findIndex((piece) => !this.#busy.has(piece.name));
      const [piece] = at < 0 ? [] : this.#waiting.splice(at, 1);
      if (piece === undefined) break;
      this.#busy.add(piece.name);
      void this.#carry(piece);
    }
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #carry(piece: Piece): Promise<void> {
    try {
      await piece.work();
    } catch (thrown) {
      // At a stop what waits for the other side is no failure: it follows from what is stored, and is begun anew.
      if (thrown instanceof RetryableError) this.#again(piece, thrown.after);
      else this.#log.error({ about: piece.name, err: thrown }, 'a piece of background work failed');
    }
    this.#busy.delete(piece.name);
    this.#next();
  }

  #again(piece: Piece, after: number | undefined): void {
    if (this.#stopped) return;
    piece.tries += 1;
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        this.#waiting.push(piece);
        this.#next();
      },
      after ?? Math.min(longestPause, 500 * 2 ** Math.min(piece.tries, 10)),
    );
    this.#timers.add(timer);
  }
}
