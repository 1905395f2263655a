// One thing at a time for each key: a session has one unproved line at a time, whichever lanes it speaks for, and its next
// waits until the last is recorded on disk.

export class Turns<Key extends object> {
  readonly #last = new WeakMap<Key, Promise<unknown>>();

  async take<Result>(key: Key, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key);
    const mine = before === undefined ? work() : before.then(work, work);
    this.#last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    }
  }
}
