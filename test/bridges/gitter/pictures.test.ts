// Where pictures are fetched from: Gitter's own address, and the open net over TLS. Servers on the loopback stand for the world here.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createPlain } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Pictures } from '../../../bridges/gitter/pictures.ts';
import { makeCertificate } from '../../../quickstart/servers/certificate.ts';
import { squarePng } from '../../support/fake-slack/png.ts';
import { tempFolder } from '../../support/temp-folder.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const png = squarePng('one');
const shows: Answer = (_request, response) => void response.writeHead(200, { 'content-type': 'image/png' }).end(png);

async function serve(t: TestContext, answer: Answer, isSecure = false) {
  const { certFile, keyFile } = isSecure ? await makeCertificate(tempFolder(), 'localhost') : { certFile: '', keyFile: '' };
  const cert = isSecure ? readFileSync(certFile, 'utf8') : '';
  const server = isSecure ? createServer({ cert, key: readFileSync(keyFile, 'utf8') }, answer) : createPlain(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `${isSecure ? 'https://localhost' : 'http://127.0.0.1'}:${(server.address() as AddressInfo).port}`, cert };
}

function open(t: TestContext, apiUrl: string, net?: { isPublic?: (address: string) => boolean; ca?: string }) {
  const pictures = new Pictures({ settings: { apiUrl, fayeUrl: apiUrl }, ...(net !== undefined && { net }) });
  t.after(() => pictures.close());
  return async (source: string) => Buffer.from(await new Response(await pictures.open({ name: 'x', source })).arrayBuffer());
}

test('Gitter’s own pictures come from wherever the operator has it; another server within our net is not asked', async (t) => {
  const own = await serve(t, shows);
  let asked = 0;
  const other = await serve(t, (...given) => {
    asked += 1;
    shows(...given);
  });
  const secret = await serve(
    t,
    (...given) => {
      asked += 1;
      shows(...given);
    },
    true,
  );
  const picture = open(t, `${own.url}/api/v1`, { ca: secret.cert });
  assert.deepEqual(await picture(`${own.url}/avatars/1`), png);
  await assert.rejects(picture(`${other.url}/avatars/1`), /no https/);
  await assert.rejects(picture(`${secret.url}/avatars/1`), /no public address/);
  await assert.rejects(picture(secret.url.replace('localhost', '127.0.0.1')), /no public address/);
  assert.equal(asked, 0);
});

test('a picture of the open net is followed where it is moved, and not to within; what is no picture is none', async (t) => {
  const away = await serve(t, shows, true);
  const isPublic = (address: string) => address === '127.0.0.1' || address === '::1';
  const own = await serve(t, ({ url }, response) => {
    if (url === '/moved') response.writeHead(302, { location: `${away.url}/here` }).end();
    else if (url === '/inside') response.writeHead(302, { location: 'https://10.0.0.1/x' }).end();
    else if (url === '/circle') response.writeHead(302, { location: '/circle' }).end();
    else if (url === '/later') response.writeHead(503).end();
    else response.writeHead(200, { 'content-type': 'text/html' }).end('<p>no picture');
  });
  const picture = open(t, own.url, { isPublic, ca: away.cert });
  assert.deepEqual(await picture(`${own.url}/moved`), png);
  await assert.rejects(picture(`${own.url}/inside`), /10\.0\.0\.1 is no public address/);
  await assert.rejects(picture(`${own.url}/circle`), { code: 'NETWORK_REFUSED' });
  await assert.rejects(picture(`${own.url}/later`), { code: 'NETWORK_UNREACHABLE' });
  await assert.rejects(picture(`${own.url}/page`), /in place of a picture/);
});
