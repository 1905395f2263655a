// Notes of parts that are too small for a table: read once, kept in memory, written through. Each name has one writer.

import type { Json } from '../remote-event.ts';
import type { Notes, Store } from './store.ts';

const prefix = 'note:';

export function openNotes(store: Store): Notes {
  const notes = new Map<string, Json>();
  for (const { name, value } of store.prepare<{ name: string; value: string }>('SELECT name, value FROM meta').all())
    if (name.startsWith(prefix)) notes.set(name.slice(prefix.length), JSON.parse(value) as Json);
  const put = store.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)');
  const remove = store.prepare('DELETE FROM meta WHERE name = ?');
  return {
    get: (name) => notes.get(name),
    set: async (name, value) => {
      await store.write(() => {
        if (value === undefined) remove.run(prefix + name);
        else put.run(prefix + name, JSON.stringify(value));
      });
      if (value === undefined) notes.delete(name);
      else notes.set(name, value);
    },
  };
}
