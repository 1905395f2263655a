// Closes the gap that a restart of the homeserver leaves. Synapse keeps what it has yet to push to us in memory for a moment,
// and a restart in that moment loses it for good (seen): nothing comes again, no number is missing. But a homeserver that
// restarted must open a new connection before it can push anything. Rooms are then read back, each before anything newer
// of it is taken in; what is known already is told by the seen ledger. One request a room: a bot is refused every other way to
// read what is new (seen: /sync, sliding sync, and /events as soon as there is something).

import type { Logger } from '../adapter-tools.ts';
import { messageOf, PermanentError } from '../errors.ts';
import type { RoomId } from '../ids.ts';
import type { MatrixEvent } from '../matrix-event.ts';
import type { Notes } from '../store/store.ts';
import type { Homeserver } from './homeserver.ts';
import { Lately } from './lately.ts';
import { RoomReads, type Wanted } from './room-reads.ts';
import type { TransactionBatch } from './transactions.ts';

export interface CatchUpParts {
  readonly homeserver: Pick<Homeserver, 'messagesBack'>;
  readonly notes: Notes;
  /** Those that are to be read, and since when each is ours, ms. */
  readonly rooms: () => Iterable<{ readonly room: RoomId; readonly at: number }>;
  /** What is known already is left out. */
  readonly accept: (batch: TransactionBatch) => Promise<void>;
  readonly log: Logger;
  /** ms between two notes of the time, while events come. */
  readonly every?: number;
  /** A transaction waits no longer than this for its rooms, ms; the reading then goes on beside it. */
  readonly patience?: number;
  /** ms between a failure of the homeserver and the next try. */
  readonly pause?: number;
}

const noteName = 'homeserver.heard';
/** What is pushed may be so much older, ms. */
const slack = 60_000;
/** What was lost was said just before the restart; what is older than this, ms, would come too late anyhow. */
const furthest = 3_600_000;
/** Synapse closes a connection only after it was idle for two minutes: a new one before that is a new Synapse. */
const idleMs = 110_000;
/** Rooms that are read where a new connection proves nothing. */
const fewRooms = 50;
/** In the background, at once. */
const fewAtOnce = 2;
/** So many connections in a row that brought one transaction each: something in between opens one for each. */
const mostLone = 4;
/** ms. */
const loneEvery = 300_000;
const page = 50;
const mostEvents = 2_000;

export class CatchUp {
  readonly #parts: CatchUpParts;
  readonly #reads: RoomReads;
  readonly #lately = new Lately();
  /** Of these what was said is wanted, though it came and was nobody's then. */
  readonly #moved = new Map<RoomId, Promise<unknown>>();
  readonly #timer: NodeJS.Timeout;
  /** All that was said before has come; ms. */
  #safe: number | undefined;
  #noted: number | undefined;
  #last = Number.NEGATIVE_INFINITY;
  #began = 0;
  #found = 0;
  #lone = 0;
  #hasConnected = false;
  #isToldOfFailure = false;

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
    const noted = parts.notes.get(noteName);
    this.#noted = typeof noted === 'number' ? noted : undefined;
    this.#safe = this.#noted;
    this.#reads = new RoomReads({
      read: (wanted) => this.#read(wanted),
      skipped: (room, thrown) => {
        const fields = { room, why: messageOf(thrown) };
        if (thrown instanceof PermanentError) parts.log.debug(fields, 'a room cannot be read back');
        else parts.log.warn(fields, 'a room cannot be read back: what a restart of the homeserver left out of it is lost');
      },
      failed: (thrown) => this.#failed(thrown),
      done: () => this.#done(),
      ...(parts.pause !== undefined && { pause: parts.pause }),
    });
    this.#timer = setInterval(() => this.#note(), parts.every ?? 15_000);
    this.#timer.unref();
  }

  /** A transaction comes, to be taken in thereafter; `isFirst`: of a connection that was opened after the one before came. */
  heard(isFirst: boolean): void {
    if (isFirst) this.#connected(Date.now());
    else this.#lone = 0;
  }

  /** Takes a transaction in; nothing of a room that is still to be read goes past what is read there, save that the homeserver
   *  cannot be kept waiting for ever. */
  async take(batch: TransactionBatch): Promise<void> {
    const came = Date.now();
    if (!this.#reads.isIdle) await this.#reads.wait(new Set(batch.events.map(({ room }) => room)), this.#parts.patience ?? 10_000);
    // What a room's state was before what stands by now must not be taken for what is now.
    const events = batch.events.filter(({ id, stateKey }) => stateKey === undefined || !this.#lately.knows(id));
    await this.#parts.accept({ ...batch, events });
    // Not before: what waits here may be older than what is read meanwhile, and is then to be taken in among it.
    this.#lately.took(batch.events, came);
    this.#last = came;
    if (this.#reads.isIdle) this.#safe = came;
    if (this.#noted === undefined) this.#note();
  }

  /** What was said in one room since a time, ms: for one that nobody of ours could read until now. */
  async room(room: RoomId, since: number): Promise<void> {
    const events: MatrixEvent[] = [];
    for await (const event of this.#parts.homeserver.messagesBack(room, since)) if (event.at >= since) events.unshift(event);
    await this.#accept(events.filter(({ stateKey }) => stateKey === undefined));
  }

  /** The same for one that took another's place: whatever comes of it from now on waits, though not for ever. `ready`: before anything is
   *  taken in. */
  async moved(room: RoomId, since: number, ready: Promise<unknown>): Promise<void> {
    ready.catch(() => {});
    this.#moved.set(room, ready);
    this.#start(Date.now(), [[room, since]]);
    await this.#reads.wait([room], this.#parts.patience ?? 10_000);
  }

  /** All rooms from a time on, ms: something that was said since then may never come. */
  readBack(since: number): void {
    this.#start(Date.now(), this.#rooms(since - slack), fewAtOnce);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#reads.stop();
  }

  #connected(now: number): void {
    const isStart = !this.#hasConnected;
    this.#hasConnected = true;
    this.#lone += 1;
    if (this.#safe === undefined) return;
    const isSoon = now - this.#last < idleMs;
    const isRestart = isSoon && this.#lone <= mostLone;
    if (isSoon && !isRestart && now - this.#began < loneEvery) return;
    // A clock that went back since tells nothing of when that was.
    const safe = this.#safe > now ? 0 : this.#safe;
    const rooms = this.#rooms(Math.max(safe - slack, now - furthest));
    if (isStart) this.#start(now, rooms, fewAtOnce);
    else if (isRestart) this.#start(now, rooms);
    else this.#start(now, rooms.slice(0, fewRooms), fewAtOnce);
  }

  #start(now: number, rooms: readonly (readonly [RoomId, number])[], atOnce?: number): void {
    if (this.#reads.isIdle) this.#found = 0;
    this.#began = now;
    this.#parts.log.debug({ rooms: rooms.length, since: rooms[0]?.[1] }, 'rooms are read back');
    this.#reads.start(rooms, atOnce);
  }

  /** The most recently active first. */
  #rooms(since: number): (readonly [RoomId, number])[] {
    const from = new Map<RoomId, number>();
    for (const { room, at } of this.#parts.rooms()) from.set(room, Math.max(since, Math.min(at, from.get(room) ?? at)));
    const order = new Map(this.#lately.rooms().map((room, place) => [room, place]));
    const placeOf = (room: RoomId) => order.get(room) ?? order.size;
    return [...from].sort(([a], [b]) => placeOf(a) - placeOf(b));
  }

  async #read(wanted: Wanted): Promise<void> {
    const { room, since } = wanted;
    const ready = this.#moved.get(room);
    await ready?.catch(() => {});
    const newest: MatrixEvent[] = [];
    const states = new Set<string>();
    const replaced: MatrixEvent[] = [];
    let older = 0;
    let read = 0;
    for await (const event of this.#parts.homeserver.messagesBack(room, since, page)) {
      read += 1;
      // Where nobody but us speaks, no page of others' ends the reading.
      older = event.at < since ? older + 1 : 0;
      if (older >= page || read >= mostEvents) break;
      if (event.at < since) continue;
      if (event.stateKey !== undefined) {
        if (ready !== undefined) continue;
        const state = `${event.type} ${event.stateKey}`;
        if (states.has(state)) {
          replaced.push(event);
          continue;
        }
        states.add(state);
      }
      if (ready !== undefined || !this.#lately.knows(event.id)) newest.push(event);
    }
    const { isOvertaken } = wanted;
    const events = newest.reverse().filter(({ stateKey }) => stateKey === undefined || !isOvertaken);
    if (events.length > 0) await this.#accept(events);
    if (!isOvertaken) this.#lately.took([...replaced, ...events.filter(({ stateKey }) => stateKey !== undefined)], Date.now());
    if (this.#moved.get(room) === ready) this.#moved.delete(room);
    this.#found += events.length;
  }

  #accept(events: MatrixEvent[]): Promise<void> {
    return this.#parts.accept({ events, ephemeral: [], record: () => {} });
  }

  #failed(thrown: unknown): void {
    const fields = { why: messageOf(thrown) };
    const words = 'what a restart of the homeserver may have left out cannot be read now; it is tried again';
    if (this.#isToldOfFailure) this.#parts.log.debug(fields, words);
    else this.#parts.log.warn(fields, words);
    this.#isToldOfFailure = true;
  }

  #done(): void {
    this.#isToldOfFailure = false;
    this.#safe = this.#safe === undefined || this.#safe > Date.now() ? this.#began : Math.max(this.#safe, this.#began);
    if (this.#found > 0) this.#parts.log.debug({ events: this.#found }, 'rooms were read back: events that had not come');
  }

  #note(): void {
    const safe = this.#safe;
    if (safe === undefined || safe === this.#noted) return;
    this.#noted = safe;
    this.#parts.notes.set(noteName, safe).catch((thrown) => {
      this.#parts.log.debug({ why: messageOf(thrown) }, 'the time of the last transaction was not noted');
    });
  }
}
