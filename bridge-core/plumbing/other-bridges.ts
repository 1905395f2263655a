// Bots of other bridges in our rooms, as the rooms' own state names them: their notices are not carried, or two bridges would
// tell each other of their troubles for ever. A name in an event that its bearer did not send proves nothing.

import type { RoomId, UserId } from '../ids.ts';
import { type MatrixEvent, stringIn } from '../matrix-event.ts';
import { infoTypes } from './bridge-info.ts';
import { claimType } from './claims.ts';

const telling: ReadonlySet<string> = new Set([...infoTypes, claimType]);

export class OtherBridges {
  readonly #bots = new Map<RoomId, Set<UserId>>();

  /** The room's state was read. */
  learn(room: RoomId, state: readonly MatrixEvent[]): void {
    this.#bots.delete(room);
    for (const event of state) this.heard(event);
  }

  /** Called for every event: cheap for all but the few that tell something. */
  heard(event: MatrixEvent): void {
    if (!telling.has(event.type) || event.stateKey === undefined) return;
    const named = event.type === claimType ? event.sender : stringIn(event.content, 'bridgebot');
    if (named !== event.sender) return;
    const bots = this.#bots.get(event.room);
    if (bots === undefined) this.#bots.set(event.room, new Set([event.sender]));
    else bots.add(event.sender);
  }

  isBot(room: RoomId, user: UserId): boolean {
    return this.#bots.get(room)?.has(user) === true;
  }
}
