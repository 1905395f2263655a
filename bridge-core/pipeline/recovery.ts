// Did a row whose outcome is unknown arrive in its room after all? Its key is looked for among the events that came back to
// us, then once in the room's history, back to that row's time. One read for each room with such a backlog, none otherwise.

import type { Homeserver } from '../appservice/homeserver.ts';
import { PermanentError } from '../errors.ts';
import type { EventId, RoomId, UserId } from '../ids.ts';
import { keyField, type MatrixEvent, stringIn } from '../matrix-event.ts';

/** Clocks of the homeserver and ours may differ by this much, ms. */
const skew = 300_000;

interface Known {
  /** When the history was read, and how far back, ms. */
  readAt: number;
  readTo: number;
  /** By sender and key: in anybody else's content a key is a copy and proves nothing. */
  readonly found: Map<string, EventId>;
}

export class Recovery {
  readonly #homeserver: Pick<Homeserver, 'messagesBack'>;
  readonly #rooms = new Map<RoomId, Known>();

  constructor(parts: { homeserver: Pick<Homeserver, 'messagesBack'> }) {
    this.#homeserver = parts.homeserver;
  }

  /** An own event came back by transaction. Remembered only for rooms in which something is being looked for. */
  arrived(event: MatrixEvent): void {
    const key = stringIn(event.content, keyField);
    if (key !== undefined) this.#rooms.get(event.room)?.found.set(`${event.sender} ${key}`, event.id);
  }

  /** The event that `sender` sent under this key. */
  async find(
    room: RoomId,
    key: string,
    sender: UserId,
    row: { readonly at: number; readonly unknownSince: number },
  ): Promise<EventId | undefined> {
    let known = this.#rooms.get(room);
    if (known === undefined) {
      known = { readAt: 0, readTo: Number.POSITIVE_INFINITY, found: new Map() };
      this.#rooms.set(room, known);
    }
    const name = `${sender} ${key}`;
    if (!known.found.has(name) && (known.readAt < row.unknownSince || row.at < known.readTo)) await this.#read(room, known, row);
    return known.found.get(name);
  }

  /** Nothing unknown is left at this room's head. */
  forget(room: RoomId): void {
    if (this.#rooms.size > 0) this.#rooms.delete(room);
  }

  async #read(room: RoomId, known: Known, row: { readonly at: number; readonly unknownSince: number }): Promise<void> {
    const readAt = Date.now();
    try {
      for await (const event of this.#homeserver.messagesBack(room, row.at - skew)) this.arrived(event);
    } catch (thrown) {
      // Where the bot may not look at all, the rest is left to the homeserver's own memory of transaction ids.
      if (!(thrown instanceof PermanentError)) throw thrown;
    }
    known.readAt = Math.max(readAt, row.unknownSince);
    known.readTo = Math.min(known.readTo, row.at);
  }
}
