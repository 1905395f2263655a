// Who somebody is, by the word of their homeserver: the server is found as the federation finds it, and asked whose the token
// is. Our own homeserver, and those that the operator names, are asked at the addresses that the operator gave.

import { resolveSrv as resolve } from 'node:dns/promises';
import { isIP } from 'node:net';
import { PermanentError } from '../errors.ts';
import { domainOf, type UserId, userId } from '../ids.ts';
import { stringIn } from '../matrix-event.ts';
import { type Place, type PublicNet, PublicRequests } from './public-requests.ts';

export interface OpenIdParts {
  readonly homeserver: { readonly url: string; readonly domain: string };
  readonly servers: Readonly<Record<string, string>>;
  readonly net?: PublicNet & { readonly resolveSrv?: (name: string) => Promise<readonly { name: string; port: number }[]> };
}

/** Rejects where the server does not vouch for the token, or cannot be asked. */
export type OpenIdCheck = (server: string, token: string) => Promise<UserId>;

const serverName = /^(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i;
const defaultPort = 8448;

export function openIdCheck({ homeserver, servers, net = {} }: OpenIdParts): OpenIdCheck {
  const requests = new PublicRequests(net);
  const resolveSrv = net.resolveSrv ?? resolve;

  return async (server, token) => {
    if (server.length > 255 || !serverName.test(server)) throw new PermanentError('BAD_REQUEST', 'that is no name of a server');
    const path = `/_matrix/federation/v1/openid/userinfo?access_token=${encodeURIComponent(token)}`;
    const given = Object.hasOwn(servers, server) ? servers[server] : server === homeserver.domain ? homeserver.url : undefined;
    const answer = given === undefined ? await requests.get(await placeOf(server), path) : await requests.getAt(given, path);
    const sub = stringIn(answer, 'sub') ?? '';
    // A server vouches for its own people alone.
    if (!/^@[^\s:]+:\S+$/.test(sub) || sub.length > 255 || domainOf(userId(sub)) !== server)
      throw new PermanentError('BAD_REQUEST', `${server} vouches for nobody of its own by that token`);
    return userId(sub);
  };

  /** By the federation's rules: an address or port is what it says; else the well-known file, else SRV, else port 8448. */
  async function placeOf(server: string): Promise<Place> {
    const { host, port } = split(server);
    if (isIP(host) !== 0 || port !== undefined) return { host, port: port ?? defaultPort, header: server };
    const delegated = await delegatedBy(host);
    if (delegated === undefined) return await byService(host);
    const to = split(delegated);
    if (isIP(to.host) !== 0 || to.port !== undefined) return { host: to.host, port: to.port ?? defaultPort, header: delegated };
    return await byService(to.host);
  }

  async function delegatedBy(host: string): Promise<string | undefined> {
    try {
      const file = await requests.get({ host, port: 443 }, '/.well-known/matrix/server');
      const to = stringIn(file, 'm.server');
      return to !== undefined && to.length <= 255 && serverName.test(to) ? to : undefined;
    } catch {
      // None there: the other ways are left.
      return undefined;
    }
  }

  async function byService(host: string): Promise<Place> {
    for (const service of ['_matrix-fed._tcp', '_matrix._tcp']) {
      const [first] = await resolveSrv(`${service}.${host}`).catch(() => []);
      if (first !== undefined) return { host: first.name, port: first.port, name: host };
    }
    return { host, port: defaultPort, name: host };
  }
}

function split(server: string): { host: string; port: number | undefined } {
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(server);
  const host = (match?.[1] ?? server).replace(/^\[|\]$/g, '');
  return { host, port: match?.[2] === undefined ? undefined : Number(match[2]) };
}
