// Bytes from addresses that an app names: from out in the world alone.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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
