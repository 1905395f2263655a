// One line of Markdown: code, links and escapes first, then the marks around them.

import { type Inline, isBlank, isLetter, marked, type Piece, text } from '#bridge-core';
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
    const found = isLetter(before) && isLetter(after) ? undefined : reading.emoji(emoji);
    return found && { nodes: [found] };
  }
  if (sign === undefined) return undefined;
  const isWithin = sign.startsWith('_') && isLetter(before) && isLetter(after);
  return { sign, opens: !isBlank(after) && !isWithin, closes: !isBlank(before) && !isWithin };
}
