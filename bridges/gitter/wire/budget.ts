// The budget of one token: so many calls a minute, as Gitter's answers tell. What people wait for goes before what can wait, which
// leaves a share of each window to them; what nobody waits for at all leaves more.

import { RetryableError } from '#bridge-core';

export interface BudgetOptions {
  /** Calls in a window, until Gitter tells. */
  readonly limit?: number;
  /** ms */
  readonly window?: number;
  readonly now?: () => number;
}

export type Haste = 'now' | 'background' | 'idle';

/** Of a window, what each leaves to those before it. */
const reserved = { background: 0.4, idle: 0.7 } as const;
/** ms that an answer may take. */
const late = 5_000;
/** One call of each window is Gitter's, should it count otherwise than we do. */
const margin = 1;

export class Budget {
  readonly #now: () => number;
  readonly #window: number;
  #limit: number;
  #left: number;
  /** When the window is over; before that `left` holds. */
  #until = 0;
  /** Gitter said so: nothing before then. */
  #closedUntil = 0;

  constructor({ limit = 100, window = 60_000, now = Date.now }: BudgetOptions = {}) {
    this.#limit = limit;
    this.#left = limit;
    this.#window = window;
    this.#now = now;
  }

  get left(): number {
    const now = this.#now();
    if (now < this.#closedUntil) return 0;
    return now >= this.#until ? this.#limit : this.#left;
  }

  /** ms that so many calls in the background take from now on, if nothing else is asked. */
  timeFor(calls: number): number {
    const perWindow = Math.max(1, this.#limit - Math.floor(this.#limit * reserved.background));
    return (Math.max(0, calls) / perWindow) * this.#window;
  }

  /** Resolves when the call may go, in `patience` ms at most; rejects with how long it would be. */
  async turn(haste: Haste, patience: number): Promise<void> {
    const deadline = this.#now() + patience;
    for (let wait = this.#take(haste); wait > 0; wait = this.#take(haste)) {
      if (this.#now() + wait > deadline) throw new RetryableError('NETWORK_BUSY', "Gitter's limit of calls is reached", { after: wait });
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  /** What an answer told. `reset` in ms since 1970, by Gitter's clock. */
  told(limit: number | undefined, remaining: number | undefined, reset: number | undefined): void {
    const isNews = limit !== undefined && limit > 0 && limit !== this.#limit;
    if (isNews) this.#limit = limit;
    if (remaining === undefined) return;
    const now = this.#now();
    // On its way since before the window was over.
    if (reset !== undefined && reset <= now && reset > now - late && now < this.#until) return;
    // What was left of another limit, or of a window that ends much earlier, says nothing of this one.
    const isAnother = reset !== undefined && reset > this.#until + this.#window / 4;
    const isSameWindow = now < this.#until && !isNews && !isAnother;
    // Answers come in any order: within a window the lowest is the newest.
    this.#left = isSameWindow ? Math.min(this.#left, remaining) : remaining;
    // A clock that is far from ours tells nothing of when.
    if (reset !== undefined && reset > now && reset < now + 2 * this.#window) this.#until = reset;
  }

  /** Refused with a 429. What is left behind that is for its headers to tell: of when the window ends we may have but a guess. */
  closed(ms: number): void {
    this.#closedUntil = Math.max(this.#closedUntil, this.#now() + ms);
  }

  /** ms to wait; 0: taken. */
  #take(haste: Haste): number {
    const now = this.#now();
    if (now < this.#closedUntil) return this.#closedUntil - now;
    if (now >= this.#until) {
      this.#left = this.#limit;
      this.#until = now + this.#window;
    }
    const kept = haste === 'now' ? margin : Math.floor(this.#limit * reserved[haste]);
    if (this.#left <= Math.min(kept, this.#limit - 1)) return Math.max(1, this.#until - now);
    this.#left -= 1;
    return 0;
  }
}
