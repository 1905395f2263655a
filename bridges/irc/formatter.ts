// IRC's own markup (mIRC codes) ↔ rich text. Pure; CTCP and whose line it is are no business of this file. Most lines
// are plain words, so both ways look for that first.

import { addressesIn, type Fit, type Formatter, type Inline, type RichText, text as textNode } from '#bridge-core';
import { type Line, splitLine } from './line-split.ts';
import { colourNumbered } from './palette.ts';
import { printLines, wordsOfMention } from './print-lines.ts';

export const ircFormatter: Formatter<string> = { parse, print };

const control = /[\x00-\x1f\x7f]/;

/** All lines that the text needs, each within `fit.bytes`; how many may go is for the caller to say. A body of several lines
 *  comes only where `fit.multiline` allows it. */
function print(text: RichText, fit: Fit): string[] {
  const words = wordsAlone(text, fit);
  if (words !== undefined) return words.trim() === '' ? [] : [words];
  const lines = printLines(text, fit);
  if (fit.multiline !== undefined && lines.length > 1) return gather(lines, fit, fit.multiline);
  return lines.flatMap((line) => splitLine(line, fit.bytes));
}

/** As many lines to a body as it holds. They stay uncut, for whoever reads puts together what the session cuts; one that is
 *  left alone goes the usual way, for it makes no batch. */
function gather(lines: readonly Line[], fit: Fit, room: NonNullable<Fit['multiline']>): string[] {
  // The session cuts between characters: up to three bytes of each piece stay empty.
  const width = Math.max(1, fit.bytes - 3);
  const { multiline: _, ...narrow } = fit;
  const bodies: string[] = [];
  let body: string[] = [];
  let bytes = 0;
  let pieces = 0;
  const finish = () => {
    if (body.length === 1 && bytes > fit.bytes) bodies.push(...print(parse(body[0] ?? ''), narrow));
    else if (body.length > 0) bodies.push(body.join('\n'));
    [body, bytes, pieces] = [[], 0, 0];
  };
  for (const line of lines.flatMap((line) => splitLine(line, Math.min(room.bytes, width * room.lines)))) {
    const size = Buffer.byteLength(line);
    const needed = Math.ceil(size / width);
    if (bytes + 1 + size > room.bytes || pieces + needed > room.lines) finish();
    bytes += size + (body.length > 0 ? 1 : 0);
    pieces += needed;
    body.push(line);
  }
  finish();
  return bodies;
}

/** The text, where it is one line of words that goes out as it is. */
function wordsAlone(text: RichText, fit: Fit): string | undefined {
  const [block] = text;
  if (text.length !== 1 || block?.is !== 'paragraph') return undefined;
  let words = '';
  for (const inline of block.of) {
    if (inline.is === 'text') words += inline.text;
    else if (inline.is === 'mention') words += wordsOfMention(inline, fit);
    else return undefined;
  }
  if (control.test(words)) return undefined;
  return words.length * 3 <= fit.bytes || Buffer.byteLength(words) <= fit.bytes ? words : undefined;
}

function parse(body: string): RichText {
  if (!control.test(body)) {
    if (body === '') return [];
    return [{ is: 'paragraph', of: body.includes('://') ? withLinks(body) : [textNode(body)] }];
  }
  const of: Inline[] = [];
  for (const [number, line] of body.split(/\r\n|\n|\r/).entries()) {
    if (number > 0) of.push({ is: 'break' });
    for (const inline of parseLine(line)) of.push(inline);
  }
  return of.some((inline) => inline.is !== 'break') ? [{ is: 'paragraph', of }] : [];
}

/** What the codes so far ask for. Colours as `#rrggbb`, undefined the reader's own. */
interface State {
  readonly marks: ReadonlySet<'bold' | 'italic' | 'underline' | 'strike'>;
  readonly isCode: boolean;
  readonly isReversed: boolean;
  readonly ink: string | undefined;
  readonly paper: string | undefined;
}

const unmarked: State = { marks: new Set(), isCode: false, isReversed: false, ink: undefined, paper: undefined };

const codes =
  /\x03(?:(?<ink>\d{1,2})(?:,(?<paper>\d{1,2}))?)?|\x04(?:(?<hexInk>[0-9a-f]{6})(?:,(?<hexPaper>[0-9a-f]{6}))?)?|[\x00-\x1f\x7f]/gi;

/** The words alone, for what Matrix shows without markup. */
export function withoutCodes(line: string): string {
  return control.test(line) ? line.replace(codes, '') : line;
}

function parseLine(line: string): Inline[] {
  const nest = new Nest();
  let state = unmarked;
  let done = 0;
  for (const match of line.matchAll(codes)) {
    nest.add(line.slice(done, match.index), state);
    done = match.index + match[0].length;
    state = after(state, match[0].charAt(0), match.groups ?? {});
  }
  nest.add(line.slice(done), state);
  return nest.inlines;
}

const markCodes: Readonly<Record<string, 'bold' | 'italic' | 'underline' | 'strike'>> = {
  '\x02': 'bold',
  '\x1d': 'italic',
  '\x1f': 'underline',
  '\x1e': 'strike',
};

function after(state: State, code: string, given: Record<string, string | undefined>): State {
  const mark = markCodes[code];
  if (mark !== undefined) {
    const marks = new Set(state.marks);
    if (!marks.delete(mark)) marks.add(mark);
    return { ...state, marks };
  }
  switch (code) {
    case '\x03':
      if (given.ink === undefined) return { ...state, ink: undefined, paper: undefined };
      return {
        ...state,
        ink: colourNumbered(Number(given.ink)),
        paper: given.paper === undefined ? state.paper : colourNumbered(Number(given.paper)),
      };
    case '\x04':
      if (given.hexInk === undefined) return { ...state, ink: undefined, paper: undefined };
      return {
        ...state,
        ink: `#${given.hexInk.toLowerCase()}`,
        paper: given.hexPaper === undefined ? state.paper : `#${given.hexPaper.toLowerCase()}`,
      };
    case '\x11':
      return { ...state, isCode: !state.isCode };
    case '\x16':
      return { ...state, isReversed: !state.isReversed };
    case '\x0f':
      return unmarked;
    default:
      return state;
  }
}

/** An inline node that holds others, without what it holds; `key` tells two of them apart. */
interface Wrapper {
  readonly key: string;
  wrap(of: Inline[]): Inline;
}

/** Puts runs of text, each with its own marks, into a tree; a mark that goes on is not closed and opened again. */
class Nest {
  readonly inlines: Inline[] = [];
  #open: { readonly key: string; readonly of: Inline[] }[] = [];

  add(text: string, state: State): void {
    if (text === '') return;
    const wanted = wrappersFor(state);
    const end = this.#open.findIndex((wrapper) => !wanted.some(({ key }) => key === wrapper.key));
    if (end !== -1) this.#open.length = end;
    for (const { key, wrap } of wanted) {
      if (this.#open.some((wrapper) => wrapper.key === key)) continue;
      const of: Inline[] = [];
      this.#innermost().push(wrap(of));
      this.#open.push({ key, of });
    }
    if (state.isCode) this.#innermost().push({ is: 'code', text });
    else this.#innermost().push(...withLinks(text));
  }

  #innermost(): Inline[] {
    return this.#open.at(-1)?.of ?? this.inlines;
  }
}

function wrappersFor({ marks, isReversed, ...colours }: State): Wrapper[] {
  const wrappers: Wrapper[] = [...marks].map((is) => ({ key: is, wrap: (of) => ({ is, of }) }));
  const { ink, paper } = isReversed ? { ink: colours.paper, paper: colours.ink } : colours;
  if (ink === undefined && paper === undefined) return wrappers;
  // Text in the colour of its background is there to be uncovered.
  if (ink === paper) return [{ key: 'spoiler', wrap: (of) => ({ is: 'spoiler', of }) }, ...wrappers];
  const colour = { ...(ink !== undefined && { ink }), ...(paper !== undefined && { paper }) };
  return [{ key: `${ink} on ${paper}`, wrap: (of) => ({ is: 'colour', ...colour, of }) }, ...wrappers];
}

function withLinks(text: string): Inline[] {
  const inlines: Inline[] = [];
  let done = 0;
  for (const { start, end } of addressesIn(text)) {
    const to = text.slice(start, end);
    if (start > done) inlines.push(textNode(text.slice(done, start)));
    inlines.push({ is: 'link', to, of: [textNode(to)] });
    done = end;
  }
  if (done < text.length) inlines.push(textNode(text.slice(done)));
  return inlines;
}
