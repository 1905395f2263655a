// The client-server API, as far as a bridge uses it. Each route gets who asks and what; it answers with a body or throws a
// MatrixFault.

import type { Pusher } from './pusher.ts';
import { forbidden, MatrixFault, notFound, type RawEvent, type Room, type RoomOptions, type World } from './world.ts';

export interface Asked {
  readonly method: string;
  /** Decoded parts of the path behind `/_matrix/`. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
  readonly raw: Buffer;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly user: string;
  /** The path as sent, without its query: what a transaction id is remembered under. */
  readonly path: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly bytes: Buffer;
}

export interface RoutesOptions {
  readonly world: World;
  readonly pusher: Pusher;
  readonly bot: string;
  readonly isOurs: (user: string) => boolean;
  readonly isOurAlias: (alias: string) => boolean;
  readonly registrationId: string;
  readonly hasPing: boolean;
  readonly rememberTransactions: boolean;
  readonly largestUpload?: number | undefined;
}

export class Routes {
  readonly #options: RoutesOptions;
  readonly #world: World;
  #transactions = new Map<string, string>();

  constructor(options: RoutesOptions) {
    this.#options = options;
    this.#world = options.world;
  }

  forgetTransactions(): void {
    this.#transactions = new Map();
  }

  async answer(asked: Asked): Promise<object | RawAnswer> {
    const [api, version, area] = asked.parts;
    if (api === 'client' && version === 'v1' && area === 'media')
      return asked.parts[3] === 'config' ? this.#mediaConfig() : this.#download(asked);
    if (api === 'client' && version === 'v1' && area === 'appservice') return this.#ping(asked);
    if (api === 'media' && asked.parts[2] === 'upload' && asked.method === 'POST') return this.#upload(asked);
    if (api !== 'client') throw unrecognised();
    switch (area) {
      case 'account':
        return { user_id: asked.user, is_guest: false };
      case 'register':
        return this.#register(asked);
      case 'createRoom':
        return this.#createRoom(asked);
      case 'join':
        return this.#join(await this.#found(asked.parts[3] ?? ''), asked.user, asked.body);
      case 'rooms':
        return this.#inRoom(asked);
      case 'profile':
        return this.#profile(asked);
      case 'directory':
        return this.#directory(asked);
      case 'joined_rooms':
        return {
          joined_rooms: [...this.#world.rooms.values()].filter((room) => room.membership(asked.user) === 'join').map(({ id }) => id),
        };
      case 'presence':
        return this.#presence(asked);
      case 'user':
        return this.#account(asked);
      default:
        throw unrecognised();
    }
  }

  /** The hot path, with nothing awaited. */
  send(asked: Asked, room: Room, type: string): object {
    const known = this.#transactions.get(asked.path);
    if (known !== undefined) return { event_id: known };
    mustBeIn(room, asked.user);
    if (room.power(asked.user) < room.needsFor(type, false)) throw forbidden(`You don't have permission to post ${type}`);
    if (asked.raw.length > 65_000) throw new MatrixFault(413, 'M_TOO_LARGE', 'event too large');
    const at = asked.query.get('ts');
    const event = this.#world.append(room, { sender: asked.user, type, content: asked.body, ...(at !== null && { at: Number(at) }) });
    return this.#remembered(asked, event);
  }

  #remembered(asked: Asked, event: RawEvent): object {
    if (this.#options.rememberTransactions) this.#transactions.set(asked.path, event.event_id);
    return { event_id: event.event_id };
  }

  async #inRoom(asked: Asked): Promise<object> {
    const [, , , id = '', verb = '', first = '', second = ''] = asked.parts;
    const room = this.#world.room(id);
    const { user, body, method } = asked;
    switch (`${method} ${verb}`) {
      case 'PUT send':
        return this.send(asked, room, first);
      case 'PUT redact': {
        const known = this.#transactions.get(asked.path);
        if (known !== undefined) return { event_id: known };
        mustBeIn(room, user);
        if (room.byId.get(first)?.sender !== user && room.power(user) < room.needs('redact')) throw forbidden('You may not redact that');
        const at = asked.query.get('ts');
        return this.#remembered(asked, this.#world.redact(room, user, first, body, at === null ? undefined : Number(at)));
      }
      case 'PUT state':
        return this.#setState(room, asked, first, second);
      case 'GET state':
        mustBeIn(room, user);
        if (first === '') return [...room.state.values()];
        return room.stateOf(first, second)?.content ?? fail(notFound('Event not found.'));
      case 'GET event':
        mustBeIn(room, user);
        return room.byId.get(first) ?? fail(notFound('Event not found.'));
      case 'GET messages':
        mustBeIn(room, user);
        return messages(room, asked.query);
      case 'GET joined_members':
        mustBeIn(room, user);
        return { joined: Object.fromEntries(room.members().map((member) => [member, profileOf(room, member)])) };
      case 'PUT typing':
        mustBeIn(room, user);
        return {};
      case 'POST receipt':
        mustBeIn(room, user);
        this.#world.receipts.push({ room: room.id, user, event: second });
        return {};
      case 'POST read_markers':
        return {};
      case 'POST join':
        return this.#join(room, user, body);
      default:
        return this.#changeMembership(room, asked, verb);
    }
  }

  async #changeMembership(room: Room, asked: Asked, verb: string): Promise<object> {
    const { user, body } = asked;
    const target = String(body.user_id ?? '');
    const reason = typeof body.reason === 'string' ? { reason: body.reason } : {};
    const outranks = room.power(user) > room.power(target) || user === target;
    switch (verb) {
      case 'leave':
        if (room.membership(user) !== 'leave') this.#world.setMembership(room, user, user, 'leave', reason);
        return {};
      case 'invite':
        mustBeIn(room, user);
        if (room.power(user) < room.needs('invite')) throw forbidden("You don't have permission to invite users");
        if (room.membership(target) === 'join') throw forbidden(`${target} is already in the room.`);
        if (room.membership(target) === 'ban') throw forbidden(`${target} is banned from the room`);
        await this.#ensureExists(target);
        this.#world.setMembership(room, user, target, 'invite', reason);
        return {};
      case 'kick':
      case 'ban':
        mustBeIn(room, user);
        if (room.power(user) < room.needs(verb) || !outranks) throw forbidden(`You cannot ${verb} user ${target}.`);
        this.#world.setMembership(room, user, target, verb === 'ban' ? 'ban' : 'leave', reason);
        return {};
      case 'unban':
        mustBeIn(room, user);
        if (room.power(user) < room.needs('ban')) throw forbidden('You cannot unban users.');
        if (room.membership(target) === 'ban') this.#world.setMembership(room, user, target, 'leave');
        return {};
      default:
        throw unrecognised();
    }
  }

  #setState(room: Room, asked: Asked, type: string, key: string): object {
    const { user, body } = asked;
    if (type === 'm.room.member' && key === user && body.membership === 'join') {
      const { membership: _membership, ...extra } = body;
      // A name or picture of theirs in this room alone.
      if (room.membership(user) === 'join') this.#world.setMembership(room, user, user, 'join', extra);
      else this.#join(room, user, extra);
      return { event_id: room.stateOf('m.room.member', user)?.event_id };
    }
    mustBeIn(room, user);
    if (type === 'm.room.member' && body.membership === 'invite') {
      if (room.power(user) < room.needs('invite')) throw forbidden("You don't have permission to invite users");
      if (room.membership(key) === 'join') throw forbidden(`${key} is already in the room.`);
      return { event_id: this.#world.setMembership(room, user, key, 'invite', body).event_id };
    }
    if (room.power(user) < room.needsFor(type, true)) throw forbidden(`You don't have permission to set ${type}`);
    return { event_id: this.#world.append(room, { sender: user, type, content: body, state_key: key }).event_id };
  }

  #join(room: Room, user: string, extra: Record<string, unknown>): object {
    const membership = room.membership(user);
    if (membership === 'ban') throw forbidden('You are banned from this room');
    const isOpen = room.stateOf('m.room.join_rules')?.content.join_rule === 'public';
    if (membership !== 'join' && membership !== 'invite' && !isOpen) throw forbidden('You are not invited to this room.');
    if (!this.#world.users.has(user)) throw forbidden(`Application service has not registered this user (${user})`);
    if (membership !== 'join') this.#world.setMembership(room, user, user, 'join', extra);
    return { room_id: room.id };
  }

  #register(asked: Asked): object {
    if (asked.parts[3] === 'available') {
      const wanted = `@${asked.query.get('username')}:${this.#world.domain}`;
      if (this.#options.isOurs(wanted)) throw new MatrixFault(400, 'M_EXCLUSIVE', 'This user ID is reserved by an application service.');
      return { available: true };
    }
    const user = `@${asked.body.username}:${this.#world.domain}`;
    if (!this.#options.isOurs(user)) throw new MatrixFault(400, 'M_EXCLUSIVE', 'Invalid user localpart for this application service.');
    if (this.#world.users.has(user)) throw new MatrixFault(400, 'M_USER_IN_USE', 'User ID already taken.');
    this.#world.register(user);
    return { user_id: user };
  }

  async #createRoom(asked: Asked): Promise<object> {
    const { body, user } = asked;
    const alias = typeof body.room_alias_name === 'string' ? `#${body.room_alias_name}:${this.#world.domain}` : undefined;
    if (alias !== undefined && this.#world.aliases.has(alias)) throw new MatrixFault(400, 'M_ROOM_IN_USE', 'Room alias already taken');
    const invite = Array.isArray(body.invite) ? body.invite.map(String) : [];
    for (const invited of invite) await this.#ensureExists(invited);
    const isPublic = body.preset === 'public_chat' || (body.preset === undefined && body.visibility === 'public');
    const room = this.#world.createRoom({
      creator: user,
      invite,
      isDirect: body.is_direct === true,
      joinRule: isPublic ? 'public' : 'invite',
      ...(alias !== undefined && { alias }),
      ...(typeof body.name === 'string' && { name: body.name }),
      ...(typeof body.topic === 'string' && { topic: body.topic }),
      ...(typeof body.room_version === 'string' && { version: body.room_version }),
      ...(body.power_level_content_override !== undefined && { levels: body.power_level_content_override as Record<string, unknown> }),
      ...(body.creation_content !== undefined && { creation: body.creation_content as Record<string, unknown> }),
      state: [
        ...(Array.isArray(body.initial_state) ? (body.initial_state as NonNullable<RoomOptions['state']>) : []),
        ...(alias === undefined ? [] : [{ type: 'm.room.canonical_alias', state_key: '', content: { alias } }]),
      ],
    });
    if (body.visibility === 'public') this.#world.listed.add(room.id);
    return { room_id: room.id };
  }

  #profile(asked: Asked): object {
    const [, , , id = '', field] = asked.parts;
    if (asked.method === 'PUT') {
      if (id !== asked.user) throw forbidden("Cannot set another user's profile");
      if (field === 'displayname') this.#world.setProfile(id, { name: String(asked.body.displayname) });
      else if (field === 'avatar_url') this.#world.setProfile(id, { avatar: String(asked.body.avatar_url) });
      else throw unrecognised();
      return {};
    }
    const user = this.#world.users.get(id);
    if (user === undefined) throw notFound('Profile was not found');
    return { ...(user.name !== undefined && { displayname: user.name }), ...(user.avatar !== undefined && { avatar_url: user.avatar }) };
  }

  async #directory(asked: Asked): Promise<object> {
    const [, , , kind, alias = ''] = asked.parts;
    if (kind === 'list') {
      const room = asked.parts[5] ?? '';
      if (asked.body.visibility === 'public') this.#world.listed.add(room);
      else this.#world.listed.delete(room);
      return {};
    }
    if (kind !== 'room') throw unrecognised();
    if (asked.method === 'GET') return { room_id: (await this.#found(alias)).id, servers: [this.#world.domain] };
    if (!this.#options.isOurAlias(alias)) throw new MatrixFault(400, 'M_EXCLUSIVE', 'This alias is not reserved by this service.');
    if (asked.method === 'DELETE') {
      this.#world.aliases.delete(alias);
      return {};
    }
    if (this.#world.aliases.has(alias)) throw new MatrixFault(409, 'M_UNKNOWN', `Room alias ${alias} already exists`);
    this.#world.aliases.set(alias, String(asked.body.room_id));
    return {};
  }

  #presence(asked: Asked): object {
    const user = this.#world.users.get(asked.parts[3] ?? '');
    if (user === undefined) throw notFound('no such user');
    if (asked.method === 'GET') return user.presence ?? { presence: 'offline' };
    user.presence = asked.body as { presence: string; status_msg?: string };
    return {};
  }

  #account(asked: Asked): object {
    const [, , , id = '', kind, type = ''] = asked.parts;
    const user = this.#world.users.get(id);
    if (kind !== 'account_data' || user === undefined) throw unrecognised();
    if (asked.method === 'PUT') {
      user.account.set(type, asked.body);
      return {};
    }
    return (user.account.get(type) as object | undefined) ?? fail(notFound('Account data not found'));
  }

  #mediaConfig(): object {
    const { largestUpload } = this.#options;
    return largestUpload === undefined ? {} : { 'm.upload.size': largestUpload };
  }

  #upload(asked: Asked): object {
    const { largestUpload } = this.#options;
    if (largestUpload !== undefined && asked.raw.length > largestUpload) throw new MatrixFault(413, 'M_TOO_LARGE', 'Upload too large');
    if (asked.headers['content-length'] === undefined) throw new MatrixFault(400, 'M_UNKNOWN', 'Request must specify a Content-Length');
    const id = this.#world.fresh('media');
    const type = String(asked.headers['content-type'] ?? 'application/octet-stream');
    this.#world.media.set(id, { type, name: asked.query.get('filename') ?? undefined, bytes: asked.raw });
    return { content_uri: `mxc://${this.#world.domain}/${id}` };
  }

  #download(asked: Asked): RawAnswer {
    const stored = asked.parts[4] === this.#world.domain ? this.#world.media.get(asked.parts[5] ?? '') : undefined;
    if (stored === undefined) throw notFound('Not found');
    const { bytes, type, name } = stored;
    const headers = {
      'content-type': type,
      'content-disposition': name === undefined ? 'inline' : `inline; filename*=utf-8''${encodeURIComponent(name)}`,
    };
    const range = /^bytes=(\d+)-(\d*)$/.exec(String(asked.headers.range ?? ''));
    if (range === null) return { status: 200, headers, bytes };
    const from = Number(range[1]);
    const to = range[2] === '' ? bytes.length - 1 : Math.min(Number(range[2]), bytes.length - 1);
    if (from >= bytes.length) return { status: 416, headers: { 'content-range': `bytes */${bytes.length}` }, bytes: Buffer.alloc(0) };
    return {
      status: 206,
      headers: { ...headers, 'content-range': `bytes ${from}-${to}/${bytes.length}` },
      bytes: bytes.subarray(from, to + 1),
    };
  }

  async #ping(asked: Asked): Promise<object> {
    if (!this.#options.hasPing) throw unrecognised();
    if (asked.parts[3] !== this.#options.registrationId) throw forbidden('as_token does not match the appservice id');
    const { status, text } = await this.#options.pusher.ask('POST', '/_matrix/app/v1/ping', JSON.stringify(asked.body));
    if (status === 0) throw new MatrixFault(502, 'M_CONNECTION_FAILED', `Failed to ping: ${text}`);
    if (status !== 200) throw new MatrixFault(502, 'M_BAD_STATUS', `HTTP ${status}`, { status, body: text });
    this.#options.pusher.wake();
    return { duration_ms: 1 };
  }

  /** A room by id or alias; an alias of the appservice's that nobody knows is asked for there first. */
  async #found(idOrAlias: string): Promise<Room> {
    if (idOrAlias.startsWith('#') && !this.#world.aliases.has(idOrAlias) && this.#options.isOurAlias(idOrAlias)) {
      await this.#options.pusher.ask('GET', `/_matrix/app/v1/rooms/${encodeURIComponent(idOrAlias)}`);
    }
    return this.#world.resolve(idOrAlias);
  }

  async #ensureExists(user: string): Promise<void> {
    if (this.#world.users.has(user) || !user.endsWith(`:${this.#world.domain}`)) return;
    if (this.#options.isOurs(user)) {
      const { status } = await this.#options.pusher.ask('GET', `/_matrix/app/v1/users/${encodeURIComponent(user)}`);
      if (status === 200) return;
    }
    throw notFound(`User ${user} does not exist`);
  }
}

function messages(room: Room, query: URLSearchParams): object {
  const limit = Math.min(Number(query.get('limit') ?? 10), 1000);
  const from = query.get('from');
  const end = from === null ? room.timeline.length : Number(from.slice(1));
  if (query.get('dir') !== 'b') {
    const chunk = room.timeline.slice(end === room.timeline.length ? 0 : end, end + limit);
    return { start: `t${end}`, end: `t${end + chunk.length}`, chunk };
  }
  const begin = Math.max(0, end - limit);
  const chunk = room.timeline.slice(begin, end).reverse();
  return { start: `t${end}`, chunk, ...(begin > 0 && { end: `t${begin}` }) };
}

function profileOf(room: Room, user: string): object {
  const content = room.stateOf('m.room.member', user)?.content ?? {};
  return { display_name: content.displayname ?? null, avatar_url: content.avatar_url ?? null };
}

export function mustBeIn(room: Room, user: string): void {
  if (room.membership(user) !== 'join') throw forbidden(`User ${user} not in room ${room.id}`);
}

export const unrecognised = () => new MatrixFault(404, 'M_UNRECOGNIZED', 'Unrecognized request');

function fail(fault: Error): never {
  throw fault;
}
