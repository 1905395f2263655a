// Pages and webhooks under a bridge's own path: a small table of routes that knows nothing of the HTTP library in front.
// media, pages, provisioning and adapters add to it; the listener asks it.

import type { RouteOptions, Web, WebHandler, WebMethod } from '../adapter-tools.ts';

export interface FoundRoute {
  readonly handler: WebHandler;
  readonly params: Record<string, string>;
  readonly isUnlimited: boolean;
}

interface Route {
  readonly method: string;
  readonly parts: readonly string[];
  readonly handler: WebHandler;
  readonly isUnlimited: boolean;
}

export class WebRoutes implements Web {
  readonly #routes: Route[] = [];
  readonly #base: string | undefined;

  /** Without a public address the routes answer, but nobody can be told of them. */
  constructor({ publicUrl, webPrefix }: { publicUrl?: string | undefined; webPrefix?: string } = {}) {
    this.#base = publicUrl === undefined ? undefined : `${publicUrl.replace(/\/+$/, '')}/${webPrefix}`;
  }

  url(path: string): string | undefined {
    return this.#base === undefined ? undefined : `${this.#base}${path}`;
  }

  route(method: WebMethod, path: string, handler: WebHandler, { isUnlimited = false }: RouteOptions = {}): void {
    this.#routes.push({ method, parts: path.split('/').slice(1), handler, isUnlimited });
  }

  /** The handler and its params; `methods` where the path is known by other methods only. */
  find(method: string, path: string): FoundRoute | { methods: string[] } | undefined {
    const parts = path.split('/').slice(1);
    const wanted = method === 'HEAD' ? 'GET' : method;
    const methods: string[] = [];
    for (const route of this.#routes) {
      const params = matched(route.parts, parts);
      if (params === undefined) continue;
      if (route.method === wanted) return { handler: route.handler, isUnlimited: route.isUnlimited, params };
      methods.push(route.method);
    }
    return methods.length > 0 ? { methods } : undefined;
  }
}

function matched(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const part = parts[index] ?? '';
    if (!expected.startsWith(':')) {
      if (part !== expected) return undefined;
      continue;
    }
    try {
      params[expected.slice(1)] = decodeURIComponent(part);
    } catch {
      return undefined;
    }
  }
  return params;
}
