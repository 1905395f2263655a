// HTTP from homeservers and from the web: one listener for each address, shared by the bridges that name it. The hs_token of
// a request picks the bridge; a public path's first part does. Every refusal is JSON with an errcode.

import { hash, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../adapter-tools.ts';
import { BridgeError, ConfigError, messageOf } from '../errors.ts';
import type { UserId } from '../ids.ts';
import type { HealthReport } from '../observe/health.ts';
import { addObservation, type Observed } from './listener-observe.ts';
import { addProvisioning, type ProvisioningDoor } from './listener-provisioning.ts';
import { addPublicPaths } from './listener-web.ts';
import type { WebRoutes } from './web.ts';

/** What a bridge does with what its homeserver asks. */
export interface Inbound {
  /** Resolves when the homeserver may forget the transaction; what it rejects with makes the homeserver send it again.
   *  `isFirstOfConnection`: over one that was opened after this bridge's transaction before: maybe by another process. */
  transaction(id: string, body: unknown, isFirstOfConnection: boolean): Promise<void>;
  /** Is there (now) such a ghost? */
  user(id: UserId): Promise<boolean>;
  /** Is there (now) a room of this alias? */
  alias(alias: string): Promise<boolean>;
  readonly thirdParty: ThirdParty;
}

/** Look-ups for clients that search a network through their homeserver; undefined: no such protocol. */
export interface ThirdParty {
  protocol(name: string): Promise<object | undefined>;
  user(protocol: string, fields: Readonly<Record<string, string>>): Promise<readonly object[] | undefined>;
  userOf(user: UserId): Promise<readonly object[]>;
  location(protocol: string, fields: Readonly<Record<string, string>>): Promise<readonly object[] | undefined>;
  locationOf(alias: string): Promise<readonly object[]>;
}

export interface ListeningBridge {
  readonly name: string;
  readonly hsToken: string;
  /** First part of its public paths. */
  readonly webPrefix: string;
  readonly inbound: Inbound;
  readonly web?: WebRoutes;
  readonly provisioning?: ProvisioningDoor | undefined;
  readonly health?: () => HealthReport;
  /** Opens metrics and the details of health to a bearer of it; without, only the loopback sees them. */
  readonly metricsToken?: string | undefined;
}

export interface Listener {
  readonly address: { readonly host: string; readonly port: number };
  /** Returns what takes the bridge off again; its homeserver is then told that we do not know it. */
  add(bridge: ListeningBridge): () => void;
  close(): Promise<void>;
}

const largestBody = 20 * 1024 * 1024;
/** Longer than homeservers keep idle connections (Synapse 2 minutes): they must be the ones to close, or a request is lost. */
const keepAliveTimeout = 180_000;
const closingPatience = 2_000;

interface Member extends ListeningBridge {
  readonly digest: Buffer;
  /** When its last transaction came, or was answered. */
  transactionAt: number;
}

interface ListenerParts {
  readonly host: string;
  readonly port: number;
  readonly log: Logger;
  /** Bridges that should run in this process and do not. */
  readonly absent?: () => readonly Observed[];
}

/** Loads the HTTP library, which takes some time: not before it is needed. */
export async function openListener({ host, port, log, absent = () => [] }: ListenerParts): Promise<Listener> {
  const { fastify } = await import('fastify');
  const app = fastify({
    bodyLimit: largestBody,
    keepAliveTimeout,
    requestTimeout: 120_000,
    // Whose address counts is a matter of limits alone; a proxy may as well be in the next container.
    trustProxy: ['loopback', 'linklocal', 'uniquelocal'],
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 4096 },
    frameworkErrors: (error, _request, reply) => {
      refuse(reply as FastifyReply, 400, 'M_UNKNOWN', error.message);
    },
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      else socket.destroy();
    },
  });
  const members = new Set<Member>();
  // Whatever its type is said to be, a body is bytes here: homeservers' are JSON anyhow, webhooks must be verified as sent.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => answerError(log, error, request, reply));
  app.setNotFoundHandler((_request, reply) => refuse(reply, 404, 'M_UNRECOGNIZED', 'There is nothing here.'));
  // What is refused is refused before its body is read: else anybody could fill the memory with bodies for nothing.
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) refuse(reply, 404, 'M_UNRECOGNIZED', 'There is nothing here.');
    else done();
  });
  addHomeserverPaths(app, members);
  addObservation(app, members, absent);
  await addProvisioning(app, members);
  await addPublicPaths(app, members);
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    throw new ConfigError('LISTEN_FAILED', `appservice.listen: cannot listen on ${host}:${port} (${messageOf(cause)})`, cause);
  }
  const bound = app.server.address() as AddressInfo;
  return {
    address: { host: bound.address, port: bound.port },
    add: (bridge) => {
      const member = { ...bridge, digest: digestOf(bridge.hsToken), transactionAt: Number.NEGATIVE_INFINITY };
      members.add(member);
      return () => members.delete(member);
    },
    close: async () => {
      const impatience = setTimeout(() => app.server.closeAllConnections(), closingPatience);
      await app.close();
      clearTimeout(impatience);
    },
  };
}

function addHomeserverPaths(app: FastifyInstance, members: ReadonlySet<Member>): void {
  /** The bridge that the token names, or undefined once the refusal is sent. */
  const bridgeFor = (request: FastifyRequest, reply: FastifyReply): Member | undefined => {
    const token = tokenIn(request);
    if (token === undefined) {
      refuse(reply, 401, 'M_MISSING_TOKEN', 'No hs_token was given.');
      return undefined;
    }
    const digest = digestOf(token);
    let found: Member | undefined;
    for (const member of members) if (timingSafeEqual(member.digest, digest)) found = member;
    if (found === undefined) refuse(reply, 403, 'M_FORBIDDEN', 'The hs_token is that of no bridge here.');
    return found;
  };

  type Act = (bridge: Member, request: FastifyRequest) => Promise<object | undefined>;
  const openedAt = new WeakMap<object, number>();
  app.server.on('connection', (socket) => openedAt.set(socket, performance.now()));
  const askedOf = new WeakMap<FastifyRequest, Member>();
  const route = (method: 'GET' | 'PUT' | 'POST', paths: readonly string[], act: Act) => {
    for (const path of paths) {
      app.route({
        method,
        url: path,
        onRequest: (request, reply, done) => {
          const bridge = bridgeFor(request, reply);
          if (bridge === undefined) return;
          askedOf.set(request, bridge);
          done();
        },
        handler: async (request, reply) => {
          const answer = await act(askedOf.get(request) as Member, request);
          if (answer === undefined) return refuse(reply, 404, 'M_NOT_FOUND', 'There is no such thing here.');
          return reply.send(answer);
        },
      });
      const refuseMethod = (_request: FastifyRequest, reply: FastifyReply): void => {
        refuse(reply.header('allow', method), 405, 'M_UNRECOGNIZED', `Only ${method} is understood here.`);
      };
      const others = ['GET', 'PUT', 'POST', 'DELETE'].filter((other) => other !== method);
      app.route({ method: others, url: path, onRequest: refuseMethod, handler: refuseMethod });
    }
  };
  const param = (request: FastifyRequest, name: string): string => (request.params as Record<string, string>)[name] ?? '';

  route('PUT', ['/_matrix/app/v1/transactions/:id', '/transactions/:id'], async (bridge, request) => {
    const { socket } = request.raw;
    const isFirst = (openedAt.get(socket) ?? 0) > bridge.transactionAt;
    bridge.transactionAt = performance.now();
    try {
      await bridge.inbound.transaction(param(request, 'id'), jsonIn(request), isFirst);
    } finally {
      // One that was opened meanwhile is the same process's, if that still listens.
      if (!socket.destroyed) bridge.transactionAt = performance.now();
    }
    return {};
  });
  route('GET', ['/_matrix/app/v1/users/:id', '/users/:id'], async ({ inbound }, request) =>
    (await inbound.user(param(request, 'id') as UserId)) ? {} : undefined,
  );
  route('GET', ['/_matrix/app/v1/rooms/:alias', '/rooms/:alias'], async ({ inbound }, request) =>
    (await inbound.alias(param(request, 'alias'))) ? {} : undefined,
  );
  route('POST', ['/_matrix/app/v1/ping'], async () => ({}));

  const thirdParty = (rest: string) => [`/_matrix/app/v1/thirdparty/${rest}`, `/_matrix/app/unstable/thirdparty/${rest}`];
  route('GET', thirdParty('protocol/:protocol'), ({ inbound }, request) => inbound.thirdParty.protocol(param(request, 'protocol')));
  route('GET', thirdParty('user/:protocol'), async ({ inbound }, request) =>
    inbound.thirdParty.user(param(request, 'protocol'), fieldsIn(request)),
  );
  route('GET', thirdParty('user'), ({ inbound }, request) => inbound.thirdParty.userOf((fieldsIn(request).userid ?? '') as UserId));
  route('GET', thirdParty('location/:protocol'), async ({ inbound }, request) =>
    inbound.thirdParty.location(param(request, 'protocol'), fieldsIn(request)),
  );
  route('GET', thirdParty('location'), ({ inbound }, request) => inbound.thirdParty.locationOf(fieldsIn(request).alias ?? ''));
}

/** By header; by query from homeservers older than 1.4 of the specification. */
function tokenIn(request: FastifyRequest): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const given = (request.query as Record<string, unknown>).access_token;
  return typeof given === 'string' && given !== '' ? given : undefined;
}

function fieldsIn(request: FastifyRequest): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.query as Record<string, unknown>)) {
    if (typeof value === 'string' && name !== 'access_token') fields[name] = value;
  }
  return fields;
}

class NotJson extends Error {}

function jsonIn(request: FastifyRequest): unknown {
  try {
    return JSON.parse((request.body as Buffer | undefined)?.toString('utf8') ?? '');
  } catch {
    throw new NotJson('The body is not JSON.');
  }
}

function answerError(log: Logger, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof NotJson) return refuse(reply, 400, 'M_NOT_JSON', error.message);
  if (error instanceof BridgeError && error.code === 'BAD_REQUEST') return refuse(reply, 400, 'M_BAD_JSON', error.message);
  const status = (error as { statusCode?: unknown }).statusCode;
  if (status === 413) return refuse(reply, 413, 'M_TOO_LARGE', `The body is larger than ${largestBody} bytes.`);
  if (status === 429) return refuse(reply, 429, 'M_LIMIT_EXCEEDED', 'Too many requests from you; wait a minute.');
  if (typeof status === 'number' && status >= 400 && status < 500) return refuse(reply, status, 'M_UNKNOWN', messageOf(error));
  log.warn({ path: request.url.split('?')[0], error: messageOf(error) }, 'a request could not be answered');
  return refuse(reply, 500, 'M_UNKNOWN', 'The bridge could not do this now.');
}

function refuse(reply: FastifyReply, status: number, errcode: string, error: string): FastifyReply {
  return reply.code(status).send({ errcode, error });
}

/** Digests are of one length, whatever is given: so the comparison tells nothing. */
const digestOf = (token: string): Buffer => hash('sha256', token, 'buffer');
