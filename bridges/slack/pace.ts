// Turns for what nobody waits for: in each team one after the other, with a pause between, so that it takes a part of the budget alone.

/** Of the calls that are allowed, for what only might be. */
const part = 1 / 5;

export class Pace {
  /** ms */
  readonly #pause: number;
  /** ms by which some may go before their time, where none went of late. */
  readonly #ahead: number;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** By team: when the next may go. */
  readonly #next = new Map<string, number>();

  constructor(callsPerMinute: number) {
    this.#pause = 60_000 / (callsPerMinute * part);
    this.#ahead = this.#pause * Math.floor(callsPerMinute / 10);
  }

  turn(team: string): Promise<void> {
    const now = Date.now();
    const next = Math.max(now - this.#ahead, this.#next.get(team) ?? 0);
    this.#next.set(team, next + this.#pause);
    const at = Math.max(now, next);
    if (at === now) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, at - now).unref();
      this.#timers.add(timer);
    });
  }

  /** Nobody's turn comes any more. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
