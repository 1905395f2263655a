// Lines that one of two sessions in a channel has heard and the other not yet, so that either can go on exactly where the other
// stopped. Bounded by age and count.

import type { IrcLine } from './wire/connection.ts';

interface Entry {
  readonly key: string;
  readonly line: IrcLine | undefined;
  /** ms since 1970. */
  readonly at: number;
  readonly number: number;
}

export class Backlog {
  readonly #maxAge: number;
  readonly #most: number;
  #entries: (Entry | undefined)[] = [];
  #head = 0;
  #size = 0;
  #pushed = 0;

  /** `maxAge` in ms. */
  constructor(maxAge: number, most = 10_000) {
    this.#maxAge = maxAge;
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  /** Its number, which no other ever has. */
  push(key: string, line: IrcLine | undefined, now: number): number {
    const number = ++this.#pushed;
    this.#entries.push({ key, line, at: now, number });
    this.#size++;
    this.#trim(now);
    return number;
  }

  /** Removes the oldest of this key; false where there is none. */
  take(key: string): boolean {
    if (this.#size === 0) return false;
    for (let at = this.#head; at < this.#entries.length; at++) {
      if (this.#entries[at]?.key !== key) continue;
      this.#entries[at] = undefined;
      this.#size--;
      this.#dropHoles();
      return true;
    }
    return false;
  }

  /** Is there one of this key that `seen` does not hold yet? It does then. */
  recall(key: string, seen: Set<number>): boolean {
    for (let at = this.#head; at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      if (entry?.key !== key || seen.has(entry.number)) continue;
      seen.add(entry.number);
      return true;
    }
    return false;
  }

  /** All that came with their line, oldest first; empty afterwards. */
  drain(): { readonly key: string; readonly line: IrcLine }[] {
    const all = this.#entries
      .slice(this.#head)
      .flatMap((entry) => (entry?.line === undefined ? [] : [{ key: entry.key, line: entry.line }]));
    this.clear();
    return all;
  }

  /** For `dropBefore`. */
  mark(): number {
    return this.#pushed;
  }

  /** What was there at the mark and still is. */
  dropBefore(mark: number): void {
    for (let first = this.#entries[this.#head]; first !== undefined && first.number <= mark; first = this.#entries[this.#head]) {
      this.#drop();
    }
  }

  clear(): void {
    this.#entries = [];
    this.#head = 0;
    this.#size = 0;
  }

  #trim(now: number): void {
    for (let first = this.#entries[this.#head]; first !== undefined; first = this.#entries[this.#head]) {
      if (this.#size <= this.#most && now - first.at <= this.#maxAge) break;
      this.#drop();
    }
  }

  #drop(): void {
    this.#entries[this.#head] = undefined;
    this.#size--;
    this.#dropHoles();
  }

  #dropHoles(): void {
    while (this.#head < this.#entries.length && this.#entries[this.#head] === undefined) this.#head++;
    if (this.#head === this.#entries.length) this.clear();
    else if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** The same for every session that hears the line, whatever capabilities it has. */
export function keyOf(line: IrcLine): string {
  const { msgid } = line.tags;
  if (msgid !== undefined && msgid !== '') return msgid;
  const { command, nick, params } = line;
  if (command === 'JOIN') return `JOIN ${nick}`;
  const said = command === 'QUIT' || command === 'NICK' ? params[0] : params.length === 2 ? params[1] : params.slice(1).join(' ');
  return `${command} ${nick} ${said ?? ''}`;
}
