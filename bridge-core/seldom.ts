// A log line that strangers can cause as often as they like: told once a minute, with how many there were.

import type { Logger } from './adapter-tools.ts';

const everyMs = 60_000;

export function seldom(log: Pick<Logger, 'warn'>, message: string): (fields: object) => void {
  let next = 0;
  let untold = 0;
  return (fields) => {
    const now = Date.now();
    if (now < next) {
      untold += 1;
      return;
    }
    log.warn({ ...fields, ...(untold > 0 && { alsoSince: untold }) }, message);
    next = now + everyMs;
    untold = 0;
  };
}
