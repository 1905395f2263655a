// Pages of an adapter without a bridge around it: its routes behind a small server.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebRoutes } from '../../bridge-core/appservice/web.ts';

const prefix = '/pages';

export async function openWeb() {
  let routes = new WebRoutes({});
  const server = createServer(async (request, response) => {
    // What is broken off by the end of a test is nobody's failure.
    const sent = await request.toArray().catch(() => undefined);
    if (sent === undefined) return;
    const url = new URL(request.url ?? '/', 'http://door');
    const path = url.pathname.slice(prefix.length);
    const found = routes.find(request.method ?? 'GET', path);
    if (found === undefined || 'methods' in found) {
      response.writeHead(404).end();
      return;
    }
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const answer = await found.handler({
      ...{ method: request.method ?? 'GET', path, params: found.params, query: url.searchParams, headers },
      ...{ body: Buffer.concat(sent), from: '127.0.0.1' },
    });
    const body = answer.body === undefined || typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
    response.writeHead(answer.status ?? 200, answer.headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const publicUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  routes = new WebRoutes({ publicUrl, webPrefix: prefix.slice(1) });
  return {
    /** Of its pages. */
    url: publicUrl + prefix,
    routes,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
