// A remote person in Matrix: registered once, profile kept in step, in the room before they speak. When to leave a room, and
// how fast the silent ones come in, is membership's.

import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { BridgeError, PermanentError, RetryableError } from '../errors.ts';
import type { RemoteUserId, RoomId, UserId } from '../ids.ts';
import type { RemoteUser } from '../remote-event.ts';
import type { Statement, Store } from '../store/store.ts';
import type { Names } from './names.ts';

/** What is known of who is where; the roster fits. `set` is called inside a store unit. */
export interface Places {
  isIn(room: RoomId, user: UserId): boolean;
  membership(room: RoomId, user: UserId): string;
  set(room: RoomId, user: UserId, membership: 'join' | 'leave', name?: string): boolean;
}

/** How a join is let through; `join` runs at most once. */
export type Enter = (room: RoomId, ghost: UserId, join: () => Promise<void>) => Promise<void>;

const atOnce: Enter = (_room, _ghost, join) => join();

type Calls = Pick<Homeserver, 'bot' | 'register' | 'setDisplayName' | 'setAvatar' | 'join' | 'leave' | 'invite'>;

interface Known {
  readonly id: UserId;
  /** As the network last said them; what was last written follows from them. */
  readonly name: string;
  readonly avatar: string | undefined;
  readonly settled: Promise<UserId>;
}

interface Row extends Record<string, string | null> {
  name: string | null;
  avatar: string | null;
}

/** Remembered in memory; others are looked up again. */
const mostKnown = 20_000;

export class Ghosts {
  readonly #store: Store;
  readonly #homeserver: Calls;
  readonly #names: Names;
  readonly #places: Places;
  readonly #log: Logger;
  readonly #enter: Enter;
  readonly #storeAvatar: ((source: string, ghost: UserId) => Promise<string>) | undefined;
  readonly #heard: ((room: RoomId, ghost: UserId, isNew: boolean) => void) | undefined;
  readonly #known = new Map<RemoteUserId, Known>();
  readonly #profiles = new Map<UserId, Promise<void>>();
  readonly #joins = new Map<string, Promise<void>>();
  /** Leaves that the homeserver has yet to answer: who speaks may be in again before it does. */
  readonly #going = new Map<string, { isBack: boolean }>();
  readonly #select: Statement<Row>;
  readonly #selectRemote: Statement<{ remote: string }>;
  readonly #put: Statement;

  constructor(given: {
    store: Store;
    homeserver: Calls;
    names: Names;
    places: Places;
    log: Logger;
    /** Wraps the join of one who speaks: the membership queue gives up the join that it holds, and keeps a 429. */
    enter?: Enter;
    /** Brings a picture of the network's to the homeserver: mxc address. Without it only mxc addresses are taken. */
    storeAvatar?: (source: string, ghost: UserId) => Promise<string>;
    /** It speaks in the room; `isNew`: it may have come in for that. */
    heard?: ((room: RoomId, ghost: UserId, isNew: boolean) => void) | undefined;
  }) {
    this.#store = given.store;
    this.#homeserver = given.homeserver;
    this.#names = given.names;
    this.#places = given.places;
    this.#log = given.log;
    this.#enter = given.enter ?? atOnce;
    this.#storeAvatar = given.storeAvatar;
    this.#heard = given.heard;
    this.#select = given.store.prepare('SELECT name, avatar FROM ghosts WHERE id = ?');
    this.#selectRemote = given.store.prepare('SELECT remote FROM ghosts WHERE id = ?');
    this.#put = given.store.prepare('INSERT OR REPLACE INTO ghosts (id, remote, name, avatar, at) VALUES (?, ?, ?, ?, ?)');
  }

  /** The ghost, able to speak in the room. On the path of every message: for one who is there it costs two look-ups. */
  ready(user: RemoteUser, room: RoomId): Promise<UserId> {
    const known = this.#known.get(user.id);
    if (known === undefined || !isCurrent(known, user) || !this.#places.isIn(room, known.id)) return this.#come(user, room);
    this.#heard?.(room, known.id, false);
    return known.settled;
  }

  async #come(user: RemoteUser, room: RoomId): Promise<UserId> {
    const id = await this.#bring(user, room, this.#enter);
    this.#heard?.(room, id, true);
    return id;
  }

  /** The same for one who need not speak: called by the membership queue in its own time. */
  admit(user: RemoteUser, room: RoomId): Promise<UserId> {
    return this.#bring(user, room, atOnce);
  }

  /** Has the ghost this name and picture? Undefined: there is none. */
  isCurrent(user: RemoteUser): boolean | undefined {
    const row = this.#select.get(this.#names.ghostOf(user));
    if (row === undefined) return undefined;
    return row.name === this.#names.displayNameOf(user) && (user.avatar === undefined || row.avatar === user.avatar);
  }

  /** Registered and with their name, in no room. */
  async introduce(user: RemoteUser): Promise<UserId> {
    const known = this.#known.get(user.id);
    if (known !== undefined && isCurrent(known, user)) return known.id;
    const id = this.#names.ghostOf(user);
    // One after the other for each ghost: two names at once must not end in the older one.
    const before = this.#profiles.get(id) ?? Promise.resolve();
    const mine = before.catch(() => {}).then(() => this.#write(id, user));
    this.#profiles.set(id, mine);
    try {
      await mine;
    } finally {
      if (this.#profiles.get(id) === mine) this.#profiles.delete(id);
    }
    return id;
  }

  /** Out of the room; that it was not there is no failure. */
  async leave(ghost: UserId, room: RoomId, reason?: string): Promise<void> {
    const key = `${room} ${ghost}`;
    const going = { isBack: false };
    this.#going.set(key, going);
    try {
      await this.#homeserver.leave(ghost, room, reason);
    } catch (thrown) {
      if (!isForbidden(thrown)) throw thrown;
    } finally {
      if (this.#going.get(key) === going) this.#going.delete(key);
    }
    if (!going.isBack) await this.forget(room, ghost);
  }

  /** One that was there once is to take back something of its own, and was refused: in again, whatever is known of where it is. */
  async comeBack(ghost: UserId, room: RoomId): Promise<void> {
    const row = this.#names.isGhost(ghost) ? this.#select.get(ghost) : undefined;
    if (row === undefined) return;
    await this.#enter(room, ghost, () => this.#join(ghost, room, row.name ?? ghost));
  }

  /** The homeserver says that it may not speak there: the next `ready` brings it in anew. */
  async forget(room: RoomId, ghost: UserId): Promise<void> {
    await this.#store.write(() => this.#places.membership(room, ghost) !== 'ban' && this.#places.set(room, ghost, 'leave'));
  }

  /** Whom a ghost stands for; undefined for one that we never registered. */
  remoteOf(ghost: UserId): RemoteUserId | undefined {
    return this.#selectRemote.get(ghost)?.remote as RemoteUserId | undefined;
  }

  async #bring(user: RemoteUser, room: RoomId, enter: Enter): Promise<UserId> {
    const id = await this.introduce(user);
    if (this.#places.isIn(room, id)) return id;
    const key = `${room} ${id}`;
    let flight = this.#joins.get(key);
    if (flight === undefined) {
      flight = enter(room, id, () => this.#join(id, room, this.#names.displayNameOf(user))).finally(() => this.#joins.delete(key));
      this.#joins.set(key, flight);
    }
    await flight;
    return id;
  }

  async #write(id: UserId, user: RemoteUser): Promise<void> {
    const known = this.#known.get(user.id);
    if (known !== undefined && isCurrent(known, user)) return;
    const row = this.#select.get(id);
    if (row === undefined) await this.#homeserver.register(id);
    const name = this.#names.displayNameOf(user);
    let written = row?.name ?? null;
    let avatar = row?.avatar ?? null;
    if (name !== written && (await this.#try(id, 'name', () => this.#homeserver.setDisplayName(id, name)))) written = name;
    const picture = user.avatar;
    if (picture !== undefined && picture !== avatar && (await this.#try(id, 'picture', () => this.#setAvatar(id, picture))))
      avatar = picture;
    if (row === undefined || written !== row.name || avatar !== row.avatar)
      await this.#store.write(() => this.#put.run(id, user.id, written, avatar, Date.now()));
    this.#remember({ id, name: user.name, avatar: user.avatar, settled: Promise.resolve(id) }, user.id);
  }

  /** A profile that the homeserver refuses for good must not silence the person: it is tried again with the next change or
   *  start. What may work later does stop the line, for the line would fare no better. */
  async #try(id: UserId, what: string, set: () => Promise<void>): Promise<boolean> {
    try {
      await set();
      return true;
    } catch (thrown) {
      if (thrown instanceof RetryableError) throw thrown;
      this.#log.warn({ ghost: id, err: thrown }, `the ${what} of a ghost was refused`);
      return false;
    }
  }

  async #setAvatar(id: UserId, source: string): Promise<void> {
    const mxc = source.startsWith('mxc://') ? source : await this.#storeAvatar?.(source, id);
    if (mxc !== undefined) await this.#homeserver.setAvatar(id, mxc);
  }

  async #join(id: UserId, room: RoomId, name: string): Promise<void> {
    // A ban is the room's own word, known by event: asking again would only spend requests.
    if (this.#places.membership(room, id) === 'ban') throw new PermanentError('FORBIDDEN_IN_ROOM', `${id} is banned from ${room}`);
    try {
      await this.#homeserver.join(id, room);
    } catch (thrown) {
      if (!isForbidden(thrown)) throw thrown;
      await this.#homeserver.invite(this.#homeserver.bot, room, id);
      await this.#homeserver.join(id, room);
    }
    const going = this.#going.get(`${room} ${id}`);
    if (going !== undefined) going.isBack = true;
    await this.#store.write(() => this.#places.set(room, id, 'join', name));
  }

  #remember(known: Known, user: RemoteUserId): void {
    this.#known.delete(user);
    if (this.#known.size >= mostKnown) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.set(user, known);
  }
}

const isCurrent = (known: Known, user: RemoteUser): boolean => known.name === user.name && known.avatar === user.avatar;

const isForbidden = (thrown: unknown): boolean => thrown instanceof BridgeError && thrown.code === 'FORBIDDEN_IN_ROOM';
