// So many pieces of work at once; of the others whoever has the highest rank by then is next, of equals whoever came first.

interface Waiting {
  readonly rank: () => number;
  readonly go: () => void;
}

export class Slots {
  readonly #most: number;
  readonly #waiting: Waiting[] = [];
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Under way or waiting. */
  get size(): number {
    return this.#running + this.#waiting.length;
  }

  async run<Result>(work: () => Promise<Result>, rank: () => number = () => 0): Promise<Result> {
    // Whoever ends hands the slot on: nobody who comes in that moment is before those who wait.
    if (this.#running >= this.#most) await new Promise<void>((go) => this.#waiting.push({ rank, go }));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#next();
      if (next === undefined) this.#running -= 1;
      else next.go();
    }
  }

  #next(): Waiting | undefined {
    let best = 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (const [at, { rank }] of this.#waiting.entries()) {
      const its = rank();
      if (its > highest) [best, highest] = [at, its];
    }
    return this.#waiting.splice(best, 1)[0];
  }
}
