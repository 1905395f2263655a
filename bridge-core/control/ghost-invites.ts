// A Matrix person invites a ghost, or several: where the person has an account on the network, that becomes a private or group
// chat there, carried in their room. Where not, or where the room cannot be read, the ghost says why and goes.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { BridgeError, DeniedError, messageOf, PermanentError, RetryableError } from '../errors.ts';
import { type ChannelId, type RemoteUserId, type RoomId, type UserId, userId } from '../ids.ts';
import { type Content, type MatrixEvent, noticeField } from '../matrix-event.ts';
import { ChatRules } from '../plumbing/chat-rules.ts';
import type { Chats } from '../plumbing/chats.ts';
import { calledIn } from '../plumbing/described.ts';
import { isChat, type Links } from '../plumbing/links.ts';
import type { Plumb } from '../plumbing/plumb.ts';
import { isEncrypted, powerIn, stateOf } from '../plumbing/power.ts';
import type { Json } from '../remote-event.ts';
import type { PortalSettings } from '../settings.ts';
import type { Ghosts } from '../virtual-users/ghosts.ts';
import type { Names } from '../virtual-users/names.ts';

export interface GhostInvitesParts<Body extends Json> {
  readonly settings: Pick<PortalSettings, 'direct' | 'chats'>;
  readonly protocol: { readonly id: string; readonly name: string };
  readonly adapter: Pick<Adapter<Body>, 'openDirect' | 'user' | 'lookups' | 'channels' | 'speakerOf'>;
  readonly homeserver: Pick<Homeserver, 'bot' | 'join' | 'leave' | 'invite' | 'send' | 'setState' | 'fullState'>;
  readonly names: Names;
  readonly ghosts: Pick<Ghosts, 'remoteOf' | 'introduce' | 'admit'>;
  readonly links: Links;
  readonly plumb: Pick<Plumb<Body>, 'link'>;
  readonly chats: Pick<Chats<Body>, 'open' | 'close' | 'placeIn'>;
  readonly mayUse: (user: UserId) => boolean;
  /** Takes in what was said there since a time, ms, as if it came now. */
  readonly takeIn: (room: RoomId, since: number) => Promise<void>;
  readonly tell: (room: RoomId, text: string) => void;
  readonly log: Logger;
  /** Clients invite one after the other: so long the room is waited for to be complete, ms. */
  readonly settle?: number;
}

const settleMs = 1_500;

export class GhostInvites<Body extends Json = string> {
  readonly #parts: GhostInvitesParts<Body>;

  constructor(parts: GhostInvitesParts<Body>) {
    this.#parts = parts;
  }

  /** Undefined: it was taken care of. Otherwise why the ghost is to decline, which it has not done yet. */
  async invited(event: MatrixEvent): Promise<string | undefined> {
    const { settings, adapter, protocol, mayUse, links } = this.#parts;
    const ghost = userId(event.stateKey ?? '');
    const { room, sender } = event;
    const linked = links.byRoom(room);
    if (linked.some(isChat)) return await this.#joinChat(ghost, room);
    const [link] = linked;
    // The invitation itself goes to the network, where that has such.
    if (link !== undefined)
      return `this room is linked to ${calledIn(adapter.channels, link)}: who speaks there comes in with their first words`;
    if (!settings.direct || adapter.openDirect === undefined)
      return 'private chats with people on the network are not carried; speak in a linked room';
    if (!mayUse(sender)) return `${sender} may not use this bridge; its operator can allow it`;
    const remote = this.#remoteOf(ghost);
    if (remote === undefined) return `nobody on ${protocol.name} is called so`;
    try {
      await this.#waitForOthers(event);
      await this.#enter(ghost, room);
      await this.#carry(event, ghost);
      return undefined;
    } catch (thrown) {
      if (thrown instanceof RetryableError || !(thrown instanceof BridgeError)) throw thrown;
      await this.#say(ghost, event, thrown.message);
      return shortened(thrown.message);
    }
  }

  /** A further ghost for a chat that is carried here already. */
  async #joinChat(ghost: UserId, room: RoomId): Promise<string | undefined> {
    const { links, adapter, names, ghosts } = this.#parts;
    for (const link of links.byRoom(room)) {
      for await (const member of adapter.channels.members(link.channel)) {
        if (names.ghostOf(member) !== ghost) continue;
        await ghosts.admit(member, room);
        return undefined;
      }
    }
    return 'the chat on the network is one of other people; begin a new one with all whom you mean';
  }

  async #carry(event: MatrixEvent, ghost: UserId): Promise<void> {
    const { homeserver, names, links, plumb, chats, tell } = this.#parts;
    const { room, sender } = event;
    const state = await homeserver.fullState(room, ghost);
    const here = presentIn(state);
    const invited = here.filter((user) => names.isGhost(user));
    const people = here.filter((user) => !names.isGhost(user) && user !== names.bot);
    if (people.some((user) => user !== sender))
      throw new DeniedError('A private chat with people on the network has room for one Matrix person. Begin one for yourself.');
    if (event.content.is_direct !== true && !looksPrivate(state, invited.length))
      throw new DeniedError('I come into rooms that are linked to a channel I am in. For a private chat, begin a direct chat with me.');
    await this.#mustBeAllowed(sender, invited);
    const channel = await this.#open(sender, invited);
    if (isEncrypted(state)) {
      const own = await chats.open(channel, sender);
      throw new DeniedError(
        `I cannot read encrypted messages. You are invited to a room without encryption, where we can talk: https://matrix.to/#/${own}`,
      );
    }
    await this.#bringBot(ghost, room, state);
    for (const user of invited) if (user !== ghost) await this.#enter(user, room);
    if (await chats.placeIn(channel, room)) return await this.#parts.takeIn(room, event.at);
    const before = links.byChannel(channel).find((link) => link.origin === 'portal' && link.room !== room);
    const kind = invited.length > 1 ? 'group' : 'direct';
    const options = { chat: kind, people: [sender] };
    await plumb.link({ room, channel, origin: 'portal', requester: sender, options, cause: event.id });
    // Said to the ghost that had come in already, while the chat was being opened.
    await this.#parts.takeIn(room, event.at);
    // Last, so that no line meanwhile finds no room.
    if (before === undefined) return;
    tell(before.room, `This chat goes on in another room: https://matrix.to/#/${room}`);
    await chats.close(before, 'the chat goes on in another room');
  }

  async #mustBeAllowed(person: UserId, invited: readonly UserId[]): Promise<void> {
    const rules = new ChatRules(this.#parts.settings.chats);
    if (!rules.mayHave(person)) throw new DeniedError('The operator of this bridge does not let your private chats be carried.');
    for (const user of invited) {
      const remote = this.#remoteOf(user);
      const known = remote === undefined ? undefined : await this.#parts.adapter.user(remote);
      if (known !== undefined && !rules.mayBeWith(known))
        throw new DeniedError(`The operator of this bridge does not let private chats with ${known.name} be carried.`);
    }
  }

  async #open(person: UserId, invited: readonly UserId[]): Promise<ChannelId> {
    const { adapter, protocol } = this.#parts;
    const others = invited.flatMap((user) => this.#remoteOf(user) ?? []);
    try {
      const channel = await adapter.openDirect?.(person, others);
      if (channel !== undefined) return channel;
    } catch (thrown) {
      if (!(thrown instanceof BridgeError) || thrown.code !== 'NETWORK_LOGIN') throw thrown;
    }
    throw new DeniedError(
      `To speak with me in private you need an account of your own on ${protocol.name}: say “login” in a direct chat with ${this.#parts.homeserver.bot}, then invite me again.`,
    );
  }

  /** Without the bot in it the room cannot be heard. It has the power to say that the channel is ours, where the ghost may
   *  give it that. */
  async #bringBot(ghost: UserId, room: RoomId, state: readonly MatrixEvent[]): Promise<void> {
    const { homeserver, log } = this.#parts;
    const { bot } = homeserver;
    try {
      if (!presentIn(state).includes(bot)) await homeserver.invite(ghost, room, bot);
      await homeserver.join(bot, room);
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      throw new DeniedError(`The bridge’s bot must be in the room, and I may not invite it: invite ${bot}, then me again.`);
    }
    const power = powerIn(state);
    const needed = power.forState('m.room.power_levels');
    if (power.of(ghost) < needed || power.of(bot) >= needed) return;
    const levels = stateOf(state, 'm.room.power_levels')?.content ?? {};
    const users = { ...(levels.users as object | undefined), [bot]: Math.min(100, power.of(ghost)) };
    try {
      await homeserver.setState(ghost, room, 'm.room.power_levels', '', { ...levels, users });
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      log.info({ room, why: messageOf(thrown) }, 'the bot was not given power');
    }
  }

  async #enter(ghost: UserId, room: RoomId): Promise<void> {
    const { adapter, ghosts, homeserver } = this.#parts;
    const remote = this.#remoteOf(ghost);
    const person = remote === undefined ? undefined : await adapter.user(remote);
    if (person === undefined) throw new DeniedError('I am not on the network any more.');
    await ghosts.introduce(person);
    await homeserver.join(ghost, room);
  }

  async #waitForOthers(event: MatrixEvent): Promise<void> {
    const left = event.at + (this.#parts.settle ?? settleMs) - Date.now();
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
  }

  #remoteOf(ghost: UserId): RemoteUserId | undefined {
    const { ghosts, adapter, names } = this.#parts;
    return ghosts.remoteOf(ghost) ?? adapter.lookups?.user(names.fieldsOfGhost(ghost) ?? {})?.id;
  }

  /** In clear also where the room is encrypted, for who reads that reads this too. */
  async #say(ghost: UserId, event: MatrixEvent, body: string): Promise<void> {
    const content: Content = { msgtype: 'm.notice', body, 'm.mentions': {}, [noticeField]: true };
    try {
      await this.#parts.homeserver.send(ghost, event.room, 'm.room.message', `declined.${event.id}`, content);
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      this.#parts.log.info({ room: event.room, ghost, why: messageOf(thrown) }, 'a ghost could not say why it declines');
    }
  }
}

function presentIn(state: readonly MatrixEvent[]): UserId[] {
  return state.flatMap(({ type, stateKey, content }) =>
    type === 'm.room.member' && stateKey !== undefined && ['join', 'invite'].includes(String(content.membership)) ? [userId(stateKey)] : [],
  );
}

/** Closed, and either a pair without a name or a few ghosts around one person: what clients make that say nothing of `is_direct`. */
function looksPrivate(state: readonly MatrixEvent[], ghosts: number): boolean {
  const isNamed = stateOf(state, 'm.room.name') !== undefined || stateOf(state, 'm.room.canonical_alias') !== undefined;
  return stateOf(state, 'm.room.join_rules')?.content.join_rule === 'invite' && (!isNamed || ghosts > 1);
}

const shortened = (words: string): string => (words.length > 200 ? `${words.slice(0, 200)}…` : words);
