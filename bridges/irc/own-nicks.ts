// Which nicks are our own sessions'. What they say is no news, and must not come back to Matrix, also where one session's socket
// is read a little later than another's: a nick given up stays ours until its end was heard, or for a while.

import type { Speaker } from '#bridge-core';
import type { IrcSession } from './session.ts';

interface Held {
  readonly session: IrcSession;
  /** Given up at; undefined while in use. */
  goneAt: number | undefined;
}

export class OwnNicks {
  readonly #memory: number;
  readonly #held = new Map<string, Held>();

  constructor(memory: number) {
    this.#memory = memory;
  }

  /** The session that has this nick, or lately had it. Asked for every line. */
  sessionOf(folded: string): IrcSession | undefined {
    const held = this.#held.get(folded);
    if (held === undefined) return undefined;
    if (held.goneAt === undefined || performance.now() - held.goneAt < this.#memory) return held.session;
    this.#held.delete(folded);
    return undefined;
  }

  speakerOf(folded: string): Speaker | undefined {
    return this.sessionOf(folded)?.speaker;
  }

  /** In use now, not only remembered. */
  isInUse(folded: string): boolean {
    const held = this.#held.get(folded);
    return held !== undefined && held.goneAt === undefined;
  }

  take(folded: string, session: IrcSession): void {
    this.#held.set(folded, { session, goneAt: undefined });
  }

  /** The session gave the nick up; lines under it may still be on their way. */
  release(folded: string, session: IrcSession): void {
    const held = this.#held.get(folded);
    if (held?.session === session && held.goneAt === undefined) held.goneAt = performance.now();
  }

  /** The reporter heard it end: whoever comes under it now is somebody else. */
  ended(folded: string): void {
    if (this.#held.get(folded)?.goneAt !== undefined) this.#held.delete(folded);
  }
}
