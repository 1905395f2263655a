// Waiting for something to be heard or to become true, with an error that says what was there instead.

import { setTimeout as delay } from 'node:timers/promises';

/** ms. Longer than anything takes that comes at all, on a machine that is ten times as slow; who tests that it comes in time says so. */
export const patience = 60_000;

export interface Wait<Found> {
  /** Looks once: what was waited for, or undefined. Throwing ends the wait. */
  find(): Found | undefined;
  /** Called whenever something new came. */
  readonly listeners: Set<() => void>;
  readonly timeout: number;
  failure(): string;
}

export function wait<Found>(options: Wait<Found>): Promise<Found> {
  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(timer);
      options.listeners.delete(look);
    };
    const look = () => {
      try {
        const found = options.find();
        if (found === undefined) return;
        finish();
        resolve(found);
      } catch (error) {
        finish();
        reject(error);
      }
    };
    const timer = setTimeout(() => {
      finish();
      reject(new Error(options.failure()));
    }, options.timeout);
    options.listeners.add(look);
    look();
  });
}

/** Asks again and again until `ask` gives something; a rejection counts as not yet. `what` completes "waited in vain for …". */
export async function until<Found>(
  what: string,
  ask: () => Found | undefined | Promise<Found | undefined>,
  timeout = patience,
): Promise<Found> {
  const deadline = performance.now() + timeout;
  for (let reason: unknown; ; ) {
    try {
      const found = await ask();
      if (found) return found;
    } catch (error) {
      reason = error;
    }
    if (performance.now() > deadline) throw new Error(`Waited ${timeout} ms in vain for ${what}.`, { cause: reason });
    await delay(25);
  }
}

/** What `promise` gives, or an error once it takes too long. `what` completes "waited in vain for …". */
export async function within<Given>(what: string, promise: Promise<Given>, timeout = patience): Promise<Given> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Waited ${timeout} ms in vain for ${what}.`)), timeout);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** As `until` for as many as that; given up only when nothing more has come for so long. */
export async function untilAll(what: string, wanted: number, count: () => number | Promise<number>, timeout = patience): Promise<void> {
  for (let seen = await count(); seen < wanted; ) {
    const before = seen;
    const hasMore = async () => {
      seen = await count();
      return seen > before;
    };
    await delay(25);
    await until(`more of ${what} than ${before} of ${wanted}`, hasMore, timeout);
  }
}
