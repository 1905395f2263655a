// What is said in rooms, by whatever way: posts with their limits (4096 characters, virtual users by approved clients alone), edits within
// 600 s, deletes, threads and their counters, and who has read what. Follows the server's code of 2020; unverified: the statuses for a
// wrong `parentId`, and that an unread list holds a hundred at most.

import { banOfVirtual, forbidden, mayDelete, mustWrite } from './access.ts';
import { GitterFault } from './http.ts';
import { render } from './markdown.ts';
import type { Message, OAuthClient, Room, User, VirtualUser } from './model.ts';
import type { MessageShape, Shapes } from './shapes.ts';
import type { SpamGuard } from './spam.ts';
import type { World } from './world.ts';

export interface Draft {
  readonly room: Room;
  readonly user: User;
  readonly text: unknown;
  readonly isStatus?: boolean;
  readonly parentId?: string | undefined;
  readonly virtualUser?: unknown;
  /** By which it comes; a person's own app may do without. */
  readonly client?: OAuthClient | undefined;
}

const longest = 4096;
const editWindow = 600_000;
const longestName = 255;
const longestAvatarUrl = 2000;
const mostUnread = 100;

export class Messages {
  readonly #world: World;
  readonly #shapes: Shapes;
  readonly #guard: SpamGuard;

  constructor(world: World, shapes: Shapes, guard: SpamGuard) {
    this.#world = world;
    this.#shapes = shapes;
    this.#guard = guard;
  }

  /** A shadow-banned account gets a message back that is nowhere. */
  post({ room, user, text: said, isStatus = false, parentId, virtualUser: named, client }: Draft): Message {
    mustWrite(user, room, this.#world.quirks);
    const text = textOf(said);
    const virtualUser = named === undefined ? undefined : this.#virtualUser(named, room, client);
    const parent = parentId === undefined ? undefined : this.#parent(room, parentId);
    const message: Message = {
      id: this.#world.id(),
      room,
      user,
      virtualUser,
      text,
      rendered: this.#render(text),
      sent: this.#world.clock.now(),
      editedAt: undefined,
      isStatus,
      parentId: parent?.id,
      replies: new Set(),
      readers: new Set(),
      v: 1,
    };
    if (this.#guard.isShadowed(user, text)) return message;
    room.messages.push(message);
    this.#world.messages.set(message.id, message);
    this.#tell(message, 'create');
    if (parent !== undefined) this.#recount(parent, () => parent.replies.add(message.id));
    this.#markUnread(message);
    return message;
  }

  edit(message: Message, user: User, said: unknown): void {
    const text = textOf(said);
    if (message.user !== user) throw forbidden();
    if (this.#world.clock.now() - message.sent > editWindow) throw new GitterFault(400, 'You can no longer edit this message');
    message.text = text;
    message.rendered = this.#render(text);
    message.editedAt = this.#world.clock.now();
    message.v += 1;
    this.#tell(message, 'update');
  }

  /** A parent with replies is emptied, and told as an update without `editedAt`. */
  delete(message: Message, user: User): void {
    if (!mayDelete(user, message)) throw forbidden();
    this.discard(message);
  }

  discard(message: Message): void {
    const { room, id, parentId } = message;
    if (message.replies.size > 0) {
      message.text = '';
      message.rendered = this.#render('');
      message.editedAt = undefined;
      message.v += 1;
      this.#tell(message, 'update');
    } else {
      room.messages.splice(room.messages.indexOf(message), 1);
      this.#world.messages.delete(id);
      this.#world.announceModel(`/rooms/${room.id}/chatMessages`, 'chatMessages', 'remove', { id });
      const parent = parentId === undefined ? undefined : this.#world.messages.get(parentId);
      if (parent !== undefined) this.#recount(parent, () => parent.replies.delete(id));
    }
    for (const [reader, { unread, mentioned }] of room.members) {
      mentioned.delete(id);
      if (unread.delete(id)) this.#notifyUnread(reader, room, 'unread_items_removed', [id], []);
    }
  }

  /** Those that were unread. */
  read(room: Room, user: User, ids: Iterable<string>): void {
    const member = room.members.get(user.id);
    const fresh = [...ids].filter((id) => member?.unread.delete(id));
    if (member === undefined || fresh.length === 0) return;
    for (const id of fresh) {
      member.mentioned.delete(id);
      const message = this.#world.messages.get(id);
      if (message === undefined) continue;
      message.readers.add(user.id);
      message.v += 1;
      const { v, readers } = message;
      this.#world.announceModel(`/rooms/${room.id}/chatMessages`, 'chatMessages', 'patch', { id, readBy: readers.size, v });
      this.#world.announceModel(`/rooms/${room.id}/chatMessages/${id}/readBy`, 'readBy', 'create', this.#shapes.user(user));
    }
    this.#notifyUnread(user.id, room, 'unread_items_removed', fresh, []);
  }

  in(room: Room, id: string): Message {
    const message = this.#world.messages.get(id);
    if (message?.room !== room) throw new GitterFault(404, 'Not Found');
    return message;
  }

  show(message: Message, viewer?: User): MessageShape {
    return this.#shapes.message(message, viewer === undefined ? {} : { viewer });
  }

  #tell(message: Message, operation: 'create' | 'update'): void {
    this.#world.announceModel(`/rooms/${message.room.id}/chatMessages`, 'chatMessages', operation, this.#shapes.message(message));
  }

  /** Told as an update, though nobody edited anything. */
  #recount(parent: Message, change: () => void): void {
    change();
    parent.v += 1;
    this.#tell(parent, 'update');
  }

  #markUnread({ id, room, user, rendered }: Message): void {
    const isForAll = rendered.mentions.some(({ announcement }) => announcement);
    for (const [reader, member] of room.members) {
      const isMentioned = isForAll || rendered.mentions.some(({ userId }) => userId === reader);
      if (reader === user.id || (member.isLurking && !isMentioned)) continue;
      member.unread.add(id);
      if (member.unread.size > mostUnread) member.unread.delete(member.unread.values().next().value ?? '');
      if (isMentioned) member.mentioned.add(id);
      if (!this.#world.online.has(reader)) continue;
      this.#notifyUnread(reader, room, 'unread_items', [id], isMentioned ? [id] : []);
      if (isMentioned || room.isOneToOne) this.#notifyUser(reader, room, user);
    }
  }

  #notifyUnread(reader: string, room: Room, notification: string, chat: string[], mention: string[]): void {
    const items = { chat, ...(mention.length > 0 && { mention }) };
    this.#world.announce(`/user/${reader}/rooms/${room.id}/unreadItems`, `notification/${notification}`, { notification, items });
    const member = room.members.get(reader);
    const counts = { id: room.id, unreadItems: member?.unread.size ?? 0, mentions: member?.mentioned.size ?? 0 };
    this.#world.announceModel(`/user/${reader}/rooms`, 'rooms', 'patch', counts);
  }

  #notifyUser(reader: string, room: Room, from: User): void {
    const about = {
      title: from.displayName,
      text: `${from.username} in ${room.uri ?? 'a private chat'}`,
      link: `/${room.uri ?? from.username}`,
    };
    this.#world.announce(`/user/${reader}`, 'notification/user_notification', { notification: 'user_notification', ...about });
  }

  #parent(room: Room, id: string): Message {
    const parent = this.#world.messages.get(id);
    if (parent?.room !== room) throw new GitterFault(400, `Parent message ${id} was not found`);
    if (parent.parentId !== undefined) throw new GitterFault(400, 'A message of a thread cannot begin one');
    return parent;
  }

  #virtualUser(named: unknown, room: Room, client: OAuthClient | undefined): VirtualUser {
    if (client?.mayUseVirtualUsers !== true) throw forbidden();
    const { type, externalId, displayName, avatarUrl } = named as Readonly<Record<string, unknown>>;
    const isName = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= longestName;
    if (!isName(type) || !isName(externalId) || !isName(displayName)) throw new GitterFault(400, 'virtualUser is not valid');
    if (avatarUrl !== undefined && (typeof avatarUrl !== 'string' || avatarUrl.length > longestAvatarUrl))
      throw new GitterFault(400, 'virtualUser.avatarUrl is not valid');
    const virtualUser = { type, externalId, displayName, ...(avatarUrl !== undefined && { avatarUrl }) };
    if (banOfVirtual(virtualUser, room) !== undefined) throw forbidden();
    return virtualUser;
  }

  #render(text: string): Message['rendered'] {
    return render(text, (username) => this.#world.userNamed(username));
  }
}

function textOf(said: unknown): string {
  if (typeof said !== 'string' || said.trim() === '') throw new GitterFault(400, 'Text is required');
  if (said.length > longest) throw new GitterFault(400, 'Message exceeds maximum size');
  return said;
}
