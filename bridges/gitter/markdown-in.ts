// Gitter's markdown as it is read there: fences, headings (no blank needed behind the `#`), quotes, lists, tables, and what is in a
// line. An end of line is one; HTML is words.

import { type MarkdownDialect, markdownBlocks, type RichText } from '#bridge-core';
import type { GitterBody } from './body.ts';
import { readLine } from './markdown-line.ts';

const dialect: Omit<MarkdownDialect, 'line'> = {
  fence: /^ {0,3}(```+)\s*([\w+#.-]{0,40})[^`]*$/,
  heading: /^ {0,3}(#{1,6})(?!#)\s*([^\s#\d].*?|\s\d.*?)(?:\s+#+)?\s*$/,
  rule: /^ {0,3}(?:-{3,}|\*{3,}|_{3,})\s*$/,
  item: /^( {0,12})([-*+]|\d{1,9}\.)(?: +(?=\S)|\t|\s*$)/,
  tableRule: /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)+\|?\s*$/,
  isLoose: false,
  paragraph: (of) => (of.length === 0 ? [] : [{ is: 'paragraph', of }]),
};

export function readMarkdown(body: GitterBody): RichText {
  const lines = body.text.split(/\r\n|\n|\r/).map(printable);
  return markdownBlocks(lines, { ...dialect, line: (words) => readLine(words, body) });
}

const printable = (line: string): string => line.replace(/\t/g, '    ').replace(/[\x00-\x1f\x7f]/g, '');
