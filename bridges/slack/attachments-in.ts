// The attachments of a Slack message: what older bots and webhooks write, and what Slack itself adds for a link. All of them are
// told, each as a quote, as Slack shows it, but for previews of links: Matrix clients make those themselves.

import { type Block, colourOf, type Inline, inlinesOf, text } from '#bridge-core';
import { readBlocks } from './blocks-in.ts';
import { labelsIn } from './controls-in.ts';
import { momentOf } from './dates.ts';
import { type Fields, fieldsIn, listIn, numberIn, textIn, textsIn } from './fields.ts';
import { readMrkdwn } from './mrkdwn-in.ts';
import { joined, oneLine, paragraphOf, type Reading } from './reading.ts';
import { readPlainLines } from './text-in.ts';

/** Messages quoted in quoted messages. */
const deepest = 3;

export function readAttachments(attachments: readonly Fields[], reading: Reading, depth = 0): Block[] {
  if (depth > deepest) return [];
  return attachments.flatMap((attachment) => (isOthers(attachment, reading) ? [] : readAttachment(attachment, reading, depth)));
}

/** What Slack shows under a link to a message it shows to those alone who may read that message, of whom the bot may be one. Who passes a
 *  message on shows it to all. */
function isOthers(attachment: Fields, reading: Reading): boolean {
  const channel = textIn(attachment, 'channel_id');
  return attachment.is_msg_unfurl === true && attachment.is_share !== true && channel !== undefined && !reading.mayTell(channel);
}

/** Made by Slack from an address in the text, which says it all; a quoted message does not stand elsewhere. */
export function isPreview(attachment: Fields): boolean {
  const isOfLink = textIn(attachment, 'from_url') !== undefined || textIn(attachment, 'original_url') !== undefined;
  return isOfLink && attachment.is_msg_unfurl !== true && attachment.is_share !== true;
}

function readAttachment(attachment: Fields, reading: Reading, depth: number): Block[] {
  const marked = textsIn(attachment, 'mrkdwn_in');
  // Slack has long read marks where it was not told to; told which fields have them, it takes the others as they are.
  const isMarked = (name: string) => marked.length === 0 || marked.includes(name);
  const pretext = readMrkdwn(textIn(attachment, 'pretext') ?? '', reading, isMarked('pretext'));
  const message = messageOf(attachment, reading, depth);
  const of: Block[] = [
    ...headOf(attachment, reading),
    ...(message.length > 0 ? message : readMrkdwn(textIn(attachment, 'text') ?? '', reading, isMarked('text'))),
    ...fieldsOf(attachment, reading, isMarked('fields')),
    ...readBlocks(listIn(attachment, 'blocks'), reading, depth + 1),
    ...picturesOf(attachment, reading),
    ...paragraphOf(labelsIn(listIn(attachment, 'actions').map(asElement), reading)),
    ...footOf(attachment, reading),
  ];
  const shown = of.length > 0 || pretext.length > 0 ? of : readMrkdwn(textIn(attachment, 'fallback') ?? '', reading);
  return shown.length === 0 ? pretext : [...pretext, { is: 'quote', of: shown }];
}

const colours: Readonly<Record<string, string>> = { good: '#2eb886', warning: '#daa038', danger: '#a30200' };

/** Who and what, in the colour of the bar that Slack draws beside it. */
function headOf(attachment: Fields, reading: Reading): Block[] {
  const author = linked(attachment, 'author_name', 'author_link', reading);
  const subname = oneLine(textIn(attachment, 'author_subname') ?? '');
  const title = linked(attachment, 'title', 'title_link', reading);
  const given = textIn(attachment, 'color') ?? '';
  // Slack's own grey stands for no colour.
  const ink = attachment.is_msg_unfurl === true ? undefined : (colours[given] ?? colourOf(given.startsWith('#') ? given : `#${given}`));
  const heads = [
    subname === '' || author.length === 0 ? author : [...author, text(` ${subname}`)],
    title.length === 0 ? [] : [bold(title)],
  ];
  return paragraphOf(
    joined(
      heads.map((head) => (ink === undefined || head.length === 0 ? head : [{ is: 'colour', ink, of: head }])),
      { is: 'break' },
    ),
  );
}

const bold = (of: readonly Inline[]): Inline => ({ is: 'bold', of });

function linked(attachment: Fields, name: string, link: string, reading: Reading): readonly Inline[] {
  const words = readPlainLines(oneLine(textIn(attachment, name) ?? ''), reading);
  const address = textIn(attachment, link);
  return address === undefined || words.length === 0
    ? words
    : reading.link(
        address,
        words.filter(({ is }) => is !== 'mention' && is !== 'link'),
      );
}

/** A message that is quoted: its own blocks, as it was written. */
function messageOf(attachment: Fields, reading: Reading, depth: number): Block[] {
  return listIn(attachment, 'message_blocks').flatMap((each) => {
    const message = fieldsIn(each, 'message');
    return [
      ...readBlocks(listIn(message, 'blocks'), reading, depth + 1),
      ...readAttachments(listIn(message, 'attachments'), reading, depth + 1),
    ];
  });
}

/** Short ones stand in pairs, as Slack has them. */
function fieldsOf(attachment: Fields, reading: Reading, isMarked: boolean): Block[] {
  const blocks: Block[] = [];
  let rows: (readonly Inline[])[][] = [];
  const endTable = () => {
    if (rows.length > 0) blocks.push({ is: 'table', rows, header: false });
    rows = [];
  };
  for (const field of listIn(attachment, 'fields')) {
    const value = readMrkdwn(valueIn(field), reading, isMarked);
    const title = readPlainLines(oneLine(textIn(field, 'title') ?? ''), reading);
    if (value.length === 0 && title.length === 0) continue;
    if (field.short === true) {
      const last = rows.at(-1);
      if (last?.length === 1) last.push(said(title, value));
      else rows.push([said(title, value)]);
      continue;
    }
    endTable();
    const isShort = value.every(({ is }) => is === 'paragraph');
    blocks.push(...paragraphOf(said(title, isShort ? value : [])));
    if (!isShort) for (const block of value) blocks.push(block);
  }
  endTable();
  return blocks;
}

const valueIn = (field: Fields): string =>
  textIn(field, 'value') ?? numberIn(field, 'value')?.toString() ?? (field.value === true ? 'true' : '');

/** `Title: value`, the value on lines of its own where it has several. */
function said(title: readonly Inline[], value: readonly Block[]): Inline[] {
  const words = inlinesOf(value);
  if (title.length === 0) return words;
  const isAsked = title.at(-1)?.is === 'text' && /[:?]\s*$/.test((title.at(-1) as Inline & { is: 'text' }).text);
  const head = bold(isAsked || words.length === 0 ? title : [...title, text(':')]);
  if (words.length === 0) return [head];
  return [head, words.some(({ is }) => is === 'break') ? { is: 'break' } : text(' '), ...words];
}

function picturesOf(attachment: Fields, reading: Reading): Block[] {
  const alt = textIn(attachment, 'title') ?? textIn(attachment, 'fallback') ?? '';
  return (['image', 'thumb'] as const).flatMap((kind) => {
    const address = textIn(attachment, `${kind}_url`);
    const [width, height] = [numberIn(attachment, `${kind}_width`), numberIn(attachment, `${kind}_height`)];
    const size = { ...(width !== undefined && { width }), ...(height !== undefined && { height }) };
    return address === undefined ? [] : paragraphOf(reading.picture(address, /[<>]/.test(alt) ? '' : alt, size));
  });
}

function footOf(attachment: Fields, reading: Reading): Block[] {
  const footer = readPlainLines(oneLine(textIn(attachment, 'footer') ?? ''), reading);
  const seconds = numberIn(attachment, 'ts') ?? Number(textIn(attachment, 'ts') ?? Number.NaN);
  const moment = momentOf(seconds);
  return paragraphOf(joined([footer, moment === undefined ? [] : [text(moment)]], text(' · ')));
}

/** Buttons and menus of attachments have their words as bare strings. */
function asElement(action: Fields): Fields {
  const words = action.text;
  if (action.type !== 'select') return { type: 'button', text: words, url: action.url };
  return { type: 'static_select', placeholder: words, initial_options: action.selected_options };
}

/** What there is besides the text, of which nothing must vanish: previews too, where there is no text that leads to them. */
export function readBeside(attachments: readonly Fields[], reading: Reading, isAlone: boolean): Block[] {
  const own = readAttachments(
    attachments.filter((attachment) => !isPreview(attachment)),
    reading,
  );
  return own.length === 0 && isAlone ? readAttachments(attachments, reading) : own;
}
