// Slack's `markdown` block, which bots that write Markdown use: headings, lists, quotes, fences, tables, and what is in a line.
// A subset: no HTML, no footnotes, no reference links; those stay as they were written.

import type { Block, Inline } from '#bridge-core';
import { readMarkdownLine } from './markdown-line.ts';
import { paragraphOf, printable, type Reading } from './reading.ts';

/** Lists and quotes within each other. */
const deepest = 8;

export function readMarkdown(source: string, reading: Reading): Block[] {
  return readLines(source.split(/\r\n|\n|\r/).map(printable), reading, 0);
}

const fence = /^ {0,3}(```+|~~~+)\s*([\w+#.-]{0,40})[^`]*$/;
const heading = /^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$/;
const rule = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const quote = /^ {0,3}> ?/;
const item = /^( {0,12})([-*+]|\d{1,9}[.)])(?: +(?=\S)|\t|\s*$)/;
const tableRule = /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

function readLines(lines: readonly string[], reading: Reading, depth: number): Block[] {
  const blocks: Block[] = [];
  let words: Inline[] = [];
  const endParagraph = () => {
    blocks.push(...paragraphOf(words));
    words = [];
  };
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const found = line.trim() === '' ? undefined : blockAt(lines, at, reading, depth);
    if (found !== undefined) {
      endParagraph();
      blocks.push(found.block);
      at = found.end;
      continue;
    }
    if (line.trim() === '') endParagraph();
    else {
      if (words.length > 0) words.push({ is: 'break' });
      for (const inline of readMarkdownLine(line.trim(), reading)) words.push(inline);
    }
    at += 1;
  }
  endParagraph();
  return blocks;
}

interface FoundBlock {
  readonly block: Block;
  /** The line after it. */
  readonly end: number;
}

/** What begins here and is no paragraph. */
function blockAt(lines: readonly string[], at: number, reading: Reading, depth: number): FoundBlock | undefined {
  const line = lines[at] ?? '';
  const fenced = fence.exec(line);
  if (fenced !== null) return fencedAt(lines, at, fenced[1] ?? '', fenced[2] ?? '');
  const headed = heading.exec(line);
  if (headed !== null) {
    const level = (headed[1]?.length ?? 1) as 1 | 2 | 3 | 4 | 5 | 6;
    return { block: { is: 'heading', level, of: readMarkdownLine(headed[2] ?? '', reading) }, end: at + 1 };
  }
  if (rule.test(line)) return { block: { is: 'rule' }, end: at + 1 };
  if (depth < deepest && quote.test(line)) {
    let end = at;
    while (end < lines.length && quote.test(lines[end] ?? '')) end += 1;
    const inner = lines.slice(at, end).map((each) => each.replace(quote, ''));
    return { block: { is: 'quote', of: readLines(inner, reading, depth + 1) }, end };
  }
  if (depth < deepest && item.test(line)) return listAt(lines, at, reading, depth);
  if (line.includes('|') && tableRule.test(lines[at + 1] ?? '')) return tableAt(lines, at, reading);
  return undefined;
}

function fencedAt(lines: readonly string[], at: number, sign: string, language: string): FoundBlock {
  let end = at + 1;
  while (end < lines.length && !(lines[end] ?? '').trim().startsWith(sign)) end += 1;
  const text = lines.slice(at + 1, end).join('\n');
  return { block: { is: 'preformatted', ...(language !== '' && { language }), text }, end: end + 1 };
}

function listAt(lines: readonly string[], at: number, reading: Reading, depth: number): FoundBlock {
  const first = item.exec(lines[at] ?? '');
  const outer = first?.[1]?.length ?? 0;
  const isOrdered = /\d/.test(first?.[2] ?? '');
  const items: Block[][] = [];
  let end = at;
  while (end < lines.length) {
    const begun = item.exec(lines[end] ?? '');
    if (begun === null || /\d/.test(begun[2] ?? '') !== isOrdered || (begun[1]?.length ?? 0) > outer + 1 || rule.test(lines[end] ?? ''))
      break;
    const width = begun[0].length;
    const own = [(lines[end] ?? '').slice(width)];
    end += 1;
    // What is indented belongs to the item, after an empty line too.
    for (; end < lines.length; end += 1) {
      const line = lines[end] ?? '';
      const indent = line.length - line.trimStart().length;
      if (line.trim() === '') {
        const next = lines[end + 1] ?? '';
        if (next.trim() === '' || next.length - next.trimStart().length < outer + 2) break;
        own.push('');
      } else if (indent >= outer + 2) own.push(line.slice(Math.min(width, indent)));
      else if (item.test(line) || blockStarts(line)) break;
      else own.push(line);
    }
    items.push(readLines(own, reading, depth + 1));
    if ((lines[end] ?? '').trim() === '' && item.test(lines[end + 1] ?? '')) end += 1;
  }
  const start = Number.parseInt(first?.[2] ?? '1', 10);
  return { block: { is: 'list', ...(isOrdered && { start }), items }, end: Math.max(end, at + 1) };
}

const blockStarts = (line: string): boolean => fence.test(line) || heading.test(line) || rule.test(line) || quote.test(line);

function tableAt(lines: readonly string[], at: number, reading: Reading): FoundBlock {
  const rows = [cellsOf(lines[at] ?? '', reading)];
  let end = at + 2;
  for (; end < lines.length && (lines[end] ?? '').includes('|'); end += 1) rows.push(cellsOf(lines[end] ?? '', reading));
  return { block: { is: 'table', rows, header: true }, end };
}

function cellsOf(line: string, reading: Reading): Inline[][] {
  const row = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  return row.split(/(?<!\\)\|/).map((cell) => readMarkdownLine(cell.trim().replaceAll('\\|', '|'), reading));
}
