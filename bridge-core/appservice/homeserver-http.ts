// Requests to the homeserver: one keep-alive Agent, the gate before it, errors of the catalogue behind it. Built for many
// small JSON answers: undici's dispatch with a collector of our own costs a fraction of its promise API.

import { createRequire } from 'node:module';
import type undici from 'undici';
import type { Dispatcher } from 'undici';
import type { Logger } from '../adapter-tools.ts';
import { RetryableError } from '../errors.ts';
import { failureFor, longestAfter, refusalFor, TokenRefused } from './homeserver-errors.ts';
import { Gate, type Kind } from './homeserver-gate.ts';

export type Count = (name: string, labels?: Readonly<Record<string, string>>, by?: number) => void;

export interface HomeserverHttpOptions {
  readonly url: string;
  readonly asToken: string;
  readonly inFlight: number;
  readonly log: Logger;
  readonly count?: Count;
}

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** No answer is waited for longer than this: a Synapse under a backlog may well take half of it. */
const headersTimeout = 60_000;
const bodyTimeout = 30_000;
const openHeaders = ['user-agent', 'causeway'];
const largestAnswer = 64 * 1024 * 1024;

/** The Agent without the rest of its library, which would cost 11 MB and 30 ms at start. */
const Agent = createRequire(import.meta.url)('undici/lib/dispatcher/agent.js') as typeof undici.Agent;

export class HomeserverHttp {
  readonly origin: string;
  readonly basePath: string;
  readonly authorization: string;
  readonly gate: Gate;
  readonly #agent: undici.Agent;
  readonly #headers: string[];
  readonly #log: Logger;
  readonly #count: Count;

  constructor({ url, asToken, inFlight, log, count }: HomeserverHttpOptions) {
    const parsed = new URL(url);
    this.origin = parsed.origin;
    this.basePath = parsed.pathname.replace(/\/+$/, '');
    this.authorization = `Bearer ${asToken}`;
    this.gate = new Gate({ inFlight });
    // Two connections beside the gate's, for ping and whoami, which must get through where all else waits.
    this.#agent = new Agent({
      connections: inFlight + 2,
      pipelining: 1,
      allowH2: false,
      headersTimeout,
      bodyTimeout,
      connect: { timeout: 10_000 },
    });
    this.#headers = headersFor(this.authorization);
    this.#log = log;
    this.#count = count ?? (() => {});
  }

  /** The answer's text, or an error of the catalogue. `path` begins with `/_matrix` and has its query; `token` is a person's own
   *  in place of ours. */
  async ask(kind: Kind, method: Method, path: string, body?: string, token?: string): Promise<string> {
    const wait = this.gate.enter(kind);
    if (wait !== undefined) await wait;
    try {
      return await this.askNow(kind, method, path, body, token);
    } finally {
      this.gate.leave(kind);
    }
  }

  /** The same past the gate: for what asks whether the homeserver is there at all. */
  askNow(kind: Kind, method: Method, path: string, body?: string, token?: string): Promise<string> {
    return this.#dispatch(kind, method, path, body, token === undefined ? this.#headers : headersFor(`Bearer ${token}`));
  }

  /** Past the gate and without our token, which a homeserver that does not know it refuses everywhere. */
  askOpenly(path: string): Promise<string> {
    return this.#dispatch('other', 'GET', path, undefined, openHeaders);
  }

  #dispatch(kind: Kind, method: Method, path: string, body: string | undefined, headers: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const isOurs = headers === this.#headers || headers === openHeaders;
      const answer = new Collector(resolve, (failure) => reject(this.#translated(kind, method, path, failure, isOurs)));
      this.#agent.dispatch(
        { origin: this.origin, path: this.basePath + path, method, headers, body: body ?? null },
        answer as Dispatcher.DispatchHandler,
      );
    });
  }

  async json(kind: Kind, method: Method, path: string, body?: object, token?: string): Promise<unknown> {
    return this.parse(method, path, await this.ask(kind, method, path, body === undefined ? undefined : JSON.stringify(body), token));
  }

  parse(method: Method, path: string, text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new RetryableError('HOMESERVER_UNREACHABLE', `${describe(method, path)}: the answer is not JSON`, { cause });
    }
  }

  async close(): Promise<void> {
    this.gate.close();
    await this.#agent.destroy();
  }

  /** What is refused to a person's own token, limits of rate too, is theirs alone: nothing else waits for it. */
  #translated(kind: Kind, method: Method, path: string, failure: Failure, isOurs: boolean): Error {
    const what = describe(method, path);
    if ('status' in failure) {
      if (!isOurs) return failure.status === 401 ? new TokenRefused(what) : refusalFor(what, kind, failure);
      const error = refusalFor(what, kind, failure);
      this.#count('homeserver_refusals', { status: String(failure.status) });
      if (error instanceof RetryableError && error.code === 'HOMESERVER_BUSY' && error.after !== undefined) {
        this.gate.hold(kind, error.after);
        const fields = { after: error.after, request: what };
        if (error.after >= longestAfter) this.#log.warn(fields, 'the homeserver asks for a wait beyond an hour; it is cut to that');
        else this.#log.debug(fields, 'the homeserver asks us to wait');
      }
      return error;
    }
    this.#count('homeserver_failures', { kind });
    return failureFor(what, kind, failure.cause, failure.begun);
  }
}

type Failure =
  | { readonly status: number; readonly retryAfter: string | undefined; readonly text: string }
  | { readonly cause: unknown; readonly begun: boolean };

class Collector {
  readonly #resolve: (text: string) => void;
  readonly #reject: (failure: Failure) => void;
  #begun = false;
  #status = 0;
  #retryAfter: string | undefined;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(resolve: (text: string) => void, reject: (failure: Failure) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart(): void {
    this.#begun = true;
  }

  onResponseStart(_controller: unknown, status: number, headers: Record<string, string | string[] | undefined>): void {
    this.#status = status;
    if (status >= 300) this.#retryAfter = headers['retry-after']?.toString();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > largestAnswer) controller.abort(new Error(`an answer of more than ${largestAnswer} bytes`));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const only = this.#chunks.length === 1 ? this.#chunks[0] : undefined;
    const text = (only ?? Buffer.concat(this.#chunks)).toString('utf8');
    if (this.#status >= 200 && this.#status < 300) this.#resolve(text);
    else this.#reject({ status: this.#status, retryAfter: this.#retryAfter, text });
  }

  onResponseError(_controller: unknown, cause: Error): void {
    this.#reject({ cause, begun: this.#begun });
  }
}

const headersFor = (authorization: string): string[] => [
  ...['authorization', authorization, 'content-type', 'application/json', 'user-agent', 'causeway'],
];

/** For logs and errors: no query (it names nothing new), ids readable. */
function describe(method: string, path: string): string {
  const query = path.indexOf('?');
  const bare = (query < 0 ? path : path.slice(0, query)).replace(/^\/_matrix\/(client|media)\/(v\d|r0)\//, '');
  try {
    return `${method} ${decodeURIComponent(bare)}`;
  } catch {
    return `${method} ${bare}`;
  }
}
