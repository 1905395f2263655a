// How many people of the networks a bridge serves, where its operator sets a limit: those whose words were carried on so many days of
// the last month. Above it nothing that is said is carried either way, and each room hears so once, over restarts, and so it does of the
// end. Counted from what relations keep, now and then: a message that passes costs no more than one look at a flag.

import type { Logger } from '../adapter-tools.ts';
import { messageOf } from '../errors.ts';
import type { RoomId } from '../ids.ts';
import type { MatrixEvent } from '../matrix-event.ts';
import type { Links } from '../plumbing/links.ts';
import type { Json, RemoteEvent } from '../remote-event.ts';
import type { Notes, Store } from '../store/store.ts';
import { Activity, dayMs } from './activity.ts';

export interface UserLimitSettings {
  readonly limit: number | undefined;
  /** On fewer days of the last `withinDays` somebody is only passing. */
  readonly minDays: number;
  readonly withinDays: number;
}

export interface UserLimitParts {
  readonly settings: UserLimitSettings;
  readonly store: Pick<Store, 'prepare'>;
  readonly notes: Notes;
  readonly links: Pick<Links, 'liveOn' | 'byRoom' | 'all' | 'setOptions'>;
  readonly tell: (room: RoomId, text: string) => void;
  readonly log: Logger;
  /** ms between counts. */
  readonly every?: number;
}

const usualEvery = 10 * 60_000;
const note = 'users blocked';
const stops: ReadonlySet<RemoteEvent['kind']> = new Set(['message', 'edit', 'reaction', 'typing']);

export class UserLimit {
  readonly #parts: UserLimitParts;
  readonly #activity: Activity;
  /** By who they are: the days on which words of theirs were carried. */
  readonly #days = new Map<string, Set<number>>();
  /** Rooms that heard of it, as their links know. */
  readonly #told: Set<RoomId>;
  #timer: NodeJS.Timeout | undefined;
  #isBlocked: boolean;

  constructor(parts: UserLimitParts) {
    this.#parts = parts;
    // As it was counted last: what comes before the next count is judged by the limit of now.
    this.#isBlocked = Number(parts.notes.get(note) ?? 0) > (parts.settings.limit ?? Number.POSITIVE_INFINITY);
    this.#told = new Set(parts.links.all().flatMap(({ room, options }) => (options.toldOfLimit === true ? [room] : [])));
    this.#activity = new Activity({ store: parts.store, every: 0, noted: (author, at) => this.#noteDay(author, at) });
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  start(): void {
    const { settings, log } = this.#parts;
    const check = () =>
      (settings.limit === undefined ? this.#tellEnd() : this.#check()).catch((thrown) =>
        log.error({ why: messageOf(thrown) }, 'active people could not be counted'),
      );
    void check();
    if (settings.limit === undefined) return;
    this.#timer = setInterval(check, this.#parts.every ?? usualEvery).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Of the network's side: it is nobody's now. What is taken back still is. */
  stops<Body extends Json>(event: RemoteEvent<Body>): boolean {
    if (!this.#isBlocked || !stops.has(event.kind)) return false;
    if (event.kind === 'message') for (const { room } of this.#parts.links.liveOn(event.channel)) this.#tellOnce(room);
    return true;
  }

  /** Of the room's side. */
  stopsHere({ room, type }: MatrixEvent): boolean {
    if (!this.#isBlocked || type === 'm.room.redaction') return false;
    this.#tellOnce(room);
    return true;
  }

  async #check(): Promise<void> {
    const { settings, notes, log } = this.#parts;
    await this.#activity.whole();
    const users = this.#count();
    const isOver = users > (settings.limit ?? Number.POSITIVE_INFINITY);
    if (isOver !== this.#isBlocked) {
      await notes.set(note, isOver ? users : undefined);
      this.#isBlocked = isOver;
      log.warn(
        { users, limit: settings.limit },
        isOver ? 'more people than the limit allows: nothing is carried' : 'below the limit again',
      );
    }
    // It may have ended before this start, by another limit.
    if (!isOver) await this.#tellEnd();
  }

  async #tellEnd(): Promise<void> {
    for (const room of [...this.#told]) {
      this.#parts.tell(room, 'Messages are carried again; those of meanwhile were not.');
      await this.#note(room, undefined);
    }
  }

  /** A room that has no link any more has nothing to hear. */
  async #note(room: RoomId, isTold: true | undefined): Promise<void> {
    const { links } = this.#parts;
    if (isTold) this.#told.add(room);
    else this.#told.delete(room);
    for (const { id } of links.byRoom(room)) await links.setOptions(id, { toldOfLimit: isTold });
  }

  #tellOnce(room: RoomId): void {
    if (this.#told.has(room)) return;
    const { log } = this.#parts;
    this.#note(room, true).catch((thrown) => log.warn({ room, why: messageOf(thrown) }, 'that a room was told of the limit was not noted'));
    this.#parts.tell(room, 'This bridge serves more people than its operator lets it: nothing is carried until these are fewer.');
  }

  #noteDay(author: string, at: number): void {
    const days = this.#days.get(author) ?? new Set();
    this.#days.set(author, days.add(Math.floor(at / dayMs)));
  }

  #count(): number {
    const { minDays, withinDays } = this.#parts.settings;
    const oldest = Math.floor(Date.now() / dayMs) - withinDays;
    let users = 0;
    for (const [author, days] of this.#days) {
      for (const day of days) if (day <= oldest) days.delete(day);
      if (days.size === 0) this.#days.delete(author);
      if (days.size >= minDays) users += 1;
    }
    return users;
  }
}
