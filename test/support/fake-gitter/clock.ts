// The fake's time: real, but it can be put forward or stand, for the edit window, rate limits and the guard against copies. Ids come from it, since
// Gitter's are Mongo's: four bytes of seconds, five of the process, three of its counter (MongoDB's specification of ObjectId).

import { randomBytes } from 'node:crypto';

export class Clock {
  #ahead = 0;
  #stands: number | undefined;

  /** Milliseconds since 1970. */
  now(): number {
    return (this.#stands ?? Date.now()) + this.#ahead;
  }

  /** From now on it goes on only where it is put forward. */
  stand(): void {
    this.#stands = Date.now();
  }

  /** Running timers are not hastened by it. */
  forward(ms: number): void {
    this.#ahead += ms;
  }
}

/** Within a second ids rise only among those of one process: with several, `afterId` can skip. */
export class ObjectIds {
  readonly #clock: Clock;
  readonly #processes: { readonly name: string; count: number }[];
  #turn = 0;

  constructor(clock: Clock, processes = 1) {
    this.#clock = clock;
    // Names fall, so that ids of one second made in turn stand in the wrong order for sure.
    this.#processes = Array.from({ length: processes }, (_, number) => ({
      name: (0xff - number).toString(16) + randomBytes(4).toString('hex'),
      count: 0,
    }));
  }

  next(): string {
    const process = this.#processes[this.#turn % this.#processes.length];
    if (process === undefined) throw new Error('a Gitter without processes');
    this.#turn += 1;
    process.count += 1;
    const seconds = Math.floor(this.#clock.now() / 1000);
    return seconds.toString(16).padStart(8, '0') + process.name + process.count.toString(16).padStart(6, '0');
  }
}

export function isObjectId(text: string): boolean {
  return /^[0-9a-f]{24}$/i.test(text);
}
