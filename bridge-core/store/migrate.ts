// Brings a store to the newest schema: the numbered files of migrations/, each in one transaction with its version, only
// ever added to. A store from a newer version is refused, not guessed at.

import { readdirSync, readFileSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { ConfigError } from '../errors.ts';

const folder = new URL('./migrations/', import.meta.url);

export function migrate(database: Database, path: string): void {
  const files = readdirSync(folder)
    .filter((name) => /^\d{4}-.*\.sql$/.test(name))
    .sort();
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version > files.length) {
    throw new ConfigError('STORE_NEWER', `${path} has schema ${version}; this version knows ${files.length}`);
  }
  for (const [number, name] of files.entries()) {
    if (number < version) continue;
    database.transaction(() => {
      database.exec(readFileSync(new URL(name, folder), 'utf8'));
      database.pragma(`user_version = ${number + 1}`);
    })();
  }
}
