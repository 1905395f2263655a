// Compares who is in a channel with who is in its rooms, and queues only the difference. Lazy: ghosts come when they speak,
// and go when they go. Full: the room mirrors the channel. What must wait for a message to be sent is not decided here.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import { messageOf, RetryableError } from '../errors.ts';
import type { ChannelId, RoomId, UserId } from '../ids.ts';
import { isVeiled } from '../plumbing/kept-back.ts';
import { type Link, type Links, receiverOf } from '../plumbing/links.ts';
import type { Json, RemoteEvent, RemoteUser } from '../remote-event.ts';
import type { CoreSettings } from '../settings.ts';
import type { Ghosts } from '../virtual-users/ghosts.ts';
import type { Names } from '../virtual-users/names.ts';
import type { MembershipQueue } from './queue.ts';
import type { RoomLimits } from './room-limits.ts';
import type { Roster } from './roster.ts';

/** So long those whom a netsplit took away may take to come back, ms. */
const netsplitHold = 15 * 60_000;

type Heard<Body extends Json> = Extract<RemoteEvent<Body>, { kind: 'membership' | 'profile' }>;

export interface SyncParts<Body extends Json> {
  readonly settings: Pick<CoreSettings['membership'], 'ghosts' | 'puppets'>;
  readonly adapter: Pick<Adapter<Body>, 'channels' | 'capabilities' | 'session' | 'speakerOf'>;
  readonly links: Links;
  readonly roster: Roster;
  readonly ghosts: Pick<Ghosts, 'introduce' | 'remoteOf'>;
  readonly names: Names;
  readonly queue: Pick<MembershipQueue, 'join' | 'leave' | 'stay'>;
  readonly log: Logger;
  /** Where silence or the number of ghosts counts. */
  readonly limits?: Pick<RoomLimits, 'ready' | 'isWelcome' | 'toCome' | 'known' | 'gone' | 'unlinked'> | undefined;
  readonly netsplitHold?: number;
}

export interface MatchWish {
  readonly joins: boolean;
  readonly leaves: boolean;
  readonly isOnlyCounted: boolean;
}

/** How many come in and go by it. */
export interface Matched {
  readonly joins: number;
  readonly leaves: number;
}

export class Sync<Body extends Json = string> {
  readonly #parts: SyncParts<Body>;
  #stopped = false;

  constructor(parts: SyncParts<Body>) {
    this.#parts = parts;
    parts.links.onChange(({ link, was }) => {
      if (was?.state === 'live' && isVeiled(was) && link?.state === 'live' && !isVeiled(link)) this.linked(link);
    });
  }

  /** Something on the network changed who is where: what it means for ghosts. */
  heard(event: Heard<Body>, links: readonly Link[]): void {
    if (event.kind === 'profile') this.#renamed(event.was, event.user, links);
    else if (event.change === 'unban' || event.change === 'invite') return;
    else if (this.#parts.adapter.speakerOf(event.user.id) !== undefined) return;
    else if (event.change === 'join') this.#came(event.user, links);
    else {
      const after = event.netsplit === true ? (this.#parts.netsplitHold ?? netsplitHold) : 0;
      for (const link of links) this.#try(link, () => this.#went(event.user, link, event.reason, after));
    }
  }

  /** The channel's member list is known afresh: after a start, a reconnect, or once linked. */
  recompute(channel: ChannelId): void {
    for (const link of this.#parts.links.liveOn(channel)) {
      this.#try(link, () => this.#compare(link, channel));
      this.#bringAll(link);
    }
  }

  /** The queue dropped some, and has room again. */
  recomputeAll(): void {
    for (const link of this.#parts.links.all()) if (link.state === 'live') this.#try(link, () => this.#compare(link));
  }

  linked(link: Link): void {
    this.#try(link, () => this.#compare(link));
    this.#bringAll(link);
  }

  /** Once, by somebody's wish: all who are in the channel come in, whatever the settings, and who is not goes. */
  async match(link: Link, wish: MatchWish): Promise<Matched> {
    const { queue, roster, limits } = this.#parts;
    await limits?.ready;
    const members = await this.#members(link.channel, true);
    if (members.size === 0) throw new RetryableError('NETWORK_UNREACHABLE', 'who is in the channel is not known now');
    const wanted = wish.leaves ? await this.#wantedIn(link.room) : undefined;
    // It may have become so while its members were asked for.
    if (wish.joins && isVeiled(this.#parts.links.get(link.id) ?? link))
      throw new RetryableError('NETWORK_BUSY', 'who may know who is in it is still to be found out');
    const coming = wish.joins ? [...(limits?.toCome(link.room, members) ?? members)] : [];
    const missing = coming.filter(([ghost, user]) => user !== undefined && !roster.isIn(link.room, ghost));
    const surplus = wanted === undefined ? [] : this.#ghostsIn(link.room).filter((ghost) => !wanted.has(ghost));
    if (!wish.isOnlyCounted && !this.#isGone(link)) {
      for (const [ghost, user] of missing) if (user !== undefined) queue.join(link.room, ghost, user);
      for (const ghost of surplus) queue.leave(link.room, ghost, { reason: 'is no longer in the channel' });
    }
    return { joins: missing.length, leaves: surplus.length };
  }

  /** The link is gone for good: ghosts whom no other link of the room needs leave it. */
  unlinked(link: Link): void {
    this.#parts.limits?.unlinked(link.room);
    this.#try(link, async () => {
      const wanted = await this.#wantedIn(link.room);
      if (wanted === undefined) return;
      for (const ghost of this.#ghostsIn(link.room))
        if (!wanted.has(ghost)) this.#parts.queue.leave(link.room, ghost, { reason: 'the channel is no longer linked' });
    });
  }

  /** A person came into a room: where puppets are to be full, their session comes into the channels. */
  personJoined(room: RoomId, user: UserId): void {
    if (this.#parts.settings.puppets !== 'full' || this.#isOurs(user)) return;
    for (const link of this.#parts.links.liveIn(room))
      if (receiverOf(link) === undefined) this.#try(link, () => this.#bringPuppet(link, user));
  }

  stop(): void {
    this.#stopped = true;
  }

  #came(user: RemoteUser, links: readonly Link[]): void {
    const { names, queue, limits, settings } = this.#parts;
    const ghost = names.ghostOf(user);
    for (const link of links) {
      const { room } = link;
      queue.stay(room, ghost);
      // Who is there is for all who are in the room to see once it is known who they are.
      if (!isVeiled(link) && settings.ghosts === 'full' && limits?.isWelcome(room, ghost) !== false) queue.join(room, ghost, user);
    }
  }

  async #went(user: RemoteUser, link: Link, reason: string | undefined, after: number): Promise<void> {
    const ghost = this.#parts.names.ghostOf(user);
    for (const other of this.#parts.links.liveIn(link.room))
      if (other.channel !== link.channel && (await this.#members(other.channel)).has(ghost)) return;
    if (after === 0) this.#parts.limits?.gone(link.room, ghost);
    this.#parts.queue.leave(link.room, ghost, { reason, after });
  }

  /** One person, two names: the new ghost stands where the old one stood. */
  #renamed(was: RemoteUser, user: RemoteUser, links: readonly Link[]): void {
    const { names, ghosts, queue, roster, limits, log } = this.#parts;
    const [old, now] = [names.ghostOf(was), names.ghostOf(user)];
    if (old === now) {
      if (ghosts.remoteOf(now) !== undefined)
        ghosts.introduce(user).catch((thrown) => log.warn({ ghost: now, why: messageOf(thrown) }, 'the name of a ghost was not changed'));
      return;
    }
    if (this.#parts.adapter.speakerOf(user.id) !== undefined) return;
    for (const { room } of links) {
      limits?.gone(room, old, now);
      const isMirrored = this.#parts.settings.ghosts === 'full' && limits?.isWelcome(room, now) !== false;
      if (roster.isIn(room, old) || isMirrored) queue.join(room, now, user);
      queue.leave(room, old, { reason: `is now known as ${user.name}` });
    }
  }

  /** `known`: a channel whose list is whole, even if nobody is on it. Elsewhere an empty one may be one not read yet. */
  async #compare(link: Link, known?: ChannelId): Promise<void> {
    const { queue, settings, limits } = this.#parts;
    if (settings.ghosts === 'lazy' && this.#ghostsIn(link.room).length === 0) return;
    await limits?.ready;
    const members = await this.#members(link.channel);
    if (this.#isGone(link)) return;
    if (settings.ghosts === 'full' && !isVeiled(this.#parts.links.get(link.id) ?? link)) {
      for (const [ghost, user] of limits?.toCome(link.room, members) ?? members)
        if (user !== undefined && !this.#parts.roster.isIn(link.room, ghost)) queue.join(link.room, ghost, user);
    }
    const wanted = await this.#wantedIn(link.room, known);
    if (wanted === undefined || this.#isGone(link)) return;
    limits?.known(link.room, wanted);
    for (const ghost of this.#ghostsIn(link.room))
      if (!wanted.has(ghost)) queue.leave(link.room, ghost, { reason: 'is no longer in the channel' });
  }

  /** Every ghost with a right to be in the room; undefined where one of its channels does not know its members. */
  async #wantedIn(room: RoomId, known?: ChannelId): Promise<ReadonlySet<UserId> | undefined> {
    const wanted = new Set<UserId>();
    for (const { channel } of this.#parts.links.byRoom(room)) {
      if (this.#parts.adapter.capabilities(channel).members !== 'all') return undefined;
      const members = await this.#members(channel);
      if (members.size === 0 && channel !== known) return undefined;
      for (const ghost of members.keys()) wanted.add(ghost);
    }
    return wanted;
  }

  /** By the ghost that each has; our own sessions are there without one. */
  async #members(
    channel: ChannelId,
    // Who merely is to stay is told by their id; only who is to come in needs a name.
    withNames = this.#parts.settings.ghosts === 'full',
  ): Promise<ReadonlyMap<UserId, RemoteUser | undefined>> {
    const members = new Map<UserId, RemoteUser | undefined>();
    for await (const user of this.#parts.adapter.channels.members(channel, { withNames })) {
      const isOurs = this.#parts.adapter.speakerOf(user.id) !== undefined;
      members.set(isOurs ? this.#parts.names.bot : this.#parts.names.ghostOf(user), isOurs ? undefined : user);
    }
    return members;
  }

  #bringAll(link: Link): void {
    // A room of one's own is heard by its own person, who is there.
    if (this.#parts.settings.puppets === 'full' && receiverOf(link) === undefined) this.#try(link, () => this.#bringPuppets(link));
  }

  async #bringPuppets(link: Link): Promise<void> {
    for (const user of this.#parts.roster.joined(link.room)) {
      if (this.#isGone(link)) return;
      // One after the other: how fast sessions may be opened is the adapter's to say.
      if (!this.#isOurs(user)) await this.#bringPuppet(link, user).catch((thrown) => this.#note(link, thrown));
    }
  }

  async #bringPuppet(link: Link, user: UserId): Promise<void> {
    const name = this.#parts.roster.nameOf(link.room, user);
    const session = await this.#parts.adapter.session({ as: 'user', user, ...(name !== undefined && { name }) }, link.channel, true);
    if (!this.#isGone(link)) await session.join(link.channel);
  }

  #ghostsIn(room: RoomId): UserId[] {
    return this.#parts.roster.joined(room).filter((user) => this.#parts.names.isGhost(user));
  }

  #isOurs(user: UserId): boolean {
    return user === this.#parts.names.bot || this.#parts.names.isGhost(user);
  }

  #isGone(link: Link): boolean {
    return this.#stopped || this.#parts.links.get(link.id)?.state !== 'live';
  }

  #try(link: Link, work: () => Promise<void>): void {
    if (!this.#stopped) work().catch((thrown) => this.#note(link, thrown));
  }

  #note(link: Link, thrown: unknown): void {
    this.#parts.log.warn({ room: link.room, channel: link.channel, why: messageOf(thrown) }, 'memberships were not compared');
  }
}
