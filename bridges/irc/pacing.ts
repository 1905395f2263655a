// How fast connections are opened to one network: a token bucket that learns from a server's complaints, with the most wanted
// first; and how long to wait before trying again.

export interface Rate {
  readonly burst: number;
  /** ms for one more. */
  readonly every: number;
}

/** Lower goes first. */
export type Priority = number;

interface Waiting {
  readonly priority: () => Priority;
  readonly order: number;
  readonly go: () => void;
}

/** Slower than this a bucket never gets, however often a server complains. */
const slowest = 60_000;
const penalty = 20_000;

export class Pacing {
  readonly #rate: Rate;
  #every: number;
  #tokens: number;
  #filledAt = performance.now();
  #heldUntil = 0;
  #order = 0;
  readonly #waiting = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;

  constructor(rate: Rate) {
    this.#rate = rate;
    this.#every = rate.every;
    this.#tokens = rate.burst;
  }

  /** Resolves when one may connect; the promise of an aborted wait never settles, and costs no token. */
  turn(priority: () => Priority, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting: Waiting = { priority, order: this.#order++, go: resolve };
      this.#waiting.add(waiting);
      signal.addEventListener('abort', () => this.#waiting.delete(waiting), { once: true });
      this.#serve();
    });
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** The server said that we come too fast or too many. */
  throttled(): void {
    this.#every = Math.min(slowest, Math.max(this.#every * 2, 1000));
    this.#tokens = 0;
    this.hold(penalty);
  }

  /** Nobody connects for so long. */
  hold(ms: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, performance.now() + ms);
    this.#serve();
  }

  /** One came in: trust grows back slowly. */
  succeeded(): void {
    this.#every = Math.max(this.#rate.every, this.#every * 0.9);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #serve(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const now = performance.now();
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + (now - this.#filledAt) / this.#every);
    this.#filledAt = now;
    while (this.#waiting.size > 0 && now >= this.#heldUntil && this.#tokens >= 1) {
      const next = this.#mostWanted();
      this.#waiting.delete(next);
      this.#tokens -= 1;
      next.go();
    }
    if (this.#waiting.size === 0) return;
    const wait = Math.max(this.#heldUntil - now, (1 - this.#tokens) * this.#every, 1);
    this.#timer = setTimeout(() => this.#serve(), wait);
  }

  #mostWanted(): Waiting {
    let best: Waiting | undefined;
    for (const each of this.#waiting) {
      if (best === undefined) best = each;
      else if (each.priority() < best.priority()) best = each;
    }
    if (best === undefined) throw new RangeError('nobody waits');
    return best;
  }
}

/** Doubling from `first`, at most `most`, and somewhere in the upper half of that, so that many do not come back as one. */
export function backoff(tries: number, first: number, most: number): number {
  const full = Math.min(most, first * 2 ** Math.min(tries, 20));
  return full / 2 + (Math.random() * full) / 2;
}
