// What Slack allows us, by workspace, method and, for posts, channel: plain arithmetic while there is budget, an ordered line
// (Bottleneck) for what is over it, and a 429 that stops just what it was told for. One busy channel never holds up another.

import Bottleneck from 'bottleneck';
import { RetryableError } from '#bridge-core';
import { type Limit, limitsOf } from './tiers.ts';

export interface RateWatch {
  /** A 429: `after` ms. */
  readonly onLimited?: (method: string, after: number) => void;
  readonly onWaited?: (method: string, ms: number) => void;
}

export interface RateTiersOptions extends RateWatch {
  /** False: only what a 429 stops waits. */
  readonly isOn?: boolean;
}

/** What a call draws on. */
export interface Draw {
  /** App and workspace, as the caller names them. */
  readonly scope: string;
  readonly method: string;
  readonly channel?: string | undefined;
  /** ms that it may wait; a longer wait is an error that says how long. */
  readonly patience: number;
  /** Behind others that wait. */
  readonly isBackground?: boolean;
  /** Calls a minute where the scope has less than all others. */
  readonly rations?: Readonly<Record<string, number>> | undefined;
}

interface Bucket {
  readonly limit: Limit;
  left: number;
  /** ms, of the last look. */
  at: number;
  heldUntil: number;
}

const mostBuckets = 5_000;
const urgent = 4;
const background = 8;

export class RateTiers {
  readonly #isOn: boolean;
  readonly #watch: RateWatch;
  readonly #buckets = new Map<string, Bucket>();
  /** By the key of the first bucket; only those in which somebody waits. */
  readonly #lines = new Map<string, Bottleneck>();
  /** Of those, who goes before whatever is in the background. */
  readonly #urgent = new Map<string, number>();
  readonly #end = new AbortController();

  constructor(options: RateTiersOptions = {}) {
    this.#isOn = options.isOn ?? true;
    this.#watch = options;
  }

  /** Undefined: go at once. Rejects where the wait would be longer than the draw has patience for. */
  enter(draw: Draw): Promise<void> | undefined {
    const limits = limitsOf(draw.method, draw.channel, draw.rations?.[draw.method]);
    const [first] = limits;
    if (first === undefined) return undefined;
    const line = this.#lines.get(keyOf(draw, first));
    const buckets = limits.map((limit) => this.#bucket(keyOf(draw, limit), limit));
    const wait = this.#waitFor(buckets, line === undefined ? 1 : this.#ahead(line, keyOf(draw, first), draw) + 1);
    if (wait === 0 && line === undefined) {
      this.#take(buckets);
      return undefined;
    }
    if (wait > draw.patience) return Promise.reject(busy(draw.method, wait));
    return this.#queue(keyOf(draw, first), buckets, draw);
  }

  /** Slack said 429 for this draw. */
  hold(draw: Pick<Draw, 'scope' | 'method' | 'channel' | 'rations'>, after: number): void {
    this.#watch.onLimited?.(draw.method, after);
    const [first] = limitsOf(draw.method, draw.channel, draw.rations?.[draw.method]);
    if (first === undefined) return;
    const bucket = this.#bucket(keyOf(draw, first), first);
    bucket.heldUntil = Math.max(bucket.heldUntil, performance.now() + after);
    // Slack counts otherwise than we did: not all of the burst at once when the wait is over.
    bucket.left = Math.min(bucket.left, Math.max(1, first.size / 4));
  }

  /** Calls that wait for their turn. */
  get waiting(): number {
    return [...this.#lines.values()].reduce((sum, line) => sum + jobsIn(line), 0);
  }

  async close(): Promise<void> {
    this.#end.abort();
    await Promise.all([...this.#lines.values()].map((line) => line.stop({ dropWaitingJobs: true }).catch(() => {})));
    this.#lines.clear();
  }

  /** Whose turn comes first: for what is urgent the one that is under way, and others that are. */
  #ahead(line: Bottleneck, key: string, { isBackground }: Draw): number {
    const all = jobsIn(line);
    return isBackground === true ? all : Math.min(all, (this.#urgent.get(key) ?? 0) + 1);
  }

  async #queue(key: string, buckets: readonly Bucket[], draw: Draw): Promise<void> {
    const since = performance.now();
    const line = this.#line(key);
    if (draw.isBackground !== true) this.#urgent.set(key, (this.#urgent.get(key) ?? 0) + 1);
    try {
      await line.schedule({ priority: draw.isBackground === true ? background : urgent }, () => this.#turn(buckets));
    } catch (cause) {
      throw new RetryableError('NETWORK_BUSY', `${draw.method} waited for its turn when the bridge stopped`, { cause });
    } finally {
      const left = (this.#urgent.get(key) ?? 1) - (draw.isBackground === true ? 0 : 1);
      if (left > 0) this.#urgent.set(key, left);
      else this.#urgent.delete(key);
    }
    this.#watch.onWaited?.(draw.method, performance.now() - since);
  }

  #line(key: string): Bottleneck {
    const known = this.#lines.get(key);
    if (known !== undefined) return known;
    const line = new Bottleneck({ maxConcurrent: 1 });
    line.on('idle', () => {
      if (this.#lines.get(key) === line) this.#lines.delete(key);
    });
    this.#lines.set(key, line);
    return line;
  }

  async #turn(buckets: readonly Bucket[]): Promise<void> {
    for (let wait = this.#waitFor(buckets, 1); wait > 0; wait = this.#waitFor(buckets, 1)) await sleep(wait, this.#end.signal);
    this.#take(buckets);
  }

  #waitFor(buckets: readonly Bucket[], count: number): number {
    const now = performance.now();
    return buckets.reduce((longest, bucket) => Math.max(longest, this.#waitOf(bucket, count, now)), 0);
  }

  #waitOf(bucket: Bucket, count: number, now: number): number {
    const { size, perMs } = bucket.limit;
    bucket.left = Math.min(size, bucket.left + (now - bucket.at) * perMs);
    bucket.at = now;
    const held = Math.max(0, bucket.heldUntil - now);
    if (!this.#isOn) return Math.ceil(held);
    return Math.ceil(Math.max(held, bucket.left >= count ? 0 : (count - bucket.left) / perMs));
  }

  #take(buckets: readonly Bucket[]): void {
    for (const bucket of buckets) bucket.left -= 1;
  }

  #bucket(key: string, limit: Limit): Bucket {
    const known = this.#buckets.get(key);
    if (known !== undefined) return known;
    if (this.#buckets.size >= mostBuckets) this.#forgetFull();
    const made = { limit, left: limit.size, at: performance.now(), heldUntil: 0 };
    this.#buckets.set(key, made);
    return made;
  }

  /** A full bucket is as good as none. */
  #forgetFull(): void {
    const now = performance.now();
    for (const [key, bucket] of this.#buckets) {
      if (now - bucket.at > bucket.limit.size / bucket.limit.perMs && bucket.heldUntil < now) this.#buckets.delete(key);
    }
  }
}

function jobsIn(line: Bottleneck): number {
  const { RECEIVED, QUEUED, RUNNING, EXECUTING } = line.counts();
  return RECEIVED + QUEUED + RUNNING + EXECUTING;
}

function keyOf({ scope }: Pick<Draw, 'scope'>, limit: Limit): string {
  return `${scope} ${limit.name}`;
}

function busy(method: string, after: number): RetryableError {
  return new RetryableError('NETWORK_BUSY', `Slack's limit for ${method} is reached`, { after });
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
