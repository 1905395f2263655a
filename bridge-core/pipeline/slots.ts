// A message of the network's may become several events: pieces of its text, its files, and all of it once more in the main
// line where it was said in a thread and shown outside too. A slot says which of them an event is; null: text.

import { hash } from 'node:crypto';
import type { Content } from '../matrix-event.ts';
import type { RemoteFile } from '../remote-event.ts';
import { textLength } from './relations.ts';

export interface Slot {
  /** `caption`: a file with the words beside it; `lost`: one that could not be carried, told in words. */
  readonly is: 'text' | 'file' | 'caption' | 'lost';
  /** Which file: the same over edits. */
  readonly file?: string;
  /** The copy outside the thread. */
  readonly isCopy: boolean;
}

/** As relations keep it; undefined for plain text in its place, which is nearly all there is. */
export function slotName({ is, file, isCopy }: Slot): string | undefined {
  if (is === 'text' && !isCopy) return undefined;
  return `${isCopy ? '+' : ''}${is}${file === undefined ? '' : ` ${file}`}`;
}

export function slotOf(name: string | undefined): Slot {
  if (name === undefined) return { is: 'text', isCopy: false };
  const isCopy = name.startsWith('+');
  const [is, file] = name.slice(isCopy ? 1 : 0).split(' ');
  return { is: is as Slot['is'], isCopy, ...(file !== undefined && { file }) };
}

export const fileName = (file: Pick<RemoteFile, 'source'>): string => hash('sha256', file.source, 'base64url').slice(0, 16);

/** Of what a text event says. Undefined where the words that relations keep are all of it, as with most lines. */
export function digestOf(content: Content): string | undefined {
  const { msgtype, body, formatted_body: html } = content;
  const isWhole = msgtype === 'm.text' && html === undefined && String(body).length <= textLength;
  return isWhole ? undefined : hash('sha256', JSON.stringify([msgtype, body, html ?? null]), 'base64url').slice(0, 22);
}
