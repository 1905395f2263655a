// `@room` from Matrix: calls everybody on the network, too, if it was meant as a call and its sender may call everybody in the room.
// Otherwise it is a word like any other.

import type { Homeserver } from '../appservice/homeserver.ts';
import { PermanentError } from '../errors.ts';
import { findEveryone } from '../format/mentions.ts';
import type { RichText } from '../format/rich-text.ts';
import type { RoomId } from '../ids.ts';
import { type MatrixEvent, recordIn } from '../matrix-event.ts';
import { type Power, powerIn } from '../plumbing/power.ts';

/** So long a room's answer is believed, ms, though no word came that power changed. */
const believed = 600_000;

interface Known {
  readonly until: number;
  readonly power: Promise<Power | undefined>;
}

export class RoomCalls {
  readonly #homeserver: Pick<Homeserver, 'fullState'>;
  readonly #rooms = new Map<RoomId, Known>();

  constructor(given: { readonly homeserver: Pick<Homeserver, 'fullState'> }) {
    this.#homeserver = given.homeserver;
  }

  /** Of every event as it arrives. */
  arrived({ type, room }: MatrixEvent): void {
    if (type === 'm.room.power_levels') this.#rooms.delete(room);
  }

  /** The text of a call with each `@room` made a mention, where its sender may call. */
  async in(event: MatrixEvent, text: RichText): Promise<RichText> {
    const called = findEveryone(text);
    return called === text || !(await this.#mayCall(event)) ? text : called;
  }

  async #mayCall({ room, sender }: MatrixEvent): Promise<boolean> {
    let known = this.#rooms.get(room);
    if (known === undefined || known.until < Date.now()) {
      // Kept while it is read, so that news of power does away with an answer of before.
      known = { until: Date.now() + believed, power: this.#read(room) };
      this.#rooms.set(room, known);
      known.power.catch(() => this.#rooms.delete(room));
    }
    const power = await known.power;
    return power !== undefined && power.of(sender) >= power.forNotification('room');
  }

  /** Undefined: the room does not tell us. */
  async #read(room: RoomId): Promise<Power | undefined> {
    try {
      return powerIn(await this.#homeserver.fullState(room));
    } catch (thrown) {
      if (thrown instanceof PermanentError) return undefined;
      throw thrown;
    }
  }
}

/** An edit calls whom it newly names: what stands in its new content alone was called before. */
export const isCall = ({ content }: MatrixEvent): boolean => recordIn(content, 'm.mentions')?.room === true;
