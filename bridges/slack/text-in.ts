// Slack's text objects, `{ type: mrkdwn | plain_text, text }` and their kin, and bare strings where it takes those.

import type { Block, Inline } from '#bridge-core';
import { isFields } from './fields.ts';
import { readMrkdwn } from './mrkdwn-in.ts';
import { readLine } from './mrkdwn-line.ts';
import { paragraphOf, plainly, type Reading } from './reading.ts';
import { readRichText } from './rich-text-in.ts';

export function readText(value: unknown, reading: Reading): Block[] {
  if (typeof value === 'string') return readPlain(value, reading);
  if (!isFields(value)) return [];
  if (value.type === 'rich_text') return readRichText(value, reading);
  const words = typeof value.text === 'string' ? value.text : typeof value.value === 'number' ? String(value.value) : '';
  if (value.type === 'mrkdwn') return readMrkdwn(words, reading);
  return value.type === 'raw_text' || value.type === 'raw_number' ? paragraphOf(plainly(words)) : readPlain(words, reading);
}

/** Words in which only emoji and the three entities mean anything. */
export function readPlain(words: string, reading: Reading): Block[] {
  return paragraphOf(readPlainLines(words, reading));
}

export function readPlainLines(words: string, reading: Reading): Inline[] {
  return words.split(/\r\n|\n|\r/).flatMap((line, at) => {
    const nodes = readLine(line, reading, false);
    return at === 0 ? nodes : [{ is: 'break' } as const, ...nodes];
  });
}
