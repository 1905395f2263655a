// Public paths: the first part of a path picks the bridge, its table of routes the handler. Asked by browsers and by other
// networks, so each address may ask only so often.

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { WebAnswer, WebRequest } from '../adapter-tools.ts';
import { isRecord } from '../matrix-event.ts';
import type { FoundRoute, WebRoutes } from './web.ts';

interface Public {
  readonly webPrefix: string;
  readonly web?: WebRoutes;
}

/** Enough for a page full of media, too few for guessing. */
const requestsPerMinute = 1200;
/** ms in which a stream need not go on. */
const longestStall = 60_000;

export async function addPublicPaths(app: FastifyInstance, bridges: ReadonlySet<Public>): Promise<void> {
  const { default: rateLimit } = await import('@fastify/rate-limit');
  const find = (request: FastifyRequest) => {
    const path = pathOf(request);
    const end = path.indexOf('/', 1);
    for (const { webPrefix, web } of bridges) {
      const found = webPrefix === path.slice(1, end) ? web?.find(request.method, path.slice(end)) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const isUnlimited = (request: FastifyRequest): boolean => {
    const found = find(request);
    return found !== undefined && 'handler' in found && found.isUnlimited;
  };
  await app.register(async (scope) => {
    await scope.register(rateLimit, { max: requestsPerMinute, timeWindow: '1 minute', cache: 10_000, allowList: isUnlimited });
    scope.route({
      method: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
      url: '/:prefix/*',
      // Before the body is read, and after the counting: for a path or method that is not there nobody sends us megabytes.
      preParsing: (request, reply, _body, done) => {
        const found = find(request);
        if (found === undefined) reply.code(404).send({ errcode: 'M_UNRECOGNIZED', error: 'There is nothing here.' });
        else if ('methods' in found) {
          reply.code(405).header('allow', found.methods.join(', '));
          reply.send({ errcode: 'M_UNRECOGNIZED', error: 'Not with this method.' });
        } else done();
      },
      handler: async (request, reply) => {
        const found = find(request) as FoundRoute;
        return give(reply, request, await found.handler(toWeb(request, found.params)));
      },
    });
  });
}

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? '';

export function toWeb(request: FastifyRequest, params: Record<string, string>): WebRequest {
  const path = pathOf(request);
  const query = request.url.indexOf('?');
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers)) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  return {
    method: request.method,
    path: path.slice(path.indexOf('/', 1)),
    params,
    query: new URLSearchParams(query < 0 ? '' : request.url.slice(query + 1)),
    headers,
    body: (request.body as Buffer | undefined) ?? Buffer.alloc(0),
    from: request.ip,
  };
}

function give(reply: FastifyReply, request: FastifyRequest, answer: WebAnswer): FastifyReply {
  reply.code(answer.status ?? 200).headers({ 'x-content-type-options': 'nosniff', ...answer.headers });
  const { body, ended } = answer;
  if (ended !== undefined && reply.raw.destroyed) ended();
  else if (ended !== undefined) reply.raw.once('close', ended);
  if (isStream(body)) {
    // Who takes nothing for so long is gone, or wants to keep us busy.
    reply.raw.setTimeout(longestStall, () => reply.raw.destroy());
    const stream = body instanceof Readable ? body : Readable.from(body, { objectMode: false });
    if (request.method === 'HEAD') {
      stream.on('error', () => {}).destroy();
      return reply.send();
    }
    // An error of the source ends in the connection's destruction, headers being out already.
    return reply.send(stream);
  }
  if (body === undefined) return reply.send();
  if (typeof body === 'string' || body instanceof Uint8Array) {
    const bytes = Buffer.from(body as string);
    reply.header('content-length', bytes.length);
    return reply.send(request.method === 'HEAD' ? undefined : bytes);
  }
  return reply.send(body);
}

function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return (isRecord(body) || body instanceof Readable) && Symbol.asyncIterator in (body as object);
}
