// What of so many numbered messages came, by speakers who took turns: number n was said by speaker n mod how many there are.

export interface Arrivals {
  readonly lost: number;
  readonly doubled: number;
  /** Heard after a later one of the same speaker; a second coming is not counted here. */
  readonly disordered: number;
}

/** `numbers` in the order of their coming. */
export function countArrivals(numbers: Iterable<number>, sent: number, speakers: number): Arrivals {
  const seen = new Set<number>();
  const last = new Map<number, number>();
  let doubled = 0;
  let disordered = 0;
  for (const number of numbers) {
    if (seen.has(number)) {
      doubled += 1;
      continue;
    }
    seen.add(number);
    const speaker = number % speakers;
    if (number < (last.get(speaker) ?? -1)) disordered += 1;
    last.set(speaker, number);
  }
  return { lost: sent - seen.size, doubled, disordered };
}

export function isWhole({ lost, doubled, disordered }: Arrivals): boolean {
  return lost === 0 && doubled === 0 && disordered === 0;
}

export function told({ lost, doubled, disordered }: Arrivals): string {
  return `${lost} lost, ${doubled} doubled, ${disordered} out of order`;
}
