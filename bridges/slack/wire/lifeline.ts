// One connection that is kept: opened again when it ends, falls silent or is about to be closed by Slack, in which case the new one
// stands before the old one goes. What a connection is, is whose that opens it; who listens is told the state and nothing else.

import { BridgeError, type Logger, messageOf, RetryableError, UnreachableError } from '#bridge-core';
import type { Source, SourceState, SourceTiming } from './source.ts';

export interface Connection {
  /** Ends it without waiting for anybody; leaves nothing behind. Called once. */
  close(): Promise<void>;
}

/** What a connection tells while it lives. */
export interface Life {
  /** A sign of life. */
  readonly heard: () => void;
  /** Slack is about to close it. */
  readonly expiring: (reason: string) => void;
  /** It is over. */
  readonly ended: (reason: string) => void;
  /** Who listens was told that it is up. Before that nothing that it brings is told: it would pass for all that was missed. */
  readonly stood: Promise<void>;
  /** Aborted when nobody waits for it to come up any more. */
  readonly signal: AbortSignal;
}

export interface LifelineOptions {
  /** For logs: `Socket Mode of A1`. */
  readonly name: string;
  /** Resolves once it is up. A refusal of the token (NETWORK_LOGIN) ends all tries. */
  readonly open: (life: Life) => Promise<Connection>;
  readonly onState: (state: SourceState) => void;
  readonly log: Logger;
  readonly timing?: Partial<SourceTiming> | undefined;
}

interface Held {
  readonly connection: Connection;
  readonly since: number;
}

const defaults: SourceTiming = { silence: 60_000, firstPause: 500, longestPause: 60_000, connectTimeout: 20_000, answerWithin: 3_000 };
/** A retired connection may still answer for what it brought. */
const retiredLife = 5_000;
/** One that stood so long was a good one. */
const settledAfter = 30_000;

export function timingOf(given: Partial<SourceTiming> | undefined): SourceTiming {
  return { ...defaults, ...given };
}

export class Lifeline implements Source {
  readonly #options: LifelineOptions;
  readonly #timing: SourceTiming;
  readonly #end = new AbortController();
  readonly #retired = new Map<Connection, NodeJS.Timeout>();
  #current: Held | undefined;
  #silence: NodeJS.Timeout | undefined;
  #pause: NodeJS.Timeout | undefined;
  #isOpening = false;
  #failures = 0;
  #wasLost = true;

  constructor(options: LifelineOptions) {
    this.#options = options;
    this.#timing = timingOf(options.timing);
    options.onState({ state: 'connecting' });
    void this.#open();
  }

  get isUp(): boolean {
    return this.#current !== undefined;
  }

  async close(): Promise<void> {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    clearTimeout(this.#silence);
    clearTimeout(this.#pause);
    const open = [...this.#retired.keys(), ...(this.#current === undefined ? [] : [this.#current.connection])];
    for (const timer of this.#retired.values()) clearTimeout(timer);
    this.#retired.clear();
    this.#current = undefined;
    await Promise.all(open.map((connection) => this.#drop(connection)));
  }

  /** One at a time; never rejects. */
  async #open(): Promise<void> {
    if (this.#isOpening || this.#end.signal.aborted) return;
    this.#isOpening = true;
    clearTimeout(this.#pause);
    const life = this.#newLife();
    try {
      const connection = await this.#inTime(life);
      this.#isOpening = false;
      this.#stands(connection, life);
    } catch (thrown) {
      this.#isOpening = false;
      this.#failed(thrown);
    }
  }

  #stands(connection: Connection, life: OwnLife): void {
    if (this.#end.signal.aborted) {
      void this.#drop(connection);
      return;
    }
    life.connection = connection;
    const before = this.#current;
    this.#current = { connection, since: performance.now() };
    if (before !== undefined) this.#retire(before.connection);
    this.#listen();
    // One that comes up and goes down at once, over and over, is not asked for at once each time.
    this.#failures = Math.min(this.#failures, 2);
    const wasLost = this.#wasLost;
    this.#wasLost = false;
    this.#options.onState({ state: 'up', wasLost });
    life.stand();
    // Told of before it stood.
    if (life.endedBy !== undefined) this.#lost(connection, life.endedBy);
  }

  #failed(thrown: unknown): void {
    if (this.#end.signal.aborted) return;
    const reason = messageOf(thrown);
    const { name, log, onState } = this.#options;
    if (thrown instanceof BridgeError && thrown.code === 'NETWORK_LOGIN') {
      log.error({ reason }, `${name} is refused`);
      if (this.#current === undefined) onState({ state: 'refused', reason });
      return;
    }
    log.warn({ reason }, `${name} does not come up`);
    if (this.#current === undefined) onState({ state: 'down', reason });
    this.#again(thrown instanceof RetryableError ? (thrown.after ?? 0) : 0);
  }

  #again(atLeast = 0): void {
    const { firstPause, longestPause } = this.#timing;
    const doubled = Math.min(longestPause, firstPause * 2 ** this.#failures);
    this.#failures += 1;
    const jittered = doubled * (0.75 + Math.random() / 2);
    clearTimeout(this.#pause);
    this.#pause = setTimeout(
      () => {
        if (this.#current === undefined) this.#options.onState({ state: 'connecting' });
        void this.#open();
      },
      Math.max(atLeast, jittered),
    );
  }

  #lost(connection: Connection, reason: string): void {
    const timer = this.#retired.get(connection);
    if (timer !== undefined) {
      clearTimeout(timer);
      this.#retired.delete(connection);
      void this.#drop(connection);
      return;
    }
    const current = this.#current;
    if (current?.connection !== connection || this.#end.signal.aborted) return;
    this.#current = undefined;
    this.#wasLost = true;
    clearTimeout(this.#silence);
    if (performance.now() - current.since > settledAfter) this.#failures = 0;
    void this.#drop(connection);
    this.#options.log.info({ reason }, `${this.#options.name} is lost`);
    this.#options.onState({ state: 'down', reason });
    // One that is being opened already will do; so will the pause before it.
    if (!this.#isOpening) this.#again();
  }

  #retire(connection: Connection): void {
    const timer = setTimeout(() => {
      this.#retired.delete(connection);
      void this.#drop(connection);
    }, retiredLife);
    this.#retired.set(connection, timer);
  }

  async #drop(connection: Connection): Promise<void> {
    try {
      await connection.close();
    } catch (thrown) {
      this.#options.log.debug({ reason: messageOf(thrown) }, `${this.#options.name} did not close well`);
    }
  }

  #listen(): void {
    clearTimeout(this.#silence);
    const { silence } = this.#timing;
    this.#silence = setTimeout(() => {
      const current = this.#current;
      if (current !== undefined) this.#lost(current.connection, `nothing was heard for ${silence / 1000} s`);
    }, silence);
  }

  async #inTime(life: OwnLife): Promise<Connection> {
    const late = new AbortController();
    const { connectTimeout } = this.#timing;
    const timer = setTimeout(() => late.abort(), connectTimeout);
    life.signal = AbortSignal.any([late.signal, this.#end.signal]);
    const given = this.#options.open(life);
    try {
      return await Promise.race([given, whenAborted(life.signal, this.#options.name, connectTimeout)]);
    } catch (thrown) {
      // Should it come up after all, nobody wants it.
      given.then(
        (connection) => this.#drop(connection),
        () => {},
      );
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  #newLife(): OwnLife {
    const { promise: stood, resolve: stand } = Promise.withResolvers<void>();
    const life: OwnLife = {
      connection: undefined,
      endedBy: undefined,
      signal: this.#end.signal,
      ...{ stood, stand },
      heard: () => {
        // The timer is moved, not made anew, for each thing heard.
        if (life.connection !== undefined && life.connection === this.#current?.connection) this.#silence?.refresh();
      },
      expiring: (reason) => {
        if (life.connection === undefined || life.connection !== this.#current?.connection) return;
        this.#options.log.debug({ reason }, `${this.#options.name} is renewed`);
        void this.#open();
      },
      ended: (reason) => {
        life.endedBy ??= reason;
        if (life.connection !== undefined) this.#lost(life.connection, reason);
      },
    };
    return life;
  }
}

type OwnLife = { -readonly [K in keyof Life]: Life[K] } & {
  connection: Connection | undefined;
  endedBy: string | undefined;
  readonly stand: () => void;
};

function whenAborted(signal: AbortSignal, name: string, timeout: number): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(new UnreachableError('NETWORK_UNREACHABLE', `${name} did not come up within ${timeout / 1000} s`));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}
