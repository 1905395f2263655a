// For whom each room is listened to, and so by whom: by the relay account where rooms are linked to it, else by one of those who have rooms
// of their own for it and are in it. One of them is enough: what several would hear is heard once.

import { type ChannelId, type Inbox, type Logger, messageOf, PermanentError, RetryableError, type UserId } from '#bridge-core';
import type { Account } from './account.ts';
import type { GitterBody } from './body.ts';
import type { Gaps } from './gaps.ts';
import type { Hearing } from './hearing.ts';
import { parseChannelId } from './ids.ts';
import type { GitterNetwork } from './network.ts';
import type { OwnRooms, Place } from './own-rooms.ts';
import type { Ask, Room } from './rooms.ts';
import { Slots } from './slots.ts';
import { listOf, type WireRoom } from './wire/objects.ts';

export interface EarsParts {
  readonly network: GitterNetwork;
  readonly own: OwnRooms;
  readonly hearing: Hearing;
  readonly gaps: Gaps;
  readonly inbox: Inbox<GitterBody>;
  readonly log: Logger;
  readonly load: (channel: ChannelId, account: Account, ask: Ask) => Promise<Room>;
  /** ms between tries, where Gitter says nothing of when. */
  readonly pause: { readonly first: number; readonly most: number };
}

/** Rooms gone into at once. */
const atOnce = 8;
/** More at once leave a share of the budget to what people wait for. */
const few = 4;

export class Ears {
  readonly #parts: EarsParts;
  /** Wanted, whether or not Gitter is there. `undefined`: the relay account. */
  readonly #watchers = new Map<ChannelId, Set<UserId | undefined>>();
  /** Who had a room of their own for it: that they come back is told. */
  readonly #had = new Set<string>();
  readonly #settling = new Map<ChannelId, Promise<void>>();
  /** Those that are tried again later, and how to try at once. */
  readonly #sleeping = new Map<ChannelId, () => void>();
  readonly #slots = new Slots(atOnce);
  /** By their ids, the rooms that the relay account is in, as far as it was asked: it need not go in there. */
  #entered = new Set<string>();

  constructor(parts: EarsParts) {
    this.#parts = parts;
  }

  async watch(channel: ChannelId, by: UserId | undefined): Promise<void> {
    const of = this.#watchers.get(channel) ?? new Set();
    this.#watchers.set(channel, of.add(by));
    if (by !== undefined) this.#had.add(`${channel} ${by}`);
    await this.#parts.gaps.begin(channel);
    if (this.#parts.network.isReachable) await this.#settle(channel);
  }

  async unwatch(channel: ChannelId, by: UserId | undefined): Promise<void> {
    const of = this.#watchers.get(channel);
    if (of?.delete(by) !== true) return;
    if (of.size > 0) return await this.#calmly(channel);
    this.#watchers.delete(channel);
    this.#sleeping.get(channel)?.();
    this.#release(channel);
    // Whoever is just going in is to go again.
    if (this.#settling.has(channel)) void this.#calmly(channel);
    await this.#parts.gaps.forget(channel);
  }

  /** The room is called otherwise from now on. */
  moved(from: ChannelId, to: ChannelId): void {
    const of = this.#watchers.get(from);
    if (of === undefined) return;
    this.#watchers.delete(from);
    this.#watchers.set(to, new Set([...of, ...(this.#watchers.get(to) ?? [])]));
    for (const by of of) if (by !== undefined) this.#had.add(`${to} ${by}`);
    this.#sleeping.get(from)?.();
    void this.#calmly(to);
  }

  /** Gitter answers: whoever is to listen does, which reads what was missed. */
  async back(): Promise<void> {
    this.#entered = this.#watchers.size > few ? await this.#read() : new Set();
    for (const channel of this.#watchers.keys()) {
      this.#sleeping.get(channel)?.();
      void this.#calmly(channel);
    }
  }

  /** It is known anew where somebody of ours is, or they have no login any more. */
  changed({ speaker, id }: Account): void {
    const user = speaker.as === 'user' ? speaker.user : undefined;
    if (user === undefined) return;
    for (const [channel, of] of this.#watchers) {
      if (!of.has(user)) continue;
      void this.#calmly(channel).then(() => {
        // By its name of now; they left while nobody listened.
        const room = this.#parts.network.rooms.known(channel);
        if (this.#watchers.get(channel)?.has(user) === true && this.#parts.own.has(id, channel) === false)
          this.#told(id, user, { id: room?.id ?? '', channel }, false);
      });
    }
  }

  /** Somebody of ours came into a room or went: told once, whichever way it was learnt. */
  wentBy(account: Account, place: Place, isIn: boolean): void {
    const user = account.speaker.as === 'user' ? account.speaker.user : undefined;
    if (user === undefined) return;
    this.#told(account.id, user, place, isIn);
    if (this.#watchers.get(place.channel)?.has(user) === true) void this.#calmly(place.channel);
  }

  #told(id: string, user: UserId, place: Place, isIn: boolean): void {
    const { own, hearing, log } = this.#parts;
    if (!own.changed(id, place, isIn)) return;
    if (!this.#watchers.has(place.channel) && !this.#had.has(`${place.channel} ${user}`)) return;
    hearing.tellMove(place, id, isIn).catch((thrown) => {
      own.untold(id, place.channel);
      log.warn({ channel: place.channel, why: messageOf(thrown) }, 'that somebody came or went could not be taken in');
    });
  }

  #chosen(channel: ChannelId): Account | undefined {
    const { network, own } = this.#parts;
    const of = this.#watchers.get(channel);
    if (of?.has(undefined) === true) return network.bot;
    for (const user of of ?? []) {
      const account = user === undefined ? undefined : network.accountOf(user);
      if (account !== undefined && own.has(account.id, channel) === true) return account;
    }
    return undefined;
  }

  #calmly(channel: ChannelId): Promise<void> {
    return this.#settle(channel).catch((thrown) => {
      this.#parts.log.warn({ channel, why: messageOf(thrown) }, 'the room cannot be listened to');
      const isShared = this.#watchers.get(channel)?.has(undefined) === true;
      if (isShared && thrown instanceof PermanentError) this.#parts.inbox.suspended(channel, thrown.message);
    });
  }

  /** One after the other: the last word counts. */
  #settle(channel: ChannelId): Promise<void> {
    const settling = (this.#settling.get(channel) ?? Promise.resolve()).catch(() => {}).then(() => this.#listenAtLast(channel));
    this.#settling.set(channel, settling);
    settling
      .catch(() => {})
      .then(() => {
        if (this.#settling.get(channel) === settling) this.#settling.delete(channel);
      });
    return settling;
  }

  /** What Gitter has no turn for now is tried until it has one, or nobody is to listen there any more. */
  async #listenAtLast(channel: ChannelId): Promise<void> {
    const { network, log, pause } = this.#parts;
    for (let wait = pause.first; ; wait = Math.min(pause.most, wait * 2)) {
      try {
        const now = await this.#slots.run(() => this.#listen(channel));
        return now === channel ? undefined : await this.#settle(now);
      } catch (thrown) {
        // Once it answers again, all is begun anew.
        if (!(thrown instanceof RetryableError) || !network.isReachable) throw thrown;
        log.info({ channel, why: messageOf(thrown) }, 'the room cannot be listened to yet');
        // Not all of them in the same moment.
        await this.#sleep(channel, (thrown.after ?? wait) * (1 + Math.random() / 4));
      }
    }
  }

  /** What it is called now. */
  async #listen(channel: ChannelId): Promise<ChannelId> {
    const { network, hearing, load } = this.#parts;
    // Chats are heard by whoever is in them.
    if ('room' in parseChannelId(channel) || !network.isReachable) return channel;
    const account = this.#chosen(channel);
    if (account === undefined) {
      this.#release(channel);
      return channel;
    }
    const ask: Ask = (call) => account.ask(this.#slots.size > few ? { ...call, haste: 'background' } : call);
    const room = await load(channel, account, ask);
    // Unwatched meanwhile, or another's turn: that comes next.
    if (room.channel === channel && this.#chosen(channel) === account)
      await hearing.watch(room, account, this.#entered.delete(room.id) ? undefined : ask);
    return room.channel;
  }

  /** Where the relay account is already: one call instead of two for each room. */
  async #read(): Promise<Set<string>> {
    const { network, log } = this.#parts;
    const { bot } = network;
    try {
      const told = listOf<WireRoom>(await bot.ask({ route: '/user/:id/rooms', with: { id: bot.id } }));
      const shared = told.filter(({ oneToOne, uri }) => oneToOne !== true && uri !== undefined);
      return new Set(shared.map((room) => network.rooms.keep(room).id));
    } catch (thrown) {
      log.info({ why: messageOf(thrown) }, 'where the relay account is cannot be read: it goes in everywhere');
      return new Set();
    }
  }

  #sleep(channel: ChannelId, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#sleeping.delete(channel);
        resolve();
      };
      const timer = setTimeout(wake, ms).unref();
      this.#sleeping.set(channel, wake);
    });
  }

  #release(channel: ChannelId): void {
    const room = this.#parts.network.rooms.known(channel);
    if (room === undefined) return;
    this.#entered.delete(room.id);
    this.#parts.hearing.unwatch(room.id);
  }
}
