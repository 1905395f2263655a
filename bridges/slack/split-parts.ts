// A message that Slack would not take whole, as several: cut between parts, else between lines, else between words, never within a
// sign as people see it. Numbers go on, links and marks stand on both sides of a cut.

import type { Part } from './parts-out.ts';
import { plainLook, type Run, sameLook, wordsOfRun } from './runs-out.ts';

/** What a part takes of a message: bytes of its text, signs in its blocks, blocks. */
export interface Weight {
  readonly bytes: number;
  readonly signs: number;
  readonly blocks: number;
}

/** `weigh`: of one part alone. */
export function splitParts(parts: readonly Part[], room: Weight, weigh: (part: Part) => Weight): Part[][] {
  const bodies: Part[][] = [];
  let body: Part[] = [];
  let taken = nothing;
  const finish = () => {
    if (body.length > 0) bodies.push(body);
    [body, taken] = [[], nothing];
  };
  // Last first: what a cut leaves is the next.
  const waiting = parts.toReversed();
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    const weight = isHuge(part) ? tooHeavy : weigh(part);
    if (!isWithin(sum(taken, weight), room)) finish();
    if (isWithin(weight, room)) {
      body.push(part);
      taken = sum(taken, weight);
      continue;
    }
    const { head, rest } = cut(part, (piece) => isWithin(weigh(piece), room));
    if (head !== undefined) bodies.push([head]);
    for (const piece of rest.toReversed()) waiting.push(piece);
  }
  finish();
  return bodies;
}

const tooHeavy: Weight = { bytes: Number.POSITIVE_INFINITY, signs: 0, blocks: 0 };

const nothing: Weight = { bytes: 0, signs: 0, blocks: 0 };

/** Two for the empty line that may come between. */
function sum(one: Weight, other: Weight): Weight {
  const between = one === nothing ? 0 : 2;
  return { bytes: one.bytes + between + other.bytes, signs: one.signs + other.signs, blocks: one.blocks + other.blocks };
}

const isWithin = (weight: Weight, room: Weight): boolean =>
  weight.bytes <= room.bytes && weight.signs <= room.signs && weight.blocks <= room.blocks;

interface Cut {
  /** Goes out as it is. Absent where the part had to be made simpler first. */
  readonly head?: Part;
  readonly rest: readonly Part[];
}

function cut(part: Part, fits: (part: Part) => boolean): Cut {
  switch (part.is) {
    case 'section':
    case 'quote': {
      const found = cutRuns(part.runs, (runs) => fits({ ...part, runs }));
      if (found !== undefined) return cutAs(found, (runs) => ({ ...part, runs }));
      if (part.is === 'quote' || part.runs.some(isDecorated)) return { rest: [{ is: 'section', runs: bare(part.runs) }] };
      return forced(part.runs);
    }
    case 'list':
      return cutList(part, fits);
    case 'preformatted': {
      const asText = (some: readonly Run[]): Part => ({ ...part, text: some.map(wordsOfRun).join('') });
      const found = cutRuns(linesAsRuns(part.text.slice(0, farthest)), (some) => fits(asText(some)));
      if (found === undefined) return { rest: [{ is: 'section', runs: linesAsRuns(part.text) }] };
      const beyond: Run = { say: 'text', text: part.text.slice(farthest), look: plainLook };
      return cutAs(beyond.text === '' ? found : { ...found, rest: [...found.rest, beyond] }, asText);
    }
    case 'rule':
      return { head: part, rest: [] };
  }
}

const cutAs = ({ head, rest }: CutRuns, asPart: (runs: readonly Run[]) => Part): Cut => ({
  ...(head.length > 0 && { head: asPart(head) }),
  rest: rest.length > 0 ? [asPart(rest)] : [],
});

function cutList(list: Part & { is: 'list' }, fits: (part: Part) => boolean): Cut {
  const { items, offset } = list;
  const count = longest(items.length - 1, (length) => fits({ ...list, items: items.slice(0, length) }));
  if (count > 0)
    return { head: { ...list, items: items.slice(0, count) }, rest: [{ ...list, items: items.slice(count), offset: offset + count }] };
  const [first = [], ...others] = items;
  const after: Part[] = others.length > 0 ? [{ ...list, items: others, offset: offset + 1 }] : [];
  const found = cutRuns(first, (runs) => fits({ ...list, items: [runs] }));
  if (found === undefined) return { rest: [{ is: 'section', runs: first }, ...after] };
  const rest: Part[] = found.rest.length > 0 ? [{ is: list.isQuoted ? 'quote' : 'section', runs: found.rest }] : [];
  return { ...(found.head.length > 0 && { head: { ...list, items: [found.head] } }), rest: [...rest, ...after] };
}

const isDecorated = (run: Run): boolean => run.say !== 'break' && (run.say !== 'text' || !sameLook(run.look, plainLook));

/** Words alone: where there is no room for a link's address and a word of it, the address becomes words. */
function bare(runs: readonly Run[]): Run[] {
  return runs.flatMap((run, at): Run[] => {
    if (run.say === 'break') return [{ say: 'break', look: plainLook }];
    const words = wordsOfRun(run);
    const { link } = run.look;
    const isLast = link !== undefined && runs[at + 1]?.look.link !== link && !words.includes(link);
    return [{ say: 'text', text: isLast ? `${words} (${link})` : words, look: plainLook }];
  });
}

/** One sign at any cost, so that there is an end. */
function forced(runs: readonly Run[]): Cut {
  const [first, ...others] = runs;
  const words = first === undefined ? '' : wordsOfRun(first);
  const size = graphemeEnd(words, 0);
  const head: Run = { say: 'text', text: words.slice(0, size), look: plainLook };
  const left: Run[] = size < words.length ? [{ say: 'text', text: words.slice(size), look: plainLook }] : [];
  const rest = trimmed([...left, ...others]);
  return {
    ...(words.trim() !== '' && { head: { is: 'section', runs: [head] } as const }),
    rest: rest.length > 0 ? [{ is: 'section', runs: rest }] : [],
  };
}

const linesAsRuns = (text: string): Run[] =>
  text
    .split('\n')
    .flatMap((line, at): Run[] => [
      ...(at === 0 ? [] : [{ say: 'break', look: plainLook } as const]),
      ...(line === '' ? [] : [{ say: 'text', text: line, look: plainLook } as const]),
    ]);

interface CutRuns {
  /** Empty where nothing of it would show. */
  readonly head: readonly Run[];
  readonly rest: readonly Run[];
}

/** The most that fits, down to the last good place to part them; undefined where not even one sign does. */
function cutRuns(runs: readonly Run[], fits: (runs: readonly Run[]) => boolean): CutRuns | undefined {
  const total = sizeWithin(runs);
  const most = longest(total, (length) => fits(slice(runs, length)));
  if (most === 0) return undefined;
  if (most === total && total < farthest) return { head: runs, rest: [] };
  const words = slice(runs, most + 1).map((run) => (run.say === 'text' ? run.text : run.say === 'break' ? '\n' : '\ufffc'));
  const said = words.join('');
  let end = beforeLink(runs, goodEnd(said, most));
  // A shorter one may take more, where it ends in a sign that must not be read as a mark.
  for (let shorter = end - 1; end > 0 && !fits(slice(runs, end)); shorter -= 1)
    end = shorter > 0 ? beforeLink(runs, goodEnd(said, shorter)) : 0;
  if (end === 0) return undefined;
  const head = slice(runs, end);
  return { head: head.some((run) => wordsOfRun(run).trim() !== '') ? head : [], rest: trimmed(after(runs, end)) };
}

/** No body holds more signs: what lies beyond need not be looked at yet. */
const farthest = 65_536;

/** Weighed whole before each cut, a very long part would be printed a hundred times. */
function isHuge(part: Part): boolean {
  if (part.is === 'rule') return false;
  if (part.is === 'preformatted') return part.text.length >= farthest;
  return part.is === 'list' ? part.items.length >= farthest || part.items.some(isFar) : isFar(part.runs);
}

const isFar = (runs: readonly Run[]): boolean => sizeWithin(runs) >= farthest;

function sizeWithin(runs: readonly Run[]): number {
  let size = 0;
  for (const run of runs) {
    size += sizeOf(run);
    if (size >= farthest) return farthest;
  }
  return size;
}

/** A mention or an emoji is one sign. */
const sizeOf = (run: Run): number => (run.say === 'text' ? run.text.length : 1);

/** The longest that is right, if shorter ones are too: tried from below, for what lies far over costs much to try. */
function longest(most: number, isRight: (length: number) => boolean): number {
  let low = 0;
  let high = most + 1;
  for (let step = 64; low + step < high; step *= 2) {
    if (isRight(low + step)) low += step;
    else high = low + step;
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (isRight(middle)) low = middle;
    else high = middle;
  }
  return low;
}

function slice(runs: readonly Run[], end: number): Run[] {
  const found: Run[] = [];
  let at = 0;
  for (const run of runs) {
    if (at >= end) break;
    found.push(run.say === 'text' && at + run.text.length > end ? { ...run, text: run.text.slice(0, end - at) } : run);
    at += sizeOf(run);
  }
  return found;
}

function after(runs: readonly Run[], end: number): readonly Run[] {
  let at = 0;
  for (const [number, run] of runs.entries()) {
    const size = sizeOf(run);
    if (at + size > end)
      return run.say === 'text' ? [{ ...run, text: run.text.slice(end - at) }, ...runs.slice(number + 1)] : runs.slice(number);
    at += size;
  }
  return [];
}

/** A link stays whole where it does not stand first: cut, it would be told twice. */
function beforeLink(runs: readonly Run[], end: number): number {
  let at = 0;
  let start = 0;
  let link: string | undefined;
  for (const run of runs) {
    if (run.look.link !== link) [link, start] = [run.look.link, at];
    at += sizeOf(run);
    if (at > end) break;
  }
  return link === undefined || start === 0 ? end : Math.min(start, end);
}

function goodEnd(words: string, most: number): number {
  const line = words.lastIndexOf('\n', most);
  if (line > most / 2) return line;
  const blank = Math.max(words.lastIndexOf(' ', most), line);
  if (blank > most / 2) return blank;
  return graphemeEnd(words, most);
}

/** How far back a sign as people see it may reach; one that is longer is cut between its characters. */
const longestGrapheme = 200;

let segmenter: Intl.Segmenter | undefined;

/** The end of the last whole sign at `most` or before; of the first one, where `most` is nought. */
function graphemeEnd(words: string, most: number): number {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  const from = Math.max(0, most - longestGrapheme);
  const near = segmenter.segment(words.slice(from, most + longestGrapheme));
  if (most === 0) return near.containing(0)?.segment.length ?? 0;
  if (most >= words.length) return words.length;
  const start = from + (near.containing(most - from)?.index ?? most - from);
  if (start > from || from === 0) return start;
  return /[\udc00-\udfff]/.test(words.charAt(most)) ? most - 1 : most;
}

/** Without the blanks that a cut leaves before what follows. */
function trimmed(runs: readonly Run[]): readonly Run[] {
  const at = runs.findIndex((run) => run.say !== 'break' && (run.say !== 'text' || run.text.trim() !== ''));
  const first = runs[at];
  if (first === undefined) return [];
  return first.say === 'text' ? [{ ...first, text: first.text.trimStart() }, ...runs.slice(at + 1)] : runs.slice(at);
}
