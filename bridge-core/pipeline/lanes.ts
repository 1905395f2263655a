// Ordered streams: one row at a time within a lane, lanes side by side. Decides when a failed row is tried again, parked or
// given up; how a row is delivered is `carry`'s business, what is said of a dead one `bury`'s.
//
// A row waits in its lane → is carried → is gone. A failure that may pass stops the lane, in order. A row that keeps failing
// while the other side serves others is parked: later rows of that speaker in that lane follow it, in order, and are tried in
// the background; everybody else goes on. A side that is down for all is no failure of a row: its lanes wait for it.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../adapter-tools.ts';
import { type BridgeError, messageOf, PermanentError, RetryableError, UnknownOutcomeError, UnreachableError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Journal } from './journal.ts';
import { Outages } from './outages.ts';
import { type Outcome, Parked } from './parked.ts';
import { type Row, speakerOfRow } from './row.ts';
import { type Timing, usualTiming } from './timing.ts';

export interface LaneParts {
  readonly journal: Journal;
  readonly store: Store;
  readonly log: Logger;
  /** Delivers and removes the row, or throws. */
  readonly carry: (row: Row) => Promise<void>;
  /** May set right what refused the row, once; true: try it again now. */
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
  /** The other side is away for long (then: back again), and rows of these lanes wait for it. */
  readonly outage?: (scope: string, isOver: boolean, lanes: readonly string[]) => void;
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
  running: boolean;
  /** Told to go on while it was running: it may just have begun to wait. */
  again: boolean;
  pause: NodeJS.Timeout | undefined;
  /** The head grows too old while the other side is away. */
  expiry: NodeJS.Timeout | undefined;
  readonly goOn: () => void;
}

const window = 200;
/** So many rows may be put aside in one turn of the loop. */
const turnRows = 64;
const longestTimer = 2 ** 31 - 1;

export class Lanes {
  readonly #parts: LaneParts;
  readonly #timing: Timing;
  readonly #outages: Outages;
  readonly #parked: Parked;
  readonly #lanes = new Map<string, Lane>();
  readonly #lastSuccess = new Map<string, number>();
  readonly #settled = new Map<number, (() => void)[]>();
  readonly #mended = new WeakSet<Row>();
  readonly #asking = new Map<string, Promise<boolean>>();
  #idleWaiters: (() => void)[] = [];
  #stopped = false;

  constructor(parts: LaneParts) {
    this.#parts = parts;
    this.#timing = parts.timing ?? usualTiming;
    this.#outages = new Outages({
      ...{ probe: parts.probe, every: this.#timing.probeEvery, tellAfter: this.#timing.tellAfter, log: parts.log },
      told: parts.outage ?? (() => {}),
    });
    this.#parked = new Parked({
      ...{ journal: parts.journal, store: parts.store, timing: this.#timing },
      attempt: (row) => this.#attempt(row, true),
      mustWait: (row, goOn) => this.#mustWait(row, goOn),
      rested: () => this.#tellIfIdle(),
      stumbled: (thrown) => parts.log.error({ err: thrown }, 'parked rows could not be read'),
    });
  }

  /** A row whose commit is made. */
  push(row: Row): void {
    const lane = this.#laneNamed(row.lane);
    lane.queue.push(lane.queue.length - lane.head < window ? row : row.seq);
    this.#start(lane);
  }

  /** A row of an earlier run; `start` when all are loaded. */
  load(seq: number, laneName: string, isParked: boolean): void {
    const row = isParked ? this.#parts.journal.read(seq) : undefined;
    if (row === undefined) this.#laneNamed(laneName).queue.push(seq);
    else this.#parked.load(row, laneName, speakerOfRow(row));
  }

  start(): void {
    this.#parked.start();
    for (const lane of this.#lanes.values()) this.#start(lane);
  }

  /** The other side is back: whoever waits for it goes on at once. */
  resume(scope: string): void {
    this.#outages.end(scope);
  }

  /** It said something, so it may be back: whoever waits for it tries. */
  heardFrom(scope: string): void {
    this.#outages.heardFrom(scope);
  }

  /** Resolves once the row is delivered, parked or given up; at once for one that waits in no lane. Rejects at a stop. */
  async settled(row: Pick<Row, 'seq' | 'lane'>): Promise<void> {
    if (this.#isQueued(row)) await this.#awaitSettled(row.seq);
    this.#mustRun();
  }

  /** Resolves once all that now waits in the lane is settled. Rejects at a stop: nobody knows then what becomes of it. */
  async passed(laneName: string): Promise<void> {
    const last = this.#lanes.get(laneName)?.queue.at(-1);
    if (last === undefined) return;
    await this.#awaitSettled(seqOf(last));
    this.#mustRun();
  }

  isParked(row: Pick<Row, 'seq'>): boolean {
    return this.#parked.has(row.seq);
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
    this.#parked.stop();
    for (const lane of this.#lanes.values()) {
      clearTimeout(lane.pause);
      clearTimeout(lane.expiry);
    }
    // What they wait for will not be tried any more, while they count as in flight.
    for (const seq of [...this.#settled.keys()]) this.#tellSettled(seq);
    if (this.#isBusy()) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  #laneNamed(name: string): Lane {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      const made: Lane = {
        ...{ name, queue: [], head: 0, running: false, again: false, pause: undefined, expiry: undefined },
        goOn: () => this.#start(made),
      };
      this.#lanes.set(name, made);
      lane = made;
    }
    return lane;
  }

  #start(lane: Lane): void {
    lane.again = lane.running;
    if (lane.running || this.#stopped || lane.pause !== undefined) return;
    lane.running = true;
    clearTimeout(lane.expiry);
    this.#run(lane)
      .catch((thrown) => {
        this.#parts.log.error({ lane: lane.name, err: thrown }, 'rows could not be read');
        this.#pause(lane, this.#timing.maxDelay);
      })
      .then(() => {
        lane.running = false;
        this.#tellIfIdle();
        if (lane.again) this.#start(lane);
        // Woken late it may have a successor of its name.
        else if (lane.head === lane.queue.length && this.#lanes.get(lane.name) === lane) this.#lanes.delete(lane.name);
      });
  }

  /** Until the lane is empty or has to wait. */
  async #run(lane: Lane): Promise<void> {
    for (let aside = 0; !this.#stopped && lane.head < lane.queue.length; ) {
      const row = this.#headOf(lane);
      if (row === undefined) {
        this.#shift(lane);
        continue;
      }
      const speaker = speakerOfRow(row);
      if (this.#parked.holds(lane.name, speaker)) {
        this.#park(row, lane, speaker);
        aside += 1;
        if (aside % turnRows === 0) await nextTurn();
        continue;
      }
      if (this.#mustWait(row, lane.goOn)) {
        if (!row.progress.revived) lane.expiry = setTimeout(lane.goOn, Math.min(longestTimer, this.#ageLeft(row) + 1));
        return;
      }
      const outcome = await this.#attempt(row, false);
      if (outcome === 'gone' || outcome === 'moved') {
        this.#shift(lane);
      } else if (typeof outcome === 'object') {
        if (outcome.park === undefined) return this.#pause(lane, Math.min(outcome.after, Math.max(0, this.#ageLeft(row)) + 1));
        this.#park(row, lane, speaker, outcome.after);
      }
    }
  }

  #park(row: Row, lane: Lane, speaker: string, after = 0): void {
    this.#parked.hold(row, lane.name, speaker, after);
    this.#shift(lane);
  }

  #ageLeft(row: Row): number {
    return row.progress.revived ? Number.POSITIVE_INFINITY : row.at + this.#parts.age - Date.now();
  }

  /** What grew too old need not wait for the other side to be told so. */
  #mustWait(row: Row, goOn: () => void): boolean {
    return this.#outages.isAny && this.#ageLeft(row) >= 0 && this.#outages.await(this.#parts.scopeOf(row), row.lane, goOn);
  }

  async #attempt(row: Row, isParked: boolean): Promise<Outcome> {
    try {
      if (this.#ageLeft(row) < 0) throw new PermanentError('TOO_OLD', row.error ?? 'the other side was away for too long');
      await this.#parts.carry(row);
    } catch (thrown) {
      if (this.#stopped) return { after: 1 };
      if (thrown instanceof BehindParked) return this.#parked.putBehind(row, thrown.target.seq) ? 'moved' : { after: 1 };
      const error = thrown instanceof RetryableError || thrown instanceof PermanentError ? thrown : this.#defect(row, thrown);
      return error instanceof RetryableError ? await this.#failedForNow(row, error, isParked) : await this.#refused(row, error);
    }
    const scope = this.#parts.scopeOf(row);
    this.#lastSuccess.set(scope, Date.now());
    if (this.#outages.isAny) this.#outages.end(scope);
    this.#parts.delivered(row);
    return 'gone';
  }

  async #failedForNow(row: Row, error: RetryableError, isParked: boolean): Promise<Outcome> {
    const scope = this.#parts.scopeOf(row);
    // One session that lost its connection is not the whole network.
    if (error instanceof UnreachableError && (this.#outages.isOpen(scope) || !(await this.#answers(scope)))) {
      return this.#beginOutage(scope, error);
    }
    const now = Date.now();
    if (error instanceof UnknownOutcomeError) row.unknownSince = now;
    if (row.failingSince === 0) {
      row.failingSince = now;
      row.tries = 0;
    }
    row.tries += 1;
    row.attempts += 1;
    row.error = error.message;
    this.#parts.store.writeSoon(() => this.#parts.journal.save(row));
    this.#parts.log.warn({ seq: row.seq, tries: row.attempts, code: error.code, why: error.message }, 'not delivered yet');
    const backoff = Math.min(this.#timing.maxDelay, this.#timing.firstDelay * 2 ** (row.tries - 1));
    const after = error.after ?? backoff * (0.75 + Math.random() / 2);
    if (isParked || (row.tries < this.#timing.parkTries && now - row.failingSince < this.#timing.parkAfter)) return { after };
    const servesOthers = (this.#lastSuccess.get(scope) ?? 0) > row.failingSince || (await this.#answers(scope));
    row.failingSince = 0;
    if (servesOthers) return { after: error.after ?? 0, park: true };
    // Down for all: none of these was a try.
    return this.#beginOutage(scope, error);
  }

  #beginOutage(scope: string, error: RetryableError): 'outage' {
    if (!this.#stopped) this.#outages.begin(scope, error);
    return 'outage';
  }

  /** Asked once for all who wonder at the time. */
  #answers(scope: string): Promise<boolean> {
    const asked = this.#asking.get(scope);
    if (asked !== undefined) return asked;
    const asking = this.#parts
      .probe(scope)
      .catch(() => false)
      .finally(() => this.#asking.delete(scope));
    this.#asking.set(scope, asking);
    return asking;
  }

  async #refused(row: Row, error: PermanentError): Promise<Outcome> {
    if (!this.#mended.has(row)) {
      this.#mended.add(row);
      if (await this.#parts.mend(row, error).catch(() => false)) return 'again';
    }
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
    const gone = lane.queue[lane.head];
    lane.queue[lane.head] = 0;
    lane.head += 1;
    if (lane.head >= 1_000 || lane.head === lane.queue.length) {
      lane.queue.splice(0, lane.head);
      lane.head = 0;
    }
    if (gone !== undefined && this.#settled.size > 0) this.#tellSettled(seqOf(gone));
  }

  #pause(lane: Lane, ms: number): void {
    lane.pause = setTimeout(
      () => {
        lane.pause = undefined;
        this.#start(lane);
      },
      Math.min(longestTimer, ms),
    );
  }

  #isQueued({ seq, lane: name }: Pick<Row, 'seq' | 'lane'>): boolean {
    const lane = this.#lanes.get(name);
    return lane?.queue.some((waiting, at) => at >= lane.head && seqOf(waiting) === seq) ?? false;
  }

  #mustRun(): void {
    if (this.#stopped) throw new RetryableError('NOT_RUNNING', 'the bridge is stopping');
  }

  #awaitSettled(seq: number): Promise<void> {
    // Nothing is tried any more, and who began to wait before was told so.
    if (this.#stopped) return Promise.resolve();
    return new Promise<void>((resolve) => {
      const waiters = this.#settled.get(seq);
      if (waiters === undefined) this.#settled.set(seq, [resolve]);
      else waiters.push(resolve);
    });
  }

  #tellSettled(seq: number): void {
    const waiters = this.#settled.get(seq);
    this.#settled.delete(seq);
    for (const resolve of waiters ?? []) resolve();
  }

  #isBusy(): boolean {
    for (const lane of this.#lanes.values()) if (lane.running) return true;
    return this.#parked.isBusy;
  }

  #tellIfIdle(): void {
    if (this.#idleWaiters.length === 0 || this.#isBusy()) return;
    for (const resolve of this.#idleWaiters) resolve();
    this.#idleWaiters = [];
  }
}

const seqOf = (row: Row | number): number => (typeof row === 'number' ? row : row.seq);
