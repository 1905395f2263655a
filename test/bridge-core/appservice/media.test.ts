// Public links to Matrix media, from the link in a line of IRC to the bytes in a browser, over real sockets.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openListener } from '../../../bridge-core/appservice/listener.ts';
import { type Media, openMedia } from '../../../bridge-core/appservice/media.ts';
import { WebRoutes } from '../../../bridge-core/appservice/web.ts';
import { eventId, roomId } from '../../../bridge-core/ids.ts';
import { openKeys } from '../../../bridge-core/virtual-users/keys.ts';
import type { FakeHomeserver } from '../../support/fake-homeserver.ts';
import { until } from '../../support/waiting.ts';
import { bothSides, collectingLog, tempFolder, tempStore } from './kit.ts';

const event = { room: roomId('!room:hs.test'), id: eventId('$6wzgmFl3NVSEOkpLOtiBvWIXs6YaS4MGSP-zj8oEsK4') };

interface Rig {
  readonly media: Media;
  readonly fake: FakeHomeserver;
  readonly put: (bytes: string, type: string, name?: string) => string;
}

async function rig(t: TestContext, url?: (port: number) => string): Promise<Rig> {
  const { fake, homeserver } = await bothSides(t);
  const log = collectingLog();
  const listener = await openListener({ host: '127.0.0.1', port: 0, log });
  t.after(() => listener.close());
  const publicUrl = (url ?? ((port) => `http://127.0.0.1:${port}/`))(listener.address.port);
  const web = new WebRoutes({ publicUrl, webPrefix: 'irc' });
  const nothing = async () => [];
  listener.add({
    ...{ name: 'irc', hsToken: 'x', webPrefix: 'irc', web },
    inbound: {
      ...{ transaction: async () => {}, user: async () => false, alias: async () => false },
      thirdParty: { protocol: async () => undefined, user: nothing, userOf: nothing, location: nothing, locationOf: nothing },
    },
  });
  const media = openMedia({
    ...{ homeserver, log, web, store: tempStore(t) },
    keys: await openKeys(join(tempFolder(t), 'keys')),
  });
  const put = (bytes: string, type: string, name = 'file') => {
    const id = fake.world.fresh('media');
    fake.world.media.set(id, { type, name, bytes: Buffer.from(bytes) });
    return `mxc://${fake.domain}/${id}`;
  };
  return { media, fake, put };
}

const linkTo = (media: Media, mxc: string, name = 'cat.png', type?: string): string =>
  media.link(mxc, name, type, event) ?? assert.fail('no link');

test('a link brings the file with its type, name and guards', async (t) => {
  const { media, put } = await rig(t);
  const link = linkTo(media, put('a picture', 'image/png'), 'Mein Kätzchen (1).PNG');
  assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\/irc\/media\/[\w-]+\/Mein_Katzchen_1_\.PNG$/);
  const answer = await fetch(link);
  assert.equal(await answer.text(), 'a picture');
  assert.equal(answer.headers.get('content-type'), 'image/png');
  assert.equal(answer.headers.get('content-length'), '9');
  assert.match(answer.headers.get('content-disposition') ?? '', /^inline; filename="Mein_Katzchen_1_\.PNG"$/);
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  assert.match(answer.headers.get('content-security-policy') ?? '', /^sandbox; default-src 'none'/);
});

test('a link is short enough for a line, and bears a name that no program cuts off', async (t) => {
  const { media } = await rig(t);
  const link = linkTo(media, 'mxc://hs.test/abcdefghijklmnopqrstuvwx', 'x'.repeat(300), 'image/jpeg');
  assert.ok(link.length < 190, `${link.length}`);
  assert.match(link, /x{60}\.jpg$/);
  assert.match(linkTo(media, 'mxc://hs.test/a', '....(.)'), /\/file$/);
  assert.match(linkTo(media, 'mxc://hs.test/a', '../../etc/passwd\r\n'), /\/etc_passwd$/);
});

test('nothing that a browser would run is shown; it is given as a download', async (t) => {
  const { media, put } = await rig(t);
  const disposition = async (type: string) => {
    const answer = await fetch(linkTo(media, put('x', type), 'x.bin'));
    await answer.text();
    return [answer.headers.get('content-disposition')?.split(';')[0], answer.headers.get('content-type')];
  };
  for (const type of ['text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/xml', 'application/javascript', 'application/pdf']) {
    assert.deepEqual(await disposition(type), ['attachment', type]);
  }
  assert.deepEqual(await disposition('text/html; charset=utf-8'), ['attachment', 'text/html']);
  assert.deepEqual(await disposition('image/png, text/html'), ['attachment', 'application/octet-stream']);
  assert.deepEqual(await disposition('TEXT/PLAIN'), ['inline', 'text/plain; charset=utf-8']);
  assert.deepEqual(await disposition('video/mp4'), ['inline', 'video/mp4']);
});

test('ranges and HEAD pass through', async (t) => {
  const { media, put } = await rig(t);
  const link = linkTo(media, put('0123456789', 'video/mp4'));
  const part = await fetch(link, { headers: { range: 'bytes=2-4' } });
  assert.deepEqual([part.status, part.headers.get('content-range'), await part.text()], [206, 'bytes 2-4/10', '234']);
  const beyond = await fetch(link, { headers: { range: 'bytes=20-' } });
  assert.equal(beyond.status, 416);
  await beyond.text();
  const head = await fetch(link, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-type'), await head.text()], [200, 'video/mp4', '']);
});

test('a link that we did not sign is answered 404, whatever was changed in it', async (t) => {
  const { media, put, fake } = await rig(t);
  const link = linkTo(media, put('x', 'image/png'));
  const asked = fake.counts.requests;
  const [base, token = '', name] = [link.slice(0, link.indexOf('media/') + 6), link.split('/').at(-2), link.split('/').at(-1)];
  const flipped = (at: number) => {
    const bytes = Buffer.from(token, 'base64url');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes.toString('base64url');
  };
  const forged = [
    `${flipped(0)}/${name}`,
    `${flipped(16)}/${name}`,
    `${flipped(20)}/${name}`,
    `${flipped(30)}/${name}`,
    `${token}/dog.png`,
  ];
  for (const path of [...forged, `/${name}`, `AAAA/${name}`, `${token.slice(0, 20)}/${name}`, `%00/${name}`]) {
    const answer = await fetch(base + path);
    assert.equal(answer.status, 404, path);
    await answer.text();
  }
  assert.equal(fake.counts.requests, asked, 'the homeserver was not asked');
});

test('after the redaction of its event a link is gone, in a sentence; others stay', async (t) => {
  const { media, put } = await rig(t);
  const mxc = put('x', 'image/png');
  const link = linkTo(media, mxc);
  const other = media.link(mxc, 'cat.png', undefined, { ...event, id: eventId('$other') }) ?? '';
  await media.revoke({ ...event, room: roomId('!elsewhere:hs.test') });
  assert.equal((await fetch(link, { method: 'HEAD' })).status, 200, 'another room has no say');
  await media.revoke(event);
  await media.revoke(event);
  const gone = await fetch(link);
  assert.equal(gone.status, 410);
  assert.match(await gone.text(), /deleted by its sender/);
  const stays = await fetch(other);
  assert.equal(stays.status, 200);
  await stays.text();
});

test('where there is no file, or no homeserver, the visitor is told which', async (t) => {
  const { media, put, fake } = await rig(t);
  const missing = await fetch(linkTo(media, 'mxc://hs.test/none'));
  assert.deepEqual([missing.status, await missing.text()], [404, 'The homeserver no longer has this file.\n']);
  const link = linkTo(media, put('x', 'image/png'));
  fake.fault({ on: 'download', times: 1, act: { answer: 429, extra: { retry_after_ms: 2500 } } });
  const busy = await fetch(link);
  assert.deepEqual([busy.status, busy.headers.get('retry-after')], [503, '3']);
  await busy.text();
  await fake.down();
  const away = await fetch(link);
  assert.equal(away.status, 502);
  assert.match(await away.text(), /cannot be reached/);
});

test('a stream cut at the homeserver cuts the visitor off, and the bridge lives on', async (t) => {
  const { media, put, fake } = await rig(t);
  const link = linkTo(media, put('x'.repeat(300_000), 'image/png'));
  fake.fault({ on: 'download', times: 1, act: { truncate: true } });
  await assert.rejects(async () => (await fetch(link)).text());
  const again = await fetch(link);
  assert.equal((await again.text()).length, 300_000);
});

test('a visitor who leaves in mid-file lets go of the homeserver', async (t) => {
  const { media, put, fake } = await rig(t);
  const link = linkTo(media, put('x'.repeat(30_000_000), 'video/mp4'));
  const visit = new AbortController();
  const answer = await fetch(link, { signal: visit.signal });
  await answer.body?.getReader().read();
  visit.abort();
  await until('the homeserver to be let go', () => fake.counts.atOnce === 0);
});

test('one address takes only so many files at once, and another still gets its own', async (t) => {
  const { media, put } = await rig(t);
  const link = linkTo(media, put('x'.repeat(30_000_000), 'video/mp4'));
  const visits = Array.from({ length: 12 }, () => new AbortController());
  const from = (address: string, signal?: AbortSignal) =>
    fetch(link, { headers: { 'x-forwarded-for': address }, ...(signal && { signal }) });
  // Kept: an answer that nobody holds any more is given up by the client.
  const answers = [];
  for (const { signal } of visits) answers.push(await from('203.0.113.1', signal));
  assert.ok(answers.every(({ status }) => status === 200));
  const refused = await from('203.0.113.1');
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '2']);
  await refused.text();
  const other = new AbortController();
  assert.equal((await from('203.0.113.2', other.signal)).status, 200);
  for (const visit of [...visits, other]) visit.abort();
  // Who left makes room.
  const again = () => fetch(link, { method: 'HEAD', headers: { 'x-forwarded-for': '203.0.113.1' } });
  await until('a file once more', async () => (await again()).status === 200);
  assert.equal(answers.length, visits.length);
});

test('media of other servers are fetched through ours', async (t) => {
  const { media, fake } = await rig(t);
  const answer = await fetch(linkTo(media, 'mxc://elsewhere.example:8448/abc'));
  assert.equal(answer.status, 404);
  await answer.text();
  assert.ok(fake.requests.some(({ path }) => path.endsWith('/download/elsewhere.example:8448/abc')));
});

test('without a public address, or for what is no mxc address, there is no link', async (t) => {
  const { media } = await rig(t);
  assert.equal(media.link('https://example.org/x.png', 'x.png', undefined, event), undefined);
  const { homeserver } = await bothSides(t);
  const none = openMedia({
    ...{ homeserver, log: collectingLog(), web: new WebRoutes(), store: tempStore(t) },
    keys: await openKeys(join(tempFolder(t), 'keys')),
  });
  assert.equal(none.link('mxc://hs.test/a', 'x.png', undefined, event), undefined);
});

test('a homeserver without authenticated media is asked by the older path', async (t) => {
  const server = createServer((request, response) => {
    const isOld = request.url === '/_matrix/media/v3/download/hs.test/a';
    response.writeHead(isOld ? 200 : 404, { 'content-type': isOld ? 'image/png' : 'application/json' });
    response.end(isOld ? 'old' : '{"errcode":"M_UNRECOGNIZED","error":"?"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { homeserver } = await bothSides(t, {}, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  const { status, body } = await homeserver.download('mxc://hs.test/a');
  assert.equal(status, 200);
  for await (const chunk of body) assert.equal(Buffer.from(chunk).toString(), 'old');
});
