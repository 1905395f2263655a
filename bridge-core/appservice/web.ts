// Pages and webhooks under a bridge's own path: a small table of routes that knows nothing of the HTTP library in front.
// media, pages, provisioning and adapters add to it; the listener asks it.

export interface WebRequest {
  readonly method: string;
  /** Behind the bridge's prefix, still encoded: `/media/abc/cat.png`. */
  readonly path: string;
  /** The `:named` parts of the route, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Names in lower case; repeated headers joined with a comma. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** Address of the asker, as told by a proxy on the loopback if there is one. */
  readonly from: string;
}

export interface WebAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object goes out as JSON. A stream that fails cuts the connection, so that nobody takes half for the whole. */
  readonly body?: string | Uint8Array | object | AsyncIterable<Uint8Array>;
  /** Called once: the answer is out, or whoever asked is gone. */
  readonly ended?: () => void;
}

export type WebHandler = (request: WebRequest) => Promise<WebAnswer> | WebAnswer;

export type WebMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface RouteOptions {
  /** For webhooks, whose sender proves who it is: it may call as often as it likes. */
  readonly isUnlimited?: boolean;
}

export interface Web {
  /** `path` like `/media/:token/:name`; the first route that fits answers. A GET answers HEAD too. */
  route(method: WebMethod, path: string, handler: WebHandler, options?: RouteOptions): void;
}

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
