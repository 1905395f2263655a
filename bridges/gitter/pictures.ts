// Pictures that Gitter's messages and people point at, streamed: from the Gitter that the operator named as from there, from all other
// addresses over TLS, from the open net alone. No token goes along: whoever wrote in a room may have named the address.

import { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import { assertPublicHost, BridgeError, PermanentError, publicLookup, type RemoteFile, RetryableError } from '#bridge-core';
import type { GitterSettings } from './settings.ts';

export interface PicturesParts {
  readonly settings: Pick<GitterSettings, 'apiUrl' | 'fayeUrl' | 'streamUrl' | 'oauth'>;
  /** For tests: what counts as public, whom to trust, ms that a picture may take in all. */
  readonly net?: { readonly isPublic?: (address: string) => boolean; readonly ca?: string; readonly patience?: number };
}

const mostBytes = 8 * 1024 * 1024;
/** ms: the message waits for its pictures, and everything behind it. */
const longest = 30_000;
const mostRedirects = 3;

export class Pictures {
  readonly #net: NonNullable<PicturesParts['net']>;
  /** Origins that are the operator's word. */
  readonly #own: ReadonlySet<string>;
  #inside: Agent | undefined;
  #outside: Agent | undefined;

  constructor({ settings, net = {} }: PicturesParts) {
    this.#net = net;
    const named = [settings.apiUrl, settings.fayeUrl, settings.streamUrl, settings.oauth?.url];
    this.#own = new Set(named.flatMap((address) => (address === undefined ? [] : [new URL(address).origin])));
  }

  async open({ source }: RemoteFile): Promise<ReadableStream<Uint8Array>> {
    const signal = AbortSignal.timeout(this.#net.patience ?? longest);
    let at = source;
    for (let count = 0; count <= mostRedirects; count += 1) {
      if (!URL.canParse(at)) break;
      const url = new URL(at);
      const { statusCode, headers, body } = await this.#get(url, signal);
      if (statusCode === 200 && String(headers['content-type']).startsWith('image/'))
        return Readable.toWeb(body) as ReadableStream<Uint8Array>;
      body.on('error', () => {}).destroy();
      if (statusCode >= 500 || statusCode === 429)
        throw new RetryableError('NETWORK_UNREACHABLE', `${url.origin} answered ${statusCode} in place of a picture`);
      const { location } = headers;
      if (statusCode < 300 || statusCode >= 400 || typeof location !== 'string' || !URL.canParse(location, at))
        throw new PermanentError('NETWORK_REFUSED', `${url.origin} answered ${statusCode} in place of a picture`);
      at = new URL(location, at).href;
    }
    throw new PermanentError('NETWORK_REFUSED', 'the picture’s address leads nowhere');
  }

  async close(): Promise<void> {
    await Promise.all([this.#inside?.destroy(), this.#outside?.destroy()]);
  }

  async #get({ origin, protocol, hostname, pathname, search }: URL, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const isOwn = this.#own.has(origin);
    if (!isOwn) {
      if (protocol !== 'https:') throw new PermanentError('NETWORK_REFUSED', `${origin} is not asked for pictures: it is no https`);
      assertPublicHost(hostname, this.#net.isPublic);
    }
    return await this.#agent(isOwn)
      .request({ origin, path: pathname + search, method: 'GET', signal })
      .catch((cause) => {
        throw cause instanceof BridgeError ? cause : new RetryableError('NETWORK_UNREACHABLE', `${origin} gave no picture`, { cause });
      });
  }

  #agent(isOwn: boolean): Agent {
    if (!isOwn) {
      this.#outside ??= this.#guarded();
      return this.#outside;
    }
    this.#inside ??= new Agent({ maxResponseSize: mostBytes });
    return this.#inside;
  }

  #guarded(): Agent {
    const { isPublic, ca } = this.#net;
    const lookup = publicLookup({ ...(isPublic !== undefined && { isPublic }) });
    return new Agent({ connect: { lookup, timeout: 10_000, ...(ca !== undefined && { ca }) }, maxResponseSize: mostBytes });
  }
}
