// Rows that keep failing while the other side serves others: set aside, those of one speaker in one lane in a chain, and
// tried again in the background, in order. What a try does, and what it means, is lanes.ts's.

import type { Store } from '../store/store.ts';
import type { Journal } from './journal.ts';
import { type Row, states } from './row.ts';
import type { Timing } from './timing.ts';

/** What became of one try. `again`: at once; `after`: in so many ms at the earliest. */
export type Outcome = 'gone' | 'moved' | 'again' | 'outage' | { readonly after: number; readonly park?: true };

export interface ParkedParts {
  readonly journal: Pick<Journal, 'read' | 'save'>;
  readonly store: Pick<Store, 'writeSoon'>;
  readonly timing: Pick<Timing, 'parkedFirst' | 'parkedMax'>;
  readonly attempt: (row: Row) => Promise<Outcome>;
  /** True while the other side is away for all; `goOn` is called when it is back. */
  readonly mustWait: (row: Row, goOn: () => void) => boolean;
  /** A chain has come to rest. */
  readonly rested: () => void;
  readonly stumbled: (thrown: unknown) => void;
}

interface Chain {
  readonly name: string;
  /** Oldest first; bare numbers beyond the window, read when their turn comes. */
  readonly rows: (Row | number)[];
  delay: number;
  timer: NodeJS.Timeout | undefined;
  running: boolean;
  readonly goOn: () => void;
}

const window = 200;

export class Parked {
  readonly #parts: ParkedParts;
  readonly #chains = new Map<string, Chain>();
  readonly #bySeq = new Map<number, Chain>();
  #stopped = false;

  constructor(parts: ParkedParts) {
    this.#parts = parts;
  }

  /** Is something of this speaker's set aside, so that what follows must wait behind it? */
  holds(lane: string, speaker: string): boolean {
    return this.#chains.size > 0 && speaker !== '' && this.#chains.has(nameOf(lane, speaker));
  }

  has(seq: number): boolean {
    return this.#bySeq.has(seq);
  }

  hold(row: Row, lane: string, speaker: string, after = 0): void {
    this.#append(row, this.#chainNamed(nameOf(lane, speaker)), after);
  }

  /** A row that was parked in an earlier run; tried from `start` on. */
  load(row: Row, lane: string, speaker: string): void {
    const chain = this.#chainNamed(nameOf(lane, speaker));
    chain.rows.push(chain.rows.length < window ? row : row.seq);
    this.#bySeq.set(row.seq, chain);
  }

  /** Behind the row that it points at, whoever's that is; false where that is not parked any more. A parked row leaves the
   *  head of its own chain for it. */
  putBehind(row: Row, target: number): boolean {
    const chain = this.#bySeq.get(target);
    if (chain === undefined) return false;
    this.#bySeq.get(row.seq)?.rows.shift();
    this.#append(row, chain, 0);
    return true;
  }

  start(): void {
    for (const chain of this.#chains.values()) this.#schedule(chain, 0);
  }

  stop(): void {
    this.#stopped = true;
    for (const chain of this.#chains.values()) clearTimeout(chain.timer);
  }

  get isBusy(): boolean {
    for (const chain of this.#chains.values()) if (chain.running) return true;
    return false;
  }

  #chainNamed(name: string): Chain {
    let chain = this.#chains.get(name);
    if (chain === undefined) {
      const made: Chain = {
        ...{ name, rows: [], delay: this.#parts.timing.parkedFirst, timer: undefined, running: false },
        goOn: () => this.#run(made),
      };
      this.#chains.set(name, made);
      chain = made;
    }
    return chain;
  }

  #append(row: Row, chain: Chain, after: number): void {
    chain.rows.push(chain.rows.length < window ? row : row.seq);
    this.#bySeq.set(row.seq, chain);
    if (row.state === states.begun) row.progress = { ...row.progress, begun: true };
    row.state = states.parked;
    this.#parts.store.writeSoon(() => {
      // Dead or gone by the time of the commit: that was written by whoever did it.
      if (row.state === states.parked && this.#bySeq.has(row.seq)) this.#parts.journal.save(row);
    });
    this.#schedule(chain, after);
  }

  #schedule(chain: Chain, after: number): void {
    if (this.#stopped || chain.running || chain.timer !== undefined) return;
    chain.timer = setTimeout(chain.goOn, Math.max(chain.delay, after));
  }

  #run(chain: Chain): void {
    if (this.#stopped || chain.running) return;
    clearTimeout(chain.timer);
    chain.timer = undefined;
    chain.running = true;
    this.#retry(chain)
      .catch((thrown) => {
        this.#parts.stumbled(thrown);
        return 0;
      })
      .then((after) => {
        chain.running = false;
        if (chain.rows.length === 0) this.#forget(chain);
        else this.#schedule(chain, after);
        this.#parts.rested();
      });
  }

  /** Woken late it may have a successor of its name. */
  #forget(chain: Chain): void {
    if (this.#chains.get(chain.name) === chain) this.#chains.delete(chain.name);
  }

  /** Goes on as long as rows get away; gives the least wait until the next try. */
  async #retry(chain: Chain): Promise<number> {
    while (!this.#stopped && chain.rows.length > 0) {
      const row = this.#headOf(chain);
      if (row === undefined) continue;
      if (this.#parts.mustWait(row, chain.goOn)) return 0;
      const outcome = await this.#parts.attempt(row);
      if (outcome === 'gone') {
        chain.rows.shift();
        this.#bySeq.delete(row.seq);
        chain.delay = this.#parts.timing.parkedFirst;
      } else if (outcome === 'outage') {
        return 0;
      } else if (typeof outcome === 'object') {
        chain.delay = Math.min(this.#parts.timing.parkedMax, chain.delay * 2);
        return outcome.after;
      }
    }
    return 0;
  }

  #headOf(chain: Chain): Row | undefined {
    const head = chain.rows[0];
    if (typeof head !== 'number') return head;
    const row = this.#parts.journal.read(head);
    if (row === undefined) {
      chain.rows.shift();
      this.#bySeq.delete(head);
      return undefined;
    }
    row.state = states.parked;
    chain.rows[0] = row;
    return row;
  }
}

const nameOf = (lane: string, speaker: string): string => `${lane}\n${speaker}`;
