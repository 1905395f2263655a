// Everything that this Gitter holds, and the wire on which it tells what happens. Who changes something announces it here; who
// carries it to clients (Faye, streams) listens.

import { randomBytes } from 'node:crypto';
import { Later } from '../fake-services/later.ts';
import { Clock, ObjectIds } from './clock.ts';
import { GitterFault } from './http.ts';
import type { Group, Membership, Message, OAuthClient, Room, Token, User } from './model.ts';

export interface Happening {
  /** Below `/api/v1`: `/rooms/ID/chatMessages`. */
  readonly channel: string;
  /** `chatMessages/create`, `users/remove`, `rooms/patch`, `notification/presence`. */
  readonly what: string;
  /** `{operation, model}` or `{notification, …}`. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Where the sources leave open what Gitter does, or where one of its oddities can be left out. */
export interface Quirks {
  /** Only members of a room may write in it; unverified, so the stricter by default. */
  readonly writeNeedsMembership: boolean;
  /** Server processes that make ids in turn; from 2 on, ids of one second are out of order. */
  readonly processes: number;
  /** The documentation's default is `form`, unless JSON is asked for by `accept`; the server's code of 2020 answers JSON in any case. */
  readonly tokenAnswer: 'json' | 'form';
  /** ms between a subscription, from which on all is told, and its answer with the snapshot. */
  snapshotDelay: number;
  /** False: a snapshot leaves answers in threads out, whatever is asked for. */
  snapshotThreads: boolean;
  /** True: who is not in a public room may read it, and not listen to it. */
  hearingNeedsMembership: boolean;
  /** True: a subscription that is refused since the client is unknown is not named in the answer. */
  readonly namelessRefusals: boolean;
}

export interface NewRoom {
  readonly id?: string;
  readonly uri?: string;
  readonly isOneToOne?: boolean;
  readonly topic?: string;
  readonly isPrivate?: boolean;
  readonly members?: Iterable<string>;
  readonly admins?: Iterable<string>;
}

export class World {
  readonly clock = new Clock();
  readonly users = new Map<string, User>();
  readonly groups = new Map<string, Group>();
  readonly rooms = new Map<string, Room>();
  readonly messages = new Map<string, Message>();
  readonly clients = new Map<string, OAuthClient>();
  readonly tokens = new Map<string, Token>();
  readonly quirks: Quirks;
  /** How many Faye clients each user has; who has none need not be told anything. */
  readonly online = new Map<string, number>();
  /** Where this Gitter is reached; known once the door is open. */
  origin = '';
  readonly #ids: ObjectIds;
  readonly #listeners: ((happening: Happening) => void)[] = [];
  readonly later = new Later();

  constructor(quirks: Partial<Quirks> = {}) {
    const usual = { writeNeedsMembership: true, processes: 1, tokenAnswer: 'json', snapshotDelay: 0, namelessRefusals: false } as const;
    this.quirks = { ...usual, snapshotThreads: true, hearingNeedsMembership: false, ...quirks };
    this.#ids = new ObjectIds(this.clock, this.quirks.processes);
  }

  listen(listener: (happening: Happening) => void): void {
    this.#listeners.push(listener);
  }

  announce(channel: string, what: string, payload: Happening['payload']): void {
    for (const listener of this.#listeners) listener({ channel, what, payload });
  }

  /** `what`: the collection's name, without the operation. */
  announceModel(channel: string, what: string, operation: 'create' | 'update' | 'patch' | 'remove', model: object): void {
    this.announce(channel, `${what}/${operation}`, { operation, model });
  }

  id(): string {
    return this.#ids.next();
  }

  /** Tokens, client ids and secrets have 40 hex characters. */
  secret(): string {
    return randomBytes(20).toString('hex');
  }

  user(id: string): User {
    const user = this.users.get(id);
    if (user === undefined) throw new GitterFault(404, 'Not Found');
    return user;
  }

  userNamed(username: string): User | undefined {
    const wanted = username.toLowerCase();
    return [...this.users.values()].find((user) => user.username.toLowerCase() === wanted && !user.isRemoved);
  }

  room(id: string): Room {
    const room = this.rooms.get(id);
    if (room === undefined || room.isDeleted) throw new GitterFault(404, 'Not Found');
    return room;
  }

  roomAt(uri: string): Room | undefined {
    const wanted = uri.toLowerCase();
    return [...this.rooms.values()].find((room) => room.uri?.toLowerCase() === wanted && !room.isDeleted);
  }

  groupAt(uri: string): Group | undefined {
    const wanted = uri.toLowerCase();
    return [...this.groups.values()].find((group) => group.uri.toLowerCase() === wanted);
  }

  oneToOneBetween(one: string, other: string): Room | undefined {
    return [...this.rooms.values()].find(({ isOneToOne, members }) => isOneToOne && members.has(one) && members.has(other));
  }

  makeGroup(uri: string, { name = uri, admins = [] }: { readonly name?: string; readonly admins?: Iterable<string> } = {}): Group {
    const group: Group = { id: this.id(), uri, name, admins: new Set(admins) };
    this.groups.set(group.id, group);
    return group;
  }

  /** A room's community is made where it is missing. */
  makeRoom({ id, uri, isOneToOne = false, topic = '', isPrivate = isOneToOne, members = [], admins = [] }: NewRoom): Room {
    const groupUri = uri?.split('/')[0];
    const room: Room = {
      id: id ?? this.id(),
      isOneToOne,
      uri,
      group: groupUri === undefined ? undefined : (this.groupAt(groupUri) ?? this.makeGroup(groupUri)),
      topic,
      isPrivate,
      tags: [],
      noIndex: false,
      providers: [],
      members: new Map([...members].map((member) => [member, this.membership()])),
      admins: new Set(admins),
      bans: [],
      messages: [],
      activity: [],
      isDeleted: false,
      v: 1,
    };
    this.rooms.set(room.id, room);
    return room;
  }

  membership(): Membership {
    return { lastAccess: this.clock.now(), isLurking: false, isFavourite: false, unread: new Set(), mentioned: new Set() };
  }

  roomsOf(user: User): Room[] {
    return [...this.rooms.values()].filter((room) => room.members.has(user.id) && !room.isDeleted);
  }

  /** Whose token it is; undefined: unknown or revoked. */
  tokenOf(value: string | undefined): Token | undefined {
    const token = this.tokens.get(value ?? '');
    return token === undefined || token.isRevoked || token.user.isRemoved ? undefined : token;
  }
}
