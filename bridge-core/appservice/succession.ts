// Whether transactions come in their order. Synapse leaves one behind for good where its event comes in the moment in which a
// recovery ends, and brings it only after the next failure, behind all that was said since (seen). So a gap in its numbers is
// refused: it takes that for a failure, and begins anew with the oldest that it has.

import { RetryableError } from '../errors.ts';
import { isRecord, keyField } from '../matrix-event.ts';

export interface SuccessionTiming {
  /** An event that comes later than this was held back, ms: the homeserver recovers from something. */
  readonly late: number;
  /** After the last such one, what nothing follows is asked for. */
  readonly settle: number;
  /** Where a gap was none, none is looked for. */
  readonly trust: number;
  /** Nothing is refused for longer, whatever the homeserver does. */
  readonly patience: number;
}

const usual: SuccessionTiming = { late: 500, settle: 3_000, trust: 60_000, patience: 60_000 };
/** Younger than this, ms, what we send has the time of its sending. */
const dated = 10_000;
/** Numbers further apart are no count of transactions. */
const widest = 50;

export class Succession {
  readonly #timing: SuccessionTiming;
  readonly #recovered: (since: number) => void;
  #last: number | undefined;
  /** Something came late: one may be left behind. */
  #isDoubted = false;
  #trustUntil = 0;
  /** Refused; it comes again behind what was left behind. */
  #awaited: { readonly number: number; readonly since: number; isOlderCome: boolean } | undefined;
  #lateSince = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `recovered`: a recovery that began then is over, and what was said in its last moment may not have come. */
  constructor(parts: { recovered?: ((since: number) => void) | undefined; timing?: Partial<SuccessionTiming> | undefined }) {
    this.#recovered = parts.recovered ?? (() => {});
    this.#timing = { ...usual, ...parts.timing };
  }

  /** Before it is taken in; throws where an older one is to come first. */
  check(id: string): void {
    const number = numberOf(id);
    if (number === undefined) return;
    const { patience, trust } = this.#timing;
    const awaited = this.#awaited;
    if (awaited !== undefined) {
      if (number < awaited.number) {
        awaited.isOlderCome = true;
        return;
      }
      if (number > awaited.number && Date.now() - awaited.since < patience) throw tooEarly(id);
      this.#awaited = undefined;
      // Numbers are shared with another appservice.
      if (!awaited.isOlderCome) {
        this.#isDoubted = false;
        this.#trustUntil = Date.now() + trust;
      }
      return;
    }
    if (!this.#isDoubted || this.#last === undefined || Date.now() < this.#trustUntil) return;
    const missing = number - this.#last - 1;
    if (missing < 1 || missing > widest) return;
    this.#awaited = { number, since: Date.now(), isOlderCome: false };
    throw tooEarly(id);
  }

  /** It was taken in. */
  taken(id: string, events: readonly unknown[]): void {
    const number = numberOf(id);
    // One that was left behind comes late; far lower is a count that began anew.
    if (number !== undefined && (this.#last === undefined || number > this.#last || this.#last - number > widest)) this.#last = number;
    if (!events.some((event) => this.#isLate(event))) return;
    this.#isDoubted = true;
    this.#lateSince ||= Date.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const since = this.#lateSince;
      this.#lateSince = 0;
      this.#recovered(since);
    }, this.#timing.settle).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** As the homeserver counts. What we send late ourselves bears the time at which it happened on the network. */
  #isLate(event: unknown): boolean {
    if (!isRecord(event)) return false;
    const isOwn = isRecord(event.content) && event.content[keyField] !== undefined;
    const age = isRecord(event.unsigned) ? (event.unsigned.age ?? event.age) : event.age;
    return typeof age === 'number' && age > this.#timing.late && !(isOwn && age > dated);
  }
}

const numberOf = (id: string): number | undefined => (/^\d{1,15}$/.test(id) ? Number(id) : undefined);

/** The homeserver sees a failure of ours. */
export class OutOfTurn extends RetryableError {}

function tooEarly(id: string): OutOfTurn {
  return new OutOfTurn('HOMESERVER_BUSY', `transaction ${id} comes before an older one`);
}
