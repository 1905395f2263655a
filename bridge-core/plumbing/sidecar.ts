// Rooms of people's own for channels that they are in on the network: one for each channel and person, who is its receiver. Their
// own session alone hears and speaks for it; others may be brought in, and are spoken for by it unless they are logged in too.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import type { Channel } from '../channel.ts';
import { DeniedError, messageOf, PermanentError, RetryableError } from '../errors.ts';
import type { ChannelId, RemoteUserId, RoomId, UserId } from '../ids.ts';
import { type Content, stringIn } from '../matrix-event.ts';
import type { Json, RemoteEvent, RemoteUser } from '../remote-event.ts';
import type { Doubles } from '../virtual-users/doubles.ts';
import type { Ghosts } from '../virtual-users/ghosts.ts';
import type { KnownLogin } from '../virtual-users/logins.ts';
import type { Names } from '../virtual-users/names.ts';
import { Background } from './background.ts';
import { isPlaceholder, type Link, type Links, placeholderOf, receiverOf } from './links.ts';
import type { MembersOnly } from './members-only.ts';
import type { Plumb } from './plumb.ts';
import { givePower, powerLevels, type RoomMaking } from './room-making.ts';

export interface SidecarParts<Body extends Json> {
  /** False: nobody gets any more, and those that there are rest. */
  readonly isOn: boolean;
  readonly homeserver: Pick<Homeserver, 'bot' | 'fullState' | 'setState' | 'state' | 'invite' | 'kick' | 'leave'>;
  readonly adapter: Pick<Adapter<Body>, 'channels' | 'session' | 'logins'>;
  readonly links: Links;
  readonly names: Pick<Names, 'isGhost' | 'displayNameOf'>;
  readonly ghosts: Pick<Ghosts, 'leave'>;
  readonly logins: { byUser(user: UserId): readonly KnownLogin[]; byAccount(account: RemoteUserId): KnownLogin | undefined };
  readonly plumb: Pick<Plumb<Body>, 'link' | 'unlink' | 'suspend'>;
  readonly making: RoomMaking;
  /** Rooms of private channels, which all who are in the channel share. */
  readonly shared: Pick<MembersOnly<Body>, 'of' | 'bring'>;
  readonly doubles: Pick<Doubles, 'includes' | 'isReady'> | undefined;
  readonly roster: { present(room: RoomId): readonly UserId[]; nameOf(room: RoomId, user: UserId): string | undefined };
  readonly log: Logger;
}

type Membership = Extract<RemoteEvent, { kind: 'membership' }>;

const offReason = 'private rooms of channels are switched off';
const goneReason = 'its person has left the channel';

export class Sidecar<Body extends Json = string> {
  readonly #parts: SidecarParts<Body>;
  readonly #flights = new Map<string, Promise<Link>>();
  readonly #work: Background;

  constructor(parts: SidecarParts<Body>) {
    this.#parts = parts;
    this.#work = new Background({ atOnce: 2, log: parts.log });
  }

  /** Are there such rooms on this network? */
  get isOffered(): boolean {
    const { isOn, adapter } = this.#parts;
    return isOn && adapter.logins.length > 0 && adapter.channels.of !== undefined && adapter.channels.isIn !== undefined;
  }

  find(user: UserId, channel: ChannelId): Link | undefined {
    return this.#parts.links.byChannel(channel).find((link) => receiverOf(link) === user);
  }

  of(user: UserId): readonly Link[] {
    return this.#parts.links.all().filter((link) => receiverOf(link) === user);
  }

  /** That, or the one that all who are in the private channel share. */
  roomOf(user: UserId, channel: ChannelId): Link | undefined {
    return this.find(user, channel) ?? this.#parts.shared.of(user, channel);
  }

  /** Their room of the channel, made and entered if need be; they are invited again if they left. */
  open(user: UserId, channel: Channel): Promise<Link> {
    const name = `${channel.id} ${user}`;
    let flight = this.#flights.get(name);
    if (flight === undefined) {
      flight = this.#open(user, channel).finally(() => this.#flights.delete(name));
      this.#flights.set(name, flight);
    }
    return flight;
  }

  /** Unlinked; everybody is put out, and all that is ours goes. On the network nothing changes. */
  async close(link: Link, why: string): Promise<void> {
    const { plumb, links, homeserver, roster, names, ghosts, log } = this.#parts;
    if (isPlaceholder(link.room)) return await links.remove(link.id);
    await plumb.unlink(link, why);
    const { bot } = homeserver;
    for (const user of roster.present(link.room)) {
      if (user === bot) continue;
      const going = names.isGhost(user) ? ghosts.leave(user, link.room, why) : homeserver.kick(bot, link.room, user, why);
      await going.catch((thrown: unknown) => this.#pass(thrown, link.room));
    }
    await homeserver.leave(bot, link.room, why).catch((thrown: unknown) => this.#pass(thrown, link.room));
    log.info({ room: link.room, why }, 'a private room was closed');
  }

  /** They are no longer logged in to this network, and nobody asks twice: what the homeserver does not do now is done later. */
  async loggedOut(user: UserId, network: string): Promise<void> {
    for (const link of this.of(user)) {
      if (this.#networkOf(link) !== network) continue;
      const close = () => this.close(link, 'its person has logged out');
      try {
        await close();
      } catch (thrown) {
        if (!(thrown instanceof RetryableError)) throw thrown;
        this.#work.run(`link ${link.id}`, close);
      }
    }
  }

  async invite(link: Link, guest: UserId): Promise<void> {
    if (link.state !== 'live') throw new DeniedError(`that room carries nothing now (${link.reason ?? link.state})`);
    await this.#bring(link.room, guest);
  }

  /** Somebody left a room: without its person it is nobody's. */
  async left(room: RoomId, user: UserId): Promise<void> {
    for (const link of this.#parts.links.byRoom(room)) if (receiverOf(link) === user) await this.close(link, 'its person has left it');
  }

  /** The bot is out of the room already. */
  async removed(room: RoomId): Promise<void> {
    const { links, roster, names, ghosts } = this.#parts;
    for (const link of links.byRoom(room)) {
      if (receiverOf(link) === undefined) continue;
      await links.remove(link.id);
      for (const user of roster.present(room)) if (names.isGhost(user)) await ghosts.leave(user, room, 'the bridge was removed');
    }
  }

  /** Somebody came into a channel or went, by their own account: so does what their room of it carries. */
  heard({ user, channel, change, netsplit }: Membership): void {
    const owner = this.#parts.logins.byAccount(user.id)?.user;
    const link = owner === undefined ? undefined : this.find(owner, channel);
    if (link === undefined || owner === undefined) return;
    const { name, network } = this.#parts.adapter.channels.describe(channel);
    const how = change === 'leave' ? 'have left' : 'were put out of';
    const words = `You ${how} ${name} on ${network.name}: nothing of it is carried here any more. Say “join ${name}” to me to come back.`;
    const isOut = change !== 'join' && change !== 'unban' && netsplit !== true;
    if (isOut) this.#work.run(`link ${link.id}`, () => this.#rest(link.id, words));
    else if (change === 'join') this.#openSoon(link, () => this.#isBack(link.id, owner));
  }

  /** As it stands by then: one may be under way to be opened, or to rest. */
  async #rest(id: number, words: string): Promise<void> {
    const link = this.#parts.links.get(id);
    if (link?.state === 'live') await this.#parts.plumb.suspend([link], goneReason, words);
  }

  /** Who has gone again is not brought into the channel for it. */
  #isBack(id: number, owner: UserId): boolean {
    const link = this.#parts.links.get(id);
    if (link?.state !== 'suspended' || link.reason !== goneReason) return false;
    return this.#parts.adapter.channels.isIn?.(link.channel, owner) !== false;
  }

  /** In one's own room one's own ghost says that it is that. */
  readonly mark = async (user: RemoteUser, ghost: UserId, room: RoomId): Promise<void> => {
    const { links, logins, homeserver, names, roster, log } = this.#parts;
    const owner = logins.byAccount(user.id)?.user;
    if (owner === undefined || !links.byRoom(room).some((link) => receiverOf(link) === owner)) return;
    const displayname = `${names.displayNameOf(user)} (you)`;
    if (roster.nameOf(room, ghost) === displayname) return;
    const member = { membership: 'join', displayname, ...(user.avatar?.startsWith('mxc://') && { avatar_url: user.avatar }) };
    await homeserver.setState(ghost, room, 'm.room.member', ghost, member).catch((thrown: unknown) => {
      if (!(thrown instanceof PermanentError)) throw thrown;
      log.debug({ room, ghost, why: messageOf(thrown) }, 'a ghost was not marked as one’s own');
    });
  };

  /** At start: what was begun is brought to an end, and what the setting says about. */
  resume(): void {
    for (const link of this.#parts.links.all()) {
      if (receiverOf(link) === undefined) continue;
      if (!this.isOffered) this.#work.run(`link ${link.id}`, () => this.#parts.plumb.suspend([link], offReason));
      else if (link.state === 'wanted' || (link.state === 'suspended' && link.reason === offReason)) this.#openSoon(link);
    }
  }

  settled(): Promise<void> {
    return this.#work.idle();
  }

  stop(): void {
    this.#work.stop();
  }

  #openSoon(link: Link, isStillSo = () => true): void {
    const user = receiverOf(link);
    if (user === undefined) return;
    this.#work.run(`link ${link.id}`, async () => {
      if (!isStillSo()) return;
      try {
        await this.open(user, this.#parts.adapter.channels.describe(link.channel));
      } catch (thrown) {
        // At a start it takes a while until the network knows again who is logged in.
        const isEarly =
          thrown instanceof PermanentError && thrown.code === 'NETWORK_LOGIN' && this.#isLoggedIn(user, this.#networkOf(link));
        if (isEarly) throw new RetryableError('NETWORK_LOGIN', thrown.message, { after: 2_000 });
        if (!(thrown instanceof PermanentError)) throw thrown;
        this.#parts.log.warn({ channel: link.channel, user, why: thrown.message }, 'no private room for a channel');
      }
    });
  }

  async #open(user: UserId, { id, kind, name, network }: Channel): Promise<Link> {
    const { links, adapter, plumb } = this.#parts;
    if (kind === 'direct' || kind === 'group') throw new DeniedError('chats have rooms of their own, which come by themselves');
    if (!this.#isLoggedIn(user, network.id))
      throw new PermanentError('NETWORK_LOGIN', `you are not logged in to ${network.name}: say “login” first`);
    const known = this.find(user, id);
    const shared = known === undefined ? this.#parts.shared.of(user, id) : undefined;
    if (shared !== undefined) {
      await this.#parts.shared.bring(shared, user);
      return shared;
    }
    if (known?.state !== 'live') {
      const session = await adapter.session({ as: 'user', user }, id);
      await session.join(id);
      if (adapter.channels.isIn?.(id, user) === false) throw new PermanentError('CHANNEL_CLOSED', `${name} did not let you in`);
    }
    const room = placeholderOf(`${id} ${user}` as ChannelId);
    const fresh = { room, channel: id, origin: 'portal', state: 'wanted', requester: user, options: { receiver: user } } as const;
    const link = known ?? (await links.add(fresh));
    try {
      const placed = isPlaceholder(link.room) ? await this.#place(link, user) : link;
      const live = placed.state === 'live' ? placed : await plumb.link({ room: placed.room, channel: id, origin: 'portal' });
      await this.#bring(live.room, user);
      if (this.#parts.doubles?.includes(user) === true) await this.#parts.doubles.isReady(user, live.room, true);
      return live;
    } catch (thrown) {
      if (known === undefined && !(thrown instanceof RetryableError)) await this.#giveUp(link.id);
      throw thrown;
    }
  }

  async #place(link: Link, user: UserId): Promise<Link> {
    const { links, making, homeserver } = this.#parts;
    const purpose = `${link.channel} for ${user}`;
    const room = await making.make(purpose, this.#roomFor(link.channel));
    await givePower(homeserver, room, { [user]: 50 });
    // The first room of the list names the lane.
    const placed = await links.set(link.id, { room, options: { from: [link.room] } });
    await making.isStored(purpose);
    return placed;
  }

  #roomFor(channel: ChannelId): Content {
    const { name, topic } = this.#parts.adapter.channels.describe(channel);
    return {
      preset: 'private_chat',
      name,
      ...(topic !== undefined && topic !== '' && { topic }),
      power_level_content_override: powerLevels(50, 50),
    };
  }

  async #bring(room: RoomId, user: UserId): Promise<void> {
    const { homeserver } = this.#parts;
    const membership = stringIn(await homeserver.state(room, 'm.room.member', user), 'membership');
    if (membership !== 'join' && membership !== 'invite') await homeserver.invite(homeserver.bot, room, user);
  }

  async #giveUp(id: number): Promise<void> {
    const link = this.#parts.links.get(id);
    if (link !== undefined && link.state !== 'live') await this.close(link, 'it could not be linked');
  }

  #isLoggedIn(user: UserId, network: string): boolean {
    return this.#parts.logins.byUser(user).some((login) => login.network === network && login.state === 'live');
  }

  #networkOf({ channel }: Link): string {
    return this.#parts.adapter.channels.describe(channel).network.id;
  }

  /** Who is out already need not be put out. */
  #pass(thrown: unknown, room: RoomId): void {
    if (!(thrown instanceof PermanentError)) throw thrown;
    this.#parts.log.info({ room, why: thrown.message }, 'somebody was out of a private room already');
  }
}
