// Matrix media for people who have no Matrix: signed links of our own, without expiry, that fetch from the homeserver as
// the bridge. Nothing is served in a way that a browser would run, and a redacted event's media are gone for good.

import { hash } from 'node:crypto';
import type { Logger, Web, WebAnswer, WebRequest } from '../adapter-tools.ts';
import { messageOf, PermanentError, RetryableError } from '../errors.ts';
import type { MatrixEvent } from '../matrix-event.ts';
import type { Store } from '../store/store.ts';
import { avatarsOf } from './avatars.ts';
import { partOf } from './byte-range.ts';
import type { Homeserver } from './homeserver.ts';
import { Refusal } from './homeserver-errors.ts';
import { eventBytes, macBytes, pack, parseMxc, unpack } from './media-token.ts';

/** What it needs of the bridge's keys. */
export interface Signer {
  sign(text: string): Buffer;
  verify(text: string, mac: Uint8Array): boolean;
}

export interface MediaOptions {
  readonly homeserver: Pick<Homeserver, 'download' | 'domain'>;
  readonly keys: Signer;
  readonly store: Store;
  readonly web: Web;
  readonly log: Logger;
}

export interface Media {
  /** Undefined without a public address, or for what is no mxc address. `event`: whose redaction ends the link. */
  link(mxc: string, name: string, type: string | undefined, event: Placed | undefined): string | undefined;
  /** Ends every link made for the event. Of the room where it was redacted: elsewhere somebody else has the say. */
  revoke(event: Placed): Promise<void>;
  /** A person's picture, small and square; the same one always has the same address. Undefined as with `link`. */
  avatar(mxc: string): string | undefined;
}

type Placed = Pick<MatrixEvent, 'room' | 'id'>;

const longestName = 60;
/** Files on their way to one address. */
const mostAtOnce = 12;

/** What browsers show without running anything. SVG, HTML and XML are not among them. */
const shownInline =
  /^(image\/(png|jpeg|gif|webp|avif|apng|bmp)|audio\/(mpeg|mp4|ogg|opus|wav|x-wav|webm|flac|aac)|video\/(mp4|webm|ogg|quicktime)|text\/plain)$/;

const extensions: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'audio/mpeg': 'mp3',
  'audio/ogg': 'ogg',
  'video/mp4': 'mp4',
  'video/webm': 'webm',
  'application/pdf': 'pdf',
  'text/plain': 'txt',
};

export function openMedia({ homeserver, keys, store, web, log }: MediaOptions): Media {
  const guests = new Guests();
  const isRevoked = store.prepare<{ event: string }>('SELECT event FROM revoked_media WHERE event = ?');

  const link: Media['link'] = (mxc, name, type, event) => {
    const id = parseMxc(mxc);
    if (id === undefined || web.url('/media') === undefined) return undefined;
    const file = fileName(name, type);
    const payload = pack({ ...id, event: event === undefined ? '' : digestOf(event) }, homeserver.domain);
    const mac = keys.sign(signed(payload, file)).subarray(0, macBytes);
    const token = Buffer.concat([mac, payload]).toString('base64url');
    return web.url(`/media/${token}/${file}`);
  };

  const serve = async (request: WebRequest): Promise<WebAnswer> => {
    const { token = '', name = '' } = request.params;
    const bytes = Buffer.from(token, 'base64url');
    const payload = bytes.subarray(macBytes);
    if (!keys.verify(signed(payload, name), bytes.subarray(0, macBytes))) return sentence(404, 'There is no such file.');
    const { server, media, event } = unpack(payload, homeserver.domain);
    if (event !== '' && isRevoked.get(event) !== undefined) return sentence(410, 'This file was deleted by its sender.');
    const ended = guests.enter(request.from);
    if (ended === undefined) return { ...sentence(429, 'You are fetching many files already. Try again in a moment.'), headers: later };
    try {
      const { range, 'if-range': ifRange } = request.headers;
      const file = partOf(await homeserver.download(`mxc://${server}/${media}`, ifRange === undefined ? range : undefined), range, ifRange);
      return { status: file.status, headers: headersFor(file.headers, name), body: file.body, ended };
    } catch (thrown) {
      ended();
      return missing(thrown);
    }
  };

  const missing = (thrown: unknown): WebAnswer => {
    if (thrown instanceof Refusal && thrown.status === 404) return sentence(404, 'The homeserver no longer has this file.');
    if (thrown instanceof RetryableError && thrown.code === 'HOMESERVER_BUSY') {
      const wait = String(Math.ceil((thrown.after ?? 1000) / 1000));
      return { ...sentence(503, 'The homeserver is busy. Try again in a moment.'), headers: { ...plain, 'retry-after': wait } };
    }
    log.debug({ error: messageOf(thrown) }, 'a file could not be fetched');
    return thrown instanceof PermanentError
      ? sentence(404, 'The homeserver does not give this file.')
      : sentence(502, 'The homeserver that has this file cannot be reached now. Try again in a while.');
  };

  web.route('GET', '/media/:token/:name', serve);
  return {
    link,
    avatar: avatarsOf({ homeserver, keys, web, log }),
    revoke: async (event) => {
      await store.write(() => {
        store.prepare('INSERT INTO revoked_media (event, at) VALUES (?, ?) ON CONFLICT DO NOTHING').run(digestOf(event), Date.now());
      });
    },
  };
}

/** How many files go to each address: one alone must not take all connections to the homeserver. */
class Guests {
  readonly #fetching = new Map<string, number>();

  /** What to call when the file is out; undefined: too many go there already. */
  enter(address: string): (() => void) | undefined {
    const before = this.#fetching.get(address) ?? 0;
    if (before >= mostAtOnce) return undefined;
    this.#fetching.set(address, before + 1);
    let isOut = false;
    return () => {
      if (isOut) return;
      isOut = true;
      const left = (this.#fetching.get(address) ?? 1) - 1;
      if (left > 0) this.#fetching.set(address, left);
      else this.#fetching.delete(address);
    };
  }
}

const plain = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
const later = { ...plain, 'retry-after': '2' };
const sentence = (status: number, said: string): WebAnswer => ({ status, headers: plain, body: `${said}\n` });

const signed = (payload: Uint8Array, name: string): string => `media\n${Buffer.from(payload).toString('base64url')}\n${name}`;

/** A link must stay short enough for a line of IRC: it carries nine bytes in place of an event id's forty-four. */
const digestOf = ({ room, id }: Placed): string => hash('sha256', `${room}\n${id}`, 'buffer').subarray(0, eventBytes).toString('base64url');

/** Plain characters only, and none at the end that programs leave out when they look for links in a text. */
function fileName(name: string, type: string | undefined): string {
  const clean = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\w.-]+/g, '_')
    .replace(/^[._-]+|[._-]+$/g, '');
  const known = extensions[type ?? ''];
  const dot = clean.lastIndexOf('.');
  const extension = dot > 0 && clean.length - dot <= 6 ? clean.slice(dot + 1) : known;
  const stem = (dot > 0 && clean.length - dot <= 6 ? clean.slice(0, dot) : clean) || 'file';
  const cut = stem.slice(0, longestName);
  return extension === undefined ? cut : `${cut}.${extension}`;
}

function headersFor(upstream: Readonly<Record<string, string>>, name: string): Record<string, string> {
  const type = (upstream['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() || 'application/octet-stream';
  const safe = /^[\w.+-]+\/[\w.+-]+$/.test(type) ? type : 'application/octet-stream';
  const headers: Record<string, string> = {
    'content-type': safe === 'text/plain' ? 'text/plain; charset=utf-8' : safe,
    'content-disposition': `${shownInline.test(safe) ? 'inline' : 'attachment'}; filename="${name.replace(/[^\w.-]/g, '_')}"`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'",
    'cross-origin-resource-policy': 'cross-origin',
    'referrer-policy': 'no-referrer',
    // Not longer: it must be gone soon after its redaction.
    'cache-control': 'public, max-age=3600',
    'accept-ranges': upstream['accept-ranges'] ?? 'bytes',
  };
  for (const passed of ['content-length', 'content-range', 'last-modified', 'etag']) {
    const value = upstream[passed];
    if (value !== undefined) headers[passed] = value;
  }
  return headers;
}
