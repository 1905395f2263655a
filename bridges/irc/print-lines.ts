// Rich text as the logical lines of a text network, each with its look; line-split.ts makes them fit. Where markup is not
// wanted, or stripped by the channel, marks are written in plain signs: *bold*, _italic_, ~struck~, `code`.

import type { Block, Fit, Inline, RichText } from '#bridge-core';
import { type Line, type Look, plain, type Run } from './line-split.ts';
import { nearestNumber } from './palette.ts';

export function printLines(text: RichText, fit: Fit): Line[] {
  const printer = new LinePrinter(fit);
  printer.blocks(text);
  return printer.lines;
}

/** How a mention reads: as the channel calls people, else in the author's words, with the sign that marks a place. */
export function wordsOfMention({ of, text }: Inline & { is: 'mention' }, fit: Fit): string {
  if ('user' in of || 'remote' in of) return fit.mention(of) ?? ('user' in of && of.user === `@${text}` ? of.user : text);
  if ('everyone' in of) return text;
  return /^[#&+!]|\s/.test(text) ? text : `#${text}`;
}

/** A sign that opens before the first word of what it marks on a line, and closes after the last. */
interface Sign {
  readonly sign: string;
  isOpen: boolean;
}

const signs: Readonly<Record<'bold' | 'italic' | 'underline' | 'strike', string>> = {
  bold: '*',
  italic: '_',
  underline: '_',
  strike: '~',
};

/** Black on black. */
const hidden = { ink: 1, paper: 1 };

class LinePrinter {
  readonly lines: Line[] = [];
  readonly #fit: Fit;
  #runs: Run[] = [];
  #first = '';
  #rest = '';
  readonly #signs: Sign[] = [];
  /** In a cell of a table, which is one line whatever it holds. */
  #isInCell = false;

  constructor(fit: Fit) {
    this.#fit = fit;
  }

  blocks(blocks: RichText): void {
    for (const block of blocks) this.#block(block);
  }

  #block(block: Block): void {
    switch (block.is) {
      case 'paragraph':
        this.#inlines(block.of, plain);
        break;
      case 'heading':
        this.#inline({ is: 'bold', of: block.of }, plain);
        break;
      case 'quote':
        this.#within('> ', '> ', block.of);
        break;
      case 'list':
        for (const [at, item] of block.items.entries()) {
          const mark = block.start === undefined ? '- ' : `${block.start + at}. `;
          this.#within(mark, ' '.repeat(mark.length), item);
        }
        break;
      case 'preformatted':
        for (const line of block.text.split('\n')) {
          this.#write(line.replaceAll('\t', '    '), this.#fit.markup ? { ...plain, mono: true } : plain);
          this.#endLine();
        }
        break;
      case 'table':
        for (const [at, row] of block.rows.entries()) this.#row(row, block.header && at === 0);
        break;
      case 'rule':
        this.#write('---', plain);
        break;
    }
    this.#endLine();
  }

  /** `first` before the first line of the blocks, `rest` before the others. */
  #within(first: string, rest: string, blocks: RichText): void {
    const outer = { first: this.#first, rest: this.#rest, lines: this.lines.length };
    this.#first += first;
    this.#rest += rest;
    this.blocks(blocks);
    this.#rest = outer.rest;
    this.#first = this.lines.length > outer.lines ? outer.rest : outer.first;
  }

  #row(row: readonly (readonly Inline[])[], isHeader: boolean): void {
    this.#isInCell = true;
    for (const [at, cell] of row.entries()) {
      if (at > 0) this.#write(' | ', plain);
      if (isHeader) this.#inline({ is: 'bold', of: cell }, plain);
      else this.#inlines(cell, plain);
    }
    this.#isInCell = false;
    this.#endLine();
  }

  #inlines(inlines: readonly Inline[], look: Look): void {
    for (const inline of inlines) this.#inline(inline, look);
  }

  #inline(inline: Inline, look: Look): void {
    switch (inline.is) {
      case 'text':
        this.#write(inline.text, look);
        break;
      case 'break':
        if (this.#isInCell) this.#write(' ', look);
        else this.#break();
        break;
      case 'code':
        if (this.#fit.markup) this.#write(inline.text, { ...look, mono: true });
        else this.#signed('`', look, () => this.#write(inline.text, look));
        break;
      case 'image':
        this.#write(inline.alt === '' ? 'image' : inline.alt, look);
        break;
      case 'mention':
        this.#write(wordsOfMention(inline, this.#fit), look);
        break;
      case 'link':
        this.#link(inline, look);
        break;
      case 'spoiler':
        if (inline.reason !== undefined) this.#write(`(${inline.reason}) `, look);
        if (this.#fit.markup) this.#inlines(inline.of, { ...look, ...hidden });
        else this.#signed('||', look, () => this.#inlines(inline.of, look));
        break;
      case 'colour':
        this.#inlines(inline.of, this.#fit.markup ? coloured(look, inline.ink, inline.paper) : look);
        break;
      case 'superscript':
        this.#raised('^', inline.of, look);
        break;
      case 'subscript':
        this.#raised('_', inline.of, look);
        break;
      default:
        if (this.#fit.markup) this.#inlines(inline.of, { ...look, [inline.is]: true });
        else this.#signed(signs[inline.is], look, () => this.#inlines(inline.of, look));
    }
  }

  #link({ to, of }: Inline & { is: 'link' }, look: Look): void {
    const words = this.#plain(of).trim();
    const address = to.replace(/^mailto:/i, '');
    if (words === '' || isSameAddress(words, address)) {
      this.#write(address, look);
    } else {
      this.#inlines(of, look);
      if (!words.includes(address)) this.#write(` (${address})`, look);
    }
  }

  /** A word alone needs no brackets. */
  #raised(sign: string, of: readonly Inline[], look: Look): void {
    const isWord = /^[\p{L}\p{N}]+$/u.test(this.#plain(of));
    this.#write(isWord ? sign : `${sign}(`, look);
    this.#inlines(of, look);
    if (!isWord) this.#write(')', look);
  }

  #signed(sign: string, look: Look, content: () => void): void {
    if (this.#signs.some((other) => other.sign === sign)) {
      content();
      return;
    }
    const opened: Sign = { sign, isOpen: false };
    this.#signs.push(opened);
    content();
    this.#closeSign(opened, look);
    this.#signs.pop();
  }

  #closeSign(sign: Sign, look: Look): void {
    if (!sign.isOpen) return;
    sign.isOpen = false;
    const last = this.#runs.at(-1);
    const words = last?.text.trimEnd() ?? '';
    if (last !== undefined && words !== '') {
      // Signs hug the words.
      this.#runs[this.#runs.length - 1] = { text: words + sign.sign + last.text.slice(words.length), look: last.look };
    } else {
      this.#runs.push({ text: sign.sign, look });
    }
  }

  #write(raw: string, look: Look): void {
    const text = /[\x00-\x1f\x7f]/.test(raw) ? raw.replace(/[\t\n\r]/g, ' ').replace(/[\x00-\x1f\x7f]/g, '') : raw;
    const words = text.trimStart();
    if (text === '' || words === '' || this.#signs.every((sign) => sign.isOpen)) {
      this.#push(text, look);
      return;
    }
    this.#push(text.slice(0, text.length - words.length), look);
    for (const sign of this.#signs) {
      if (!sign.isOpen) this.#push(sign.sign, look);
      sign.isOpen = true;
    }
    this.#push(words, look);
  }

  #push(text: string, look: Look): void {
    const last = this.#runs.at(-1);
    if (last?.look === look) this.#runs[this.#runs.length - 1] = { text: last.text + text, look };
    else if (text !== '') this.#runs.push({ text, look });
  }

  /** A sign that stays in force closes with the line and opens again on the next. */
  #break(): void {
    for (const sign of this.#signs.toReversed()) this.#closeSign(sign, plain);
    this.#endLine();
  }

  #endLine(): void {
    const runs = this.#runs;
    this.#runs = [];
    if (!runs.some(({ text, look }) => text.trim() !== '' || look.paper !== -1)) return;
    this.lines.push({ first: this.#first, rest: this.#rest, runs });
    this.#first = this.#rest;
  }

  /** The words alone, for questions about them. */
  #plain(of: readonly Inline[]): string {
    let words = '';
    for (const inline of of) {
      if (inline.is === 'text' || inline.is === 'code') words += inline.text;
      else if (inline.is === 'break') words += ' ';
      else if (inline.is === 'image') words += inline.alt;
      else if (inline.is === 'mention') words += wordsOfMention(inline, this.#fit);
      else words += this.#plain(inline.of);
    }
    return words;
  }
}

/** Two colours that the palette cannot tell apart would hide the text: the ink alone is kept. */
function coloured(look: Look, ink: string | undefined, paper: string | undefined): Look {
  // Within a spoiler everything stays hidden.
  if (look.ink !== -1 && look.ink === look.paper) return look;
  const next = {
    ...look,
    ink: ink === undefined ? look.ink : nearestNumber(ink),
    paper: paper === undefined ? look.paper : nearestNumber(paper),
  };
  return next.ink !== -1 && next.ink === next.paper ? { ...next, paper: -1 } : next;
}

/** `example.org` written for https://example.org/ says it all. */
function isSameAddress(words: string, address: string): boolean {
  return words === address || words.replace(/\/$/, '') === address.replace(/^https?:\/\//i, '').replace(/\/$/, '');
}
