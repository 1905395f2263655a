// One line of Gitter's markdown: escapes, code, links, people and issues first, then the marks around them.

import { addressesIn, type Inline, isBlank, isLetter, marked, type Piece, safeAddress, text } from '#bridge-core';
import type { GitterBody } from './body.ts';
import { signNamed } from './emoji.ts';
import { makeUserId } from './ids.ts';

const piece = new RegExp(
  [
    /\\(?<escaped>[\\`*{}[\]()#+\-.!_>~|])/,
    /(?<ticks>`+)(?<code>[\s\S]*?[^`])\k<ticks>(?!`)/,
    /(?<bang>!?)\[(?<label>[^[\]\n]*)\]\(<?(?<address>[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)?)>?(?:\s+"[^"\n]*")?\)/,
    /<(?<link>https?:\/\/[^<>\s]+)>/,
    /(?<url>https?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]*_~])/,
    /(?<![\w/])@(?<name>\/all\b|[A-Za-z0-9][\w-]*)/,
    /(?<![\w&/])(?<repo>[\w.-]+\/[\w.-]+)?#(?<issue>\d+)\b/,
    /(?<![p{L}p{N}]):(?<emoji>[+-]1|[a-zA-Z0-9][\w-]{0,60}):(?![p{L}p{N}])/,
    /(?<sign>\*\*\*|\*\*|\*|___|__|_|~~)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gu',
);

export function readLine(line: string, body: GitterBody): Inline[] {
  const found: Piece[] = [];
  let done = 0;
  for (const match of line.matchAll(piece)) {
    const end = match.index + match[0].length;
    const read = pieceOf(match.groups ?? {}, line[match.index - 1], line[end], body);
    if (match.index > done) found.push({ nodes: [text(line.slice(done, match.index))] });
    found.push(read ?? { nodes: [text(match[0])] });
    done = end;
  }
  if (done < line.length) found.push({ nodes: [text(line.slice(done))] });
  return marked(found);
}

/** Undefined: words, after all. */
function pieceOf(
  { escaped, code, bang, label, address, link, url, name, issue, repo, emoji, sign }: Record<string, string | undefined>,
  before: string | undefined,
  after: string | undefined,
  body: GitterBody,
): Piece | undefined {
  if (escaped !== undefined) return { nodes: [text(escaped)] };
  if (code !== undefined) return { nodes: [{ is: 'code', text: code.trim() === '' ? code : code.trim() }] };
  if (address !== undefined) return leading(address, label ?? '', bang === '!', body);
  const plain = link ?? url;
  if (plain !== undefined) return { nodes: linked(plain) };
  if (name !== undefined) return mentioned(name, body);
  if (issue !== undefined) return issueOf(issue, repo, body);
  const picture = emoji === undefined ? undefined : signNamed(emoji);
  if (picture !== undefined) return { nodes: [text(picture)] };
  if (sign === undefined) return undefined;
  // `2 * 3 * 4` is emphasis there; an underscore within a word is none.
  const isWithin = sign.startsWith('_') && isLetter(before) && isLetter(after);
  const isStar = sign.startsWith('*') && sign.length === 1;
  return { sign, opens: (isStar || !isBlank(after)) && !isWithin, closes: (isStar || !isBlank(before)) && !isWithin };
}

function leading(address: string, label: string, isPicture: boolean, body: GitterBody): Piece | undefined {
  const to = safeAddress(address);
  const words = label.replace(/\\([\\`*{}[\]()#+\-.!_>~|])/g, '$1');
  if (isPicture && to?.startsWith('https:')) return { nodes: [{ is: 'image', source: to, alt: words || 'image', picture: {} }] };
  if (to === undefined) return isPicture ? undefined : { nodes: readLine(label, body) };
  const of = isPicture ? [text(words || to)] : readLine(label, body).flatMap(unlinked);
  return { nodes: [{ is: 'link', to, of: of.length === 0 ? [text(to)] : of }] };
}

/** Nothing in a link leads elsewhere. */
function unlinked(inline: Inline): readonly Inline[] {
  if (inline.is === 'link') return inline.of.flatMap(unlinked);
  if (inline.is === 'mention') return [text(`@${inline.text}`)];
  return [inline];
}

function linked(address: string): Inline[] {
  const [found] = addressesIn(address);
  const to = found === undefined ? undefined : safeAddress(address.slice(found.start, found.end));
  if (found === undefined || to === undefined) return [text(address)];
  const rest = address.slice(found.end);
  return [{ is: 'link', to, of: [text(address.slice(found.start, found.end))] }, ...(rest === '' ? [] : [text(rest)])];
}

function mentioned(name: string, { mentions = [] }: GitterBody): Piece | undefined {
  if (name === '/all') return { nodes: [{ is: 'mention', of: { everyone: true }, text: '/all' }] };
  const lower = name.toLowerCase();
  const found = mentions.find((each) => each.name.toLowerCase() === lower);
  return found && { nodes: [{ is: 'mention', of: { remote: makeUserId(found.id) }, text: name }] };
}

/** `#12` of the room's own project, `org/repo#12` of any at GitHub. */
function issueOf(number: string, repo: string | undefined, { project }: GitterBody): Piece | undefined {
  const home = repo === undefined ? project : `https://github.com/${repo}`;
  const to = home === undefined ? undefined : safeAddress(`${home}/issues/${number}`);
  return to === undefined ? undefined : { nodes: [{ is: 'link', to, of: [text(`${repo ?? ''}#${number}`)] }] };
}
