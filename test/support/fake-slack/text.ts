// What Slack makes of the text of a message: it escapes what stands unescaped, links bare addresses, names emoji
// (docs.slack.dev/messaging/formatting-message-text) and derives a rich_text block, typed by @slack/types. Unverified: that text
// given by the Web API gets such a block too; which styles may nest (one level here); the exact rules of the word edges.

import type { RichTextBlock, RichTextElement, RichTextSection } from '@slack/types';

type Style = NonNullable<Extract<RichTextElement, { type: 'text' }>['style']>;

const maxText = 40_000;
/** Slack writes emoji as names; its whole list is not here. */
const emojiNames: Readonly<Record<string, string>> = {
  '👍': '+1',
  '👎': '-1',
  '😀': 'grinning',
  '😄': 'smile',
  '🎉': 'tada',
  '❤️': 'heart',
  '🚀': 'rocket',
  '👀': 'eyes',
  '🔥': 'fire',
  '✅': 'white_check_mark',
};

/** As stored and told to everybody. Longer than 40,000 characters is cut (docs.slack.dev/changelog/2018-truncating-really-long-messages). */
export function normalise(text: string): string {
  const parts = text.split(/(<[^<>\n]+>)/);
  const made = parts.map((part, number) => (number % 2 === 1 && isControl(part) ? part : link(escapeMarks(nameEmoji(part)))));
  return made.join('').slice(0, maxText);
}

function isControl(part: string): boolean {
  return /^<(?:@[UW]|#C|#G|!|https?:|mailto:|tel:)/.test(part);
}

function escapeMarks(text: string): string {
  return text
    .replace(/&(?!amp;|lt;|gt;)/g, '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

function link(text: string): string {
  return text.replace(/https?:\/\/[^\s<>|]*[^\s<>|.,;:!?)]/g, (url) => `<${url}>`);
}

function nameEmoji(text: string): string {
  let named = text;
  for (const [emoji, name] of Object.entries(emojiNames)) named = named.replaceAll(emoji, `:${name}:`);
  return named;
}

export function richText(text: string, blockId: string): RichTextBlock {
  const elements: RichTextBlock['elements'] = [];
  for (const [number, part] of text.split('```').entries()) {
    const isCode = number % 2 === 1;
    if (isCode) elements.push({ type: 'rich_text_preformatted', border: 0, elements: [{ type: 'text', text: plainOf(part.trim()) }] });
    else elements.push(...paragraphs(part));
  }
  return { type: 'rich_text', block_id: blockId, elements };
}

/** Lines that begin with a quote mark are quotes; the others sections. */
function paragraphs(text: string): RichTextBlock['elements'] {
  const runs: { isQuote: boolean; lines: string[] }[] = [];
  for (const line of text.split('\n')) {
    const isQuote = line.startsWith('&gt;');
    const last = runs.at(-1);
    const content = isQuote ? line.replace(/^&gt; ?/, '') : line;
    if (last?.isQuote === isQuote) last.lines.push(content);
    else runs.push({ isQuote, lines: [content] });
  }
  return runs
    .filter(({ lines }) => lines.join('') !== '')
    .map(({ isQuote, lines }) => {
      const elements = inline(lines.join('\n'));
      return isQuote ? { type: 'rich_text_quote', elements } : ({ type: 'rich_text_section', elements } satisfies RichTextSection);
    });
}

const token = /<([^<>\n]+)>|:([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):|(?<![\p{L}\d])([*_~`])(?=\S)([^\n]*?\S)\3(?![\p{L}\d])/gu;
const styles: Readonly<Record<string, Style>> = { '*': { bold: true }, _: { italic: true }, '~': { strike: true }, '`': { code: true } };

function inline(text: string): RichTextElement[] {
  const elements: RichTextElement[] = [];
  const say = (plain: string, style?: Style) => {
    if (plain !== '') elements.push({ type: 'text', text: plainOf(plain), ...(style === undefined ? {} : { style }) });
  };
  let from = 0;
  for (const match of text.matchAll(token)) {
    const [whole, control, emoji, mark, styled] = match;
    say(text.slice(from, match.index));
    from = match.index + whole.length;
    if (control !== undefined) elements.push(controlled(control));
    else if (emoji !== undefined) elements.push({ type: 'emoji', name: emoji });
    else say(styled ?? '', styles[mark ?? '']);
  }
  say(text.slice(from));
  return elements;
}

function controlled(control: string): RichTextElement {
  const [target = '', label] = control.split('|');
  if (target.startsWith('@')) return { type: 'user', user_id: target.slice(1) };
  if (target.startsWith('#')) return { type: 'channel', channel_id: target.slice(1) };
  if (target.startsWith('!subteam^')) return { type: 'usergroup', usergroup_id: target.slice('!subteam^'.length) };
  if (target === '!here' || target === '!channel' || target === '!everyone') {
    return { type: 'broadcast', range: target.slice(1) as 'here' | 'channel' | 'everyone' };
  }
  return { type: 'link', url: target, ...(label === undefined ? {} : { text: plainOf(label) }) };
}

function plainOf(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
