// Troubles that a test has put upon a fake service: which of those that fit is due, and for how long.

export interface Selection {
  /** So many that match are spared first. */
  readonly after?: number;
  /** Of those that follow, only each so-manieth is hit. */
  readonly every?: number;
  /** So many are hit; absent: until cleared. */
  readonly times?: number;
}

interface Standing<F extends Selection> {
  readonly fault: F;
  spared: number;
  hit: number;
}

export class Faults<F extends Selection & { readonly act: unknown }> {
  #standing: Standing<F>[] = [];

  add(fault: F): void {
    this.#standing.push({ fault, spared: 0, hit: 0 });
  }

  clear(): void {
    this.#standing = [];
  }

  /** The act that is due for what `fits`; counts it. */
  take(fits: (fault: F) => boolean): F['act'] | undefined {
    for (const standing of this.#standing) {
      const { after = 0, every = 1, times = Number.POSITIVE_INFINITY } = standing.fault;
      if (!fits(standing.fault)) continue;
      if (standing.spared < after || (standing.spared - after) % every < every - 1) {
        standing.spared += 1;
        continue;
      }
      if (every > 1) standing.spared += 1;
      standing.hit += 1;
      if (standing.hit >= times) this.#standing = this.#standing.filter((other) => other !== standing);
      return standing.fault.act;
    }
    return undefined;
  }
}
