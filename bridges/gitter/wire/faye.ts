// One connection to Gitter's realtime channel (Bayeux), by the faye library: the token in the handshake, subscriptions that outlive a
// connection, losses noticed by the numbers of what comes (`ext.c`), a ping of our own where nothing is heard. Who listens is told when
// something may have been missed; how to fill that is theirs to know.

import faye, { type Client, type FayeMessage } from 'faye';
import { isRecord } from './objects.ts';

export interface FayeListener {
  /** Goes with the wish to subscribe. */
  readonly ext?: Readonly<Record<string, unknown>>;
  onData(data: unknown): void;
  /** It stands; what was missed before is not told. `snapshot`: of what there is, where one was asked for in `ext`. */
  onOpen?(snapshot: unknown): void;
  /** Something may have been missed since it stood. Who has an `onOpen` and is to have snapshots is told by that alone. */
  onMissed?(): void;
  /** For good: no such thing, or not for this token. */
  onRefused?(reason: string): void;
}

export type FayeState = 'up' | 'down' | 'refused';

export interface FayeTiming {
  /** Seconds from a loss to the first try to connect; between later ones ever more. */
  readonly retry: number;
  /** ms: so long nothing is heard before we ask; so long the answer may take. */
  readonly silence: number;
  readonly answer: number;
}

export const usualFayeTiming: FayeTiming = { retry: 2, silence: 60_000, answer: 30_000 };

export interface FayeOptions {
  readonly url: string;
  readonly token: string;
  readonly timing?: FayeTiming;
  readonly onState: (state: FayeState, reason?: string) => void;
  /** Whoever listens failed at what was told: the library must not, or nothing more would come. */
  readonly onFault?: (channel: string, thrown: unknown) => void;
}

/** Gitter's answer to a ping comes on no channel: that it is taken is enough. */
const pingChannel = '/api/v1/ping2';
/** ms until a subscription that failed for a while is tried again. */
const resubscribe = 5_000;
/** Times `retry`: the longest pause. */
const mostRetry = 15;
/** More, before the answer, is left to be read back. */
const mostEarly = 1_000;

interface Subscription {
  readonly listener: FayeListener;
  isOpen: boolean;
  /** It stood once: what comes next may have a gap before it. */
  wasOpen: boolean;
  /** Asked for, and not answered yet: what came since. It is told behind the answer, for what was missed stands before it. */
  early: unknown[] | undefined;
  /** Something was missed after it was asked for: the answer need not show it. */
  isStale: boolean;
  /** Which wish is the last. What an earlier one is answered, however late, may lack what was told since. */
  wish: string | undefined;
}

export class FayeLine {
  readonly #options: FayeOptions;
  readonly #timing: FayeTiming;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #client: Client;
  #state: FayeState = 'down';
  #isClosed = false;
  /** The number of the newest message; undefined: none came yet. */
  #count: number | undefined;
  #heardAt = Date.now();
  #watch: NodeJS.Timeout | undefined;

  constructor(options: FayeOptions) {
    this.#options = options;
    this.#timing = options.timing ?? usualFayeTiming;
    this.#client = this.#connect();
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  /** It was lost, or cannot be had; not while it is first asked for. */
  get isAway(): boolean {
    return this.#isAway && !this.isUp;
  }

  isOpen(channel: string): boolean {
    return this.isUp && this.#subscriptions.get(channel)?.isOpen === true;
  }

  /** Also while it is asked for anew. */
  stands(channel: string): boolean {
    return this.isUp && this.#subscriptions.get(channel)?.wasOpen === true;
  }

  subscribe(channel: string, listener: FayeListener): void {
    if (this.#isClosed || this.#subscriptions.has(channel)) return;
    this.#subscriptions.set(channel, { listener, isOpen: false, wasOpen: false, early: undefined, isStale: false, wish: undefined });
    this.#ask(this.#client, channel);
  }

  unsubscribe(channel: string): void {
    if (!this.#subscriptions.delete(channel) || this.#isClosed) return;
    // A server that does not know us yet has nothing to be taken back, and would be told so behind a later wish.
    if (innardsOf(this.#client)._state === connected) this.#client.unsubscribe(channel);
    else innardsOf(this.#client)._channels.remove(channel);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#watch);
    for (const timer of this.#timers) clearTimeout(timer);
    await end(this.#client);
  }

  #connect(): Client {
    const { retry, silence } = this.#timing;
    const client = new faye.Client(this.#options.url, { retry, timeout: 60, scheduler: backingOff(retry) });
    client.addExtension({
      outgoing: (message, pass) => {
        this.#mark(message, client === this.#client);
        pass(message);
      },
      incoming: (message, pass) => {
        if (client === this.#client) this.#heard(message);
        pass(message);
      },
    });
    client.bind('transport:down', () => this.#lost(client, 'the realtime channel was cut'));
    client.bind('transport:up', () => this.#back(client));
    this.#count = undefined;
    this.#heardAt = Date.now();
    clearInterval(this.#watch);
    this.#watch = setInterval(() => this.#look(client), Math.max(50, silence / 4));
    for (const channel of this.#subscriptions.keys()) this.#ask(client, channel);
    client.connect();
    return client;
  }

  #ask(client: Client, channel: string): void {
    this.#awaits(channel);
    // What comes is taken by the extension, which sees it first; what became of the wish as well.
    client.subscribe(channel, () => {}).then(undefined, () => {});
  }

  #mark(message: FayeMessage, isCurrent: boolean): void {
    if (message.channel === '/meta/handshake') message.ext = { ...message.ext, token: this.#options.token, client: 'causeway' };
    if (message.channel !== '/meta/subscribe') return;
    // The library subscribes anew by itself as well.
    const channel = String(message.subscription);
    const subscription = isCurrent ? this.#awaits(channel) : this.#subscriptions.get(channel);
    if (subscription !== undefined) subscription.wish = message.id;
    message.ext = { ...message.ext, snapshot: false, ...subscription?.listener.ext };
  }

  #awaits(channel: string): Subscription | undefined {
    const subscription = this.#subscriptions.get(channel);
    if (subscription !== undefined) Object.assign(subscription, { isOpen: false, early: subscription.early ?? [] });
    return subscription;
  }

  #heard(message: FayeMessage): void {
    this.#heardAt = Date.now();
    switch (message.channel) {
      case '/meta/handshake':
        this.#greeted(message);
        break;
      case '/meta/subscribe':
        this.#subscribed(message);
        break;
      default:
        if (!message.channel.startsWith('/meta/') && 'data' in message) this.#told(message);
    }
  }

  #greeted({ successful, error = '', advice }: FayeMessage): void {
    if (successful === true) {
      this.#count = undefined;
      this.#refusals = 0;
      dispatcherOf(this.#client).retry = this.#timing.retry;
      this.#tell('up');
      // Once it has sent what it knows, and what it was asked for before the greeting.
      setImmediate((client) => this.#askForgotten(client), this.#client);
      return;
    }
    this.#refusals += 1;
    dispatcherOf(this.#client).retry = pauseAfter(this.#refusals, this.#timing.retry);
    if (advice?.reconnect !== 'none' && !error.startsWith('401')) this.#tell('down', error);
    else {
      this.#tell('refused', error);
      void this.close();
    }
  }

  #subscribed({ id, subscription: asked, successful, error = '', ext }: FayeMessage): void {
    const channel = String(asked);
    const subscription = this.#subscriptions.get(channel);
    if (subscription === undefined || id !== subscription.wish) return;
    const { listener, early = [], wasOpen } = subscription;
    if (successful === true) {
      if (subscription.isStale) {
        this.#askAgain(channel, subscription);
        return;
      }
      Object.assign(subscription, { isOpen: true, wasOpen: true, early: undefined });
      this.#guarded(channel, () => (listener.onOpen !== undefined ? listener.onOpen(ext?.snapshot) : wasOpen && listener.onMissed?.()));
      for (const data of early) this.#guarded(channel, () => listener.onData(data));
      return;
    }
    subscription.isOpen = false;
    if (/^40[34]/.test(error)) {
      this.#subscriptions.delete(channel);
      subscription.listener.onRefused?.(error);
      return;
    }
    const client = this.#client;
    this.#later(resubscribe * (1 + Math.random()), () => {
      if (client === this.#client && this.#subscriptions.get(channel) === subscription && !subscription.isOpen) this.#ask(client, channel);
    });
  }

  #told({ channel, data, ext }: FayeMessage): void {
    const { c } = isRecord(ext) ? ext : {};
    if (typeof c === 'number') {
      // Before what came is handed on: what was missed stands before it.
      if (c !== (this.#count ?? 0) + 1) this.#missed();
      this.#count = Math.max(c, this.#count ?? 0);
    }
    const { listener, early } = this.#subscriptions.get(channel) ?? {};
    if (early === undefined) this.#guarded(channel, () => listener?.onData(data));
    else if (early.length < mostEarly) early.push(data);
  }

  #guarded(channel: string, act: () => unknown): void {
    try {
      act();
    } catch (thrown) {
      this.#options.onFault?.(channel, thrown);
    }
  }

  #missed(): void {
    for (const [channel, subscription] of [...this.#subscriptions]) {
      const { listener, isOpen, early } = subscription;
      if (early !== undefined) subscription.isStale = true;
      else if (isOpen && hasSnapshots(listener)) this.#askAgain(channel, subscription);
      else if (isOpen) listener.onMissed?.();
    }
  }

  /** For a snapshot of now: what was missed is in there, which spares a call. Taken back it is not before: that may come behind the wish. */
  #askAgain(channel: string, subscription: Subscription): void {
    subscription.isStale = false;
    innardsOf(this.#client)._channels.remove(channel);
    this.#ask(this.#client, channel);
  }

  /** The library subscribes anew to what it knows; what was refused since the server knew us no more, it forgot. */
  #askForgotten(client: Client): void {
    if (client !== this.#client || this.#isClosed) return;
    const known = new Set(innardsOf(client)._channels.getKeys());
    for (const channel of this.#subscriptions.keys()) if (!known.has(channel)) this.#ask(client, channel);
  }

  #lost(client: Client, reason: string): void {
    if (client !== this.#client || this.#isClosed) return;
    for (const subscription of this.#subscriptions.values()) subscription.isOpen = false;
    this.#tell('down', reason);
    // A request to connect is answered only once there is something to say: this one is as soon as anybody is there.
    if (this.#wasUp) client.publish(pingChannel, { reason: 'reconnected' }).then(undefined, () => {});
  }

  /** The library goes on with the client that it had; whether the server does too is told by the numbers, if anything comes. */
  #back(client: Client): void {
    if (client !== this.#client || this.#isClosed || this.#state === 'up' || !this.#wasUp) return;
    for (const subscription of this.#subscriptions.values()) subscription.isOpen = subscription.wasOpen;
    this.#tell('up');
    this.#missed();
  }

  #wasUp = false;
  #isAway = false;
  /** Greetings in a row that were turned away. */
  #refusals = 0;

  /** Half-dead connections tell nothing of it. */
  #look(client: Client): void {
    const { silence, answer } = this.#timing;
    const quiet = Date.now() - this.#heardAt;
    if (this.#state !== 'up' || quiet < silence || client !== this.#client) return;
    if (quiet > silence + answer) this.#renew('the realtime channel is silent');
    else client.publish(pingChannel, { reason: 'ping' }, { attempts: 1, deadline: answer / 1_000 }).then(undefined, () => {});
  }

  #renew(reason: string): void {
    const old = this.#client;
    for (const subscription of this.#subscriptions.values()) subscription.isOpen = false;
    this.#tell('down', reason);
    this.#client = this.#connect();
    void end(old);
  }

  #tell(state: FayeState, reason?: string): void {
    if (this.#isClosed) return;
    if (state === 'up') this.#wasUp = true;
    this.#isAway = state !== 'up';
    if (state === this.#state && state === 'up') return;
    this.#state = state;
    this.#options.onState(state, reason);
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }
}

const hasSnapshots = ({ ext, onOpen }: FayeListener): boolean => onOpen !== undefined && ext?.snapshot !== undefined;

/** Seconds: ever longer, and not in step with all others whose connection was lost in the same moment. */
function pauseAfter(tries: number, retry: number): number {
  return Math.min(mostRetry, 2 ** Math.max(0, tries - 1)) * retry * (0.75 + Math.random() / 2);
}

function backingOff(retry: number) {
  return class extends faye.Scheduler {
    override getInterval(): number {
      return pauseAfter(this.attempts, retry);
    }
  };
}

/** What faye has no word for: without this a client whose server is gone tries for ever, and keeps the process alive. */
interface Innards {
  _advice: { reconnect: string };
  readonly _state: number;
  readonly _channels: { getKeys(): readonly string[]; remove(channel: string): void };
  readonly _dispatcher: {
    /** Seconds until it greets again where it was turned away. */
    retry: number;
    close(): void;
    readonly _envelopes: Map<unknown, { timer?: NodeJS.Timeout; request?: PromiseLike<{ abort?(): void } | undefined> }>;
    readonly transports?: Readonly<Record<string, { close?(): void; _socket?: { _stream?: { destroy(): void } } }>>;
  };
}

const innardsOf = (client: Client) => client as unknown as Innards;
const dispatcherOf = (client: Client) => innardsOf(client)._dispatcher;
/** `_state` of a client that was greeted. */
const connected = 3;

/** ms for a proper farewell. */
const farewell = 500;

async function end(client: Client): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, farewell);
  const leaving = client.disconnect();
  if (leaving === undefined) resolve();
  else
    leaving.then(
      () => resolve(),
      () => resolve(),
    );
  await promise;
  clearTimeout(timer);
  const { _advice: advice, _dispatcher: dispatcher } = innardsOf(client);
  advice.reconnect = 'none';
  for (const { timer: waiting, request } of dispatcher._envelopes.values()) {
    clearTimeout(waiting);
    request?.then(
      (made) => made?.abort?.(),
      () => {},
    );
  }
  dispatcher._envelopes.clear();
  dispatcher.close();
  for (const transport of Object.values(dispatcher.transports ?? {})) {
    transport.close?.();
    transport._socket?._stream?.destroy();
  }
}
