// The REST API's door: which route a call is for, whose token it brings, its rate, and what becomes of refusals. Follows the server's code
// of 2020: a token in `Authorization: Bearer`, `x-access-token`, or `access_token` in query or body; ids that are none give 400; chunked
// bodies are refused. Unverified: with which status they are.

import { isObjectId } from '../clock.ts';
import { type Answer, type Asked, fieldsOf, GitterFault, json } from '../http.ts';
import type { Limits } from '../limits.ts';
import type { Token } from '../model.ts';
import type { World } from '../world.ts';
import type { ApiCall, ApiParts, Handler } from './call.ts';
import { messageRoutes } from './messages.ts';
import { roomRoutes } from './rooms.ts';
import { userRoutes } from './users.ts';

interface Route {
  readonly name: string;
  readonly verb: string;
  readonly pattern: RegExp;
  readonly handle: Handler;
}

export interface Matched {
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
  readonly handle: Handler;
}

export class Api {
  readonly #parts: ApiParts;
  readonly #limits: Limits;
  readonly #routes: readonly Route[];

  constructor(parts: ApiParts, limits: Limits) {
    this.#parts = parts;
    this.#limits = limits;
    this.#routes = Object.entries({ ...userRoutes, ...roomRoutes, ...messageRoutes }).map(([name, handle]) => {
      const [verb = '', path = ''] = name.split(' ');
      return { name, verb, pattern: new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}/?$`), handle };
    });
  }

  /** `path`: below `/api/v1`. */
  match(verb: string, path: string): Matched | undefined {
    for (const { name, verb: wanted, pattern, handle } of this.#routes) {
      const found = wanted === verb ? pattern.exec(path) : null;
      if (found === null) continue;
      const params = Object.entries(found.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)]);
      return { name, params: Object.fromEntries(params), handle };
    }
    return undefined;
  }

  answer(asked: Asked, matched: Matched | undefined): Answer {
    const token = this.#parts.world.tokenOf(tokenIn(asked));
    if (token === undefined) return json({ error: 'Unauthorized' }, 401);
    const { isOver, headers } = this.#limits.take(token, matched?.name ?? `${asked.verb} ?`);
    if (isOver) return json({ error: 'Rate limit exceeded' }, 429, headers);
    const answer = this.#handle(asked, matched, token);
    return { ...answer, headers: { ...answer.headers, ...headers } };
  }

  #handle(asked: Asked, matched: Matched | undefined, token: Token): Answer {
    try {
      if (matched === undefined) throw new GitterFault(404, 'Not Found');
      if (asked.headers['transfer-encoding'] !== undefined) throw new GitterFault(411, 'Length Required');
      const { params, handle } = matched;
      for (const name of ['room', 'message']) {
        const id = params[name];
        if (id !== undefined && !isObjectId(id)) throw new GitterFault(400, 'Bad Request');
      }
      const { user, client } = token;
      const call: ApiCall = { ...this.#parts, user, client, params, query: asked.url.searchParams, body: fieldsOf(asked) };
      return handle(call);
    } catch (error) {
      if (error instanceof GitterFault) return json({ error: error.message }, error.status);
      throw error;
    }
  }
}

export function tokenIn({ headers, url, body }: Asked): string | undefined {
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const named = headers['x-access-token'];
  const inBody = /"access_token"\s*:\s*"([^"]+)"/.exec(body.toString())?.[1];
  return bearer ?? (typeof named === 'string' ? named : undefined) ?? url.searchParams.get('access_token') ?? inBody;
}

/** Whose a call is, for records. */
export function ownerOf(asked: Asked, world: World): Token | undefined {
  return world.tokenOf(tokenIn(asked));
}
