// The token for the code that a browser brings back.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { UnknownOutcomeError } from '#bridge-core';
import { tokenFor } from '../../../../bridges/gitter/wire/oauth.ts';

test('an answer that breaks off half way is told as one, by which the person is told what became of their login', async (t) => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"access_', () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await assert.rejects(tokenFor({ url, clientId: 'a', clientSecret: 's3cret' }, 'c0de', 'http://back.test'), (thrown) => {
    assert.ok(thrown instanceof UnknownOutcomeError, String(thrown));
    assert.doesNotMatch(thrown.message, /s3cret|c0de/);
    return true;
  });
});
