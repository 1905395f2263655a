// The rooms as they were last seen, by the names that links know them by: `org/room`, or of a chat of two its id. Which id a name has is
// kept over restarts, so that a room that was renamed is found again.

import type { ChannelId, KeyValue } from '#bridge-core';
import { makeChannelId, makeChatId, parseChannelId } from './ids.ts';
import { isRefusal } from './wire/faults.ts';
import { hasId, isRecord, resultsIn, roomIn, type WireRoom, type WireUser } from './wire/objects.ts';
import type { Call } from './wire/rest.ts';

export type Ask = (call: Call) => Promise<unknown>;

export interface Room {
  readonly id: string;
  readonly channel: ChannelId;
  /** As people write it. */
  readonly uri: string | undefined;
  readonly topic: string;
  readonly isPublic: boolean;
  /** The other one, in a chat of two. */
  readonly other: WireUser | undefined;
  /** 0 where it was not told. */
  readonly members: number;
  /** The community that it belongs to. */
  readonly group: string | undefined;
  /** Address of the project that it belongs to: where issues are. */
  readonly project: string | undefined;
  /** Of the Gitter that it is in. */
  readonly home: string;
}

export interface RoomsParts {
  readonly apiUrl: string;
  readonly memory: KeyValue;
  /** As the bridge itself. */
  readonly ask: Ask;
  /** The room of this link is called otherwise from now on. */
  readonly moved: (from: ChannelId, to: Room) => void;
  /** It is for all from now on, or no longer; a private one also when it is first seen. */
  readonly opened: (room: Room) => void;
}

export class Rooms {
  readonly #parts: RoomsParts;
  readonly #byChannel = new Map<ChannelId, Room>();
  readonly #byId = new Map<string, Room>();
  /** By id: the topic that was told on last, or come from Matrix. Of what a mere answer has nobody was told. */
  readonly #topics = new Map<string, string>();

  constructor(parts: RoomsParts) {
    this.#parts = parts;
  }

  known(channel: ChannelId): Room | undefined {
    return this.#byChannel.get(channel);
  }

  byId(id: string): Room | undefined {
    return this.#byId.get(id);
  }

  /** Undefined: there is none, or none that may be seen by who asks. */
  async load(channel: ChannelId, ask: Ask = this.#parts.ask): Promise<Room | undefined> {
    const given = parseChannelId(channel);
    if ('room' in given) return await this.#get(given.room, ask);
    const kept = this.#parts.memory.get(roomName(channel));
    const known = typeof kept === 'string' ? await this.#get(kept, ask) : undefined;
    if (known !== undefined) {
      if (known.channel !== channel) this.#parts.moved(channel, known);
      return known;
    }
    const found = await this.#resolve(given.uri, ask);
    if (found === undefined) return undefined;
    const room = this.keep(found);
    // Gitter may know it by a name that it had before.
    if (room.channel !== channel && room.uri !== undefined) this.#parts.moved(channel, room);
    return room;
  }

  keep(given: WireRoom): Room {
    const told = roomIn(given);
    const known = this.#byId.get(told.id);
    const room = roomOf(told, known, new URL(this.#parts.apiUrl).origin);
    if (known === undefined) this.#topics.set(room.id, room.topic);
    this.#byId.set(room.id, room);
    this.#byChannel.set(room.channel, room);
    if (known !== undefined && known.channel !== room.channel) {
      this.#byChannel.delete(known.channel);
      this.#parts.moved(known.channel, room);
    }
    const name = roomName(room.channel);
    if (this.#parts.memory.get(name) !== room.id) void this.#parts.memory.set(name, room.id).catch(() => {});
    if (room.uri !== undefined && (known?.isPublic ?? true) !== room.isPublic) this.#parts.opened(room);
    return room;
  }

  /** Told on from now on, or come from Matrix. False: it was already. */
  noteTopic(id: string, topic: string): boolean {
    const isNew = this.#topics.get(id) !== topic;
    this.#topics.set(id, topic);
    return isNew;
  }

  toldTopic(id: string): string | undefined {
    return this.#topics.get(id);
  }

  /** As a list has it, if it is one of those. A name that was another room's when it was linked stays that room's. */
  keepListed(told: WireRoom, names?: ReadonlySet<ChannelId>): void {
    const channel = told.uri === undefined ? makeChatId(told.id) : makeChannelId(told.uri);
    const kept = this.#parts.memory.get(roomName(channel));
    if (names?.has(channel) !== false && (kept === undefined || kept === told.id)) this.keep(told);
  }

  async #get(id: string, ask: Ask): Promise<Room | undefined> {
    const told = await ask({ route: '/rooms/:id', with: { id } }).catch(none);
    return hasId(told) ? this.keep(told) : undefined;
  }

  /** A name without a slash may be a person's, and asking for the room of that would open a chat with them. */
  async #resolve(uri: string, ask: Ask): Promise<WireRoom | undefined> {
    if (uri.includes('/')) {
      const told = await ask({ method: 'POST', route: '/rooms', body: { uri } }).catch(none);
      return hasId(told) ? told : undefined;
    }
    const found = resultsIn<WireRoom>(await ask({ route: '/rooms', query: { q: uri, limit: 50 } }).catch(none));
    return found.find((room) => room.uri?.toLowerCase() === uri.toLowerCase());
  }
}

function none(thrown: unknown): undefined {
  if (isRefusal(thrown, 400, 403, 404)) return undefined;
  throw thrown;
}

/** What is told in part leaves the rest as it was. */
function roomOf(told: WireRoom, known: Room | undefined, home: string): Room {
  const uri = told.uri ?? known?.uri;
  const isChat = told.oneToOne === true || (uri === undefined && known?.other !== undefined) || uri === undefined;
  return {
    id: told.id,
    channel: isChat ? makeChatId(told.id) : makeChannelId(uri),
    uri: isChat ? undefined : uri,
    topic: told.topic ?? known?.topic ?? '',
    isPublic: isChat ? false : (told.public ?? (told.security === undefined ? (known?.isPublic ?? true) : told.security === 'PUBLIC')),
    other: told.user ?? known?.other,
    members: told.userCount ?? known?.members ?? 0,
    group: told.groupId ?? known?.group,
    project: projectOf(told) ?? known?.project,
    home,
  };
}

function projectOf({ backend, githubType, uri }: WireRoom): string | undefined {
  if (isRecord(backend) && typeof backend.linkPath === 'string') {
    if (backend.type === 'GH_REPO') return `https://github.com/${backend.linkPath}`;
    if (backend.type === 'GL_PROJECT') return `https://gitlab.com/${backend.linkPath}`;
  }
  return githubType === 'REPO' && uri !== undefined ? `https://github.com/${uri}` : undefined;
}

const roomName = (channel: ChannelId): string => `room ${channel}`;
