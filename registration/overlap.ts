// Can one id match two namespaces? Answered exactly, by walking both patterns side by side; the patterns of homeservers are
// small. Matching is Synapse's: from the start, to the end only where the pattern says `$`.

type Ranges = readonly (readonly [number, number])[];

/** An automaton: moves over characters, and free moves. State 0 begins. */
interface Automaton {
  readonly moves: { over: Ranges; to: number }[][];
  readonly free: number[][];
  end: number;
}

const last = 0xffff;
const any: Ranges = [[0, last]];
/** A pattern whose counted repeats need more is not one for names. */
const mostStates = 5_000;

/** undefined: one of them uses what only a full regular expression engine understands (look-around, back references). */
export function overlap(one: string, other: string): boolean | undefined {
  try {
    return meet(compile(one), compile(other));
  } catch (error) {
    if (error instanceof Unsupported) return undefined;
    throw error;
  }
}

class Unsupported extends Error {}

function meet(one: Automaton, other: Automaton): boolean {
  const seen = new Set<number>();
  const open: [number, number][] = [[0, 0]];
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [first, second] = pair;
    const name = first * mostStates + second;
    if (seen.has(name)) continue;
    seen.add(name);
    if (first === one.end && second === other.end) return true;
    for (const to of one.free[first] ?? []) open.push([to, second]);
    for (const to of other.free[second] ?? []) open.push([first, to]);
    for (const move of one.moves[first] ?? []) {
      for (const twin of other.moves[second] ?? []) if (intersect(move.over, twin.over)) open.push([move.to, twin.to]);
    }
  }
  return false;
}

const intersect = (one: Ranges, other: Ranges): boolean => one.some(([low, high]) => other.some(([from, to]) => low <= to && from <= high));

function compile(text: string): Automaton {
  const isWhole = /(?<!\\)(?:\\\\)*\$$/.test(text);
  const pattern = text.slice(text.startsWith('^') ? 1 : 0, isWhole ? -1 : undefined);
  const automaton: Automaton = { moves: [[]], free: [[]], end: 0 };
  let at = 0;

  const state = (): number => {
    if (automaton.moves.length >= mostStates) throw new Unsupported();
    automaton.free.push([]);
    return automaton.moves.push([]) - 1;
  };
  const freely = (from: number, to: number) => automaton.free[from]?.push(to);

  /** From `start` to the state that it returns. */
  function choice(start: number): number {
    const end = state();
    for (;;) {
      freely(sequence(start), end);
      if (pattern[at] !== '|') return end;
      at += 1;
    }
  }

  function sequence(start: number): number {
    let current = start;
    while (at < pattern.length && pattern[at] !== '|' && pattern[at] !== ')') current = repeated(current);
    return current;
  }

  function repeated(start: number): number {
    const begin = at;
    // A part that repeats must not be entered by what merely passes `start`, hence a state of its own.
    let from = state();
    freely(start, from);
    let to = part(from);
    const [least, most] = quantifier();
    const next = at;
    const again = (): void => {
      at = begin;
      from = state();
      freely(to, from);
      to = part(from);
    };
    if (least === 0) freely(from, to);
    for (let time = 1; time < least; time += 1) again();
    if (most === Number.POSITIVE_INFINITY) freely(to, from);
    else {
      const end = state();
      for (let time = Math.max(least, 1); time < most; time += 1) {
        freely(to, end);
        again();
      }
      freely(to, end);
      to = end;
    }
    at = next;
    return to;
  }

  function quantifier(): [number, number] {
    const match = /^(?:([*+?])|\{(\d{1,3})(?:(,)(\d{1,3})?)?\})[?+]?/.exec(pattern.slice(at));
    if (match === null) return [1, 1];
    at += match[0].length;
    if (match[1] === '*') return [0, Number.POSITIVE_INFINITY];
    if (match[1] === '+') return [1, Number.POSITIVE_INFINITY];
    if (match[1] === '?') return [0, 1];
    const least = Number(match[2]);
    const most = match[3] === undefined ? least : match[4] === undefined ? Number.POSITIVE_INFINITY : Number(match[4]);
    if (most < 1 || most < least) throw new Unsupported();
    return [least, most];
  }

  function part(start: number): number {
    const character = pattern[at] ?? '';
    at += 1;
    if (character === '(') {
      if (pattern[at] === '?') {
        if (pattern[at + 1] !== ':') throw new Unsupported();
        at += 2;
      }
      const end = choice(start);
      if (pattern[at] !== ')') throw new Unsupported();
      at += 1;
      return end;
    }
    if ('^$*+?{'.includes(character)) throw new Unsupported();
    const end = state();
    automaton.moves[start]?.push({
      over: character === '[' ? set() : character === '.' ? any : character === '\\' ? escaped() : one(character),
      to: end,
    });
    return end;
  }

  function set(): Ranges {
    const negated = pattern[at] === '^';
    if (negated) at += 1;
    const ranges: (readonly [number, number])[] = [];
    for (let first = true; first || pattern[at] !== ']'; first = false) {
      if (at >= pattern.length) throw new Unsupported();
      const low = member();
      const isRange = pattern[at] === '-' && pattern[at + 1] !== ']' && low.length === 1 && low[0]?.[0] === low[0]?.[1];
      if (isRange) at += 1;
      const high = isRange ? member() : low;
      if (isRange) ranges.push([low[0]?.[0] ?? 0, high[0]?.[1] ?? 0]);
      else ranges.push(...low);
    }
    at += 1;
    return negated ? without(ranges) : ranges;
  }

  function member(): Ranges {
    const character = pattern[at] ?? '';
    at += 1;
    return character === '\\' ? escaped() : one(character);
  }

  function escaped(): Ranges {
    const character = pattern[at] ?? '';
    at += 1;
    const classes: Record<string, Ranges> = { d: digits, D: without(digits), w: wordly, W: without(wordly), s: blank, S: without(blank) };
    const known = classes[character];
    if (known !== undefined) return known;
    if (/[A-Za-z0-9]/.test(character) || character === '') throw new Unsupported();
    return one(character);
  }

  const end = choice(0);
  if (at < pattern.length) throw new Unsupported();
  automaton.end = end;
  if (!isWhole) automaton.moves[end]?.push({ over: any, to: end });
  return automaton;
}

const one = (character: string): Ranges => [[character.charCodeAt(0), character.charCodeAt(0)]];
const digits: Ranges = [[48, 57]];
const wordly: Ranges = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const blank: Ranges = [
  [9, 13],
  [32, 32],
];

function without(ranges: Ranges): Ranges {
  const rest: (readonly [number, number])[] = [];
  let from = 0;
  for (const [low, high] of [...ranges].sort((first, second) => first[0] - second[0])) {
    if (low > from) rest.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  if (from <= last) rest.push([from, last]);
  return rest;
}
