// Somebody in Gitter's own client: does what a person does there, and sees what they would see. Nothing of it goes over the API, so no rate
// holds it back; what Gitter forbids to a person it forbids here too, by a GitterFault with its status.

import type { Recorded, Search } from '../fake-services/recorded.ts';
import { patience } from '../waiting.ts';
import { canRead } from './access.ts';
import { GitterFault } from './http.ts';
import type { Messages } from './messages.ts';
import type { Message, OAuthClient, Room, User, VirtualName } from './model.ts';
import type { OAuth } from './oauth.ts';
import type { People } from './people.ts';
import type { Rooms } from './rooms.ts';
import type { MessageShape } from './shapes.ts';
import type { Tokens } from './tokens.ts';
import type { World } from './world.ts';

export interface PersonParts {
  readonly world: World;
  readonly messages: Messages;
  readonly rooms: Rooms;
  readonly people: People;
  readonly oauth: OAuth;
  readonly tokens: Tokens;
  /** A line for every happening, for `waitForMessage`. */
  readonly happenings: Recorded<string>;
}

/** A room, its id or its uri (`org/room`); a person for the one-to-one room with them. */
export type Place = Room | Person | string;

export class Person {
  readonly user: User;
  readonly #parts: PersonParts;

  constructor(parts: PersonParts, user: User) {
    this.#parts = parts;
    this.user = user;
  }

  get id(): string {
    return this.user.id;
  }

  get username(): string {
    return this.user.username;
  }

  /** The message's id. `thread`: the parent's id. */
  say(place: Place, text: string, { thread, isStatus = false }: { thread?: string; isStatus?: boolean } = {}): string {
    return this.#parts.messages.post({ room: this.#place(place), user: this.user, text, isStatus, parentId: thread }).id;
  }

  reply(place: Place, parent: string, text: string): string {
    return this.say(place, text, { thread: parent });
  }

  /** `/me`, as the web client sends it: `@username ` before the words. */
  me(place: Place, words: string): string {
    return this.say(place, `@${this.username} ${words}`, { isStatus: true });
  }

  edit(id: string, text: string): void {
    this.#parts.messages.edit(this.#message(id), this.user, text);
  }

  /** One's own, or as an admin anybody's. */
  delete(id: string): void {
    this.#parts.messages.delete(this.#message(id), this.user);
  }

  join(place: Place): void {
    this.#parts.rooms.join(this.#place(place), this.user);
  }

  leave(place: Place): void {
    this.#parts.rooms.remove(this.#place(place), this.user, this.user);
  }

  add(place: Place, who: Person): void {
    this.#parts.rooms.add(this.#place(place), who.user, this.user);
  }

  kick(place: Place, who: Person): void {
    this.#parts.rooms.remove(this.#place(place), who.user, this.user);
  }

  /** Of somebody, or of a virtual user (`{ type: 'matrix', externalId: 'ann:example.org' }`). */
  ban(place: Place, who: Person | VirtualName, { removeMessages = false } = {}): void {
    this.#parts.rooms.ban(this.#place(place), who instanceof Person ? who.user : who, this.user, removeMessages);
  }

  unban(place: Place, who: Person | VirtualName): void {
    const name = who instanceof Person ? who.username : `${who.type}-${who.externalId}`;
    this.#parts.rooms.unban(this.#place(place), name, this.user);
  }

  setTopic(place: Place, topic: string): void {
    this.#parts.rooms.change(this.#place(place), this.user, { topic });
  }

  /** By an admin of the community. */
  createRoom(uri: string, options: { topic?: string; isPrivate?: boolean } = {}): Room {
    return this.#parts.rooms.create(uri, this.user, options);
  }

  deleteRoom(place: Place): void {
    this.#parts.rooms.delete(this.#place(place), this.user);
  }

  /** The one-to-one room with somebody, found or made. */
  open(other: Person): Room {
    return this.#parts.rooms.oneToOne(this.user, other.user);
  }

  /** All of a room, or some messages. */
  read(place: Place, ids?: readonly string[]): void {
    const room = this.#place(place);
    this.#parts.messages.read(room, this.user, ids ?? room.members.get(this.id)?.unread ?? []);
  }

  /** The person's window shows the room, or no longer does. */
  setPresence(place: Place, status: 'in' | 'out'): void {
    this.#parts.rooms.setPresence(this.#place(place), this.user, status);
  }

  setDisplayName(displayName: string): void {
    this.#parts.people.change(this.user, { displayName });
  }

  setAvatar(avatar: Buffer): void {
    this.#parts.people.change(this.user, { avatar });
  }

  rename(username: string): void {
    this.#parts.people.change(this.user, { username });
  }

  /** Agrees on the consent page; the address that the browser is sent to. */
  approve(authorizeUrl: string): string {
    return this.#parts.oauth.decideFor(this.user, authorizeUrl, true);
  }

  deny(authorizeUrl: string): string {
    return this.#parts.oauth.decideFor(this.user, authorizeUrl, false);
  }

  /** Takes back what the person allowed an app; without one, all apps. */
  revoke(client?: OAuthClient): void {
    this.#parts.tokens.revokeOf(this.user, client);
  }

  /** All messages of a room as the person sees them, oldest first, threads apart. */
  sees(place: Place): MessageShape[] {
    const { messages } = this.#readable(place);
    return messages.filter(({ parentId }) => parentId === undefined).map((message) => this.#show(message));
  }

  texts(place: Place): string[] {
    return this.sees(place).map(({ text }) => text);
  }

  thread(parent: string): MessageShape[] {
    return this.#message(parent)
      .room.messages.filter(({ parentId }) => parentId === parent)
      .map((message) => this.#show(message));
  }

  unread(place: Place): string[] {
    return [...(this.#place(place).members.get(this.id)?.unread ?? [])];
  }

  /** In the room or in one of its threads; text as a whole, by pattern, or whatever else of the message. */
  async waitForMessage(
    place: Place,
    fits: string | RegExp | ((message: MessageShape) => boolean),
    { timeout = patience }: Search = {},
  ): Promise<MessageShape> {
    let found: MessageShape | undefined;
    const isIt = (message: Message) =>
      typeof fits === 'function' ? fits(this.#show(message)) : typeof fits === 'string' ? message.text === fits : fits.test(message.text);
    const look = () => {
      const message = this.#find(place)?.messages.findLast(isIt);
      found = message === undefined ? undefined : this.#show(message);
      return found !== undefined;
    };
    const last = () =>
      JSON.stringify(
        this.#find(place)
          ?.messages.slice(-3)
          .map(({ user, text }) => `${user.username}: ${text}`),
      );
    await this.#parts.happenings.until(look, timeout, () => `${this.username} did not see ${String(fits)}; the last were ${last()}`);
    return found as unknown as MessageShape;
  }

  /** Until a message is gone, or emptied. */
  async waitForRemoval(id: string, { timeout = patience }: Search = {}): Promise<void> {
    const { world, happenings } = this.#parts;
    await happenings.until(
      () => (world.messages.get(id)?.text ?? '') === '',
      timeout,
      () => `${id} is still there`,
    );
  }

  #show(message: Message): MessageShape {
    return this.#parts.messages.show(message, this.user);
  }

  #find(place: Place): Room | undefined {
    const { world } = this.#parts;
    if (typeof place === 'string') return world.rooms.get(place) ?? world.roomAt(place);
    return place instanceof Person ? world.oneToOneBetween(this.id, place.id) : place;
  }

  #place(place: Place): Room {
    const found = this.#find(place);
    if (found !== undefined) return found;
    if (place instanceof Person) return this.open(place);
    throw new GitterFault(404, 'Not Found');
  }

  #readable(place: Place): Room {
    const room = this.#place(place);
    if (!canRead(this.user, room)) throw new GitterFault(403, 'Forbidden');
    return room;
  }

  #message(id: string): Message {
    const message = this.#parts.world.messages.get(id);
    if (message === undefined) throw new GitterFault(404, 'Not Found');
    return message;
  }
}
