// The parts of a bridge that say who is in which room: built and wired, nothing decided.

import type { Adapter } from './adapter.ts';
import type { Logger } from './adapter-tools.ts';
import type { Brought } from './appservice/brought.ts';
import type { Homeserver } from './appservice/homeserver.ts';
import type { PermanentError } from './errors.ts';
import type { RoomId } from './ids.ts';
import { MembershipQueue } from './membership/queue.ts';
import { RoomLimits } from './membership/room-limits.ts';
import { Roster } from './membership/roster.ts';
import { Spoken } from './membership/spoken.ts';
import { Sync } from './membership/sync.ts';
import type { Metrics } from './observe/metrics.ts';
import type { Relations } from './pipeline/relations.ts';
import type { Row } from './pipeline/row.ts';
import type { Links } from './plumbing/links.ts';
import type { Json } from './remote-event.ts';
import type { CoreSettings } from './settings.ts';
import type { Notes, Store } from './store/store.ts';
import { Ghosts } from './virtual-users/ghosts.ts';
import type { Names } from './virtual-users/names.ts';

export interface MembershipOptions<Body extends Json> {
  readonly settings: Pick<CoreSettings, 'homeserver' | 'membership'>;
  readonly adapter: Adapter<Body>;
  readonly store: Store;
  readonly notes: Notes;
  readonly homeserver: Homeserver;
  readonly names: Names;
  readonly links: Links;
  readonly relations: Pick<Relations, 'ofRemote'>;
  readonly brought: Pick<Brought, 'avatar'>;
  readonly log: Logger;
  readonly count: Metrics['count'];
  /** Resolves when nothing waits for the room that may bring somebody in. */
  readonly settled: (room: RoomId) => Promise<void>;
}

export function buildMembership<Body extends Json>(options: MembershipOptions<Body>) {
  const { settings, adapter, store, notes, homeserver, names, links, relations, brought, log, count } = options;
  const { idle, maxGhosts, perSecond, maxQueued } = settings.membership;
  const roster = new Roster({ store, members: (room) => homeserver.joinedMembers(room) });
  const queue: MembershipQueue = new MembershipQueue({
    ...{ perSecond, maxQueued, log, settled: options.settled },
    atOnce: Math.max(1, Math.floor(settings.homeserver.inFlight / 4)),
    act: async ({ room, ghost, want, person, reason, ifSilent }) => {
      if (want === 'leave') {
        if (ifSilent !== true || limits?.mustGo(room, ghost) !== undefined) await ghosts.leave(ghost, room, reason);
      } else if (person !== undefined && limits?.hasPlace(room) !== false) await ghosts.admit(person, room);
    },
    isIn: (room, ghost) => roster.isIn(room, ghost),
    onRoom: () => sync.recomputeAll(),
  });
  const hasLimits = idle !== undefined || maxGhosts !== undefined;
  const limits = hasLimits
    ? new RoomLimits({
        settings: settings.membership,
        links,
        roster,
        names,
        queue,
        spoken: new Spoken({ store, notes, links, names }),
        log,
        count,
      })
    : undefined;
  const ghosts: Ghosts = new Ghosts({
    ...{ store, homeserver, names, places: roster, log, enter: queue.promote, heard: limits?.heard.bind(limits) },
    storeAvatar: (source, ghost) => brought.avatar(source, ghost),
  });
  const sync: Sync<Body> = new Sync<Body>({ settings: settings.membership, adapter, links, roster, ghosts, names, queue, limits, log });

  /** A ghost that the homeserver does not know in the room after all is brought in once more; so is one whose words are to be
   *  taken back, which is theirs to do where the bot may not. */
  async function mendPlace(row: Row, error: PermanentError): Promise<boolean> {
    if (error.code !== 'FORBIDDEN_IN_ROOM' || row.rejoined || row.task.do !== 'show') return false;
    const { event } = row.task;
    const room = links.get(row.link)?.room;
    if (room === undefined || !('sender' in event || event.kind === 'redaction')) return false;
    row.rejoined = true;
    if (event.sender !== undefined) await ghosts.forget(room, names.ghostOf(event.sender));
    if (event.kind === 'redaction')
      for (const { sender } of relations.ofRemote(event.target, row.link)) await ghosts.comeBack(sender, room);
    return true;
  }

  return { roster, queue, limits, ghosts, sync, mendPlace };
}
