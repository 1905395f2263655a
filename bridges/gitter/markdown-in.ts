// Gitter's markdown as it is read there: fences, headings (no blank needed behind the `#`), quotes, lists, tables, and what is in a
// line. An end of line is one; HTML is words.

import type { Block, Inline, RichText } from '#bridge-core';
import type { GitterBody } from './body.ts';
import { readLine } from './markdown-line.ts';

/** Lists and quotes within each other. */
const deepest = 8;

export function readMarkdown(body: GitterBody): RichText {
  return new Reader(body).blocks(body.text.split(/\r\n|\n|\r/).map(printable), 0);
}

const fence = /^ {0,3}(```+)\s*([\w+#.-]{0,40})[^`]*$/;
const heading = /^ {0,3}(#{1,6})(?!#)\s*([^\s#\d].*?|\s\d.*?)(?:\s+#+)?\s*$/;
const rule = /^ {0,3}(?:-{3,}|\*{3,}|_{3,})\s*$/;
const quote = /^ {0,3}> ?/;
const item = /^( {0,12})([-*+]|\d{1,9}\.)(?: +(?=\S)|\t|\s*$)/;
const tableRule = /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)+\|?\s*$/;

interface Found {
  readonly block: Block;
  /** The line after it. */
  readonly end: number;
}

class Reader {
  readonly #body: GitterBody;

  constructor(body: GitterBody) {
    this.#body = body;
  }

  blocks(lines: readonly string[], depth: number): Block[] {
    const blocks: Block[] = [];
    let words: Inline[] = [];
    const endParagraph = () => {
      if (words.length > 0) blocks.push({ is: 'paragraph', of: words });
      words = [];
    };
    for (let at = 0; at < lines.length; ) {
      const line = lines[at] ?? '';
      const found = line.trim() === '' ? undefined : this.#blockAt(lines, at, depth);
      if (found !== undefined) {
        endParagraph();
        blocks.push(found.block);
        at = found.end;
        continue;
      }
      if (line.trim() === '') endParagraph();
      else {
        if (words.length > 0) words.push({ is: 'break' });
        words.push(...this.#line(line.trim()));
      }
      at += 1;
    }
    endParagraph();
    return blocks;
  }

  /** What begins here and is no paragraph. */
  #blockAt(lines: readonly string[], at: number, depth: number): Found | undefined {
    const line = lines[at] ?? '';
    const fenced = fence.exec(line);
    if (fenced !== null) return fencedAt(lines, at, fenced[1] ?? '', fenced[2] ?? '');
    const headed = heading.exec(line);
    if (headed !== null) {
      const level = (headed[1]?.length ?? 1) as 1 | 2 | 3 | 4 | 5 | 6;
      return { block: { is: 'heading', level, of: this.#line((headed[2] ?? '').trim()) }, end: at + 1 };
    }
    if (rule.test(line)) return { block: { is: 'rule' }, end: at + 1 };
    if (depth < deepest && quote.test(line)) {
      let end = at;
      while (end < lines.length && quote.test(lines[end] ?? '')) end += 1;
      const inner = lines.slice(at, end).map((each) => each.replace(quote, ''));
      return { block: { is: 'quote', of: this.blocks(inner, depth + 1) }, end };
    }
    if (depth < deepest && item.test(line)) return this.#listAt(lines, at, depth);
    if (line.includes('|') && tableRule.test(lines[at + 1] ?? '')) return this.#tableAt(lines, at);
    return undefined;
  }

  #listAt(lines: readonly string[], at: number, depth: number): Found {
    const first = item.exec(lines[at] ?? '');
    const outer = first?.[1]?.length ?? 0;
    const isOrdered = /\d/.test(first?.[2] ?? '');
    const items: Block[][] = [];
    let end = at;
    while (end < lines.length) {
      const begun = item.exec(lines[end] ?? '');
      const isSame = begun !== null && /\d/.test(begun[2] ?? '') === isOrdered && (begun[1]?.length ?? 0) <= outer + 1;
      if (!isSame || rule.test(lines[end] ?? '')) break;
      const width = begun[0].length;
      const own = [(lines[end] ?? '').slice(width)];
      for (end += 1; end < lines.length; end += 1) {
        const line = lines[end] ?? '';
        const indent = line.length - line.trimStart().length;
        // What is indented belongs to the item.
        if (line.trim() !== '' && indent >= outer + 2) own.push(line.slice(Math.min(width, indent)));
        else break;
      }
      items.push(this.blocks(own, depth + 1));
    }
    const start = Number.parseInt(first?.[2] ?? '1', 10);
    return { block: { is: 'list', ...(isOrdered && { start }), items }, end: Math.max(end, at + 1) };
  }

  #tableAt(lines: readonly string[], at: number): Found {
    const rows = [this.#cells(lines[at] ?? '')];
    let end = at + 2;
    for (; end < lines.length && (lines[end] ?? '').includes('|'); end += 1) rows.push(this.#cells(lines[end] ?? ''));
    return { block: { is: 'table', rows, header: true }, end };
  }

  #cells(line: string): Inline[][] {
    const row = line
      .trim()
      .replace(/^\|/, '')
      .replace(/(?<!\\)\|$/, '');
    return row.split(/(?<!\\)\|/).map((cell) => this.#line(cell.trim()));
  }

  #line(line: string): Inline[] {
    return readLine(line, this.#body);
  }
}

function fencedAt(lines: readonly string[], at: number, sign: string, language: string): Found {
  let end = at + 1;
  while (end < lines.length && !new RegExp(`^\\s*${sign}\`*\\s*$`).test(lines[end] ?? '')) end += 1;
  const text = lines.slice(at + 1, end).join('\n');
  return { block: { is: 'preformatted', ...(language !== '' && { language }), text }, end: end + 1 };
}

const printable = (line: string): string => line.replace(/\t/g, '    ').replace(/[\x00-\x1f\x7f]/g, '');
