// Streams in place of the realtime channel, while that is away from whoever listens: one for each room or chat, new messages alone.

import type { Account } from './account.ts';
import type { Room } from './rooms.ts';
import type { GitterTiming } from './timing.ts';
import { hasId, type WireMessage } from './wire/objects.ts';
import { RoomStream } from './wire/stream.ts';

export interface FallbackParts {
  readonly streamUrl: string;
  readonly timing: Pick<GitterTiming, 'stream'>;
  readonly onMessage: (room: Room, message: WireMessage) => void;
  /** It stands: what was said before is not told. */
  readonly onUp: (room: Room) => void;
  readonly onRefused: (heard: Heard, reason: string) => void;
  readonly changed: () => void;
}

/** What is to be heard, and by whom. */
export interface Heard {
  readonly room: Room;
  readonly account: Account;
}

interface Open {
  readonly token: string;
  readonly stream: RoomStream;
}

/** ms, however many streams an account has. */
const askedEvery = 30_000;

export class Fallback {
  readonly #parts: FallbackParts;
  /** By the rooms' ids. */
  readonly #open = new Map<string, Open>();
  readonly #standing = new Set<string>();
  /** When Gitter was last asked whether it takes their token. */
  readonly #doubted = new WeakMap<Account, number>();

  constructor(parts: FallbackParts) {
    this.#parts = parts;
  }

  stands(room: string): boolean {
    return this.#standing.has(room);
  }

  /** These and no others, from now on. */
  keep(wanted: readonly Heard[]): void {
    const byRoom = new Map(wanted.map((heard) => [heard.room.id, heard]));
    for (const [room, { token }] of [...this.#open]) if (byRoom.get(room)?.account.token !== token) this.#close(room);
    for (const [room, heard] of byRoom) if (!this.#open.has(room)) this.#begin(heard);
  }

  #begin(heard: Heard): void {
    const { streamUrl, timing, onMessage, onUp, onRefused, changed } = this.#parts;
    const { room, account } = heard;
    const { token } = account;
    const isCurrent = () => this.#open.get(room.id)?.stream === stream;
    const stream: RoomStream = new RoomStream({
      ...{ streamUrl, token, room: room.id, firstPause: timing.stream.first, longestPause: timing.stream.most },
      onMessage: (message) => {
        if (hasId(message)) onMessage(room, message as WireMessage);
      },
      onDoubt: () => this.#doubt(account),
      onState: (state, reason) => {
        if (!isCurrent()) return;
        if (state === 'up') this.#standing.add(room.id);
        else this.#standing.delete(room.id);
        if (state === 'up') onUp(room);
        if (state === 'refused') onRefused(heard, reason ?? 'the room cannot be read');
        changed();
      },
    });
    this.#open.set(room.id, { token, stream });
  }

  /** Their end is told by whoever makes calls with it. */
  #doubt(account: Account): void {
    const now = performance.now();
    if (now - (this.#doubted.get(account) ?? Number.NEGATIVE_INFINITY) < askedEvery) return;
    this.#doubted.set(account, now);
    account.greet().catch(() => {});
  }

  #close(room: string): void {
    const open = this.#open.get(room);
    this.#open.delete(room);
    this.#standing.delete(room);
    open?.stream.close();
  }
}
