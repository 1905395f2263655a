// What is listened to, and by which way: each linked room by the relay account's realtime channel, or while that is away by its streams;
// chats of two by the channel of whoever of ours is in them.

import { type Inbox, type Logger, messageOf, PermanentError } from '#bridge-core';
import type { Account } from './account.ts';
import type { Bans } from './bans.ts';
import type { GitterBody } from './body.ts';
import { membershipOf } from './events.ts';
import type { Gaps } from './gaps.ts';
import { network as networkId } from './ids.ts';
import { type Intake, placeOf } from './intake.ts';
import type { GitterNetwork } from './network.ts';
import type { Presences } from './presence.ts';
import type { Room } from './rooms.ts';
import type { GitterSettings } from './settings.ts';
import type { GitterTiming } from './timing.ts';
import { remoteUserOf } from './users.ts';
import type { FayeListener } from './wire/faye.ts';
import { hasId, isRecord, listOf, type WireChange, type WireMessage, type WireRoom, type WireUser } from './wire/objects.ts';
import { RoomStream } from './wire/stream.ts';

export interface HearingParts {
  readonly network: GitterNetwork;
  readonly settings: GitterSettings;
  readonly timing: GitterTiming;
  readonly intake: Intake;
  readonly gaps: Gaps;
  readonly bans: Bans;
  readonly presences: Presences | undefined;
  readonly inbox: Inbox<GitterBody>;
  readonly log: Logger;
}

const path = (room: string, what: string): string => `/api/v1/rooms/${room}${what}`;
const kinds = ['/chatMessages', '/users', ''] as const;

/** Of larger rooms the list of members is not read again after each loss: that takes a call for each hundred. */
const mostCompared = 500;

/** ms that a watch waits for its subscription. */
const standsWithin = 3_000;

interface Watched {
  readonly room: Room;
  stream: RoomStream | undefined;
  isStreaming: boolean;
}

export class Hearing {
  readonly #parts: HearingParts;
  readonly #watched = new Map<string, Watched>();
  /** Chats of two, and whose eyes see them. */
  readonly #chats = new Map<string, Set<Account>>();
  #isClosed = false;

  constructor(parts: HearingParts) {
    this.#parts = parts;
  }

  get rooms(): Room[] {
    return Array.from(this.#watched.values(), ({ room }) => room);
  }

  /** Gitter is there: the way in is opened. */
  start(): void {
    this.#parts.network.bot.open();
    this.lineChanged();
  }

  /** The relay account goes in, and listens. */
  async watch(room: Room): Promise<void> {
    if (this.#isClosed || this.#watched.has(room.id)) return;
    const { network } = this.#parts;
    await this.#enter(room);
    // Asked for twice at once, as it is at a start: the first one listens.
    if (this.#isClosed || this.#watched.has(room.id)) return;
    this.#watched.set(room.id, { room, stream: undefined, isStreaming: false });
    const stands = this.#listen(room);
    this.lineChanged();
    void this.#parts.bans.look(room);
    if (network.bot.line?.isUp === true) await Promise.race([stands, new Promise((resolve) => setTimeout(resolve, standsWithin).unref())]);
  }

  unwatch(id: string): void {
    const watched = this.#watched.get(id);
    this.#watched.delete(id);
    watched?.stream?.close();
    for (const kind of kinds) this.#parts.network.bot.line?.unsubscribe(path(id, kind));
  }

  /** The relay account's channel stands or fell, or a room came to be watched. */
  lineChanged(): void {
    const { network, settings } = this.#parts;
    if (this.#isClosed) return;
    const isLineUp = network.bot.line?.isUp === true;
    for (const watched of this.#watched.values()) {
      if (isLineUp || settings.streamUrl === undefined || !network.isReachable) {
        watched.stream?.close();
        watched.stream = undefined;
        watched.isStreaming = false;
      } else watched.stream ??= this.#stream(watched, settings.streamUrl);
    }
    const all = [...this.#watched.values()];
    const isHearing = isLineUp || (settings.streamUrl !== undefined && all.every(({ isStreaming }) => isStreaming));
    network.hearing(isHearing, isLineUp ? undefined : 'the realtime channel is away');
  }

  /** A person's own chats. */
  async openFor(account: Account): Promise<void> {
    account.open();
    account.listen(`/api/v1/user/${account.id}/rooms`, {
      onData: (data) => {
        const { model } = isRecord(data) ? (data as WireChange) : {};
        if (!hasId(model)) return;
        const room = model as WireRoom;
        if (room.oneToOne === true) this.opened(account, room);
        else if (room.oneToOne === undefined && !this.#chats.has(room.id)) this.#parts.network.rooms.byId(room.id);
      },
    });
    const told = await account.ask({ route: '/user/:id/rooms', with: { id: account.id }, haste: 'background', patience: 60_000 });
    for (const room of listOf<WireRoom>(told)) if (room.oneToOne === true) this.opened(account, room);
  }

  /** A chat of two is there. */
  opened(account: Account, told: WireRoom): Room {
    const { network, gaps } = this.#parts;
    const room = network.rooms.keep(told);
    if (told.user !== undefined) network.users.keep(told.user);
    const eyes = this.#chats.get(room.id) ?? new Set();
    this.#chats.set(room.id, eyes);
    if (eyes.has(account)) return room;
    eyes.add(account);
    void gaps.begin(room.channel).catch((thrown) => this.#failed(room, thrown));
    account.listen(path(room.id, '/chatMessages'), this.#messages(room, account));
    return room;
  }

  closeFor(account: Account): void {
    for (const [room, eyes] of this.#chats) {
      eyes.delete(account);
      if (eyes.size === 0) this.#chats.delete(room);
    }
  }

  /** Whether what is said there comes back to us. */
  isHeard(room: string): boolean {
    const channel = path(room, '/chatMessages');
    if (this.#parts.network.bot.line?.isOpen(channel) === true || this.#watched.get(room)?.isStreaming === true) return true;
    for (const { line } of this.#chats.get(room) ?? []) if (line?.isOpen(channel) === true) return true;
    return false;
  }

  eyesOf(room: string): ReadonlySet<Account> | undefined {
    return this.#chats.get(room);
  }

  close(): void {
    this.#isClosed = true;
    for (const { stream } of this.#watched.values()) stream?.close();
    this.#watched.clear();
    this.#chats.clear();
  }

  async #enter(room: Room): Promise<void> {
    const { bot } = this.#parts.network;
    await bot.ask({ method: 'POST', route: '/user/:id/rooms', with: { id: bot.id }, body: { id: room.id } });
  }

  #listen(room: Room): Promise<void> {
    const { bot } = this.#parts.network;
    const { promise, resolve } = Promise.withResolvers<void>();
    bot.listen(path(room.id, '/chatMessages'), this.#messages(room, bot, resolve));
    bot.listen(path(room.id, '/users'), {
      onData: (data) => void this.#people(room, data).catch((thrown) => this.#failed(room, thrown)),
      onMissed: () => {
        if ((this.#parts.network.rooms.byId(room.id)?.members ?? 0) <= mostCompared) this.#parts.inbox.members?.(room.channel);
      },
    });
    bot.listen(path(room.id, ''), { onData: (data) => void this.#changed(room, data).catch((thrown) => this.#failed(room, thrown)) });
    return promise;
  }

  #messages(room: Room, account: Account, stands: () => void = () => {}): FayeListener {
    const { intake, gaps } = this.#parts;
    const fill = () => void gaps.fill(room, account.ask);
    return {
      onData: (data) => intake.hear(room, data),
      onMissed: fill,
      onOpen: () => {
        stands();
        fill();
      },
      onRefused: (reason) => {
        stands();
        this.#parts.log.warn({ room: room.uri ?? room.id, why: reason }, 'Gitter does not let the room be listened to');
      },
    };
  }

  #stream(watched: Watched, streamUrl: string): RoomStream {
    const { network, intake, gaps, timing, inbox } = this.#parts;
    const { room } = watched;
    return new RoomStream({
      ...{ streamUrl, token: network.bot.token, room: room.id, firstPause: timing.stream.first, longestPause: timing.stream.most },
      onMessage: (message) => {
        if (hasId(message)) intake.stream(room, message as WireMessage);
      },
      onState: (state, reason) => {
        watched.isStreaming = state === 'up';
        if (state === 'up') void gaps.fill(room, network.bot.ask);
        if (state === 'refused') inbox.suspended(room.channel, reason ?? 'the room cannot be read');
        this.lineChanged();
      },
    });
  }

  async #people(room: Room, data: unknown): Promise<void> {
    const { operation, model } = isRecord(data) ? (data as WireChange) : {};
    if (!hasId(model)) return;
    const { network, intake, bans } = this.#parts;
    if (operation === 'create') {
      network.users.keep(model as WireUser);
      if (model.id !== network.bot.id)
        await intake.tell(room, membershipOf(remoteUserOf(model as WireUser), 'join', placeOf(room), Date.now()));
    }
    if (operation !== 'remove') return;
    if (model.id === network.bot.id) return await this.#putOut(room);
    // Gitter tells that they are gone, not why.
    const banned = await bans.look(room);
    if (!banned.has(model.id)) await intake.tell(room, membershipOf(network.users.person(model.id), 'leave', placeOf(room), Date.now()));
  }

  /** Once it goes in again; where it may not, the room is lost. */
  async #putOut(room: Room): Promise<void> {
    if (!this.#watched.has(room.id)) return;
    try {
      await this.#enter(room);
      for (const kind of kinds) this.#parts.network.bot.line?.unsubscribe(path(room.id, kind));
      await this.#listen(room);
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      this.#parts.inbox.suspended(room.channel, `the relay account was put out of the room, and may not come back: ${thrown.message}`);
    }
  }

  async #changed(room: Room, data: unknown): Promise<void> {
    const { operation, model, notification } = isRecord(data) ? (data as WireChange) : {};
    if (notification === 'presence') return this.#parts.presences?.heard(room, data);
    if (!hasId(model)) return;
    const { network, intake, inbox } = this.#parts;
    if (operation === 'remove') return inbox.suspended(room.channel, 'the room was deleted in Gitter');
    const before = network.rooms.byId(room.id) ?? room;
    const now = network.rooms.keep(model as WireRoom);
    if (now.topic !== before.topic) await intake.tell(room, { kind: 'channel', channel: now.channel, at: Date.now(), topic: now.topic });
  }

  #failed(room: Room, thrown: unknown): void {
    this.#parts.log.warn(
      { network: networkId, room: room.uri ?? room.id, why: messageOf(thrown) },
      'what Gitter told could not be taken in',
    );
  }
}
