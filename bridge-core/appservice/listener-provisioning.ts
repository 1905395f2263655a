// /_matrix/provision of everything behind one listener. The secret or the session shown picks the bridge; whoever has neither
// yet, and comes to get one, names it by its public prefix where there are several. Refused before a body is read.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { WebAnswer, WebRequest } from '../adapter-tools.ts';
import { toWeb } from './listener-web.ts';

export interface ProvisioningDoor {
  /** What this token is to the bridge; undefined: nothing. In constant time, as far as the secret goes. */
  knows(token: string): 'secret' | 'session' | undefined;
  /** Rejects never; the path begins behind `/_matrix/provision`. */
  answer(request: WebRequest): Promise<WebAnswer>;
}

interface Provisioned {
  readonly webPrefix: string;
  readonly provisioning?: ProvisioningDoor | undefined;
}

/** One address, all calls together; who bears the secret speaks for many people, and is limited for each of them. */
const requestsPerMinute = 300;
const largestBody = 64 * 1024;
const base = '/_matrix/provision';

export async function addProvisioning(app: FastifyInstance, bridges: ReadonlySet<Provisioned>): Promise<void> {
  const { default: rateLimit } = await import('@fastify/rate-limit');

  const doorsFor = (request: FastifyRequest): ProvisioningDoor[] => {
    const prefix = (request.params as { prefix?: string }).prefix;
    return [...bridges].flatMap(({ webPrefix, provisioning }) =>
      provisioning !== undefined && (prefix === undefined || prefix === webPrefix) ? [provisioning] : [],
    );
  };
  const find = (request: FastifyRequest): { door: ProvisioningDoor; isTrusted: boolean } | undefined => {
    const doors = doorsFor(request);
    const token = tokenOf(request);
    let found: { door: ProvisioningDoor; isTrusted: boolean } | undefined;
    for (const door of doors) {
      const way = token === undefined ? undefined : door.knows(token);
      if (way !== undefined) found = { door, isTrusted: way === 'secret' };
    }
    if (found !== undefined) return found;
    const [only, ...others] = doors;
    const isOpen = request.method === 'OPTIONS' || /\/exchange_openid\/?(?:\?|$)/.test(request.url);
    return only !== undefined && isOpen && (others.length === 0 || request.method === 'OPTIONS')
      ? { door: only, isTrusted: false }
      : undefined;
  };

  await app.register(async (scope) => {
    await scope.register(rateLimit, {
      ...{ max: requestsPerMinute, timeWindow: '1 minute', cache: 10_000 },
      allowList: (request) => find(request)?.isTrusted === true,
    });
    for (const url of [`${base}/*`, `/:prefix${base}/*`]) {
      scope.route({
        method: ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'],
        url,
        bodyLimit: largestBody,
        // Before the body is read, and after the counting.
        preParsing: (request, reply, _body, done) => {
          if (doorsFor(request).length === 0) refuse(reply, 404, 'M_UNRECOGNIZED', 'There is nothing here.');
          else if (find(request) === undefined)
            refuse(reply, 401, 'M_AS_BAD_TOKEN', 'Neither the secret nor a session of a bridge here was shown.');
          else done();
        },
        handler: async (request, reply) => {
          const { door } = find(request) as { door: ProvisioningDoor };
          const web = toWeb(request, {});
          const path = web.path.slice(web.path.indexOf('/provision') + '/provision'.length) || '/';
          const answer = await door.answer({ ...web, path });
          return reply
            .code(answer.status ?? 200)
            .headers(answer.headers ?? {})
            .send(answer.body);
        },
      });
    }
  });
}

function tokenOf(request: FastifyRequest): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const given = (request.query as Record<string, unknown>).access_token;
  return bearer ?? (typeof given === 'string' ? given : undefined);
}

/** Browsers read a refusal only where they may. */
function refuse(reply: FastifyReply, status: number, errcode: string, error: string): void {
  reply.code(status).header('access-control-allow-origin', '*').send({ errcode, error });
}
