// Slack's `markdown` block, which bots that write Markdown use: headings, lists, quotes, fences, tables, and what is in a line.
// A subset: no HTML, no footnotes, no reference links; those stay as they were written.

import { type Block, type MarkdownDialect, markdownBlocks } from '#bridge-core';
import { readMarkdownLine } from './markdown-line.ts';
import { paragraphOf, printable, type Reading } from './reading.ts';

const dialect: Omit<MarkdownDialect, 'line'> = {
  fence: /^ {0,3}(```+|~~~+)\s*([\w+#.-]{0,40})[^`]*$/,
  heading: /^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$/,
  rule: /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/,
  item: /^( {0,12})([-*+]|\d{1,9}[.)])(?: +(?=\S)|\t|\s*$)/,
  tableRule: /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/,
  isLoose: true,
  paragraph: paragraphOf,
};

export function readMarkdown(source: string, reading: Reading): Block[] {
  const lines = source.split(/\r\n|\n|\r/).map(printable);
  return markdownBlocks(lines, { ...dialect, line: (words) => readMarkdownLine(words, reading) });
}
