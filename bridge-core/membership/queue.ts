// Ghosts' joins and leaves that nobody waits for: in order within a room, at a set rate over all, tried again for a while,
// bounded. Holds one wish for each ghost and room, the latest; what the wish follows from is sync's.

import Bottleneck from 'bottleneck';
import type { Logger } from '../adapter-tools.ts';
import { messageOf, RetryableError, UnreachableError } from '../errors.ts';
import type { RoomId, UserId } from '../ids.ts';
import type { RemoteUser } from '../remote-event.ts';
import type { Enter } from '../virtual-users/ghosts.ts';

export interface Change {
  readonly room: RoomId;
  readonly ghost: UserId;
  readonly want: 'join' | 'leave';
  /** Whom the ghost stands for: of joins. */
  readonly person?: RemoteUser;
  readonly reason?: string;
  /** Of leaves: nothing on the network wants it. It goes behind all else, and whatever does takes its place. */
  readonly ifSilent?: boolean;
}

interface Entry extends Change {
  readonly since: number;
  notBefore: number;
  attempts: number;
  /** Waits for what is under way in the room; nobody knows how long. */
  held: boolean;
}

export interface QueueParts {
  readonly perSecond: number;
  readonly atOnce: number;
  readonly maxQueued: number;
  readonly log: Logger;
  /** Does it. Throws what tells whether to try again. */
  readonly act: (change: Change) => Promise<void>;
  readonly isIn: (room: RoomId, ghost: UserId) => boolean;
  /** Resolves when nothing of the network waits for the room any more; what is parked does not count. */
  readonly settled?: (room: RoomId, ghost: UserId) => Promise<void>;
  readonly onDepth?: (depth: number) => void;
  /** Nothing waits any more, after something had to be dropped: time to compare anew. */
  readonly onRoom?: () => void;
  /** ms after which a wish is given up, however often it was tried. */
  readonly maxAge?: number;
  readonly maxAttempts?: number;
}

const longestPause = 5 * 60_000;

export class MembershipQueue {
  readonly #parts: QueueParts;
  readonly #maxAge: number;
  readonly #maxAttempts: number;
  readonly #limiter: Bottleneck;
  /** Maps keep the order in which wishes came. */
  readonly #rooms = new Map<RoomId, Map<UserId, Entry>>();
  readonly #underWay = new Map<RoomId, Entry>();
  /** Rooms that have asked for their turn. */
  readonly #asking = new Set<RoomId>();
  readonly #timers = new Map<RoomId, NodeJS.Timeout>();
  #depth = 0;
  /** A 429 holds back even who speaks; a homeserver that is away only what nobody waits for. */
  #busyUntil = 0;
  #awayUntil = 0;
  #hasDropped = false;
  #stopped = false;

  constructor(parts: QueueParts) {
    this.#parts = parts;
    this.#maxAge = parts.maxAge ?? 30 * 60_000;
    this.#maxAttempts = parts.maxAttempts ?? 10;
    this.#limiter = new Bottleneck({ minTime: 1000 / parts.perSecond, maxConcurrent: parts.atOnce });
  }

  get depth(): number {
    return this.#depth;
  }

  join(room: RoomId, ghost: UserId, person: RemoteUser): void {
    this.#want({ room, ghost, want: 'join', person });
  }

  /** `after` ms, and after the ghost's own waiting lines. A join or `stay` meanwhile undoes it. */
  leave(room: RoomId, ghost: UserId, given: { reason?: string | undefined; after?: number; ifSilent?: boolean } = {}): void {
    const { reason, ifSilent = false } = given;
    this.#want({ room, ghost, want: 'leave', ...(reason !== undefined && { reason }), ...(ifSilent && { ifSilent }) }, given.after);
  }

  isLeaving(room: RoomId, ghost: UserId): boolean {
    const ahead = this.#underWay.get(room);
    return (ahead?.ghost === ghost ? ahead : this.#find(room, ghost))?.want === 'leave';
  }

  /** They are back: a leave that waits is given up. */
  stay(room: RoomId, ghost: UserId): void {
    if (this.#find(room, ghost)?.want === 'leave') this.#take(room, ghost);
  }

  /** For a ghost that speaks: its own join instead of the one that waits here, past the rate, but never past a 429. Does not
   *  wait for a join that is under way: that one may be waiting for the caller's. */
  readonly promote: Enter = async (room, ghost, join) => {
    if (this.#find(room, ghost)?.want === 'join') this.#take(room, ghost);
    const wait = this.#busyUntil - Date.now();
    if (wait > 0) throw new RetryableError('HOMESERVER_BUSY', 'the homeserver lets nobody join for now', { after: wait });
    try {
      await join();
      this.#awayUntil = 0;
    } catch (thrown) {
      this.#heed(thrown);
      throw thrown;
    }
  };

  /** Drops what waits (it follows from what is known, and is computed anew after a start) and ends what is under way. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#rooms.clear();
    this.#count(-this.#depth);
    await this.#limiter.stop({ dropWaitingJobs: true });
    await this.#limiter.disconnect();
  }

  #want(change: Change, after = 0): void {
    if (this.#stopped) return;
    const { room, ghost } = change;
    const waiting = this.#find(room, ghost);
    const isLeave = change.want === 'leave';
    const willBeIn = this.#willBeIn(room, ghost);
    // What waits in the room may bring in who is to leave, or put out who is to be there: kicked, and back at once.
    const held = (isLeave || willBeIn) && this.#parts.settled !== undefined;
    if (!isLeave && willBeIn && !held) return void this.#take(room, ghost);
    if (waiting?.want === change.want && (waiting.ifSilent !== true || change.ifSilent === true)) return;
    this.#take(room, ghost);
    if (!this.#makeRoom(change)) return;
    const now = Date.now();
    if (isLeave && !held && !willBeIn) return;
    const entry: Entry = { ...change, since: now + after, notBefore: now + after, attempts: 0, held };
    const wishes = this.#rooms.get(room) ?? new Map<UserId, Entry>();
    this.#rooms.set(room, wishes.set(ghost, entry));
    this.#count(1);
    if (held) void this.#release(entry);
    this.#next(room);
  }

  async #release(entry: Entry): Promise<void> {
    try {
      await this.#parts.settled?.(entry.room, entry.ghost);
    } catch {
      // At a stop, after which nobody comes or goes.
    } finally {
      entry.held = false;
      const { room, ghost } = entry;
      if (this.#find(room, ghost) === entry && this.#willBeIn(room, ghost) === (entry.want === 'join')) this.#take(room, ghost);
      this.#next(room);
    }
  }

  /** Once what is under way is done. */
  #willBeIn(room: RoomId, ghost: UserId): boolean {
    const ahead = this.#underWay.get(room);
    return ahead?.ghost === ghost ? ahead.want === 'join' : this.#parts.isIn(room, ghost);
  }

  /** A leave is worth more than a join: who speaks comes in anyhow, who is gone would stay for ever. */
  #makeRoom(change: Change): boolean {
    if (this.#depth < this.#parts.maxQueued) return true;
    if (change.ifSilent === true) return false;
    this.#hasDropped = true;
    if (change.want === 'leave')
      for (const [room, wishes] of this.#rooms)
        for (const [ghost, { want }] of wishes)
          if (want === 'join') {
            this.#take(room, ghost);
            return true;
          }
    this.#parts.log.warn({ room: change.room, ghost: change.ghost, want: change.want }, 'the membership queue is full');
    return false;
  }

  #find(room: RoomId, ghost: UserId): Entry | undefined {
    return this.#rooms.get(room)?.get(ghost);
  }

  #take(room: RoomId, ghost: UserId): void {
    const wishes = this.#rooms.get(room);
    if (!wishes?.delete(ghost)) return;
    if (wishes.size === 0) this.#rooms.delete(room);
    this.#count(-1);
  }

  #count(by: number): void {
    if (by === 0) return;
    this.#depth += by;
    this.#parts.onDepth?.(this.#depth);
    if (this.#depth > 0 || !this.#hasDropped || this.#stopped) return;
    this.#hasDropped = false;
    this.#parts.onRoom?.();
  }

  /** At most one of a room has its turn at a time; which one it is, is decided when the turn has come. */
  #next(room: RoomId): void {
    if (this.#stopped || this.#timers.has(room) || this.#asking.has(room)) return;
    const earliest = this.#earliest(room);
    if (earliest === undefined) return;
    const wait = Math.max(earliest, this.#busyUntil, this.#awayUntil) - Date.now();
    if (wait > 0) {
      this.#timers.set(
        room,
        setTimeout(() => this.#wake(room), wait),
      );
      return;
    }
    this.#asking.add(room);
    this.#limiter
      .schedule(() => this.#carry(room))
      .catch((thrown) => {
        if (!this.#stopped) this.#parts.log.error({ room, err: thrown }, 'the membership queue failed');
      })
      .finally(() => {
        this.#asking.delete(room);
        this.#underWay.delete(room);
        this.#next(room);
      });
  }

  /** When one of the room may have its turn; undefined: none waits for a time. */
  #earliest(room: RoomId): number | undefined {
    const now = Date.now();
    let earliest: number | undefined;
    for (const { held, notBefore } of this.#rooms.get(room)?.values() ?? []) {
      if (held) continue;
      if (notBefore <= now) return notBefore;
      earliest = Math.min(notBefore, earliest ?? notBefore);
    }
    return earliest;
  }

  #wake(room: RoomId): void {
    this.#timers.delete(room);
    this.#next(room);
  }

  async #carry(room: RoomId): Promise<void> {
    const now = Date.now();
    if (now < Math.max(this.#busyUntil, this.#awayUntil)) return;
    const due = () => this.#rooms.get(room)?.values();
    const isDue = ({ held, notBefore }: Entry) => !held && notBefore <= now;
    const entry = due()?.find((each) => isDue(each) && each.ifSilent !== true) ?? due()?.find(isDue);
    if (entry === undefined) return;
    this.#underWay.set(room, entry);
    this.#take(room, entry.ghost);
    // A leave waited for lines that may have brought the ghost in, or for none: only now is it known whether it is there.
    if ((entry.want === 'join') === this.#parts.isIn(room, entry.ghost)) return;
    try {
      await this.#parts.act(entry);
    } catch (thrown) {
      this.#heed(thrown);
      this.#again(entry, thrown);
    }
  }

  /** The homeserver told all of us to wait. */
  #heed(thrown: unknown): void {
    const now = Date.now();
    if (thrown instanceof UnreachableError) this.#awayUntil = Math.max(this.#awayUntil, now + (thrown.after ?? 5000));
    else if (isBusy(thrown)) this.#busyUntil = Math.max(this.#busyUntil, now + (thrown.after ?? 1000));
  }

  #again(entry: Entry, thrown: unknown): void {
    if (!(thrown instanceof UnreachableError) && !isBusy(thrown)) entry.attempts += 1;
    const isOver = entry.attempts >= this.#maxAttempts || Date.now() - entry.since > this.#maxAge;
    const { room, ghost, want } = entry;
    if (isOver || !(thrown instanceof RetryableError)) {
      this.#parts.log.info({ room, ghost, want, why: messageOf(thrown) }, `a ghost’s ${want} was given up`);
      return;
    }
    // What was wished meanwhile is newer. Otherwise it goes to the end, and the room's others go on.
    if (this.#find(room, ghost) !== undefined || this.#stopped) return;
    entry.notBefore = Date.now() + (thrown.after ?? Math.min(longestPause, 500 * 2 ** entry.attempts));
    const wishes = this.#rooms.get(room) ?? new Map<UserId, Entry>();
    this.#rooms.set(room, wishes.set(ghost, entry));
    this.#count(1);
  }
}

function isBusy(thrown: unknown): thrown is RetryableError {
  return thrown instanceof RetryableError && thrown.code === 'HOMESERVER_BUSY';
}
