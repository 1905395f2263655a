// Sends no faster than the server bears: a token bucket, and lanes for what waits (commands before people's lines before
// automatic answers; people's lines in turn over their targets). Not used at all where flood control is off.

import { RetryableError } from '#bridge-core';
import type { OutLane } from './connection.ts';

export interface Clock {
  now(): number;
  /** Calls back once after `ms`; the result cancels it. */
  after(ms: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

/** Bytes of a line that cost one token; servers charge longer ones by the length, 240 bytes more cost as much again. */
const freeBytes = 120;
const bytesPerToken = 240;

/** Automatic answers that may wait; they are worth little, and somebody may provoke them. */
const maxReplies = 20;

interface Waiting {
  readonly text: string;
  readonly cost: number;
  readonly order: number;
  readonly sent: () => void;
  readonly lost: (error: Error) => void;
}

export class FloodControl {
  readonly #burst: number;
  readonly #every: number;
  readonly #write: (text: string) => void;
  readonly #clock: Clock;
  #tokens: number;
  #countedAt: number;
  #cancelTimer: (() => void) | undefined;
  #order = 0;
  #commands: Waiting[] = [];
  /** Target → its lines; the first key's turn is next. */
  readonly #messages = new Map<string, Waiting[]>();
  #replies: Waiting[] = [];
  /** Those waiting for everything queued before them: how many lines are left, and whom to call. */
  #barrier: { order: number; left: number; passed: () => void } | undefined;

  constructor(parts: { burst: number; every: number; write: (text: string) => void; clock?: Clock }) {
    this.#burst = parts.burst;
    this.#every = parts.every;
    this.#write = parts.write;
    this.#clock = parts.clock ?? systemClock;
    this.#tokens = parts.burst;
    this.#countedAt = this.#clock.now();
  }

  get waiting(): number {
    let count = this.#commands.length + this.#replies.length;
    for (const lines of this.#messages.values()) count += lines.length;
    return count;
  }

  /** Resolves when the line was written. `urgent` never waits, and is charged all the same. */
  send(text: string, lane: OutLane, target: string): Promise<void> | undefined {
    const cost = costOf(text);
    if (lane === 'urgent') {
      this.#refill();
      this.#tokens = Math.max(-this.#burst, this.#tokens - cost);
      this.#write(text);
      return undefined;
    }
    if (this.#cancelTimer === undefined && this.#pay(cost)) {
      this.#write(text);
      return undefined;
    }
    if (lane === 'reply' && this.#replies.length >= maxReplies) {
      return Promise.reject(new RetryableError('NETWORK_BUSY', 'too many automatic answers wait already'));
    }
    const queued = new Promise<void>((sent, lost) => {
      const entry = { text, cost, order: ++this.#order, sent, lost };
      if (lane === 'command') this.#commands.push(entry);
      else if (lane === 'reply') this.#replies.push(entry);
      else {
        const lines = this.#messages.get(target);
        if (lines === undefined) this.#messages.set(target, [entry]);
        else lines.push(entry);
      }
    });
    this.#arm();
    return queued;
  }

  /** Calls back, at once if nothing waits, when all that waits now has been written. One at a time. */
  afterQueued(passed: () => void): void {
    const left = this.waiting;
    if (left === 0) passed();
    else this.#barrier = { order: this.#order, left, passed };
  }

  /** The connection is gone: what waits fails. */
  drop(error: Error): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#barrier = undefined;
    const waiting = [...this.#commands, ...[...this.#messages.values()].flat(), ...this.#replies];
    this.#commands = [];
    this.#messages.clear();
    this.#replies = [];
    for (const entry of waiting) entry.lost(error);
  }

  #refill(): void {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#countedAt) / this.#every);
    this.#countedAt = now;
  }

  /** A line dearer than the whole bucket waits for a full one. */
  #pay(cost: number): boolean {
    this.#refill();
    const price = Math.min(cost, this.#burst);
    // A hair less than the price counts: timers fire a fraction of a millisecond early.
    if (this.#tokens < price - 0.001) return false;
    this.#tokens -= price;
    return true;
  }

  #next(): Waiting | undefined {
    return this.#commands[0] ?? this.#messages.values().next().value?.[0] ?? this.#replies[0];
  }

  #takeNext(): Waiting | undefined {
    if (this.#commands.length > 0) return this.#commands.shift();
    for (const [target, lines] of this.#messages) {
      const entry = lines.shift();
      // To the end of the round.
      this.#messages.delete(target);
      if (lines.length > 0) this.#messages.set(target, lines);
      return entry;
    }
    return this.#replies.shift();
  }

  #arm(): void {
    const next = this.#next();
    if (next === undefined || this.#cancelTimer !== undefined) return;
    this.#refill();
    const lacking = Math.min(next.cost, this.#burst) - this.#tokens;
    this.#cancelTimer = this.#clock.after(Math.max(1, Math.ceil(lacking * this.#every)), () => this.#drain());
  }

  #drain(): void {
    this.#cancelTimer = undefined;
    for (let next = this.#next(); next !== undefined && this.#pay(next.cost); next = this.#next()) {
      const entry = this.#takeNext();
      if (entry === undefined) break;
      this.#write(entry.text);
      entry.sent();
      this.#countTowardsBarrier(entry.order);
    }
    this.#arm();
  }

  #countTowardsBarrier(order: number): void {
    const barrier = this.#barrier;
    if (barrier === undefined || order > barrier.order || --barrier.left > 0) return;
    this.#barrier = undefined;
    barrier.passed();
  }
}

function costOf(text: string): number {
  const bytes = text.length < freeBytes / 3 ? 0 : Buffer.byteLength(text);
  return 1 + Math.max(0, bytes - freeBytes) / bytesPerToken;
}
