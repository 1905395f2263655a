// Files both ways: streamed, whole or not at all, and a token for Slack's host alone.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { BridgeError, PermanentError, RetryableError, UnknownOutcomeError } from '#bridge-core';
import { isRefusal } from '../../../../bridges/slack/wire/faults.ts';
import { downloadFile, downloadPicture } from '../../../../bridges/slack/wire/file-download.ts';
import { messageOfFile, sendFile, shareFiles } from '../../../../bridges/slack/wire/file-upload.ts';
import { isOfSlack } from '../../../../bridges/slack/wire/response-url.ts';
import { wired } from './wired.ts';

const sizeOfPiece = 64 * 1024;

/** Made piece by piece, so that nobody can have it whole. */
function pieces(count: number, pulled: { most: number; given: number } = { most: 0, given: 0 }) {
  return () =>
    Promise.resolve(
      new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            if (pulled.given === count) controller.close();
            else {
              controller.enqueue(Buffer.alloc(sizeOfPiece, pulled.given % 256));
              pulled.given += 1;
            }
          },
        },
        { highWaterMark: 0 },
      ),
    );
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function faultOf(call: Promise<unknown>): Promise<BridgeError> {
  const thrown = await call.then(
    () => assert.fail('it did not fail'),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof BridgeError, inspect(thrown));
  return thrown;
}

test('a file is sent piece by piece, shared with words in a thread, and its message found', async (t) => {
  const { api, bots, ann, general, slack } = await wired(t);
  const thread = ann.say(general, 'send it');
  const id = await sendFile(api, bots, { name: 'a.bin', bytes: 40 * sizeOfPiece, altText: 'zeros and more', open: pieces(40) });
  const share = { channel: general.id, threadTs: thread, comment: 'from Mia' };
  await shareFiles(bots, { ...share, files: [{ id, title: 'A file' }] });
  const ts = await messageOfFile(bots, id, general.id, { wait: true });
  const file = slack.world.files.get(id);
  assert.deepEqual([file?.size, file?.title, file?.altText], [40 * sizeOfPiece, 'A file', 'zeros and more']);
  assert.equal(file?.sha256, sha256(Buffer.concat(Array.from({ length: 40 }, (_, number) => Buffer.alloc(sizeOfPiece, number)))));
  const { messages = [] } = await bots.call('conversations.replies', { channel: general.id, ts: thread });
  const message = messages.find((each) => each.ts === ts);
  assert.deepEqual([message?.text, message?.files?.[0]?.id, message?.thread_ts], ['from Mia', id, thread]);
  assert.deepEqual(slack.undocumented, []);
});

test('whether a file was shared can be asked, where the answer to sharing it was lost', async (t) => {
  const { slack, api, bots, general } = await wired(t);
  const id = await sendFile(api, bots, { name: 'a.bin', bytes: sizeOfPiece, open: pieces(1) });
  slack.fault({ on: 'files.completeUploadExternal', times: 1, act: { drop: 'before' } });
  const share = () => shareFiles(bots, { channel: general.id, files: [{ id }] });
  assert.ok((await faultOf(share())) instanceof UnknownOutcomeError);
  assert.equal(await messageOfFile(bots, id, general.id), undefined);
  slack.fault({ on: 'files.completeUploadExternal', times: 1, act: { drop: 'after' } });
  assert.ok((await faultOf(share())) instanceof UnknownOutcomeError);
  const ts = await messageOfFile(bots, id, general.id, { wait: true });
  assert.equal(slack.world.files.get(id)?.shares[0]?.ts, ts);
});

test('bytes that are lost on the way are no reason to think the file was seen; a wrong size is said', async (t) => {
  const { slack, api, bots } = await wired(t);
  const send = (count: number) => faultOf(sendFile(api, bots, { name: 'a.bin', bytes: 2 * sizeOfPiece, open: pieces(count) }));
  for (const act of [{ drop: 'after' }, { status: 502 }, { status: 400 }] as const) {
    slack.fault({ on: '/upload/', times: 1, act });
    const error = await send(2);
    assert.deepEqual(
      [error.code, error instanceof RetryableError && !(error instanceof UnknownOutcomeError)],
      ['NETWORK_UNREACHABLE', true],
    );
  }
  for (const count of [1, 3]) {
    const error = await send(count);
    assert.ok(error instanceof PermanentError && /has not the 131072 bytes/.test(error.message), inspect(error));
  }
  const failing = async () => new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('media is gone')) });
  assert.equal((await faultOf(sendFile(api, bots, { name: 'a', bytes: 5, open: failing }))).code, 'NETWORK_UNREACHABLE');
});

test('a file comes as it is', async (t) => {
  const { api, bots, ann, general } = await wired(t);
  const bytes = Buffer.from('<html>a page of theirs</html>');
  for (const name of ['a.txt', 'page.html']) {
    const { file } = ann.upload(general, { name, bytes });
    const { file: shown } = await bots.call('files.info', { file });
    const { url_private: url = '', mimetype = '', size = 0 } = shown ?? {};
    const got = await downloadFile(api, { url, token: () => 'xoxb-1', type: mimetype, bytes: size });
    assert.deepEqual(Buffer.from(await new Response(got.stream).arrayBuffer()), bytes);
    assert.equal(got.bytes, bytes.length);
  }
});

test('the page for signing in is not taken for a file, but waited out, or told', async (t) => {
  const { slack, api, bots, ann, general } = await wired(t);
  const { file } = ann.upload(general, { name: 'a.png', bytes: Buffer.from('png') });
  const { file: shown } = await bots.call('files.info', { file });
  const url = shown?.url_private ?? '';
  const load = (token = 'xoxb-1', type = 'image/png') => downloadFile(api, { url, token: () => token, type, pauses: [20, 20] });
  slack.fault({ on: '/files-pri', times: 2, act: { html: true } });
  assert.equal(await new Response((await load()).stream).text(), 'png');
  for (const type of ['image/png', 'text/html']) {
    const error = await faultOf(load('xoxb-wrong', type));
    assert.ok(isRefusal(error, 'login_page') && error.code === 'NETWORK_LOGIN');
  }
});

test('half a file is an error, and so is one that is larger than allowed', async (t) => {
  const { slack, api, bots, ann, general } = await wired(t);
  const bytes = Buffer.alloc(100_000, 1);
  const { file } = ann.upload(general, { name: 'a.bin', bytes });
  const { file: shown } = await bots.call('files.info', { file });
  const url = shown?.url_private ?? '';
  const load = (more: object = {}) => downloadFile(api, { url, token: () => 'xoxb-1', pauses: [], ...more });
  slack.fault({ on: '/files-pri', times: 1, act: { truncate: true } });
  await assert.rejects(new Response((await load()).stream).arrayBuffer());
  assert.equal((await faultOf(load({ bytes: 99_999 }))).code, 'NETWORK_UNREACHABLE');
  assert.equal((await faultOf(load({ mostBytes: 1_000 }))).code, 'NETWORK_REFUSED');
  slack.fault({ on: '/files-pri', times: 1, act: { ratelimited: 4 } });
  const limited = await faultOf(load());
  assert.ok(limited instanceof RetryableError && limited.after === 4_000);
  slack.fault({ on: '/files-pri', times: 1, act: { status: 404 } });
  assert.ok(isRefusal(await faultOf(load()), 'http_404'));
  assert.equal(await (await load()).stream.getReader().cancel(), undefined);
});

test("a token goes to Slack's host and nowhere else, whatever an event or a redirect says", async (t) => {
  const { slack, api, bots, ann, general } = await wired(t);
  const asked: unknown[] = [];
  const other = createServer((request, response) => {
    asked.push(request.headers.authorization);
    response.end('got it');
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => void other.close());
  const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}/files-pri/T1-F1/a`;
  const load = (url: string) => faultOf(downloadFile(api, { url, token: () => 'xoxb-1', pauses: [] }));
  assert.equal((await load(elsewhere)).code, 'NETWORK_REFUSED');
  const { file } = ann.upload(general, { name: 'a.bin', bytes: Buffer.from('a') });
  const { file: shown } = await bots.call('files.info', { file });
  slack.fault({ on: '/files-pri', times: 1, act: { status: 302, headers: { location: elsewhere } } });
  assert.equal((await load(shown?.url_private ?? '')).code, 'NETWORK_REFUSED');
  slack.fault({ on: '/files-pri', times: 9, act: { status: 302, headers: { location: shown?.url_private ?? '' } } });
  assert.match((await load(shown?.url_private ?? '')).message, /circles/);
  assert.equal((await faultOf(downloadPicture(api, elsewhere))).code, 'NETWORK_REFUSED');
  assert.deepEqual(asked, []);
});

test('which hosts are of Slack', () => {
  const of = (url: string, api = 'https://slack.com/api/') => isOfSlack(url, api);
  assert.ok(of('https://files.slack.com/files-pri/T1-F1/a') && of('https://acme.slack.com/x') && of('https://hooks.slack.com/commands/1'));
  const wrong = [
    'http://files.slack.com/a',
    'https://files.slack.com.evil.test/a',
    'https://notslack.com/a',
    'https://files.slack.com@evil.test/',
  ];
  for (const url of [...wrong, 'https://x@files.slack.com/a', 'not a url', 'https://files.slack-gov.com/a'])
    assert.equal(of(url), false, url);
  assert.ok(of('https://files.slack-gov.com/a', 'https://slack-gov.com/api/'));
  assert.ok(of('http://127.0.0.1:5/a', 'http://127.0.0.1:5/api/'));
  assert.equal(of('http://127.0.0.1:6/a', 'http://127.0.0.1:5/api/'), false);
  assert.equal(of('https://files.slack.com/a', 'http://127.0.0.1:5/api/'), false);
});

test('pictures need no token, and are pictures', async (t) => {
  const { api, slack, bots, ann } = await wired(t);
  const { user } = await bots.call('users.info', { user: ann.id });
  const { stream, type } = await downloadPicture(api, user?.profile?.image_192 ?? '');
  assert.equal(type, 'image/png');
  assert.ok((await new Response(stream).arrayBuffer()).byteLength > 50);
  assert.equal((await faultOf(downloadPicture(api, `${slack.url}/?redir=x`))).code, 'NETWORK_REFUSED');
});
