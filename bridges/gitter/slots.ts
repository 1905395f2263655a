// So many pieces of work at once; the others wait for their turn, first come, first served.

export class Slots {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Under way or waiting. */
  get size(): number {
    return this.#running + this.#waiting.length;
  }

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    // Whoever ends hands the slot on: nobody who comes in that moment is before those who wait.
    if (this.#running >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
