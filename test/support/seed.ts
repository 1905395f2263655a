// Chance that can be had again: the seed is told with the test, and CAUSEWAY_SEED sets it.

export interface Chance {
  readonly seed: number;
  /** From 0 up to, not including, `below`. */
  number(below: number): number;
  pick<Item>(items: readonly Item[]): Item;
}

export function openChance(seed = Number(process.env.CAUSEWAY_SEED ?? Date.now() % 1_000_000)): Chance {
  let state = seed >>> 0;
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const number = (below: number) => Math.floor(next() * below);
  return {
    seed,
    number,
    pick: (items) => {
      const item = items[number(items.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
  };
}
