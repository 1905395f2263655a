// What an operator may look up and mend in a store, of a bridge that runs or of one that does not: links, dead rows, backup.

import { messageOf, PermanentError } from '../errors.ts';
import { stringIn } from '../matrix-event.ts';
import type { Journal } from '../pipeline/journal.ts';
import { type Row, states, towards } from '../pipeline/row.ts';
import type { Links } from '../plumbing/links.ts';
import type { Json } from '../remote-event.ts';
import type { SqliteStore } from '../store/sqlite.ts';

export interface RecordParts {
  readonly store: SqliteStore;
  readonly links: Links;
  readonly journal: Journal;
  /** Puts rows that live again into their lanes; absent where no bridge runs, then its next start does. */
  readonly revive?: (rows: readonly Row[]) => void;
}

export class Records {
  readonly #parts: RecordParts;

  constructor(parts: RecordParts) {
    this.#parts = parts;
  }

  links(): Json {
    return this.#parts.links.all().map(({ id, room, channel, state, origin, reason }) => ({
      ...{ id, room, channel, state, origin },
      ...(reason !== undefined && { reason }),
    }));
  }

  dead(): Json {
    return this.#parts.journal.dead().map((row) => {
      const link = this.#parts.links.get(row.link);
      return {
        ...{ seq: row.seq, direction: row.direction === towards.matrix ? 'to-matrix' : 'to-network', at: row.at, error: row.error ?? '' },
        link: link === undefined ? `${row.link} (gone)` : `${link.room} ↔ ${link.channel}`,
        ...wordsOf(row),
      };
    });
  }

  /** All of them, in their old order; they say that they come late. */
  async retry(): Promise<Json> {
    const { journal, store } = this.#parts;
    // Read in the unit: what two ask for at once is tried again once.
    const rows = await store.write(() => {
      const dead = journal.dead();
      for (const row of dead) {
        row.state = states.waiting;
        row.attempts = 0;
        row.progress = { ...row.progress, revived: true };
        journal.save(row);
      }
      return dead;
    });
    this.#parts.revive?.(rows);
    return { count: rows.length };
  }

  async backup(destination: string): Promise<Json> {
    try {
      await this.#parts.store.backup(destination);
    } catch (cause) {
      throw new PermanentError('BACKUP_FAILED', `the store cannot be copied to ${destination}: ${messageOf(cause)}`, cause);
    }
    return { destination };
  }
}

function wordsOf(row: Row): { sender: string; text: string } {
  const { task } = row;
  switch (task.do) {
    case 'say':
      return { sender: task.event.sender, text: stringIn(task.event.content, 'body') ?? task.event.type };
    case 'show':
      return {
        sender: 'sender' in task.event ? task.event.sender.name : '',
        text: 'body' in task.event ? String(task.event.body) : task.event.kind,
      };
    case 'repeat':
      return { sender: task.from, text: task.content?.body ?? task.change?.is ?? '' };
    default:
      return { sender: '', text: task.do };
  }
}
