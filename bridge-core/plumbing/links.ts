// Room ↔ channel, in memory over the store; the only writer of the table. Says what changed, and leaves what follows from
// that (claims, watching, membership) to those who listen.

import { createHash } from 'node:crypto';
import { DeniedError, PermanentError } from '../errors.ts';
import { type ChannelId, channelId, type RoomId, roomId, type UserId, userId } from '../ids.ts';
import type { Json } from '../remote-event.ts';
import type { Statement, Store } from '../store/store.ts';

/** `wanted`: a portal whose room is still to be made; its id stands for the room until then. */
export type LinkState = 'wanted' | 'pending' | 'live' | 'suspended';
export type ClaimState = 'none' | 'pending' | 'success';
export type LinkOptions = { readonly [name: string]: Json | undefined };

/** Never changed in place: a change makes a new one under the same id. */
export interface Link {
  readonly id: number;
  readonly room: RoomId;
  readonly channel: ChannelId;
  readonly origin: 'config' | 'command' | 'portal';
  readonly requester?: UserId;
  readonly state: LinkState;
  /** Our m.room.bridging state as last confirmed. */
  readonly claim: ClaimState;
  /** Why it is suspended. */
  readonly reason?: string;
  readonly options: LinkOptions;
  /** ms since 1970: when it was made. */
  readonly at: number;
}

/** `was` is missing for a new link, `link` for one that is gone. */
export type LinkChange = { readonly link: Link; readonly was: Link | undefined } | { readonly link: undefined; readonly was: Link };

export type NewLink = Pick<Link, 'room' | 'channel' | 'origin'> & Partial<Pick<Link, 'requester' | 'options' | 'state'>>;
type Mutable = Partial<Pick<Link, 'room' | 'channel' | 'state' | 'claim' | 'options'>> & { reason?: string | undefined };
type Change = Mutable | ((link: Link) => Mutable);

interface Row extends Record<string, string | number | null> {
  id: number;
  room: string;
  channel: string;
  origin: string;
  requester: string | null;
  state: string;
  claim: string;
  reason: string | null;
  options: string;
  at: number;
}

const none: readonly Link[] = [];
const noChannels: readonly ChannelId[] = [];
/** The first among them, by which the config may know it, and the latest. */
const mostFormer = 16;
const placeholder = '!wanted-';

/** Links grouped by one of their ids, each group an array that stays the same until one of its links changes. */
class Groups<Id extends string> {
  readonly #groups = new Map<Id, readonly Link[]>();
  get(id: Id): readonly Link[] {
    return this.#groups.get(id) ?? none;
  }
  put(id: Id, link: Link): void {
    this.#groups.set(
      id,
      [...this.get(id).filter((other) => other.id !== link.id), link].sort((a, b) => a.id - b.id),
    );
  }
  take(id: Id, link: Link): void {
    const left = this.get(id).filter((other) => other.id !== link.id);
    if (left.length > 0) this.#groups.set(id, left);
    else this.#groups.delete(id);
  }
}

export class Links {
  readonly #store: Store;
  readonly #listeners: ((change: LinkChange) => void)[] = [];
  readonly #byId = new Map<number, Link>();
  readonly #byRoom = new Groups<RoomId>();
  readonly #byChannel = new Groups<ChannelId>();
  readonly #liveByRoom = new Groups<RoomId>();
  readonly #liveByChannel = new Groups<ChannelId>();
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #delete: Statement;
  readonly #stored: Statement;

  constructor(given: { store: Store }) {
    this.#store = given.store;
    this.#insert = given.store.prepare(
      'INSERT INTO links (room, channel, origin, requester, state, claim, options, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#update = given.store.prepare(
      'UPDATE links SET room = ?, channel = ?, state = ?, claim = ?, reason = ?, options = ? WHERE id = ?',
    );
    this.#delete = given.store.prepare('DELETE FROM links WHERE id = ?');
    this.#stored = given.store.prepare('SELECT id FROM links WHERE id = ?');
    for (const row of given.store.prepare<Row>('SELECT * FROM links').all()) this.#remember(linkOf(row));
  }

  get(id: number): Link | undefined {
    return this.#byId.get(id);
  }

  find(room: RoomId, channel: ChannelId): Link | undefined {
    return this.byRoom(room).find((link) => link.channel === channel);
  }

  /** Every link of the room, whatever its state. The array is the same one until one of its links changes. */
  byRoom(room: RoomId): readonly Link[] {
    return this.#byRoom.get(room);
  }

  byChannel(channel: ChannelId): readonly Link[] {
    return this.#byChannel.get(channel);
  }

  /** Ids that it had before, by what its links know. */
  formerOf(channel: ChannelId): readonly ChannelId[] {
    const links = this.byChannel(channel);
    if (links.every(({ options }) => options.formerly === undefined)) return noChannels;
    return [...new Set(links.flatMap(formerChannels))].filter((id) => id !== channel);
  }

  /** Those that carry messages now. */
  liveIn(room: RoomId): readonly Link[] {
    return this.#liveByRoom.get(room);
  }

  liveOn(channel: ChannelId): readonly Link[] {
    return this.#liveByChannel.get(channel);
  }

  all(): readonly Link[] {
    return [...this.#byId.values()];
  }

  /** Called once the change is on disk, in the order of the changes. */
  onChange(listener: (change: LinkChange) => void): void {
    this.#listeners.push(listener);
  }

  async add(wanted: NewLink): Promise<Link> {
    const link = await this.#store.write(() => {
      if (this.find(wanted.room, wanted.channel)) throw new DeniedError(`${wanted.channel} is linked to this room already`, 'LINK_EXISTS');
      return this.#put(wanted);
    });
    this.#announce({ link, was: undefined });
    return link;
  }

  /** The link that stands, or a new one that waits for its room: within a unit of the store, so that it stands or falls with the
   *  row that is written there. Announced to nobody before it is more than wanted; `disown` it where the unit failed. */
  begin(wanted: NewLink): Link {
    return this.find(wanted.room, wanted.channel) ?? this.#put(wanted);
  }

  /** Forgets it, unless it came onto the disk all the same. */
  disown(wanted: NewLink): void {
    const link = this.find(wanted.room, wanted.channel);
    if (link !== undefined && this.#stored.get(link.id) === undefined) this.#forget(link);
  }

  /** `reason` stands only while the link is suspended. */
  async setState(id: number, state: LinkState, reason?: string): Promise<Link> {
    return this.#change(id, { state, reason: state === 'suspended' ? reason : undefined });
  }

  async setClaim(id: number, claim: ClaimState): Promise<Link> {
    return this.#change(id, { claim });
  }

  /** Several fields in one commit; `options` are merged into those that stand, undefined takes one away. A function is asked in the
   *  unit that writes. */
  async set(id: number, fields: Change): Promise<Link> {
    return this.#change(id, fields);
  }

  async setOptions(id: number, options: LinkOptions | ((link: Link) => LinkOptions)): Promise<Link> {
    return this.#change(id, typeof options === 'function' ? (link) => ({ options: options(link) }) : { options });
  }

  /** Several links in one commit: all or none; what is gone by then is left out. */
  async setAll(changes: readonly (readonly [id: number, fields: Change])[]): Promise<void> {
    if (changes.length > 0) await this.#changeAll(changes);
  }

  /** The channel has another id: its links follow in one commit. One that its room has under the new id already is dropped.
   *  Returns what each link was and is. */
  async move(from: ChannelId, to: ChannelId): Promise<{ readonly was: Link; readonly link: Link }[]> {
    const moving = this.byChannel(from);
    for (const { id, room, options } of moving) {
      const there = this.find(room, to);
      if (there === undefined) continue;
      await this.setOptions(there.id, { formerly: formerlyWith(there.options, ...formerChannels({ options }), from) });
      await this.remove(id);
    }
    const left = moving.filter(({ id }) => this.#byId.has(id));
    await this.setAll(
      left.map(({ id, options }) => {
        const moved = { info: undefined, moved: [...movedFrom(options), from], formerly: formerlyWith(options, from) };
        return [id, { channel: to, options: moved }];
      }),
    );
    return left.flatMap((was) => {
      const link = this.#byId.get(was.id);
      return link === undefined ? [] : [{ was, link }];
    });
  }

  /** Gone already: nothing happens. */
  async remove(id: number): Promise<void> {
    const was = await this.#store.write(() => {
      const link = this.#byId.get(id);
      if (link === undefined) return undefined;
      this.#delete.run(id);
      this.#forget(link);
      return link;
    });
    if (was !== undefined) this.#announce({ link: undefined, was });
  }

  async #change(id: number, fields: Change): Promise<Link> {
    const [made] = await this.#changeAll([[id, fields]]);
    if (made === undefined) throw new PermanentError('LINK_UNKNOWN', `link ${id} is gone`);
    return made.link;
  }

  async #changeAll(changes: readonly (readonly [id: number, fields: Change])[]): Promise<readonly { was: Link; link: Link }[]> {
    const made = await this.#store.write(() => {
      const pairs = changes.flatMap(([id, fields]) => {
        const was = this.#byId.get(id);
        return was === undefined ? [] : [{ was, link: applied(was, typeof fields === 'function' ? fields(was) : fields) }];
      });
      for (const { link } of pairs)
        this.#update.run(link.room, link.channel, link.state, link.claim, link.reason ?? null, JSON.stringify(link.options), link.id);
      // Memory only after every statement went through: what throws above rolls back and must leave no trace here.
      for (const { was, link } of pairs) {
        this.#forget(was);
        this.#remember(link);
      }
      return pairs;
    });
    for (const change of made) this.#announce(change);
    return made;
  }

  #put(wanted: NewLink): Link {
    const made = { state: 'pending', claim: 'none', options: {}, at: Date.now(), ...wanted } satisfies Omit<Link, 'id'>;
    const { lastInsertRowid } = this.#insert.run(
      made.room,
      made.channel,
      made.origin,
      made.requester ?? null,
      made.state,
      made.claim,
      JSON.stringify(made.options),
      made.at,
    );
    const link: Link = { ...made, id: lastInsertRowid };
    this.#remember(link);
    return link;
  }

  #remember(link: Link): void {
    this.#byId.set(link.id, link);
    this.#byRoom.put(link.room, link);
    this.#byChannel.put(link.channel, link);
    if (link.state !== 'live') return;
    this.#liveByRoom.put(link.room, link);
    this.#liveByChannel.put(link.channel, link);
  }

  #forget(link: Link): void {
    this.#byId.delete(link.id);
    this.#byRoom.take(link.room, link);
    this.#byChannel.take(link.channel, link);
    this.#liveByRoom.take(link.room, link);
    this.#liveByChannel.take(link.channel, link);
  }

  #announce(change: LinkChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** Rooms that this link's room replaced: the config may still name one of them. */
export function formerRooms(link: Link): readonly RoomId[] {
  const from = link.options.from;
  return Array.isArray(from) ? from.filter((room) => typeof room === 'string').map(roomId) : [];
}

/** Ids that its channel had before, whose claims are still to be given back. */
export const movedFrom = ({ moved }: LinkOptions): readonly ChannelId[] => channelsIn(moved);

/** All that it had before: the config may still name one of them, and what was said then was taken in under it. */
export const formerChannels = ({ options }: Pick<Link, 'options'>): readonly ChannelId[] => channelsIn(options.formerly);

/** Stands for the room of a portal that is still to be made. */
export function placeholderOf(channel: ChannelId): RoomId {
  return roomId(`${placeholder}${createHash('sha256').update(channel).digest('base64url').slice(0, 22)}`);
}

export const isPlaceholder = (room: RoomId): boolean => room.startsWith(placeholder);

/** Suspended by its channel, until that lets us in again. */
export const isShutOut = ({ state, options }: Pick<Link, 'state' | 'options'>): boolean =>
  state === 'suspended' && options.shutOut === true;

export const isMade = (link: Link | NewLink): link is Link => 'id' in link;

/** Another bridge made it, and it has not been looked at yet. */
export const isInherited = ({ options }: Pick<Link, 'options'>): boolean => options.inherited === true;

/** It has a room that we could not enter: a chat has another made then. */
export const isOutOfReach = (link: Link): boolean => link.state === 'suspended' && isInherited(link);

/** Who is in its room is to be asked. */
export function isNewHere(link: Link, was: Link | undefined): boolean {
  if (link.state !== 'live') return false;
  return was?.state !== 'live' || was.room !== link.room || (isInherited(was) && !isInherited(link));
}

/** A private or group chat, of which only its own people know. */
export const isChat = (link: Link): boolean => link.options.chat !== undefined;

/** How this room's people are called on the network, where the bot speaks for them: as the config says, else those who rule it. */
export function namesIn({ options }: Pick<Link, 'options'>): string | undefined {
  const names = options.names ?? options.namesAsked;
  return typeof names === 'string' ? names : undefined;
}

/** Whose own room of a channel that others may have rooms of too: their session alone hears and speaks for it. */
export const receiverOf = ({ options }: Pick<Link, 'options'>): UserId | undefined => options.receiver as UserId | undefined;

/** One person's own room of a channel, or that of a chat. */
export const isPersonal = (link: Link): boolean => isChat(link) || receiverOf(link) !== undefined;

/** A room made for a private channel, shared by those of ours who are in it: to anybody else it is not there. */
export const isMembersOnly = ({ options }: Pick<Link, 'options'>): boolean => options.membersOnly === true;

/** A room that people have to themselves: nothing of it is told to others, and leaving it leaves nothing on the network. */
export const isPrivate = (link: Link): boolean => isPersonal(link) || isMembersOnly(link);

/** It shows what the network says, and nothing goes back. */
const isOneWay = ({ options }: Link): boolean => options.way === 'to-matrix';

/** Without those that carry nothing to the network. */
export const bothWays = (links: readonly Link[]): readonly Link[] =>
  links.some(isOneWay) ? links.filter((link) => !isOneWay(link)) : links;

function applied(was: Link, fields: Mutable): Link {
  const { reason: before, ...rest } = was;
  const reason = 'reason' in fields ? fields.reason : before;
  const { reason: _, ...others } = fields;
  return { ...rest, ...others, options: { ...was.options, ...fields.options }, ...(reason !== undefined && { reason }) };
}

function channelsIn(told: Json | undefined): readonly ChannelId[] {
  return Array.isArray(told) ? told.filter((id) => typeof id === 'string').map(channelId) : noChannels;
}

function formerlyWith(options: LinkOptions, ...more: readonly ChannelId[]): ChannelId[] {
  const all = channelsIn(options.formerly)
    .filter((id) => !more.includes(id))
    .concat(more);
  return all.length <= mostFormer ? all : [...all.slice(0, 1), ...all.slice(1 - mostFormer)];
}

function linkOf(row: Row): Link {
  return {
    id: row.id,
    room: roomId(row.room),
    channel: channelId(row.channel),
    origin: row.origin as Link['origin'],
    ...(row.requester !== null && { requester: userId(row.requester) }),
    state: row.state as LinkState,
    claim: row.claim as ClaimState,
    ...(row.reason !== null && { reason: row.reason }),
    options: JSON.parse(row.options) as LinkOptions,
    at: row.at,
  };
}
