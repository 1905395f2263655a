// Which nicks are our own sessions'. What they say is no news, and must not come back to Matrix, also where one session's socket
// is read a little later than another's: a nick given up stays ours until its end was heard, or for a while.

import type { Speaker } from '#bridge-core';
import type { IrcSession } from './session.ts';

interface Held {
  readonly session: IrcSession;
  /** Given up at; undefined while in use. */
  goneAt: number | undefined;
  /** Somebody else's stream told of its end already. */
  isEnded: boolean;
  /** Streams that told of its end or of the session's other nick: what they bring under this one from there on is somebody else's. */
  readonly passedIn: Set<IrcSession>;
}

/** With fewer nicks than this nobody looks for those that nobody asked for again. */
const leastSwept = 1_000;

export class OwnNicks {
  readonly #memory: number;
  readonly #held = new Map<string, Held>();
  #sweepAt = leastSwept;

  constructor(memory: number) {
    this.#memory = memory;
  }

  /** The session that has this nick, or lately had it, as far as the stream of `listener` has come. Asked for every line. */
  sessionOf(folded: string, listener?: IrcSession): IrcSession | undefined {
    const held = this.#held.get(folded);
    if (held === undefined) return undefined;
    if (held.goneAt !== undefined && performance.now() - held.goneAt >= this.#memory) {
      this.#held.delete(folded);
      return undefined;
    }
    return listener !== undefined && held.passedIn.has(listener) ? undefined : held.session;
  }

  /** Whose nick it is now, for all who ask beside the streams. */
  speakerOf(folded: string): Speaker | undefined {
    const held = this.#held.get(folded);
    if (held !== undefined && held.passedIn.size > (held.passedIn.has(held.session) ? 1 : 0)) return undefined;
    return this.sessionOf(folded)?.speaker;
  }

  /** In use now, not only remembered. */
  isInUse(folded: string): boolean {
    const held = this.#held.get(folded);
    return held !== undefined && held.goneAt === undefined;
  }

  take(folded: string, session: IrcSession): void {
    if (this.#held.size >= this.#sweepAt) this.#sweep();
    this.#held.set(folded, { session, goneAt: undefined, isEnded: false, passedIn: new Set() });
  }

  /** The session gave the nick up; lines under it may still be on their way. */
  release(folded: string, session: IrcSession): void {
    const held = this.#held.get(folded);
    if (held?.session !== session || held.goneAt !== undefined) return;
    if (held.isEnded) this.#held.delete(folded);
    else held.goneAt = performance.now();
  }

  /** The stream of `listener` told that the session has another nick now. */
  passed(folded: string, listener: IrcSession): void {
    const held = this.#held.get(folded);
    if (held?.goneAt !== undefined) held.passedIn.add(listener);
  }

  /** The stream of `listener`, who does not report, told of its end: the reporter's may still bring words from before it. */
  endedFor(folded: string, listener: IrcSession): void {
    this.#held.get(folded)?.passedIn.add(listener);
  }

  /** The reporter heard it end: whoever comes under it now is somebody else. */
  ended(folded: string): void {
    const held = this.#held.get(folded);
    if (held?.goneAt !== undefined) this.#held.delete(folded);
    else if (held !== undefined) held.isEnded = true;
  }

  /** Whose memory is over and who was never heard of again. */
  #sweep(): void {
    const now = performance.now();
    for (const [folded, { goneAt }] of this.#held) if (goneAt !== undefined && now - goneAt >= this.#memory) this.#held.delete(folded);
    this.#sweepAt = Math.max(leastSwept, 2 * this.#held.size);
  }
}
