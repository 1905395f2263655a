// One transaction of the homeserver: known already? → narrowed → handed on → remembered with what it led to. What is done
// with the events is the pipeline's; a failure comes out, so that the homeserver sends the same again.

import { hash } from 'node:crypto';
import type { Logger } from '../adapter-tools.ts';
import { messageOf, PermanentError } from '../errors.ts';
import { type EphemeralEvent, isRecord, type MatrixEvent, narrow, narrowEphemeral } from '../matrix-event.ts';
import type { Store } from '../store/store.ts';
import type { Count } from './homeserver-http.ts';
import { OutOfTurn, Succession, type SuccessionTiming } from './succession.ts';

export interface TransactionBatch {
  readonly events: MatrixEvent[];
  readonly ephemeral: EphemeralEvent[];
  /** Writes the transaction down: to be called within the store unit that takes the events in. Not called for a batch that
   *  led to nothing. */
  readonly record: () => void;
}

export interface TransactionsOptions {
  readonly store: Store;
  /** Resolves once the batch is durable. */
  readonly accept: (batch: TransactionBatch) => Promise<void>;
  /** Called a while after a transaction failed with us, later with each further failure in a row: time for a ping, without
   *  which the homeserver may hold events back for minutes. */
  readonly onFailure?: () => void;
  /** What was said at about the end of a recovery that began then may have been left behind. */
  readonly recovered?: (since: number) => void;
  readonly timing?: Partial<SuccessionTiming>;
  readonly log: Logger;
  readonly count?: Count;
}

const keptDays = 30;
const sliceRows = 500;
const sliceGap = 20;
const firstPingDelay = 500;
const longestPingDelay = 60_000;

export function openTransactions(options: TransactionsOptions): Transactions {
  return new Transactions(options);
}

export class Transactions {
  readonly #options: TransactionsOptions;
  readonly #count: Count;
  readonly #succession: Succession;
  #last: Promise<void> = Promise.resolve();
  #failures = 0;
  #pingTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: TransactionsOptions) {
    this.#options = options;
    this.#count = options.count ?? (() => {});
    this.#succession = new Succession({ recovered: options.recovered, timing: options.timing });
  }

  /** One at a time, in the order of arrival; resolves when the homeserver may forget it. */
  receive(id: string, body: unknown): Promise<void> {
    const handled = this.#last.then(() => this.#handle(id, body));
    this.#last = handled.then(
      () => this.#succeeded(),
      (thrown) => this.#failed(id, thrown),
    );
    return handled;
  }

  /** Forgets transactions older than thirty days, a slice at a time with pauses between. */
  async trim(): Promise<void> {
    const { store } = this.#options;
    const oldest = today() - keptDays;
    const endOfSlice = store.prepare<{ id: string }>(
      `SELECT id FROM transactions WHERE id > ? ORDER BY id LIMIT 1 OFFSET ${sliceRows - 1}`,
    );
    const remove = store.prepare('DELETE FROM transactions WHERE id > ? AND id <= ? AND day < ?');
    const removeRest = store.prepare('DELETE FROM transactions WHERE id > ? AND day < ?');
    let after = '';
    while (!this.#closed) {
      const end = endOfSlice.get(after)?.id;
      const from = after;
      await store.write(() => (end === undefined ? removeRest.run(from, oldest) : remove.run(from, end, oldest)));
      if (end === undefined) return;
      after = end;
      await new Promise((resolve) => setTimeout(resolve, sliceGap));
    }
  }

  close(): void {
    this.#closed = true;
    this.#succession.close();
    clearTimeout(this.#pingTimer);
  }

  async #handle(id: string, body: unknown): Promise<void> {
    if (!isRecord(body) || (body.events !== undefined && !Array.isArray(body.events))) {
      throw new PermanentError('BAD_REQUEST', `transaction ${id}: no list of events`);
    }
    const { store, accept } = this.#options;
    const raw: readonly unknown[] = body.events ?? [];
    const digest = digestOf(raw);
    this.#succession.check(id);
    if (raw.length > 0 && this.#isKnown(id, digest)) {
      this.#count('transactions_repeated');
      this.#succession.taken(id, raw);
      return;
    }
    const record = () => {
      // Numbers come again after a restart of the homeserver: the newest digest stands.
      store
        .prepare(
          'INSERT INTO transactions (id, digest, day) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, day = excluded.day',
        )
        .run(id, digest, today());
    };
    await accept({ events: this.#narrowed(id, raw), ephemeral: ephemeralIn(body), record });
    this.#succession.taken(id, raw);
  }

  /** A number alone proves nothing, and neither does an empty list. */
  #isKnown(id: string, digest: Uint8Array): boolean {
    const known = this.#options.store.prepare<{ digest: Uint8Array }>('SELECT digest FROM transactions WHERE id = ?').get(id);
    return known !== undefined && Buffer.compare(known.digest, digest) === 0;
  }

  #narrowed(id: string, raw: readonly unknown[]): MatrixEvent[] {
    const events: MatrixEvent[] = [];
    for (const one of raw) {
      const event = narrow(one);
      if (!('fault' in event)) {
        events.push(event);
        continue;
      }
      this.#count('matrix_event_faults', { fault: event.fault });
      this.#options.log.warn({ transaction: id, fault: event.fault }, 'an event of the wrong shape is left out');
    }
    return events;
  }

  #succeeded(): void {
    this.#failures = 0;
  }

  #failed(id: string, thrown: unknown): void {
    const { log, onFailure } = this.#options;
    if (thrown instanceof OutOfTurn) {
      log.info({ transaction: id }, 'the homeserver left a transaction behind; it is made to begin with the oldest');
      this.#count('transactions_out_of_turn');
    } else {
      log.error({ transaction: id, error: messageOf(thrown) }, 'a transaction could not be taken in; the homeserver sends it again');
      this.#count('transactions_failed');
    }
    if (onFailure === undefined || this.#closed) return;
    const delay = Math.min(firstPingDelay * 2 ** this.#failures, longestPingDelay);
    this.#failures += 1;
    clearTimeout(this.#pingTimer);
    // Not at once: the homeserver begins its pause only after our answer.
    this.#pingTimer = setTimeout(onFailure, delay);
    this.#pingTimer.unref();
  }
}

function digestOf(events: readonly unknown[]): Uint8Array {
  const ids = events.map((event) => (isRecord(event) ? String(event.event_id) : ''));
  return hash('sha256', ids.join('\n'), 'buffer');
}

/** Where both keys come they say the same twice: the stable one is read. */
function ephemeralIn(body: Record<string, unknown>): EphemeralEvent[] {
  const raw = body.ephemeral ?? body['de.sorunome.msc2409.ephemeral'];
  if (!Array.isArray(raw)) return [];
  return raw.map(narrowEphemeral).filter((event) => event !== undefined);
}

const today = (): number => Math.floor(Date.now() / 86_400_000);
