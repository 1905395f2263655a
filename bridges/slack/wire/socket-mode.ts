// Socket Mode, over @slack/socket-mode: one client a connection, without the library's reconnecting, which waits for five seconds and
// dies of a rejected try. Slack's notice that it will close a socket makes us open the next one first, where the library would hang up.

import type { Socket } from 'node:net';
import { SocketModeClient } from '@slack/socket-mode';
import { SlackError } from '@slack/web-api';
import { Agent, buildConnector } from 'undici';
import { messageOf, RetryableError, UnreachableError } from '#bridge-core';
import { type Asking, answerTo, commandOf, eventOf, interactionOf, type Origin } from './envelope.ts';
import { type Connection, type Life, Lifeline, timingOf } from './lifeline.ts';
import { respondAt } from './response-url.ts';
import type { Source, SourceOptions } from './source.ts';
import { mute, translated, type WebApi } from './web-api.ts';

export interface SocketModeOptions extends SourceOptions {
  readonly api: WebApi;
  /** `xapp-…`, of an app and not of a workspace. */
  readonly appToken: string;
}

/** ms for the slot of a socket that is gone to be free again. */
const fullWait = 10_000;
const tooMany = 'too_many_websockets';
/** ms: the library pings three times in it. */
const pongWithin = 10_000;

export function openSocketMode(options: SocketModeOptions): Source {
  const { api, log, via, onState, timing } = options;
  const asking: Asking = {
    listener: options,
    respond: (url, body) => respondAt(api, url, body),
    within: timingOf(timing).answerWithin - 500,
    log,
  };
  const open = (life: Life) => connect({ life, options, asking });
  return new Lifeline({ name: `Socket Mode of ${via}`, open, onState, log, timing });
}

interface ConnectOptions {
  readonly life: Life;
  readonly options: SocketModeOptions;
  readonly asking: Asking;
}

function connect({ life, options, asking }: ConnectOptions): Promise<Connection> {
  const { via, log, onEvent } = options;
  const client = new QuietClient(options, life);
  const origin: Origin = { source: 'socket', via };
  const guarded = (act: Promise<void>) =>
    void act.catch((thrown) => log.warn({ reason: messageOf(thrown) }, 'an envelope was not acknowledged'));
  client.on('slack_event', ({ type, body, ack, retry_num, retry_reason }: Envelope) => {
    const retry = retry_num !== undefined && retry_num > 0 ? { number: retry_num, reason: retry_reason ?? '' } : undefined;
    if (type === 'slash_commands') return guarded(acknowledge(commandOf(body, origin), ack, asking));
    if (type === 'interactive') return guarded(acknowledge(interactionOf(body, origin), ack, asking));
    const event = eventOf(body, { ...origin, retry });
    // What nobody understands is taken, or Slack would tell it again.
    guarded(event === undefined ? ack() : life.stood.then(() => onEvent(event)).then(() => ack()));
  });
  return client.up();
}

async function acknowledge(asked: Parameters<typeof answerTo>[0] | undefined, ack: Ack, asking: Asking): Promise<void> {
  await ack(asked === undefined ? undefined : await answerTo(asked, asking));
}

type Ack = (answer?: Readonly<Record<string, unknown>>) => Promise<void>;

interface Envelope {
  readonly type: string;
  readonly body: unknown;
  readonly ack: Ack;
  readonly retry_num?: number;
  readonly retry_reason?: string;
}

/** The library's client for one connection. Its socket is ours, to see signs of life that the library keeps to itself, and to end
 *  it at once where the library would wait half a minute for the other side. */
class QuietClient extends SocketModeClient {
  readonly #life: Life;
  readonly #socket: { open: Socket | undefined };
  readonly #agent: Agent;
  #notice: string | undefined;

  constructor({ api, appToken }: SocketModeOptions, life: Life) {
    const connector = buildConnector({ allowH2: false, timeout: 10_000 });
    const held: { open: Socket | undefined } = { open: undefined };
    const agent = new Agent({
      connect: (target, done) =>
        connector(target, (...result) => {
          held.open = result[1] ?? undefined;
          done(...result);
        }),
    });
    super({
      appToken,
      logger: mute,
      autoReconnectEnabled: false,
      clientPingTimeout: pongWithin,
      dispatcher: agent,
      clientOptions: { slackApiUrl: api.apiUrl, fetch: api.http.fetch, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true },
    });
    this.#life = life;
    this.#agent = agent;
    this.#socket = held;
    this.on('close', () => life.ended(this.#notice ?? 'the socket was closed'));
  }

  async up(): Promise<Connection> {
    const close = () => this.#close();
    const { signal } = this.#life;
    signal.addEventListener('abort', close, { once: true });
    try {
      await this.start();
    } catch (thrown) {
      await close();
      throw this.#faultOf(thrown);
    } finally {
      signal.removeEventListener('abort', close);
    }
    this.#socket.open?.on('data', this.#life.heard);
    return { close };
  }

  protected override async onWebSocketMessage(data: string | ArrayBuffer, isBinary: boolean): Promise<void> {
    // Looked at before it is parsed, which the library does once more.
    if (typeof data === 'string' && data.includes('"disconnect"') && this.#isNotice(data)) return;
    try {
      await super.onWebSocketMessage(data, isBinary);
    } catch {
      // A frame of a shape that the library does not expect would end the process otherwise.
    }
  }

  /** Answered by opening another and, later, closing this one; the library, which would hang up at once, is not to see it. */
  #isNotice(data: string): boolean {
    const { type, reason } = parsed(data);
    if (type !== 'disconnect') return false;
    this.#notice = String(reason);
    if (reason !== tooMany) this.#life.expiring(this.#notice);
    return true;
  }

  #faultOf(thrown: unknown): Error {
    if (this.#notice === tooMany)
      return new RetryableError('NETWORK_BUSY', 'Slack has ten sockets of this app already', { after: fullWait });
    if (thrown instanceof SlackError) return translated({ what: 'apps.connections.open', isPost: false }, thrown);
    return new UnreachableError('NETWORK_UNREACHABLE', this.#notice ?? 'the socket did not open', { cause: thrown });
  }

  async #close(): Promise<void> {
    const over = this.disconnect();
    // The first says goodbye and would wait for an answer; the second does not, and clears the timer of the first.
    void this.disconnect();
    this.#socket.open?.destroySoon();
    await this.#agent.destroy();
    await over;
  }
}

function parsed(data: string): { readonly type?: unknown; readonly reason?: unknown } {
  try {
    return (JSON.parse(data) as object | null) ?? {};
  } catch {
    return {};
  }
}
