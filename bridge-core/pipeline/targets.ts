// What an event of the network's points at: recorded, or on its way in another lane, or parked. Step 6's look-up.

import type { RemoteMessageId } from '../ids.ts';
import type { Journal } from './journal.ts';
import { BehindParked, type Lanes } from './lanes.ts';
import type { Relation, Relations } from './relations.ts';
import { type Row, states } from './row.ts';

export interface TargetParts {
  readonly journal: Pick<Journal, 'findBySource'>;
  readonly lanes: Pick<Lanes, 'settled' | 'isParked'>;
  readonly relations: Relations;
}

export class Targets {
  readonly #parts: TargetParts;

  constructor(parts: TargetParts) {
    this.#parts = parts;
  }

  /** The first part of it. */
  async first(row: Row, remote: RemoteMessageId): Promise<Relation | undefined> {
    return (await this.all(row, remote))[0];
  }

  /** Every event that it became. A parked one holds an edit or a redaction back behind it. */
  async all(row: Row, remote: RemoteMessageId): Promise<readonly Relation[]> {
    const { relations, journal, lanes } = this.#parts;
    const known = relations.messagesOf(remote, row.link);
    if (known.length > 0) return await relations.whole(known);
    const pending = journal.findBySource(row.link, remote);
    if (pending === undefined || pending.seq >= row.seq || pending.state === states.dead) return [];
    if (pending.lane !== row.lane && pending.progress.revived !== true) await lanes.settled(pending);
    if (!lanes.isParked(pending)) return relations.messagesOf(remote, row.link);
    const isHeldBack = row.task.do === 'show' && (row.task.event.kind === 'edit' || row.task.event.kind === 'redaction');
    if (isHeldBack) throw new BehindParked(pending);
    return [];
  }
}
