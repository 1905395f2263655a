// Events that rows of ours made, known by their keys when they come back from the room: that may be before the homeserver's answer,
// and so may be what people and programs then do with them. Nothing is recorded of such an event until the row has its answer.

import type { EventId } from '../ids.ts';
import { keyField, type MatrixEvent, stringIn } from '../matrix-event.ts';
import type { Journal } from './journal.ts';
import type { Lanes } from './lanes.ts';

/** Events remembered: what points at one behind so many others finds it recorded. */
const mostEvents = 1_000;

export interface OwnEventParts {
  readonly journal: Pick<Journal, 'parseKey' | 'read'>;
  /** Towards Matrix. */
  readonly matrixLanes: Pick<Lanes, 'settled'>;
}

export class OwnEvents {
  readonly #parts: OwnEventParts;
  readonly #keys = new Map<EventId, string>();

  constructor(parts: OwnEventParts) {
    this.#parts = parts;
  }

  /** Whoever sent it: a key that was copied only lets something wait for a row. */
  arrived(event: MatrixEvent): void {
    const key = stringIn(event.content, keyField);
    if (key === undefined) return;
    this.#keys.set(event.id, key);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > mostEvents && oldest !== undefined) this.#keys.delete(oldest);
  }

  /** Resolves once the row that made the event for this link is settled; false: no row of it did. */
  async settled(event: EventId, link: number): Promise<boolean> {
    const key = this.#keys.get(event);
    const from = key === undefined ? undefined : this.#parts.journal.parseKey(key);
    if (from?.link !== link) return false;
    const row = this.#parts.journal.read(from.seq);
    if (row !== undefined) await this.#parts.matrixLanes.settled(row);
    return true;
  }
}
