// Who is known to be where, in memory over the store; the only writer of the table. What it holds is what events and member
// lists told: it asks the homeserver only in `refresh`.

import type { RoomId, UserId } from '../ids.ts';
import type { Statement, Store } from '../store/store.ts';

export type Membership = 'join' | 'invite' | 'knock' | 'ban' | 'leave';

interface Place {
  readonly membership: Membership;
  readonly name: string | undefined;
  /** mxc. */
  readonly avatar: string | undefined;
}

/** What a member list or event tells of somebody. */
interface Shown {
  readonly name?: string;
  readonly avatar?: string;
}

type Members = Map<UserId, Place>;

export class Roster {
  readonly #store: Store;
  readonly #members: (room: RoomId) => Promise<ReadonlyMap<UserId, Shown>>;
  readonly #rooms = new Map<RoomId, Members>();
  /** How many are called what. */
  readonly #counts = new WeakMap<Members, Map<string, number>>();
  /** Rooms whose member list is being fetched → who changed meanwhile: the events know better than the list. */
  readonly #fetching = new Map<RoomId, Set<UserId>[]>();
  readonly #select: Statement<{ user: string; membership: string; name: string | null; avatar: string | null }>;
  readonly #put: Statement;
  readonly #delete: Statement;
  readonly #deleteRoom: Statement;

  constructor(given: { store: Store; members: (room: RoomId) => Promise<ReadonlyMap<UserId, Shown>> }) {
    this.#store = given.store;
    this.#members = given.members;
    this.#select = given.store.prepare('SELECT user, membership, name, avatar FROM roster WHERE room = ?');
    this.#put = given.store.prepare('INSERT OR REPLACE INTO roster (room, user, membership, name, avatar) VALUES (?, ?, ?, ?, ?)');
    this.#delete = given.store.prepare('DELETE FROM roster WHERE room = ? AND user = ?');
    this.#deleteRoom = given.store.prepare('DELETE FROM roster WHERE room = ?');
  }

  /** `leave` for whoever is not known to be there. */
  membership(room: RoomId, user: UserId): Membership {
    return this.#of(room).get(user)?.membership ?? 'leave';
  }

  isIn(room: RoomId, user: UserId): boolean {
    return this.#of(room).get(user)?.membership === 'join';
  }

  nameOf(room: RoomId, user: UserId): string | undefined {
    return this.#of(room).get(user)?.name;
  }

  /** Is somebody else there called the same? Counted when it is first asked for a room, and kept from then on. */
  hasNamesake(room: RoomId, user: UserId): boolean {
    const members = this.#of(room);
    const name = members.get(user)?.name;
    if (name === undefined) return false;
    let counts = this.#counts.get(members);
    if (counts === undefined) {
      counts = new Map();
      for (const place of members.values()) count(counts, place, 1);
      this.#counts.set(members, counts);
    }
    return (counts.get(name) ?? 0) > 1;
  }

  avatarOf(room: RoomId, user: UserId): string | undefined {
    return this.#of(room).get(user)?.avatar;
  }

  joined(room: RoomId): UserId[] {
    const users: UserId[] = [];
    for (const [user, place] of this.#of(room)) if (place.membership === 'join') users.push(user);
    return users;
  }

  /** Joined or invited: whoever can read what is said there, or could at once. */
  present(room: RoomId): UserId[] {
    const users: UserId[] = [];
    for (const [user, { membership }] of this.#of(room)) if (membership === 'join' || membership === 'invite') users.push(user);
    return users;
  }

  /** Inside a store unit, so that it stands or falls with what told of it. False: nothing was new. Should the unit fail, memory knows
   *  more than the disk: `reread` where what told of it comes again, and would be known already. */
  set(room: RoomId, user: UserId, membership: Membership, name?: string, avatar?: string): boolean {
    const members = this.#of(room);
    for (const touched of this.#fetching.get(room) ?? []) touched.add(user);
    const known = members.get(user);
    const isAsShown = membership === 'leave' || (known?.name === name && known?.avatar === avatar);
    if ((known?.membership ?? 'leave') === membership && isAsShown) return false;
    const counts = this.#counts.get(members);
    if (counts !== undefined) {
      count(counts, known, -1);
      count(counts, membership === 'leave' ? undefined : { membership, name }, 1);
    }
    if (membership === 'leave') {
      this.#delete.run(room, user);
      members.delete(user);
      if (members.size === 0) this.#rooms.delete(room);
    } else {
      this.#put.run(room, user, membership, name ?? null, avatar ?? null);
      members.set(user, { membership, name, avatar });
      this.#rooms.set(room, members);
    }
    return true;
  }

  /** Inside a store unit: we are no longer there, so nothing is known. */
  forget(room: RoomId): void {
    this.#deleteRoom.run(room);
    this.#rooms.delete(room);
  }

  /** As the disk has it. */
  reread(room: RoomId): void {
    this.#rooms.delete(room);
  }

  /** Takes the homeserver's member list as the truth, save for what changed while it was under way. */
  async refresh(room: RoomId): Promise<void> {
    const touched = new Set<UserId>();
    this.#fetching.set(room, [...(this.#fetching.get(room) ?? []), touched]);
    try {
      const list = await this.#members(room);
      await this.#store.write(() => {
        for (const [user, { name, avatar }] of list) if (!touched.has(user)) this.set(room, user, 'join', name, avatar);
        // The list names the joined alone: invitations and bans that we know of stay.
        for (const user of this.joined(room)) if (!list.has(user) && !touched.has(user)) this.set(room, user, 'leave');
      });
    } finally {
      const left = (this.#fetching.get(room) ?? []).filter((other) => other !== touched);
      if (left.length > 0) this.#fetching.set(room, left);
      else this.#fetching.delete(room);
    }
  }

  #of(room: RoomId): Members {
    const known = this.#rooms.get(room);
    if (known !== undefined) return known;
    const members: Members = new Map();
    for (const { user, membership, name, avatar } of this.#select.all(room)) {
      members.set(user as UserId, { membership: membership as Membership, name: name ?? undefined, avatar: avatar ?? undefined });
    }
    // Of rooms without anybody, of which strangers' invitations can make as many as they like, nothing is kept.
    if (members.size > 0) this.#rooms.set(room, members);
    return members;
  }
}

function count(counts: Map<string, number>, place: Pick<Place, 'membership' | 'name'> | undefined, by: 1 | -1): void {
  if (place?.membership === 'join' && place.name !== undefined) counts.set(place.name, (counts.get(place.name) ?? 0) + by);
}
