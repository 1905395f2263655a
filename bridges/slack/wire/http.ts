// HTTP to Slack: one keep-alive Agent for all tokens, lent to @slack/web-api as its `fetch`, at a fraction of the real one's cost.
// Also answers where a 429 lacks its header, over which the library trips.

import { Agent, type Dispatcher } from 'undici';
import { defaultWait } from './faults.ts';

/** As much of fetch as @slack/web-api uses. */
type Fetch = typeof globalThis.fetch;

export interface SlackHttpOptions {
  /** ms until the answer begins; then as long again between its pieces. */
  readonly timeout?: number;
  /** Connections to one host. */
  readonly connections?: number;
}

export class SlackHttp {
  readonly agent: Agent;
  readonly fetch: Fetch;

  constructor({ timeout = 30_000, connections = 64 }: SlackHttpOptions = {}) {
    this.agent = new Agent({
      connections,
      pipelining: 1,
      allowH2: false,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      connect: { timeout: Math.min(timeout, 10_000) },
    });
    this.fetch = ((url: string, init: { headers: Record<string, string>; body?: string }) => this.#fetch(url, init)) as unknown as Fetch;
  }

  close(): Promise<void> {
    return this.agent.destroy();
  }

  async #fetch(url: string, { headers, body }: { headers: Record<string, string>; body?: string }): Promise<Answer> {
    const { origin, path } = splitUrl(url);
    return new Answer(url, await this.agent.request({ origin, path, method: 'POST', headers, body: body ?? null }));
  }
}

class Answer {
  readonly url: string;
  readonly status: number;
  readonly statusText = '';
  readonly #answer: Dispatcher.ResponseData;

  constructor(url: string, answer: Dispatcher.ResponseData) {
    this.url = url;
    this.status = answer.statusCode;
    this.#answer = answer;
  }

  get headers() {
    const { headers, statusCode } = this.#answer;
    return {
      get: (name: string): string | null => {
        const value = headers[name];
        const text = Array.isArray(value) ? value.join(', ') : (value ?? null);
        if (name === 'retry-after' && statusCode === 429 && !/^\d+$/.test(text ?? '')) return String(defaultWait / 1000);
        return text;
      },
      entries: () => Object.entries(headers),
    };
  }

  text(): Promise<string> {
    return this.#answer.body.text();
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#answer.body.arrayBuffer();
  }
}

function splitUrl(url: string): { origin: string; path: string } {
  const start = url.indexOf('/', url.indexOf('//') + 2);
  return start < 0 ? { origin: url, path: '/' } : { origin: url.slice(0, start), path: url.slice(start) };
}
