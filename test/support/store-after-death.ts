// What a bridge that was killed left in its store, read from a copy: the next run finds the original as it was.

import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { towards } from '../../bridge-core/pipeline/row.ts';
import { tempFolder } from './temp-folder.ts';

export interface Remains {
  /** Rows not yet delivered, those given up aside. */
  readonly inFlight: { readonly toMatrix: number; readonly toNetwork: number };
  /** Texts that the network said, in the order of taking in: still in the journal, or delivered and recorded. */
  readonly takenIn: ReadonlySet<string>;
  readonly dead: number;
}

export function readRemains(store: string): Remains {
  const copy = join(tempFolder(), 'store.db');
  for (const end of ['', '-wal']) if (existsSync(store + end)) copyFileSync(store + end, copy + end);
  const database = new Sqlite(copy);
  try {
    const rows = database
      .prepare<[], { direction: number; state: number; event: string }>('SELECT direction, state, event FROM journal')
      .all();
    const waiting = rows.filter(({ state }) => state !== 3);
    // Whatever is no longer in the journal has its relation, written in the commit that removed the row.
    const recorded = database
      .prepare<[], { text: string }>('SELECT text FROM relations WHERE author IS NOT NULL AND text IS NOT NULL')
      .all();
    const journaled = rows.flatMap(({ direction, event }) => {
      const task = JSON.parse(event) as { event?: { body?: unknown } };
      return direction === towards.matrix && typeof task.event?.body === 'string' ? [task.event.body] : [];
    });
    return {
      inFlight: {
        toMatrix: waiting.filter(({ direction }) => direction === towards.matrix).length,
        toNetwork: waiting.filter(({ direction }) => direction === towards.network).length,
      },
      takenIn: new Set([...recorded.map(({ text }) => text), ...journaled]),
      dead: rows.length - waiting.length,
    };
  } finally {
    database.close();
  }
}
