// Which Faye channels there are, who may subscribe to them, and the snapshot that the answer carries (server's code of 2020): the newest
// messages (30, without replies in threads, unless `limit` and `includeThreads` say otherwise; 100 at most), the users, events, rooms; for a
// room itself only when asked for. Unverified: the snapshot of `unreadItems`.

import { banOf, canRead } from './access.ts';
import { historyOf } from './history.ts';
import { GitterFault } from './http.ts';
import type { Room, Token, User } from './model.ts';
import type { Shapes } from './shapes.ts';
import type { World } from './world.ts';

/** `ext` of a subscription. */
export interface SubscribeExt {
  readonly snapshot?: boolean | Readonly<Record<string, unknown>>;
}

const usualMessages = 30;

export class Subscriptions {
  readonly #world: World;
  readonly #shapes: Shapes;

  constructor(world: World, shapes: Shapes) {
    this.#world = world;
    this.#shapes = shapes;
  }

  /** `path`: below `/api/v1`. Throws where the channel is none or not for them; gives back what draws the snapshot. */
  open(path: string, { user, value }: Token): (ext: SubscribeExt) => unknown {
    const [, kind, id = '', part, more, last, ...rest] = path.split('/');
    const unknown = new GitterFault(404, 'Unknown subscription');
    if (rest.length > 0) throw unknown;
    if (kind === 'ping' && id === '') return () => undefined;
    if (kind === 'token' && part === undefined) {
      if (id !== value) throw denied();
      return () => undefined;
    }
    if (kind === 'rooms') return this.#ofRoom(this.#readable(id, user), user, part, more, last) ?? fail(unknown);
    if (kind === 'user') {
      const found = this.#ofUser(user, part, more, last) ?? fail(unknown);
      if (id !== user.id) throw denied();
      return found;
    }
    throw unknown;
  }

  #readable(id: string, user: User): Room {
    const room = this.#world.rooms.get(id);
    if (room === undefined || room.isDeleted || !canRead(user, room) || (room.isPrivate && banOf(user, room))) throw denied();
    if (this.#world.quirks.hearingNeedsMembership && !room.members.has(user.id)) throw denied();
    return room;
  }

  #ofRoom(room: Room, user: User, part?: string, message?: string, last?: string): ((ext: SubscribeExt) => unknown) | undefined {
    if (part === undefined) return ({ snapshot }) => (snapshot ? this.#shapes.room(room, user) : undefined);
    if (part === 'chatMessages' && last === 'readBy') return ifWanted(() => this.#readers(message ?? ''));
    if (message !== undefined) return undefined;
    if (part === 'chatMessages') return ifWanted((wanted) => this.#messages(room, user, wanted));
    if (part === 'users') return ifWanted(() => [...room.members.keys()].map((id) => this.#shapes.user(this.#world.user(id), room)));
    if (part === 'events') return ifWanted(() => room.activity.slice(-usualMessages).map((entry) => this.#shapes.activity(entry)));
    return undefined;
  }

  #ofUser(user: User, part?: string, room?: string, last?: string): ((ext: SubscribeExt) => unknown) | undefined {
    const rooms = () => this.#world.roomsOf(user);
    if (part === undefined) return () => undefined;
    if (part === 'rooms' && last === 'unreadItems') return ifWanted(() => this.#unread(room ?? '', user));
    if (room !== undefined) return undefined;
    if (part === 'rooms') return ifWanted(() => rooms().map((each) => this.#shapes.room(each, user)));
    if (part === 'groups' || part === 'orgs')
      return ifWanted(() => [...new Set(rooms().flatMap(({ group }) => group ?? []))].map((group) => this.#shapes.group(group)));
    return undefined;
  }

  #messages(room: Room, viewer: User, wanted: Readonly<Record<string, unknown>>): unknown {
    const { limit, beforeInclId, includeThreads, lean } = wanted;
    const query = {
      limit: Number(limit) || usualMessages,
      beforeInclId: typeof beforeInclId === 'string' ? beforeInclId : undefined,
      includeThreads: includeThreads === true && this.#world.quirks.snapshotThreads,
    };
    return historyOf(room, viewer, query).map((message) => this.#shapes.message(message, { viewer, isLean: lean === true }));
  }

  #readers(message: string): unknown {
    return [...(this.#world.messages.get(message)?.readers ?? [])].map((id) => this.#shapes.user(this.#world.user(id)));
  }

  #unread(room: string, user: User): unknown {
    const member = this.#world.rooms.get(room)?.members.get(user.id);
    return { chat: [...(member?.unread ?? [])], mention: [...(member?.mentioned ?? [])] };
  }
}

function ifWanted(draw: (wanted: Readonly<Record<string, unknown>>) => unknown): (ext: SubscribeExt) => unknown {
  return ({ snapshot = {} }) => (snapshot === false ? undefined : draw(snapshot === true ? {} : snapshot));
}

function denied(): GitterFault {
  return new GitterFault(403, 'Authorisation denied.');
}

function fail(fault: GitterFault): never {
  throw fault;
}
