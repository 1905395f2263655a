// Rooms as the core looks for them: by what people write, by id, by search; who is in them; and their consent to a link. A private room
// is nothing to who is not in it.

import {
  type Channel,
  type ChannelId,
  type Channels,
  type Chat,
  DeniedError,
  type RemoteUser,
  type RoomId,
  type UserId,
} from '#bridge-core';
import type { Account } from './account.ts';
import type { Hearing } from './hearing.ts';
import { isRoomUri, makeChannelId, network as networkId, parseChannelId } from './ids.ts';
import type { GitterNetwork } from './network.ts';
import type { OwnRooms } from './own-rooms.ts';
import type { Resolver } from './resolver.ts';
import type { Room } from './rooms.ts';
import { remoteUserOf } from './users.ts';
import { isRefusal } from './wire/faults.ts';
import { hasId, listOf, resultsIn, type WireRoom, type WireUser } from './wire/objects.ts';

export interface ChannelsParts {
  readonly network: GitterNetwork;
  readonly hearing: Hearing;
  readonly own: OwnRooms;
  readonly apiUrl: string;
  /** Where rooms went that are not here. */
  readonly resolver: Resolver | undefined;
}

const page = 100;
const mostMembers = 10_000;
const mostFound = 100;

export class GitterChannels implements Channels {
  readonly #parts: ChannelsParts;
  readonly #host: string;

  constructor(parts: ChannelsParts) {
    this.#parts = parts;
    this.#host = new URL(parts.apiUrl).hostname;
  }

  get network(): Channel['network'] {
    return { id: networkId, name: 'Gitter', domain: this.#host, aliases: ['gitter.im'] };
  }

  async resolve(query: string, by?: UserId): Promise<Channel | undefined> {
    const { resolver } = this.#parts;
    for (const name of [query, ...(resolver?.namesIn(query) ?? [])]) {
      const found = await this.#find(name, by);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async elsewhere(query: string): Promise<string | undefined> {
    return await this.#parts.resolver?.hint(query);
  }

  async #find(query: string, by?: UserId): Promise<Channel | undefined> {
    const channel = channelIn(query);
    if (channel === undefined) return undefined;
    const { network, hearing } = this.#parts;
    const account = by === undefined ? undefined : network.accountOf(by);
    const given = parseChannelId(channel);
    if ('room' in given) {
      const eyes = hearing.eyesOf(given.room);
      const mayKnow = eyes !== undefined && (by === undefined || (account !== undefined && eyes.has(account)));
      return mayKnow ? this.describe(channel) : undefined;
    }
    const room = (await network.rooms.load(channel)) ?? (account && (await network.rooms.load(channel, account.ask)));
    if (room === undefined || room.uri === undefined) return undefined;
    if (room.isPublic || by === undefined) return this.describe(room.channel);
    return account !== undefined && (await seenBy(account, room)) !== undefined ? this.describe(room.channel) : undefined;
  }

  describe(id: ChannelId): Channel {
    const room = this.#parts.network.rooms.known(id);
    const given = parseChannelId(id);
    if ('room' in given) {
      const name = room?.other === undefined ? 'private chat' : remoteUserOf(room.other).name;
      return { id, name, network: this.network, kind: 'direct' };
    }
    return {
      ...{ id, name: room?.uri ?? given.uri, network: this.network },
      ...(room !== undefined && room.topic !== '' && { topic: room.topic }),
      url: `${new URL(this.#parts.apiUrl).origin}/${room?.uri ?? given.uri}`,
      ...(room !== undefined && { kind: room.isPublic ? 'public' : 'private' }),
    };
  }

  async *list(search?: string, { by }: { readonly network?: string; readonly by?: UserId } = {}): AsyncGenerator<Channel> {
    const { network } = this.#parts;
    const account = by === undefined ? undefined : network.accountOf(by);
    const seen = new Set<string>();
    for (const { ask, mayBePrivate } of [
      { ask: network.bot.ask, mayBePrivate: false },
      ...(account ? [{ ask: account.ask, mayBePrivate: true }] : []),
    ]) {
      const wanted = search?.trim() ?? '';
      const query = wanted === '' ? {} : { q: wanted, limit: mostFound };
      for (const told of resultsIn<WireRoom>(await ask({ route: '/rooms', query, patience: 30_000 }))) {
        if (told.oneToOne === true || told.uri === undefined || seen.has(told.id)) continue;
        const room = network.rooms.keep(told);
        if (!room.isPublic && !(mayBePrivate && told.roomMember === true)) continue;
        seen.add(told.id);
        yield this.describe(room.channel);
      }
    }
  }

  async *of(user: UserId): AsyncGenerator<Channel> {
    const { network } = this.#parts;
    const account = network.accountOf(user);
    if (account === undefined) return;
    const told = await account.ask({ route: '/user/:id/rooms', with: { id: account.id }, patience: 30_000 });
    for (const room of listOf<WireRoom>(told))
      if (room.oneToOne !== true && room.uri !== undefined) yield this.describe(network.rooms.keep(room).channel);
  }

  isIn(id: ChannelId, user: UserId): boolean | undefined {
    return this.#parts.own.isIn(id, user);
  }

  chat(id: ChannelId): Chat | undefined {
    const given = parseChannelId(id);
    if (!('room' in given)) return undefined;
    const people = [...(this.#parts.hearing.eyesOf(given.room) ?? [])].flatMap(({ speaker }) =>
      speaker.as === 'user' ? [speaker.user] : [],
    );
    return people.length === 0 ? undefined : { people, kind: 'direct' };
  }

  async *members(id: ChannelId): AsyncGenerator<RemoteUser> {
    const { network, hearing, own } = this.#parts;
    const given = parseChannelId(id);
    const eyes = hearing.earOf('room' in given ? given.room : (network.rooms.known(id)?.id ?? '')) ?? own.accountIn(id);
    const room = await network.rooms.load(id, eyes?.ask);
    if (room === undefined) return;
    if (room.other !== undefined) {
      yield remoteUserOf(room.other);
      for (const account of hearing.eyesOf(room.id) ?? []) if (account.id !== room.other.id) yield network.users.person(account.id);
      return;
    }
    const ask = eyes?.ask ?? network.bot.ask;
    const seen = new Set<string>();
    for (let skip = 0; skip < mostMembers; skip += page) {
      const call = {
        route: '/rooms/:id/users',
        with: { id: room.id },
        query: { skip, limit: page },
        haste: 'background' as const,
        patience: 60_000,
      };
      const users = listOf<WireUser>(await ask(call));
      for (const user of users) {
        // People move between pages while they are read.
        if (seen.has(user.id)) continue;
        seen.add(user.id);
        network.users.keep(user);
        yield remoteUserOf(user);
      }
      if (users.length < page) return;
    }
  }

  /** Whoever is admin of the room there may link it; asked anew each time. */
  async approvePlumb(id: ChannelId, requester: UserId, _room: { readonly id: RoomId }): Promise<'granted'> {
    const { network } = this.#parts;
    const account = network.accountOf(requester);
    if (account === undefined)
      throw new DeniedError('log in to Gitter with the account of an admin of that room, or ask an admin of the bridge');
    const room = await network.rooms.load(id, account.ask);
    const seen = room === undefined ? undefined : await seenBy(account, room);
    if (seen?.permissions?.admin !== true) throw new DeniedError(`${account.username} is no admin of ${this.describe(id).name} in Gitter`);
    return 'granted';
  }
}

/** Undefined: it is nothing to them. */
async function seenBy(account: Account, { id }: Room): Promise<WireRoom | undefined> {
  const told = await account.ask({ route: '/rooms/:id', with: { id } }).catch((thrown) => {
    if (isRefusal(thrown)) return undefined;
    throw thrown;
  });
  return hasId(told) ? (told as WireRoom) : undefined;
}

/** `org/room`, `gitter org/room`, a link to it, or its id. */
export function channelIn(query: string): ChannelId | undefined {
  const words = query.trim();
  if (words.length > 300) return undefined;
  const chat = /^gitter\/(~[0-9a-f]{24})$/.exec(words)?.[1];
  if (chat !== undefined) return words as ChannelId;
  const named = uriIn(words);
  return named === undefined ? undefined : makeChannelId(named);
}

function uriIn(query: string): string | undefined {
  const words = query
    .trim()
    .replace(/^https?:\/\/[^/\s]+\//i, '')
    .replace(/[?#].*$/, '')
    .replace(/^gitter(?:\s+|\/(?=[^/]+\/))/i, '')
    .replace(/\/(?:~\w+)?$/, '');
  return isRoomUri(words) ? words : undefined;
}
