// Keeps one connection open: takes its turn, connects, and comes back after a loss, sooner or later by whose fault it was.
// What the connection is for is its owner's business.

import { BridgeError, type Logger, messageOf, RetryableError, UnreachableError } from '#bridge-core';
import { backoff, type Pacing, type Priority } from './pacing.ts';
import type { IrcTiming } from './timing.ts';
import type { CloseFault, Connection, ConnectionEvents, ConnectionSettings, IrcLine } from './wire/connection.ts';

export type OpenConnection = (settings: ConnectionSettings, events: ConnectionEvents) => Promise<Connection>;

export interface LifelineParts {
  readonly open: OpenConnection;
  /** Asked before each attempt: nick and secrets may have changed. */
  readonly settings: () => ConnectionSettings;
  readonly pacing: Pacing;
  readonly priority: () => Priority;
  readonly timing: IrcTiming;
  readonly log: Logger;
  readonly up: (connection: Connection) => void;
  readonly line: (line: IrcLine) => void;
  /** Lost, or an attempt failed. The answer says what comes next: another attempt, a wait until `start`, or none. */
  readonly down: (error: BridgeError, fault: CloseFault, wasUp: boolean) => 'retry' | 'rest';
}

export type LifelineState = 'resting' | 'waiting' | 'connecting' | 'up';

export class Lifeline {
  readonly #parts: LifelineParts;
  #connection: Connection | undefined;
  #state: LifelineState = 'resting';
  #tries = 0;
  #upSince = 0;
  #timer: NodeJS.Timeout | undefined;
  #attempt: AbortController | undefined;
  #lastError: BridgeError | undefined;
  #waiters: { readonly resolve: (connection: Connection) => void; readonly reject: (error: BridgeError) => void }[] = [];

  constructor(parts: LifelineParts) {
    this.#parts = parts;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  get state(): LifelineState {
    return this.#state;
  }

  get lastError(): BridgeError | undefined {
    return this.#lastError;
  }

  /** Connects if nothing is under way; `now` also cuts a wait between attempts short. */
  start(now = false): void {
    if (this.#state === 'up' || this.#state === 'connecting') return;
    if (this.#state === 'waiting' && !now) return;
    clearTimeout(this.#timer);
    void this.#connect();
  }

  /** The connection when it is up, for at most `ms`; rejects with why it is not. */
  ready(ms: number): Promise<Connection> {
    if (this.#connection !== undefined) return Promise.resolve(this.#connection);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((each) => each !== waiter);
        reject(this.#lastError ?? new RetryableError('NETWORK_BUSY', 'the connection takes its time'));
      }, ms);
      const waiter = {
        resolve: (connection: Connection) => {
          clearTimeout(timer);
          resolve(connection);
        },
        reject: (error: BridgeError) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#waiters.push(waiter);
    });
  }

  /** Ends it and does not come back until `start`. */
  async stop(reason?: string): Promise<void> {
    clearTimeout(this.#timer);
    this.#attempt?.abort();
    this.#attempt = undefined;
    const connection = this.#connection;
    if (connection === undefined) this.#rest(new UnreachableError('NETWORK_UNREACHABLE', reason ?? 'stopped'));
    else await connection.close(reason);
  }

  /** Drops what we have, which is dead or no good; what comes next is as after any loss. */
  restart(reason: string): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    // Its own end comes late where the socket is half-open; for us it is over now.
    this.#ended(new UnreachableError('NETWORK_UNREACHABLE', reason), 'network', true);
    connection.close(reason).catch(() => {});
  }

  async #connect(): Promise<void> {
    this.#state = 'connecting';
    const attempt = new AbortController();
    this.#attempt = attempt;
    await this.#parts.pacing.turn(this.#parts.priority, attempt.signal);
    if (attempt.signal.aborted) return;
    let connection: Connection | undefined;
    const events: ConnectionEvents = {
      line: (line) => {
        if (this.#connection === connection) this.#guard(() => this.#parts.line(line));
      },
      closed: (error, fault) => {
        if (connection !== undefined && this.#connection === connection) this.#ended(error, fault, true);
      },
      warning: (message) => this.#parts.log.warn({}, message),
    };
    try {
      connection = await this.#parts.open({ ...this.#parts.settings(), signal: attempt.signal }, events);
    } catch (thrown) {
      if (attempt.signal.aborted) return;
      const error = asBridgeError(thrown);
      this.#ended(error, faultOf(error), false);
      return;
    }
    if (attempt.signal.aborted) {
      connection.close().catch(() => {});
      return;
    }
    this.#opened(connection);
  }

  #opened(connection: Connection): void {
    this.#connection = connection;
    this.#state = 'up';
    this.#upSince = performance.now();
    this.#lastError = undefined;
    this.#attempt = undefined;
    this.#parts.pacing.succeeded();
    this.#guard(() => this.#parts.up(connection));
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(connection);
  }

  #ended(error: BridgeError, fault: CloseFault, wasUp: boolean): void {
    this.#connection = undefined;
    this.#attempt = undefined;
    this.#lastError = error;
    this.#state = 'resting';
    // One that is cut off again and again does not come back faster for having been in.
    if (wasUp && performance.now() - this.#upSince > this.#parts.timing.stable) this.#tries = 0;
    if (fault === 'throttled') this.#parts.pacing.throttled();
    let next: 'retry' | 'rest' = 'rest';
    this.#guard(() => {
      next = this.#parts.down(error, fault, wasUp);
    });
    // The owner may have called `start` from within.
    if (this.#state !== 'resting') return;
    if (next === 'rest' || fault === 'ours') {
      this.#rest(error);
      return;
    }
    const { reconnectFirst, reconnectMost, reconnectBarred } = this.#parts.timing;
    const isBarred = fault === 'banned' || fault === 'login';
    const named = error instanceof RetryableError ? error.after : undefined;
    // Whoever was killed had better not be back before the operator has looked away.
    const first = Math.max(reconnectFirst, named ?? 0, fault === 'killed' ? 10 * reconnectFirst : 0);
    const wait = isBarred ? backoff(0, reconnectBarred, reconnectBarred) : backoff(this.#tries++, first, Math.max(first, reconnectMost));
    this.#state = 'waiting';
    if (isBarred) this.#failWaiters(error);
    this.#timer = setTimeout(() => void this.#connect(), wait);
  }

  #rest(error: BridgeError): void {
    this.#state = 'resting';
    this.#failWaiters(error);
  }

  #failWaiters(error: BridgeError): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  /** A fault of ours in handling one line must not take the socket, or the process, with it. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (thrown) {
      this.#parts.log.error(
        { error: messageOf(thrown), stack: thrown instanceof Error ? thrown.stack : undefined },
        'a line was not handled',
      );
    }
  }
}

function asBridgeError(thrown: unknown): BridgeError {
  if (thrown instanceof BridgeError) return thrown;
  return new UnreachableError('NETWORK_UNREACHABLE', messageOf(thrown), { cause: thrown });
}

function faultOf(error: BridgeError): CloseFault {
  switch (error.code) {
    case 'NETWORK_LOGIN':
      return 'login';
    case 'NETWORK_BANNED':
      return 'banned';
    case 'NETWORK_BUSY':
      // Where no nick was free, no time is named.
      return error instanceof RetryableError && error.after !== undefined ? 'throttled' : 'network';
    default:
      return 'network';
  }
}
