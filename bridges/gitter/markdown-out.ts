// Rich text as lines of Gitter's markdown, none longer than a message may be. What is in a line is atoms.ts', which line goes into
// which message pack.ts'. Kept in mind: `#word` is a heading there, and an end of line is shown as one.

import type { Block, Fit, Inline, RichText } from '#bridge-core';
import { type AtomFit, printInlines } from './atoms.ts';
import type { Fence, Line } from './pack.ts';
import { pieces } from './pieces.ts';

/** A line keeps at least so many bytes for its words, whatever quotes and lists stand before them. */
const leastRoom = 24;

export function linesOf(text: RichText, fit: Fit): Line[] {
  const printer = new Printer(fit);
  printer.blocks(text);
  return printer.lines;
}

class Printer {
  readonly lines: Line[] = [];
  readonly #fit: Fit;
  /** Before the first line of what comes, and before all others. */
  #first = '';
  #rest = '';
  #isTight = false;

  constructor(fit: Fit) {
    this.#fit = fit;
  }

  blocks(blocks: RichText): void {
    for (const block of blocks) this.#block(block);
  }

  #block(block: Block): void {
    switch (block.is) {
      case 'paragraph':
        this.#words(block.of);
        break;
      case 'heading':
        this.#words(block.of, `${'#'.repeat(block.level)} `);
        break;
      case 'quote':
        this.#within('> ', '> ', () => this.blocks(block.of));
        break;
      case 'list':
        this.#list(block);
        break;
      case 'preformatted':
        this.#code(block.text, block.language);
        break;
      case 'table':
        this.#table(block);
        break;
      case 'rule':
        this.#line('---', true);
        break;
    }
  }

  #list({ items, start }: Block & { is: 'list' }): void {
    const wasTight = this.#isTight;
    for (const [at, item] of items.entries()) {
      const mark = start === undefined ? '- ' : `${start + at}. `;
      this.#isTight = wasTight || at > 0;
      const before = this.lines.length;
      this.#within(mark, ' '.repeat(mark.length), () => {
        for (const block of item) {
          this.#block(block);
          this.#isTight = true;
        }
      });
      if (this.lines.length === before) this.#line(mark, at === 0);
    }
    this.#isTight = wasTight;
  }

  #code(text: string, language = ''): void {
    const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([ticks]) => ticks.length));
    const sign = '`'.repeat(longest + 1);
    const name = /^[\w+#.-]{1,40}$/.test(language) ? language : '';
    const taken = 2 * (sign.length + 1) + name.length + 2 * Buffer.byteLength(this.#rest);
    if (taken + leastRoom > this.#fit.bytes) {
      for (const line of text.split('\n')) this.#words([{ is: 'code', text: line }]);
      return;
    }
    const fence: Fence = { open: this.#prefix() + sign + name, again: this.#rest + sign + name, close: this.#rest + sign };
    const before = this.lines.length;
    for (const line of text.split('\n'))
      for (const piece of pieces(cleaned(line), this.#fit.bytes - taken - Buffer.byteLength(this.#rest)))
        this.lines.push({ text: this.#rest + piece, isFirst: this.lines.length === before && !this.#isTight, fence });
  }

  #table({ rows, header }: Block & { is: 'table' }): void {
    for (const [at, row] of rows.entries()) {
      const cells = row.flatMap((cell, column): Inline[] => [...(column > 0 ? [bar] : []), ...cell.map(withoutBreaks)]);
      this.#words(header && at === 0 ? [{ is: 'bold', of: cells }] : cells, '', at === 0);
    }
  }

  #words(inlines: readonly Inline[], mark = '', isFirst = true): void {
    const fit: AtomFit = { ...this.#fit, bytes: Math.max(leastRoom, this.#fit.bytes - Buffer.byteLength(this.#first) - mark.length) };
    for (const [at, line] of printInlines(inlines, fit).entries()) this.#line((at === 0 ? mark : '') + line, isFirst && at === 0);
  }

  #line(words: string, isFirst: boolean): void {
    const isBlock = isFirst && !this.#isTight;
    this.lines.push({ text: this.#prefix() + words, isFirst: isBlock });
  }

  /** The mark of a list stands once. */
  #prefix(): string {
    const prefix = this.#first;
    this.#first = this.#rest;
    return Buffer.byteLength(prefix) + leastRoom > this.#fit.bytes ? '' : prefix;
  }

  #within(first: string, rest: string, print: () => void): void {
    const outer = { first: this.#first, rest: this.#rest };
    const before = this.lines.length;
    this.#first += first;
    this.#rest += rest;
    print();
    this.#rest = outer.rest;
    this.#first = this.lines.length > before ? outer.rest : outer.first;
  }
}

const bar: Inline = { is: 'text', text: ' | ' };

const withoutBreaks = (inline: Inline): Inline => (inline.is === 'break' ? { is: 'text', text: ' ' } : inline);

const cleaned = (line: string): string => line.replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '');
