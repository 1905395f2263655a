// Where a Matrix event goes: to links as rows, to the bridge itself as an act, into the roster, or nowhere. Decides only;
// matrix-to-remote.ts queues what comes out.

import type { RoomId, UserId } from '../ids.ts';
import { keyField, type MatrixEvent, noticeField, stringIn } from '../matrix-event.ts';
import type { Membership, Roster } from '../membership/roster.ts';
import { bothWays, isPrivate, type Link, type Links } from '../plumbing/links.ts';
import { goesToNetwork } from '../plumbing/ways.ts';
import type { Names } from '../virtual-users/names.ts';
import type { Doubled } from './doubled.ts';
import type { Journal, NewRow } from './journal.ts';
import { otherKinds } from './other-kinds.ts';
import { roomLane, speakerLane, towards } from './row.ts';
import type { UserLimit } from './user-limit.ts';

export interface RoutingParts {
  readonly links: Links;
  readonly names: Names;
  readonly roster: Roster;
  readonly journal: Pick<Journal, 'parseKey'>;
  /** The link whose row made this event in a person's name. */
  readonly doubled?: Pick<Doubled, 'linkOf'>;
  /** The homeserver sends what is said in rooms of all its people. */
  readonly hearsAll?: boolean;
  /** Too many people are served. */
  readonly limit?: Pick<UserLimit, 'isBlocked' | 'stopsHere'>;
  /** Is it a command, an invite of ours, a tombstone, a claim…: something that makes the bridge act? */
  readonly isAct: (event: MatrixEvent) => boolean;
}

/** Where people are by what stands earlier in the same transaction; the roster follows once all of it is written. */
export type Moves = Map<string, Membership>;

const said = new Set(['m.room.message', 'm.sticker', 'm.reaction', 'm.room.redaction', ...otherKinds]);
const memberships = new Set<Membership>(['join', 'invite', 'knock', 'ban', 'leave']);

export class MatrixRouting {
  readonly #parts: RoutingParts;

  constructor(parts: RoutingParts) {
    this.#parts = parts;
  }

  isOurs(user: UserId): boolean {
    return user === this.#parts.names.bot || this.#parts.names.isGhost(user);
  }

  /** Of a room that is none of the bridge's. */
  isElsewhere({ room, sender, stateKey }: MatrixEvent, moves: Moves): boolean {
    const { hearsAll, links, names } = this.#parts;
    if (hearsAll !== true || links.byRoom(room).length > 0 || this.#membership(room, names.bot, moves) === 'join') return false;
    return !this.isOurs(sender) && (stateKey === undefined || !this.isOurs(stateKey as UserId));
  }

  rowsFor(event: MatrixEvent, moves: Moves): NewRow[] {
    const rows: NewRow[] = [];
    const made = this.isOurs(event.sender) ? undefined : this.#parts.doubled?.linkOf(event);
    // What somebody said on the network commands nothing.
    if (made === undefined && this.#parts.isAct(event)) {
      rows.push({ direction: towards.matrix, lane: laneOfAct(event), link: 0, source: event.id, task: { do: 'act', event } });
      if (event.type === 'm.room.message') return rows;
    }
    const links = bothWays(this.#parts.links.liveIn(event.room));
    if (links.length === 0) return rows;
    if (this.#parts.limit?.isBlocked === true && said.has(event.type) && !this.isOurs(event.sender) && this.#parts.limit.stopsHere(event))
      return rows;
    for (const link of this.#targets(event, links, moves)) {
      if (link.id === made) continue;
      rows.push({
        ...{ direction: towards.network, lane: speakerLane(link.id, this.#laneUser(event)), link: link.id, source: event.id },
        task: { do: 'say', event },
      });
    }
    return rows;
  }

  /** What the event changes in the roster, to be run in the unit of its row; undefined where nothing is new. Noted in `moves`. */
  rosterChange(event: MatrixEvent, moves: Moves): (() => void) | undefined {
    if (event.type !== 'm.room.member' || event.stateKey === undefined) return undefined;
    const user = event.stateKey as UserId;
    const membership = event.content.membership as Membership;
    if (!memberships.has(membership)) return undefined;
    const { roster } = this.#parts;
    const name = stringIn(event.content, 'displayname');
    const avatar = stringIn(event.content, 'avatar_url');
    const isKnown =
      !moves.has(placeOf(event.room, user)) &&
      roster.membership(event.room, user) === membership &&
      (membership === 'leave' || (roster.nameOf(event.room, user) === name && roster.avatarOf(event.room, user) === avatar));
    if (isKnown) return undefined;
    moves.set(placeOf(event.room, user), membership);
    return () => void roster.set(event.room, user, membership, name, avatar);
  }

  /** The transaction could not be written, and comes again. */
  forget(moves: Moves): void {
    for (const place of moves.keys()) this.#parts.roster.reread(place.slice(0, place.indexOf(' ')) as RoomId);
  }

  #membership(room: RoomId, user: UserId, moves: Moves): Membership {
    return moves.get(placeOf(room, user)) ?? this.#parts.roster.membership(room, user);
  }

  #targets(event: MatrixEvent, links: readonly Link[], moves: Moves): readonly Link[] {
    if (event.type === 'm.room.member') return this.#membershipTargets(event, links, moves);
    if (event.type === 'm.room.topic' || event.type === 'm.room.name') {
      if (this.isOurs(event.sender) || event.stateKey !== '') return [];
      const what = event.type === 'm.room.topic' ? 'topic' : 'name';
      return links.filter((link) => goesToNetwork(link, what, event.at));
    }
    if (event.type === 'm.room.pinned_events') return this.isOurs(event.sender) || event.stateKey !== '' ? [] : links;
    if (!said.has(event.type)) return [];
    if (event.content[noticeField] === true && this.isOurs(event.sender)) return [];
    if (!this.isOurs(event.sender)) return links;
    const key = stringIn(event.content, keyField);
    // The bridge before us said it, from the network that it would go back to.
    if (key === undefined && this.#parts.names.isAdopted(event.sender)) return [];
    const from = key === undefined ? undefined : this.#parts.journal.parseKey(key);
    return links.length === 1 && from?.link === links[0]?.id ? [] : links.filter((link) => link.id !== from?.link);
  }

  // A person who left takes their session along, after their last words; one of ours put out by a person is put out on the
  // network too, and one who is invited is invited there. Only who was in can be put out: an invitation that ends is a leave as well.
  // Anybody can be banned, and a ban that ends ends there too.
  #membershipTargets(event: MatrixEvent, links: readonly Link[], moves: Moves): readonly Link[] {
    const { membership } = event.content;
    const user = event.stateKey as UserId;
    const { names } = this.#parts;
    if (membership === 'invite') return names.isGhost(user) && !this.isOurs(event.sender) ? links : [];
    if (membership !== 'leave' && membership !== 'ban') return [];
    const before = stringIn(event.was?.content, 'membership') ?? this.#membership(event.room, user, moves);
    const isBan = names.isGhost(user) && (membership === 'ban' ? before !== 'ban' : before === 'ban');
    if (before !== 'join' && !isBan) return [];
    if (names.isGhost(user) && (user === event.sender || this.isOurs(event.sender))) return [];
    // Who closes a room of their own has not left the chat or channel.
    return links.some(isPrivate) ? links.filter((link) => !isPrivate(link)) : links;
  }

  #laneUser(event: MatrixEvent): UserId {
    const isLeaving =
      event.type === 'm.room.member' && event.stateKey !== undefined && !this.#parts.names.isGhost(event.stateKey as UserId);
    return isLeaving ? (event.stateKey as UserId) : event.sender;
  }
}

const placeOf = (room: RoomId, user: UserId): string => `${room} ${user}`;

/** What waits for the new room must not hold up the way there. */
const laneOfAct = (event: MatrixEvent): string => `${roomLane(event.room)}${event.type === 'm.room.tombstone' ? ' upgrade' : ''}`;
