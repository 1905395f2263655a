// What came lately, by transaction or read back, in memory: which events, and which rooms they were in. Bounded by time and by number.

import type { EventId, RoomId } from '../ids.ts';
import type { MatrixEvent } from '../matrix-event.ts';

/** Events are remembered for as long at least, ms, and for twice as long at most. */
const keptMs = 120_000;
const mostEvents = 20_000;
const mostRooms = 1_000;

export class Lately {
  #events = new Set<EventId>();
  #older = new Set<EventId>();
  #turned = 0;
  /** The most recent last. */
  readonly #rooms = new Set<RoomId>();
  #latest: RoomId | undefined;

  took(events: readonly MatrixEvent[], now: number): void {
    if (now - this.#turned > keptMs || this.#events.size > mostEvents) {
      this.#older = this.#events;
      this.#events = new Set();
      this.#turned = now;
    }
    for (const { id, room } of events) {
      this.#events.add(id);
      if (room === this.#latest) continue;
      this.#latest = room;
      this.#rooms.delete(room);
      this.#rooms.add(room);
    }
    for (const room of this.#rooms) {
      if (this.#rooms.size <= mostRooms) break;
      this.#rooms.delete(room);
    }
  }

  knows(event: EventId): boolean {
    return this.#events.has(event) || this.#older.has(event);
  }

  /** The most recent first. */
  rooms(): RoomId[] {
    return [...this.#rooms].reverse();
  }
}
