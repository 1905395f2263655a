// One logical line into the lines that go out, exact to the byte: at words where it can, never within an address that fits
// a line, never within a character as people see it; formatting is closed at a line's end and opened again on the next.

import { addressesIn } from '#bridge-core';

/** Colours are palette numbers, -1 the reader's own. */
export interface Look {
  readonly bold: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly strike: boolean;
  readonly mono: boolean;
  readonly ink: number;
  readonly paper: number;
}

export interface Run {
  readonly text: string;
  readonly look: Look;
}

/** `first` stands before the first line that goes out, `rest` before those that follow: the mark of a quote. */
export interface Line {
  readonly first: string;
  readonly rest: string;
  readonly runs: readonly Run[];
}

export const plain: Look = { bold: false, italic: false, underline: false, strike: false, mono: false, ink: -1, paper: -1 };

const closed = '\x0f';

/** Lines of at most `bytes` bytes; none for a line that shows nothing. Text must hold no control characters. */
export function splitLine(line: Line, bytes: number): string[] {
  const writer = new Writer(line, bytes);
  if (writer.add(line.runs)) return writer.finish();
  for (const token of tokensOf(line.runs)) writer.place(token);
  return writer.finish();
}

class Writer {
  readonly #bytes: number;
  readonly #rest: string;
  readonly #done: string[] = [];
  #line: string;
  #used: number;
  #look = plain;
  /** Whether the line holds more than blanks and what stands before every line. */
  #shows = false;
  /** Blanks that show only if a word follows on the same line. */
  #blanks: readonly Run[] = [];

  constructor(line: Line, bytes: number) {
    this.#bytes = bytes;
    // What stands before each line must leave room for the line.
    this.#rest = Buffer.byteLength(line.rest) * 2 > bytes ? '' : line.rest;
    this.#line = Buffer.byteLength(line.first) * 2 > bytes ? '' : line.first;
    this.#used = Buffer.byteLength(this.#line);
  }

  finish(): string[] {
    this.#endLine();
    return this.#done;
  }

  /** Adds all of it to this line, or nothing. */
  add(runs: readonly Run[]): boolean {
    let added = '';
    let used = this.#used;
    let look = this.#look;
    for (const run of runs) {
      if (run.text === '') continue;
      const codes = look === run.look ? '' : codesBetween(look, run.look, run.text);
      look = run.look;
      added += codes + run.text;
      used += codes.length + Buffer.byteLength(run.text);
      if (used > this.#bytes) return false;
    }
    if (used + (isPlain(look) ? 0 : closed.length) > this.#bytes) return false;
    this.#line += added;
    this.#used = used;
    this.#look = look;
    this.#shows ||= runs.some(({ text, look: { paper } }) => paper !== -1 || text.trim() !== '');
    return true;
  }

  place(token: Token): void {
    if (token.isBlank) {
      // Those that open a line stay: they are meant.
      if (this.#shows || this.#done.length > 0) this.#blanks = token.runs;
      else this.add(token.runs);
      return;
    }
    const blanks = this.#blanks;
    this.#blanks = [];
    if (this.add([...blanks, ...token.runs])) return;
    if (this.#fitsAlone(token.runs)) {
      this.#endLine();
      this.add(token.runs);
    } else {
      this.#placeLong(token.runs, blanks);
    }
  }

  /** A word longer than a line: an address in it goes whole to a line of its own if that can hold it. */
  #placeLong(runs: readonly Run[], blanks: readonly Run[]): void {
    const word = runs.map((run) => run.text).join('');
    let at = 0;
    this.add(blanks);
    for (const { start, end } of addressesIn(word)) {
      this.#fill(part(runs, at, start));
      this.#placeAddress(part(runs, start, end));
      at = end;
    }
    this.#fill(part(runs, at, word.length));
  }

  /** That it stays whole is worth more than its look, and than what stands before each line. */
  #placeAddress(runs: readonly Run[]): void {
    if (this.add(runs)) return;
    const bare = runs.map(({ text }) => ({ text, look: plain }));
    if (widthOf(bare) > this.#bytes) {
      this.#fill(runs);
      return;
    }
    this.#endLine();
    if (this.add(runs) || this.add(bare)) return;
    this.#line = '';
    this.#used = 0;
    this.add(bare);
  }

  #fitsAlone(runs: readonly Run[]): boolean {
    return widthOf(runs) + Buffer.byteLength(this.#rest) <= this.#bytes;
  }

  #fill(runs: readonly Run[]): void {
    if (this.add(runs)) return;
    for (const { text, look } of runs) {
      for (const { segment } of graphemesIn(text)) this.#force(segment, look);
    }
  }

  /** One character, at any cost: in pieces, without its look, at last as a mark in its place. */
  #force(text: string, look: Look): void {
    if (this.add([{ text, look }])) return;
    this.#endLine();
    if (this.add([{ text, look }])) return;
    const points = [...text];
    if (points.length > 1) for (const point of points) this.#force(point, look);
    else if (!this.add([{ text, look: plain }])) this.add([{ text: '?', look: plain }]);
  }

  #endLine(): void {
    if (this.#shows) {
      const line = this.#look.paper === -1 ? this.#line.trimEnd() : this.#line;
      this.#done.push(isPlain(this.#look) ? line : line + closed);
    }
    this.#line = this.#rest;
    this.#used = Buffer.byteLength(this.#rest);
    this.#look = plain;
    this.#shows = false;
  }
}

// Made when first needed: its tables take milliseconds to load, and few lines are cut within a word.
let segmenter: Intl.Segmenter | undefined;

function graphemesIn(text: string): Iterable<{ segment: string }> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  return segmenter.segment(text);
}

interface Token {
  readonly isBlank: boolean;
  readonly runs: Run[];
}

/** Words and the blanks between them; a word may change its look in the middle. */
function tokensOf(runs: readonly Run[]): Token[] {
  const tokens: Token[] = [];
  for (const { text, look } of runs) {
    for (const [piece] of text.matchAll(/ +|[^ ]+/g)) {
      const isBlank = piece.startsWith(' ');
      const last = tokens.at(-1);
      if (last?.isBlank === isBlank) last.runs.push({ text: piece, look });
      else tokens.push({ isBlank, runs: [{ text: piece, look }] });
    }
  }
  return tokens;
}

/** From `start` to `end` of the text that the runs hold together. */
function part(runs: readonly Run[], start: number, end: number): Run[] {
  const found: Run[] = [];
  let at = 0;
  for (const { text, look } of runs) {
    const piece = text.slice(Math.max(0, start - at), Math.max(0, end - at));
    if (piece !== '') found.push({ text: piece, look });
    at += text.length;
  }
  return found;
}

/** Bytes on a fresh line, closing code included. */
function widthOf(runs: readonly Run[]): number {
  let used = 0;
  let look = plain;
  for (const run of runs) {
    used += codesBetween(look, run.look, run.text).length + Buffer.byteLength(run.text);
    look = run.look;
  }
  return used + (isPlain(look) ? 0 : closed.length);
}

const isPlain = (look: Look): boolean =>
  look === plain || !(look.bold || look.italic || look.underline || look.strike || look.mono || look.ink !== -1 || look.paper !== -1);

const toggles = [
  ['bold', '\x02'],
  ['italic', '\x1d'],
  ['underline', '\x1f'],
  ['strike', '\x1e'],
  ['mono', '\x11'],
] as const;

/** The codes that lead from one look to the next, safe before the text that follows them. */
function codesBetween(from: Look, to: Look, next: string): string {
  if (from === to) return '';
  const colours = colourCodes(from, to);
  let codes = colours;
  for (const [name, code] of toggles) if (from[name] !== to[name]) codes += code;
  // What follows must not be read as part of the colour: a code given twice changes nothing and parts them.
  if (colours !== '' && codes === colours && (colours === '\x03' ? /^[\d,]/ : /^,/).test(next) && to.paper === -1) codes += '\x02\x02';
  return codes;
}

function colourCodes(from: Look, to: Look): string {
  if (from.ink === to.ink && from.paper === to.paper) return '';
  if (to.ink === -1 && to.paper === -1) return '\x03';
  const ink = twoDigits(to.ink === -1 ? 99 : to.ink);
  if (to.paper !== -1) return `\x03${ink},${twoDigits(to.paper)}`;
  // A colour alone keeps the old background: only a bare code takes it away everywhere.
  return from.paper === -1 ? `\x03${ink}` : `\x03\x03${ink}`;
}

const twoDigits = (number: number): string => String(number).padStart(2, '0');
