// Closes the gap that a restart of the homeserver leaves. Synapse keeps what it has yet to push to us in memory for a moment,
// and a restart in that moment loses it for good (seen): nothing comes again, no number is missing. But a homeserver that
// restarted must open a new connection before it can push anything. So the first transaction of each connection waits until
// the bot has read, over all its rooms at once, what came since a position that it noted a while ago; what is known
// already is told by the seen ledger.

import type { Logger } from '../adapter-tools.ts';
import { messageOf } from '../errors.ts';
import type { RoomId } from '../ids.ts';
import type { MatrixEvent } from '../matrix-event.ts';
import type { Notes } from '../store/store.ts';
import type { Homeserver } from './homeserver.ts';
import { Refusal } from './homeserver-errors.ts';

export interface CatchUpParts {
  readonly homeserver: Pick<Homeserver, 'position' | 'since' | 'messagesBack'>;
  readonly notes: Notes;
  /** As for a transaction: what is known already is left out. */
  readonly accept: (events: MatrixEvent[]) => Promise<void>;
  readonly log: Logger;
  /** ms between two notes of the position, while events come. */
  readonly every?: number;
  /** The first transaction of a connection waits no longer than this, ms; the reading then goes on beside it. */
  readonly patience?: number;
}

const noteName = 'homeserver.position';

export class CatchUp {
  readonly #parts: CatchUpParts;
  readonly #timer: NodeJS.Timeout;
  /** The older of two: what was sent before it has long been pushed. */
  #older: string | undefined;
  #newer: string | undefined;
  #hasTraffic = false;
  #closing: Promise<void> | undefined;
  #isImpossible = false;

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
    const noted = parts.notes.get(noteName);
    this.#older = typeof noted === 'string' ? noted : undefined;
    this.#newer = this.#older;
    this.#timer = setInterval(() => void this.#note(), parts.every ?? 15_000);
    this.#timer.unref();
  }

  /** Before each transaction; `isFirst`: of its connection. Never rejects: what cannot be read now is read later. */
  async before(isFirst: boolean): Promise<void> {
    this.#hasTraffic = true;
    if (!isFirst || this.#isImpossible) return;
    this.#closing ??= this.#close().finally(() => {
      this.#closing = undefined;
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#parts.patience ?? 10_000);
    await Promise.race([this.#closing, promise]);
    clearTimeout(timer);
  }

  /** What was said in one room since a time, ms: for one that nobody of ours could read until now. */
  async room(room: RoomId, since: number): Promise<void> {
    const events: MatrixEvent[] = [];
    for await (const event of this.#parts.homeserver.messagesBack(room, since)) if (event.at >= since) events.unshift(event);
    await this.#parts.accept(events.filter(({ stateKey }) => stateKey === undefined));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #close(): Promise<void> {
    const { homeserver, accept, log } = this.#parts;
    try {
      const from = this.#older;
      if (from === undefined) {
        await this.#take(await homeserver.position());
        return;
      }
      const { position, rooms } = await homeserver.since(from);
      for (const events of rooms.values()) await accept(events);
      await this.#take(position);
    } catch (thrown) {
      this.#isImpossible = thrown instanceof Refusal && thrown.errcode === 'M_UNRECOGNIZED';
      log.warn({ why: messageOf(thrown) }, 'what a restart of the homeserver may have left out cannot be read');
    }
  }

  async #take(token: string | undefined): Promise<void> {
    if (token === undefined) return;
    this.#older = token;
    this.#newer = token;
    await this.#parts.notes.set(noteName, token);
  }

  async #note(): Promise<void> {
    if (!this.#hasTraffic || this.#isImpossible || this.#closing !== undefined) return;
    this.#hasTraffic = false;
    try {
      const token = await this.#parts.homeserver.position();
      if (token === undefined || this.#closing !== undefined) return;
      this.#older = this.#newer;
      this.#newer = token;
      if (this.#older !== undefined) await this.#parts.notes.set(noteName, this.#older);
    } catch (thrown) {
      this.#parts.log.debug({ why: messageOf(thrown) }, 'the position of the homeserver was not noted');
    }
  }
}
