// What a homeserver knows: users, rooms with their timeline and state, aliases, media. Enough of the room rules that a bridge
// meets them (membership, join rules, power, room version 12), and no more.

export interface RawEvent {
  event_id: string;
  room_id: string;
  sender: string;
  type: string;
  content: Record<string, unknown>;
  origin_server_ts: number;
  state_key?: string;
  redacts?: string;
  unsigned?: Record<string, unknown>;
}

/** An answer that is not 200, as a homeserver words it. */
export class MatrixFault extends Error {
  readonly status: number;
  readonly errcode: string;
  readonly extra: object;
  constructor(status: number, errcode: string, message: string, extra: object = {}) {
    super(message);
    this.status = status;
    this.errcode = errcode;
    this.extra = extra;
  }
}

export const forbidden = (message: string) => new MatrixFault(403, 'M_FORBIDDEN', message);
export const notFound = (message: string) => new MatrixFault(404, 'M_NOT_FOUND', message);

export interface FakeUser {
  name?: string;
  avatar?: string;
  readonly account: Map<string, unknown>;
  presence?: { presence: string; status_msg?: string };
}

const stateId = (type: string, key: string): string => `${type}\u0000${key}`;

export class Room {
  readonly id: string;
  readonly version: string;
  readonly creator: string;
  readonly timeline: RawEvent[] = [];
  /** When each event of the timeline arrived, ms since 1970 with fractions. */
  readonly arrivals: number[] = [];
  readonly state = new Map<string, RawEvent>();
  readonly byId = new Map<string, RawEvent>();
  /** Users of the application service who are in or invited: whether its events are pushed. */
  ours = 0;

  constructor({ id, version, creator }: { id: string; version: string; creator: string }) {
    this.id = id;
    this.version = version;
    this.creator = creator;
  }

  stateOf(type: string, key = ''): RawEvent | undefined {
    return this.state.get(stateId(type, key));
  }

  keep(event: RawEvent): void {
    if (event.state_key !== undefined) this.state.set(stateId(event.type, event.state_key), event);
    this.byId.set(event.event_id, event);
    this.timeline.push(event);
    this.arrivals.push(performance.timeOrigin + performance.now());
  }

  membership(user: string): string {
    return String(this.stateOf('m.room.member', user)?.content.membership ?? 'leave');
  }

  members(membership = 'join'): string[] {
    const found: string[] = [];
    for (const event of this.state.values()) {
      if (event.type === 'm.room.member' && event.content.membership === membership) found.push(event.state_key ?? '');
    }
    return found;
  }

  get hasCreatorPower(): boolean {
    return Number(this.version) >= 12;
  }

  power(user: string): number {
    if (this.hasCreatorPower && user === this.creator) return Number.POSITIVE_INFINITY;
    const levels = this.#levels();
    const users = (levels.users ?? {}) as Record<string, number>;
    return users[user] ?? Number(levels.users_default ?? 0);
  }

  needs(action: 'invite' | 'kick' | 'ban' | 'redact'): number {
    return Number(this.#levels()[action] ?? (action === 'invite' ? 0 : 50));
  }

  needsFor(type: string, isState: boolean): number {
    const levels = this.#levels();
    const events = (levels.events ?? {}) as Record<string, number>;
    return events[type] ?? Number((isState ? levels.state_default : levels.events_default) ?? (isState ? 50 : 0));
  }

  #levels(): Record<string, unknown> {
    return this.stateOf('m.room.power_levels')?.content ?? {};
  }
}

export interface RoomOptions {
  readonly creator: string;
  readonly id?: string;
  readonly version?: string;
  readonly members?: readonly string[];
  readonly invite?: readonly string[];
  readonly alias?: string;
  readonly name?: string;
  readonly topic?: string;
  readonly joinRule?: 'public' | 'invite';
  readonly encrypted?: boolean;
  readonly levels?: Record<string, unknown>;
  readonly state?: readonly { type: string; state_key?: string; content: Record<string, unknown> }[];
  readonly creation?: Record<string, unknown>;
  readonly isDirect?: boolean;
}

export interface WorldOptions {
  readonly domain: string;
  readonly isOurs: (user: string) => boolean;
  /** Called for each new event, in order. */
  readonly onEvent: (event: RawEvent, room: Room) => void;
}

export class World {
  readonly domain: string;
  readonly openIdTokens = new Map<string, string>();
  /** People's own → who they are. */
  readonly accessTokens = new Map<string, string>();
  readonly users = new Map<string, FakeUser>();
  readonly rooms = new Map<string, Room>();
  readonly aliases = new Map<string, string>();
  /** Rooms in the directory of public rooms. */
  readonly listed = new Set<string>();
  /** What people, ghosts mostly, said that they have read. */
  readonly receipts: { readonly room: string; readonly user: string; readonly event: string }[] = [];
  readonly media = new Map<string, { type: string; name: string | undefined; bytes: Buffer }>();
  readonly #isOurs: (user: string) => boolean;
  readonly #onEvent: (event: RawEvent, room: Room) => void;
  readonly #salt = Math.random().toString(36).slice(2, 8);
  #number = 0;

  constructor({ domain, isOurs, onEvent }: WorldOptions) {
    this.domain = domain;
    this.#isOurs = isOurs;
    this.#onEvent = onEvent;
  }

  fresh(sign: string): string {
    this.#number += 1;
    return `${sign}${this.#salt}${this.#number.toString(36)}`;
  }

  register(user: string): FakeUser {
    const made: FakeUser = { account: new Map() };
    this.users.set(user, made);
    return made;
  }

  room(id: string): Room {
    const room = this.rooms.get(id);
    if (room === undefined) throw forbidden('Unknown room');
    return room;
  }

  resolve(idOrAlias: string): Room {
    if (!idOrAlias.startsWith('#')) return this.room(idOrAlias);
    const id = this.aliases.get(idOrAlias);
    if (id === undefined) throw notFound(`Room alias ${idOrAlias} not found`);
    return this.room(id);
  }

  createRoom(options: RoomOptions): Room {
    const version = options.version ?? '12';
    const bare = Number(version) >= 12 ? this.fresh('!').padEnd(44, 'x') : `${this.fresh('!')}:${this.domain}`;
    const room = new Room({ id: options.id ?? bare, version, creator: options.creator });
    const levels = {
      users: {},
      users_default: 0,
      events_default: 0,
      state_default: 50,
      ban: 50,
      kick: 50,
      redact: 50,
      invite: 0,
      ...options.levels,
    };
    if (room.hasCreatorPower && Object.hasOwn(levels.users, room.creator)) {
      throw new MatrixFault(400, 'M_INVALID_PARAM', 'Creators must not be listed in the power levels');
    }
    this.rooms.set(room.id, room);
    const by = options.creator;
    const put = (type: string, content: Record<string, unknown>, key = '') =>
      this.append(room, { sender: by, type, content, state_key: key });
    put('m.room.create', { room_version: version, ...(version < '11' && { creator: by }), ...options.creation });
    this.setMembership(room, by, by, 'join');
    put('m.room.power_levels', room.hasCreatorPower || options.levels?.users !== undefined ? levels : { ...levels, users: { [by]: 100 } });
    put('m.room.join_rules', { join_rule: options.joinRule ?? 'public' });
    if (options.encrypted === true) put('m.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' });
    for (const state of options.state ?? []) put(state.type, state.content, state.state_key);
    if (options.name !== undefined) put('m.room.name', { name: options.name });
    if (options.topic !== undefined) put('m.room.topic', { topic: options.topic });
    if (options.alias !== undefined) this.aliases.set(options.alias, room.id);
    for (const user of options.invite ?? []) {
      this.setMembership(room, by, user, 'invite', options.isDirect === true ? { is_direct: true } : {});
    }
    for (const user of options.members ?? []) this.setMembership(room, user, user, 'join');
    return room;
  }

  setMembership(room: Room, by: string, user: string, membership: string, extra: Record<string, unknown> = {}): RawEvent {
    const profile = membership === 'join' || membership === 'invite' ? this.users.get(user) : undefined;
    const content = {
      membership,
      ...(profile?.name !== undefined && { displayname: profile.name }),
      ...(profile?.avatar !== undefined && { avatar_url: profile.avatar }),
      ...extra,
    };
    return this.append(room, { sender: by, type: 'm.room.member', content, state_key: user });
  }

  /** Adds an event without asking whether its sender may. The same state again is the same event, as on Synapse. */
  append(
    room: Room,
    event: { sender: string; type: string; content: Record<string, unknown>; state_key?: string; redacts?: string; at?: number },
  ): RawEvent {
    const { at, ...rest } = event;
    const full: RawEvent = { ...rest, event_id: this.fresh('$'), room_id: room.id, origin_server_ts: at ?? Date.now() };
    if (event.state_key !== undefined) {
      const was = room.stateOf(event.type, event.state_key);
      if (was !== undefined) {
        if (was.sender === event.sender && JSON.stringify(was.content) === JSON.stringify(event.content)) return was;
        full.unsigned = { prev_content: was.content, prev_sender: was.sender, replaces_state: was.event_id };
      }
    }
    if (event.type === 'm.room.member' && event.state_key !== undefined && this.#isOurs(event.state_key)) {
      const isIn = (membership: unknown) => membership === 'join' || membership === 'invite';
      room.ours += Number(isIn(event.content.membership)) - Number(isIn(room.membership(event.state_key)));
    }
    room.keep(full);
    this.#onEvent(full, room);
    return full;
  }

  redact(room: Room, sender: string, target: string, content: Record<string, unknown>, at?: number): RawEvent {
    const redacted = room.byId.get(target);
    if (redacted !== undefined) redacted.content = {};
    return this.append(room, {
      sender,
      type: 'm.room.redaction',
      content: { ...content, redacts: target },
      redacts: target,
      ...(at !== undefined && { at }),
    });
  }

  setProfile(user: string, change: { name?: string; avatar?: string }): void {
    Object.assign(this.users.get(user) ?? this.register(user), change);
    for (const room of this.rooms.values()) if (room.membership(user) === 'join') this.setMembership(room, user, user, 'join');
  }
}
