// What waits for the network, or was given up, and is redacted meanwhile is never said, nor kept to be said: it is taken out of the
// journal, and remembered beside it, for it may stand in a lane.

import { type MatrixEvent, relationOf } from '../matrix-event.ts';
import type { Links } from '../plumbing/links.ts';
import type { Journal } from './journal.ts';
import type { Row } from './row.ts';

const mostRemembered = 10_000;

/** It is not to be said any more: taken back, or no room's. */
export class Unwanted extends Error {}

export class TakenBack {
  readonly #parts: { readonly links: Links; readonly journal: Journal };
  /** Link and event. */
  readonly #rows = new Set<string>();

  constructor({ links, journal }: { readonly links: Links; readonly journal: Journal }) {
    this.#parts = { links, journal };
  }

  /** In a unit. */
  note({ room, redacts }: MatrixEvent): void {
    if (redacts === undefined) return;
    for (const { id } of this.#parts.links.byRoom(room)) {
      const { own, edits } = this.#parts.journal.takeBack(id, redacts);
      if (own) this.#rows.add(`${id} ${redacts}`);
      if (edits) this.#rows.add(`${id} edits ${redacts}`);
      const [oldest] = this.#rows;
      if (this.#rows.size > mostRemembered && oldest !== undefined) this.#rows.delete(oldest);
    }
  }

  /** Its edits go with it: they say the same in other words. */
  has({ link, source }: Row, event: MatrixEvent): boolean {
    if (this.#rows.size === 0) return false;
    return this.#rows.has(`${link} ${source}`) || this.#rows.has(`${link} edits ${relationOf(event, 'm.replace')}`);
  }
}
