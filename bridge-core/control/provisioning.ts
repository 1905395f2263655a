// The provisioning door: who asks, for whom, how often, and how a refusal is called. An integration manager bears the shared
// secret and names the person; a page bears a session that a person got by their homeserver's OpenID. What is done is the
// verbs'; which bridge a request is for was decided before (appservice/listener-provisioning.ts).

import { hash, timingSafeEqual } from 'node:crypto';
import type { Logger, WebAnswer, WebRequest } from '../adapter-tools.ts';
import type { ProvisioningDoor } from '../appservice/listener-provisioning.ts';
import type { OpenIdCheck } from '../appservice/open-id.ts';
import { BridgeError, type ErrorCode, RetryableError } from '../errors.ts';
import { type UserId, userId } from '../ids.ts';
import { isRecord, stringIn } from '../matrix-event.ts';
import type { ProvisioningDialect, ProvisioningRoute } from '../provisioning.ts';
import type { ProvisioningSettings } from '../settings.ts';
import { Allowance } from './allowance.ts';
import type { Permissions } from './permissions.ts';
import type { WebSessions } from './web-sessions.ts';

export interface DoorParts {
  readonly settings: ProvisioningSettings;
  readonly hsToken: string;
  readonly bot: UserId;
  readonly permissions: Permissions;
  readonly sessions: WebSessions;
  readonly openId: OpenIdCheck;
  /** Our own, or one at an address of the operator's: asking it troubles nobody else. */
  readonly isOwnServer: (server: string) => boolean;
  readonly routes: readonly ProvisioningRoute[];
  readonly dialect: ProvisioningDialect | undefined;
  readonly log: Logger;
}

const purpose = 'provisioning';
const cors = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
  'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization',
};

/** How a refusal goes out, where no dialect has a word of its own for it. */
const answers: Partial<Record<ErrorCode, readonly [status: number, errcode: string]>> = {
  DENIED: [403, 'M_FORBIDDEN'],
  FORBIDDEN_IN_ROOM: [403, 'M_FORBIDDEN'],
  CHANNEL_CLOSED: [403, 'M_FORBIDDEN'],
  LIMIT_REACHED: [403, 'M_RESOURCE_LIMIT_EXCEEDED'],
  LOGIN_UNKNOWN: [404, 'M_NOT_FOUND'],
  NETWORK_UNKNOWN: [404, 'M_NOT_FOUND'],
  CHANNEL_UNKNOWN: [404, 'M_NOT_FOUND'],
  LINK_UNKNOWN: [404, 'M_NOT_FOUND'],
  LINK_EXISTS: [409, 'M_AS_CONFLICT'],
  LINK_HELD: [409, 'M_AS_CONFLICT'],
  ROOM_NOT_PUBLIC: [400, 'M_AS_BAD_VALUE'],
  ROOM_ENCRYPTED: [400, 'M_AS_BAD_VALUE'],
  ROOM_CLOSED: [400, 'M_AS_BAD_VALUE'],
  BAD_REQUEST: [400, 'M_AS_BAD_VALUE'],
  UNSUPPORTED: [400, 'M_AS_UNSUPPORTED_OPERATION'],
};

class Refused extends Error {
  readonly status: number;
  readonly body: object;
  constructor(status: number, errcode: string, error: string, more: object = {}) {
    super(error);
    this.status = status;
    this.body = { errcode, error, ...more };
  }
}

export function openProvisioning(parts: DoorParts): ProvisioningDoor {
  const { settings, permissions, sessions, openId, dialect, log, bot } = parts;
  const secret = digestOf(settings.secret ?? parts.hsToken);
  const routes = [...(dialect?.routes ?? []), ...parts.routes].map((route) => ({ route, parts: partsOf(route.path) }));
  const ofPeople = new Allowance({ most: settings.perMinute, each: 60_000 / settings.perMinute });
  const ofExchanges = new Allowance({ most: 10, each: 6_000 });
  // So much that strangers do not use up what its own people need.
  const ofServers = new Allowance({ most: 120, each: 500 });

  const isSecret = (token: string): boolean => timingSafeEqual(secret, digestOf(token));
  const knows = (token: string): 'secret' | 'session' | undefined =>
    isSecret(token) ? 'secret' : sessions.userOf(token, purpose) !== undefined ? 'session' : undefined;

  async function answer(request: WebRequest): Promise<object> {
    const path = partsOf(request.path);
    const called = `${request.method} /${path.join('/')}`;
    if (called === 'POST /exchange_openid') return await exchange(request);
    const token = tokenIn(request);
    const way = token === undefined ? undefined : knows(token);
    if (token === undefined || way === undefined) throw new Refused(401, 'M_AS_BAD_TOKEN', 'Neither the secret nor a session was shown.');
    const given = way === 'session' ? sessions.userOf(token, purpose) : undefined;
    if (path[0] === 'session') return await session(called, token, given);
    const found = routes.flatMap(({ route, parts: pattern }) => {
      const params = matched(pattern, path);
      return params === undefined ? [] : [{ route, params }];
    });
    const match = found.find(({ route }) => route.method === request.method);
    if (match === undefined)
      throw found.length > 0
        ? new Refused(405, 'M_UNRECOGNIZED', `Only ${found.map(({ route }) => route.method).join(', ')} is understood here.`)
        : new Refused(404, 'M_UNRECOGNIZED', 'There is no such call.');
    const { route, params } = match;
    const input = { ...Object.fromEntries(request.query), ...(request.method === 'GET' ? {} : bodyOf(request)), ...params };
    const user = personIn(input, given, route.isForNobody === true);
    if (user !== bot) permissions.mustBe('user', user, 'use the provisioning API');
    limit(ofPeople, user);
    return await route.run({ user, input: parsed(route, input) });
  }

  /** Whom it is for: a session's own person, or whom the bearer of the secret names. */
  function personIn(input: Record<string, unknown>, own: UserId | undefined, isForNobody: boolean): UserId {
    const named = stringIn(input, 'user_id') ?? stringIn(input, 'userId');
    if (own !== undefined) {
      if (named !== undefined && named !== own) throw new Refused(403, 'M_FORBIDDEN', 'A session acts for nobody but its own person.');
      return own;
    }
    if (named === undefined && isForNobody) return bot;
    if (named === undefined || !/^@[^\s:]*:\S+$/.test(named) || named.length > 255 || named === bot)
      throw new Refused(400, 'M_AS_BAD_VALUE', 'user_id names no person.', { errors: ['user_id'] });
    return userId(named);
  }

  async function session(called: string, token: string, own: UserId | undefined): Promise<object> {
    if (own === undefined) throw new Refused(400, 'M_AS_BAD_VALUE', 'The secret is no session.');
    switch (called) {
      case 'GET /session':
        return { userId: own, user_id: own, type: 'session' };
      case 'DELETE /session':
        await sessions.close(token);
        return {};
      case 'DELETE /session/all':
        await sessions.closeAll(own, purpose);
        return {};
      default:
        throw new Refused(404, 'M_UNRECOGNIZED', 'There is no such call.');
    }
  }

  /** As the older bridges ask for it, and as clients have it from their homeserver. */
  async function exchange(request: WebRequest): Promise<object> {
    limit(ofExchanges, networkIn(request.from));
    const body = bodyOf(request);
    const wrapped = isRecord(body.openIdToken) ? body.openIdToken : body;
    const server = stringIn(body, 'matrixServer') ?? stringIn(body, 'matrix_server') ?? stringIn(wrapped, 'matrix_server_name') ?? '';
    const token = stringIn(wrapped, 'access_token') ?? stringIn(body, 'openIdToken') ?? '';
    if (server === '' || token === '' || token.length > 4096)
      throw new Refused(400, 'M_AS_BAD_VALUE', 'A server and its OpenID token are needed.', {
        errors: ['matrix_server_name', 'access_token'],
      });
    // Nobody makes us ask a server whose people have no business here.
    if (!permissions.mayBeUsed(server))
      throw new Refused(403, 'M_FORBIDDEN', `The people of ${server.slice(0, 255)} may not use this bridge.`);
    if (!parts.isOwnServer(server)) limit(ofServers, server);
    let user: UserId;
    try {
      user = await openId(server, token);
    } catch (thrown) {
      if (!(thrown instanceof BridgeError)) throw thrown;
      log.info({ server, why: thrown.message }, 'an OpenID token was not accepted');
      throw new Refused(401, 'M_AS_BAD_OPENID', 'The homeserver does not vouch for that token, or could not be asked.');
    }
    permissions.mustBe('user', user, 'use the provisioning API');
    const made = await sessions.open(user, purpose, settings.session);
    return { token: made, userId: user, user_id: user, expires_in: Math.floor(settings.session / 1_000) };
  }

  return {
    knows,
    answer: async (request) => {
      if (request.method === 'OPTIONS') return { status: 204, headers: cors };
      const headers = { ...cors, 'cache-control': 'no-store' };
      try {
        return { headers, body: await answer(request) };
      } catch (thrown) {
        return { headers, ...refusal(thrown, `/${partsOf(request.path).join('/')}`) };
      }
    },
  };

  function refusal(thrown: unknown, path: string): WebAnswer {
    if (thrown instanceof Refused) return { status: thrown.status, body: thrown.body };
    if (thrown instanceof BridgeError) {
      const called = dialect?.nameOf?.(thrown, path);
      if (called !== undefined)
        return { status: called.status, body: { errcode: called.errcode, error: thrown.message, code: thrown.code } };
      const [status, errcode] =
        answers[thrown.code] ?? (thrown instanceof RetryableError ? [503, 'M_AS_UNAVAILABLE'] : [500, 'M_AS_UNKNOWN']);
      const wait = thrown instanceof RetryableError && thrown.after !== undefined ? { retry_after_ms: thrown.after } : {};
      return { status, body: { errcode, error: thrown.message, code: thrown.code, ...wait } };
    }
    log.error({ err: thrown, path }, 'a provisioning call failed');
    return { status: 500, body: { errcode: 'M_AS_UNKNOWN', error: 'The bridge has a defect there.' } };
  }
}

function limit(allowance: Allowance, name: string): void {
  const wait = allowance.take(name);
  if (wait > 0) throw new Refused(429, 'M_AS_LIMIT_EXCEEDED', 'Too many requests; wait.', { retry_after_ms: Math.ceil(wait) });
}

/** Whoever has one address of IPv6 has billions of them. */
export function networkIn(address: string): string {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  if (!plain.includes(':')) return plain;
  const [head = [], tail] = plain.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const groups = tail === undefined ? head : [...head, ...Array(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail];
  const first = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${first.join(':')}::/64`;
}

/** By header; by query as older integration managers do. */
export function tokenIn(request: Pick<WebRequest, 'headers' | 'query'>): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? request.query.get('access_token') ?? undefined;
}

function bodyOf(request: WebRequest): Record<string, unknown> {
  if (request.body.length === 0) return {};
  let body: unknown;
  try {
    body = JSON.parse(request.body.toString('utf8'));
  } catch {
    throw new Refused(400, 'M_NOT_JSON', 'The body is not JSON.');
  }
  if (!isRecord(body)) throw new Refused(400, 'M_AS_BAD_VALUE', 'The body is no JSON object.');
  return body;
}

function parsed(route: ProvisioningRoute, input: Record<string, unknown>): unknown {
  try {
    return route.input?.parse(input);
  } catch (thrown) {
    const issues = (thrown as { issues?: readonly { path: readonly PropertyKey[]; message: string }[] }).issues ?? [];
    const errors = issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`);
    throw new Refused(400, 'M_AS_BAD_VALUE', errors.join('; ') || 'The input is not understood.', { errors });
  }
}

/** `/v1/link/` and `/link` are one. */
function partsOf(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return parts[0] === 'v1' ? parts.slice(1) : parts;
}

function matched(pattern: readonly string[], path: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== path.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, expected] of pattern.entries()) {
    const part = path[at] ?? '';
    if (!expected.startsWith(':') && expected !== part) return undefined;
    try {
      if (expected.startsWith(':')) params[expected.slice(1)] = decodeURIComponent(part);
    } catch {
      return undefined;
    }
  }
  return params;
}

const digestOf = (token: string): Buffer => hash('sha256', token, 'buffer');
