// From a text to what Gitter shows, after the rules of its own markdown processor (gitter-markdown-processor 11.4 on gitter-marked 0.10: the
// blocks here, what stands within a line in markdown-spans.ts). Kept oddities: `#word` is a heading; a line over dashes is one too; a fence
// that nothing closes is none; `<p>` goes where there is one paragraph in all; code without a known language is coloured by a guess.
// Left out: tables, maths, lists in lists, reference links.

import hljs from 'highlight.js/lib/common';
import { escapeHtml } from './http.ts';
import { type Gathered, spans } from './markdown-spans.ts';
import type { Rendered, User } from './model.ts';

/** The real one guesses among sixty. */
const guessed = ['javascript', 'python', 'bash'];

const deepestQuote = 20;

interface Reading {
  readonly gathered: Gathered;
  paragraphs: number;
}

/** `find`: who is meant by a name. */
export function render(text: string, find: (username: string) => User | undefined): Rendered {
  const reading: Reading = { gathered: { find, mentions: [], issues: [], urls: [] }, paragraphs: 0 };
  const html = blocks(text.replace(/\r\n?/g, '\n'), reading, 0);
  const { mentions, issues, urls } = reading.gathered;
  return { html: reading.paragraphs === 1 ? html.replace(/<\/?p>/g, '') : html, mentions, issues, urls };
}

const starts = [
  /^ *(?<fence>`{3,}|~{3,}) *(?<language>\S+)? *\n(?<code>[\s\S]+?)\s*\k<fence> *(?:\n+|$)/,
  /^(?<rule>(?: *[-*_]){3,}) *(?:\n+|$)/,
  /^ *(?<level>#{1,6})(?! *\d{1,6}\b) *(?<heading>[^\n]+?) *#* *(?:\n+|$)/,
  /^(?<over>[^\n]+)\n *(?<under>[=-])\k<under>+ *(?:\n+|$)/,
  /^(?<quote>(?: *>[^\n]+(?:\n[^\n]+)*\n*)+)/,
  /^(?<list>(?: *(?:[-+*]|\d+\.) [^\n]+(?:\n(?! *(?:[-+*]|\d+\.) )[^\n]+)*(?:\n|$))+)/,
];
/** Where no paragraph goes on. */
const indented = /^(?<indented>(?: {4}[^\n]+\n*)+)/;

function blocks(text: string, reading: Reading, depth: number): string {
  let html = '';
  let paragraph: string[] = [];
  const end = () => {
    if (paragraph.length > 0) {
      reading.paragraphs += 1;
      html += `<p>${spans(paragraph.join('\n').trim(), reading.gathered)}</p>`;
    }
    paragraph = [];
  };
  for (let rest = text; rest !== ''; ) {
    const line = rest.slice(0, `${rest}\n`.indexOf('\n'));
    const found = line.trim() === '' ? undefined : startOf(rest, paragraph.length > 0);
    if (found?.groups !== undefined) {
      end();
      html += blockOf(found.groups, reading, depth);
    } else if (line.trim() === '') end();
    else paragraph.push(line);
    rest = rest.slice(found === undefined ? line.length + 1 : found[0].length);
  }
  end();
  return html;
}

function startOf(rest: string, isWithinParagraph: boolean): RegExpExecArray | undefined {
  for (const start of isWithinParagraph ? starts : [indented, ...starts]) {
    const found = start.exec(rest);
    if (found !== null) return found;
  }
  return undefined;
}

function blockOf(found: Readonly<Record<string, string | undefined>>, reading: Reading, depth: number): string {
  const { code, language, level, heading, over, under, quote, list, indented: plain } = found;
  if (code !== undefined) return codeOf(code, language?.toLowerCase() ?? '');
  if (plain !== undefined) return codeOf(plain.replace(/^ {4}/gm, '').trimEnd(), '');
  if (level !== undefined) return `<h${level.length}>${spans(heading ?? '', reading.gathered)}</h${level.length}>\n`;
  if (over !== undefined)
    return under === '=' ? `<h1>${spans(over, reading.gathered)}</h1>\n` : `<h2>${spans(over, reading.gathered)}</h2>\n`;
  if (quote !== undefined) {
    const within = quote.replace(/^ *> ?/gm, '');
    return `<blockquote>\n${depth < deepestQuote ? blocks(within, reading, depth + 1) : escapeHtml(within)}</blockquote>\n`;
  }
  return list === undefined ? '<hr>\n' : listOf(list, reading.gathered);
}

function listOf(list: string, gathered: Gathered): string {
  const tag = /^ *\d/.test(list) ? 'ol' : 'ul';
  const items = list.trimEnd().split(/\n(?= *(?:[-+*]|\d+\.) )/);
  const shown = items.map((item) => `<li>${spans(item.replace(/^ *(?:[-+*]|\d+\.) +/, ''), gathered)}</li>\n`);
  return `<${tag}>\n${shown.join('')}</${tag}>\n`;
}

function codeOf(code: string, language: string): string {
  if (language === 'text') return `<pre><code class="text">${escapeHtml(code)}</code></pre>`;
  if (hljs.getLanguage(language) !== undefined)
    return `<pre><code class="${language}">${bare(hljs.highlight(code, { language }).value)}</code></pre>`;
  return `<pre><code>${bare(hljs.highlightAuto(code, guessed).value)}</code></pre>`;
}

/** Gitter's classes have no prefix. */
function bare(coloured: string): string {
  return coloured.replaceAll('class="hljs-', 'class="');
}
