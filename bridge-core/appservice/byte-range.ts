// The part of a file that was asked for, where the homeserver gives only the whole, as Synapse does: cut out of the stream as it
// passes. Single ranges; whatever else is asked for gets the whole, which HTTP allows.

import { Readable } from 'node:stream';

export interface File {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** `ifRange`: only if the file is still this one. */
export function partOf(file: File, range: string | undefined, ifRange?: string): File {
  const size = Number(file.headers['content-length'] ?? Number.NaN);
  const asked = /^bytes=(\d*)-(\d*)$/.exec(range?.trim() ?? '');
  if (file.status !== 200 || asked === null || !Number.isSafeInteger(size)) return file;
  if (ifRange !== undefined && ifRange !== file.headers.etag) return file;
  const [first = '', last = ''] = asked.slice(1);
  if (first === '' && last === '') return file;
  // `-5` are the last five.
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(size - 1, Number(last));
  if (first !== '' && last !== '' && Number(last) < Number(first)) return file;
  if (start >= size) {
    const { 'content-type': _, ...headers } = file.headers;
    return { status: 416, headers: { ...headers, 'content-length': '0', 'content-range': `bytes */${size}` }, body: cut(file.body, 0, 0) };
  }
  return {
    status: 206,
    headers: { ...file.headers, 'content-length': String(end - start + 1), 'content-range': `bytes ${start}-${end}/${size}` },
    body: cut(file.body, start, end + 1),
  };
}

/** The download ends with it even where nobody began to read: a generator that was not begun would let it hang. */
function cut(body: AsyncIterable<Uint8Array>, start: number, end: number): AsyncIterable<Uint8Array> {
  const part = slices(body, start, end);
  const leave = async (): Promise<IteratorResult<Uint8Array>> => {
    // What it says of its end is nobody's any more.
    if (body instanceof Readable) body.on('error', () => {}).destroy();
    return await part.return(undefined);
  };
  return { [Symbol.asyncIterator]: () => ({ next: () => part.next(), return: leave }) };
}

async function* slices(body: AsyncIterable<Uint8Array>, start: number, end: number): AsyncGenerator<Uint8Array> {
  let at = 0;
  // Leaving the loop ends the download too.
  for await (const chunk of body) {
    const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at));
    if (part.byteLength > 0) yield part;
    at += chunk.byteLength;
    if (at >= end) return;
  }
}
