// Parts cut out of whole files, byte by byte.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { type File, partOf } from '../../../bridge-core/appservice/byte-range.ts';

const fileOf = (text: string, chunk = 3): File & { readonly read: () => number } => {
  let read = 0;
  async function* chunks() {
    for (let at = 0; at < text.length; at += chunk) {
      read += 1;
      yield Buffer.from(text.slice(at, at + chunk));
    }
  }
  return {
    status: 200,
    headers: { 'content-length': String(text.length), 'content-type': 'text/plain', etag: '"one"' },
    body: chunks(),
    read: () => read,
  };
};

async function asked(range: string | undefined, ifRange?: string): Promise<[number, string | undefined, string]> {
  const part = partOf(fileOf('0123456789'), range, ifRange);
  const bytes: Buffer[] = [];
  for await (const chunk of part.body) bytes.push(Buffer.from(chunk));
  const text = Buffer.concat(bytes).toString();
  assert.equal(part.headers['content-length'], String(text.length));
  return [part.status, part.headers['content-range'], text];
}

test('a single range is cut out, wherever the chunks end', async () => {
  assert.deepEqual(await asked('bytes=0-0'), [206, 'bytes 0-0/10', '0']);
  assert.deepEqual(await asked('bytes=2-4'), [206, 'bytes 2-4/10', '234']);
  assert.deepEqual(await asked('bytes=3-5'), [206, 'bytes 3-5/10', '345']);
  assert.deepEqual(await asked('bytes=7-'), [206, 'bytes 7-9/10', '789']);
  assert.deepEqual(await asked('bytes=8-100'), [206, 'bytes 8-9/10', '89']);
  assert.deepEqual(await asked('bytes=-4'), [206, 'bytes 6-9/10', '6789']);
  assert.deepEqual(await asked('bytes=-100'), [206, 'bytes 0-9/10', '0123456789']);
});

test('beyond the end there is nothing, and the answer says how much there is', async () => {
  assert.deepEqual(await asked('bytes=10-'), [416, 'bytes */10', '']);
  assert.deepEqual(await asked('bytes=-0'), [416, 'bytes */10', '']);
});

test('what is no single range, or of another file, gets the whole', async () => {
  for (const range of [undefined, '', 'bytes=-', 'bytes=4-2', 'bytes=1-2,4-5', 'lines=1-2', 'bytes=a-b'])
    assert.deepEqual(await asked(range), [200, undefined, '0123456789'], String(range));
  assert.deepEqual(await asked('bytes=1-2', '"two"'), [200, undefined, '0123456789']);
  assert.deepEqual(await asked('bytes=1-2', '"one"'), [206, 'bytes 1-2/10', '12']);
});

test('a part that the homeserver cut itself, and a file of unknown size, pass as they are', async () => {
  const whole = fileOf('abc');
  const cut = { ...whole, status: 206 };
  assert.equal(partOf(cut, 'bytes=0-0'), cut);
  const endless = { ...whole, headers: {} };
  assert.equal(partOf(endless, 'bytes=0-0'), endless);
});

test('no more is read than was asked for', async () => {
  const file = fileOf('x'.repeat(300));
  for await (const _ of partOf(file, 'bytes=0-5').body);
  assert.equal(file.read(), 2);
});

test('a part that nobody begins to read lets go of the whole, as one that is left in the middle does', async () => {
  for (const isBegun of [false, true]) {
    const whole = Readable.from(fileOf('0123456789').body, { objectMode: false });
    const { body } = partOf({ ...fileOf('0123456789'), body: whole }, 'bytes=5-8');
    const reader = Readable.from(body, { objectMode: false });
    if (isBegun) await once(reader, 'readable');
    reader.destroy();
    if (!whole.closed) await once(whole, 'close');
    assert.ok(whole.destroyed);
  }
});
