// New keys, and all that is sealed sealed anew with them: in one commit, and the old keys go only after it. A crash at any
// point leaves a ring that opens everything; the next rotation tidies up.

import type { Store } from '../store/store.ts';
import type { Keys } from './keys.ts';

export interface Resealed {
  readonly done: number;
  /** What no key of ours opens; left as it is. */
  readonly lost: number;
}

/** Each is the one writer of its table. `sealAnew` is synchronous. */
export interface Sealed {
  sealAnew(): Resealed;
}

export async function rotateKeys(parts: {
  readonly keys: Pick<Keys, 'rotate' | 'retire'>;
  readonly store: Pick<Store, 'write'>;
  readonly sealed: readonly Sealed[];
}): Promise<Resealed> {
  const { keys, store, sealed } = parts;
  await keys.rotate();
  const all = await store.write(() => sealed.map((part) => part.sealAnew()));
  await keys.retire();
  return { done: sum(all.map(({ done }) => done)), lost: sum(all.map(({ lost }) => lost)) };
}

/** Undefined: it does not open. */
export function resealed(keys: Pick<Keys, 'seal' | 'unseal'>, sealed: string, owner: string): string | undefined {
  let text: string;
  try {
    text = keys.unseal(sealed, owner);
  } catch {
    return undefined;
  }
  return keys.seal(text, owner);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, number) => all + number, 0);
