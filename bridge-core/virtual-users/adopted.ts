// Ghosts that another bridge made, which show their people under their old ids: whoever is known in a room stays who they are.
// Read once; what is written here is written while no bridge runs.

import { type UserId, userId } from '../ids.ts';
import type { Store } from '../store/store.ts';

export interface Adopted {
  /** By what names.ts would call them. */
  readonly byId: ReadonlyMap<string, UserId>;
  /** All of them; undefined: nobody is shown by it any more. */
  readonly idOf: ReadonlyMap<string, string | undefined>;
}

export function adoptedGhosts(store: Pick<Store, 'prepare'>): Adopted {
  const byId = new Map<string, UserId>();
  const idOf = new Map<string, string | undefined>();
  for (const { ghost, id } of store.prepare<{ ghost: string; id: string | null }>('SELECT ghost, id FROM adopted').all()) {
    idOf.set(ghost, id ?? undefined);
    if (id !== null) byId.set(id, userId(ghost));
  }
  return { byId, idOf };
}
