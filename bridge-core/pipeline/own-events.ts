// Events that rows of ours made, known by their keys when they come back from the room: that may be before the homeserver's answer,
// and so may be what people and programs then do with them. Nothing is recorded of such an event until the row has its answer.

import type { EventId, UserId } from '../ids.ts';
import { keyField, type MatrixEvent, stringIn } from '../matrix-event.ts';
import type { Link } from '../plumbing/links.ts';
import { soon } from './in-time.ts';
import type { Journal } from './journal.ts';
import type { Lanes } from './lanes.ts';
import { linkLane } from './row.ts';

/** Events remembered: what points at one behind so many others finds it recorded. */
const mostEvents = 1_000;

export interface OwnEventParts {
  readonly journal: Pick<Journal, 'parseKey' | 'read'>;
  /** Towards Matrix. */
  readonly matrixLanes: Pick<Lanes, 'settled' | 'passed'>;
  readonly isOurs: (user: UserId) => boolean;
}

export class OwnEvents {
  readonly #parts: OwnEventParts;
  /** Without a key where it was redacted before it came back. */
  readonly #keys = new Map<EventId, string | undefined>();

  constructor(parts: OwnEventParts) {
    this.#parts = parts;
  }

  /** Whoever sent it: a key that was copied only lets something wait for a row. */
  arrived(event: MatrixEvent): void {
    const key = stringIn(event.content, keyField);
    if (key === undefined && (event.stateKey !== undefined || !this.#parts.isOurs(event.sender))) return;
    this.#keys.set(event.id, key);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > mostEvents && oldest !== undefined) this.#keys.delete(oldest);
  }

  /** Resolves once the row that made the event for this link is settled; false: no row of it did. */
  async settled(event: EventId, link: Link): Promise<boolean> {
    const { journal, matrixLanes } = this.#parts;
    if (!this.#keys.has(event)) return false;
    const key = this.#keys.get(event);
    if (key === undefined) {
      await soon(matrixLanes.passed(linkLane(link)));
      return true;
    }
    const from = journal.parseKey(key);
    if (from?.link !== link.id) return false;
    const row = journal.read(from.seq);
    if (row !== undefined) await matrixLanes.settled(row);
    return true;
  }
}
