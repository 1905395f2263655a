// A network that takes the bridge no more, which nothing mends by itself: told to those of the bridge's admins who are named, and in the rooms
// that people linked; and again once it is well. It is noted, so that a restart tells nobody twice.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import { messageOf } from '../errors.ts';
import type { RoomId, UserId } from '../ids.ts';
import { described } from '../plumbing/described.ts';
import { type Links, receiverOf } from '../plumbing/links.ts';
import type { Json } from '../remote-event.ts';
import type { Notes } from '../store/store.ts';

export interface AlarmsParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'status' | 'channels'>;
  readonly links: Pick<Links, 'all'>;
  readonly notes: Notes;
  readonly admins: () => readonly UserId[];
  readonly tell: (room: RoomId, words: string) => void;
  readonly tellPerson: (user: UserId, words: string) => void;
  readonly log: Logger;
  readonly after?: number;
}

/** ms: what is well again by then is nobody's concern. */
const usualAfter = 5_000;

export class Alarms<Body extends Json = Json> {
  readonly #parts: AlarmsParts<Body>;
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(parts: AlarmsParts<Body>) {
    this.#parts = parts;
  }

  /** The bot's. */
  connection(network: string, isUp: boolean): void {
    clearTimeout(this.#timers.get(network));
    this.#timers.delete(network);
    const isTold = this.#parts.notes.get(noteOf(network)) === true;
    if (isUp === isTold) this.#timers.set(network, setTimeout(() => this.#look(network), this.#parts.after ?? usualAfter).unref());
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #look(network: string): void {
    this.#timers.delete(network);
    const { adapter, notes, log } = this.#parts;
    const status = adapter.status().find((each) => each.network === network);
    // What comes back by itself is none, nor what stands in the config no more.
    const isDown = status?.isForGood === true;
    if (status === undefined || (!isDown && status.state !== 'up')) return;
    const { name = network, detail = 'it takes the bridge no more' } = status;
    notes.set(noteOf(network), isDown ? true : undefined).then(
      () => this.#tell(network, isDown ? `The bridge is cut off from ${name}: ${detail}` : `The bridge is back on ${name}.`),
      (thrown) => log.error({ network, why: messageOf(thrown) }, 'an alarm could not be noted'),
    );
  }

  #tell(network: string, words: string): void {
    const { admins, links, adapter, tell, tellPerson } = this.#parts;
    for (const admin of admins()) tellPerson(admin, words);
    // Rooms that the bridge made may be thousands: there it is told where somebody waits.
    const linked = links.all().filter((link) => link.state === 'live' && link.origin !== 'portal' && receiverOf(link) === undefined);
    const rooms = new Set(
      linked.flatMap(({ channel, room }) => (described(adapter.channels, channel).network?.id === network ? [room] : [])),
    );
    for (const room of rooms) tell(room, words);
  }
}

const noteOf = (network: string): string => `alarm ${network}`;
