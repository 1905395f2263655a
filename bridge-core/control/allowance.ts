// How often one may do a thing: so many at once, and one more after each while. For what people and strangers ask, never for
// messages. Forgets whom it has not seen for long, so nobody can fill the memory with names.

export class Allowance {
  readonly #most: number;
  readonly #each: number;
  readonly #now: () => number;
  /** By name: when the last of what was taken is made up for. */
  readonly #until = new Map<string, number>();

  /** `each`: ms after which one more is allowed. */
  constructor(given: { most: number; each: number; now?: () => number }) {
    this.#most = given.most;
    this.#each = given.each;
    this.#now = given.now ?? Date.now;
  }

  /** 0: it was allowed, and is counted. Else ms to wait. */
  take(name: string): number {
    const now = this.#now();
    const until = Math.max(now, this.#until.get(name) ?? 0) + this.#each;
    const wait = until - now - this.#most * this.#each;
    if (wait > 0) return wait;
    if (this.#until.size >= mostNames) this.#forget(now);
    this.#until.set(name, until);
    return 0;
  }

  #forget(now: number): void {
    for (const [name, until] of this.#until) if (until <= now) this.#until.delete(name);
    // All of them busy: the one not seen for longest goes, and may ask anew.
    for (const name of this.#until.keys()) {
      if (this.#until.size < mostNames) break;
      this.#until.delete(name);
    }
  }
}

const mostNames = 10_000;
