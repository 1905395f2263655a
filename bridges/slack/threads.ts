// Which message stands in which thread, for what was heard or said of late: Slack takes the first message of a thread for its name,
// and nobody who answers a reply knows it.

const mostKept = 10_000;

export class Threads {
  readonly #roots = new Map<string, string>();

  note(channel: string, ts: string, root: string): void {
    if (ts === root) return;
    const name = `${channel} ${ts}`;
    this.#roots.delete(name);
    this.#roots.set(name, root);
    const [oldest] = this.#roots.keys();
    if (this.#roots.size > mostKept && oldest !== undefined) this.#roots.delete(oldest);
  }

  rootOf(channel: string, ts: string): string {
    return this.#roots.get(`${channel} ${ts}`) ?? ts;
  }
}
