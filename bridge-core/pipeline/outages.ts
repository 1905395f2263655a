// A side that is away for all: who waits for it, and when they go on. One probe every few seconds; whatever is heard from
// that side ends the wait sooner.

import type { Logger } from '../adapter.ts';
import type { BridgeError } from '../errors.ts';

interface Outage {
  /** Who goes on, each once, and the lane that they are of: one has rows that wait and parked ones. */
  readonly waiting: Map<() => void, string>;
  readonly since: number;
  timer: NodeJS.Timeout;
  readonly telling: NodeJS.Timeout;
  told: readonly string[];
}

export interface OutageParts {
  readonly probe: (scope: string) => Promise<boolean>;
  readonly every: number;
  /** An outage that lasts so long is told of, ms. */
  readonly tellAfter: number;
  /** Of a long one, with the names of who waits; and, to the same, of its end. */
  readonly told: (scope: string, isOver: boolean, names: readonly string[]) => void;
  readonly log: Logger;
}

export class Outages {
  readonly #parts: OutageParts;
  readonly #open = new Map<string, Outage>();

  constructor(parts: OutageParts) {
    this.#parts = parts;
  }

  begin(scope: string, error: BridgeError): void {
    if (this.#open.has(scope)) return;
    this.#parts.log.warn({ scope, code: error.code, why: error.message }, 'away; what is for it waits in the journal');
    const probe = async (): Promise<void> => {
      const isBack = await this.#parts.probe(scope).catch(() => false);
      if (this.#open.get(scope) !== outage) return;
      if (isBack) this.end(scope);
      else outage.timer = setTimeout(probe, this.#parts.every);
    };
    const tell = (): void => {
      outage.told = [...new Set(outage.waiting.values())];
      this.#parts.told(scope, false, outage.told);
    };
    const outage: Outage = {
      ...{ waiting: new Map(), since: Date.now(), told: [] },
      ...{ timer: setTimeout(probe, this.#parts.every), telling: setTimeout(tell, this.#parts.tellAfter) },
    };
    this.#open.set(scope, outage);
  }

  end(scope: string): void {
    const outage = this.#open.get(scope);
    if (outage === undefined) return;
    this.#open.delete(scope);
    clearTimeout(outage.timer);
    this.#parts.log.info({ scope, ms: Date.now() - outage.since }, 'back; delivering what waited');
    clearTimeout(outage.telling);
    for (const goOn of outage.waiting.keys()) goOn();
    if (outage.told.length > 0) this.#parts.told(scope, true, outage.told);
  }

  isOpen(scope: string): boolean {
    return this.#open.has(scope);
  }

  get isAny(): boolean {
    return this.#open.size > 0;
  }

  /** `goOn` is called once the outage ends; false where there is none. The same function waits once. */
  await(scope: string, name: string, goOn: () => void): boolean {
    const outage = this.#open.get(scope);
    outage?.waiting.set(goOn, name);
    return outage !== undefined;
  }

  close(): void {
    for (const outage of this.#open.values()) {
      clearTimeout(outage.timer);
      clearTimeout(outage.telling);
    }
    this.#open.clear();
  }
}
