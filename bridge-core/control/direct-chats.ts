// Invitations to the bot and to ghosts, direct chats with the bot, and what to do where a room is encrypted: answer in clear,
// and go on in a room that cannot be. What is said in a direct chat is commands.ts'.

import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { messageOf, PermanentError } from '../errors.ts';
import { type RoomId, roomId, type UserId, userId } from '../ids.ts';
import { type Content, type MatrixEvent, noticeField, stringIn } from '../matrix-event.ts';
import type { Roster } from '../membership/roster.ts';
import type { Links } from '../plumbing/links.ts';
import type { Plumb } from '../plumbing/plumb.ts';
import { isEncrypted, stateOf } from '../plumbing/power.ts';
import type { Upgrades } from '../plumbing/upgrades.ts';
import type { Notes } from '../store/store.ts';
import type { Names } from '../virtual-users/names.ts';
import type { Permissions } from './permissions.ts';

export interface DirectChatsParts {
  readonly homeserver: Pick<Homeserver, 'bot' | 'join' | 'leave' | 'invite' | 'kick' | 'send' | 'createRoom' | 'state' | 'fullState'>;
  readonly permissions: Permissions;
  readonly names: Names;
  readonly roster: Roster;
  readonly links: Links;
  readonly plumb: Pick<Plumb, 'isConfigured' | 'reconsider' | 'suspend'>;
  readonly upgrades: Pick<Upgrades, 'awaits' | 'invited'>;
  readonly notes: Notes;
  readonly tell: (room: RoomId, text: string) => void;
  /** Somebody invites a ghost: why it is to decline; undefined where that is done with. */
  readonly ghostInvited: (event: MatrixEvent) => Promise<string | undefined>;
  /** Who may link a room. */
  readonly linker: string;
  /** The list of commands, for a greeting. */
  readonly help: () => string;
  /** The protocol: its name for people, its id for commands. */
  readonly protocol: { readonly id: string; readonly name: string };
  readonly log: Logger;
}

/** Nobody has so much power: rooms that we make stay as they are. */
const beyondReach = 1000;

const noteOf = (room: RoomId): string => `direct:${room}`;
const noteFor = (user: UserId): string => `direct of ${user}`;
/** The chat that the person used last, whoever made it. */
const noteOfChat = (user: UserId): string => `chat with ${user}`;

export class DirectChats {
  readonly #parts: DirectChatsParts;
  readonly #opening = new Map<UserId, Promise<RoomId>>();

  constructor(parts: DirectChatsParts) {
    this.#parts = parts;
  }

  /** A chat of one person with the bot, where every line is for the bot. */
  isDirect(room: RoomId): boolean {
    const { notes, roster, links } = this.#parts;
    return notes.get(noteOf(room)) !== undefined && links.byRoom(room).length === 0 && roster.present(room).length <= 2;
  }

  /** A direct chat with this person: the one that they use, or a new one that they are invited to. */
  chatWith(person: UserId): Promise<RoomId> {
    const opening = this.#opening.get(person) ?? this.#chatWith(person).finally(() => this.#opening.delete(person));
    this.#opening.set(person, opening);
    return opening;
  }

  isInvite(event: MatrixEvent): boolean {
    const { names } = this.#parts;
    if (event.type !== 'm.room.member' || event.content.membership !== 'invite' || event.stateKey === undefined) return false;
    const invited = userId(event.stateKey);
    const isOurs = event.sender === names.bot || names.isGhost(event.sender);
    return !isOurs && (invited === names.bot || names.isGhost(invited));
  }

  /** Somebody makes a room unreadable that the bridge reads. */
  isEncryption(event: MatrixEvent): boolean {
    if (event.type !== 'm.room.encrypted' && !(event.type === 'm.room.encryption' && event.stateKey === '')) return false;
    return this.#parts.links.byRoom(event.room).some(({ state }) => state !== 'suspended') || this.isDirect(event.room);
  }

  async invited(event: MatrixEvent): Promise<void> {
    const { names, homeserver, permissions, plumb, upgrades, tell } = this.#parts;
    const { room, sender } = event;
    const invited = userId(event.stateKey ?? '');
    if (names.isGhost(invited)) {
      const why = await this.#parts.ghostInvited(event);
      return why === undefined ? undefined : await this.#decline(invited, room, why);
    }
    const isAwaited = upgrades.awaits(room);
    const isWanted = isAwaited || plumb.isConfigured(room);
    if (!isWanted && permissions.levelOf(sender) === 'none')
      return await this.#decline(homeserver.bot, room, `${sender} may not use this bridge; its operator can allow it`);
    if (!(await this.#enter(room))) return;
    // What they say before anything else of the room is known is said to us.
    if (!isWanted && event.content.is_direct === true) await this.#note(room, sender);
    if (isAwaited) await upgrades.invited(room);
    plumb.reconsider(room);
    await this.#parts.roster.refresh(room);
    if (isWanted) return;
    const state = await homeserver.fullState(room);
    const isDirect = event.content.is_direct === true || isUnnamedPair(state);
    if (isDirect) await this.#note(room, sender);
    if (isDirect && isEncrypted(state)) await this.#goOnInClear(room, sender, event.id);
    else if (isDirect) tell(room, this.#greeting());
    else if (isEncrypted(state))
      tell(room, 'This room is encrypted, so it cannot be linked: the bridge could not read it. Use a room without encryption.');
    else tell(room, `To link this room to a channel, ${this.#parts.linker} says “!${this.#parts.protocol.id} link #channel” here.`);
  }

  /** The bot is out of the room. */
  async left(room: RoomId): Promise<void> {
    const { notes } = this.#parts;
    const person = notes.get(noteOf(room));
    if (person === undefined) return;
    await notes.set(noteOf(room), undefined);
    if (notes.get(noteOfChat(person as UserId)) === room) await notes.set(noteOfChat(person as UserId), undefined);
  }

  async encrypted(event: MatrixEvent): Promise<void> {
    const { homeserver, links, plumb, notes } = this.#parts;
    const { room } = event;
    const open = links.byRoom(room).filter(({ state }) => state !== 'suspended');
    if (open.length === 0 && !this.isDirect(room)) return;
    // Anybody may send what nobody can read into any room: only the room's own state makes it an encrypted one.
    if ((await homeserver.state(room, 'm.room.encryption', '')) === undefined) return;
    if (open.length > 0) {
      const notice =
        'This room is encrypted now, so the bridge can no longer read it, and nothing is carried from or to it any more. ' +
        'Encryption cannot be taken back: link a room without it.';
      await plumb.suspend(open.slice(0, 1), 'the room is encrypted', notice);
      await plumb.suspend(open.slice(1), 'the room is encrypted');
    } else {
      const person = notes.get(noteOf(room));
      await this.#goOnInClear(room, userId(typeof person === 'string' ? person : event.sender), event.id);
    }
  }

  /** In clear, for who reads the encrypted room reads that too; then a room of our own, and out of theirs. */
  async #goOnInClear(room: RoomId, person: UserId, cause: string): Promise<void> {
    const { homeserver, notes, tell } = this.#parts;
    const own = await this.#own(person);
    const body = `I cannot read encrypted messages. I have invited you to a chat of ours without encryption: https://matrix.to/#/${own}`;
    const content: Content = { msgtype: 'm.notice', body, 'm.mentions': {}, [noticeField]: true };
    try {
      await homeserver.send(homeserver.bot, room, 'm.room.message', `direct.${cause}`, content);
      await homeserver.leave(homeserver.bot, room, 'this chat is encrypted');
    } catch (thrown) {
      // Done before a crash: we are out of it.
      if (!(thrown instanceof PermanentError)) throw thrown;
    }
    await notes.set(noteOf(room), undefined);
    tell(own, this.#greeting());
  }

  async #chatWith(person: UserId): Promise<RoomId> {
    const { notes, roster } = this.#parts;
    const used = notes.get(noteOfChat(person));
    if (typeof used === 'string' && this.isDirect(roomId(used)) && roster.isIn(roomId(used), person)) return roomId(used);
    return await this.#own(person);
  }

  /** One that we made ourselves, so that it cannot be encrypted. */
  async #own(person: UserId): Promise<RoomId> {
    const own = (await this.#existing(person)) ?? (await this.#create(person));
    await this.#parts.notes.set(noteFor(person), own);
    await this.#note(own, person);
    return own;
  }

  async #note(room: RoomId, person: UserId): Promise<void> {
    await this.#parts.notes.set(noteOf(room), person);
    await this.#parts.notes.set(noteOfChat(person), room);
  }

  /** The chat that we opened before, if the person is in it or can be brought back. */
  async #existing(person: UserId): Promise<RoomId | undefined> {
    const { homeserver, notes } = this.#parts;
    const known = notes.get(noteFor(person));
    if (typeof known !== 'string') return undefined;
    const room = roomId(known);
    try {
      const member = await homeserver.state(room, 'm.room.member', person);
      const membership = stringIn(member, 'membership');
      if (membership !== 'join' && membership !== 'invite') await homeserver.invite(homeserver.bot, room, person);
      return room;
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      return undefined;
    }
  }

  async #create(person: UserId): Promise<RoomId> {
    const { homeserver, protocol, log } = this.#parts;
    const room = await homeserver.createRoom(homeserver.bot, {
      // Not trusted_private_chat: that gives the invited a creator's power, which no level limits.
      preset: 'private_chat',
      is_direct: true,
      name: `${protocol.name} bridge`,
      invite: [person],
      power_level_content_override: {
        invite: 50,
        events: {
          'm.room.encryption': beyondReach,
          'm.room.tombstone': 100,
          'm.room.power_levels': 100,
          'm.room.history_visibility': 100,
          'm.room.server_acl': 100,
        },
      },
    });
    if (isEncrypted(await homeserver.fullState(room)))
      log.error(
        { room },
        'the homeserver encrypts every new room (encryption_enabled_by_default_for_room_type), so nobody can talk to the bot',
      );
    return room;
  }

  async #enter(room: RoomId): Promise<boolean> {
    const { homeserver, log } = this.#parts;
    try {
      await homeserver.join(homeserver.bot, room);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      log.info({ room, why: messageOf(thrown) }, 'an invitation no longer stands');
      return false;
    }
  }

  async #decline(invited: UserId, room: RoomId, reason: string): Promise<void> {
    const { homeserver, log } = this.#parts;
    const { bot } = homeserver;
    // A ghost of nobody is not registered and cannot speak for itself: then the bot takes the invitation back, where it may.
    const ways = [
      () => homeserver.leave(invited, room, reason),
      ...(invited === bot ? [] : [() => homeserver.kick(bot, room, invited, reason)]),
    ];
    for (const decline of ways) {
      try {
        return await decline();
      } catch (thrown) {
        if (!(thrown instanceof PermanentError)) throw thrown;
        log.info({ room, invited, why: messageOf(thrown) }, 'an invitation could not be declined');
      }
    }
  }

  #greeting(): string {
    return `Hello, I am the ${this.#parts.protocol.name} bridge.\n${this.#parts.help()}`;
  }
}

/** Clients that forget to say that a chat is direct still make it look like one. */
function isUnnamedPair(state: readonly MatrixEvent[]): boolean {
  const isHere = ({ type, content }: MatrixEvent) => type === 'm.room.member' && ['join', 'invite'].includes(String(content.membership));
  const isNamed = stateOf(state, 'm.room.name') !== undefined || stateOf(state, 'm.room.canonical_alias') !== undefined;
  const isClosed = stateOf(state, 'm.room.join_rules')?.content.join_rule === 'invite';
  return isClosed && !isNamed && state.filter(isHere).length === 2;
}
