// Requests that Slack makes of an app, signed: `v0=` and HMAC-SHA256 over version, timestamp and raw body, as
// docs.slack.dev/authentication/verifying-requests-from-slack describes, and as Bolt verifies it. Three seconds to answer.

import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { Clock } from './clock.ts';
import type { App } from './model.ts';

export interface Pushed {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export class PushFailed extends Error {
  /** Slack's words of X-Slack-Retry-Reason. */
  readonly reason: 'http_timeout' | 'connection_failed';

  constructor(reason: PushFailed['reason'], cause?: unknown) {
    super(reason, { cause });
    this.name = 'PushFailed';
    this.reason = reason;
  }
}

export function sign(secret: string, timestamp: number, body: string): string {
  return `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`;
}

export class Push {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });
  readonly #clock: Clock;
  readonly #timeout: number;
  /** A test may sign with a clock that is wrong, or with another secret. */
  skew = 0;
  secret: string | undefined;

  constructor(clock: Clock, timeout: number) {
    this.#clock = clock;
    this.#timeout = timeout;
  }

  /** Signed for `app`, or unsigned as webhooks are. */
  post(url: string, body: string, type: string, app?: App, headers: Readonly<Record<string, string>> = {}): Promise<Pushed> {
    const timestamp = this.#clock.seconds() + this.skew;
    const signature =
      app === undefined
        ? {}
        : {
            'x-slack-request-timestamp': String(timestamp),
            'x-slack-signature': sign(this.secret ?? app.signingSecret, timestamp, body),
          };
    return new Promise((resolve, reject) => {
      const asked = request(url, {
        method: 'POST',
        agent: this.#agent,
        headers: {
          'content-type': type,
          'content-length': Buffer.byteLength(body),
          accept: '*/*',
          'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
          ...signature,
          ...headers,
        },
      });
      const timer = setTimeout(() => asked.destroy(new PushFailed('http_timeout')), this.#timeout);
      asked.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          clearTimeout(timer);
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8'), headers: response.headers });
        });
        response.on('error', (cause) => asked.destroy(cause));
      });
      asked.on('error', (cause) => {
        clearTimeout(timer);
        reject(cause instanceof PushFailed ? cause : new PushFailed('connection_failed', cause));
      });
      asked.end(body);
    });
  }

  stop(): void {
    this.#agent.destroy();
  }
}
