// An app's own HTTP door for these tests: keeps what Slack posts, with raw body and headers, and answers as a test says.

import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface Posted {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface AppAnswer {
  readonly status?: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly wait?: number;
}

export async function appServer(atEnd: (end: () => unknown) => void, answer: (posted: Posted, number: number) => AppAnswer = () => ({})) {
  const posts: Posted[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const posted = { path: request.url ?? '', headers: request.headers, body };
    posts.push(posted);
    const { status = 200, body: text = '', headers = {}, wait = 0 } = answer(posted, posts.length);
    if (wait > 0) await delay(wait);
    response.writeHead(status, headers).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, posts };
}
