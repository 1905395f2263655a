// Which rooms and chats the relay account is in: one list tells it of all, once Gitter answers; after that it is noted as it goes in and is
// put out. Where it is already it need not go in, which is a call for each room.

import { type Logger, messageOf } from '#bridge-core';
import type { Account } from './account.ts';
import type { Ask, Room, Rooms } from './rooms.ts';
import { roomsIn, type WireRoom } from './wire/objects.ts';

export interface PresentParts {
  readonly bot: Pick<Account, 'id' | 'ask'>;
  readonly rooms: Pick<Rooms, 'keepListed'>;
  readonly log: Logger;
}

export class Present {
  readonly #parts: PresentParts;
  /** By the rooms' ids. */
  readonly #in = new Set<string>();
  #reading: Promise<readonly WireRoom[] | undefined> | undefined;

  constructor(parts: PresentParts) {
    this.#parts = parts;
  }

  has(room: string): boolean {
    return this.#in.has(room);
  }

  note(room: string, isIn: boolean): void {
    if (isIn) this.#in.add(room);
    else this.#in.delete(room);
  }

  async enter(room: Room, ask: Ask): Promise<void> {
    const { bot } = this.#parts;
    await ask({ method: 'POST', route: '/user/:id/rooms', with: { id: bot.id }, body: { id: room.id } });
    this.#in.add(room.id);
  }

  /** The list of now; undefined where it cannot be read. Whoever asks meanwhile has the same one. */
  read(): Promise<readonly WireRoom[] | undefined> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<readonly WireRoom[] | undefined> {
    const { bot, rooms, log } = this.#parts;
    try {
      const told = roomsIn(await bot.ask({ route: '/user/:id/rooms', with: { id: bot.id } }));
      this.#in.clear();
      for (const room of told) {
        if (room.oneToOne === true || room.uri === undefined) continue;
        rooms.keepListed(room);
        this.#in.add(room.id);
      }
      return told;
    } catch (thrown) {
      log.info({ why: messageOf(thrown) }, 'where the relay account is cannot be read');
      return undefined;
    }
  }
}
