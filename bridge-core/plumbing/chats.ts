// Rooms for the private and group chats of people who are logged in. The first line heard writes a link in state `wanted`
// beside its row; at the head of the lane the room is made, once, and from then on the same lane leads into it.

import type { Adapter, Chat } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { type BridgeError, DeniedError, messageOf, PermanentError, RetryableError } from '../errors.ts';
import type { ChannelId, RoomId, UserId } from '../ids.ts';
import { type Content, stringIn } from '../matrix-event.ts';
import type { Json, RemoteUser } from '../remote-event.ts';
import type { PortalSettings } from '../settings.ts';
import type { Ghosts } from '../virtual-users/ghosts.ts';
import type { Names } from '../virtual-users/names.ts';
import type { BridgeInfo } from './bridge-info.ts';
import { ChatRules } from './chat-rules.ts';
import { claimContent, claimType } from './claims.ts';
import { isChat, isOutOfReach, isPlaceholder, type Link, type Links, type NewLink, placeholderOf } from './links.ts';
import type { LoopGuard } from './loop-guard.ts';
import type { Plumb } from './plumb.ts';
import { powerLevels, type RoomMaking } from './room-making.ts';

export interface ChatsParts<Body extends Json> {
  readonly settings: Pick<PortalSettings, 'direct' | 'chats'>;
  readonly homeserver: Pick<Homeserver, 'bot' | 'invite' | 'inviteDirectly' | 'leave' | 'state'>;
  readonly adapter: Pick<Adapter<Body>, 'channels' | 'speakerOf'>;
  readonly links: Links;
  readonly names: Names;
  readonly ghosts: Pick<Ghosts, 'introduce' | 'ready' | 'leave'>;
  readonly guard: Pick<LoopGuard, 'keyOf'>;
  readonly info: Pick<BridgeInfo, 'publish'>;
  readonly plumb: Pick<Plumb<Body>, 'unlink'>;
  readonly making: RoomMaking;
  /** Joined or invited, as far as is known. */
  readonly present: (room: RoomId) => readonly UserId[];
  readonly tellPerson: (user: UserId, words: string) => void;
  readonly log: Logger;
}

/** What was refused for good is not asked for again with every line, ms. */
const refusedFor = 10 * 60_000;
const signInTime = 10 * 60_000;
const longestName = 200;

export class Chats<Body extends Json = string> {
  readonly #parts: ChatsParts<Body>;
  readonly #rules: ChatRules;
  readonly #startedAt = Date.now();
  readonly #flights = new Map<number, Promise<Link>>();
  readonly #refused = new Map<number, { readonly error: BridgeError; readonly until: number }>();

  constructor(parts: ChatsParts<Body>) {
    this.#parts = parts;
    this.#rules = new ChatRules(parts.settings.chats);
    parts.links.onChange(({ link, was }) => {
      if (link === undefined) this.#refused.delete(was.id);
    });
  }

  /** For what is heard where no link is live: the one that is being made, or the one to be written with the row of what begins a
   *  chat (`isNews`, said `by` somebody). */
  linkFor(channel: ChannelId, isNews: boolean, by?: RemoteUser): Link | NewLink | undefined {
    const { settings, links, adapter } = this.#parts;
    if (!settings.direct || adapter.channels.chat === undefined) return undefined;
    const known = links.byChannel(channel).find((link) => link.origin === 'portal' && !isOutOfReach(link));
    if (known !== undefined) return isChat(known) && (known.state === 'wanted' || known.state === 'pending') ? known : undefined;
    const chat = isNews ? this.#chatOf(channel) : undefined;
    if (by !== undefined && adapter.speakerOf(by.id) === undefined && !this.#rules.mayBeWith(by)) return undefined;
    return chat === undefined || chat.people.length === 0 ? undefined : newLink(channel, chat);
  }

  /** The room of a chat's link, at the head of its lane: made if need be, and those of its people invited who came to the
   *  bridge since. */
  placeOf(link: Link): RoomId | Promise<RoomId> {
    if (link.state !== 'wanted' && this.#uninvited(link).length === 0) return link.room;
    return this.#ready(link).then(({ room }) => room);
  }

  /** The room of the chat, whether there was one or not; `person` is invited into it again if they left. */
  async open(channel: ChannelId, person: UserId): Promise<RoomId> {
    const { links } = this.#parts;
    const known = links.byChannel(channel).find((link) => link.origin === 'portal' && isChat(link) && !isOutOfReach(link));
    const chat = this.#chatOf(channel) ?? { people: [person], kind: 'direct' as const };
    const link = await this.#ready(known ?? (await links.add(newLink(channel, chat))));
    await this.#invite([person], link, chat.kind, await this.#others(channel));
    return link.room;
  }

  /** The chat's link waits for its room still: here is one. False: it does not. */
  async placeIn(channel: ChannelId, room: RoomId): Promise<boolean> {
    const { links } = this.#parts;
    const isWaiting = (link: Link) => isChat(link) && isPlaceholder(link.room);
    const known = links.byChannel(channel).find(isWaiting);
    // What is being made must not be made twice.
    await this.#flights.get(known?.id ?? 0)?.catch(() => undefined);
    const waiting = links.byChannel(channel).find(isWaiting);
    if (waiting === undefined) return false;
    await this.#ready(await links.set(waiting.id, { room, options: { from: [waiting.room] } }));
    return true;
  }

  /** Somebody left: a chat without any of its Matrix people is over. The next line makes it anew. */
  async left(room: RoomId): Promise<void> {
    if (this.#parts.present(room).some((user) => !this.#isOurs(user))) return;
    for (const link of this.#parts.links.byRoom(room)) if (isChat(link)) await this.close(link, 'nobody of Matrix is left in the chat');
  }

  /** The bot is out of the room already. */
  async removed(room: RoomId): Promise<void> {
    for (const link of this.#parts.links.byRoom(room)) {
      if (!isChat(link)) continue;
      await this.#parts.links.remove(link.id);
      await this.#vacate(room, 'the bridge was removed');
    }
  }

  /** Unlinked, and left by all that is ours. */
  async close(link: Link, why: string): Promise<void> {
    const { plumb, homeserver, links, log } = this.#parts;
    if (isPlaceholder(link.room)) return await links.remove(link.id);
    await plumb.unlink(link, why);
    await this.#vacate(link.room, why);
    try {
      await homeserver.leave(homeserver.bot, link.room, why);
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      log.info({ room: link.room, why: thrown.message }, 'the bot was out of the chat already');
    }
  }

  async #vacate(room: RoomId, why: string): Promise<void> {
    for (const user of this.#parts.present(room)) if (this.#parts.names.isGhost(user)) await this.#parts.ghosts.leave(user, room, why);
  }

  /** With those of its Matrix people whose chats are carried. */
  #chatOf(channel: ChannelId): Chat | undefined {
    const chat = this.#parts.adapter.channels.chat?.(channel);
    return chat === undefined || this.#rules.isForAll ? chat : { ...chat, people: chat.people.filter((user) => this.#rules.mayHave(user)) };
  }

  #ready(link: Link): Promise<Link> {
    let flight = this.#flights.get(link.id);
    if (flight === undefined) {
      flight = this.#make(link).finally(() => this.#flights.delete(link.id));
      this.#flights.set(link.id, flight);
    }
    return flight;
  }

  async #make(given: Link): Promise<Link> {
    const refused = this.#refused.get(given.id);
    if (refused !== undefined && refused.until > Date.now()) throw refused.error;
    const chat = this.#chatOf(given.channel);
    try {
      if (chat === undefined || chat.people.length === 0) throw this.#nobody();
      return given.state === 'wanted' ? await this.#complete(given, chat) : await this.#inviteMore(given);
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      this.#refused.set(given.id, { error: thrown, until: Date.now() + refusedFor });
      this.#parts.log.warn({ channel: given.channel, code: thrown.code, why: thrown.message }, 'no room for a chat');
      for (const person of chat?.people ?? [])
        this.#parts.tellPerson(
          person,
          `Somebody writes to you, and the bridge cannot make a room for it: ${thrown.message}. ${thrown.remedy}`,
        );
      throw thrown;
    }
  }

  /** After a start it takes a while until the network knows again who is logged in. */
  #nobody(): BridgeError {
    const why = 'nobody who is logged in is in this chat';
    return Date.now() - this.#startedAt < signInTime
      ? new RetryableError('NETWORK_LOGIN', why, { after: 1_000 })
      : new PermanentError('CHANNEL_UNKNOWN', why);
  }

  /** Done again after a crash each step finds what is done. */
  async #complete(given: Link, chat: Chat): Promise<Link> {
    const { links, making, homeserver, ghosts, info, log } = this.#parts;
    const others = await this.#others(given.channel);
    if (others.length > 0 && !others.some((other) => this.#rules.mayBeWith(other)))
      throw new DeniedError('the bridge’s operator does not let chats with them be carried');
    let link = given;
    if (isPlaceholder(link.room)) {
      for (const other of others) await ghosts.introduce(other);
      const room = await making.make(link.channel, this.#roomFor(link, chat, others));
      // The first room of the list names the lane, in which rows wait already.
      link = await links.set(link.id, { room, options: { from: [link.room] } });
      await making.isStored(link.channel);
    }
    if ((await homeserver.state(link.room, 'm.room.encryption', '')) !== undefined)
      throw new PermanentError(
        'ROOM_ENCRYPTED',
        'the homeserver encrypts every new room (encryption_enabled_by_default_for_room_type), and the bridge cannot read those',
      );
    for (const other of others) await ghosts.ready(other, link.room);
    const people = await this.#invite(chat.people, link, chat.kind, others);
    const live = await links.set(link.id, { state: 'live', claim: 'success', reason: undefined, options: { chat: chat.kind, people } });
    info.publish(live).catch((thrown) => log.warn({ room: live.room, why: messageOf(thrown) }, 'bridge info not written'));
    return live;
  }

  async #inviteMore(link: Link): Promise<Link> {
    const kind = link.options.chat === 'direct' ? 'direct' : 'group';
    const more = await this.#invite(this.#uninvited(link), link, kind, await this.#others(link.channel));
    return await this.#parts.links.setOptions(link.id, { people: [...peopleIn(link), ...more] });
  }

  /** Who came to the bridge after the room was made. Who was invited once and left is not asked again. */
  #uninvited(link: Link): readonly UserId[] {
    const people = this.#chatOf(link.channel)?.people ?? [];
    const invited = peopleIn(link);
    return people.every((user) => invited.includes(user)) ? [] : people.filter((user) => !invited.includes(user));
  }

  /** By a ghost, so that clients show the chat as one with that person. Returns those who are in or invited. */
  async #invite(people: readonly UserId[], { room }: Link, kind: Chat['kind'], others: readonly RemoteUser[]): Promise<UserId[]> {
    const { homeserver, names, log } = this.#parts;
    const [other] = others;
    const inviter = other === undefined ? homeserver.bot : names.ghostOf(other);
    const reached: UserId[] = [];
    let refusal: PermanentError | undefined;
    for (const person of people) {
      try {
        const membership = stringIn(await homeserver.state(room, 'm.room.member', person), 'membership');
        if (membership !== 'join' && membership !== 'invite')
          await (kind === 'direct' ? homeserver.inviteDirectly(inviter, room, person) : homeserver.invite(inviter, room, person));
        reached.push(person);
      } catch (thrown) {
        if (!(thrown instanceof PermanentError)) throw thrown;
        refusal = thrown;
        log.warn({ room, person, why: thrown.message }, 'a person could not be invited to their chat');
      }
    }
    if (reached.length === 0 && refusal !== undefined) throw refusal;
    return reached;
  }

  /** Those of the chat who are nobody of ours. */
  async #others(channel: ChannelId): Promise<RemoteUser[]> {
    const others: RemoteUser[] = [];
    for await (const member of this.#parts.adapter.channels.members(channel))
      if (this.#parts.adapter.speakerOf(member.id) === undefined) others.push(member);
    return others;
  }

  #roomFor(link: Link, chat: Chat, others: readonly RemoteUser[]): Content {
    const { homeserver, names, guard } = this.#parts;
    const { bot } = homeserver;
    const name = chat.kind === 'direct' ? undefined : (chat.name ?? listed(others.map((other) => names.displayNameOf(other))));
    return {
      preset: 'private_chat',
      ...(name !== undefined && { name }),
      invite: others.map((other) => names.ghostOf(other)),
      // Ghosts invite, and they have no power.
      power_level_content_override: powerLevels(0, 50),
      initial_state: [
        { type: claimType, state_key: guard.keyOf(link.channel), content: claimContent(bot, 'success') },
        // Clients that know it call the room after the others in it.
        { type: 'io.element.functional_members', state_key: '', content: { service_members: [bot] } },
      ],
    };
  }

  #isOurs(user: UserId): boolean {
    return user === this.#parts.homeserver.bot || this.#parts.names.isGhost(user);
  }
}

const newLink = (channel: ChannelId, chat: Chat): NewLink => ({
  ...{ room: placeholderOf(channel), channel, origin: 'portal', state: 'wanted', options: { chat: chat.kind } },
});

function peopleIn(link: Link): readonly UserId[] {
  return Array.isArray(link.options.people) ? (link.options.people as UserId[]) : [];
}

/** `Ada, Ben and Cleo`. */
function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  const whole = names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
  return whole.length > longestName ? `${whole.slice(0, longestName)}…` : whole;
}
