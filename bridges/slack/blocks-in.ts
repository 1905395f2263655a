// The blocks of a Slack message as rich text. One that is not known here, for Slack goes on making new ones, gives the texts that
// are in it. What can be pressed or filled in is told by its label.

import { type Block, type Inline, inlinesOf, plainOfInlines, text } from '#bridge-core';
import { labelsIn, labelsOf } from './controls-in.ts';
import { type Fields, fieldsIn, isFields, listIn, numberIn, textIn } from './fields.ts';
import { readMarkdown } from './markdown-in.ts';
import { readMrkdwn } from './mrkdwn-in.ts';
import { joined, oneLine, paragraphOf, type Reading } from './reading.ts';
import { readRichText } from './rich-text-in.ts';
import { readTable } from './table-in.ts';
import { readPlain, readText } from './text-in.ts';

/** Blocks in blocks; none that Slack takes goes half as deep. */
const deepest = 6;
/** Of texts, in a block whose kind is not known. */
const deepestSearch = 20;

export function readBlocks(blocks: readonly Fields[], reading: Reading, depth = 0): Block[] {
  return depth > deepest ? [] : blocks.flatMap((block) => readBlock(block, reading, depth));
}

function readBlock(block: Fields, reading: Reading, depth: number): Block[] {
  switch (block.type) {
    case 'rich_text':
      return readRichText(block, reading);
    case 'section':
      return readSection(block, reading);
    case 'header': {
      const of = inlinesOf(readText(block.text, reading)).filter(({ is }) => is !== 'break');
      return of.length === 0 ? [] : [{ is: 'heading', level: 3, of }];
    }
    case 'context':
      return paragraphOf(
        joined(
          listIn(block, 'elements').map((element) => contextOf(element, reading)),
          text(' '),
        ),
      );
    case 'divider':
      return [{ is: 'rule' }];
    case 'image':
      return readImage(block, reading);
    case 'markdown':
      return readMarkdown(textIn(block, 'text') ?? '', reading);
    case 'table':
    case 'data_table':
      return readTable(block, reading);
    case 'video':
      return readVideo(block, reading);
    case 'actions':
    case 'context_actions':
      return paragraphOf(labelsIn(listIn(block, 'elements'), reading));
    case 'input':
      return readInput(block, reading);
    case 'file':
      return readFile(block, reading);
    default:
      return readUnknown(block, reading, depth);
  }
}

function readSection(block: Fields, reading: Reading): Block[] {
  const fields = Array.isArray(block.fields) ? block.fields.map((field) => inlinesOf(readText(field, reading))) : [];
  const filled = fields.filter((field) => field.length > 0);
  const rows = filled.flatMap((field, at) => (at % 2 === 0 ? [[field, ...filled.slice(at + 1, at + 2)]] : []));
  return [
    ...readText(block.text, reading),
    ...(rows.length > 0 ? [{ is: 'table', rows, header: false } as const] : []),
    ...accessoryOf(fieldsIn(block, 'accessory'), reading),
  ];
}

function accessoryOf(accessory: Fields | undefined, reading: Reading): Block[] {
  if (accessory === undefined) return [];
  return accessory.type === 'image' ? readImage(accessory, reading) : paragraphOf(labelsOf(accessory, reading));
}

/** The pictures in a line of context are small: an avatar, a logo. */
function contextOf(element: Fields, reading: Reading): readonly Inline[] {
  if (element.type !== 'image') return inlinesOf(readText(element, reading));
  const [first] = pictureOf(element, reading);
  return first?.is === 'image'
    ? [{ is: 'image', source: first.source, alt: first.alt }]
    : [text(oneLine(textIn(element, 'alt_text') ?? ''))];
}

function readImage(block: Fields, reading: Reading): Block[] {
  const title = inlinesOf(readText(block.title, reading));
  const picture = pictureOf(block, reading);
  const said = picture.length === 1 && picture[0]?.is === 'image' ? picture[0].alt : '';
  const isSaid = title.length === 0 || plainOfInlines(title).trim() === said;
  return paragraphOf(isSaid ? picture : [...title, { is: 'break' }, ...picture]);
}

function pictureOf(image: Fields, reading: Reading): readonly Inline[] {
  const width = numberIn(image, 'image_width');
  const height = numberIn(image, 'image_height');
  const source = textIn(image, 'image_url') ?? textIn(fieldsIn(image, 'slack_file'), 'url');
  const size = { ...(width !== undefined && { width }), ...(height !== undefined && { height }) };
  return reading.picture(source, textIn(image, 'alt_text') ?? '', size);
}

function readVideo(block: Fields, reading: Reading): Block[] {
  const title = inlinesOf(readText(block.title, reading));
  const address = textIn(block, 'title_url') ?? textIn(block, 'video_url');
  const by = [textIn(block, 'author_name'), textIn(block, 'provider_name')].filter((name) => name !== undefined).map(oneLine);
  const shown = title.length > 0 ? title : [text(oneLine(textIn(block, 'alt_text') ?? '') || 'video')];
  return [
    ...paragraphOf([
      { is: 'bold', of: address === undefined ? shown : reading.link(address, shown) },
      ...(by.length > 0 ? [text(` (${by.join(', ')})`)] : []),
    ]),
    ...readText(block.description, reading),
    ...(textIn(block, 'thumbnail_url') === undefined
      ? []
      : paragraphOf(reading.picture(textIn(block, 'thumbnail_url'), textIn(block, 'alt_text') ?? ''))),
  ];
}

function readInput(block: Fields, reading: Reading): Block[] {
  const label = inlinesOf(readText(block.label, reading));
  const field = fieldsIn(block, 'element');
  const of = joined([label, field === undefined ? [] : labelsOf(field, reading), inlinesOf(readText(block.hint, reading))], text(' '));
  return paragraphOf(of);
}

/** The file itself comes with the message, or stays elsewhere. */
function readFile(block: Fields, reading: Reading): Block[] {
  const file = fieldsIn(block, 'file');
  const name = oneLine(textIn(file, 'title') ?? textIn(file, 'name') ?? textIn(block, 'external_id') ?? 'file');
  const address = textIn(file, 'permalink') ?? textIn(file, 'external_url');
  return paragraphOf(address === undefined ? [text(name)] : reading.link(address, [text(name)]));
}

/** Names under which a block bears words of its own; all else in it is looked through, in order. */
const ownWords = new Set([
  'text',
  'title',
  'subtitle',
  'body',
  'caption',
  'description',
  'label',
  'details',
  'output',
  'fallback',
  'alt_text',
]);

/** Blocks that hold others, and those yet unknown. */
function readUnknown(value: unknown, reading: Reading, depth: number, level = 0): Block[] {
  if (level > deepestSearch || depth > deepest) return [];
  if (Array.isArray(value)) return value.flatMap((each) => readUnknown(each, reading, depth, level + 1));
  if (!isFields(value)) return [];
  if (level > 0 && isKnown(value)) return readBlock(value, reading, depth + 1);
  if (level > 0 && isText(value)) return readText(value, reading);
  const address = textIn(value, 'url');
  if (address !== undefined && typeof value.text === 'string') return paragraphOf(reading.link(address, [text(oneLine(value.text))]));
  const labels = level > 0 ? labelsOf(value, reading) : [];
  if (labels.length > 0) return paragraphOf(labels);
  return Object.entries(value).flatMap(([name, inner]) => {
    if (typeof inner !== 'string') return readUnknown(inner, reading, depth, level + 1);
    if (inner.trim() === '' || !ownWords.has(name)) return [];
    return name === 'text' ? readMrkdwn(inner, reading) : readPlain(inner, reading);
  });
}

const known = new Set([
  'rich_text',
  'section',
  'header',
  'context',
  'divider',
  'image',
  'markdown',
  'table',
  'data_table',
  'video',
  'actions',
  'input',
  'file',
]);

const isKnown = (value: Fields): boolean => typeof value.type === 'string' && known.has(value.type);
const isText = ({ type }: Fields): boolean => type === 'mrkdwn' || type === 'plain_text' || type === 'raw_text' || type === 'raw_number';
