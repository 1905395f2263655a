// Files of Slack's: what a message says of them, and their bytes, streamed with the token of somebody who may see them. Pictures of
// people and apps have addresses that anyone may fetch; those are fetched without any token, and never from within our own net.

import { Readable } from 'node:stream';
import { Agent } from 'undici';
import { assertPublicHost, PermanentError, publicLookup, type RemoteFile, RetryableError } from '#bridge-core';
import { type Fields, fieldsIn, listIn, numberIn, textIn } from './fields.ts';
import { isRefusal } from './wire/faults.ts';
import { downloadFile, downloadPicture, isPictureHost } from './wire/file-download.ts';
import { isOfSlack } from './wire/response-url.ts';
import type { WebApi } from './wire/web-api.ts';

/** `T0001 F0001 https://…`: whose token opens it, which it is, and where. */
function sourceOf(team: string, file: Fields): string {
  const address = file.file_access === 'check_file_info' ? undefined : addressOf(file);
  return `${team} ${textIn(file, 'id') ?? ''} ${address ?? ''}`.trimEnd();
}

/** In the order in which people see them; what is deleted or hidden is none. `known`: of those that a message bears no more than the
 *  id of. */
export function filesOf(message: Fields, team: string, known: (id: string) => Fields | undefined = () => undefined): RemoteFile[] {
  return listIn(message, 'files').flatMap((told): RemoteFile[] => {
    const file = (told.file_access === 'check_file_info' ? known(textIn(told, 'id') ?? '') : undefined) ?? told;
    const { mode, file_access } = file;
    const isGone =
      mode === 'tombstone' || mode === 'hidden_by_limit' || file_access === 'file_not_found' || file_access === 'access_denied';
    const id = textIn(file, 'id');
    if (id === undefined || isGone) return [];
    const [type, bytes] = [textIn(file, 'mimetype'), numberIn(file, 'size')];
    const [width, height] = [numberIn(file, 'original_w'), numberIn(file, 'original_h')];
    const [duration, alt, page] = [numberIn(file, 'duration_ms'), textIn(file, 'alt_txt'), textIn(file, 'permalink')];
    return [
      {
        name: textIn(file, 'name') ?? textIn(file, 'title') ?? id,
        source: sourceOf(team, file),
        ...(type !== undefined && { type }),
        ...(bytes !== undefined && { bytes }),
        ...(width !== undefined && height !== undefined && { width, height }),
        ...(duration !== undefined && { duration }),
        ...(alt !== undefined && { alt }),
        ...(page !== undefined && { page }),
      },
    ];
  });
}

function addressOf(file: Fields): string | undefined {
  return textIn(file, 'url_private_download') ?? textIn(file, 'url_private');
}

/** Of one team: its bot, and people's accounts there. */
export interface Opener {
  /** The newest. */
  token(): string;
  info(file: string): Promise<Fields>;
}

export interface FilesParts {
  readonly api: WebApi;
  /** Whose tokens may open files of a team, the most likely first. */
  readonly openers: (team: string) => readonly Opener[];
  /** For tests: what counts as public, and ms that a picture from outside may take in all. */
  readonly net?: { readonly isPublic: (address: string) => boolean; readonly patience: number };
}

export class Files {
  readonly #parts: FilesParts;
  #outside: Agent | undefined;

  constructor(parts: FilesParts) {
    this.#parts = parts;
  }

  async open({ source, type, bytes }: RemoteFile): Promise<ReadableStream<Uint8Array>> {
    const { api, openers } = this.#parts;
    if (/^https?:/.test(source))
      return isOfSlack(source, api.apiUrl) || isPictureHost(source)
        ? (await downloadPicture(api, source)).stream
        : await this.#fetch(source);
    const [team = '', id = '', address] = source.split(' ');
    let last: unknown = new PermanentError('NETWORK_LOGIN', `nobody of ours may open files of ${team}`);
    for (const { token, info } of openers(team)) {
      try {
        const url = address ?? addressOf(fieldsIn(await info(id), 'file') ?? {});
        if (url === undefined) continue;
        const told = { ...(type !== undefined && { type }), ...(bytes !== undefined && { bytes }) };
        return (await downloadFile(api, { url, token, unknown: () => info(id), ...told })).stream;
      } catch (thrown) {
        // What one may not see, another may.
        if (!isRefusal(thrown) && !(thrown instanceof PermanentError && thrown.code === 'NETWORK_LOGIN')) throw thrown;
        last = thrown;
      }
    }
    throw last;
  }

  async close(): Promise<void> {
    await this.#outside?.destroy();
  }

  /** A picture that an app names for a message of its. */
  async #fetch(url: string): Promise<ReadableStream<Uint8Array>> {
    const { hostname, origin, pathname, search } = new URL(url);
    const { isPublic, patience = longest } = this.#parts.net ?? {};
    assertPublicHost(hostname, isPublic);
    this.#outside ??= new Agent({
      connect: { lookup: publicLookup({ ...(isPublic !== undefined && { isPublic }) }), timeout: 10_000 },
      maxResponseSize: mostBytes,
    });
    const signal = AbortSignal.timeout(patience);
    const answer = await this.#outside.request({ origin, path: pathname + search, method: 'GET', signal }).catch((cause) => {
      throw cause instanceof PermanentError ? cause : new RetryableError('NETWORK_UNREACHABLE', `${origin} gave no picture`, { cause });
    });
    if (answer.statusCode === 200 && String(answer.headers['content-type']).startsWith('image/'))
      return Readable.toWeb(answer.body) as ReadableStream<Uint8Array>;
    answer.body.on('error', () => {}).destroy();
    throw new PermanentError('NETWORK_REFUSED', `${origin} answered ${answer.statusCode} in place of a picture`);
  }
}

const mostBytes = 8 * 1024 * 1024;
/** ms: the message waits for its pictures, and everything behind it. */
const longest = 30_000;
