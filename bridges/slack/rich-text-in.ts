// Slack's `rich_text` block, which its own clients write, as rich text. Nested lists come as lists side by side, each with its
// indent, and one that goes on after them counts on from its offset.

import { type Block, colourOf, type Inline, type MarkName, Nest, noMarks, text } from '#bridge-core';
import { filledIn } from './dates.ts';
import { type Fields, fieldsIn, listIn, numberIn, textIn } from './fields.ts';
import { oneLine, paragraphOf, plainly, printable, type Reading } from './reading.ts';

export function readRichText(block: Fields, reading: Reading): Block[] {
  const reader = new Reader(reading);
  for (const element of listIn(block, 'elements')) reader.element(element);
  return reader.finish();
}

/** As it looks in a line: in a cell of a table, in a title. */
function readLeaves(elements: readonly Fields[], reading: Reading): Inline[] {
  const nest = new Nest();
  for (const leaf of elements) addLeaf(nest, leaf, reading);
  return nest.inlines;
}

/** A list under way, and what it would hold next. */
interface OpenList {
  readonly indent: number;
  readonly isOrdered: boolean;
  readonly start: number;
  readonly items: Block[][];
}

/** Slack's own clients go to eight. */
const deepestIndent = 8;

class Reader {
  readonly #reading: Reading;
  readonly #blocks: Block[] = [];
  #section: Inline[] = [];
  /** What is in the quote under way. */
  #quote: Reader | undefined;
  /** Those that the next list may belong into, outermost first. */
  #lists: OpenList[] = [];

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  element(element: Fields): void {
    const { type, border, ...rest } = element;
    if (type === 'rich_text_quote' || border === 1) {
      // What stands within one quote comes side by side.
      this.#endSection();
      this.#lists = [];
      this.#quote ??= new Reader(this.#reading);
      this.#quote.element({ ...rest, type: type === 'rich_text_quote' ? 'rich_text_section' : type });
      return;
    }
    this.#endQuote();
    if (type !== 'rich_text_list') this.#lists = [];
    if (type === 'rich_text_list') this.#list(element);
    else if (type === 'rich_text_preformatted') this.#preformatted(element);
    else this.#leaves(element);
  }

  finish(): Block[] {
    this.#endQuote();
    this.#endSection();
    return this.#blocks;
  }

  /** Sections side by side are lines. */
  #leaves(element: Fields): void {
    const found = Array.isArray(element.elements)
      ? readLeaves(listIn(element, 'elements'), this.#reading)
      : readLeaves([element], this.#reading);
    const last = this.#section.at(-1);
    if (this.#section.length > 0 && found.length > 0 && last?.is !== 'break') this.#section.push({ is: 'break' });
    for (const inline of found) this.#section.push(inline);
  }

  #endSection(): void {
    this.#blocks.push(...paragraphOf(this.#section));
    this.#section = [];
  }

  #preformatted(element: Fields): void {
    this.#endSection();
    const words = listIn(element, 'elements').map((leaf) => textIn(leaf, 'text') ?? textIn(leaf, 'url') ?? '');
    const lines = words
      .join('')
      .replace(/(?:\r?\n)+$/, '')
      .split(/\r\n|\n|\r/)
      .map(printable);
    const language = /^[\w+#.-]{1,40}$/.exec(textIn(element, 'language') ?? '')?.[0];
    if (lines.join('') !== '')
      this.#blocks.push({ is: 'preformatted', ...(language !== undefined && { language }), text: lines.join('\n') });
  }

  #endQuote(): void {
    const of = this.#quote?.finish() ?? [];
    this.#quote = undefined;
    if (of.length > 0) this.#blocks.push({ is: 'quote', of });
  }

  #list(element: Fields): void {
    this.#endSection();
    const indent = Math.min(deepestIndent, Math.max(0, Math.trunc(numberIn(element, 'indent') ?? 0)));
    const isOrdered = element.style === 'ordered';
    const offset = Math.max(0, Math.trunc(numberIn(element, 'offset') ?? 0));
    while ((this.#lists.at(-1)?.indent ?? -1) > indent) this.#lists.pop();
    const items = listIn(element, 'elements').map((item) => this.#item(item));
    if (items.length === 0) return;
    const current = this.#lists.at(-1);
    const goesOn =
      current?.indent === indent && current.isOrdered === isOrdered && (!isOrdered || offset === current.start - 1 + current.items.length);
    if (goesOn) {
      for (const item of items) current.items.push(item);
      return;
    }
    if (current?.indent === indent) this.#lists.pop();
    const list: OpenList = { indent, isOrdered, start: Math.min(offset, 999_999_998) + 1, items };
    (this.#lists.at(-1)?.items.at(-1) ?? this.#blocks).push({ is: 'list', ...(isOrdered && { start: list.start }), items });
    this.#lists.push(list);
  }

  #item(item: Fields): Block[] {
    const inner = new Reader(this.#reading);
    // A list in an item is not Slack's way: its words stay.
    if (item.type === 'rich_text_list') inner.#leaves({ elements: listIn(item, 'elements').flatMap((each) => listIn(each, 'elements')) });
    else inner.element(item);
    return inner.finish();
  }
}

const markNames: readonly MarkName[] = ['bold', 'italic', 'underline', 'strike'];

function addLeaf(nest: Nest, leaf: Fields, reading: Reading): void {
  const style = fieldsIn(leaf, 'style');
  const marks = markNames.filter((mark) => style?.[mark] === true);
  const nodes = leafNodes(leaf, reading);
  const last = nodes.findLastIndex(({ is }) => is !== 'break');
  // A line's end after marked words is not marked.
  for (const [at, node] of nodes.entries()) nest.add(style?.code === true ? asCode(node) : node, at > last ? noMarks : marks);
}

function leafNodes(leaf: Fields, reading: Reading): readonly Inline[] {
  switch (leaf.type) {
    case 'text':
      return plainly(textIn(leaf, 'text') ?? '');
    case 'link':
      return reading.link(
        textIn(leaf, 'url') ?? '',
        plainly(textIn(leaf, 'text') ?? '').filter(({ is }) => is !== 'break'),
      );
    case 'user':
      return [reading.user(textIn(leaf, 'user_id') ?? 'somebody')];
    case 'usergroup':
      return [reading.usergroup(textIn(leaf, 'usergroup_id') ?? 'group')];
    case 'team':
      return [text(`@${oneLine(textIn(leaf, 'team_id') ?? 'team')}`)];
    case 'channel':
      return [reading.channel(textIn(leaf, 'channel_id') ?? 'channel')];
    case 'broadcast':
      return [reading.everyone(/^(?:here|everyone)$/.exec(textIn(leaf, 'range') ?? '')?.[0] ?? 'channel')];
    case 'emoji':
      return [emojiOf(leaf, reading)];
    case 'date':
      return dateOf(leaf, reading);
    case 'color':
      return [swatch(oneLine(textIn(leaf, 'value') ?? ''))];
    default:
      return unknown(leaf, reading);
  }
}

function emojiOf(leaf: Fields, reading: Reading): Inline {
  const name = oneLine(textIn(leaf, 'name') ?? 'emoji');
  const tone = numberIn(leaf, 'skin_tone');
  const address = textIn(leaf, 'url');
  const found = reading.emoji(tone === undefined ? name : `${name}::skin-tone-${tone}`, textIn(leaf, 'unicode'));
  if (found !== undefined) return found;
  // One of another workspace comes with its address.
  return address?.startsWith('https://') ? { is: 'image', source: address, alt: `:${name}:` } : text(`:${name}:`);
}

function dateOf(leaf: Fields, reading: Reading): readonly Inline[] {
  const seconds = numberIn(leaf, 'timestamp');
  const made = seconds === undefined ? undefined : filledIn(textIn(leaf, 'format') ?? '{date_num} {time}', seconds);
  const words = [text(oneLine(textIn(leaf, 'fallback') ?? made ?? 'a date'))];
  const address = textIn(leaf, 'url');
  return address === undefined ? words : reading.link(address, words);
}

function swatch(value: string): Inline {
  const ink = colourOf(value);
  return ink === undefined ? text(value) : { is: 'colour', ink, of: [text(value)] };
}

/** Whatever comes next in Slack: its words, and where they lead. */
function unknown(leaf: Fields, reading: Reading): readonly Inline[] {
  const words = ['text', 'fallback', 'name', 'title', 'value'].map((name) => textIn(leaf, name)).find((each) => each !== undefined);
  const address = textIn(leaf, 'url');
  if (address !== undefined)
    return reading.link(
      address,
      plainly(words ?? '').filter(({ is }) => is !== 'break'),
    );
  return plainly(words ?? '');
}

function asCode(node: Inline): Inline {
  if (node.is === 'text') return { is: 'code', text: node.text };
  return node.is === 'link' ? { ...node, of: node.of.map(asCode) } : node;
}
