// Did a row whose outcome is unknown arrive in its room after all? Its key is looked for among the events that came back to
// us, then once in the room's history, back to that row's time. One read for each room with such a backlog, none otherwise.

import type { Homeserver } from '../appservice/homeserver.ts';
import type { EventId, RoomId, UserId } from '../ids.ts';
import { keyField, type MatrixEvent, stringIn } from '../matrix-event.ts';

/** Clocks of the homeserver and ours may differ by this much, ms. */
const skew = 300_000;

interface Found {
  readonly event: EventId;
  readonly sender: UserId;
}

export class Recovery {
  readonly #homeserver: Pick<Homeserver, 'messagesBack'>;
  readonly #rooms = new Map<RoomId, { readAt: number; readonly found: Map<string, Found> }>();

  constructor(parts: { homeserver: Pick<Homeserver, 'messagesBack'> }) {
    this.#homeserver = parts.homeserver;
  }

  /** An own event came back by transaction. Remembered only for rooms in which something is being looked for. */
  arrived(event: MatrixEvent): void {
    const key = stringIn(event.content, keyField);
    if (key !== undefined) this.#rooms.get(event.room)?.found.set(key, { event: event.id, sender: event.sender });
  }

  /** The event under this key sent by `sender`; a key in anybody else's content is a copy and proves nothing. */
  async find(
    room: RoomId,
    key: string,
    sender: UserId,
    row: { readonly at: number; readonly unknownSince: number },
  ): Promise<EventId | undefined> {
    let known = this.#rooms.get(room);
    if (known === undefined) {
      known = { readAt: 0, found: new Map() };
      this.#rooms.set(room, known);
    }
    const early = match(known.found.get(key), sender);
    if (early !== undefined) return early;
    if (known.readAt < row.unknownSince) {
      const readAt = Date.now();
      for await (const event of this.#homeserver.messagesBack(room, row.at - skew)) this.arrived(event);
      known.readAt = Math.max(readAt, row.unknownSince);
    }
    return match(known.found.get(key), sender);
  }

  /** Nothing unknown is left at this room's head. */
  forget(room: RoomId): void {
    if (this.#rooms.size > 0) this.#rooms.delete(room);
  }
}

function match(found: Found | undefined, sender: UserId): EventId | undefined {
  return found?.sender === sender ? found.event : undefined;
}
