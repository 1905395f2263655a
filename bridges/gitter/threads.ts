// Which thread a message is in, as far as it was heard: Gitter has no thread within another, so that an answer to a reply goes to where
// that reply stands.

const mostKept = 20_000;

export class Threads {
  readonly #roots = new Map<string, string>();

  note(id: string, root: string): void {
    this.#roots.set(id, root);
    const [oldest] = this.#roots.keys();
    if (this.#roots.size > mostKept && oldest !== undefined) this.#roots.delete(oldest);
  }

  rootOf(id: string): string {
    return this.#roots.get(id) ?? id;
  }
}
