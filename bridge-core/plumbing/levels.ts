// A room's power levels, which several parts change a bit of: each reads them, and writes them back whole. In turns for each room, or who
// read before another wrote would undo that.

import type { Homeserver } from '../appservice/homeserver.ts';
import type { RoomId } from '../ids.ts';
import type { Content } from '../matrix-event.ts';

export class Levels {
  readonly #homeserver: Pick<Homeserver, 'bot' | 'state' | 'setState'>;
  readonly #last = new Map<RoomId, Promise<void>>();

  constructor(homeserver: Pick<Homeserver, 'bot' | 'state' | 'setState'>) {
    this.#homeserver = homeserver;
  }

  /** `change`: undefined where nothing is to be written. */
  async change(room: RoomId, change: (levels: Content | undefined) => Content | undefined): Promise<void> {
    const before = this.#last.get(room) ?? Promise.resolve();
    const mine = before.catch(() => {}).then(() => this.#change(room, change));
    this.#last.set(room, mine);
    try {
      await mine;
    } finally {
      if (this.#last.get(room) === mine) this.#last.delete(room);
    }
  }

  async #change(room: RoomId, change: (levels: Content | undefined) => Content | undefined): Promise<void> {
    const { bot } = this.#homeserver;
    const levels = await this.#homeserver.state(room, 'm.room.power_levels', '');
    const wanted = change(levels);
    if (wanted === undefined || JSON.stringify(wanted) === JSON.stringify(levels)) return;
    await this.#homeserver.setState(bot, room, 'm.room.power_levels', '', wanted);
  }
}
