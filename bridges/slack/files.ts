// Files of Slack's: what a message says of them, and their bytes, streamed with the token of somebody who may see them. Pictures of
// people and apps have addresses that anyone may fetch; those are fetched without any token, and never from within our own net.

import { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import { PermanentError, type RemoteFile, RetryableError } from '#bridge-core';
import { type Fields, fieldsIn, listIn, numberIn, textIn } from './fields.ts';
import { assertPublic, publicLookup } from './public-address.ts';

/** `T0001 F0001 https://…`: whose token opens it, which it is, and where. */
export function sourceOf(team: string, file: Fields): string {
  const address = file.file_access === 'check_file_info' ? undefined : addressOf(file);
  return `${team} ${textIn(file, 'id') ?? ''} ${address ?? ''}`.trimEnd();
}

/** In the order in which people see them; what is deleted or hidden is none. */
export function filesOf(message: Fields, team: string): RemoteFile[] {
  return listIn(message, 'files').flatMap((file): RemoteFile[] => {
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
  readonly token: string;
  info(file: string): Promise<Fields>;
}

export interface FilesParts {
  readonly agent: Dispatcher;
  /** Whose tokens may open files of a team, the most likely first. */
  readonly openers: (team: string) => readonly Opener[];
  /** Hosts that are Slack's whatever their address: a test's, or a company's own. */
  readonly trustedHosts: ReadonlySet<string>;
}

/** Slack answers with a page to log in where a file is not ready, or not for this token. ms. */
const pause = 1_000;
const tries = 4;

export class Files {
  readonly #parts: FilesParts;
  #outside: Agent | undefined;

  constructor(parts: FilesParts) {
    this.#parts = parts;
  }

  async open({ source, type }: Pick<RemoteFile, 'source' | 'type'>): Promise<ReadableStream<Uint8Array>> {
    if (/^https?:/.test(source)) return await this.#get(source, undefined, type);
    const [team = '', id = '', address] = source.split(' ');
    let last: unknown = new PermanentError('NETWORK_LOGIN', `nobody of ours may open files of ${team}`);
    for (const opener of this.#parts.openers(team)) {
      try {
        const url = address ?? addressOf(fieldsIn(await opener.info(id), 'file') ?? {});
        if (url === undefined) continue;
        this.#assertSlack(url);
        return await this.#get(url, opener.token, type);
      } catch (thrown) {
        if (thrown instanceof RetryableError) throw thrown;
        last = thrown;
      }
    }
    throw last;
  }

  async close(): Promise<void> {
    await this.#outside?.destroy();
  }

  async #get(url: string, token: string | undefined, type: string | undefined): Promise<ReadableStream<Uint8Array>> {
    const { origin, pathname, search } = new URL(url);
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const agent = token === undefined ? this.#agentFor(url) : this.#parts.agent;
    for (let attempt = 1; ; attempt += 1) {
      const answer = await agent.request({ origin, path: pathname + search, method: 'GET', headers }).catch((cause) => {
        if (cause instanceof PermanentError) throw cause;
        throw new RetryableError('NETWORK_UNREACHABLE', `${origin} gave no file`, { cause });
      });
      const isPage = String(answer.headers['content-type'] ?? '').includes('text/html') && type?.includes('html') !== true;
      if (answer.statusCode === 200 && !isPage) return Readable.toWeb(answer.body) as ReadableStream<Uint8Array>;
      answer.body.resume();
      const said = `${origin} answered ${isPage ? 'a page' : `status ${answer.statusCode}`} in place of a file`;
      if (answer.statusCode >= 500 || answer.statusCode === 429) throw new RetryableError('NETWORK_UNREACHABLE', said);
      if (!isPage || attempt === tries) throw new PermanentError('NETWORK_REFUSED', said);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  #agentFor(url: string): Dispatcher {
    if (this.#parts.trustedHosts.has(new URL(url).host)) return this.#parts.agent;
    assertPublic(url);
    this.#outside ??= new Agent({ connect: { lookup: publicLookup, timeout: 10_000 } });
    return this.#outside;
  }

  /** A token goes to Slack alone, wherever an event says that a file is. */
  #assertSlack(url: string): void {
    const { hostname, host, protocol } = new URL(url);
    if (this.#parts.trustedHosts.has(host) || (protocol === 'https:' && /(?:^|\.)slack(?:-files|-edge)?\.com$/.test(hostname))) return;
    throw new PermanentError('NETWORK_REFUSED', 'a file that is not with Slack');
  }
}
