// Text, blocks, attachments and metadata of a call, checked as Slack does: docs.slack.dev/reference/block-kit (50 blocks, 3,000 characters
// in a section, 12,000 in markdown), 100 attachments. Unverified: the sum of 13,200 characters over all blocks (so others
// found) and the 16 kB of metadata.

import type { MessageMetadata } from '@slack/types';
import type { Call } from '../call.ts';
import type { Attachment, Blocks } from '../model.ts';
import { SlackFault } from '../world.ts';

export interface Content {
  readonly text: string;
  readonly blocks: Blocks | undefined;
  readonly attachments: readonly Attachment[] | undefined;
  readonly metadata: MessageMetadata | undefined;
}

const blockTypes = new Set(
  'actions alert call card carousel context context_actions divider file header image input markdown plan rich_text section table task_card video'.split(
    ' ',
  ),
);
const limits = { blocks: 50, section: 3_000, header: 150, markdown: 12_000, sum: 13_200, attachments: 100, metadata: 16_384 };

export function contentOf({ args, method }: Call): Content {
  const blocks = args.json('blocks', 'invalid_blocks_format') as Blocks | undefined;
  const attachments = args.json('attachments', method === 'chat.postMessage' ? 'invalid_arguments' : 'invalid_attachments') as
    | Attachment[]
    | undefined;
  const markdown = args.text('markdown_text');
  const text = args.text('text');
  if (markdown !== undefined && (text !== undefined || blocks !== undefined)) throw new SlackFault('markdown_text_conflict');
  if ((text ?? markdown) === undefined && !blocks?.length && attachments === undefined) throw new SlackFault('no_text');
  if ((attachments?.length ?? 0) > limits.attachments) throw new SlackFault('too_many_attachments');
  if (blocks !== undefined) checkBlocks(blocks, method);
  const made = markdown === undefined ? blocks : ([{ type: 'markdown', text: markdown }] as Blocks);
  return {
    text: text ?? markdown ?? '',
    blocks: made,
    attachments,
    metadata: metadataOf(args.json('metadata', 'invalid_metadata_format')),
  };
}

function checkBlocks(blocks: Blocks, method: string): void {
  if (!Array.isArray(blocks)) throw new SlackFault('invalid_blocks_format');
  const faults: string[] = [];
  if (blocks.length > limits.blocks) faults.push(`no more than ${limits.blocks} items allowed [json-pointer:/blocks]`);
  let markdown = 0;
  for (const [number, block] of (blocks as readonly { type: string; text?: string | { text?: string } }[]).entries()) {
    const length = (typeof block.text === 'string' ? block.text : block.text?.text)?.length ?? 0;
    const most = block.type === 'section' ? limits.section : block.type === 'header' ? limits.header : Number.POSITIVE_INFINITY;
    if (!blockTypes.has(block.type)) faults.push(`unsupported type: ${block.type} [json-pointer:/blocks/${number}/type]`);
    if (length > most) faults.push(`must be less than ${most + 1} characters [json-pointer:/blocks/${number}/text/text]`);
    if (block.type === 'markdown') markdown += length;
  }
  if (markdown > limits.markdown) faults.push('markdown text is too long [json-pointer:/blocks]');
  if (faults.length > 0) {
    const errors = faults.map((fault) => `[ERROR] ${fault}`);
    throw new SlackFault('invalid_blocks', { errors: faults, response_metadata: { messages: errors } });
  }
  if (method === 'chat.postMessage' && JSON.stringify(textsOf(blocks)).length > limits.sum) throw new SlackFault('msg_blocks_too_long');
}

function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => (name === 'text' && typeof inner === 'string' ? [inner] : textsOf(inner)));
}

function metadataOf(given: unknown): MessageMetadata | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== 'object' || given === null) throw new SlackFault('invalid_metadata_format');
  if (Object.keys(given).length === 0) return given as MessageMetadata;
  const { event_type, event_payload } = given as Partial<MessageMetadata>;
  if (typeof event_type !== 'string' || typeof event_payload !== 'object') throw new SlackFault('invalid_metadata_format');
  if (JSON.stringify(given).length > limits.metadata) throw new SlackFault('metadata_too_large');
  return { event_type, event_payload };
}

/** An emoji wins over an address. */
export function iconsOf({ args }: Pick<Call, 'args'>): { readonly [size: string]: string } | undefined {
  const emoji = args.text('icon_emoji');
  const url = args.text('icon_url');
  if (emoji !== undefined) return { emoji: `:${emoji.replaceAll(':', '')}:` };
  return url === undefined ? undefined : { image_36: url, image_48: url, image_72: url };
}
