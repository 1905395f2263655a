// Rich text as Matrix shows it: the HTML that its clients allow, everything escaped, and the plain body beside it.

import { matrixTo } from './addresses.ts';
import type { Block, Inline, Mark, Mentioned, RichText } from './rich-text.ts';

const tags: Readonly<Record<Mark, string>> = {
  bold: 'strong',
  italic: 'em',
  underline: 'u',
  strike: 'del',
  superscript: 'sup',
  subscript: 'sub',
};

export function toHtml(text: RichText): string {
  return htmlOfBlocks(text);
}

/** A lone paragraph stands without tags, as in most messages and in list items. */
function htmlOfBlocks(blocks: RichText): string {
  const [only] = blocks;
  if (blocks.length === 1 && only?.is === 'paragraph') return htmlOfInlines(only.of, false);
  return blocks.map(htmlOfBlock).join('');
}

function htmlOfBlock(block: Block): string {
  switch (block.is) {
    case 'paragraph':
      return `<p>${htmlOfInlines(block.of, false)}</p>`;
    case 'heading':
      return `<h${block.level}>${htmlOfInlines(block.of, false)}</h${block.level}>`;
    case 'quote':
      return `<blockquote>${block.of.map(htmlOfBlock).join('')}</blockquote>`;
    case 'list': {
      const items = block.items.map((item) => `<li>${htmlOfItem(item)}</li>`).join('');
      if (block.start === undefined) return `<ul>${items}</ul>`;
      return block.start === 1 ? `<ol>${items}</ol>` : `<ol start="${block.start}">${items}</ol>`;
    }
    case 'preformatted': {
      const language = block.language === undefined ? '' : ` class="language-${escaped(block.language)}"`;
      return `<pre><code${language}>${escaped(block.text)}\n</code></pre>`;
    }
    case 'table': {
      const rows = block.rows.map((row, at) => {
        const tag = block.header && at === 0 ? 'th' : 'td';
        return `<tr>${row.map((cell) => `<${tag}>${htmlOfInlines(cell, false)}</${tag}>`).join('')}</tr>`;
      });
      const head = block.header ? `<thead>${rows.shift() ?? ''}</thead>` : '';
      return `<table>${head}${rows.length > 0 ? `<tbody>${rows.join('')}</tbody>` : ''}</table>`;
    }
    case 'rule':
      return '<hr>';
  }
}

/** An item that begins with a paragraph needs no tags around it: the lists after it set it apart. */
function htmlOfItem(blocks: RichText): string {
  const [first, ...rest] = blocks;
  if (first?.is !== 'paragraph' || rest.some((block) => block.is !== 'list')) return htmlOfBlocks(blocks);
  return htmlOfInlines(first.of, false) + rest.map(htmlOfBlock).join('');
}

function htmlOfInlines(inlines: readonly Inline[], isInLink: boolean): string {
  let html = '';
  for (const inline of inlines) html += htmlOfInline(inline, isInLink);
  return html;
}

function htmlOfInline(inline: Inline, isInLink: boolean): string {
  switch (inline.is) {
    case 'text':
      return keepBlanks(escaped(inline.text));
    case 'break':
      return '<br>';
    case 'code':
      return `<code>${escaped(inline.text)}</code>`;
    case 'colour':
      return `<font${attribute('color', inline.ink)}${attribute('data-mx-color', inline.ink)}${attribute('data-mx-bg-color', inline.paper)}>${htmlOfInlines(inline.of, isInLink)}</font>`;
    case 'spoiler':
      return `<span data-mx-spoiler${inline.reason === undefined ? '' : `="${escaped(inline.reason)}"`}>${htmlOfInlines(inline.of, isInLink)}</span>`;
    case 'link':
      return isInLink ? htmlOfInlines(inline.of, true) : anchor(inline.to, htmlOfInlines(inline.of, true));
    case 'image':
      return htmlOfImage(inline, isInLink);
    case 'mention': {
      const id = 'user' in inline.of ? inline.of.user : 'room' in inline.of ? inline.of.room : undefined;
      if (id === undefined || isInLink) return escaped(wordsOf(inline));
      return anchor(matrixTo(id), escaped(inline.text));
    }
    default:
      return `<${tags[inline.is]}>${htmlOfInlines(inline.of, isInLink)}</${tags[inline.is]}>`;
  }
}

/** Clients load pictures from the homeserver alone; any other is a link. */
function htmlOfImage({ source, alt, picture }: Inline & { is: 'image' }, isInLink: boolean): string {
  const words = escaped(alt === '' ? 'image' : alt);
  if (!source.startsWith('mxc://')) return isInLink || !source.startsWith('https://') ? words : anchor(source, words);
  const img = `src="${escaped(source)}" alt="${words}" title="${words}"`;
  if (picture === undefined) return `<img data-mx-emoticon ${img} height="32">`;
  return `<img ${img}${attribute('width', picture.width?.toString())}${attribute('height', picture.height?.toString())}>`;
}

const anchor = (to: string, html: string): string => `<a href="${escaped(to)}">${html}</a>`;

const attribute = (name: string, value: string | undefined): string => (value === undefined ? '' : ` ${name}="${escaped(value)}"`);

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escaped = (text: string): string => (/[&<>"]/.test(text) ? text.replace(/[&<>"]/g, (sign) => entities[sign] ?? '') : text);

/** Blanks side by side are meant (drawings in letters); HTML would make one of them. */
const keepBlanks = (text: string): string => (text.includes('  ') ? text.replace(/ (?= )/g, '\u00a0') : text);

/** How a mention reads where it is no link: people by their name, places with the sign that tells them from words. */
export function wordsOf({ of, text }: { readonly of: Mentioned; readonly text: string }): string {
  if ('user' in of && of.user === `@${text}`) return of.user;
  if ('everyone' in of) return text.startsWith('@') ? text : `@${text}`;
  if ('user' in of || 'remote' in of) return text;
  return /^[#&+!]|\s/.test(text) ? text : `#${text}`;
}

/** The body for those who see no HTML. */
export function toPlain(text: RichText): string {
  const [only] = text;
  if (text.length === 1 && only?.is === 'paragraph') return plainOfInlines(only.of);
  return plainOfBlocks(text).join('\n');
}

/** Lines. Paragraphs side by side are set apart by an empty one, and so are quotes: they would read as one. */
function plainOfBlocks(blocks: RichText): string[] {
  return blocks.flatMap((block, at) => {
    const lines = plainOfBlock(block);
    const isSetApart = (block.is === 'paragraph' || block.is === 'quote') && blocks[at - 1]?.is === block.is;
    return isSetApart ? ['', ...lines] : lines;
  });
}

function plainOfBlock(block: Block): string[] {
  switch (block.is) {
    case 'paragraph':
    case 'heading':
      return plainOfInlines(block.of).split('\n');
    case 'quote':
      return plainOfBlocks(block.of).map((line) => (line === '' ? '>' : `> ${line}`));
    case 'list':
      return block.items.flatMap((item, at) => {
        const mark = block.start === undefined ? '- ' : `${block.start + at}. `;
        return plainOfBlocks(item).map((line, number) => (number === 0 ? mark : ' '.repeat(mark.length)) + line);
      });
    case 'preformatted':
      return block.text.split('\n');
    case 'table':
      return block.rows.map((row) => row.map((cell) => plainOfInlines(cell).replaceAll('\n', ' ')).join(' | '));
    case 'rule':
      return ['---'];
  }
}

export function plainOfInlines(inlines: readonly Inline[]): string {
  let plain = '';
  for (const inline of inlines) plain += plainOfInline(inline);
  return plain;
}

function plainOfInline(inline: Inline): string {
  switch (inline.is) {
    case 'text':
    case 'code':
      return inline.text;
    case 'break':
      return '\n';
    case 'image': {
      const words = inline.alt === '' ? 'image' : inline.alt;
      return inline.picture !== undefined && inline.source.startsWith('https://') ? `${words} (${inline.source})` : words;
    }
    case 'mention':
      return wordsOf(inline);
    case 'link': {
      const words = plainOfInlines(inline.of);
      if (saysAddress(words, inline.to)) return words;
      return words.trim() === '' ? inline.to : `${words} (${inline.to})`;
    }
    case 'spoiler':
      return `${inline.reason === undefined ? '' : `(${inline.reason}) `}||${plainOfInlines(inline.of)}||`;
    default:
      return plainOfInlines(inline.of);
  }
}

const saysAddress = (words: string, to: string): boolean => words.includes(to) || (words !== '' && to === `mailto:${words}`);

/** Whether the plain body says all there is: clients make links of bare addresses themselves. */
export function isPlain(text: RichText): boolean {
  return text.every((block) => block.is === 'paragraph' && block.of.every(isPlainInline));
}

function isPlainInline(inline: Inline): boolean {
  if (inline.is === 'text' || inline.is === 'break') return true;
  if (inline.is === 'mention') return !('user' in inline.of || 'room' in inline.of);
  if (inline.is !== 'link') return false;
  const [only] = inline.of;
  return inline.of.length === 1 && only?.is === 'text' && only.text === inline.to && /^https?:/i.test(inline.to);
}
