// Who has a room open and who no longer has: told as there and away. Going away is told only once it lasts, and nothing is told twice.

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
      const wasLeaving = this.#leaving.delete(userId);
      if (!wasLeaving) this.#tell(room, userId, false);
    } else if (status === 'out' && !this.#leaving.has(userId) && !this.#away.has(userId)) {
      const timer = setTimeout(() => {
        this.#leaving.delete(userId);
        this.#tell(room, userId, true);
      }, this.#parts.grace);
      this.#leaving.set(userId, timer.unref());
    }
  }

  /** Nothing is told any more of what came before. */
  close(): void {
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    this.#leaving.clear();
    this.#away.clear();
  }

  #tell({ channel }: Room, id: string, isAway: boolean): void {
    if (isAway) this.#away.add(id);
    else this.#away.delete(id);
    const user = this.#parts.users.person(id);
    const event = { kind: 'presence' as const, channel, at: Date.now(), user, ...(isAway && { away: 'away' }) };
    this.#parts.inbox.receive(event).catch(() => {});
  }
}
