// The REST client: what each kind of trouble becomes, and that no token comes into words.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { PermanentError, RetryableError, UnknownOutcomeError, UnreachableError } from '#bridge-core';
import { GitterRefusal } from '../../../../bridges/gitter/wire/faults.ts';
import { Rest } from '../../../../bridges/gitter/wire/rest.ts';

interface Served {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly cut?: boolean;
}

const token = 'a-very-secret-token';

async function serving(t: TestContext, served: Served) {
  const asked: { path: string; headers: Record<string, unknown>; body: string }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    asked.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() });
    if (served.cut === true) return void request.socket.destroy();
    response.writeHead(served.status, served.headers).end(served.body ?? '{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const rest = new Rest({ apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`, timeout: 30_000 });
  t.after(async () => {
    await rest.close();
    await new Promise((resolve) => server.close(resolve));
  });
  return { asked, caller: rest.caller(token) };
}

const failing = async (work: Promise<unknown>): Promise<Error> =>
  await work.then(
    () => assert.fail('it should have failed'),
    (thrown) => thrown,
  );

test('a call bears its token in the header, its length, and its values escaped', async (t) => {
  const { asked, caller } = await serving(t, { status: 200, body: '{"id":"1"}' });
  const call = {
    method: 'POST',
    route: '/rooms/:id/users',
    with: { id: 'a/b' },
    query: { q: 'ü', skip: undefined },
    body: { text: 'größer' },
  } as const;
  assert.deepEqual(await caller.call(call), { id: '1' });
  assert.equal(asked[0]?.path, '/api/v1/rooms/a%2Fb/users?q=%C3%BC');
  assert.equal(asked[0]?.headers.authorization, `Bearer ${token}`);
  assert.equal(asked[0]?.headers['content-length'], String(Buffer.byteLength('{"text":"größer"}')));
  assert.equal(asked[0]?.headers['transfer-encoding'], undefined);
});

for (const [what, served, isPost, kind, code] of [
  ['a refusal', { status: 403, body: '{"error":"Forbidden"}' }, true, GitterRefusal, 'CHANNEL_CLOSED'],
  ['no such thing', { status: 404 }, false, PermanentError, 'CHANNEL_UNKNOWN'],
  ['a token that is void', { status: 401 }, false, GitterRefusal, 'NETWORK_LOGIN'],
  ['a wrong question', { status: 400 }, true, GitterRefusal, 'NETWORK_REFUSED'],
  ['a gateway without a server, for a post', { status: 502, body: '<html>' }, true, UnknownOutcomeError, 'OUTCOME_UNKNOWN'],
  ['a gateway without a server, for a question', { status: 502 }, false, UnreachableError, 'NETWORK_UNREACHABLE'],
  ['half an answer to a post', { status: 200, body: '{"id":' }, true, UnknownOutcomeError, 'OUTCOME_UNKNOWN'],
  ['a connection that is cut in a post', { status: 200, cut: true }, true, UnknownOutcomeError, 'OUTCOME_UNKNOWN'],
  ['a connection that is cut in a question', { status: 200, cut: true }, false, UnreachableError, 'NETWORK_UNREACHABLE'],
] as const) {
  test(`${what} is ${code}`, async (t) => {
    const { caller } = await serving(t, served);
    const error = await failing(caller.call({ route: '/user', isPost }));
    assert.ok(error instanceof kind, `${error.name} ${error.message}`);
    assert.equal((error as PermanentError).code, code);
    assert.ok(!error.message.includes(token));
  });
}

test('too many calls are waited for as long as Gitter says', async (t) => {
  const { caller } = await serving(t, { status: 429, headers: { 'x-ratelimit-reset': String(Date.now() + 10_000) } });
  const error = await failing(caller.call({ route: '/user', patience: 0 }));
  assert.ok(error instanceof RetryableError && (error.after ?? 0) > 3_000 && (error.after ?? 0) <= 10_000);
  assert.ok((await failing(caller.call({ route: '/user', patience: 0 }))) instanceof RetryableError);
});

test('a refusal whose end has passed by the time that it comes is soon over', async (t) => {
  const { caller } = await serving(t, { status: 429, headers: { 'x-ratelimit-reset': String(Date.now() - 100) } });
  const error = await failing(caller.call({ route: '/user', patience: 0 }));
  assert.equal((error as RetryableError).after, 1_000);
});

test('nobody there is no answer, and nothing was done', async () => {
  const rest = new Rest({ apiUrl: 'http://127.0.0.1:9/api/v1' });
  const error = await failing(rest.caller(token).call({ method: 'POST', route: '/rooms', isPost: true }));
  assert.ok(error instanceof UnreachableError);
  await rest.close();
});
