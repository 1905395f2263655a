// A file of Matrix's, brought to Slack and shown in a channel. How the bytes go is wire/'s; whose file it is stands in the words beside
// it, for Slack shows a file under the name of whoever brings it.

import { type MatrixFile, PermanentError } from '#bridge-core';
import type { SlackBody } from './body.ts';
import type { Voice } from './voice.ts';
import { messageOfFile, sendFile, shareFiles } from './wire/file-upload.ts';
import type { WebApi } from './wire/web-api.ts';

export interface Upload {
  readonly voice: Voice;
  readonly file: MatrixFile;
  readonly channel: string;
  readonly thread: string | undefined;
  readonly comment: SlackBody;
  /** Called with the file's id before it is shown, and waited for. */
  readonly named: (id: string) => Promise<void>;
}

/** The file's id. */
export type UploadFile = (upload: Upload) => Promise<string>;

/** Slack must be told the length before the first byte; where nobody knows it, so much at most is counted in memory. */
const mostUncounted = 32 * 1024 * 1024;
const longestAlt = 1_000;

export async function uploadFile(api: WebApi, { voice, file, channel, thread, comment, named }: Upload): Promise<string> {
  const counted = file.bytes === undefined ? await count(file) : { bytes: file.bytes, open: () => file.open() };
  const altText = file.alt === undefined ? undefined : [...file.alt].slice(0, longestAlt).join('');
  const id = await sendFile(api, voice.caller, { name: file.name, ...(altText !== undefined && { altText }), ...counted });
  await named(id);
  await shareFiles(voice.caller, {
    ...{ channel, files: [{ id, title: file.name }] },
    ...(thread !== undefined && { threadTs: thread }),
    ...(comment.text !== '' && { comment: comment.text }),
  });
  return id;
}

/** Undefined: Slack has not shown it yet. */
export function shownAs(voice: Voice, file: string, channel: string, wait: boolean): Promise<string | undefined> {
  return messageOfFile(voice.caller, file, channel, { wait });
}

async function count(file: MatrixFile): Promise<{ bytes: number; open: () => Promise<ReadableStream<Uint8Array>> }> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of await file.open()) {
    bytes += piece.length;
    if (bytes > mostUncounted) throw new PermanentError('UNSUPPORTED', `${file.name} is too large for a file of unknown length`);
    pieces.push(piece);
  }
  return { bytes, open: async () => new Blob(pieces as BlobPart[]).stream() };
}
