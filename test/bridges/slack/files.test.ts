// Bytes from addresses that an app names: from out in the world alone.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { DeniedError } from '#bridge-core';
import { Files } from '../../../bridges/slack/files.ts';
import type { WebApi } from '../../../bridges/slack/wire/web-api.ts';

test('a picture within our own net is never asked for, by address or by name', async (t) => {
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    response.end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const files = new Files({ api: { apiUrl: 'https://slack.test/api/' } as WebApi, openers: () => [] });
  t.after(async () => {
    await files.close();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '0x7f000001'])
    await assert.rejects(files.open({ name: 'face', source: `http://${host}:${port}/face.png` }), DeniedError, host);
  assert.equal(asked, 0);
});

test('who gives out a picture drop by drop is not waited for: the words beside it would be', { timeout: 180_000 }, async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'image/png' });
    const dripping = setInterval(() => response.write('.'), 20);
    response.on('close', () => clearInterval(dripping));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const api = { apiUrl: 'https://slack.test/api/' } as WebApi;
  const files = new Files({ api, openers: () => [], net: { isPublic: () => true, patience: 1_500 } });
  t.after(async () => {
    await files.close();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const stream = await files.open({ name: 'face', source: `http://127.0.0.1:${port}/face.png` });
  await assert.rejects(async () => {
    for await (const _ of stream);
  }, /timeout|aborted/i);
});

test('a picture that Slack draws for who has none of their own is followed to where it lies', async () => {
  const asked: string[] = [];
  const request = async ({ origin, headers }: { origin: string; headers: Record<string, string> }) => {
    asked.push(origin);
    assert.deepEqual(headers, {}, 'no token');
    const isThere = origin === 'https://i0.wp.com';
    const body = Object.assign(Readable.from([Buffer.from('png')]), { dump: async () => {} });
    const to = { location: 'https://i0.wp.com/a.slack-edge.com/face.png' };
    return { statusCode: isThere ? 200 : 302, headers: isThere ? { 'content-type': 'image/png' } : to, body };
  };
  const api = { apiUrl: 'https://slack.test/api/', http: { agent: { request } } } as unknown as WebApi;
  const files = new Files({ api, openers: () => [] });
  const stream = await files.open({ name: 'face', source: 'https://secure.gravatar.com/avatar/0?d=face.png' });
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString(), 'png');
  assert.deepEqual(asked, ['https://secure.gravatar.com', 'https://i0.wp.com']);
});
