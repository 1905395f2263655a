// What came in and what went out, for tests to look at and wait for.

import { wait } from '../waiting.ts';
import type { Transport } from './faults.ts';

export interface RecordedCall {
  /** Verb and pattern: `POST /rooms/:room/chatMessages`, `GET /stream/rooms/:room/chatMessages`, `POST /login/oauth/token`, `POST /bayeux`. */
  readonly route: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly token: string | undefined;
  /** Whose the token is. */
  readonly username: string | undefined;
  /** `performance.now()` */
  readonly at: number;
  /** Filled when answered; a dropped one has none. */
  answer: { readonly status: number; readonly body: unknown } | undefined;
  /** What a fault did with it. */
  fault: unknown;
}

export interface RecordedDelivery {
  readonly transport: Transport;
  readonly username: string;
  /** `/api/v1/rooms/ID/chatMessages`, as a Faye channel. */
  readonly channel: string;
  /** `chatMessages/create`, `users/remove`, `rooms/patch`, `notification/presence`. */
  readonly what: string;
  readonly payload: unknown;
  /** `ext.c`; a stream's has none. */
  readonly c: number | undefined;
  readonly at: number;
  /** `kept`: nobody was connected, waits for the client to come back. `lost`: by a fault. */
  readonly outcome: 'sent' | 'kept' | 'lost';
}

export interface Search {
  readonly since?: number;
  /** ms, 5000 unless told. */
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
