// A real HTTP door in front of a handler of ours, as the web routes of a bridge would be.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpAnswer, HttpRequest } from '../../../../bridges/slack/wire/source.ts';

export async function appDoor(atEnd: (end: () => unknown) => void, handler: (request: HttpRequest) => Promise<HttpAnswer>) {
  const requests: HttpRequest[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const asked = { headers: request.headers as HttpRequest['headers'], body: Buffer.concat(chunks) };
    requests.push(asked);
    const { status, headers = {}, body = '' } = await handler(asked);
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`, requests };
}
