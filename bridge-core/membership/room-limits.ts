// How long a ghost may be silent in a room, and how many may be there: who is to come in, who has to go. A wanted state like the rest
// of membership, computed from when each was last heard; the leaves go through the queue, behind all else. Rooms of private and
// group chats are left alone.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../adapter-tools.ts';
import { printDuration } from '../durations.ts';
import { messageOf } from '../errors.ts';
import type { RoomId, UserId } from '../ids.ts';
import { isChat, type Links } from '../plumbing/links.ts';
import type { RemoteUser } from '../remote-event.ts';
import type { CoreSettings } from '../settings.ts';
import type { Names } from '../virtual-users/names.ts';
import type { MembershipQueue } from './queue.ts';
import type { Roster } from './roster.ts';
import type { Heard, Spoken } from './spoken.ts';

/** Why a ghost has to go. */
export type Why = 'silent' | 'crowded';

export interface RoomLimitsParts {
  readonly settings: Pick<CoreSettings['membership'], 'ghosts' | 'idle' | 'maxGhosts'>;
  readonly links: Pick<Links, 'all' | 'byRoom' | 'liveIn'>;
  readonly roster: Pick<Roster, 'isIn' | 'joined'>;
  readonly names: Pick<Names, 'isGhost'>;
  readonly queue: Pick<MembershipQueue, 'depth' | 'leave' | 'isLeaving'>;
  readonly spoken: Spoken;
  readonly log: Logger;
  readonly count: (name: string, labels: { readonly why: Why }) => void;
  readonly now?: (() => number) | undefined;
  /** ms between two looks at all rooms. */
  readonly every?: number | undefined;
}

const usualEvery = 60 * 60_000;
const flushEvery = 60_000;
/** Of a look at many rooms no more leaves wait at once, so that joins do not stand behind thousands of them. */
const mostWaiting = 100;
const pauseMs = 5_000;
const never: Heard = { seen: 0, spoke: 0 };

export class RoomLimits {
  readonly #parts: RoomLimitsParts;
  readonly #idle: number;
  readonly #most: number;
  readonly #every: number;
  readonly #timers = new Set<NodeJS.Timeout>();
  #ready: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Ghosts in rooms, as last counted. */
  #counted: number | undefined;

  constructor(parts: RoomLimitsParts) {
    this.#parts = parts;
    const { idle, maxGhosts } = parts.settings;
    this.#idle = idle ?? Number.POSITIVE_INFINITY;
    this.#most = maxGhosts ?? Number.POSITIVE_INFINITY;
    this.#every = parts.every ?? Math.min(usualEvery, Math.max(1_000, this.#idle / 8));
  }

  /** Resolves once it is known who spoke when. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  get counted(): number | undefined {
    return this.#counted;
  }

  start(): void {
    const { spoken, log } = this.#parts;
    this.#ready = spoken
      .catchUp()
      .catch((thrown) => log.error({ why: messageOf(thrown) }, 'who spoke when could not be read: silence counts from now'));
    this.#ready.then(() => this.#again(0));
    this.#flushLater();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const { spoken, log } = this.#parts;
    // What is not noted is read anew after the next start; the rest of the stop does not wait for a disk.
    await spoken.stop().catch((thrown) => log.warn({ why: messageOf(thrown) }, 'who spoke when could not be noted at the stop'));
  }

  /** Something is said in a ghost's name. `isNew`: it may have come in for that. */
  heard(room: RoomId, ghost: UserId, isNew: boolean): void {
    this.#parts.spoken.spoke(room, ghost);
    if (isNew) this.#thin(room, ghost);
  }

  /** They came into the channel: is their ghost to come into the room? Who comes back from a netsplit was there all the time. */
  isWelcome(room: RoomId, ghost: UserId): boolean {
    return !this.#hasIdle || !this.#applies(room) || !this.#isSilent(this.#parts.spoken.see(room, ghost));
  }

  /** They went, or are somebody else by now. */
  gone(room: RoomId, ghost: UserId, now?: UserId): void {
    if (now === undefined) this.#parts.spoken.forget(room, ghost);
    else this.#parts.spoken.carryOver(room, ghost, room, now);
  }

  moved(from: RoomId, to: RoomId): void {
    const { spoken } = this.#parts;
    for (const ghost of [...spoken.of(from).keys()]) spoken.carryOver(from, ghost, to, ghost);
  }

  unlinked(room: RoomId): void {
    if (this.#parts.links.byRoom(room).length === 0) this.#parts.spoken.forgetRoom(room);
  }

  /** Of all who are in the channel those whose ghosts are to come in, as far as there is room for them: the last to speak first. */
  toCome(room: RoomId, members: ReadonlyMap<UserId, RemoteUser | undefined>): (readonly [UserId, RemoteUser])[] {
    const { roster, spoken } = this.#parts;
    const out = [...members].flatMap(([ghost, user]) => (user === undefined || roster.isIn(room, ghost) ? [] : [[ghost, user] as const]));
    if (!this.#applies(room)) return out;
    const heard = spoken.of(room);
    const of = (ghost: UserId) => heard.get(ghost) ?? never;
    const welcome = this.#hasIdle ? out.filter(([ghost]) => !this.#isSilent(spoken.see(room, ghost))) : out;
    const free = Math.max(0, this.#most - this.#staying(room).length);
    if (welcome.length <= free) return welcome;
    return welcome.sort(([one], [other]) => of(other).spoke - of(one).spoke).slice(0, free);
  }

  /** All who have a right to be in the room: nothing needs to be known of others. */
  known(room: RoomId, wanted: ReadonlySet<UserId>): void {
    const { spoken } = this.#parts;
    for (const ghost of [...spoken.of(room).keys()]) if (!wanted.has(ghost)) spoken.forget(room, ghost);
  }

  /** Is there a place for one whose join had to wait? */
  hasPlace(room: RoomId): boolean {
    return this.#most === Number.POSITIVE_INFINITY || !this.#applies(room) || this.#staying(room).length < this.#most;
  }

  /** Asked as its turn to leave has come, for it may have spoken meanwhile: another may have to go in its stead. */
  mustGo(room: RoomId, ghost: UserId): Why | undefined {
    if (!this.#applies(room)) return undefined;
    const heard = this.#parts.spoken.of(room).get(ghost) ?? never;
    const isCrowded = this.#surplus(room, this.#ghostsIn(room)).includes(ghost);
    const why = isCrowded ? 'crowded' : this.#isSilent(heard) ? 'silent' : undefined;
    if (why === undefined) this.#thin(room, undefined, [...this.#staying(room).filter((each) => each !== ghost), ghost]);
    else this.#parts.count('membership_left_out', { why });
    return why;
  }

  /** Beyond the number that may be there the longest silent go. */
  #thin(room: RoomId, last?: UserId, staying?: readonly UserId[]): void {
    if (this.#most === Number.POSITIVE_INFINITY || this.#stopped || !this.#applies(room)) return;
    for (const ghost of this.#surplus(room, staying ?? this.#staying(room), last))
      this.#parts.queue.leave(room, ghost, { reason: 'makes room for somebody who speaks', ifSilent: true });
  }

  #surplus(room: RoomId, ghosts: readonly UserId[], last?: UserId): readonly UserId[] {
    const over = ghosts.length - this.#most;
    if (!(over > 0)) return none;
    const heard = this.#parts.spoken.of(room);
    const of = (ghost: UserId) => heard.get(ghost) ?? never;
    const order = (one: UserId, other: UserId) => of(one).spoke - of(other).spoke || of(one).seen - of(other).seen;
    return ghosts
      .filter((ghost) => ghost !== last)
      .sort(order)
      .slice(0, over);
  }

  #staying(room: RoomId): UserId[] {
    return this.#ghostsIn(room).filter((ghost) => !this.#parts.queue.isLeaving(room, ghost));
  }

  #ghostsIn(room: RoomId): UserId[] {
    return this.#parts.roster.joined(room).filter((user) => this.#parts.names.isGhost(user));
  }

  get #hasIdle(): boolean {
    return this.#idle < Number.POSITIVE_INFINITY;
  }

  #isSilent({ seen, spoke }: Heard): boolean {
    return Math.max(seen, spoke) <= (this.#parts.now ?? Date.now)() - this.#idle;
  }

  #applies(room: RoomId): boolean {
    const { links } = this.#parts;
    return links.liveIn(room).length > 0 && !links.byRoom(room).some(isChat);
  }

  /** At all rooms, by itself now and then. */
  async look(): Promise<void> {
    const rooms = new Set(this.#parts.links.all().flatMap(({ state, room }) => (state === 'live' ? [room] : [])));
    let counted = 0;
    for (const room of rooms) {
      await nextTurn();
      while (this.#parts.queue.depth >= mostWaiting && !this.#stopped) await this.#pause(pauseMs);
      if (this.#stopped) return;
      if (this.#applies(room)) counted += this.#lookAt(room);
    }
    this.#counted = counted;
  }

  #lookAt(room: RoomId): number {
    const { spoken, queue, roster, settings } = this.#parts;
    const ghosts = this.#ghostsIn(room);
    const reason = this.#hasIdle ? `silent for ${printDuration(this.#idle)}` : '';
    for (const ghost of this.#hasIdle ? ghosts : none)
      if (this.#isSilent(spoken.see(room, ghost))) queue.leave(room, ghost, { reason, ifSilent: true });
    this.#thin(room);
    // Of a mirror's people it is to be known that they were silent; who else is out needs nothing to come back but a word.
    if (settings.ghosts === 'lazy')
      for (const ghost of [...spoken.of(room).keys()]) if (!roster.isIn(room, ghost)) spoken.forget(room, ghost);
    return ghosts.length;
  }

  #again(after: number): void {
    this.#later(after, async () => {
      await this.look();
      this.#again(this.#every);
    });
  }

  #flushLater(): void {
    this.#later(Math.min(flushEvery, this.#every), async () => {
      await this.#parts.spoken.flush();
      this.#flushLater();
    });
  }

  #later(after: number, work: () => Promise<void>): void {
    if (this.#stopped) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work().catch((thrown) => {
        this.#parts.log.error({ why: messageOf(thrown) }, 'who is silent in rooms was not looked at');
        this.#later(this.#every, work);
      });
    }, after);
    this.#timers.add(timer.unref());
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#later(ms, async () => resolve()));
  }
}

const none: readonly UserId[] = [];
