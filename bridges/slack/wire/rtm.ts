// Real Time Messaging for classic apps, over @slack/rtm-api: hearing and typing, nothing else. Its three traps are kept shut: what it
// sends is never awaited (after that its reconnecting kills the process), its start() is not waited for, which a refused token
// leaves pending for ever, and no hello reaches it once it was told to end, which kills the process too. One client a connection,
// without its reconnecting.

import type { RTMClient, RTMClientOptions } from '@slack/rtm-api';
import { messageOf, UnreachableError } from '#bridge-core';
import { type KeepingAgent, keepingAgent } from './keeping-agent.ts';
import { type Connection, type Life, Lifeline } from './lifeline.ts';
import type { InnerEvent, RtmSource, SourceOptions } from './source.ts';
import { type Caller, mute } from './web-api.ts';

export interface RtmOptions extends Omit<SourceOptions, 'onCommand' | 'onInteraction' | 'onHeldBack'> {
  /** Of the bot or person that listens. */
  readonly caller: Caller;
  readonly isBot: boolean;
}

type Library = typeof import('@slack/rtm-api');
type Frame = Readonly<Record<string, unknown>>;

/** Of the connection, not of the workspace. */
const ownTypes: ReadonlySet<unknown> = new Set(['hello', 'pong', 'goodbye', 'reconnect_url', 'error', 'team_migration_started', undefined]);
/** ms: a ping after so long without one, and its answer within so long. */
const pings = { clientPingTimeout: 15_000, serverPongTimeout: 10_000 };

export function openRtm(options: RtmOptions): RtmSource {
  const { via, log, onState, timing } = options;
  let speaking: RtmConnection | undefined;
  const open = async (life: Life) => {
    // When first needed: it brings a second Web API client along.
    const connection = new RtmConnection(options, life, await import('@slack/rtm-api'));
    await connection.up();
    speaking = connection;
    return connection;
  };
  const lifeline = new Lifeline({ name: `RTM of ${via}`, open, onState, log, timing });
  return {
    get isUp() {
      return lifeline.isUp;
    },
    close: () => lifeline.close(),
    type: (channel, threadTs) => {
      if (lifeline.isUp) speaking?.type(channel, threadTs);
    },
  };
}

class RtmConnection implements Connection {
  readonly #options: RtmOptions;
  readonly #life: Life;
  readonly #client: RTMClient;
  readonly #agent: KeepingAgent;
  readonly #hello = Promise.withResolvers<void>();
  #self: { readonly user: string; readonly team: string } | undefined;
  #fault: unknown;
  #isGreeted = false;
  #canSend = false;

  constructor(options: RtmOptions, life: Life, { RTMClient }: Library) {
    this.#options = options;
    this.#life = life;
    this.#agent = keepingAgent(options.caller.isSecure);
    // Its own Web API client would be another way to Slack, past our limits and our errors.
    const webClient = { apiCall: () => this.#address() } as unknown as NonNullable<RTMClientOptions['webClient']>;
    this.#client = new RTMClient('', { ...pings, webClient, autoReconnect: false, logger: mute as never, agent: this.#agent });
    this.#client.on('slack_event', (_type: unknown, frame: Frame) => this.#heard(frame));
    this.#client.on('connected', () => {
      this.#isGreeted = true;
      this.#hello.resolve();
    });
    this.#client.on('ready', () => {
      this.#canSend = true;
    });
    this.#client.on('disconnected', () => {
      this.#canSend = false;
      this.#hello.reject(this.#fault ?? new UnreachableError('NETWORK_UNREACHABLE', 'the socket of RTM did not open'));
      life.ended('the socket was closed');
    });
  }

  async up(): Promise<void> {
    const close = () => void this.close();
    this.#life.signal.addEventListener('abort', close, { once: true });
    this.#client.start().catch(() => {});
    try {
      await this.#hello.promise;
    } finally {
      this.#life.signal.removeEventListener('abort', close);
    }
  }

  /** Lost where the connection is not ready for it; typing is worthless late. */
  type(channel: string, threadTs: string | undefined): void {
    if (!this.#canSend) return;
    const body = threadTs === undefined ? { channel } : { channel, thread_ts: threadTs };
    this.#client.addOutgoingEvent(false, 'typing', body).catch(() => {});
  }

  async close(): Promise<void> {
    this.#canSend = false;
    // The hello may be on its way.
    if (!this.#isGreeted) this.#agent.cut();
    // Its promise stays pending where no socket was open yet.
    this.#client.disconnect().catch(() => {});
    await this.#agent.end();
    this.#hello.reject(new UnreachableError('NETWORK_UNREACHABLE', 'RTM was closed'));
    this.#hello.promise.catch(() => {});
  }

  async #address() {
    try {
      const reply = await this.#options.caller.call('rtm.connect');
      if (reply.url?.startsWith('wss:') !== this.#options.caller.isSecure) {
        throw new UnreachableError('NETWORK_UNREACHABLE', 'rtm.connect gave no address of the same security as its own');
      }
      this.#self = { user: reply.self?.id ?? '', team: reply.team?.id ?? '' };
      return reply;
    } catch (thrown) {
      this.#fault = thrown;
      throw thrown;
    }
  }

  #heard(frame: Frame): void {
    this.#life.heard();
    const { type } = frame;
    if (type === 'goodbye') this.#life.expiring('goodbye');
    if (ownTypes.has(type) || frame.reply_to !== undefined || this.#self === undefined) return;
    const { isBot, via, onEvent, log } = this.#options;
    const { user, team } = this.#self;
    const event = frame as InnerEvent;
    const told = { team, event, source: 'rtm', via, receivedAt: Date.now(), authorizations: [{ user, isBot, team }] } as const;
    const hearing = this.#life.stood.then(() => onEvent(told));
    hearing.catch((thrown) => {
      // Slack tells it once only; what fills the gap after a loss fills this one.
      log.warn({ reason: messageOf(thrown) }, 'an event of RTM was not taken in');
      this.#life.ended('an event was not taken in');
    });
  }
}
