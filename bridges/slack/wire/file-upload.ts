// A file to Slack in its three steps: an address is asked for, the bytes are streamed to it, and then it is shared. Only the last is
// seen by anybody, and only it may happen twice; its answer seldom says as which message, so that is asked for afterwards.

import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { PermanentError, RetryableError } from '#bridge-core';
import { type Asked, connectionFault, isRefusal, statusFault } from './faults.ts';
import { isOfSlack } from './response-url.ts';
import type { Caller, WebApi } from './web-api.ts';

export interface Upload {
  readonly name: string;
  readonly bytes: number;
  readonly altText?: string;
  open(): Promise<ReadableStream<Uint8Array>>;
}

export interface Share {
  readonly channel: string;
  readonly files: readonly { readonly id: string; readonly title?: string }[];
  readonly threadTs?: string;
  readonly comment?: string;
  /** Instead of `comment`. */
  readonly blocks?: readonly object[];
}

const sending: Asked = { what: 'sending a file to Slack', isPost: false };
/** ms between looks for the message that a file became. */
const looks = [0, 250, 750, 1_500, 3_000];

/** The first two steps: the file's id. Nobody sees it yet; done again, it is another file. */
export async function sendFile(api: WebApi, caller: Caller, { name, bytes, altText, open }: Upload): Promise<string> {
  const given = await caller.call('files.getUploadURLExternal', {
    filename: name,
    length: bytes,
    ...(altText !== undefined && { alt_txt: altText }),
  });
  const { file_id: id = '', upload_url: url = '' } = given;
  if (!isOfSlack(url, api.apiUrl)) throw new PermanentError('NETWORK_REFUSED', 'the address for the file is not one of Slack');
  const body = Readable.fromWeb((await open()) as Parameters<typeof Readable.fromWeb>[0], { objectMode: false });
  const { origin, pathname, search } = new URL(url);
  try {
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(bytes) };
    const answer = await api.http.agent.request({ origin, path: pathname + search, method: 'POST', headers, body });
    await answer.body.dump();
    if (answer.statusCode === 200) return id;
    throw answer.statusCode < 500
      ? new RetryableError('NETWORK_UNREACHABLE', `${sending.what}: status ${answer.statusCode}`)
      : statusFault(sending, answer.statusCode);
  } catch (thrown) {
    if (thrown instanceof RetryableError || thrown instanceof PermanentError) throw thrown;
    if ((thrown as { code?: string }).code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') {
      throw new PermanentError('NETWORK_REFUSED', `${name} has not the ${bytes} bytes that it was said to have`, thrown);
    }
    throw connectionFault(sending, thrown);
  } finally {
    body.destroy();
  }
}

/** The third step. Rejects with an unknown outcome where its answer was lost: `messageOfFile` tells. */
export async function shareFiles(caller: Caller, { channel, files, threadTs, comment, blocks }: Share): Promise<void> {
  await caller.call('files.completeUploadExternal', {
    files,
    channel_id: channel,
    ...(threadTs !== undefined && { thread_ts: threadTs }),
    ...(blocks === undefined ? comment !== undefined && { initial_comment: comment } : { blocks }),
  });
}

/** The `ts` of the message that shows the file there; undefined where none does. Slack shares a while after it said so: `wait` for that. */
export async function messageOfFile(caller: Caller, id: string, channel: string, { wait = false } = {}): Promise<string | undefined> {
  for (const pause of wait ? looks : [0]) {
    if (pause > 0) await delay(pause);
    const ts = await sharedAs(caller, id, channel);
    if (ts !== undefined) return ts;
  }
  return undefined;
}

async function sharedAs(caller: Caller, id: string, channel: string): Promise<string | undefined> {
  try {
    const { file } = await caller.call('files.info', { file: id });
    const shares: Readonly<Record<string, readonly { readonly ts?: string }[]>> = { ...file?.shares?.public, ...file?.shares?.private };
    return shares[channel]?.[0]?.ts;
  } catch (thrown) {
    // Sent and never shared, it is forgotten after a while.
    if (isRefusal(thrown, 'file_not_found', 'file_deleted')) return undefined;
    throw thrown;
  }
}
