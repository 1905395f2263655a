// One line of Markdown: code, links and escapes first, then the marks around them.

import { type Inline, text } from '#bridge-core';
import { type MarkName, Nest } from './nest.ts';
import { printable, type Reading } from './reading.ts';
import { decoded, readToken } from './tokens-in.ts';

const piece = new RegExp(
  [
    /\\(?<escaped>[!-/:-@[-`{-~])/u,
    /(?<ticks>`{1,3})(?<code>[^`\n]+)\k<ticks>/u,
    /(?<bang>!?)\[(?<label>[^[\]\n]*)\]\(<?(?<address>[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)?)>?(?:\s+"[^"\n]*")?\)/u,
    /<(?<token>[^<>\n]+)>/u,
    /:(?<emoji>[\p{L}\p{N}_+'.-]{1,100}(?:::skin-tone-[2-6])?):/u,
    /(?<sign>\*\*\*|\*\*|\*|___|__|_|~~)/u,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gu',
);

interface Sign {
  readonly sign: string;
  readonly opens: boolean;
  readonly closes: boolean;
}

type Piece = { readonly nodes: readonly Inline[] } | Sign;

export function readMarkdownLine(line: string, reading: Reading): Inline[] {
  const pieces: Piece[] = [];
  let done = 0;
  const words = (end: number) => {
    if (end > done) pieces.push({ nodes: [text(printable(decoded(line.slice(done, end))))] });
  };
  for (const match of line.matchAll(piece)) {
    const end = match.index + match[0].length;
    const found = pieceOf(match.groups ?? {}, line[match.index - 1], line[end], reading);
    if (found === undefined) continue;
    words(match.index);
    pieces.push(found);
    done = end;
  }
  words(line.length);
  return marked(pieces);
}

const isWord = (sign: string | undefined): boolean => sign !== undefined && /[\p{L}\p{N}]/u.test(sign);
const isBlank = (sign: string | undefined): boolean => sign === undefined || /\s/.test(sign);

function pieceOf(
  { escaped, code, bang, label, address, token, emoji, sign }: Record<string, string | undefined>,
  before: string | undefined,
  after: string | undefined,
  reading: Reading,
): Piece | undefined {
  if (escaped !== undefined) return { nodes: [text(escaped)] };
  if (code !== undefined) return { nodes: [{ is: 'code', text: printable(code.trim() === '' ? code : code.trim()) }] };
  if (address !== undefined) {
    const words = decoded(label ?? '');
    return {
      nodes: bang === '!' ? reading.picture(address, words) : reading.link(address, readMarkdownLine(words, reading)),
    };
  }
  if (token !== undefined) {
    const nodes = readToken(token, reading, (words) => [text(printable(decoded(words)))]);
    return nodes && { nodes };
  }
  if (emoji !== undefined) {
    const found = isWord(before) && isWord(after) ? undefined : reading.emoji(emoji);
    return found && { nodes: [found] };
  }
  if (sign === undefined) return undefined;
  const isWithin = sign.startsWith('_') && isWord(before) && isWord(after);
  return { sign, opens: !isBlank(after) && !isWithin, closes: !isBlank(before) && !isWithin };
}

const marksOf: Readonly<Record<string, readonly MarkName[]>> = {
  '***': ['bold', 'italic'],
  ___: ['bold', 'italic'],
  '**': ['bold'],
  __: ['bold'],
  '*': ['italic'],
  _: ['italic'],
  '~~': ['strike'],
};

/** Each closing sign goes with the last open one of its kind; a sign without its partner is a word. */
function marked(pieces: readonly Piece[]): Inline[] {
  const partners = new Map<number, 'opens' | 'closes'>();
  const open: { readonly at: number; readonly sign: string }[] = [];
  const waiting = new Map<string, number>();
  const count = (sign: string, by: number) => waiting.set(sign, (waiting.get(sign) ?? 0) + by);
  for (const [at, piece] of pieces.entries()) {
    if ('nodes' in piece) continue;
    if (piece.closes && (waiting.get(piece.sign) ?? 0) > 0) {
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
