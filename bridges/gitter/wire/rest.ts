// Gitter's REST API: JSON both ways over one keep-alive Agent, a budget for each token, every fault as an error of the catalogue.

import { Agent } from 'undici';
import { Budget, type BudgetOptions, type Haste } from './budget.ts';
import { type Asked, connectionFault, garbled, statusFault } from './faults.ts';
import { isRecord } from './objects.ts';

export interface RestOptions {
  readonly apiUrl: string;
  /** ms until the answer begins, and between its pieces. */
  readonly timeout?: number;
  readonly budget?: BudgetOptions;
  readonly onCalled?: (route: string, status: number, ms: number) => void;
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Pattern and values apart, so that metrics have few names: `/rooms/:id/users`. */
  readonly route: string;
  readonly with?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: object;
  /** Done twice it would be there twice. */
  readonly isPost?: boolean;
  readonly haste?: Haste;
  /** ms for a turn in the budget. */
  readonly patience?: number;
}

const usualPatience = 10_000;
/** ms since the end of a window in which a refusal of that window may still come, and after which it is over then. */
const late = 5_000;
const soon = 1_000;

export class Rest {
  readonly #options: RestOptions;
  readonly #agent: Agent;
  readonly #base: URL;

  constructor(options: RestOptions) {
    const { timeout = 30_000 } = options;
    this.#options = options;
    this.#base = new URL(options.apiUrl);
    this.#agent = new Agent({
      connections: 16,
      pipelining: 1,
      allowH2: false,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      connect: { timeout: Math.min(timeout, 10_000) },
    });
  }

  caller(token: string): Caller {
    return new Caller(this, token, new Budget(this.#options.budget));
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async request(token: string, call: Call, budget: Budget): Promise<unknown> {
    const { method = 'GET', route } = call;
    const asked: Asked = { what: `${method} ${route}`, isPost: call.isPost === true };
    await budget.turn(call.haste ?? 'now', call.patience ?? usualPatience);
    const body = call.body === undefined ? null : JSON.stringify(call.body);
    const began = performance.now();
    let status = 0;
    try {
      const answer = await this.#agent
        .request({
          ...{ origin: this.#base.origin, path: `${this.#base.pathname.replace(/\/$/, '')}${pathOf(call)}`, method, body },
          headers: {
            ...{ authorization: `Bearer ${token}`, accept: 'application/json' },
            // Chunked bodies are refused there.
            ...(body !== null && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
          },
        })
        .catch((thrown) => {
          throw connectionFault(asked, thrown);
        });
      status = answer.statusCode;
      const number = (name: string) => numberIn(answer.headers[name]);
      const reset = number('x-ratelimit-reset');
      budget.told(number('x-ratelimit-limit'), number('x-ratelimit-remaining'), reset);
      const text = await answer.body.text().catch((thrown) => {
        throw status >= 400 ? statusFault(asked, status, undefined, undefined) : connectionFault(asked, thrown);
      });
      if (status < 300) return read(asked, text);
      const after = waitIn(reset, number('retry-after'));
      if (status === 429) budget.closed(after ?? 5_000);
      throw statusFault(asked, status, wordsIn(text), after);
    } finally {
      this.#options.onCalled?.(asked.what, status, performance.now() - began);
    }
  }
}

/** One token. */
export class Caller {
  readonly token: string;
  readonly budget: Budget;
  readonly #rest: Rest;

  constructor(rest: Rest, token: string, budget: Budget) {
    this.#rest = rest;
    this.token = token;
    this.budget = budget;
  }

  call(call: Call): Promise<unknown> {
    return this.#rest.request(this.token, call, this.budget);
  }
}

function pathOf({ route, with: values = {}, query = {} }: Call): string {
  const path = route.replace(/:([a-z]+)/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

function read(asked: Asked, text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw garbled(asked, thrown);
  }
}

function wordsIn(text: string): string | undefined {
  try {
    const told: unknown = JSON.parse(text);
    return isRecord(told) && typeof told.error === 'string' ? told.error : undefined;
  } catch {
    return undefined;
  }
}

function numberIn(header: string | string[] | undefined): number | undefined {
  const value = Number(Array.isArray(header) ? header[0] : header);
  return header === undefined || !Number.isFinite(value) ? undefined : value;
}

/** ms: `reset` is a moment, in ms. */
function waitIn(reset: number | undefined, retryAfter: number | undefined): number | undefined {
  const wait = reset === undefined ? undefined : reset - Date.now();
  if (wait !== undefined && wait > 0 && wait < 600_000) return wait;
  if (retryAfter !== undefined) return retryAfter * 1_000;
  // The answer took longer than the window did, or Gitter's clock is behind ours.
  return wait !== undefined && wait > -late ? soon : undefined;
}
