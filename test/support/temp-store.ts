// A real store in a folder of the test's own, closed when the test ends; and a second pair of eyes on its file.

import { join } from 'node:path';
import type { TestContext } from 'node:test';
import Sqlite from 'better-sqlite3';
import { openStore, type SqliteStore } from '../../bridge-core/store/sqlite.ts';
import { tempFolder } from './temp-folder.ts';

export interface TempStore {
  readonly path: string;
  readonly store: SqliteStore;
  /** What units that nobody waited for threw. */
  readonly faults: unknown[];
  /** As after a restart: the same file, closed and opened anew. */
  reopen(): Promise<SqliteStore>;
  /** One value as another process would read it: what is committed. */
  committed(sql: string): unknown;
}

export function openTempStore(t: TestContext): TempStore {
  const path = join(tempFolder(), 'store.db');
  const faults: unknown[] = [];
  const open = () => openStore(path, (fault) => faults.push(fault));
  let store = open();
  const eyes = new Sqlite(path, { readonly: true });
  t.after(async () => {
    eyes.close();
    await store.close();
  });
  return {
    path,
    faults,
    get store() {
      return store;
    },
    async reopen() {
      await store.close();
      store = open();
      return store;
    },
    committed: (sql) => eyes.prepare(sql).pluck().get(),
  };
}
