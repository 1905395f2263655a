// What stood in a room of late, for finding out whether an earlier try arrived. After a crash that is asked of every line that waits, and
// what another process left is the same for all of them: it is read once, from the oldest of them on. What we tried ourselves is read anew.

import { readSince } from './history.ts';
import type { Ask } from './rooms.ts';
import type { WireMessage } from './wire/objects.ts';

interface Read {
  readonly since: number;
  readonly at: number;
  readonly messages: Promise<readonly WireMessage[]>;
}

/** ms */
const goodFor = 60_000;
/** However much is read back of what others said: what is not found is said again. */
const most = 5_000;

export class RecentPosts {
  readonly #ask: Ask;
  readonly #read = new Map<string, Read>();
  /** Keys of what this process tried to say, and does not know what became of. */
  readonly #tried = new Set<string>();

  constructor(parts: { readonly ask: Ask }) {
    this.#ask = parts.ask;
  }

  tried(key: string): void {
    this.#tried.add(key);
  }

  known(key: string): void {
    this.#tried.delete(key);
  }

  async of(room: string, key: string, since: number): Promise<readonly WireMessage[]> {
    const read = this.#read.get(room);
    const isGood = read !== undefined && read.since <= since && Date.now() - read.at < goodFor && !this.#tried.has(key);
    if (isGood) return await read.messages;
    const messages = readSince({ ask: this.#ask, room, since, most, patience: 30_000 }).then((found) => found.messages);
    const fresh: Read = { since, at: Date.now(), messages };
    this.#read.set(room, fresh);
    messages.catch(() => {
      if (this.#read.get(room) === fresh) this.#read.delete(room);
    });
    return await messages;
  }
}
