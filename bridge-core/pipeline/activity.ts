// Whose words were carried of late, and where: read from what relations keep of each message, so that nothing is counted as
// messages pass. Only for figures: each reading goes on from the last, in slices between which the bridge does its work.

import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Statement, Store } from '../store/store.ts';

export const dayMs = 86_400_000;
const recentMs = 30 * dayMs;
/** A message gets its relation once it is delivered, with the time at which it came: one that waited longer is not noticed. */
const late = 10 * 60_000;
const readEvery = 60_000;
const sliceRows = 250;
/** So long, ms, a scrape waits for a reading; a first one of millions of messages takes longer. */
const patience = 2_000;

/** `last`: ms since 1970, of each by its id. */
type LastOf<Id> = Map<Id, number>;
export interface LinkActivity {
  last: number;
  readonly matrix: LastOf<string>;
  readonly remote: LastOf<string>;
}

const nothing: ReadonlyMap<number, LinkActivity> = new Map();

interface Said extends Record<string, string | number | null> {
  event: string;
  link: number;
  part: number;
  kind: number;
  sender: string;
  author: string | null;
  at: number;
}

export class Activity {
  readonly #next: Statement<Said>;
  readonly #byLink = new Map<number, LinkActivity>();
  readonly #every: number;
  readonly #patience: number;
  readonly #noted: ((author: string, at: number) => void) | undefined;
  #readAt = 0;
  #newest = 0;
  #reading: Promise<void> | undefined;

  /** `noted`: told of each message of the network's people. */
  constructor(given: {
    store: Pick<Store, 'prepare'>;
    every?: number;
    patience?: number;
    noted?: (author: string, at: number) => void;
  }) {
    const { store, every = readEvery } = given;
    this.#next = store.prepare<Said>(
      'SELECT event, link, part, kind, sender, author, at FROM relations WHERE (at, event, link, part) > (?, ?, ?, ?) ' +
        `ORDER BY at, event, link, part LIMIT ${sliceRows}`,
    );
    this.#every = every;
    this.#patience = given.patience ?? patience;
    this.#noted = given.noted;
  }

  /** By the link's number; of the last 30 days, about a minute old. Nothing as long as not all was read once. */
  async recent(): Promise<ReadonlyMap<number, LinkActivity>> {
    if (this.#reading === undefined && Date.now() - this.#readAt >= this.#every) this.#begin();
    // What fails is told to who scrapes; nobody else waits for it.
    if (this.#reading !== undefined) await Promise.race([this.#reading, delay(this.#patience, undefined, { ref: false })]);
    return this.#readAt === 0 ? nothing : this.#byLink;
  }

  /** Once all was read that there is, however long that takes. */
  async whole(): Promise<void> {
    if (this.#reading === undefined) this.#begin();
    await this.#reading;
  }

  #begin(): void {
    const reading = this.#read().finally(() => {
      this.#reading = undefined;
    });
    reading.catch(() => {});
    this.#reading = reading;
  }

  async #read(): Promise<void> {
    const now = Date.now();
    const oldest = now - recentMs;
    let from: Pick<Said, 'at' | 'event' | 'link' | 'part'> = { at: Math.max(oldest, this.#newest - late), event: '', link: 0, part: 0 };
    for (;;) {
      const rows = this.#next.all(from.at, from.event, from.link, from.part);
      for (const row of rows) this.#note(row);
      const last = rows.at(-1);
      if (last === undefined || rows.length < sliceRows) break;
      from = last;
      await nextTurn();
    }
    this.#forget(oldest);
    this.#readAt = now;
  }

  #note({ link, kind, sender, author, at }: Said): void {
    this.#newest = Math.max(this.#newest, at);
    // Who gave a reaction is not told apart by side.
    if (kind !== 0) return;
    let known = this.#byLink.get(link);
    if (known === undefined) {
      known = { last: 0, matrix: new Map(), remote: new Map() };
      this.#byLink.set(link, known);
    }
    known.last = Math.max(known.last, at);
    // Of what another bridge carried before us nobody kept who said it.
    if (sender === '') return;
    if (author === null) known.matrix.set(sender, Math.max(at, known.matrix.get(sender) ?? 0));
    else {
      known.remote.set(author, Math.max(at, known.remote.get(author) ?? 0));
      this.#noted?.(author, at);
    }
  }

  #forget(oldest: number): void {
    for (const [link, { last, matrix, remote }] of this.#byLink) {
      if (last < oldest) this.#byLink.delete(link);
      for (const people of [matrix, remote]) for (const [id, at] of people) if (at < oldest) people.delete(id);
    }
  }
}
