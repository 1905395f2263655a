// What came in and what went out, for tests to look at and wait for.

import { wait } from '../waiting.ts';
import type { EventTransport } from './faults.ts';

export interface RecordedCall {
  /** A method of the Web API, or the path of another request (without its secret parts). */
  readonly method: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly token: string | undefined;
  readonly team: string | undefined;
  readonly user: string | undefined;
  /** `performance.now()` */
  readonly at: number;
  /** Filled when answered; a dropped one has none. */
  answer: { readonly status: number; readonly body: Readonly<Record<string, unknown>> } | undefined;
  /** What a fault did with it. */
  fault: unknown;
}

export interface RecordedDelivery {
  readonly transport: EventTransport | 'commands' | 'interactivity';
  readonly app: string;
  readonly team: string;
  /** Type of the inner event, `message/SUBTYPE`, the command, the kind of interaction. */
  readonly what: string;
  readonly eventId: string | undefined;
  readonly payload: Readonly<Record<string, unknown>>;
  /** 0: the first try. */
  readonly attempt: number;
  readonly at: number;
  outcome: 'pending' | 'taken' | 'failed';
  /** Why it failed, in Slack's words. */
  reason: string | undefined;
}

export interface Search {
  readonly since?: number;
  readonly timeout?: number;
}

/** A growing list whose next items can be waited for. */
export class Recorded<Item> {
  readonly items: Item[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #isOn: boolean;
  readonly #name: string;

  constructor(name: string, isOn: boolean) {
    this.#name = name;
    this.#isOn = isOn;
  }

  add(item: Item): Item {
    if (this.#isOn) this.items.push(item);
    this.changed();
    return item;
  }

  /** An item was filled in. */
  changed(): void {
    for (const look of [...this.#listeners]) look();
  }

  mark(): number {
    return this.items.length;
  }

  /** Something about the items, or about what they tell of, became true. */
  async until(isSo: () => boolean, timeout: number, failure: () => string): Promise<void> {
    await wait({ find: () => (isSo() ? true : undefined), listeners: this.#listeners, timeout, failure });
  }

  waitFor(fits: (item: Item) => boolean, { since = 0, timeout = 5000 }: Search = {}): Promise<Item> {
    return wait({
      find: () => this.items.slice(since).find(fits),
      listeners: this.#listeners,
      timeout,
      failure: () => `Waited ${timeout} ms in vain for one of ${this.#name}; the last were ${JSON.stringify(this.items.slice(-3))}`,
    });
  }
}
