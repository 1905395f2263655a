// A file of the homeserver's on its way to a network, as the contract hands it out: the true length where the homeserver tells it,
// and a stream that is open already, so that what cannot be had is known before anything is said.

import { Readable } from 'node:stream';
import type { MatrixFile } from '../adapter.ts';

import type { Homeserver } from './homeserver.ts';

export interface WantedFile {
  readonly mxc: string;
  readonly name: string;
  readonly type: string | undefined;
  readonly bytes: number | undefined;
  readonly alt?: string;
}

export interface OutgoingFile {
  readonly file: MatrixFile;
  /** Nobody reads it any more. */
  close(): void;
}

type Body = AsyncIterable<Uint8Array>;

/** Rejects as `download` does. */
export async function openOutgoing(
  homeserver: Pick<Homeserver, 'download'>,
  { mxc, name, type, bytes, alt }: WantedFile,
  url: string | undefined,
): Promise<OutgoingFile> {
  const { headers, body } = await homeserver.download(mxc);
  let waiting: Body | undefined = body;
  const length = Number(headers['content-length'] ?? Number.NaN);
  const counted = Number.isSafeInteger(length) ? length : bytes;
  const known = type ?? headers['content-type']?.split(';')[0];
  // Each try reads from the start.
  const next = async (): Promise<Body> => {
    const first = waiting;
    waiting = undefined;
    return first ?? (await homeserver.download(mxc)).body;
  };
  return {
    file: {
      name,
      ...(known !== undefined && { type: known }),
      ...(counted !== undefined && { bytes: counted }),
      ...(alt !== undefined && { alt }),
      ...(url !== undefined && { url }),
      open: async () => streamOf(await next()),
    },
    close: () => {
      if (waiting instanceof Readable) waiting.on('error', () => {}).destroy();
      waiting = undefined;
    },
  };
}

function streamOf(body: Body): ReadableStream<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(out) {
      const { done, value } = await chunks.next();
      if (done === true) out.close();
      else out.enqueue(value);
    },
    async cancel() {
      await chunks.return?.();
    },
  });
}
