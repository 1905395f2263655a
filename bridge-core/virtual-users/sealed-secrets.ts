// An adapter's tokens over a restart: sealed in the store, opened when asked for. The only writer of its table.

import type { Secrets } from '../adapter-tools.ts';
import type { Store } from '../store/store.ts';
import type { Keys } from './keys.ts';

export class SealedSecrets implements Secrets {
  readonly #store: Store;
  readonly #keys: Pick<Keys, 'seal' | 'unseal'>;
  readonly #sealed = new Map<string, string>();

  constructor(given: { store: Store; keys: Pick<Keys, 'seal' | 'unseal'> }) {
    this.#store = given.store;
    this.#keys = given.keys;
    for (const { name, sealed } of given.store.prepare<{ name: string; sealed: string }>('SELECT name, sealed FROM secrets').all())
      this.#sealed.set(name, sealed);
  }

  get(name: string): string | undefined {
    const sealed = this.#sealed.get(name);
    return sealed === undefined ? undefined : this.#keys.unseal(sealed, ownerOf(name));
  }

  async set(name: string, secret: string | undefined): Promise<void> {
    const sealed = secret === undefined ? undefined : this.#keys.seal(secret, ownerOf(name));
    if (sealed === undefined) this.#sealed.delete(name);
    else this.#sealed.set(name, sealed);
    await this.#store.write(() => {
      if (sealed === undefined) this.#store.prepare('DELETE FROM secrets WHERE name = ?').run(name);
      else this.#store.prepare('INSERT OR REPLACE INTO secrets (name, sealed) VALUES (?, ?)').run(name, sealed);
    });
  }

  names(prefix: string): string[] {
    return [...this.#sealed.keys()].filter((name) => name.startsWith(prefix));
  }
}

const ownerOf = (name: string): string => `secret ${name}`;
