// Public addresses of people's pictures: stable, signed, square and small, made once, and nothing that a picture could abuse.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import sharp from 'sharp';
import type { WebHandler } from '../../../bridge-core/adapter-tools.ts';
import { avatarsOf } from '../../../bridge-core/appservice/avatars.ts';
import { openListener } from '../../../bridge-core/appservice/listener.ts';
import { openMedia } from '../../../bridge-core/appservice/media.ts';
import { WebRoutes } from '../../../bridge-core/appservice/web.ts';
import { openKeys } from '../../../bridge-core/virtual-users/keys.ts';
import { bothSides, collectingLog, tempFolder, tempStore } from './kit.ts';

async function rig(t: TestContext) {
  const { fake, homeserver } = await bothSides(t);
  const log = collectingLog();
  const listener = await openListener({ host: '127.0.0.1', port: 0, log });
  t.after(() => listener.close());
  const web = new WebRoutes({ publicUrl: `http://127.0.0.1:${listener.address.port}`, webPrefix: 'fake' });
  const nothing = async () => [];
  listener.add({
    ...{ name: 'fake', hsToken: 'x', webPrefix: 'fake', web },
    inbound: {
      ...{ transaction: async () => {}, user: async () => false, alias: async () => false },
      thirdParty: { protocol: async () => undefined, user: nothing, userOf: nothing, location: nothing, locationOf: nothing },
    },
  });
  let downloads = 0;
  const counted: typeof homeserver = {
    ...homeserver,
    download: (mxc, range) => {
      downloads += 1;
      return homeserver.download(mxc, range);
    },
  };
  const media = openMedia({ homeserver: counted, log, web, store: tempStore(t), keys: await openKeys(join(tempFolder(t), 'keys')) });
  return {
    media,
    fake,
    downloads: () => downloads,
    put: (bytes: Uint8Array | string, type = 'image/png') => {
      const id = fake.world.fresh('media');
      fake.world.media.set(id, { type, name: 'file', bytes: Buffer.from(bytes) });
      return `mxc://${fake.domain}/${id}`;
    },
  };
}

type Rig = Awaited<ReturnType<typeof rig>>;

const addressOf = ({ media }: Rig, mxc: string): string => media.avatar(mxc) ?? assert.fail('no address');
const plain = (width: number, height: number, format: 'png' | 'jpeg' | 'webp' | 'gif' = 'png') =>
  sharp({ create: { width, height, channels: 3, background: { r: 200, g: 30, b: 30 } } })
    .toFormat(format)
    .toBuffer();

test('one picture has one address, which brings it as a square of 256 that may be kept for ever', async (t) => {
  const r = await rig(t);
  const mxc = r.put(await plain(640, 300, 'jpeg'), 'image/jpeg');
  const address = addressOf(r, mxc);
  assert.match(address, /^http:\/\/127\.0\.0\.1:\d+\/fake\/avatar\/[\w-]+\.png$/);
  assert.equal(addressOf(r, mxc), address);
  const answer = await fetch(address);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'image/png');
  assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  const { width, height, format } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
  assert.deepEqual([width, height, format], [256, 256, 'png']);
});

test('every kind of picture that people have is read', async (t) => {
  const r = await rig(t);
  for (const format of ['png', 'jpeg', 'webp', 'gif'] as const) {
    const answer = await fetch(addressOf(r, r.put(await plain(30, 40, format))));
    assert.equal(answer.status, 200, format);
    await answer.arrayBuffer();
  }
});

test('asked for by many at once it is fetched and made once', async (t) => {
  const r = await rig(t);
  const address = addressOf(r, r.put(await plain(500, 500)));
  const answers = await Promise.all(Array.from({ length: 10 }, () => fetch(address).then((answer) => answer.arrayBuffer())));
  assert.ok(answers.every((bytes) => bytes.byteLength === answers[0]?.byteLength && bytes.byteLength > 0));
  await fetch(address).then((answer) => answer.arrayBuffer());
  assert.equal(r.downloads(), 1);
});

test('what is no picture, or none that is safe to read, is not there; nor is a forged address', async (t) => {
  const r = await rig(t);
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>';
  for (const [bytes, what] of [
    ['not a picture', 'text'],
    [svg, 'svg'],
    [(await plain(50, 50)).subarray(0, 60), 'cut off'],
    ['', 'empty'],
  ] as const) {
    const answer = await fetch(addressOf(r, r.put(bytes)));
    assert.equal(answer.status, 404, what);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    await answer.text();
  }
  assert.equal((await fetch(addressOf(r, 'mxc://hs.test/gone'))).status, 404);
  const address = addressOf(r, r.put(await plain(5, 5)));
  const forged = address.replace(/avatar\/(.)/, (_, first) => `avatar/${first === 'A' ? 'B' : 'A'}`);
  assert.equal((await fetch(forged)).status, 404);
  assert.equal((await fetch(address.replace(/avatar\/.*/, 'avatar/x.png'))).status, 404);
});

test('a failure is not kept: once the picture is there it is shown', async (t) => {
  const r = await rig(t);
  const mxc = r.put('broken');
  const address = addressOf(r, mxc);
  assert.equal((await fetch(address)).status, 404);
  r.fake.world.media.set(mxc.split('/').at(-1) ?? '', { type: 'image/png', name: 'x', bytes: await plain(9, 9) });
  assert.equal((await fetch(address)).status, 200);
});

test('without a public address, or for what is no mxc, there is none', async (t) => {
  const r = await rig(t);
  assert.equal(r.media.avatar('https://elsewhere.test/a.png'), undefined);
  const { homeserver } = await bothSides(t);
  const keys = await openKeys(join(tempFolder(t), 'keys'));
  const hidden = openMedia({ homeserver, log: collectingLog(), web: new WebRoutes(), store: tempStore(t), keys });
  assert.equal(hidden.avatar('mxc://hs.test/a'), undefined);
});

test('what makes pictures loads with the first of them, not before', async () => {
  const path = join(import.meta.dirname, '../../../bridge-core/appservice/media.ts');
  const program = `await import(${JSON.stringify(path)}); console.log(process.report.getReport().sharedObjects.join(' '))`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  assert.match(stdout, /libc/);
  assert.doesNotMatch(stdout, /sharp|vips/);
});

test('who asks for many pictures at once does not fill the memory with them', async (t) => {
  let [open, most] = [0, 0];
  const download = async () => {
    open += 1;
    most = Math.max(most, open);
    await delay(10);
    const bytes = await plain(8, 8);
    return { status: 200, headers: {}, body: Readable.from([bytes]).on('close', () => (open -= 1)) };
  };
  let serve: WebHandler | undefined;
  const web = {
    url: (path: string) => `http://pages${path}`,
    route: (_method: string, _path: string, handler: WebHandler) => {
      serve = handler;
    },
  };
  const keys = await openKeys(join(tempFolder(t), 'keys'));
  const addressFor = avatarsOf({ homeserver: { domain: 'hs.test', download }, keys, web, log: collectingLog() } as never);
  const files = Array.from({ length: 12 }, (_, at) => addressFor(`mxc://hs.test/face${at}`)?.split('/').at(-1) ?? '');
  const answers = await Promise.all(files.map((file) => serve?.({ params: { file } } as never)));
  assert.ok(answers.every((answer) => answer?.body instanceof Uint8Array));
  assert.ok(most <= 4, `${most} at once`);
});
