// Makes rooms of our own, each once: where it is not known whether an earlier try made one, it is looked for among the bot's
// rooms first. What belongs into a room is its maker's to say.

import { createHash } from 'node:crypto';
import type { Homeserver } from '../appservice/homeserver.ts';
import { PermanentError } from '../errors.ts';
import type { RoomId } from '../ids.ts';
import { type Content, recordIn } from '../matrix-event.ts';
import type { Notes, Store } from '../store/store.ts';
import { stateOf } from './power.ts';

/** Stands in m.room.create, which nobody can change. */
const markField = 'dev.causeway.made_for';
/** Nobody has so much power: rooms that we make stay readable. */
const beyondReach = 1000;

export class RoomMaking {
  readonly #homeserver: Pick<Homeserver, 'bot' | 'createRoom' | 'joinedRooms' | 'state'>;
  readonly #notes: Notes;
  readonly #store: Pick<Store, 'id'>;

  constructor(given: {
    homeserver: Pick<Homeserver, 'bot' | 'createRoom' | 'joinedRooms' | 'state'>;
    notes: Notes;
    store: Pick<Store, 'id'>;
  }) {
    this.#homeserver = given.homeserver;
    this.#notes = given.notes;
    this.#store = given.store;
  }

  /** The room for `purpose`, made as the bot. `isStored` is to be called once its id is on disk. */
  async make(purpose: string, options: Content): Promise<RoomId> {
    const mark = this.#markOf(purpose);
    const found = this.#notes.get(noteOf(mark)) === undefined ? undefined : await this.#find(mark);
    if (found !== undefined) return found;
    await this.#notes.set(noteOf(mark), true);
    const creation = { ...recordIn(options, 'creation_content'), [markField]: mark };
    try {
      return await this.#homeserver.createRoom(this.#homeserver.bot, { ...options, creation_content: creation });
    } catch (thrown) {
      if (thrown instanceof PermanentError) await this.#notes.set(noteOf(mark), undefined);
      throw thrown;
    }
  }

  async isStored(purpose: string): Promise<void> {
    await this.#notes.set(noteOf(this.#markOf(purpose)), undefined);
  }

  async #find(mark: string): Promise<RoomId | undefined> {
    for (const room of await this.#homeserver.joinedRooms()) {
      if ((await this.#homeserver.state(room, 'm.room.create', ''))?.[markField] === mark) return room;
    }
    return undefined;
  }

  /** Tells those who read it nothing of a private chat. */
  #markOf(purpose: string): string {
    return createHash('sha256').update(`${this.#store.id} ${purpose}`).digest('base64url').slice(0, 22);
  }
}

const noteOf = (mark: string): string => `making:${mark}`;

/** Power levels of a room that we make; the bot has a creator's. */
export function powerLevels(invite: number, state: number): Content {
  return {
    invite,
    state_default: state,
    events: {
      'm.room.encryption': beyondReach,
      'm.room.tombstone': 100,
      'm.room.power_levels': 100,
      'm.room.history_visibility': 100,
      'm.room.server_acl': 100,
    },
  };
}

/** Written over what the homeserver wrote: which of its versions lists a room's creator is its own affair. */
export async function givePower(
  homeserver: Pick<Homeserver, 'bot' | 'fullState' | 'setState'>,
  room: RoomId,
  wanted: Readonly<Record<string, number>>,
): Promise<void> {
  const levels = stateOf(await homeserver.fullState(room), 'm.room.power_levels')?.content ?? {};
  const users = { ...wanted, ...(levels.users as object | undefined) };
  await homeserver.setState(homeserver.bot, room, 'm.room.power_levels', '', { ...levels, users });
}
