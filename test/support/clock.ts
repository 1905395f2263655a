// A clock that only the test moves, for parts that measure and wait by themselves: timers, intervals, `Date` and `performance.now()`
// stand still between two calls of `pass`. Not for sockets or libraries, which need the time that really passes.

import type { TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';

export interface Clock {
  /** ms since the clock was stopped. */
  readonly now: number;
  /** Lets that many ms pass, one at a time; whatever falls due has had its turn before the next. */
  pass(ms: number): Promise<void>;
  /** Lets time pass until that holds. `what` completes "waited in vain for …". */
  until(what: string, holds: () => unknown, atMost?: number): Promise<void>;
}

export function stopClock(t: TestContext): Clock {
  // Whole, so that no sum of ms falls short of itself.
  const [began, date] = [Math.ceil(performance.now()), Date.now()];
  let now = 0;
  const pass = async (ms: number) => {
    await nextTurn();
    for (const end = now + ms; now < end; ) {
      now += 1;
      t.mock.timers.tick(1);
      await nextTurn();
    }
  };
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: date });
  t.mock.method(performance, 'now', () => began + now);
  return {
    get now() {
      return now;
    },
    pass,
    async until(what, holds, atMost = 60_000) {
      for (const end = now + atMost; !holds(); await pass(1)) {
        if (now >= end) throw new Error(`Let ${atMost} ms pass in vain for ${what}.`);
      }
    },
  };
}
