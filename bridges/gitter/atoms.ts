// What stands in a line of Gitter's markdown: words with their marks, code, people, links, pictures. Words are escaped so that they
// read as they were written; a name after `@` and an address are left as they are, for a backslash in them escapes nothing.

import { addressesIn, type Fit, type Inline, plainOfInlines } from '#bridge-core';
import { pieces } from './pieces.ts';

export type AtomFit = Pick<Fit, 'bytes' | 'markup' | 'mention'>;

/** What is not cut: a word, a blank, a link. */
interface Atom {
  /** Escaped, but for what matters only where a line begins. */
  readonly text: string;
  readonly marks: readonly Sign[];
  readonly isBlank: boolean;
}

type Sign = '**' | '*' | '~~';

/** Lines, each of so many bytes at most. */
export function printInlines(inlines: readonly Inline[], fit: AtomFit): string[] {
  const lines: string[] = [];
  let line: Atom[] = [];
  let bytes = 0;
  const finish = () => {
    lines.push(lineOf(line));
    [line, bytes] = [[], 0];
  };
  for (const atom of atomsOf(inlines, fit, [])) {
    if (atom === 'break') {
      finish();
      continue;
    }
    // Marks that go on from atom to atom are written once: this counts more than it takes.
    const size = Buffer.byteLength(atom.text) + 2 * atom.marks.join('').length;
    if (bytes + size > fit.bytes && line.length > 0) finish();
    if (atom.isBlank && line.length === 0) continue;
    if (line.length === 0 && mayBeGuarded.test(atom.text)) bytes += 1;
    line.push(atom);
    bytes += size;
  }
  if (line.length > 0) finish();
  // Empty lines within a paragraph would end it.
  return lines.filter((each) => each !== '');
}

function* atomsOf(inlines: readonly Inline[], fit: AtomFit, marks: readonly Sign[]): Generator<Atom | 'break'> {
  for (const inline of inlines) {
    switch (inline.is) {
      case 'text':
        yield* words(inline.text, fit, marks);
        break;
      case 'break':
        yield 'break';
        break;
      case 'code':
        yield* code(inline.text, fit, marks);
        break;
      case 'mention':
        yield* mention(inline, fit, marks);
        break;
      case 'image':
        yield* picture(inline, fit, marks);
        break;
      case 'link':
        yield* link(inline, fit, marks);
        break;
      case 'spoiler':
        if (inline.reason !== undefined) yield* words(`(${inline.reason}) `, fit, marks);
        yield* atomsOf(inline.of, fit, marks);
        break;
      case 'bold':
        yield* atomsOf(inline.of, fit, withMark(marks, '**', fit));
        break;
      case 'italic':
        yield* atomsOf(inline.of, fit, withMark(marks, '*', fit));
        break;
      case 'strike':
        yield* atomsOf(inline.of, fit, withMark(marks, '~~', fit));
        break;
      default:
        yield* atomsOf(inline.of, fit, marks);
    }
  }
}

function withMark(marks: readonly Sign[], sign: Sign, { markup }: AtomFit): readonly Sign[] {
  return !markup || marks.includes(sign) ? marks : [...marks, sign];
}

function* words(text: string, fit: AtomFit, marks: readonly Sign[]): Generator<Atom> {
  const shown = text.replace(/[\t\n\r]/g, ' ').replace(/[\x00-\x1f\x7f]/g, '');
  for (const word of shown.split(/(\s+)/)) {
    if (word === '') continue;
    if (word.trim() === '') yield { text: ' ', marks, isBlank: true };
    else yield* whole(escaped(word), fit, marks, () => pieces(word, Math.floor(roomFor(fit, marks) / 2)).map(escaped));
  }
}

const roomFor = ({ bytes }: AtomFit, marks: readonly Sign[]): number => Math.max(4, bytes - 2 * marks.join('').length - 1);

/** In one, where it fits; where not, as `cut` has it. */
function* whole(text: string, fit: AtomFit, marks: readonly Sign[], cut: () => readonly string[]): Generator<Atom> {
  // A sign that guards its beginning may come before it.
  const isWithin = Buffer.byteLength(text) <= roomFor(fit, marks) + (mayBeGuarded.test(text) ? 0 : 1);
  for (const part of isWithin ? [text] : cut()) yield { text: part, marks, isBlank: false };
}

function* code(text: string, fit: AtomFit, marks: readonly Sign[]): Generator<Atom> {
  const shown = text.replace(/\s/g, ' ').replace(/[\x00-\x1f\x7f]/g, '');
  if (shown.trim() === '' || !fit.markup) return yield* words(shown, fit, marks);
  yield* whole(ticked(shown), fit, marks, () =>
    pieces(shown, Math.floor(roomFor(fit, marks) / 3)).map((each) => (each.trim() === '' ? each : ticked(each))),
  );
}

function ticked(text: string): string {
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/g), ([ticks]) => ticks.length));
  const sign = '`'.repeat(longest + 1);
  return longest === 0 ? `${sign}${text}${sign}` : `${sign} ${text} ${sign}`;
}

function* mention({ of, text }: Inline & { is: 'mention' }, fit: AtomFit, marks: readonly Sign[]): Generator<Atom> {
  if ('everyone' in of) return yield { text: '@/all', marks, isBlank: false };
  const name = 'user' in of || 'remote' in of ? fit.mention(of) : undefined;
  if (name !== undefined) return yield* whole(name, fit, marks, () => pieces(name, roomFor(fit, marks)));
  const isPlace = ('room' in of || 'channel' in of) && !/^[#!]/.test(text);
  yield* words(isPlace ? `#${text}` : text, fit, marks);
}

function* picture({ source, alt }: Inline & { is: 'image' }, fit: AtomFit, marks: readonly Sign[]): Generator<Atom> {
  const label = alt === '' ? 'image' : alt;
  if (!/^https?:/.test(source) || !fit.markup) return yield* words(label, fit, marks);
  yield* whole(`![${labelOf(label)}](${target(source)})`, fit, marks, () => [...pieces(source, roomFor(fit, marks))]);
}

function* link({ to, of }: Inline & { is: 'link' }, fit: AtomFit, marks: readonly Sign[]): Generator<Atom | 'break'> {
  const label = plainOfInlines(of).replace(/\s+/g, ' ').trim();
  const address = to.replace(/^mailto:/i, '');
  const isBare = label === '' || label === to || label === address || to === `https://${label}` || to === `http://${label}`;
  const bare = () => pieces(address, roomFor(fit, marks));
  if (isBare) return yield* whole(address, fit, marks, bare);
  const linked = `[${labelOf(label)}](${target(to)})`;
  if (fit.markup && Buffer.byteLength(linked) <= roomFor(fit, marks)) return yield { text: linked, marks, isBlank: false };
  yield* words(label, fit, marks);
  if (label.includes(address)) return;
  yield { text: ' ', marks, isBlank: true };
  yield* whole(address, fit, marks, bare);
}

const labelOf = (label: string): string => label.replace(/[[\]]/g, ' ').replace(/[\\`*_~]/g, '\\$&');

const target = (address: string): string =>
  address.replace(/[()\s]/g, (sign) => encodeURIComponent(sign).replace('(', '%28').replace(')', '%29'));

/** A word, so that it reads as it was written. */
function escaped(word: string): string {
  if (!/[\\`*[\]_~@:]/.test(word)) return word;
  let text = '';
  let done = 0;
  for (const { start, end } of keptIn(word)) {
    text += escapedSigns(word.slice(done, start), word[start - 1]) + word.slice(start, end);
    done = end;
  }
  return text + escapedSigns(word.slice(done), word[done - 1]);
}

/** Addresses, and names of people. */
function keptIn(word: string): { readonly start: number; readonly end: number }[] {
  const addresses = word.includes('://') ? addressesIn(word) : [];
  if (addresses.length > 0) return [...addresses];
  return Array.from(word.matchAll(/(?<![\w/])@[A-Za-z0-9][\w-]*/g), (match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }));
}

function escapedSigns(text: string, before = ''): string {
  return (
    text
      .replace(/[\\`*[\]]|~(?=~)|(?<=~)~|_/g, (sign, at: number) => {
        if (sign !== '_') return `\\${sign}`;
        // Within a word it marks nothing.
        const isWithin = /[\p{L}\p{N}]/u.test(text[at - 1] ?? before) && /[\p{L}\p{N}]/u.test(text[at + 1] ?? '');
        return isWithin ? sign : '\\_';
      })
      // Nobody calls a whole room by accident.
      .replace(/@(?=\/all\b)/g, '@\u200b')
  );
}

/** Marks open before the first word of what they mark on the line, and close after the last. */
function lineOf(atoms: readonly Atom[]): string {
  let end = atoms.length;
  while (end > 0 && atoms[end - 1]?.isBlank === true) end -= 1;
  let line = '';
  let open: Sign[] = [];
  for (const [at, atom] of atoms.slice(0, end).entries()) {
    if (atom.isBlank) {
      // Blanks hug no mark: whatever ends here ends before them.
      const next = atoms.slice(at, end).find(({ isBlank }) => !isBlank)?.marks ?? [];
      [line, open] = close(line, open, next);
      line += ' ';
      continue;
    }
    [line, open] = close(line, open, atom.marks);
    for (const mark of atom.marks) {
      if (open.includes(mark)) continue;
      line += mark;
      open.push(mark);
    }
    line += atom.text;
  }
  [line] = close(line, open, []);
  return guarded(line);
}

function close(line: string, open: readonly Sign[], wanted: readonly Sign[]): [string, Sign[]] {
  const kept = open.findIndex((mark) => !wanted.includes(mark));
  if (kept === -1) return [line, [...open]];
  return [line + open.slice(kept).toReversed().join(''), open.slice(0, kept)];
}

const mayBeGuarded = /^[#>+|\d-]/;

/** What would begin a heading, a quote, a list or a rule is a word. */
function guarded(line: string): string {
  if (/^(?:[#>]|[-+](?:\s|$)|-{3}|\|)/.test(line)) return `\\${line}`;
  return line.replace(/^(\d{1,9})\.(?=\s|$)/, '$1\\.');
}
