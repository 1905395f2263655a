// One line of Slack's mrkdwn: tokens, code and emoji first, then the marks around them. A mark begins and ends only at the edge
// of a word. In time near linear to the line, whatever it holds.

import { addressesIn, type Inline, type MarkName, Nest, text } from '#bridge-core';
import { printable, type Reading } from './reading.ts';
import { decoded, readToken } from './tokens-in.ts';

/** What is read as one, from `start` to `end` of the line. */
interface Atom {
  readonly start: number;
  readonly end: number;
  readonly nodes: readonly Inline[];
}

const marks: Readonly<Record<string, MarkName>> = { '*': 'bold', _: 'italic', '~': 'strike' };

/** Stands where a sign is not to be read as a mark: this bridge prints it, people paste it. */
export const zeroWidth = '\u200b';

/** `isMarked` false: no marks and no code, as in a field that is plain. */
export function readLine(line: string, reading: Reading, isMarked: boolean): Inline[] {
  const atoms = withAddresses(atomsIn(line, reading, isMarked), line, reading);
  return nested(line, atoms, isMarked);
}

function nested(line: string, atoms: readonly Atom[], isMarked: boolean): Inline[] {
  const nest = new Nest();
  if (isMarked && /[*_~]/.test(line)) new Marking(line, atoms, nest).read();
  else addPlain(nest, line, atoms, 0, line.length, []);
  return nest.inlines;
}

const atom = /<([^<>\n]*)>|`([^`\n]+)`|:([\p{L}\p{N}_+'.-]{1,100}(?:::skin-tone-[2-6](?:-[2-6])?)?):/gu;

function atomsIn(line: string, reading: Reading, isMarked: boolean): Atom[] {
  const found: Atom[] = [];
  if (!/[<`:]/.test(line)) return found;
  const pattern = new RegExp(atom);
  for (let match = pattern.exec(line); match !== null; match = pattern.exec(line)) {
    const [whole, token, code, emoji] = match;
    const { index: start } = match;
    const end = start + whole.length;
    let nodes: readonly Inline[] | undefined;
    if (token !== undefined) nodes = readToken(token, reading, (words) => nested(words, atomsIn(words, reading, isMarked), isMarked));
    else if (code !== undefined) nodes = isMarked && isCode(line, start, end) ? [codeOf(code)] : undefined;
    else if (emoji !== undefined && !isWithinWord(line, start, end)) nodes = emojiOf(emoji, reading);
    if (nodes === undefined) pattern.lastIndex = start + 1;
    else found.push({ start, end, nodes });
  }
  return found;
}

/** Addresses without brackets, whose signs are no marks; an escaped bracket is not part of one. */
function withAddresses(atoms: readonly Atom[], line: string, reading: Reading): readonly Atom[] {
  if (!line.includes('://')) return atoms;
  const found = addressesIn(line.replace(/&[lg]t;/g, '<<<<')).map(({ start, end }) => {
    const isCutShort = line[end] === ';' && line.slice(start, end).endsWith('&amp');
    return { start, end: isCutShort ? end + 1 : end };
  });
  const bare = found.filter(({ start, end }) => {
    if (!/^https?:/i.test(line.slice(start, start + 6))) return false;
    const next = firstAtomFrom(atoms, start);
    return (atoms[next]?.start ?? end) >= end && (atoms[next - 1]?.end ?? 0) <= start;
  });
  const made = bare.map(({ start, end }) => ({ start, end, nodes: reading.link(decoded(line.slice(start, end))) }));
  return [...atoms, ...made].sort((a, b) => a.start - b.start);
}

/** Addresses in code come as tokens too. */
function codeOf(source: string): Inline {
  const words = source.replace(/<([^<>|]+)(?:\|([^<>]*))?>/g, (_, target: string, label?: string) => label || target);
  return { is: 'code', text: printable(decoded(words)) };
}

function emojiOf(name: string, reading: Reading): readonly Inline[] | undefined {
  const found = reading.emoji(name);
  return found === undefined ? undefined : [found];
}

const isWord = (sign: string | undefined): boolean => sign !== undefined && /[\p{L}\p{N}]/u.test(sign);
const isBlank = (sign: string | undefined): boolean => sign === undefined || /\s/.test(sign) || sign === zeroWidth;
const isCode = (line: string, start: number, end: number): boolean =>
  !isWord(line[start - 1]) && !isWord(line[end]) && line[start + 1] !== zeroWidth && line[end - 2] !== zeroWidth;
/** `a:b:c` names no emoji; `well:wave:` does. */
const isWithinWord = (line: string, start: number, end: number): boolean => isWord(line[start - 1]) && isWord(line[end]);

function addPlain(nest: Nest, line: string, atoms: readonly Atom[], from: number, to: number, active: readonly MarkName[]): void {
  let done = from;
  for (let at = firstAtomFrom(atoms, from); at < atoms.length; at += 1) {
    const { start, end, nodes } = atoms[at] as Atom;
    if (start >= to) break;
    addText(nest, line.slice(done, start), active);
    nest.addAll(nodes, active);
    done = end;
  }
  addText(nest, line.slice(done, to), active);
}

function addText(nest: Nest, source: string, active: readonly MarkName[]): void {
  const words = printable(decoded(source));
  if (words !== '') nest.add(text(words), active);
}

/** The first that starts at `position` or later. */
function firstAtomFrom(atoms: readonly Atom[], position: number): number {
  return firstIndex(atoms.length, (at) => (atoms[at]?.start ?? 0) >= position);
}

function firstIndex(length: number, isLate: (at: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isLate(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

class Marking {
  readonly #line: string;
  readonly #atoms: readonly Atom[];
  readonly #nest: Nest;
  /** Where a mark may begin, in order. */
  readonly #openers: number[] = [];
  /** Where one may end, by sign. */
  readonly #closers: Readonly<Record<string, number[]>> = { '*': [], _: [], '~': [] };

  constructor(line: string, atoms: readonly Atom[], nest: Nest) {
    this.#line = line;
    this.#atoms = atoms;
    this.#nest = nest;
  }

  read(): void {
    let next = 0;
    for (const { index, 0: sign } of this.#line.matchAll(/[*_~]/g)) {
      while ((this.#atoms[next]?.end ?? Number.POSITIVE_INFINITY) <= index) next += 1;
      if ((this.#atoms[next]?.start ?? Number.POSITIVE_INFINITY) <= index) continue;
      const before = this.#line[index - 1];
      const after = this.#line[index + 1];
      // A sign twice over is no mark: `**`, `__init__`.
      if (before === sign || after === sign) continue;
      if (!isWord(before) && !isBlank(after)) this.#openers.push(index);
      if (!isBlank(before) && !isWord(after)) this.#closers[sign]?.push(index);
    }
    this.#range(0, this.#line.length, []);
  }

  #range(from: number, to: number, active: readonly MarkName[]): void {
    let done = from;
    for (let at = firstIndex(this.#openers.length, (each) => (this.#openers[each] ?? 0) >= from); at < this.#openers.length; at += 1) {
      const start = this.#openers[at] as number;
      if (start >= to) break;
      const mark = marks[this.#line.charAt(start)];
      const end = this.#closerAfter(start + 1);
      if (start < done || mark === undefined || active.includes(mark) || end === undefined || end >= to) continue;
      addPlain(this.#nest, this.#line, this.#atoms, done, start, active);
      this.#range(start + 1, end, [...active, mark]);
      done = end + 1;
    }
    addPlain(this.#nest, this.#line, this.#atoms, done, to, active);
  }

  /** The first that leaves at least one sign between. */
  #closerAfter(position: number): number | undefined {
    const closers = this.#closers[this.#line.charAt(position - 1)] ?? [];
    return closers[firstIndex(closers.length, (at) => (closers[at] ?? 0) > position)];
  }
}
