// Ordered streams: one row at a time within a lane, lanes side by side. Decides when a failed row is tried again, parked or
// given up; how a row is delivered is `carry`'s business, what is said of a dead one `bury`'s.
//
// A row waits in its lane → is carried → is gone. A failure that may pass stops the lane, in order. A row that keeps failing
// while the other side serves others is parked: later rows of that speaker in that lane follow it, in order, and are tried in
// the background; everybody else goes on. A side that is down for all is no failure of a row: its lanes wait for it.

import type { Logger } from '../adapter.ts';
import { type BridgeError, messageOf, PermanentError, RetryableError, UnknownOutcomeError, UnreachableError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Journal } from './journal.ts';
import { Outages } from './outages.ts';
import { type Row, speakerOfRow, states } from './row.ts';

/** All in ms but `parkTries`. */
export interface Timing {
  readonly firstDelay: number;
  readonly maxDelay: number;
  readonly parkTries: number;
  readonly parkAfter: number;
  readonly probeEvery: number;
  readonly parkedFirst: number;
  readonly parkedMax: number;
}

export const usualTiming: Timing = {
  firstDelay: 250,
  maxDelay: 30_000,
  parkTries: 5,
  parkAfter: 15_000,
  probeEvery: 5_000,
  parkedFirst: 5_000,
  parkedMax: 300_000,
};

export interface LaneParts {
  readonly journal: Journal;
  readonly store: Store;
  readonly log: Logger;
  /** Delivers and removes the row, or throws. */
  readonly carry: (row: Row) => Promise<void>;
  /** May set right what refused the row; true: try once more now. */
  readonly mend: (row: Row, error: PermanentError) => Promise<boolean>;
  /** The row is given up: marks it dead and tells whom it concerns. */
  readonly bury: (row: Row, error: BridgeError) => Promise<void>;
  /** Rows of one scope share a fate when the other side is away: the homeserver, or one network. */
  readonly scopeOf: (row: Row) => string;
  /** Does the other side answer at all? */
  readonly probe: (scope: string) => Promise<boolean>;
  /** How long a row may wait, ms. */
  readonly age: number;
  readonly delivered: (row: Row) => void;
  readonly timing?: Timing;
}

/** Thrown by `carry` for a row that points at a parked one: it is parked behind that. */
export class BehindParked extends Error {
  readonly target: Row;
  constructor(target: Row) {
    super('points at a parked row');
    this.target = target;
  }
}

interface Lane {
  readonly name: string;
  /** Rows near the head; bare numbers beyond the window, read when their turn comes. */
  readonly queue: (Row | number)[];
  head: number;
  readonly parked: Map<string, Chain>;
  running: boolean;
  pause: NodeJS.Timeout | undefined;
  readonly goOn: () => void;
}

/** Parked rows of one speaker in one lane, oldest first. */
interface Chain {
  readonly rows: Row[];
  delay: number;
  timer: NodeJS.Timeout | undefined;
  running: boolean;
}

type Outcome = 'gone' | 'park' | 'moved' | 'outage' | { readonly after: number };

const window = 200;

export class Lanes {
  readonly #parts: LaneParts;
  readonly #timing: Timing;
  readonly #outages: Outages;
  readonly #lanes = new Map<string, Lane>();
  readonly #lastSuccess = new Map<string, number>();
  readonly #settled = new Map<number, (() => void)[]>();
  #idleWaiters: (() => void)[] = [];
  #stopped = false;

  constructor(parts: LaneParts) {
    this.#parts = parts;
    this.#timing = parts.timing ?? usualTiming;
    this.#outages = new Outages({ probe: parts.probe, every: this.#timing.probeEvery, log: parts.log });
  }

  /** A row whose commit is made. */
  push(row: Row): void {
    const lane = this.#laneNamed(row.lane);
    lane.queue.push(lane.queue.length - lane.head < window ? row : row.seq);
    this.#start(lane);
  }

  /** A row of an earlier run; `start` when all are loaded. */
  load(seq: number, laneName: string, isParked: boolean): void {
    const lane = this.#laneNamed(laneName);
    const row = isParked ? this.#parts.journal.read(seq) : undefined;
    if (row === undefined) lane.queue.push(seq);
    else this.#chainOf(lane, speakerOfRow(row)).rows.push(row);
  }

  start(): void {
    for (const lane of this.#lanes.values()) {
      for (const [speaker, chain] of lane.parked) this.#retryLater(lane, speaker, chain);
      this.#start(lane);
    }
  }

  /** The other side was heard from: whoever waits for it goes on at once. */
  resume(scope: string): void {
    this.#outages.end(scope);
  }

  /** Resolves once the row is delivered, parked or given up. */
  settled(row: Pick<Row, 'seq'>): Promise<void> {
    return new Promise((resolve) => {
      const waiters = this.#settled.get(row.seq);
      if (waiters === undefined) this.#settled.set(row.seq, [resolve]);
      else waiters.push(resolve);
    });
  }

  /** Resolves once all that now waits in the lane is settled. */
  async passed(laneName: string): Promise<void> {
    const last = this.#lanes.get(laneName)?.queue.at(-1);
    if (last !== undefined) await this.settled(typeof last === 'number' ? { seq: last } : last);
  }

  /** Rows not yet tried to an end, parked ones aside; of one lane, or of all. */
  waiting(laneName?: string): number {
    if (laneName !== undefined) {
      const lane = this.#lanes.get(laneName);
      return lane === undefined ? 0 : lane.queue.length - lane.head;
    }
    let count = 0;
    for (const lane of this.#lanes.values()) count += lane.queue.length - lane.head;
    return count;
  }

  /** Takes nothing up any more; resolves when nothing is in flight. What waits is in the journal. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#outages.close();
    for (const lane of this.#lanes.values()) {
      clearTimeout(lane.pause);
      for (const chain of lane.parked.values()) clearTimeout(chain.timer);
    }
    if (this.#isBusy()) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  #laneNamed(name: string): Lane {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      const made: Lane = { name, queue: [], head: 0, parked: new Map(), running: false, pause: undefined, goOn: () => this.#start(made) };
      this.#lanes.set(name, made);
      lane = made;
    }
    return lane;
  }

  #start(lane: Lane): void {
    if (lane.running || this.#stopped || lane.pause !== undefined) return;
    lane.running = true;
    void this.#run(lane).then((ended) => {
      lane.running = false;
      this.#tellIfIdle();
      if (ended === 'empty' && lane.head < lane.queue.length) this.#start(lane);
      else if (ended === 'empty' && lane.parked.size === 0) this.#lanes.delete(lane.name);
    });
  }

  async #run(lane: Lane): Promise<'empty' | 'waits'> {
    while (!this.#stopped) {
      if (lane.head === lane.queue.length) return 'empty';
      const row = this.#headOf(lane);
      if (row === undefined) {
        this.#shift(lane);
        continue;
      }
      const speaker = speakerOfRow(row);
      const chain = speaker === '' ? undefined : lane.parked.get(speaker);
      if (chain === undefined && this.#outages.await(this.#parts.scopeOf(row), lane.goOn)) return 'waits';
      const outcome = chain === undefined ? await this.#attempt(row) : 'park';
      if (outcome === 'outage') continue;
      if (typeof outcome === 'object') {
        if (outcome.after === 0) continue;
        this.#pause(lane, outcome.after);
        return 'waits';
      }
      this.#shift(lane);
      if (outcome === 'park') this.#park(row, lane);
      this.#tellSettled(row);
    }
    return 'waits';
  }

  async #attempt(row: Row): Promise<Outcome> {
    try {
      if (!row.progress.revived && Date.now() - row.at > this.#parts.age) {
        throw new PermanentError('TOO_OLD', row.error ?? 'the other side was away for too long');
      }
      await this.#parts.carry(row);
      this.#lastSuccess.set(this.#parts.scopeOf(row), Date.now());
      this.#parts.delivered(row);
      return 'gone';
    } catch (thrown) {
      if (thrown instanceof BehindParked) {
        this.#park(row, this.#laneNamed(thrown.target.lane), speakerOfRow(thrown.target));
        return 'moved';
      }
      if (this.#stopped) return { after: 1 };
      const error = thrown instanceof RetryableError || thrown instanceof PermanentError ? thrown : this.#defect(row, thrown);
      return error instanceof RetryableError ? await this.#failedForNow(row, error) : await this.#refused(row, error);
    }
  }

  async #failedForNow(row: Row, error: RetryableError): Promise<Outcome> {
    const scope = this.#parts.scopeOf(row);
    if (error instanceof UnreachableError) {
      this.#outages.begin(scope, error);
      return 'outage';
    }
    if (error instanceof UnknownOutcomeError) row.unknownSince = Date.now();
    const now = Date.now();
    if (row.failingSince === 0) row.failingSince = now;
    row.attempts += 1;
    row.error = error.message;
    this.#parts.store.writeSoon(() => this.#parts.journal.save(row));
    this.#parts.log.warn({ seq: row.seq, tries: row.attempts, code: error.code, why: error.message }, 'not delivered yet');
    if (row.attempts >= this.#timing.parkTries || now - row.failingSince >= this.#timing.parkAfter) {
      const servesOthers = (this.#lastSuccess.get(scope) ?? 0) > row.failingSince || (await this.#parts.probe(scope).catch(() => false));
      if (servesOthers) return 'park';
      this.#outages.begin(scope, error);
      return 'outage';
    }
    const backoff = Math.min(this.#timing.maxDelay, this.#timing.firstDelay * 2 ** (row.attempts - 1));
    return { after: error.after ?? backoff * (0.75 + Math.random() / 2) };
  }

  async #refused(row: Row, error: PermanentError): Promise<Outcome> {
    if (await this.#parts.mend(row, error).catch(() => false)) return { after: 0 };
    row.error = error.message;
    try {
      await this.#parts.bury(row, error);
      return 'gone';
    } catch (thrown) {
      this.#parts.log.error({ seq: row.seq, err: thrown }, 'cannot mark a row as dead');
      return { after: this.#timing.maxDelay };
    }
  }

  #defect(row: Row, thrown: unknown): PermanentError {
    this.#parts.log.error({ seq: row.seq, err: thrown }, 'defect while delivering');
    return new PermanentError('DEFECT', messageOf(thrown), thrown);
  }

  #headOf(lane: Lane): Row | undefined {
    const head = lane.queue[lane.head];
    if (typeof head !== 'number') return head;
    const row = this.#parts.journal.read(head);
    if (row !== undefined) lane.queue[lane.head] = row;
    return row;
  }

  #shift(lane: Lane): void {
    lane.queue[lane.head] = 0;
    lane.head += 1;
    if (lane.head < 1_000 && lane.head < lane.queue.length) return;
    lane.queue.splice(0, lane.head);
    lane.head = 0;
  }

  #pause(lane: Lane, ms: number): void {
    lane.pause = setTimeout(() => {
      lane.pause = undefined;
      this.#start(lane);
    }, ms);
  }

  #chainOf(lane: Lane, speaker: string): Chain {
    let chain = lane.parked.get(speaker);
    if (chain === undefined) {
      chain = { rows: [], delay: this.#timing.parkedFirst, timer: undefined, running: false };
      lane.parked.set(speaker, chain);
    }
    return chain;
  }

  #park(row: Row, lane: Lane, speaker = speakerOfRow(row)): void {
    const chain = this.#chainOf(lane, speaker);
    chain.rows.push(row);
    row.state = states.parked;
    this.#parts.store.writeSoon(() => this.#parts.journal.save(row));
    if (!chain.running && chain.timer === undefined) this.#retryLater(lane, speaker, chain);
  }

  #retryLater(lane: Lane, speaker: string, chain: Chain): void {
    if (this.#stopped) return;
    chain.timer = setTimeout(() => {
      chain.timer = undefined;
      chain.running = true;
      void this.#retry(lane, speaker, chain).finally(() => {
        chain.running = false;
        this.#tellIfIdle();
        if (lane.parked.has(speaker)) this.#retryLater(lane, speaker, chain);
      });
    }, chain.delay);
    chain.delay = Math.min(this.#timing.parkedMax, chain.delay * 2);
  }

  async #retry(lane: Lane, speaker: string, chain: Chain): Promise<void> {
    for (let row = chain.rows[0]; row !== undefined && !this.#stopped; row = chain.rows[0]) {
      row.failingSince = 0;
      const outcome = await this.#attempt(row);
      if (typeof outcome === 'object' && outcome.after === 0) continue;
      if (outcome !== 'gone' && outcome !== 'moved') return;
      chain.rows.shift();
      chain.delay = this.#timing.parkedFirst;
    }
    if (chain.rows.length === 0) lane.parked.delete(speaker);
  }

  #tellSettled(row: Row): void {
    const waiters = this.#settled.get(row.seq);
    if (waiters === undefined) return;
    this.#settled.delete(row.seq);
    for (const resolve of waiters) resolve();
  }

  #isBusy(): boolean {
    for (const lane of this.#lanes.values()) {
      if (lane.running) return true;
      for (const chain of lane.parked.values()) if (chain.running) return true;
    }
    return false;
  }

  #tellIfIdle(): void {
    if (this.#idleWaiters.length === 0 || this.#isBusy()) return;
    for (const resolve of this.#idleWaiters) resolve();
    this.#idleWaiters = [];
  }
}
