// /health, /ready and /metrics of everything behind one listener. That it lives anybody may know; what is wrong, and the
// figures, only who asks from this machine or has the token.

import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { HealthReport } from '../observe/health.ts';
import { metricsContentType, renderMetrics } from '../observe/metrics.ts';

export interface Observed {
  readonly name: string;
  readonly health?: () => HealthReport;
  readonly metricsToken?: string | undefined;
}

/** `absent`: bridges that should run in this process and do not. */
export function addObservation(app: FastifyInstance, running: ReadonlySet<Observed>, absent: () => readonly Observed[]): void {
  const report = () => {
    const all = [...absent(), ...running].map((bridge) => ({
      name: bridge.name,
      report: bridge.health?.() ?? { ok: true, ready: true, details: {} },
    }));
    return {
      ok: all.every((one) => one.report.ok),
      ready: all.length > 0 && all.every((one) => one.report.ready),
      bridges: Object.fromEntries(all.map((one) => [one.name, one.report])),
    };
  };
  const mayKnow = (request: FastifyRequest): boolean => isLocal(request) || hasToken(request, [...running, ...absent()]);

  // Always 200: a homeserver that is away is no reason to restart the bridge.
  app.get('/health', { exposeHeadRoute: true }, (request, reply) => {
    const { ok, bridges: details } = report();
    reply.send(mayKnow(request) ? { ok, bridges: details } : { ok });
  });
  app.get('/ready', { exposeHeadRoute: true }, (request, reply) => {
    const { ready, bridges: details } = report();
    reply.code(ready ? 200 : 503).send(mayKnow(request) ? { ready, bridges: details } : { ready });
  });
  app.get('/metrics', async (request, reply) => {
    if (!mayKnow(request)) {
      return reply.code(403).send({ errcode: 'M_FORBIDDEN', error: 'Metrics are for this machine, or for who has metrics_token.' });
    }
    return reply.type(metricsContentType).send(await renderMetrics());
  });
}

/** Behind a proxy on this machine everybody comes from the loopback: the headers that proxies add tell them apart. */
const ofProxies = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'x-forwarded-host', 'x-forwarded-proto', 'via'];

function isLocal(request: FastifyRequest): boolean {
  const address = request.socket.remoteAddress ?? '';
  const isLoopback = address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
  return isLoopback && ofProxies.every((header) => request.headers[header] === undefined);
}

function hasToken(request: FastifyRequest, bridges: readonly Observed[]): boolean {
  const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined) return false;
  const digest = hash('sha256', given, 'buffer');
  let matches = false;
  for (const { metricsToken } of bridges) {
    if (metricsToken !== undefined && timingSafeEqual(hash('sha256', metricsToken, 'buffer'), digest)) matches = true;
  }
  return matches;
}
