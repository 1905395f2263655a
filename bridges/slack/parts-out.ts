// A rich text as the parts that a Slack message is made of: sections, quotes, lists side by side with their indent, code. Headings
// are bold lines; tables are drawn in letters; what Slack cannot put within a quote or an item stands after it.

import type { Block, Inline, RichText } from '#bridge-core';
import { type Look, plainLook, type Run, runsOf, type Voice, wordsOfRun } from './runs-out.ts';

export type Part =
  | { readonly is: 'section' | 'quote'; readonly runs: readonly Run[] }
  /** `offset`: how many items of an ordered list stood before. */
  | {
      readonly is: 'list';
      readonly isOrdered: boolean;
      readonly indent: number;
      readonly offset: number;
      readonly items: readonly (readonly Run[])[];
      readonly isQuoted: boolean;
    }
  | { readonly is: 'preformatted'; readonly text: string; readonly isQuoted: boolean }
  | { readonly is: 'rule' };

export function partsOf(text: RichText, voice: Voice, look: Look = plainLook): Part[] {
  const writer = new Writer(voice, look);
  writer.blocks(text, 0);
  return writer.finish();
}

const deepestIndent = 8;
const lineBreak: Run = { say: 'break', look: plainLook };

class Writer {
  readonly #voice: Voice;
  readonly #look: Look;
  readonly #parts: Part[] = [];
  #runs: Run[] = [];
  /** How many quotes the runs stand in; Slack shows one. */
  #quotes = 0;
  /** Breaks before what comes next in the same section. */
  #gap = 0;

  constructor(voice: Voice, look: Look) {
    this.#voice = voice;
    this.#look = look;
  }

  finish(): Part[] {
    this.#endSection();
    return this.#parts;
  }

  blocks(blocks: RichText, quotes: number): void {
    for (const block of blocks) this.#block(block, quotes);
  }

  #block(block: Block, quotes: number): void {
    switch (block.is) {
      case 'paragraph':
        this.#section(this.#inlines(block.of), quotes, 2);
        break;
      case 'heading':
        this.#section(this.#inlines(block.of, { ...this.#look, bold: true }), quotes, 1);
        break;
      case 'quote':
        this.#endSection();
        this.blocks(block.of, quotes + 1);
        this.#endSection();
        break;
      case 'list':
        this.#list(block, 0, quotes);
        break;
      case 'preformatted':
        this.#preformatted(block.text, quotes);
        break;
      case 'table':
        this.#preformatted(this.#drawn(block), quotes);
        break;
      case 'rule':
        this.#endSection();
        this.#parts.push({ is: 'rule' });
        break;
    }
  }

  #inlines(inlines: readonly Inline[], look: Look = this.#look): Run[] {
    return runsOf(inlines, this.#voice, look);
  }

  #section(runs: readonly Run[], quotes: number, gap: number): void {
    if (!runs.some(shows)) return;
    if (this.#quotes !== quotes) this.#endSection();
    this.#quotes = quotes;
    for (let count = 0; this.#runs.length > 0 && count < this.#gap; count += 1) this.#runs.push(lineBreak);
    for (const run of runs) this.#runs.push(run);
    this.#gap = gap;
  }

  #endSection(): void {
    const runs = this.#quotes > 1 ? withSigns(this.#runs, this.#quotes - 1) : this.#runs;
    if (runs.length > 0) this.#parts.push({ is: this.#quotes > 0 ? 'quote' : 'section', runs });
    this.#runs = [];
    this.#gap = 0;
  }

  #preformatted(text: string, quotes: number): void {
    this.#endSection();
    const lines = text
      .replace(/\r\n|\r/g, '\n')
      .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '')
      .toWellFormed();
    if (lines.trim() !== '') this.#parts.push({ is: 'preformatted', text: lines, isQuoted: quotes > 0 });
  }

  #list(list: Block & { is: 'list' }, indent: number, quotes: number): void {
    this.#endSection();
    const isOrdered = list.start !== undefined;
    let offset = Math.max(0, (list.start ?? 1) - 1);
    let items: (readonly Run[])[] = [];
    const flush = () => {
      if (items.length > 0) {
        this.#parts.push({ is: 'list', isOrdered, indent: Math.min(indent, deepestIndent), offset, items, isQuoted: quotes > 0 });
      }
      offset += items.length;
      items = [];
    };
    for (const item of list.items) {
      const own = item.findIndex((block) => block.is !== 'paragraph' && block.is !== 'heading');
      const lines = own === -1 ? item : item.slice(0, own);
      const runs = this.#lines(lines);
      items.push(runs.length > 0 ? runs : [{ say: 'text', text: ' ', look: plainLook }]);
      if (own === -1) continue;
      flush();
      for (const block of item.slice(own)) {
        if (block.is === 'list') this.#list(block, indent + 1, quotes);
        else this.#block(block, quotes);
      }
      this.#endSection();
    }
    flush();
  }

  #lines(blocks: readonly Block[]): Run[] {
    const runs: Run[] = [];
    for (const block of blocks) {
      if (block.is !== 'paragraph' && block.is !== 'heading') continue;
      if (runs.length > 0) runs.push(lineBreak);
      for (const run of this.#inlines(block.of, block.is === 'heading' ? { ...this.#look, bold: true } : this.#look)) runs.push(run);
    }
    return runs.some(shows) ? runs : [];
  }

  /** Columns side by side, a line under the head. */
  #drawn({ rows, header }: Block & { is: 'table' }): string {
    const cells = rows.map((row) => row.map((cell) => this.#inlines(cell).map(wordsOfRun).join('').replace(/\s+/g, ' ').trim()));
    const widths: number[] = [];
    for (const row of cells) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, widthOf(cell));
    const lines = cells.map((row) =>
      row
        .map((cell, at) => cell + ' '.repeat(Math.max(0, Math.min(widest, widths[at] ?? 0) - widthOf(cell))))
        .join(' | ')
        .trimEnd(),
    );
    if (header && lines.length > 1) lines.splice(1, 0, widths.map((width) => '-'.repeat(Math.min(widest, width))).join('-+-'));
    return lines.join('\n');
  }
}

/** A column wider than this is not filled up. */
const widest = 40;

/** Wide signs of East Asia and emoji take two places, marks on other signs none. */
function widthOf(words: string): number {
  let width = 0;
  for (const sign of words) if (!/^[\p{M}\p{Cf}]$/u.test(sign)) width += wide.test(sign) ? 2 : 1;
  return width;
}

const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}]/u;

const shows = (run: Run): boolean => run.say !== 'break' && (run.say !== 'text' || run.text.trim() !== '');

/** A sign for each further quote, before every line. */
function withSigns(runs: readonly Run[], count: number): Run[] {
  const sign: Run = { say: 'text', text: '> '.repeat(count), look: plainLook };
  return runs.length === 0 ? [] : [sign, ...runs.flatMap((run): Run[] => (run.say === 'break' ? [run, sign] : [run]))];
}
