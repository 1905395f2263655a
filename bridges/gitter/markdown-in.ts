// Gitter's markdown as it is read there: fences, headings (no blank needed behind the `#`), quotes, lists, tables, and what is in a
// line. An end of line is one; HTML is words.

import { fromPlain, type MarkdownDialect, markdownBlocks, type RichText } from '#bridge-core';
import { type GitterBody, longestText } from './body.ts';
import { readLine } from './markdown-line.ts';

const dialect: Omit<MarkdownDialect, 'line'> = {
  fence: /^ {0,3}(```+)(?![^`]*`)\s*([\w+#.-]{0,40})[^`]*$/,
  heading: /^ {0,3}(#{1,6})(?!#)\s*((?:[^\s#\d]|\s\d)\S*(?:\s+\S+)*?)(?:\s+#+)?\s*$/,
  rule: /^ {0,3}(?:-{3,}|\*{3,}|_{3,})\s*$/,
  item: /^( {0,12})([-*+]|\d{1,9}\.)(?: +(?=\S)|\t|\s*$)/,
  tableRule: /^ {0,3}\|?\s*:?-+:?(?:\s*\|\s*:?-+:?)+(?:\s*\|)?\s*$/,
  isLoose: false,
  paragraph: (of) => (of.length === 0 ? [] : [{ is: 'paragraph', of }]),
};

/** More than that no Gitter lets anybody say; whatever sent it, its signs are words. */
const longestRead = 4 * longestText;

export function readMarkdown(body: GitterBody): RichText {
  const lines = body.text.split(/\r\n|\n|\r/).map(printable);
  if (body.text.length > longestRead) return fromPlain(lines.join('\n'));
  return markdownBlocks(lines, { ...dialect, line: (words) => readLine(words, body) });
}

const printable = (line: string): string => line.replace(/\t/g, '    ').replace(/[\x00-\x1f\x7f]/g, '');
