// Markdown read block by block: fences, headings, rules, quotes, lists, tables, paragraphs. What a network's dialect has of its own,
// it says: the signs, what is in a line, how far an item goes.

import type { Block, Inline } from './rich-text.ts';

export interface MarkdownDialect {
  /** Groups: the signs, the language. */
  readonly fence: RegExp;
  /** Groups: the signs, the words. */
  readonly heading: RegExp;
  readonly rule: RegExp;
  /** Groups: what it is indented by, the sign; all of it is what the words are indented by. */
  readonly item: RegExp;
  /** The line below a table's head. */
  readonly tableRule: RegExp;
  /** An item goes on in lines that are not indented, and over an empty line. */
  readonly isLoose: boolean;
  readonly line: (words: string) => readonly Inline[];
  readonly paragraph: (inlines: readonly Inline[]) => readonly Block[];
}

interface Found {
  readonly block: Block;
  /** The line after it. */
  readonly end: number;
}

/** Lists and quotes within each other. */
const deepest = 8;
const quote = /^ {0,3}> ?/;

export function markdownBlocks(lines: readonly string[], dialect: MarkdownDialect): Block[] {
  return new Reader(dialect).blocks(lines, 0);
}

class Reader {
  readonly #dialect: MarkdownDialect;

  constructor(dialect: MarkdownDialect) {
    this.#dialect = dialect;
  }

  blocks(lines: readonly string[], depth: number): Block[] {
    const blocks: Block[] = [];
    let words: Inline[] = [];
    const endParagraph = () => {
      for (const block of this.#dialect.paragraph(words)) blocks.push(block);
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
        for (const inline of this.#dialect.line(line.trim())) words.push(inline);
      }
      at += 1;
    }
    endParagraph();
    return blocks;
  }

  /** What begins here and is no paragraph. */
  #blockAt(lines: readonly string[], at: number, depth: number): Found | undefined {
    const line = lines[at] ?? '';
    const { fence, heading, rule, item, tableRule } = this.#dialect;
    const fenced = fence.exec(line);
    if (fenced !== null) return fencedAt(lines, at, fenced[1] ?? '', fenced[2] ?? '');
    const headed = heading.exec(line);
    if (headed !== null) {
      const level = (headed[1]?.length ?? 1) as 1 | 2 | 3 | 4 | 5 | 6;
      return { block: { is: 'heading', level, of: this.#dialect.line((headed[2] ?? '').trim()) }, end: at + 1 };
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
    const { item, rule, isLoose } = this.#dialect;
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
        if (line.trim() !== '' && indent >= outer + 2) own.push(line.slice(Math.min(width, indent)));
        else if (isLoose && this.#goesOn(lines, end, outer)) own.push(line);
        else break;
      }
      items.push(this.blocks(own, depth + 1));
      if (isLoose && (lines[end] ?? '').trim() === '' && item.test(lines[end + 1] ?? '')) end += 1;
    }
    const start = Number.parseInt(first?.[2] ?? '1', 10);
    return { block: { is: 'list', ...(isOrdered && { start }), items }, end: Math.max(end, at + 1) };
  }

  /** A line that is not indented is more of an item unless something else begins; an empty one where what follows is indented. */
  #goesOn(lines: readonly string[], at: number, outer: number): boolean {
    const line = lines[at] ?? '';
    if (line.trim() === '') {
      const next = lines[at + 1] ?? '';
      return next.trim() !== '' && next.length - next.trimStart().length >= outer + 2;
    }
    const { fence, heading, rule, item } = this.#dialect;
    return ![item, fence, heading, rule, quote].some((begins) => begins.test(line));
  }

  #tableAt(lines: readonly string[], at: number): Found {
    const rows = [this.#cells(lines[at] ?? '')];
    let end = at + 2;
    for (; end < lines.length && (lines[end] ?? '').includes('|'); end += 1) rows.push(this.#cells(lines[end] ?? ''));
    return { block: { is: 'table', rows, header: true }, end };
  }

  #cells(line: string): (readonly Inline[])[] {
    const row = line
      .trim()
      .replace(/^\|/, '')
      .replace(/(?<!\\)\|$/, '');
    return row.split(/(?<!\\)\|/).map((cell) => this.#dialect.line(cell.trim().replaceAll('\\|', '|')));
  }
}

/** To a line of the same sign alone, as often at least; else to the end. */
function fencedAt(lines: readonly string[], at: number, signs: string, language: string): Found {
  const closes = (line: string) => line.length >= signs.length && line === (signs[0] ?? '').repeat(line.length);
  let end = at + 1;
  while (end < lines.length && !closes((lines[end] ?? '').trim())) end += 1;
  const text = lines.slice(at + 1, end).join('\n');
  return { block: { is: 'preformatted', ...(language !== '' && { language }), text }, end: end + 1 };
}
