// Matrix HTML (`org.matrix.custom.html`) to rich text, by an allow-list: a tag that is not on it leaves its words.
// Never throws, whatever the input; what a blank, a paragraph and a depth are is tree-builder.ts's business.

import { colourOf, mentionedBy, safeAddress } from './addresses.ts';
import { inlinesOf } from './flatten.ts';
import { type Attributes, type HtmlListener, readHtml } from './html-reader.ts';
import type { Block, Mark, Mentioned, Picture, RichText } from './rich-text.ts';
import { collapse, type End, type Frame, type Level, printable, TreeBuilder } from './tree-builder.ts';

const marks: Readonly<Record<string, Mark>> = {
  b: 'bold',
  strong: 'bold',
  i: 'italic',
  em: 'italic',
  u: 'underline',
  ins: 'underline',
  s: 'strike',
  del: 'strike',
  strike: 'strike',
  sup: 'superscript',
  sub: 'subscript',
};

const headings: Readonly<Record<string, Level>> = { h1: 1, h2: 2, h3: 3, h4: 4, h5: 5, h6: 6 };

/** Elements that stand on lines of their own and mean nothing else here. */
const parts = new Set([
  ...['p', 'div', 'section', 'article', 'header', 'footer', 'main', 'nav', 'aside', 'address', 'figure', 'figcaption'],
  ...['center', 'details', 'summary', 'dl', 'dt', 'dd', 'fieldset', 'form', 'caption'],
]);

const known = new Set([
  ...Object.keys(marks),
  ...Object.keys(headings),
  ...parts,
  ...['br', 'hr', 'img', 'a', 'span', 'font', 'code', 'tt', 'kbd', 'samp', 'pre', 'blockquote'],
  ...['ul', 'ol', 'li', 'table', 'thead', 'tbody', 'tfoot', 'tr', 'td', 'th'],
]);

export function fromHtml(html: string): RichText {
  const builder = new TreeBuilder();
  readHtml(html, known, new Walker(builder));
  return builder.finish();
}

/** Where words go while in an element that holds words alone. */
interface Raw {
  words: string;
  language: string | undefined;
}

class Walker implements HtmlListener {
  readonly #tree: TreeBuilder;
  /** For each open element, what its end does. */
  readonly #ends: (End | undefined)[] = [];
  #raw: Raw | undefined;

  constructor(tree: TreeBuilder) {
    this.#tree = tree;
  }

  text(words: string): void {
    if (this.#raw === undefined) this.#tree.words(words);
    else this.#raw.words += words;
  }

  open(name: string, attributes: Attributes): void {
    this.#ends.push(this.#raw === undefined ? this.#begin(name, attributes) : this.#beginRaw(name, attributes, this.#raw));
  }

  close(): void {
    this.#ends.pop()?.();
  }

  #begin(name: string, attributes: Attributes): End | undefined {
    const mark = marks[name];
    if (mark !== undefined) return this.#tree.beginFormat({ is: mark });
    const level = headings[name];
    if (level !== undefined) return this.#tree.beginHeading(level);
    if (parts.has(name)) return this.#tree.beginPart();
    switch (name) {
      case 'br':
        this.#tree.lineBreak();
        return undefined;
      case 'hr':
        this.#tree.part();
        this.#tree.add({ is: 'rule' });
        return undefined;
      case 'img':
        this.#image(attributes);
        return undefined;
      case 'span':
      case 'font':
        return this.#beginSpan(attributes);
      case 'a':
        return this.#beginLink(attributes.get('href') ?? '');
      case 'code':
      case 'tt':
      case 'kbd':
      case 'samp':
        return this.#tree.beginCode();
      case 'pre':
        return this.#beginPre(attributes);
      case 'blockquote':
        return this.#beginQuote();
      case 'ul':
        return this.#beginList({});
      case 'ol':
        return this.#beginList({ start: startIn(attributes) });
      case 'li':
        return this.#beginItem();
      case 'table':
        return this.#beginTable();
      case 'tr':
        return this.#beginRow();
      case 'td':
      case 'th':
        return this.#beginCell(name === 'th');
      default:
        return undefined;
    }
  }

  /** Within `pre` and mentions only words and the ends of lines count. */
  #beginRaw(name: string, attributes: Attributes, raw: Raw): End | undefined {
    if (name === 'br') raw.words += '\n';
    if (name === 'img') raw.words += attributes.get('alt') ?? '';
    if (name === 'code') raw.language ??= languageIn(attributes);
    if (!parts.has(name) && name !== 'li' && name !== 'tr') return undefined;
    const endLine = () => {
      if (raw.words !== '' && !raw.words.endsWith('\n')) raw.words += '\n';
    };
    endLine();
    return endLine;
  }

  #beginSpan(attributes: Attributes): End {
    const reason = attributes.get('data-mx-spoiler')?.trim();
    const ink = colourOf(attributes.get('data-mx-color') ?? attributes.get('color'));
    const paper = colourOf(attributes.get('data-mx-bg-color'));
    const isColoured = ink !== undefined || paper !== undefined;
    const spoiler = reason === undefined ? undefined : this.#tree.beginFormat({ is: 'spoiler', ...(reason && { reason }) });
    const colour = isColoured ? this.#tree.beginFormat({ is: 'colour', ...(ink && { ink }), ...(paper && { paper }) }) : undefined;
    return () => {
      colour?.();
      spoiler?.();
    };
  }

  #beginLink(href: string): End | undefined {
    if (this.#tree.isInCode) return undefined;
    const mentioned = mentionedBy(href.trim());
    if (mentioned !== undefined) {
      return this.#beginWords((raw) => {
        const words = collapse(raw.words).trim();
        this.#tree.put({ is: 'mention', of: mentioned, text: withoutSign(words, mentioned) });
      });
    }
    const to = safeAddress(href);
    return to === undefined ? undefined : this.#tree.beginFormat({ is: 'link', to });
  }

  #beginPre(attributes: Attributes): End {
    this.#tree.part();
    const end = this.#beginWords(({ words, language }) => {
      const lines = printable(words.replace(/\r\n?/g, '\n')).replace(/^\n/, '').trimEnd();
      if (lines !== '') this.#tree.add({ is: 'preformatted', ...(language && { language }), text: lines });
    }, languageIn(attributes));
    return end;
  }

  #beginWords(end: (raw: Raw) => void, language?: string): End {
    const raw: Raw = { words: '', language };
    this.#raw = raw;
    return () => {
      this.#raw = undefined;
      end(raw);
    };
  }

  #image(attributes: Attributes): void {
    const source = attributes.get('src')?.trim() ?? '';
    const alt = collapse(attributes.get('alt') || attributes.get('title') || '').trim();
    if (!this.#tree.isInCode && /^(?:mxc|https):\/\/\S+$/i.test(source))
      this.#tree.put({ is: 'image', source, alt, ...pictureIn(attributes) });
    else this.#tree.words(alt);
  }

  #beginQuote(): End {
    if (!this.#tree.hasRoom) return this.#tree.beginPart();
    const blocks: Block[] = [];
    return this.#tree.beginFrame({ is: 'quote', blocks }, () => {
      if (blocks.length > 0) this.#tree.add({ is: 'quote', of: blocks });
    });
  }

  #beginList(order: { readonly start?: number }): End {
    if (!this.#tree.hasRoom) return this.#tree.beginPart();
    const items: Block[][] = [];
    return this.#tree.beginFrame({ is: 'list', items }, () => {
      if (items.length > 0) this.#tree.add({ is: 'list', ...order, items });
    });
  }

  #beginItem(): End {
    const list = this.#tree.frame;
    if (list.is !== 'list') return this.#tree.beginPart();
    const blocks: Block[] = [];
    return this.#tree.beginFrame({ is: 'item', blocks }, () => {
      if (blocks.length > 0) list.items.push(blocks);
    });
  }

  #beginTable(): End {
    if (!this.#tree.hasRoom) return this.#tree.beginPart();
    const table: Frame & { is: 'table' } = { is: 'table', rows: [], header: false };
    return this.#tree.beginFrame(table, () => {
      const rows = table.rows.filter((row) => row.length > 0);
      if (rows.length > 0) this.#tree.add({ is: 'table', rows, header: table.header });
    });
  }

  #beginRow(): End {
    const end = this.#tree.beginPart();
    const table = this.#tree.frame;
    if (table.is === 'table') table.rows.push([]);
    return end;
  }

  #beginCell(isHeader: boolean): End {
    const table = this.#tree.frame;
    if (table.is !== 'table') return this.#tree.beginPart();
    const blocks: Block[] = [];
    return this.#tree.beginFrame({ is: 'cell', blocks }, () => {
      const row = table.rows.at(-1) ?? [];
      if (table.rows.length === 0) table.rows.push(row);
      if (table.rows.length === 1) table.header = isHeader && (row.length === 0 || table.header);
      row.push(inlinesOf(blocks));
    });
  }
}

/** One that says how large it is, and does not call itself an emoticon. */
function pictureIn(attributes: Attributes): { readonly picture?: Picture } {
  const [width, height] = ['width', 'height'].map((name) => Number(/^\s*(\d{1,5})\s*$/.exec(attributes.get(name) ?? '')?.[1] ?? 0));
  if (attributes.has('data-mx-emoticon') || !(width || height)) return {};
  return { picture: { ...(width && { width }), ...(height && { height }) } };
}

function startIn(attributes: Attributes): number {
  const start = attributes.get('start') ?? '';
  return /^\s*-?\d{1,9}\s*$/.test(start) ? Number(start) : 1;
}

function languageIn(attributes: Attributes): string | undefined {
  return /(?:^|\s)language-([\w+#.-]{1,40})(?:\s|$)/.exec(attributes.get('class') ?? '')?.[1];
}

/** A mention without words is shown by its id, as clients do. */
function withoutSign(words: string, of: Mentioned): string {
  const id = 'user' in of ? of.user : 'room' in of ? of.room : '';
  const shown = words === '' ? id : words;
  return shown.length > 1 && shown.startsWith('user' in of ? '@' : '#') ? shown.slice(1) : shown;
}
