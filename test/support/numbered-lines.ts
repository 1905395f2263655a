// Numbered lines as they came out at the far end, held against what was said: which are lost, which doubled, which out of order.

export interface Spoken {
  readonly number: number;
  readonly speaker: number;
  /** How often the session that said it had been lost before: two of one life were said by one process. */
  readonly life: number;
  /** When it came, ms since 1970. */
  readonly at: number;
  /** The time that the message bears, ms since 1970. */
  readonly dated?: number;
}

export interface Verdict {
  readonly lost: readonly number[];
  /** Said again by a later life, right behind itself: the line that was in flight. */
  readonly doubled: readonly Spoken[];
  /** All else: doubled within a life, more than once by one life, out of order, or never said. */
  readonly wrong: readonly string[];
}

/** Order is that of each speaker. */
export function judge(said: readonly number[], heard: readonly Spoken[], speakers: number): Verdict {
  const lost: number[] = [];
  const doubled: Spoken[] = [];
  const wrong: string[] = [];
  for (let speaker = 0; speaker < speakers; speaker += 1) {
    const expected = said.filter((number) => number % speakers === speaker);
    const places = new Map(expected.map((number, place) => [number, place]));
    let last: Spoken | undefined;
    let next = 0;
    for (const line of heard.filter((one) => one.speaker === speaker)) {
      const place = places.get(line.number);
      if (place === undefined) wrong.push(`${line.number} was never said`);
      else if (place >= next) {
        lost.push(...expected.slice(next, place));
        next = place + 1;
      } else if (line.number === last?.number && line.life > last.life) doubled.push(line);
      else wrong.push(`${line.number} again in life ${line.life}, behind ${last?.number} of life ${last?.life}`);
      last = line;
    }
    lost.push(...expected.slice(next));
  }
  return { lost, doubled, wrong };
}

export function numbersFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => first + at);
}
