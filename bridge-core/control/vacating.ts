// Out of rooms that people brought, and of channels, once nothing has been linked there for a while: who takes a link away to make another
// one need not bring the bot in again. What is to be left is noted, so that a restart forgets none.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { messageOf, PermanentError, RetryableError } from '../errors.ts';
import type { ChannelId, RoomId } from '../ids.ts';
import { isRecord } from '../matrix-event.ts';
import { isPlaceholder, type Links, receiverOf } from '../plumbing/links.ts';
import type { Json } from '../remote-event.ts';
import type { Notes } from '../store/store.ts';
import type { Ghosts } from '../virtual-users/ghosts.ts';
import type { Names } from '../virtual-users/names.ts';

export interface VacatingParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'depart'>;
  readonly homeserver: Pick<Homeserver, 'bot' | 'joinedMembers' | 'leave'>;
  readonly links: Links;
  readonly names: Pick<Names, 'isGhost'>;
  readonly ghosts: Pick<Ghosts, 'leave'>;
  readonly notes: Notes;
  /** The bot is of use there without any link. */
  readonly isNeeded: (room: RoomId) => boolean;
  readonly log: Logger;
  /** ms */
  readonly after?: number;
  /** ms between tries, while the network or the homeserver is away. */
  readonly again?: number;
}

const usualAfter = 10 * 60_000;
const usualAgain = 10 * 60_000;
const note = 'vacating';
const why = 'nothing is linked to this room any more';

export class Vacating<Body extends Json> {
  readonly #parts: VacatingParts<Body>;
  /** Places by their ids: when they are to be left, ms. */
  readonly #due: Map<RoomId | ChannelId, number>;
  readonly #timers = new Map<RoomId | ChannelId, NodeJS.Timeout>();
  #isStopped = false;

  constructor(parts: VacatingParts<Body>) {
    this.#parts = parts;
    const noted = parts.notes.get(note);
    this.#due = new Map(isRecord(noted) ? (Object.entries(noted) as [RoomId | ChannelId, number][]) : []);
    parts.links.onChange(({ link, was }) => {
      // Rooms of ours stay as they are: nobody else has power there. What somebody's own room was for is theirs.
      if (link !== undefined || was.origin === 'portal' || receiverOf(was) !== undefined) return;
      const at = Date.now() + (parts.after ?? usualAfter);
      this.#plan(was.channel, at);
      if (!isPlaceholder(was.room)) this.#plan(was.room, at);
      this.#write();
    });
  }

  start(): void {
    for (const [place, at] of this.#due) this.#plan(place, at);
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #plan(place: RoomId | ChannelId, at: number): void {
    this.#due.set(place, at);
    clearTimeout(this.#timers.get(place));
    const leave = () =>
      this.#leave(place).catch((thrown) => {
        this.#parts.log.warn({ place, why: messageOf(thrown) }, 'an unlinked place could not be left');
        if (thrown instanceof RetryableError && !this.#isStopped) this.#plan(place, Date.now() + (this.#parts.again ?? usualAgain));
      });
    this.#timers.set(place, setTimeout(leave, Math.max(0, at - Date.now())).unref());
  }

  async #leave(place: RoomId | ChannelId): Promise<void> {
    if (this.#isStopped) return;
    const { adapter, links } = this.#parts;
    const due = this.#due.get(place);
    if (place.startsWith('!')) await this.#vacate(place as RoomId);
    else if (links.byChannel(place as ChannelId).length === 0) await adapter.depart?.(place as ChannelId);
    // Linked and unlinked again meanwhile: that has its own time.
    if (this.#due.get(place) !== due) return;
    this.#due.delete(place);
    this.#timers.delete(place);
    this.#write();
  }

  async #vacate(room: RoomId): Promise<void> {
    const { homeserver, names, ghosts, links, isNeeded } = this.#parts;
    // Asked anew before each step: many ghosts take long to go, and it may be linked again meanwhile.
    const isFree = () => links.byRoom(room).length === 0 && !isNeeded(room);
    if (!isFree()) return;
    try {
      const members = await homeserver.joinedMembers(room);
      for (const user of members.keys()) if (names.isGhost(user) && isFree()) await ghosts.leave(user, room, why);
      if (isFree()) await homeserver.leave(homeserver.bot, room, why);
    } catch (thrown) {
      // Out of it already.
      if (!(thrown instanceof PermanentError)) throw thrown;
    }
  }

  #write(): void {
    this.#parts.notes
      .set(note, this.#due.size === 0 ? undefined : Object.fromEntries(this.#due))
      .catch((thrown) => this.#parts.log.warn({ why: messageOf(thrown) }, 'what is to be left was not noted'));
  }
}
