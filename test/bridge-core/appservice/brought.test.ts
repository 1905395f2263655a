// Files of a network's at the homeserver: once each, streamed, whole or not at all.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Brought, NotBrought } from '../../../bridge-core/appservice/brought.ts';
import { PermanentError, RetryableError } from '../../../bridge-core/errors.ts';
import { userId } from '../../../bridge-core/ids.ts';
import type { RemoteFile } from '../../../bridge-core/remote-event.ts';
import { openTempStore } from '../../support/temp-store.ts';

const ghost = userId('@ghost:hs.test');
const file = (source: string, more: Partial<RemoteFile> = {}): RemoteFile => ({ name: 'a.bin', source, ...more });

function begin(t: TestContext, largest?: number) {
  const temp = openTempStore(t);
  const uploads: { type: string; name: string; size: number | undefined; bytes: Buffer; most: number }[] = [];
  const opened: string[] = [];
  const state = { homeserver: undefined as Error | undefined, cancelled: 0 };
  /** Chunks that the source gives out, one at a time. */
  const sources = new Map<string, (Uint8Array | Error)[]>();
  const upload = async (_as: string, bytes: AsyncIterable<Uint8Array> | Uint8Array, type: string, name: string, size?: number) => {
    if (state.homeserver !== undefined) throw state.homeserver;
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes as AsyncIterable<Uint8Array>) chunks.push(chunk);
    uploads.push({ type, name, size, bytes: Buffer.concat(chunks), most: Math.max(...chunks.map(({ length }) => length)) });
    return `mxc://hs.test/${uploads.length}`;
  };
  const open = async ({ source }: RemoteFile) => {
    opened.push(source);
    const left = [...(sources.get(source) ?? [Buffer.from(source)])];
    if (left[0] instanceof Error) throw left[0];
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        const next = left.shift();
        if (next === undefined) controller.close();
        else if (next instanceof Error) controller.error(next);
        else controller.enqueue(next);
      },
      cancel() {
        state.cancelled += 1;
      },
    });
  };
  const brought = new Brought({ store: temp.store, homeserver: { upload, largestUpload: async () => largest }, open });
  return { temp, uploads, opened, sources, state, brought };
}

async function fault(work: Promise<unknown>): Promise<NotBrought> {
  return await work.then(
    () => assert.fail('it should have failed'),
    (thrown) => {
      assert.ok(thrown instanceof NotBrought, String(thrown));
      return thrown;
    },
  );
}

test('once for all who ask, at the same time and later, and as often as there are sources', async (t) => {
  const b = begin(t);
  const asked = await Promise.all(['A', 'A', 'B'].map((source) => b.brought.file(file(source, { type: 'text/plain' }), ghost)));
  assert.deepEqual(
    asked.map(({ mxc }) => mxc),
    ['mxc://hs.test/1', 'mxc://hs.test/1', 'mxc://hs.test/2'],
  );
  assert.deepEqual(await b.brought.file(file('A', { type: 'text/plain' }), ghost), { mxc: 'mxc://hs.test/1', type: 'text/plain' });
  assert.deepEqual(b.opened, ['A', 'B']);
  assert.equal(b.temp.committed('SELECT count(*) FROM brought'), 2);
});

test('chunk by chunk, under the size that was told; what is told wrong is collected', async (t) => {
  const b = begin(t);
  const chunks = Array.from({ length: 50 }, () => Buffer.alloc(1_000, 1));
  b.sources.set('A', chunks);
  b.sources.set('B', chunks);
  await b.brought.file(file('A', { bytes: 50_000 }), ghost);
  await b.brought.file(file('B', { bytes: 49_000 }), ghost);
  assert.deepEqual(
    b.uploads.map(({ size, bytes, most }) => [size, bytes.length, most]),
    [
      [50_000, 50_000, 1_000],
      [undefined, 50_000, 1_000],
    ],
  );
});

test('a picture is known by its first bytes, now and when it is asked for again; another thing is none', async (t) => {
  const b = begin(t);
  const gif = Buffer.from('GIF89a and more', 'latin1');
  b.sources.set('A', [gif.subarray(0, 3), gif.subarray(3)]);
  b.sources.set('B', [gif]);
  b.sources.set('C', [Buffer.from('<html>log in</html>')]);
  assert.equal(await b.brought.picture(file('B'), ghost), 'mxc://hs.test/1');
  assert.equal(await b.brought.picture(file('B'), ghost), 'mxc://hs.test/1');
  assert.equal(b.uploads[0]?.type, 'image/gif');
  assert.equal(await b.brought.picture(file('C'), ghost), undefined);
  await assert.rejects(b.brought.avatar('C', ghost), PermanentError);
});

test('too large: known before nothing is opened, found out nothing is kept', async (t) => {
  const b = begin(t, 100);
  assert.equal((await fault(b.brought.file(file('A', { bytes: 101 }), ghost))).code, 'EVENT_TOO_LARGE');
  assert.deepEqual(b.opened, []);
  b.sources.set('B', [Buffer.alloc(60), Buffer.alloc(60), Buffer.alloc(60)]);
  const error = await fault(b.brought.file(file('B'), ghost));
  assert.deepEqual([error.code, error.mayPass], ['EVENT_TOO_LARGE', false]);
  assert.deepEqual(b.uploads, []);
  assert.equal(b.state.cancelled, 1);
});

test('whose fault it is: the network’s for now or for good, the homeserver’s for now or for good', async (t) => {
  const b = begin(t);
  b.sources.set('later', [new RetryableError('NETWORK_BUSY', 'later')]);
  b.sources.set('never', [new PermanentError('NETWORK_REFUSED', 'never')]);
  b.sources.set('cut', [Buffer.alloc(10), new Error('socket hang up')]);
  assert.equal((await fault(b.brought.file(file('later'), ghost))).mayPass, true);
  assert.equal((await fault(b.brought.file(file('never'), ghost))).mayPass, false);
  assert.equal((await fault(b.brought.file(file('cut', { bytes: 20 }), ghost))).mayPass, true);
  b.state.homeserver = new RetryableError('HOMESERVER_UNREACHABLE', 'away');
  await assert.rejects(b.brought.file(file('A'), ghost), (thrown) => thrown === b.state.homeserver);
  b.state.homeserver = new PermanentError('HOMESERVER_REFUSED', 'not this type');
  assert.equal((await fault(b.brought.file(file('A'), ghost))).mayPass, false);
  assert.equal(b.temp.committed('SELECT count(*) FROM brought'), 0);
});

test('a small picture that cannot be had is left alone for a while; a file is asked for again', async (t) => {
  const b = begin(t);
  b.sources.set('A', [new RetryableError('NETWORK_BUSY', 'later')]);
  for (let n = 0; n < 3; n += 1) assert.equal(await b.brought.picture(file('A'), ghost), undefined);
  assert.equal(b.opened.length, 1);
  await fault(b.brought.file(file('A'), ghost));
  assert.equal(b.opened.length, 2);
});

test('what was brought long ago is forgotten', async (t) => {
  const b = begin(t);
  await b.brought.file(file('A'), ghost);
  await b.brought.file(file('B'), ghost);
  await b.temp.store.write(() => b.temp.store.prepare("UPDATE brought SET day = day - 31 WHERE source = 'A'").run());
  await b.temp.store.write(() => b.brought.trim());
  assert.equal(b.temp.committed('SELECT group_concat(source) FROM brought'), 'B');
});
