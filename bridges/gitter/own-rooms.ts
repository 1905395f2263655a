// Which rooms people of ours are in by their own accounts: read from Gitter's list once they are logged in and after each loss, kept in
// step with what their own channel tells. Asked for every event heard where somebody has a room of their own, so it must be cheap.

import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelId, type Logger, messageOf, RetryableError, type UserId } from '#bridge-core';
import type { Account } from './account.ts';
import { makeChannelId } from './ids.ts';
import type { GitterNetwork } from './network.ts';
import { hasId, isRecord, roomIn, roomsIn, type WireChange, type WireRoom } from './wire/objects.ts';

export interface OwnRoomsParts {
  readonly network: Pick<GitterNetwork, 'accountOf' | 'rooms' | 'isReachable'>;
  readonly log: Logger;
  /** A chat of two is there. */
  readonly chat: (account: Account, room: WireRoom) => void;
  /** They came in or went, as their own channel or the list tells. */
  readonly moved: (account: Account, place: Place, isIn: boolean) => void;
  /** It is known anew where they are. */
  readonly read: (account: Account) => void;
  /** ms between looks while their own channel is away; undefined: nothing is heard then anyhow. */
  readonly reread: number | undefined;
}

/** A room, as far as it is told. */
export interface Place {
  readonly id: string;
  readonly channel: ChannelId;
}

interface Kept {
  readonly account: Account;
  /** Ids of the rooms; chats are not among them. */
  rooms: Map<ChannelId, string>;
  /** Whoever is not among them is in none but these. */
  isRead: boolean;
  /** False: Gitter refuses the list. */
  isAskable: boolean;
  reading: Promise<void> | undefined;
  isStale: boolean;
  /** While the list is read: it may be older than these. */
  readonly changed: Map<string, ChannelId | undefined>;
  /** What was reported last, for it may be told by the room's channel and by their own. */
  readonly told: Map<ChannelId, boolean>;
  /** When the list showed that they had come or gone: what their own channel tells may be from before that. */
  readonly listed: Map<ChannelId, number>;
}

/** ms that their own channel may be behind the list. */
const behind = 60_000;
const firstPause = 500;
const longestPause = 60_000;

export class OwnRooms {
  readonly #parts: OwnRoomsParts;
  /** By account. */
  readonly #kept = new Map<string, Kept>();
  /** Who had a login and has none now. */
  readonly #gone = new Set<UserId>();
  readonly #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(parts: OwnRoomsParts) {
    this.#parts = parts;
    if (parts.reread === undefined) return;
    const look = () => {
      for (const { account } of this.#kept.values())
        if (parts.network.isReachable && account.line?.isUp !== true && !account.isEnded) void this.read(account);
    };
    this.#timer = setInterval(look, parts.reread).unref();
  }

  /** Undefined: not known yet. */
  isIn(channel: ChannelId, user: UserId): boolean | undefined {
    const account = this.#parts.network.accountOf(user);
    if (account !== undefined) return this.has(account.id, channel);
    return this.#gone.has(user) ? false : undefined;
  }

  /** By the account's id; of any other, undefined. */
  has(id: string, channel: ChannelId): boolean | undefined {
    const kept = this.#kept.get(id);
    if (kept === undefined) return undefined;
    return kept.rooms.has(channel) || (kept.isRead ? false : undefined);
  }

  /** Whose eyes see the room. */
  accountIn(channel: ChannelId): Account | undefined {
    for (const { account, rooms } of this.#kept.values()) if (rooms.has(channel) && !account.isEnded) return account;
    return undefined;
  }

  /** Listens to where they go, and reads where they are. */
  open(account: Account): void {
    const before = this.#kept.get(account.id);
    const who = userOf(before?.account);
    if (who !== undefined && who !== userOf(account)) this.#gone.add(who);
    const user = userOf(account);
    if (user !== undefined) this.#gone.delete(user);
    const { rooms = new Map<ChannelId, string>(), isRead = false } = before ?? {};
    const unread = { isAskable: true, reading: undefined, isStale: false, changed: new Map(), told: new Map(), listed: new Map() };
    this.#kept.set(account.id, { account, rooms, isRead, ...unread });
    account.open();
    const reread = () => void this.read(account);
    account.listen(`/api/v1/user/${account.id}/rooms`, { onData: (data) => this.#heard(account, data), onOpen: reread, onMissed: reread });
    reread();
  }

  left(account: Account): void {
    const user = userOf(account);
    if (user !== undefined) this.#gone.add(user);
    if (this.#kept.get(account.id)?.account === account) this.#kept.delete(account.id);
  }

  /** Nothing is asked for any more. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  /** Never rejects; settles once it is known, or the login has ended. */
  read(account: Account): Promise<void> {
    const kept = this.#of(account);
    if (kept === undefined) return Promise.resolve();
    kept.isStale = kept.reading !== undefined;
    kept.reading ??= this.#read(kept).finally(() => {
      kept.reading = undefined;
    });
    return kept.reading;
  }

  /** By a call of ours. */
  note(id: string, { id: room, channel }: Place, isIn: boolean): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    if (isIn) kept.rooms.set(channel, room);
    else kept.rooms.delete(channel);
    if (kept.reading !== undefined) kept.changed.set(room, isIn ? channel : undefined);
  }

  /** The room's channel tells it too, heard by whomever, behind their own or before it: what does not agree with that is asked for. */
  seen(account: Account, room: Place, isIn: boolean): void {
    if (this.#of(account)?.isAskable === false) this.#parts.moved(account, room, isIn);
    else if (this.has(account.id, room.channel) !== isIn) void this.read(account);
  }

  /** As Gitter tells it; false: that was reported already. */
  changed(id: string, room: Place, isIn: boolean): boolean {
    const kept = this.#kept.get(id);
    if (kept === undefined) return true;
    this.note(id, room, isIn);
    if (kept.told.get(room.channel) === isIn) return false;
    kept.told.set(room.channel, isIn);
    return true;
  }

  /** It could not be reported. */
  untold(id: string, channel: ChannelId): void {
    this.#kept.get(id)?.told.delete(channel);
  }

  /** The room is called otherwise from now on. */
  moved(from: ChannelId, to: ChannelId): void {
    for (const { rooms, told } of this.#kept.values()) {
      const room = rooms.get(from);
      if (room !== undefined) rooms.set(to, room);
      rooms.delete(from);
      const wasTold = told.get(from);
      if (wasTold !== undefined) told.set(to, wasTold);
      told.delete(from);
    }
  }

  #of(account: Account): Kept | undefined {
    const kept = this.#kept.get(account.id);
    return kept?.account === account ? kept : undefined;
  }

  #heard(account: Account, data: unknown): void {
    const { operation, model } = isRecord(data) ? (data as WireChange) : {};
    const kept = this.#of(account);
    if (kept === undefined || !hasId(model)) return;
    const told = roomIn(model as WireRoom);
    if (told.oneToOne === true) {
      this.#parts.chat(account, told);
      return;
    }
    const isIn = operation === 'create';
    const channel = this.#channelOf(kept, told);
    if (channel === undefined || !(isIn || operation === 'remove')) return;
    if (this.#isOld(kept, channel, isIn)) void this.read(account);
    else this.#parts.moved(account, { id: told.id, channel }, isIn);
  }

  /** Maybe: the list, which is asked for by another way, told otherwise just now. */
  #isOld(kept: Kept, channel: ChannelId, isIn: boolean): boolean {
    const at = kept.listed.get(channel);
    if (at === undefined || at < Date.now() - behind) return false;
    return kept.isAskable && kept.rooms.has(channel) !== isIn;
  }

  /** Where it is linked or was asked for, it goes by its name of now. */
  #channelOf({ rooms }: Kept, told: WireRoom): ChannelId | undefined {
    if (this.#parts.network.rooms.byId(told.id) !== undefined) return this.#parts.network.rooms.keep(told).channel;
    if (told.uri !== undefined) return makeChannelId(told.uri);
    for (const [channel, id] of rooms) if (id === told.id) return channel;
    return undefined;
  }

  async #read(kept: Kept): Promise<void> {
    const { account } = kept;
    const isOver = () => account.isEnded || this.#isStopped || this.#of(account) === undefined;
    for (let pause = firstPause; !isOver(); pause = Math.min(pause * 2, longestPause)) {
      try {
        do {
          kept.isStale = false;
          await this.#readOnce(kept);
        } while (kept.isStale && !isOver());
        if (!isOver()) this.#parts.read(account);
        return;
      } catch (thrown) {
        if (isOver()) return;
        if (!(thrown instanceof RetryableError)) {
          this.#parts.log.info({ account: account.username, why: messageOf(thrown) }, 'where they are in Gitter cannot be read');
          // Who may not be asked is where they were seen to come in.
          Object.assign(kept, { isRead: true, isAskable: false });
          return;
        }
      }
      await delay(pause, undefined, { ref: false });
    }
  }

  async #readOnce(kept: Kept): Promise<void> {
    const { account } = kept;
    const { rooms } = this.#parts.network;
    kept.changed.clear();
    const call = { route: '/user/:id/rooms', with: { id: account.id }, haste: 'background' as const, patience: 60_000 };
    const found = new Map<ChannelId, string>();
    for (const room of roomsIn(await account.ask(call))) {
      if (room.oneToOne === true) this.#parts.chat(account, room);
      else if (rooms.byId(room.id) !== undefined) found.set(rooms.keep(room).channel, room.id);
      else if (room.uri !== undefined) found.set(makeChannelId(room.uri), room.id);
    }
    for (const [room, channel] of kept.changed) {
      for (const [other, id] of found) if (id === room) found.delete(other);
      if (channel !== undefined) found.set(channel, room);
    }
    const before = kept.isRead ? kept.rooms : undefined;
    kept.rooms = found;
    kept.isRead = true;
    for (const [channel, isIn] of kept.told) if (found.has(channel) !== isIn) kept.told.delete(channel);
    if (before === undefined) return;
    const now = Date.now();
    for (const [channel, at] of kept.listed) if (at < now - behind) kept.listed.delete(channel);
    const moved = (channel: ChannelId, id: string, isIn: boolean) => {
      kept.listed.set(channel, now);
      this.#parts.moved(account, { id, channel }, isIn);
    };
    for (const [channel, id] of before) if (!found.has(channel)) moved(channel, id, false);
    for (const [channel, id] of found) if (!before.has(channel)) moved(channel, id, true);
  }
}

const userOf = (account: Account | undefined): UserId | undefined => (account?.speaker.as === 'user' ? account.speaker.user : undefined);
