// Mentions in rich text: found, turned into others (person ↔ ghost), or made from names that stand as plain words; pictures
// likewise, which a network and Matrix keep in different places.
// Whatever holds none is handed back as it is, not copied.

import type { UserId } from '../ids.ts';
import { addressesIn } from './bare-addresses.ts';
import { type Block, type Inline, type Mentioned, type RichText, text as textNode } from './rich-text.ts';

type Mention = Extract<Inline, { is: 'mention' }>;

/** Where a node stands. */
interface Place {
  readonly isLineStart: boolean;
  readonly isInLink: boolean;
  /** Links are nodes to be changed, not what holds others. */
  readonly takesLinks?: true;
}

/** What stands for one node that holds no others: itself, where nothing changes. */
type Change = (inline: Inline, place: Place) => readonly Inline[];

/** Puts what `fn` answers in place of each mention; undefined leaves its words as plain text. */
export function mapMentions(text: RichText, fn: (mentioned: Mentioned, words: string) => Inline | undefined): RichText {
  return mapBlocks(text, (inline) => (inline.is === 'mention' ? [fn(inline.of, inline.text) ?? textNode(inline.text)] : [inline]));
}

/** The Matrix users named, each once, in order. */
export function mentionedUsers(text: RichText): UserId[] {
  const found = new Set<UserId>();
  for (const mention of mentionsIn(text)) if ('user' in mention.of) found.add(mention.of.user);
  return [...found];
}

type Image = Extract<Inline, { is: 'image' }>;

/** Every picture, in order. */
export function imagesIn(text: RichText): Image[] {
  const found: Image[] = [];
  mapImages(text, (image) => {
    found.push(image);
    return image;
  });
  return found;
}

/** Puts what `fn` answers in place of each picture. */
export function mapImages(text: RichText, fn: (image: Image) => Inline): RichText {
  return mapBlocks(text, (inline) => [inline.is === 'image' ? fn(inline) : inline]);
}

/** Every mention, in order. */
export function mentionsIn(text: RichText): Mention[] {
  const found: Mention[] = [];
  mapBlocks(text, (inline) => {
    if (inline.is === 'mention') found.push(inline);
    return [inline];
  });
  return found;
}

/** Whom a word names. `isAddressed`: it opens a line and is followed by `:` or `,`, the way to speak to somebody on IRC. */
export type Names = (word: string, isAddressed: boolean) => Mentioned | undefined;

/** Makes mentions of names that stand as words of their own; not within code, links or addresses. */
export function findNames(text: RichText, names: Names): RichText {
  return mapBlocks(text, (inline, { isLineStart, isInLink }) =>
    inline.is === 'text' && !isInLink ? namesIn(inline, isLineStart, names) : [inline],
  );
}

// What an IRC nick may hold, and letters of any script: `alice` is no word in `malice` nor in `aliceé`.
const words = /[\p{L}\p{M}\p{N}_\-[\]\\`^{|}]+/gu;

function namesIn(inline: Inline & { is: 'text' }, isLineStart: boolean, names: Names): readonly Inline[] {
  const { text } = inline;
  let found: Inline[] | undefined;
  let done = 0;
  for (const { 0: word, index } of text.matchAll(words)) {
    const end = index + word.length;
    if (isPartOfAddress(text, index, end)) continue;
    const next = text[end];
    const mentioned = names(word, isLineStart && index === 0 && (next === ':' || next === ','));
    if (mentioned === undefined) continue;
    found ??= [];
    if (index > done) found.push(textNode(text.slice(done, index)));
    found.push({ is: 'mention', of: mentioned, text: word });
    done = end;
  }
  if (found === undefined) return [inline];
  if (done < text.length) found.push(textNode(text.slice(done)));
  return found;
}

/** `alice` in alice.example.org, me@alice, /home/alice, #alice names nobody; a full stop after a name does not count. */
function isPartOfAddress(text: string, start: number, end: number): boolean {
  const before = text[start - 1];
  if (before !== undefined && '/#=~$&'.includes(before)) return true;
  if (before !== undefined && '.@:'.includes(before) && isWordSign(text[start - 2])) return true;
  const after = text[end];
  return after !== undefined && '.@/='.includes(after) && isWordSign(text[end + 1]);
}

const isWordSign = (sign: string | undefined): boolean => sign !== undefined && /[\p{L}\p{N}_/]/u.test(sign);

/** Makes mentions of everybody of each `@room` that stands as a word of its own, or as a pill; not within code or links. */
export function findEveryone(text: RichText): RichText {
  return mapBlocks(text, (inline, { isInLink }) => {
    if (inline.is === 'mention') return 'room' in inline.of && /^@?room$/.test(inline.text) ? [everyone('@room')] : [inline];
    return inline.is === 'text' && !isInLink && inline.text.includes('@room') ? everyoneIn(inline.text) : [inline];
  });
}

const everyone = (words: string): Inline => ({ is: 'mention', of: { everyone: true }, text: words });

function everyoneIn(text: string): readonly Inline[] {
  const found: Inline[] = [];
  let done = 0;
  for (const { 0: word, index } of text.matchAll(/(?<![\p{L}\p{N}_@./:-])@room(?![\p{L}\p{N}_-]|[.:@/]\p{L})/gu)) {
    if (index > done) found.push(textNode(text.slice(done, index)));
    found.push(everyone(word));
    done = index + word.length;
  }
  if (done < text.length) found.push(textNode(text.slice(done)));
  return found;
}

/** Puts what `fn` answers in place of each web address, of a link or as it stands in the text; not within code. */
export function mapAddresses(text: RichText, fn: (address: string) => string | undefined): RichText {
  return mapBlocks(
    text,
    (inline) => {
      if (inline.is === 'text') return addressed(inline, fn);
      const to = inline.is === 'link' ? fn(inline.to) : undefined;
      if (inline.is !== 'link' || to === undefined) return [inline];
      // Where the address stands for itself, the new one does.
      const [words] = inline.of;
      const isBare = inline.of.length === 1 && words?.is === 'text' && words.text === inline.to;
      return [{ ...inline, to, ...(isBare && { of: [textNode(to)] }) }];
    },
    { ...opening, takesLinks: true },
  );
}

function addressed(inline: Inline & { is: 'text' }, fn: (address: string) => string | undefined): readonly Inline[] {
  const { text } = inline;
  const found: Inline[] = [];
  let done = 0;
  for (const { start, end } of addressesIn(text)) {
    const to = fn(text.slice(start, end));
    if (to === undefined) continue;
    if (start > done) found.push(textNode(text.slice(done, start)));
    found.push({ is: 'link', to, of: [textNode(to)] });
    done = end;
  }
  if (found.length === 0) return [inline];
  if (done < text.length) found.push(textNode(text.slice(done)));
  return found;
}

const opening: Place = { isLineStart: true, isInLink: false };

function mapBlocks(blocks: RichText, change: Change, start = opening): RichText {
  return mapSame(blocks, (block) => mapBlock(block, change, start));
}

function mapBlock(block: Block, change: Change, start: Place): Block {
  switch (block.is) {
    case 'paragraph':
    case 'heading': {
      const of = mapInlines(block.of, change, start);
      return of === block.of ? block : { ...block, of };
    }
    case 'quote': {
      const of = mapBlocks(block.of, change, start);
      return of === block.of ? block : { ...block, of };
    }
    case 'list': {
      const items = mapSame(block.items, (item) => mapBlocks(item, change, start));
      return items === block.items ? block : { ...block, items };
    }
    case 'table': {
      const rows = mapSame(block.rows, (row) => mapSame(row, (cell) => mapInlines(cell, change, start)));
      return rows === block.rows ? block : { ...block, rows };
    }
    default:
      return block;
  }
}

function mapInlines(inlines: readonly Inline[], change: Change, place: Place): readonly Inline[] {
  let changed: Inline[] | undefined;
  for (const [at, inline] of inlines.entries()) {
    const isLineStart = at === 0 ? place.isLineStart : inlines[at - 1]?.is === 'break';
    const next = mapInline(inline, change, { ...place, isLineStart });
    if (changed === undefined && (next.length !== 1 || next[0] !== inline)) changed = inlines.slice(0, at);
    changed?.push(...next);
  }
  return changed ?? inlines;
}

function mapInline(inline: Inline, change: Change, place: Place): readonly Inline[] {
  if (inline.is === 'mention' || !('of' in inline) || (inline.is === 'link' && place.takesLinks)) return change(inline, place);
  const of = mapInlines(inline.of, change, inline.is === 'link' ? { ...place, isInLink: true } : place);
  return [of === inline.of ? inline : { ...inline, of }];
}

function mapSame<Item>(items: readonly Item[], change: (item: Item) => Item): readonly Item[] {
  let changed: Item[] | undefined;
  for (const [at, item] of items.entries()) {
    const next = change(item);
    if (changed === undefined && next !== item) changed = items.slice(0, at);
    changed?.push(next);
  }
  return changed ?? items;
}
