// Who has a room open and who no longer has: told as there and away. Away is who has none of them open, once that lasts; nothing is told
// twice.

import type { Inbox } from '#bridge-core';
import type { GitterBody } from './body.ts';
import type { Room } from './rooms.ts';
import type { GitterSettings } from './settings.ts';
import type { Users } from './users.ts';
import { isRecord } from './wire/objects.ts';

export interface PresencesParts {
  readonly inbox: Inbox<GitterBody>;
  readonly users: Users;
  readonly settings: Pick<GitterSettings, 'presence'>;
  readonly isOurs: (id: string) => boolean;
  /** ms */
  readonly grace: number;
}

export class Presences {
  readonly #parts: PresencesParts;
  readonly #away = new Set<string>();
  /** The rooms that somebody has open, as far as that was heard. */
  readonly #open = new Map<string, Set<string>>();
  readonly #leaving = new Map<string, NodeJS.Timeout>();

  constructor(parts: PresencesParts) {
    this.#parts = parts;
  }

  heard(room: Room, told: unknown): void {
    if (!this.#parts.settings.presence) return;
    const { userId, status } = isRecord(told) ? told : {};
    if (typeof userId !== 'string' || this.#parts.isOurs(userId)) return;
    if (status === 'in') {
      clearTimeout(this.#leaving.get(userId));
      const isThere = this.#leaving.delete(userId) || this.#open.has(userId);
      this.#open.set(userId, (this.#open.get(userId) ?? new Set()).add(room.id));
      if (!isThere) this.#tell(room, userId, false);
    } else if (status === 'out') {
      this.#left(userId, room.id);
      if (this.#open.has(userId) || this.#leaving.has(userId) || this.#away.has(userId)) return;
      const timer = setTimeout(() => {
        this.#leaving.delete(userId);
        this.#tell(room, userId, true);
      }, this.#parts.grace);
      this.#leaving.set(userId, timer.unref());
    }
  }

  /** Of the room something may have gone by unheard: it keeps nobody from being away. */
  missed(room: string): void {
    for (const id of [...this.#open.keys()]) this.#left(id, room);
  }

  /** Nothing is told any more of what came before. */
  close(): void {
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    this.#leaving.clear();
    this.#away.clear();
    this.#open.clear();
  }

  #left(id: string, room: string): void {
    const rooms = this.#open.get(id);
    rooms?.delete(room);
    if (rooms?.size === 0) this.#open.delete(id);
  }

  #tell({ channel }: Room, id: string, isAway: boolean): void {
    if (isAway) this.#away.add(id);
    else this.#away.delete(id);
    const user = this.#parts.users.person(id);
    const event = { kind: 'presence' as const, channel, at: Date.now(), user, ...(isAway && { away: 'away' }) };
    this.#parts.inbox.receive(event).catch(() => {});
  }
}
