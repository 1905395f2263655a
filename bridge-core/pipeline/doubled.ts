// What we sent as a person of Matrix, told from what they say themselves, when it comes back to us. The key in it proves nothing, for
// they may copy it: the event must be the one that was recorded, or its row still on its way and its sender whom that row speaks as.

import type { EventId, RemoteUserId, UserId } from '../ids.ts';
import { keyField, type MatrixEvent, stringIn } from '../matrix-event.ts';
import type { Journal } from './journal.ts';
import { towards } from './row.ts';

export interface DoubledParts {
  readonly journal: Pick<Journal, 'parseKey' | 'isSeen' | 'markSeen' | 'read'>;
  /** Whose own account it is. */
  readonly ownerOf: (account: RemoteUserId) => UserId | undefined;
}

export class Doubled {
  readonly #parts: DoubledParts;

  constructor(parts: DoubledParts) {
    this.#parts = parts;
  }

  /** The link whose row made this event; undefined where its sender did. */
  linkOf(event: MatrixEvent): number | undefined {
    const key = stringIn(event.content, keyField);
    if (key === undefined) return undefined;
    const { journal, ownerOf } = this.#parts;
    const from = journal.parseKey(key);
    if (from === undefined) return undefined;
    if (journal.isSeen(towards.network, scopeOf(from.link), event.id)) return from.link;
    const row = journal.read(from.seq);
    const shown = row?.link === from.link && row.task.do === 'show' ? row.task.event : undefined;
    if (shown === undefined || !('sender' in shown)) return undefined;
    // What another takes away may be taken away as its author.
    const isTheirs = shown.kind === 'redaction' ? event.redacts !== undefined : ownerOf(shown.sender.id) === event.sender;
    return isTheirs ? from.link : undefined;
  }

  /** In the unit that removes the row: until then the row itself tells. */
  record(link: number, event: EventId): void {
    this.#parts.journal.markSeen(towards.network, scopeOf(link), event);
  }
}

const scopeOf = (link: number): string => `as a person ${link}`;
