// An adapter's tokens over a restart: sealed in the store, opened when asked for. The only writer of its table.

import type { Secrets } from '../adapter-tools.ts';
import type { Store } from '../store/store.ts';
import { type Resealed, resealed } from './key-rotation.ts';
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

  /** Of another bridge, in a unit of a store that nobody runs on. False: there is one of this name. */
  inherit(name: string, secret: string): boolean {
    if (this.#sealed.has(name)) return false;
    const sealed = this.#keys.seal(secret, ownerOf(name));
    this.#sealed.set(name, sealed);
    this.#store.prepare('INSERT INTO secrets (name, sealed) VALUES (?, ?)').run(name, sealed);
    return true;
  }

  /** Within a commit: every secret under the newest key. How many, and how many no key opens. */
  sealAnew(): Resealed {
    const rows = this.#store.prepare<{ name: string; sealed: string }>('SELECT name, sealed FROM secrets').all();
    const update = this.#store.prepare('UPDATE secrets SET sealed = ? WHERE name = ?');
    let lost = 0;
    for (const { name, sealed } of rows) {
      const fresh = resealed(this.#keys, sealed, ownerOf(name));
      if (fresh === undefined) {
        lost += 1;
        continue;
      }
      update.run(fresh, name);
      // Set anew since, and on its way into the store: that one stays, sealed with the newest key already.
      if (this.#sealed.get(name) === sealed) this.#sealed.set(name, fresh);
    }
    return { done: rows.length - lost, lost };
  }

  names(prefix: string): string[] {
    return [...this.#sealed.keys()].filter((name) => name.startsWith(prefix));
  }
}

const ownerOf = (name: string): string => `secret ${name}`;
