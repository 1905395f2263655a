// Which other bots bridge a room, as its own state says: their notices are nobody's words, and are never carried on.

import type { Homeserver } from '../appservice/homeserver.ts';
import { type RoomId, type UserId, userId } from '../ids.ts';
import { type MatrixEvent, stringIn } from '../matrix-event.ts';
import { claimType } from './claims.ts';

/** So long a room's answer is believed, ms: it is asked for at notices alone. */
const believed = 600_000;
const infoTypes = new Set(['m.bridge', 'uk.half-shot.bridge']);

export class BridgeBots {
  readonly #homeserver: Pick<Homeserver, 'fullState'>;
  readonly #rooms = new Map<RoomId, { readonly until: number; readonly bots: ReadonlySet<UserId> }>();

  constructor(given: { homeserver: Pick<Homeserver, 'fullState'> }) {
    this.#homeserver = given.homeserver;
  }

  async includes(room: RoomId, user: UserId): Promise<boolean> {
    let known = this.#rooms.get(room);
    if (known === undefined || known.until < Date.now()) {
      known = { until: Date.now() + believed, bots: botsIn(await this.#homeserver.fullState(room)) };
      this.#rooms.set(room, known);
    }
    return known.bots.has(user);
  }
}

function botsIn(state: readonly MatrixEvent[]): Set<UserId> {
  const bots = new Set<UserId>();
  for (const { type, sender, content } of state) {
    if (type === claimType) bots.add(sender);
    const named = infoTypes.has(type) ? stringIn(content, 'bridgebot') : undefined;
    if (named !== undefined) bots.add(userId(named));
  }
  return bots;
}
