// An adapter's own small memory over a restart: read once, kept in memory, written through. The only writer of its table.

import type { KeyValue } from '../adapter-tools.ts';
import type { Json } from '../remote-event.ts';
import type { Store } from './store.ts';

export class Memory implements KeyValue {
  readonly #store: Store;
  readonly #values = new Map<string, Json>();

  constructor(parts: { store: Store }) {
    this.#store = parts.store;
    for (const { name, value } of this.#store.prepare<{ name: string; value: string }>('SELECT name, value FROM memory').all()) {
      this.#values.set(name, JSON.parse(value) as Json);
    }
  }

  get(key: string): Json | undefined {
    return this.#values.get(key);
  }

  async set(key: string, value: Json | undefined): Promise<void> {
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
    await this.#store.write(() => {
      if (value === undefined) this.#store.prepare('DELETE FROM memory WHERE name = ?').run(key);
      else this.#store.prepare('INSERT OR REPLACE INTO memory (name, value) VALUES (?, ?)').run(key, JSON.stringify(value));
    });
  }

  keys(prefix: string): string[] {
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix));
  }
}
