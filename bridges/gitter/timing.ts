// How long things take and how often they are tried; tests have less patience.

import type { BudgetOptions } from './wire/budget.ts';
import { type FayeTiming, usualFayeTiming } from './wire/faye.ts';

export interface GitterTiming {
  readonly budget: BudgetOptions;
  readonly callTimeout: number;
  /** ms between questions whether Gitter is there again. */
  readonly probe: { readonly first: number; readonly most: number };
  /** ms until a token that was refused is tried once more. */
  readonly again: number;
  readonly faye: FayeTiming;
  /** ms between tries to open a stream. */
  readonly stream: { readonly first: number; readonly most: number };
  /** ms between looks at where people are, while their realtime channel is away. */
  readonly reread: number;
  /** ms until who went away is told to be. */
  readonly presence: number;
}

export const usualTiming: GitterTiming = {
  budget: {},
  callTimeout: 30_000,
  probe: { first: 2_000, most: 60_000 },
  again: 300_000,
  faye: usualFayeTiming,
  stream: { first: 2_000, most: 60_000 },
  reread: 60_000,
  presence: 180_000,
};
