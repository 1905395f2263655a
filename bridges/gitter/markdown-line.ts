// One line of Gitter's markdown: escapes, code, links, people and issues first, then the marks around them.

import { addressesIn, type Inline, isBlank, isLetter, marked, type Piece, safeAddress, text } from '#bridge-core';
import type { GitterBody } from './body.ts';
import { signNamed } from './emoji.ts';
import { makeUserId } from './ids.ts';

/** Where nothing comes of a sign, little was read for it: a line takes time as it is long. Code is found by itself. */
const piece = new RegExp(
  [
    /\\(?<escaped>[\\`*{}[\]()#+\-.!_>~|])/,
    /(?<ticks>`+)/,
    /(?<bang>!?)\[(?<label>[^[\]\n]*)\]\(<?(?<address>[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)?)>?(?:\s+"[^"\n]*")?\)/,
    /<(?<link>https?:\/\/[^<>\s]+)>/,
    /(?<url>https?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]*_~])/,
    /(?<![\w/])@(?<name>\/all\b|[A-Za-z0-9][\w-]*)/,
    /(?:(?<![\w&/.-])(?<repo>[\w.-]{1,100}\/[\w.-]{1,100})|(?<![\w&/]))#(?<issue>\d+)\b/,
    // The flag keeps the linter from taking the classes' backslashes away.
    /(?<![\p{L}\p{N}]):(?<emoji>[+-]1|[a-zA-Z0-9][\w-]{0,60}):(?![\p{L}\p{N}])/u,
    /(?<sign>\*\*\*|\*\*|\*|___|__|_|~~)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gu',
);

export function readLine(line: string, body: GitterBody): Inline[] {
  const found: Piece[] = [];
  const codeAt = line.includes('`') ? codesIn(line) : undefined;
  let done = 0;
  for (;;) {
    // What is within a link's words is read in between.
    piece.lastIndex = done;
    const match = piece.exec(line);
    if (match === null) break;
    const { ticks } = match.groups ?? {};
    const code = ticks === undefined ? undefined : codeAt?.(match.index, ticks.length);
    const end = code?.end ?? match.index + match[0].length;
    const read = code?.piece ?? pieceOf(match.groups ?? {}, line[match.index - 1], line[end], body);
    if (match.index > done) found.push({ nodes: [text(line.slice(done, match.index))] });
    found.push(read ?? { nodes: [text(match[0])] });
    done = end;
  }
  if (done < line.length) found.push({ nodes: [text(line.slice(done))] });
  return marked(found);
}

/** Code goes to the next run of as many backticks as it began with; of more, the last of them may have begun it. To be asked from the left. */
function codesIn(line: string): (at: number, ticks: number) => { readonly piece: Piece; readonly end: number } | undefined {
  const runs = new Map<number, number[]>();
  for (const { index, 0: run } of line.matchAll(/`+/g)) {
    const same = runs.get(run.length);
    if (same === undefined) runs.set(run.length, [index]);
    else same.push(index);
  }
  // The next one stands last.
  for (const same of runs.values()) same.reverse();
  return (at, ticks) => {
    for (let signs = ticks; signs > 0; signs -= 1) {
      const same = runs.get(signs) ?? [];
      while ((same.at(-1) ?? line.length) < at + ticks) same.pop();
      const closing = same.at(-1);
      if (closing === undefined) continue;
      const code = line.slice(at + signs, closing);
      return { piece: { nodes: [{ is: 'code', text: code.trim() === '' ? code : code.trim() }] }, end: closing + signs };
    }
    return undefined;
  };
}

/** Undefined: words, after all. */
function pieceOf(
  { escaped, bang, label, address, link, url, name, issue, repo, emoji, sign }: Record<string, string | undefined>,
  before: string | undefined,
  after: string | undefined,
  body: GitterBody,
): Piece | undefined {
  if (escaped !== undefined) return { nodes: [text(escaped)] };
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
  const isShown = to?.startsWith('https:') === true || (body.home !== undefined && to?.startsWith(`${body.home}/`) === true);
  if (isPicture && to !== undefined && isShown) return { nodes: [{ is: 'image', source: to, alt: words || 'image', picture: {} }] };
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
