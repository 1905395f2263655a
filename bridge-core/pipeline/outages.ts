// A side that is away for all: who waits for it, and when they go on. One probe every few seconds; whatever is heard from
// that side ends the wait sooner.

import type { Logger } from '../adapter.ts';
import type { BridgeError } from '../errors.ts';

interface Outage {
  readonly waiting: Set<() => void>;
  readonly since: number;
  timer: NodeJS.Timeout;
}

export class Outages {
  readonly #probe: (scope: string) => Promise<boolean>;
  readonly #every: number;
  readonly #log: Logger;
  readonly #open = new Map<string, Outage>();

  constructor(parts: { probe: (scope: string) => Promise<boolean>; every: number; log: Logger }) {
    this.#probe = parts.probe;
    this.#every = parts.every;
    this.#log = parts.log;
  }

  begin(scope: string, error: BridgeError): void {
    if (this.#open.has(scope)) return;
    this.#log.warn({ scope, code: error.code, why: error.message }, 'away; what is for it waits in the journal');
    const probe = async (): Promise<void> => {
      const isBack = await this.#probe(scope).catch(() => false);
      if (this.#open.get(scope) !== outage) return;
      if (isBack) this.end(scope);
      else outage.timer = setTimeout(probe, this.#every);
    };
    const outage: Outage = { waiting: new Set(), since: Date.now(), timer: setTimeout(probe, this.#every) };
    this.#open.set(scope, outage);
  }

  end(scope: string): void {
    const outage = this.#open.get(scope);
    if (outage === undefined) return;
    this.#open.delete(scope);
    clearTimeout(outage.timer);
    this.#log.info({ scope, ms: Date.now() - outage.since }, 'back; delivering what waited');
    for (const goOn of outage.waiting) goOn();
  }

  get isAny(): boolean {
    return this.#open.size > 0;
  }

  /** `goOn` is called once the outage ends; false where there is none. The same function waits once. */
  await(scope: string, goOn: () => void): boolean {
    const outage = this.#open.get(scope);
    outage?.waiting.add(goOn);
    return outage !== undefined;
  }

  close(): void {
    for (const outage of this.#open.values()) clearTimeout(outage.timer);
    this.#open.clear();
  }
}
