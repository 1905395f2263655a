// For whom each room is listened to, and so by whom: by the relay account where rooms are linked to it, else by one of those who have rooms
// of their own for it and are in it. One of them is enough: what several would hear is heard once. Where there are many, the liveliest come
// first, and a room for all is heard before the relay account goes in, which takes a call for each.

import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelId, type Inbox, type Logger, messageOf, PermanentError, RetryableError, type UserId } from '#bridge-core';
import type { Account } from './account.ts';
import type { GitterBody } from './body.ts';
import { Communities } from './communities.ts';
import type { Gaps } from './gaps.ts';
import type { Hearing } from './hearing.ts';
import { parseChannelId } from './ids.ts';
import type { GitterNetwork } from './network.ts';
import type { OwnRooms, Place } from './own-rooms.ts';
import type { Present } from './present.ts';
import type { Ask, Room } from './rooms.ts';
import { Slots } from './slots.ts';

export interface EarsParts {
  readonly network: GitterNetwork;
  readonly own: OwnRooms;
  readonly hearing: Hearing;
  readonly gaps: Gaps;
  readonly present: Present;
  readonly inbox: Inbox<GitterBody>;
  readonly log: Logger;
  readonly load: (channel: ChannelId, account: Account, ask: Ask) => Promise<Room>;
  /** ms between tries, where Gitter says nothing of when. */
  readonly pause: { readonly first: number; readonly most: number };
}

/** How far the start is. */
export interface Progress {
  readonly heard: number;
  readonly of: number;
  /** Until all are heard, about. */
  readonly ms: number;
}

/** Rooms begun with at once; gone into behind that. */
const atOnce = 8;
const atOnceBehind = 2;
/** More at once leave a share of the budget to what people wait for. */
const few = 4;
/** ms that the progress is good for. */
const toldFor = 250;

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
  /** Heard, and yet to be gone into. */
  readonly #outside = new Set<string>();
  readonly #entering = new Slots(atOnceBehind);
  /** Somebody waits for them. */
  readonly #hurried = new Set<ChannelId>();
  readonly #communities: Communities;
  #told = { at: 0, progress: { heard: 0, of: 0, ms: 0 } };

  constructor(parts: EarsParts) {
    this.#parts = parts;
    this.#communities = new Communities({ rooms: parts.network.rooms, log: parts.log });
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
    this.#hurried.delete(channel);
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

  /** Gitter answers, and where the relay account is is known: whoever is to listen does, which reads what was missed. */
  back(): void {
    this.#communities.forget();
    const ranks = new Map([...this.#watchers.keys()].map((channel) => [channel, this.#rankOf(channel)]));
    for (const [channel] of [...ranks].sort(([, one], [, other]) => other - one)) {
      this.#sleeping.get(channel)?.();
      void this.#calmly(channel);
    }
  }

  /** Whoever listened there does no longer. */
  again(channel: ChannelId): void {
    void this.#calmly(channel);
  }

  /** Something is said there from Matrix: what is answered is to be heard. */
  hurry(channel: ChannelId): void {
    if (!this.isAwaited(channel)) return;
    this.#hurried.add(channel);
    this.#sleeping.get(channel)?.();
  }

  /** False: what is said there waits until it is its turn. */
  isHeard(channel: ChannelId): boolean {
    const room = this.#parts.network.rooms.known(channel);
    return room !== undefined && this.#parts.hearing.isInStep(room.id);
  }

  /** True: it is to be heard, and by somebody who can. */
  isAwaited(channel: ChannelId): boolean {
    return this.#chosen(channel) !== undefined && !('room' in parseChannelId(channel)) && !this.isHeard(channel);
  }

  progress(): Progress {
    // Asked for each of many rooms.
    if (this.#told.at < Date.now() - toldFor) this.#told = { at: Date.now(), progress: this.#progress() };
    return this.#told.progress;
  }

  #progress(): Progress {
    const { network, present } = this.#parts;
    const { rooms } = network;
    let [heard, of, calls] = [0, 0, 0];
    for (const channel of this.#watchers.keys()) {
      if (this.#chosen(channel) === undefined || 'room' in parseChannelId(channel)) continue;
      of += 1;
      const room = rooms.known(channel);
      if (this.isHeard(channel)) heard += 1;
      else calls += room === undefined || (!room.isPublic && !present.has(room.id)) ? 2 : 1;
    }
    return { heard, of, ms: network.bot.budget.timeFor(calls) };
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
          this.#tellMove(id, user, { id: room?.id ?? '', channel }, false);
      });
    }
  }

  /** Somebody of ours came into a room or went: told once, whichever way it was learnt. */
  wentBy(account: Account, place: Place, isIn: boolean): void {
    const user = account.speaker.as === 'user' ? account.speaker.user : undefined;
    if (user === undefined) return;
    this.#tellMove(account.id, user, place, isIn);
    if (!isIn) this.#parts.hearing.left(place.id, account);
    if (this.#watchers.get(place.channel)?.has(user) === true) void this.#calmly(place.channel);
  }

  #tellMove(id: string, user: UserId, place: Place, isIn: boolean): void {
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
        const now = await this.#slots.run(
          () => this.#listen(channel),
          () => this.#rankOf(channel),
        );
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
    const { network, hearing, load, present } = this.#parts;
    // Chats are heard by whoever is in them.
    if ('room' in parseChannelId(channel) || !network.isReachable) return channel;
    const account = this.#chosen(channel);
    if (account === undefined) {
      this.#release(channel);
      return channel;
    }
    const isMany = this.#settling.size > few;
    const isBot = account === network.bot;
    const ask: Ask = (call) => account.ask(isMany && !this.#hurried.has(channel) ? { ...call, haste: 'background' } : call);
    if (isBot && isMany) await this.#communities.look(channel, this.#watchers.keys(), ask);
    const room = await load(channel, account, ask);
    // Unwatched meanwhile, or another's turn: that comes next.
    if (room.channel !== channel || this.#chosen(channel) !== account) return room.channel;
    const isOutside = isBot && !present.has(room.id);
    const isLater = isOutside && isMany && room.isPublic;
    if (isOutside && !isLater) await present.enter(room, ask);
    const isHeard = await hearing.watch(room, account);
    if (isLater && isHeard) this.#enterLater(room);
    else if (isLater) {
      // One that is heard only from within.
      await present.enter(room, ask);
      await hearing.watch(room, account);
    }
    this.#hurried.delete(channel);
    return channel;
  }

  /** So that the relay account is seen to be there, and may speak: behind all those that are not heard yet. */
  #enterLater(room: Room): void {
    if (this.#outside.has(room.id)) return;
    this.#outside.add(room.id);
    this.#entering
      .run(
        () => this.#enterAtLast(room),
        () => this.#rankOf(room.channel),
      )
      .catch((thrown) => {
        this.#parts.log.warn({ room: room.uri, why: messageOf(thrown) }, 'the relay account cannot go into the room');
        if (thrown instanceof PermanentError && this.#isForBot(room)) this.#parts.inbox.suspended(this.#nameOf(room), thrown.message);
      })
      .finally(() => this.#outside.delete(room.id));
  }

  async #enterAtLast(room: Room): Promise<void> {
    const { network, present, hearing, pause } = this.#parts;
    // Once Gitter answers again, all is begun anew.
    for (
      let wait = pause.first;
      this.#isForBot(room) && network.isReachable && !present.has(room.id);
      wait = Math.min(pause.most, wait * 2)
    ) {
      const haste = this.#slots.size > 0 ? 'idle' : 'background';
      try {
        await present.enter(room, (call) => network.bot.ask({ ...call, haste }));
        // Where that was refused from without.
        await hearing.watch(room, network.bot);
        return;
      } catch (thrown) {
        if (!(thrown instanceof RetryableError)) throw thrown;
        await delay(thrown.after ?? wait, undefined, { ref: false });
      }
    }
  }

  #isForBot(room: Room): boolean {
    return this.#watchers.get(this.#nameOf(room))?.has(undefined) === true;
  }

  #nameOf(room: Room): ChannelId {
    return this.#parts.network.rooms.byId(room.id)?.channel ?? room.channel;
  }

  /** Of those that were heard in the same minute the first to be watched comes first. */
  #rankOf(channel: ChannelId): number {
    return this.#hurried.has(channel) ? Number.POSITIVE_INFINITY : Math.floor(this.#parts.gaps.heardAt(channel) / 60_000);
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
    if (room !== undefined) this.#parts.hearing.unwatch(room.id);
  }
}
