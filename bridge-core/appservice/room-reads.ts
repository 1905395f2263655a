// Rooms whose history is to be read: a few at once, and first those that a transaction waits for. What is read and what becomes
// of it is catch-up.ts'.

import { PermanentError, RetryableError, UnreachableError } from '../errors.ts';
import type { RoomId } from '../ids.ts';

export interface Wanted {
  readonly room: RoomId;
  /** ms. */
  readonly since: number;
  /** Newer things of the room went past while it was read. */
  isOvertaken: boolean;
  failures: number;
  /** How many rooms had been read when it failed first. */
  readBefore?: number;
}

export interface RoomReadsParts {
  readonly read: (wanted: Wanted) => Promise<void>;
  /** It will not be read. */
  readonly skipped: (room: RoomId, thrown: unknown) => void;
  /** It is tried again after a pause. */
  readonly failed: (thrown: unknown) => void;
  /** Nothing is left to be read. */
  readonly done: () => void;
  /** ms between a failure and the next try. */
  readonly pause?: number;
}

/** At once, where somebody waits. */
const mostAtOnce = 8;
/** A room that fails so often while others can be read is let go. */
const mostFailures = 3;
/** Or so often where none can, which says little of the room: ten minutes of a homeserver that answers amiss. */
const mostAlone = 40;

interface Waiter {
  readonly rooms: Set<RoomId>;
  readonly go: () => void;
}

export class RoomReads {
  readonly #parts: RoomReadsParts;
  readonly #waiting = new Map<RoomId, Wanted>();
  readonly #underWay = new Map<RoomId, Wanted>();
  #waiters: Waiter[] = [];
  #atOnce = mostAtOnce;
  #readSoFar = 0;
  #pause: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(parts: RoomReadsParts) {
    this.#parts = parts;
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#underWay.size === 0;
  }

  /** In this order, but for rooms that wait already: those are read from the earlier time. */
  start(rooms: Iterable<readonly [room: RoomId, since: number]>, atOnce = mostAtOnce): void {
    for (const [room, since] of rooms) {
      const before = this.#waiting.get(room);
      this.#waiting.set(room, {
        room,
        since: Math.min(since, before?.since ?? since),
        isOvertaken: false,
        failures: before?.failures ?? 0,
        ...(before?.readBefore !== undefined && { readBefore: before.readBefore }),
      });
    }
    this.#atOnce = atOnce;
    this.#goOn();
  }

  /** Until none of the rooms is still to be read, or reading fails. No longer than so many ms: then they are overtaken. */
  async wait(rooms: Iterable<RoomId>, patience: number): Promise<void> {
    const left = new Set<RoomId>();
    for (const room of rooms) if (this.#waiting.has(room) || this.#underWay.has(room)) left.add(room);
    if (left.size === 0) return;
    if (this.#pause === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiters.push({ rooms: left, go: resolve });
      this.#run();
      const timer = setTimeout(resolve, patience);
      await promise;
      clearTimeout(timer);
      this.#waiters = this.#waiters.filter(({ go }) => go !== resolve);
    }
    for (const room of left) {
      const wanted = this.#underWay.get(room);
      if (wanted !== undefined) wanted.isOvertaken = true;
    }
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#pause);
    this.#waiting.clear();
    this.#releaseAll();
  }

  #goOn(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#run();
  }

  #run(): void {
    for (;;) {
      const next = this.#next();
      if (next === undefined) return;
      this.#waiting.delete(next.room);
      this.#underWay.set(next.room, next);
      void this.#read(next);
    }
  }

  #next(): Wanted | undefined {
    if (this.#pause !== undefined || this.#isStopped || this.#underWay.size >= mostAtOnce) return undefined;
    const isFree = ({ room }: Wanted) => !this.#underWay.has(room);
    for (const { rooms } of this.#waiters)
      for (const room of rooms) {
        const wanted = this.#waiting.get(room);
        if (wanted !== undefined && isFree(wanted)) return wanted;
      }
    return this.#underWay.size < this.#atOnce ? this.#waiting.values().find(isFree) : undefined;
  }

  async #read(wanted: Wanted): Promise<void> {
    try {
      await this.#parts.read(wanted);
      this.#readSoFar += 1;
      this.#underWay.delete(wanted.room);
    } catch (thrown) {
      this.#underWay.delete(wanted.room);
      this.#judge(wanted, thrown);
    }
    if (this.#isStopped) return;
    if (!this.#waiting.has(wanted.room)) this.#release(wanted.room);
    this.#run();
    if (this.isIdle) this.#parts.done();
  }

  #judge(wanted: Wanted, thrown: unknown): void {
    if (this.#isStopped) return;
    // A homeserver that is away, or has too much to do, says nothing of the room, nor does our own disk.
    if (!isOfAll(thrown)) wanted.failures += 1;
    wanted.readBefore ??= this.#readSoFar;
    const most = this.#readSoFar > wanted.readBefore ? mostFailures : mostAlone;
    if (thrown instanceof PermanentError || wanted.failures >= most) {
      this.#parts.skipped(wanted.room, thrown);
      return;
    }
    if (!this.#waiting.has(wanted.room)) this.#waiting.set(wanted.room, wanted);
    this.#parts.failed(thrown);
    this.#releaseAll();
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#goOn(), this.#parts.pause ?? 15_000);
    this.#pause.unref();
  }

  #release(room: RoomId): void {
    for (const { rooms, go } of this.#waiters) if (rooms.delete(room) && rooms.size === 0) go();
  }

  #releaseAll(): void {
    for (const { go } of this.#waiters.splice(0)) go();
  }
}

const isOfAll = (thrown: unknown): boolean =>
  thrown instanceof UnreachableError ||
  (thrown instanceof RetryableError && (thrown.code === 'HOMESERVER_BUSY' || thrown.code === 'STORE_BROKEN'));
