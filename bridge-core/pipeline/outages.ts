// A side that is away for all: who waits for it, and when they go on. One probe every few seconds; whatever is heard from
// that side lets them try sooner, which ends the outage only if it succeeds: a homeserver may speak to us and not listen.

import type { Logger } from '../adapter-tools.ts';
import type { BridgeError } from '../errors.ts';

interface Outage {
  /** Who goes on, each once. */
  readonly waiting: Set<() => void>;
  /** The lanes that they are of. */
  readonly names: Set<string>;
  readonly since: number;
  /** The next probe. */
  timer: NodeJS.Timeout | undefined;
  readonly telling: NodeJS.Timeout;
  told: readonly string[];
  /** That side was heard from: they try, and nothing has failed or succeeded since. */
  isDoubted: boolean;
  heardAt: number;
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

/** Who speaks to us and does not listen is tried at most so often, ms. */
const leastBetweenTries = 1_000;

export class Outages {
  readonly #parts: OutageParts;
  readonly #open = new Map<string, Outage>();

  constructor(parts: OutageParts) {
    this.#parts = parts;
  }

  begin(scope: string, error: BridgeError): void {
    const known = this.#open.get(scope);
    if (known !== undefined) {
      if (known.isDoubted) this.#probeLater(scope, known);
      return;
    }
    this.#parts.log.warn({ scope, code: error.code, why: error.message }, 'away; what is for it waits in the journal');
    const tell = (): void => {
      outage.told = [...outage.names];
      this.#parts.told(scope, false, outage.told);
    };
    const outage: Outage = {
      ...{ waiting: new Set(), names: new Set(), since: Date.now(), told: [], isDoubted: false, heardAt: 0 },
      ...{ timer: undefined, telling: setTimeout(tell, this.#parts.tellAfter) },
    };
    this.#open.set(scope, outage);
    this.#probeLater(scope, outage);
  }

  /** That side said something: who waits for it tries, though not at every word. */
  heardFrom(scope: string): void {
    const outage = this.#open.get(scope);
    const now = Date.now();
    if (outage === undefined || outage.isDoubted || now - outage.heardAt < leastBetweenTries) return;
    outage.isDoubted = true;
    outage.heardAt = now;
    clearTimeout(outage.timer);
    // Should nobody have anything to try with.
    outage.timer = setTimeout(() => this.end(scope), this.#parts.every);
    letGo(outage);
  }

  end(scope: string): void {
    const outage = this.#open.get(scope);
    if (outage === undefined) return;
    this.#open.delete(scope);
    clearTimeout(outage.timer);
    this.#parts.log.info({ scope, ms: Date.now() - outage.since }, 'back; delivering what waited');
    clearTimeout(outage.telling);
    letGo(outage);
    if (outage.told.length > 0) this.#parts.told(scope, true, outage.told);
  }

  isOpen(scope: string): boolean {
    return this.#open.get(scope)?.isDoubted === false;
  }

  get isAny(): boolean {
    return this.#open.size > 0;
  }

  /** `goOn` is called once they may try; false where they may now. The same function waits once. */
  await(scope: string, name: string, goOn: () => void): boolean {
    const outage = this.#open.get(scope);
    if (outage === undefined || outage.isDoubted) return false;
    outage.waiting.add(goOn);
    outage.names.add(name);
    return true;
  }

  close(): void {
    for (const outage of this.#open.values()) {
      clearTimeout(outage.timer);
      clearTimeout(outage.telling);
    }
    this.#open.clear();
  }

  #probeLater(scope: string, outage: Outage): void {
    outage.isDoubted = false;
    clearTimeout(outage.timer);
    outage.timer = setTimeout(async () => {
      const isBack = await this.#parts.probe(scope).catch(() => false);
      if (this.#open.get(scope) !== outage || outage.isDoubted) return;
      if (isBack) this.end(scope);
      else this.#probeLater(scope, outage);
    }, this.#parts.every);
  }
}

function letGo(outage: Outage): void {
  const waiting = [...outage.waiting];
  outage.waiting.clear();
  for (const goOn of waiting) goOn();
}
