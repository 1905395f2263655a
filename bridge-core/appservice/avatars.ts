// People's pictures for networks that fetch them: square, small, PNG, under signed addresses that never change, so that networks
// keep them. What makes them (sharp) loads with the first; without one it costs nothing.

import type { Logger, Web, WebAnswer, WebRequest } from '../adapter-tools.ts';
import { messageOf, PermanentError, RetryableError } from '../errors.ts';
import type { Homeserver } from './homeserver.ts';
import { macBytes, pack, parseMxc, unpack } from './media-token.ts';

export interface AvatarParts {
  readonly homeserver: Pick<Homeserver, 'download' | 'domain'>;
  readonly keys: { sign(text: string): Buffer; verify(text: string, mac: Uint8Array): boolean };
  readonly web: Web;
  readonly log: Logger;
}

const side = 256;
/** Pictures kept made; one is 20 to 100 KB. */
const mostKept = 50;
/** Read at once, each into memory as a whole. */
const mostAtOnce = 4;
/** Larger ones are no pictures of people. */
const largestBytes = 20 * 1024 * 1024;
const largestPixels = 60_000_000;

/** What turns the mxc of a picture into its public address; undefined without one. */
export function avatarsOf({ homeserver, keys, web, log }: AvatarParts): (mxc: string) => string | undefined {
  const made = new Map<string, Promise<Uint8Array>>();
  let converting: Promise<unknown> = Promise.resolve();
  let reading = 0;
  const waiting: (() => void)[] = [];

  const picture = async (mxc: string): Promise<Uint8Array> => {
    if (reading >= mostAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    else reading += 1;
    try {
      const bytes = await collected((await homeserver.download(mxc)).body);
      const mine = converting.then(() => convert(bytes));
      converting = mine.catch(() => undefined);
      return await mine;
    } finally {
      const next = waiting.shift();
      if (next === undefined) reading -= 1;
      else next();
    }
  };

  /** The newest are kept, those under way among them, so that nobody makes one twice. */
  const pictureOf = (mxc: string): Promise<Uint8Array> => {
    const known = made.get(mxc) ?? picture(mxc);
    made.delete(mxc);
    made.set(mxc, known);
    known.catch(() => made.get(mxc) === known && made.delete(mxc));
    const [oldest] = made.keys();
    if (made.size > mostKept && oldest !== undefined) made.delete(oldest);
    return known;
  };

  const serve = async ({ params }: WebRequest): Promise<WebAnswer> => {
    const bytes = Buffer.from((params.file ?? '').replace(/\.png$/, ''), 'base64url');
    const payload = bytes.subarray(macBytes);
    if (!keys.verify(signed(payload), bytes.subarray(0, macBytes))) return sentence(404, 'There is no such picture.');
    const { server, media } = unpack(payload, homeserver.domain);
    try {
      return { headers: asPicture, body: await pictureOf(`mxc://${server}/${media}`) };
    } catch (thrown) {
      log.debug({ error: messageOf(thrown) }, 'a picture could not be made');
      return thrown instanceof RetryableError
        ? sentence(503, 'The picture cannot be fetched now. Try again in a while.')
        : sentence(404, 'There is no picture that can be read.');
    }
  };

  web.route('GET', '/avatar/:file', serve);
  return (mxc) => {
    const id = parseMxc(mxc);
    if (id === undefined || web.url('/avatar') === undefined) return undefined;
    const payload = pack({ ...id, event: '' }, homeserver.domain);
    const mac = keys.sign(signed(payload)).subarray(0, macBytes);
    return web.url(`/avatar/${Buffer.concat([mac, payload]).toString('base64url')}.png`);
  };
}

const signed = (payload: Uint8Array): string => `avatar\n${Buffer.from(payload).toString('base64url')}`;

const asPicture = {
  'content-type': 'image/png',
  'cache-control': 'public, max-age=31536000, immutable',
  'content-security-policy': "sandbox; default-src 'none'",
  'cross-origin-resource-policy': 'cross-origin',
};

const sentence = (status: number, said: string): WebAnswer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  body: `${said}\n`,
});

async function collected(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > largestBytes) throw new PermanentError('HOMESERVER_REFUSED', `a picture of more than ${largestBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

let opening: Promise<typeof import('sharp').default> | undefined;

async function convert(bytes: Uint8Array): Promise<Uint8Array> {
  opening ??= openSharp();
  const sharp = await opening;
  return await sharp(bytes, { limitInputPixels: largestPixels })
    .autoOrient()
    .resize(side, side, { fit: 'cover' })
    .png({ compressionLevel: 9 })
    .toBuffer();
}

async function openSharp(): Promise<typeof import('sharp').default> {
  const { default: sharp } = await import('sharp');
  sharp.cache(false);
  sharp.concurrency(1);
  // Anybody may send us a picture: only the plain kinds are read, and nothing that could name other files.
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Heif'].map((kind) => `VipsForeignLoad${kind}Buffer`) });
  return sharp;
}
