// What Slack gives and takes as the text of a message, as plain data: it is journaled as it stands.

import type { Json } from '#bridge-core';
import { type Fields, textIn } from './fields.ts';

/** Where there are blocks they are the message, and `text` is for who cannot show them. `text` is mrkdwn, escaped; where
 *  `mrkdwn` is false it has no marks. */
export type SlackBody = {
  readonly text: string;
  readonly blocks?: readonly Json[];
  readonly attachments?: readonly Json[];
  readonly mrkdwn?: false;
};

/** Of a message in an event, in history or from a webhook. */
export function bodyOf(message: Fields): SlackBody {
  return {
    text: textIn(message, 'text') ?? '',
    ...given(message, 'blocks'),
    ...given(message, 'attachments'),
    ...(message.mrkdwn === false && { mrkdwn: false as const }),
  };
}

function given(message: Fields, name: 'blocks' | 'attachments'): { readonly [key in typeof name]?: readonly Json[] } {
  const value = message[name];
  const sound = Array.isArray(value) ? value.filter((each) => isWithin(each, mostDepth)) : [];
  return sound.length > 0 ? { [name]: sound } : {};
}

/** Slack nests no deeper than a dozen. What nests by the thousand, by whoever may post to us, could not be written down. */
const mostDepth = 100;

function isWithin(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  for (const each of Object.values(value)) if (!isWithin(each, depth - 1)) return false;
  return true;
}
