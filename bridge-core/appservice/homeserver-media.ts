// Files to and from the homeserver, as streams. They have an Agent of their own, outside the gate: a visitor who reads a
// film slowly must hold up no message.

import type { Agent } from 'undici';
import { PermanentError } from '../errors.ts';
import { isRecord, stringIn } from '../matrix-event.ts';
import type { Homeserver } from './homeserver.ts';
import { failureFor, Refusal, refusalFor } from './homeserver-errors.ts';
import type { HomeserverHttp } from './homeserver-http.ts';

const connections = 32;
/** A first byte may wait for another homeserver to be asked; between two bytes nothing is so slow. */
const headersTimeout = 60_000;
const bodyTimeout = 60_000;
/** What is uploaded without its size being known is collected first, for homeservers want a length. */
const largestCollected = 100 * 1024 * 1024;
/** Operators change the limit now and then, ms. */
const askAgainAfter = 3_600_000;

export function makeMedia(http: HomeserverHttp): Pick<Homeserver, 'upload' | 'download' | 'largestUpload'> & { close(): Promise<void> } {
  let asked: { readonly at: number; readonly largest: number | undefined } = { at: 0, largest: undefined };
  // The library whole, streams and all, loads with the first file.
  let opening: Promise<Agent> | undefined;
  const open = async (): Promise<Agent> => {
    const undici = await import('undici');
    return new undici.Agent({ connections, pipelining: 1, allowH2: false, headersTimeout, bodyTimeout, connect: { timeout: 10_000 } });
  };

  const ask = async (
    what: string,
    options: { path: string; method: 'GET' | 'POST'; headers: Record<string, string>; body?: Uploadable },
  ) => {
    let answer: Awaited<ReturnType<Agent['request']>>;
    opening ??= open();
    const agent = await opening;
    try {
      answer = await agent.request({
        ...options,
        origin: http.origin,
        path: http.basePath + options.path,
        headers: { authorization: http.authorization, 'user-agent': 'causeway', ...options.headers },
      } as Parameters<Agent['request']>[0]);
    } catch (cause) {
      throw failureFor(what, 'other', cause, true);
    }
    // 416 is an answer to whoever asked for the range, not a failure of ours.
    if ((answer.statusCode >= 200 && answer.statusCode < 300) || answer.statusCode === 416) return answer;
    const text = await answer.body.text().catch(() => '');
    throw refusalFor(what, 'other', { status: answer.statusCode, retryAfter: answer.headers['retry-after']?.toString(), text });
  };

  return {
    upload: async (as, bytes, type, name, size) => {
      const whole = bytes instanceof Uint8Array ? bytes : size === undefined ? await collected(bytes) : bytes;
      const length = whole instanceof Uint8Array ? whole.byteLength : size;
      const answer = await ask(`upload of ${name}`, {
        method: 'POST',
        path: `/_matrix/media/v3/upload?filename=${encodeURIComponent(name)}&user_id=${encodeURIComponent(as)}`,
        headers: { 'content-type': type, 'content-length': String(length) },
        body: whole,
      });
      const stored: unknown = await answer.body.json().catch(() => undefined);
      const uri = isRecord(stored) ? stringIn(stored, 'content_uri') : undefined;
      if (uri === undefined) throw new PermanentError('HOMESERVER_REFUSED', `upload of ${name}: the answer has no content_uri`);
      return uri;
    },

    largestUpload: async () => {
      if (asked.at + askAgainAfter > Date.now()) return asked.largest;
      const config: unknown = await http.json('other', 'GET', '/_matrix/client/v1/media/config').catch((thrown: unknown) => {
        // A homeserver from before authenticated media knows only the old path, or says nothing of it.
        if (!(thrown instanceof Refusal)) throw thrown;
        return http.json('other', 'GET', '/_matrix/media/v3/config').catch((again: unknown) => {
          if (!(again instanceof Refusal)) throw again;
        });
      });
      const largest = isRecord(config) ? config['m.upload.size'] : undefined;
      asked = { at: Date.now(), largest: typeof largest === 'number' ? largest : undefined };
      return asked.largest;
    },

    download: async (mxc, range) => {
      const id = /^mxc:\/\/([^/?#]+)\/([\w.~-]+)$/.exec(mxc);
      if (id === null) throw new PermanentError('BAD_REQUEST', `not an mxc address: ${mxc.slice(0, 100)}`);
      const file = `${encodeURIComponent(id[1] ?? '')}/${encodeURIComponent(id[2] ?? '')}`;
      const headers: Record<string, string> = range === undefined ? {} : { range };
      const get = (path: string) => ask(`download of ${mxc}`, { method: 'GET', path, headers });
      const answer = await get(`/_matrix/client/v1/media/download/${file}`).catch((thrown: unknown) => {
        // A homeserver from before authenticated media knows only the old path.
        if (thrown instanceof Refusal && thrown.errcode === 'M_UNRECOGNIZED') return get(`/_matrix/media/v3/download/${file}`);
        throw thrown;
      });
      const plain: Record<string, string> = {};
      for (const [header, value] of Object.entries(answer.headers)) if (value !== undefined) plain[header] = value.toString();
      return { status: answer.statusCode, headers: plain, body: answer.body };
    },

    close: async () => (await opening)?.destroy(),
  };
}

type Uploadable = Uint8Array | AsyncIterable<Uint8Array>;

async function collected(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > largestCollected) throw new PermanentError('EVENT_TOO_LARGE', `a file of more than ${largestCollected} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
