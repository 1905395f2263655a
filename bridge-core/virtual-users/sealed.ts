// All that is sealed with the bridge's keys, in the one list that there is of it: a running bridge and a store that nobody runs on
// rotate by it, and it says whether the keys may be lost. What is sealed anywhere else would not outlive a rotation.

import type { Store } from '../store/store.ts';
import { resealDoubles } from './doubles.ts';
import { type Resealed, rotateKeys, type Sealed } from './key-rotation.ts';
import type { Keys } from './keys.ts';

export interface SealedParts {
  readonly store: Store;
  readonly keys: Keys;
  /** Those that hold what is sealed in memory, too. */
  readonly secrets: Sealed;
  readonly logins: Sealed;
}

export function rotateAll({ store, keys, secrets, logins }: SealedParts): Promise<Resealed> {
  // People's own tokens whatever the settings say now of doubles: they may say so again.
  return rotateKeys({ keys, store, sealed: [secrets, logins, { sealAnew: () => resealDoubles({ store, keys }) }] });
}

/** How much of it there is. */
export function countSealed(store: Pick<Store, 'prepare'>): number {
  const counted = store.prepare<{ n: number }>(
    'SELECT (SELECT count(*) FROM logins) + (SELECT count(*) FROM secrets) + (SELECT count(*) FROM doubles) AS n',
  );
  return counted.get()?.n ?? 0;
}
