// How a stranger's server is found, and what is not asked on a stranger's word: servers on the loopback stand for the world here.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { openIdCheck } from '../../../bridge-core/appservice/open-id.ts';
import { PublicRequests } from '../../../bridge-core/appservice/public-requests.ts';
import { makeCertificate } from '../../../quickstart/servers/certificate.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const homeserver = { url: 'http://127.0.0.1:1', domain: 'hs.test' };

async function secureServer(t: TestContext, name: string, answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const { certFile, keyFile } = await makeCertificate(tempFolder(), name);
  const [cert, key] = [readFileSync(certFile, 'utf8'), readFileSync(keyFile, 'utf8')];
  const asked: string[] = [];
  const server = createServer({ cert, key }, (request, response) => {
    asked.push(`${request.headers.host} ${request.url}`);
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, cert, asked };
}

/** Every name is on this machine. */
const lookup = ((_host: string, options: { all?: boolean }, done: (...given: unknown[]) => void) => {
  if (options.all === true) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
}) as never;

const sub = (user: string) => (_request: IncomingMessage, response: ServerResponse) => response.end(JSON.stringify({ sub: user }));

test('nothing inside is asked on a stranger’s word, by address, by name or by a way round', async (t) => {
  const inside = await secureServer(t, 'inside.test', sub('@eve:inside.test'));
  const check = openIdCheck({ homeserver, servers: {}, net: { lookup, ca: inside.cert, resolveSrv: async () => [] } });
  for (const server of [
    `127.0.0.1:${inside.port}`,
    `[::1]:${inside.port}`,
    `inside.test:${inside.port}`,
    'inside.test',
    `localhost:${inside.port}`,
  ])
    await assert.rejects(check(server, 'x'), /no public address/, server);
  for (const server of ['', 'a b', 'x/../y', 'user@host', 'x?y', 'x#y'])
    await assert.rejects(check(server, 'x'), /no name of a server|vouches|asked/, server);
  assert.deepEqual(inside.asked, []);
  // Where it leads by a redirect is looked at as well.
  const requests = new PublicRequests({ lookup, ca: inside.cert, isPublic: (address) => address === '127.0.0.1' });
  const outer = await secureServer(t, 'outer.test', (_request, response) =>
    response.writeHead(302, { location: 'https://10.0.0.1/x' }).end(),
  );
  const guarded = new PublicRequests({ lookup, ca: outer.cert, isPublic: (address) => address === '127.0.0.1' });
  await assert.rejects(guarded.get({ host: 'outer.test', port: outer.port }, '/x'), /10\.0\.0\.1 is no public address/);
  await assert.rejects(
    requests.get({ host: 'outer.test', port: outer.port }, '/x'),
    /could not be asked/,
    'a certificate of nobody we trust',
  );
});

test('found by an explicit port, by SRV, by the port of all; vouching for its own alone', async (t) => {
  const far = await secureServer(t, 'far.test', sub('@fay:far.test'));
  const isPublic = () => true;
  const services: string[] = [];
  const resolveSrv = async (name: string) => {
    services.push(name);
    return name.startsWith('_matrix._tcp') ? [{ name: 'matrix.far.test', port: far.port }] : [];
  };
  const check = openIdCheck({ homeserver, servers: {}, net: { lookup, ca: far.cert, isPublic, resolveSrv } });
  assert.equal(await check('far.test', 'a&b'), '@fay:far.test');
  assert.deepEqual(services, ['_matrix-fed._tcp.far.test', '_matrix._tcp.far.test']);
  assert.deepEqual(far.asked.splice(0), ['far.test /_matrix/federation/v1/openid/userinfo?access_token=a%26b']);
  await assert.rejects(check(`far.test:${far.port}`, 'x'), /vouches for nobody of its own/, 'that is another name');
  assert.match(far.asked.splice(0).join(), new RegExp(`^far.test:${far.port} `));
  await assert.rejects(check('other.test', 'x'), /could not be asked/, 'its certificate is far.test’s');
});

test('long answers, slow ones and no JSON are refused', async (t) => {
  let answer: (request: IncomingMessage, response: ServerResponse) => void = () => {};
  const far = await secureServer(t, 'far.test', (request, response) => answer(request, response));
  const get = (patience = 20_000) =>
    new PublicRequests({ lookup, ca: far.cert, isPublic: () => true, patience }).get({ host: 'far.test', port: far.port }, '/x');
  answer = (_request, response) => response.end(JSON.stringify({ long: 'x'.repeat(100_000) }));
  await assert.rejects(get(), /too long/);
  answer = (_request, response) => response.end('<html>');
  await assert.rejects(get(), /no JSON/);
  answer = (_request, response) => response.writeHead(500).end('{}');
  await assert.rejects(get(), /answers 500/);
  answer = (_request, response) => response.writeHead(302, { location: '/again' }).end();
  await assert.rejects(get(), /could not be asked/);
  answer = (_request, response) => response.write('{');
  await assert.rejects(get(300), /could not be asked/, 'it begins, and does not go on');
  answer = (request) => request.socket.destroy();
  await assert.rejects(get(), { code: 'BAD_REQUEST' });
});

test('a server that breaks off in its answer, or does not go on, is one that could not be asked', async (t) => {
  const answers = [(response: ServerResponse) => response.destroy(), () => undefined];
  for (const go of answers) {
    const server = await secureServer(t, 'far.test', (_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"sub":');
      setTimeout(() => go(response), 20);
    });
    const net = { lookup, ca: server.cert, isPublic: () => true, patience: 200, resolveSrv: async () => [] };
    const check = openIdCheck({ homeserver, servers: {}, net });
    await assert.rejects(check(`far.test:${server.port}`, 'token'), { name: 'PermanentError', code: 'BAD_REQUEST' });
  }
});
