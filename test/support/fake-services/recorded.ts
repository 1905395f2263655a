// What a fake service keeps of all that happened: growing lists whose next items a test can wait for.

import { patience, wait } from '../waiting.ts';

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

  waitFor(fits: (item: Item) => boolean, { since = 0, timeout = patience }: Search = {}): Promise<Item> {
    return wait({
      find: () => this.items.slice(since).find(fits),
      listeners: this.#listeners,
      timeout,
      failure: () => `Waited ${timeout} ms in vain for one of ${this.#name}; the last were ${JSON.stringify(this.items.slice(-3))}`,
    });
  }
}
