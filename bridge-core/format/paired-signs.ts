// The signs of Markdown in a line that go together, and the marks that come of them: each closing sign goes with the last open one
// of its kind; a sign without its partner is a word.

import { type MarkName, Nest } from './nest.ts';
import { type Inline, text } from './rich-text.ts';

interface Sign {
  readonly sign: string;
  readonly opens: boolean;
  readonly closes: boolean;
}

/** What stands in a line one after the other. */
export type Piece = { readonly nodes: readonly Inline[] } | Sign;

const marksOf: Readonly<Record<string, readonly MarkName[]>> = {
  '***': ['bold', 'italic'],
  ___: ['bold', 'italic'],
  '**': ['bold'],
  __: ['bold'],
  '*': ['italic'],
  _: ['italic'],
  '~~': ['strike'],
};

export const isLetter = (sign: string | undefined): boolean => sign !== undefined && /[\p{L}\p{N}]/u.test(sign);
export const isBlank = (sign: string | undefined): boolean => sign === undefined || /\s/.test(sign);

export function marked(pieces: readonly Piece[]): Inline[] {
  const partners = partnersIn(pieces);
  const nest = new Nest();
  const active: (readonly MarkName[])[] = [];
  for (const [at, piece] of pieces.entries()) {
    const part = partners.get(at);
    if ('nodes' in piece) nest.addAll(piece.nodes, [...new Set(active.flat())]);
    else if (part === 'opens') active.push(marksOf[piece.sign] ?? []);
    else if (part === 'closes') active.pop();
    else nest.add(text(piece.sign), [...new Set(active.flat())]);
  }
  return nest.inlines;
}

function partnersIn(pieces: readonly Piece[]): Map<number, 'opens' | 'closes'> {
  const partners = new Map<number, 'opens' | 'closes'>();
  const open: { readonly at: number; readonly sign: string }[] = [];
  const waiting = new Map<string, number>();
  const count = (sign: string, by: number) => waiting.set(sign, (waiting.get(sign) ?? 0) + by);
  for (const [at, piece] of pieces.entries()) {
    if ('nodes' in piece) continue;
    const isEmpty = open.at(-1)?.sign === piece.sign && open.at(-1)?.at === at - 1;
    if (piece.closes && !isEmpty && (waiting.get(piece.sign) ?? 0) > 0) {
      for (let last = open.pop(); last !== undefined; last = open.pop()) {
        count(last.sign, -1);
        if (last.sign !== piece.sign) continue;
        partners.set(last.at, 'opens').set(at, 'closes');
        break;
      }
    } else if (piece.opens) {
      open.push({ at, sign: piece.sign });
      count(piece.sign, 1);
    }
  }
  return partners;
}
