// Whatever Gitter tells of a room, whichever way it comes: whether it is our own doing, what changed by it, and then on to the core, in
// order within a room, once. A thread's counter is told as a change of its first message: that is no edit.

import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelId, type Inbox, type Logger, RetryableError, messageOf as reasonOf } from '#bridge-core';
import type { GitterBody } from './body.ts';
import { authorOf, editOf, type GitterEvent, messageOf, type Place, removalOf, sentAt } from './events.ts';
import { makeMessageId } from './ids.ts';
import type { GitterNetwork } from './network.ts';
import type { Room } from './rooms.ts';
import { remoteUserOf } from './users.ts';
import { isRecord, messageIn, type WireChange, type WireMessage } from './wire/objects.ts';

export interface IntakeParts {
  readonly network: GitterNetwork;
  readonly inbox: Inbox<GitterBody>;
  readonly log: Logger;
  readonly count: (name: string, labels?: Readonly<Record<string, string>>) => void;
  /** A message of this room was handed on, or known to be ours. */
  readonly heard: (room: Room, message: WireMessage) => void;
}

/** As it was last seen. */
export interface Known {
  readonly message: WireMessage;
  readonly room: string;
}

/** Messages of all rooms. */
const mostKnown = 10_000;
/** ms between two tries to hand on what the core cannot take. */
const againAfter = 1_000;

export class Intake {
  readonly #parts: IntakeParts;
  /** By room: what must be handed on before the next. */
  readonly #lines = new Map<string, Promise<unknown>>();
  readonly #known = new Map<string, Known>();
  readonly #given = new Set<string>();
  /** By room, where it was renamed since we began: what its links are tied to. */
  readonly #called = new Map<string, ChannelId>();
  #isClosed = false;
  /** Set once something is left for the next start to read: what follows it must not be told before it. */
  #left: RetryableError | undefined;
  #isKeeping = false;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Told by the realtime channel. */
  hear(room: Room, told: unknown): void {
    const { operation, model } = isRecord(told) ? (told as WireChange) : {};
    const message = messageIn(model);
    if (operation === undefined || message === undefined) return;
    if (operation === 'create') this.#note(message);
    this.#run(room, () => this.#take(room, operation, message));
  }

  /** Told by a stream: new ones alone. */
  stream(room: Room, message: WireMessage): void {
    this.hear(room, { operation: 'create', model: message });
  }

  /** Nothing of the room is handed on until `work` is done; it hands on by `read`. */
  before(room: Room, work: () => Promise<void>): Promise<void> {
    return this.#run(room, work);
  }

  /** The room is called otherwise, and so it is told once what came before was handed on under the name of then. */
  moved(from: ChannelId, room: Room): void {
    const follow = async () => {
      await this.#hand(async () => await this.#parts.inbox.moved?.(from, room.channel));
      this.#called.set(room.id, room.channel);
    };
    this.#run(room, follow).catch(() => {});
  }

  /** As its links know it, for whatever is handed on in its turn. */
  channelOf({ id, channel }: Pick<Room, 'id' | 'channel'>): ChannelId {
    return this.#called.get(id) ?? channel;
  }

  /** Read in the history, which was heard until `since`: said, edited or known already. */
  async read(room: Room, message: WireMessage, since: number): Promise<void> {
    this.#note(message);
    if (this.#known.has(message.id)) return await this.#changed(room, message);
    if (isEmptied(message)) return await this.#gone(room, message.id);
    await this.#said(room, message);
    // Said before we were started; whether it was heard is for the core to know.
    const isEdited = typeof message.editedAt === 'string' && Date.parse(message.editedAt) > since && sentAt(message) <= since;
    if (isEdited && !(await this.#isOwnOfBefore(room, message))) await this.#edited(room, message);
  }

  /** What is remembered of a room, newest last. */
  knownIn(room: Room): WireMessage[] {
    return [...this.#known.values()].filter((known) => known.room === room.id).map(({ message }) => message);
  }

  known(id: string): WireMessage | undefined {
    return this.#known.get(id)?.message;
  }

  /** Or is about to be handed on. */
  wasHeard({ id }: WireMessage): boolean {
    return this.#known.has(id) || this.#parts.network.posts.wasSeen(id);
  }

  async removed(room: Room, id: string): Promise<void> {
    await this.#take(room, 'remove', { id });
  }

  /** Read there, and heard before: it may have been edited since. */
  async reread(room: Room, message: WireMessage, since: number): Promise<void> {
    if (this.#known.has(message.id)) return await this.#changed(room, message);
    // The first message of a thread is only emptied.
    if (isEmptied(message)) return await this.#gone(room, message.id);
    const isEdited = typeof message.editedAt === 'string' && Date.parse(message.editedAt) > since;
    if (isEdited && !(await this.#isOwnOfBefore(room, message))) await this.#edited(room, message);
  }

  isOurs(room: Room, message: WireMessage): Promise<boolean> {
    return this.#isOwnOfBefore(room, message);
  }

  /** Anything else of the room, in its turn. */
  tell(room: Room, event: GitterEvent): Promise<void> {
    return this.#run(room, () => this.#receive(event));
  }

  /** What cannot be handed on by now is tried no more. */
  close(): void {
    this.#isClosed = true;
  }

  #run(room: Room, work: () => Promise<void>): Promise<void> {
    const line = (this.#lines.get(room.id) ?? Promise.resolve()).then(work);
    const over = line
      .catch((thrown) => this.#parts.log.warn({ room: room.uri ?? room.id, err: thrown }, 'what Gitter told could not be taken in'))
      .then(() => {
        if (this.#lines.get(room.id) === over) this.#lines.delete(room.id);
      });
    this.#lines.set(room.id, over);
    return line;
  }

  async #take(room: Room, operation: NonNullable<WireChange['operation']>, message: WireMessage): Promise<void> {
    switch (operation) {
      case 'create':
        return await this.#said(room, message);
      case 'remove':
        return await this.#gone(room, message.id);
      default:
        return await this.#changed(room, message);
    }
  }

  async #said(room: Room, message: WireMessage): Promise<void> {
    if (message.parentId !== undefined) this.#parts.network.threads.note(message.id, message.parentId);
    if (this.#given.has(message.id)) return;
    if (await this.#isOwn(room, message)) {
      this.#keep(room, message);
      this.#parts.heard(room, message);
      return;
    }
    await this.#noteAuthor(room, message);
    const event = messageOf(message, this.#placeOf(room));
    if (event === undefined) return;
    await this.#give(event, message.id);
    this.#keep(room, message);
    this.#parts.heard(room, message);
  }

  /** An edit, only where the words are others or the time of an edit is; without words and such a time it was taken away. */
  async #changed(room: Room, told: WireMessage): Promise<void> {
    const known = this.#known.get(told.id)?.message;
    // A patch tells some of it.
    const message = { ...known, ...told };
    if (known === undefined && (told.text === undefined || told.fromUser === undefined)) return;
    this.#keep(room, message);
    if (isEmptied(message)) {
      if (known?.text !== '') await this.#gone(room, message.id);
      return;
    }
    const isEdited = known === undefined ? typeof message.editedAt === 'string' : known.text !== message.text || isLater(message, known);
    if (isEdited && !(await this.#isOwn(room, message, true))) await this.#edited(room, message);
  }

  async #edited(room: Room, message: WireMessage): Promise<void> {
    const event = editOf(message, this.#placeOf(room), Date.now());
    if (event !== undefined) await this.#give(event, event.id ?? '');
  }

  async #gone(room: Room, id: string): Promise<void> {
    this.#known.delete(id);
    if (this.#parts.network.posts.isRemoved(id)) return;
    const event = removalOf(id, this.#placeOf(room), Date.now());
    await this.#give(event, event.id ?? '');
  }

  /** What a login of ours says may be said by its person elsewhere; all else of ours is said here alone. */
  async #isOwn(room: Room, message: WireMessage, isEdit = false): Promise<boolean> {
    const { posts, bot } = this.#parts.network;
    const { virtualUser, fromUser, id, text = '' } = message;
    if (virtualUser !== undefined)
      return (await posts.isSaidByUs(message, bot.id, room.id)) || (isEdit && (await this.#wasOursBefore(room, message)));
    const author = fromUser?.id ?? '';
    if (author === bot.id) return true;
    // Also by a login that is over by now, while what it said comes back.
    if (isEdit) return posts.isEdit(id, text, message.editedAt ?? undefined);
    if (posts.isPosted(id)) return true;
    const settled = posts.settled(author, room.id);
    if (settled === undefined) return false;
    await settled;
    return posts.isPosted(id);
  }

  async #isOwnOfBefore(room: Room, message: WireMessage): Promise<boolean> {
    return (await this.#isOwn(room, message)) || (await this.#wasOursBefore(room, message));
  }

  /** An earlier process said it under the name of somebody of ours. */
  async #wasOursBefore(room: Room, { virtualUser, id }: WireMessage): Promise<boolean> {
    const { network, inbox } = this.#parts;
    if (virtualUser === undefined || !network.posts.isOurs(virtualUser)) return false;
    const [shown] = (await inbox.shown?.(this.#placeOf(room).channel, makeMessageId(id), makeMessageId(id))) ?? [];
    return shown !== undefined && shown.sender === undefined;
  }

  #note(message: WireMessage): void {
    this.#parts.network.posts.seen(message.id);
  }

  /** Who is called otherwise now is told to be before they are heard. */
  async #noteAuthor(room: Room, message: WireMessage): Promise<void> {
    const author = authorOf(message);
    if (author === undefined) return;
    const was = this.#parts.network.users.keep(author);
    if (was === undefined) return;
    const user = remoteUserOf(author);
    await this.#receive({ kind: 'profile', channel: this.#placeOf(room).channel, at: sentAt(message), user, was });
  }

  async #give(event: GitterEvent, name: string): Promise<void> {
    if (this.#given.has(name)) return;
    this.#given.add(name);
    const [oldest] = this.#given;
    if (this.#given.size > mostKnown && oldest !== undefined) this.#given.delete(oldest);
    try {
      await this.#receive(event);
    } catch (thrown) {
      // The next gap that is filled brings it again.
      this.#given.delete(name);
      throw thrown;
    }
  }

  #receive(event: GitterEvent): Promise<void> {
    return this.#hand(() => this.#parts.inbox.receive(event));
  }

  /** What the core cannot take for a while (its disk is full) holds up its room: what follows would mark it as heard. */
  async #hand(give: () => Promise<void>): Promise<void> {
    for (;;) {
      if (this.#left !== undefined) throw this.#left;
      try {
        await give();
        this.#isKeeping = false;
        return;
      } catch (thrown) {
        if (!(thrown instanceof RetryableError)) throw thrown;
        if (this.#isClosed) this.#left = thrown;
        else if (!this.#isKeeping)
          this.#parts.log.error({ error: reasonOf(thrown) }, 'events cannot be taken in: they are kept and given again');
        this.#isKeeping = true;
      }
      if (!this.#isClosed) await delay(againAfter, undefined, { ref: false });
    }
  }

  /** It may be called otherwise by now, which comes behind what is in its turn. */
  #placeOf(room: Room): Place {
    return { ...placeOf(this.#parts.network.rooms.byId(room.id) ?? room), channel: this.channelOf(room) };
  }

  #keep(room: Room, message: WireMessage): void {
    this.#known.delete(message.id);
    this.#known.set(message.id, { message, room: room.id });
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostKnown && oldest !== undefined) this.#known.delete(oldest);
  }
}

export const placeOf = ({ channel, project, home }: Room): Place => ({ channel, project, home });

const isEmptied = ({ text, editedAt }: WireMessage): boolean => text === '' && (editedAt ?? undefined) === undefined;

function isLater({ editedAt: now }: WireMessage, { editedAt: before }: WireMessage): boolean {
  return typeof now === 'string' && (typeof before !== 'string' || Date.parse(now) > Date.parse(before));
}
