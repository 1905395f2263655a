// Work of somebody else's that is waited for so long and no longer. It goes on behind our back, and what it comes to is dropped.

import { setTimeout as delay } from 'node:timers/promises';
import { PermanentError } from '../errors.ts';

/** Rejects with an AbortError where `signal` says that nobody waits any more. */
export async function inTime<Result>(work: Promise<Result>, ms: number, signal: AbortSignal): Promise<Result> {
  const waiting = new AbortController();
  const late = delay(ms, undefined, { signal: AbortSignal.any([signal, waiting.signal]) }).then(() => {
    throw new PermanentError('NETWORK_BUSY', 'the history stands still');
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    waiting.abort();
    late.catch(() => undefined);
    work.catch(() => undefined);
  }
}

/** What a person said by other means waits so long for what we are saying for them, ms. */
const soonMs = 10_000;

/** Resolves with the work, or without it after a while. */
export async function soon(work: Promise<void>): Promise<void> {
  const late = new AbortController();
  try {
    await Promise.race([work, delay(soonMs, undefined, { signal: late.signal, ref: false }).catch(() => undefined)]);
  } finally {
    late.abort();
  }
}
