// GETs of JSON at addresses that strangers name: over TLS, to public addresses alone (checked on what the name resolves to, so
// that no answer of a DNS server leads inside), small, in a set time. And at the operator's own addresses, without the guard.

import type { lookup } from 'node:dns';
import { request as plain } from 'node:http';
import { request as secured } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { PermanentError } from '../errors.ts';
import { isRecord } from '../matrix-event.ts';
import { assertPublicHost, isPublicAddress, publicLookup } from '../public-address.ts';

const longest = 10_000;
const largest = 64 * 1024;
const mostRedirects = 3;

export interface Place {
  readonly host: string;
  readonly port: number;
  /** Whose certificate it must show; the host's own unless said. */
  readonly name?: string;
  /** How it is called in the Host header; `name` unless said. */
  readonly header?: string;
}

/** For tests: what names resolve to, whom to trust, what counts as public. */
export interface PublicNet {
  readonly lookup?: typeof lookup;
  readonly ca?: string;
  readonly isPublic?: (address: string) => boolean;
  /** ms that an answer may take in all. */
  readonly patience?: number;
}

export class PublicRequests {
  readonly #lookup: LookupFunction;
  readonly #ca: string | undefined;
  readonly #isPublic: (address: string) => boolean;
  readonly #patience: number;

  constructor(net: PublicNet = {}) {
    this.#ca = net.ca;
    this.#isPublic = net.isPublic ?? isPublicAddress;
    this.#lookup = publicLookup({ ...(net.lookup !== undefined && { resolve: net.lookup }), isPublic: this.#isPublic });
    this.#patience = net.patience ?? longest;
  }

  /** Follows redirects, a few, and guards each. */
  async get(place: Place, path: string, redirects = 0): Promise<Record<string, unknown>> {
    const { host, port, name = host, header = name } = place;
    assertPublicHost(host, this.#isPublic);
    const answer = await ask(secured, this.#patience, {
      ...{ host, port, path, agent: false, lookup: this.#lookup },
      ...(isIP(name) === 0 && { servername: name }),
      ...(this.#ca !== undefined && { ca: this.#ca }),
      headers: { host: header, accept: 'application/json', 'user-agent': 'causeway' },
    });
    if (answer.location === undefined) return answer.json;
    if (redirects >= mostRedirects || !URL.canParse(answer.location, `https://${name}${path}`)) throw refused(host, 'it redirects');
    const next = new URL(answer.location, `https://${name}${path}`);
    if (next.protocol !== 'https:') throw refused(host, 'it redirects to what is not https');
    const there = { host: next.hostname.replace(/^\[|\]$/g, ''), port: Number(next.port || 443), header: next.host };
    return await this.get(there, next.pathname + next.search, redirects + 1);
  }

  /** At an address of the operator's. */
  async getAt(base: string, path: string): Promise<Record<string, unknown>> {
    const url = new URL(`${base.replace(/\/+$/, '')}${path}`);
    const answer = await ask(url.protocol === 'https:' ? secured : plain, this.#patience, {
      ...{ host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port || undefined, path: url.pathname + url.search },
      ...{ agent: false, headers: { accept: 'application/json', 'user-agent': 'causeway' } },
      ...(this.#ca !== undefined && { ca: this.#ca }),
    });
    if (answer.location !== undefined) throw refused(url.hostname, 'it redirects');
    return answer.json;
  }
}

type Answer = { readonly json: Record<string, unknown>; readonly location?: string };

function ask(request: typeof secured | typeof plain, patience: number, options: Parameters<typeof secured>[1]): Promise<Answer> {
  const { host } = options as { host: string };
  return new Promise<Answer>((resolve, reject) => {
    const fail = (cause: Error) => reject(cause instanceof PermanentError ? cause : refused(host, cause.message, cause));
    const signal = AbortSignal.timeout(patience);
    const asking = (request as typeof secured)({ ...options, signal }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size <= largest) return;
        const tooLong = refused(host, 'its answer is too long');
        reject(tooLong);
        asking.destroy(tooLong);
      });
      response.on('error', fail);
      response.on('end', () => {
        const { statusCode = 0, headers } = response;
        const json = statusCode === 200 ? jsonIn(Buffer.concat(chunks).toString('utf8')) : undefined;
        if (json !== undefined) resolve({ json });
        else if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) resolve({ json: {}, location: headers.location });
        else reject(refused(host, statusCode === 200 ? 'its answer is no JSON object' : `it answers ${statusCode}`));
      });
    });
    asking.on('error', fail);
    asking.end();
  });
}

function jsonIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const refused = (host: string, why: string, cause?: unknown): PermanentError =>
  new PermanentError('BAD_REQUEST', `${host} could not be asked: ${why}`, cause);
