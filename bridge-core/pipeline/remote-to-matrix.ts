// What happens on a network, shown in Matrix: the eight steps, readable top to bottom. `accept` takes an event in (1–4) and
// resolves once it is journaled; `carry` (5–8) runs at the head of the room's lane and throws what lanes.ts is to judge.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Brought } from '../appservice/brought.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { TokenRefused } from '../appservice/homeserver-errors.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import { type EventId, eventId, type RoomId, type UserId } from '../ids.ts';
import { keyField, stringIn } from '../matrix-event.ts';
import type { Chats } from '../plumbing/chats.ts';
import { isChat, isMade, type Link, type Links, type NewLink, receiverOf } from '../plumbing/links.ts';
import type { Json, RemoteEvent, RemoteUser } from '../remote-event.ts';
import type { Store } from '../store/store.ts';
import type { Doubles } from '../virtual-users/doubles.ts';
import type { Ghosts } from '../virtual-users/ghosts.ts';
import type { Names } from '../virtual-users/names.ts';
import type { CrossingAddresses } from './crossing-addresses.ts';
import type { Doubled } from './doubled.ts';
import { Echoes } from './echoes.ts';
import type { Failures } from './failures.ts';
import type { Journal } from './journal.ts';
import type { Lanes } from './lanes.ts';
import type { Recovery } from './recovery.ts';
import type { Relation, Relations } from './relations.ts';
import { heldLane, linkLane, needsRow, type Row, roomOfLane, type Task, towards } from './row.ts';
import type { Sending } from './sending.ts';
import { concerns, Showing } from './showing.ts';
import { slotOf } from './slots.ts';
import { isTakenIn, takeIn } from './taken-in.ts';

/** Later than this, an event is sent with the time at which it happened. */
const lateMs = 10_000;

export interface RemoteToMatrixParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'formatter' | 'channels' | 'speakerOf' | 'user'>;
  readonly homeserver: Homeserver;
  readonly brought: Pick<Brought, 'file' | 'picture'>;
  readonly store: Store;
  readonly journal: Journal;
  readonly lanes: Lanes;
  readonly relations: Relations;
  readonly recovery: Recovery;
  readonly links: Links;
  readonly ghosts: Ghosts;
  readonly names: Names;
  /** Where people are shown as themselves. */
  readonly doubles?: Pick<Doubles, 'personBehind' | 'includes' | 'isReady' | 'failed'> | undefined;
  readonly doubled?: Pick<Doubled, 'record'>;
  readonly addresses?: Pick<CrossingAddresses<Body>, 'toMatrix'>;
  readonly failures?: Pick<Failures<Body>, 'lost'>;
  /** Makes a ghost look like one's own, in the room of whom it stands for. */
  readonly mark?: ((user: RemoteUser, ghost: UserId, room: RoomId) => Promise<void>) | undefined;
  readonly chats?: Pick<Chats<Body>, 'linkFor' | 'placeOf'>;
  /** It is not for the eyes of the link's room. */
  readonly keepsBack?: (link: Link, row: Row) => false | Promise<boolean>;
  /** One line a step at level debug; `seq` names the message through all of them. */
  readonly log: Logger;
  /** Does what a command, invite or state event asks for. */
  readonly act: (event: Extract<Task, { do: 'act' }>['event']) => Promise<void>;
  /** Wanted states and passing things, which need no row: joins, leaves, names, typing, presence. */
  readonly passing: (event: RemoteEvent<Body>, links: readonly Link[]) => void;
  readonly count: (outcome: 'dropped' | 'repeated' | 'accepted') => void;
  /** How long it took from received to journaled, ms. */
  readonly journaled: (ms: number) => void;
  /** In the unit of the row: what was taken in last, for networks that can be asked for what was missed. */
  readonly heard?: ((event: RemoteEvent<Body>) => void) | undefined;
  /** Resolves once what waits in a lane towards the network is settled, if that is soon. Rejects at a stop. */
  readonly said?: (lane: string) => Promise<void>;
}

/** How an event comes in that is not simply the newest. */
export interface Taking {
  /** Journaled and kept out of its lane: what was missed before comes first. */
  readonly isHeld?: boolean;
  /** Only for these, to which it is new even where others have it. */
  readonly only?: readonly Link[];
}

const asNewest: Taking = {};
const nothingSent = eventId('');

export class RemoteToMatrix<Body extends Json> {
  readonly #parts: RemoteToMatrixParts<Body>;
  readonly #showing: Showing<Body>;
  readonly #echoes: Echoes;

  constructor(parts: RemoteToMatrixParts<Body>) {
    this.#parts = parts;
    this.#echoes = new Echoes(parts);
    this.#showing = new Showing(parts);
  }

  /** The rows that it became. */
  async accept(event: RemoteEvent<Body>, how = asNewest): Promise<readonly Row[]> {
    if (how.only === undefined && this.#isRepeat(event)) return [];
    const links = this.#hearers(how.only ?? this.#route(event));
    if (links.length === 0) return await this.#begin(event);
    if (needsRow(event)) return await this.#queue(event, links, how);
    await this.#pass(event, links);
    return [];
  }

  // 2 dedupe
  #isRepeat(event: RemoteEvent<Body>): boolean {
    if (event.id === undefined || !isTakenIn(this.#parts, event.channel, event.id)) return false;
    this.#parts.count('repeated');
    return true;
  }

  // 3 route
  #route(event: RemoteEvent<Body>): readonly Link[] {
    const live = this.#parts.links.liveOn(event.channel);
    return event.kind === 'channel' ? live.filter((link) => concerns(event, link)) : live;
  }

  /** Without the rooms of those who are not in the channel by their own account. */
  #hearers(links: readonly Link[]): readonly Link[] {
    return links.every(isShared) ? links : links.filter((link) => this.#isHeard(link) !== false);
  }

  /** Undefined: it is not known yet. */
  #isHeard(link: Link): boolean | undefined {
    const { channels } = this.#parts.adapter;
    const receiver = receiverOf(link);
    if (receiver === undefined) return true;
    return channels.isIn === undefined ? false : channels.isIn(link.channel, receiver);
  }

  /** A chat of people who are logged in gets a room of its own: its link is written with the row of its first line. All else
   *  that no room is linked to is nobody's. */
  async #begin(event: RemoteEvent<Body>): Promise<readonly Row[]> {
    const by = event.kind === 'message' ? event.sender : undefined;
    const chat = needsRow(event) ? this.#parts.chats?.linkFor(event.channel, by !== undefined, by) : undefined;
    if (chat === undefined) {
      this.#parts.count('dropped');
      return [];
    }
    if (isMade(chat)) return await this.#queue(event, [chat], asNewest);
    try {
      return await this.#queue(event, [], asNewest, chat);
    } catch (thrown) {
      this.#parts.links.disown(chat);
      throw thrown;
    }
  }

  /** What needs no row. Who went waits for what they said, so that must be in its lane before. */
  async #pass(event: RemoteEvent<Body>, links: readonly Link[]): Promise<void> {
    if (event.kind === 'membership' || event.kind === 'profile') await this.#parts.store.write(() => {});
    this.#parts.passing(event, links);
  }

  // 4 queue
  async #queue(event: RemoteEvent<Body>, on: readonly Link[], how: Taking, wanted?: NewLink): Promise<readonly Row[]> {
    const { store, journal, lanes, log } = this.#parts;
    const began = performance.now();
    const task: Task = { do: 'show', event: event as unknown as RemoteEvent };
    const laneOf = how.isHeld ? heldLane : linkLane;
    const rows = await store.write(() => {
      const isNew = takeIn(this.#parts, task.event, how.isHeld ? [] : on);
      if (!isNew && how.only === undefined) return [];
      if (!how.isHeld) this.#parts.heard?.(event);
      const to = isNew ? on : on.filter((link) => !this.#isKnown(event, link));
      return (wanted === undefined ? to : [this.#parts.links.begin(wanted)]).map((link) =>
        journal.append({ direction: towards.matrix, lane: laneOf(link), link: link.id, source: event.id ?? '', task }),
      );
    });
    for (const row of rows) {
      log.debug({ seq: row.seq, id: event.id, kind: event.kind, channel: event.channel }, 'journaled');
      if (!how.isHeld) lanes.push(row);
    }
    this.#parts.journaled(performance.now() - began);
    this.#parts.count('accepted');
    return rows;
  }

  /** For this link it was taken in already. */
  #isKnown({ id }: RemoteEvent<Body>, link: Link): boolean {
    const { journal, relations } = this.#parts;
    return id !== undefined && (journal.findBySource(link.id, id) !== undefined || relations.messagesOf(id, link.id).length > 0);
  }

  async carry(row: Row): Promise<void> {
    const { task } = row;
    if (task.do === 'act') {
      await this.#parts.act(task.event);
      await this.#parts.store.write(() => this.#parts.journal.remove(row));
      return;
    }
    if (this.#echoes.mayBe(task) && (await this.#echoes.is(task))) {
      this.#parts.log.debug({ seq: row.seq }, 'our own words come back');
      return await this.#parts.store.write(() => this.#parts.journal.remove(row));
    }
    const link = this.#parts.links.get(row.link);
    const isKept = link !== undefined && this.#parts.keepsBack?.(link, row);
    const shown = this.#isUnheard(row) ? undefined : (await isKept) ? shownOfKept(task) : task;
    if (shown === undefined) return await this.#parts.store.write(() => this.#parts.journal.remove(row));
    const place = this.#placeOf(row);
    const room = typeof place === 'string' ? place : await place;
    try {
      if (this.#parts.doubles !== undefined && (await this.#doubled(row, shown, room, this.#parts.doubles))) return;
      await this.#show(row, shown, room, await this.#speakAs(shown, room));
    } catch (thrown) {
      throw (await this.#isReplaced(row, room, thrown)) ? waitsForNewRoom(room, thrown) : thrown;
    }
  }

  /** Asked again, for it may not have been known before: what they are not to hear never gets into their room, nor into one unlinked. */
  #isUnheard({ link: id }: Row): boolean {
    const link = this.#parts.links.get(id);
    if (link === undefined) return id !== 0;
    if (isShared(link)) return false;
    const isHeard = this.#isHeard(link);
    if (isHeard === undefined)
      throw new RetryableError('NETWORK_LOGIN', `it is not known yet whether ${receiverOf(link)} is in the channel`, { after: 1_000 });
    return !isHeard;
  }

  /** What its person said by other means, as themselves where we may be them; false: their ghost is to show it. */
  async #doubled(row: Row, task: Task, room: RoomId, doubles: NonNullable<RemoteToMatrixParts<Body>['doubles']>): Promise<boolean> {
    if (task.do !== 'show' || !('sender' in task.event)) return false;
    const person = doubles.personBehind(task.event.sender.id);
    if (person === undefined) return false;
    const link = this.#parts.links.get(row.link);
    if (!(await doubles.isReady(person, room, link !== undefined && (isChat(link) || receiverOf(link) === person)))) return false;
    try {
      await this.#show(row, task, room, person);
      return true;
    } catch (thrown) {
      if (await doubles.failed(person, thrown)) return false;
      throw thrown;
    }
  }

  async #show(row: Row, task: Task, room: RoomId, as: UserId): Promise<void> {
    if (task.do === 'show' && task.event.kind === 'channel') await this.#markArchived(row, task.event.archived);
    const sendings = await this.#showing.sendingsFor(row, room, task, as);
    this.#parts.log.debug({ seq: row.seq, as, events: sendings.length }, 'converted');
    const events = await this.#deliver(row, room, sendings);
    this.#parts.log.debug({ seq: row.seq, events }, 'delivered');
    await this.#forgetGone(room, sendings);
    this.#record(row, sendings, events);
    if (task.do === 'show') this.#tellOfLost(task.event, sendings);
  }

  /** A ghost that was put out is known to be out by now, not once the homeserver tells us: its person may be back before that. */
  async #forgetGone(room: RoomId, sendings: readonly Sending[]): Promise<void> {
    const { ghosts, names } = this.#parts;
    for (const { type, stateKey = '' } of sendings)
      if (type === 'm.room.member' && names.isGhost(stateKey as UserId)) await ghosts.forget(room, stateKey as UserId);
  }

  #tellOfLost(event: RemoteEvent, sendings: readonly Sending[]): void {
    for (const { relation, content } of sendings)
      if (relation?.slot !== undefined && slotOf(relation.slot).is === 'lost') void this.#parts.failures?.lost(event, String(content.body));
  }

  /** The room; of a chat it may have to be made first. */
  #placeOf(row: Row): RoomId | Promise<RoomId> {
    const link = row.link === 0 ? undefined : this.#parts.links.get(row.link);
    if (link === undefined) return roomOfLane(row);
    return isChat(link) && this.#parts.chats !== undefined ? this.#parts.chats.placeOf(link) : link.room;
  }

  /** Before it is told, so that what follows is refused for sure. */
  async #markArchived(row: Row, archived: boolean | undefined): Promise<void> {
    const link = this.#parts.links.get(row.link);
    if (archived === undefined || link === undefined || (link.options.archived === true) === archived) return;
    await this.#parts.links.setOptions(link.id, { archived: archived || undefined });
  }

  /** A room that was upgraded lets nobody speak any more: what it refuses waits until the link has followed. */
  async #isReplaced(row: Row, room: RoomId, thrown: unknown): Promise<boolean> {
    if (row.link === 0 || !(thrown instanceof PermanentError) || thrown.code !== 'FORBIDDEN_IN_ROOM') return false;
    if (this.#parts.links.get(row.link)?.room !== room) return this.#parts.links.get(row.link) !== undefined;
    const { homeserver } = this.#parts;
    const tombstone = await homeserver.state(room, 'm.room.tombstone', '').catch(() => undefined);
    return stringIn(tombstone, 'replacement_room') !== undefined;
  }

  // 5 speak as
  async #speakAs(task: Task, room: RoomId): Promise<UserId> {
    const { adapter, homeserver } = this.#parts;
    // What is done there to the bot's own words has nobody else's name.
    if (task.do !== 'show' || !('sender' in task.event) || adapter.speakerOf(task.event.sender.id)?.as === 'bot') return homeserver.bot;
    const ghost = await this.#parts.ghosts.ready(task.event.sender, room);
    await this.#parts.mark?.(task.event.sender, ghost, room);
    return ghost;
  }

  // 7 deliver
  async #deliver(row: Row, room: RoomId, sendings: readonly Sending[]): Promise<EventId[]> {
    const { recovery, journal } = this.#parts;
    const events: EventId[] = [...(row.progress.proved ?? [])].map(eventId);
    const happened = row.task.do === 'show' ? row.task.event.at : row.task.do === 'repeat' ? row.task.at : row.at;
    for (const [part, sending] of sendings.entries()) {
      if (part < events.length) continue;
      const key = journal.keyOf(row, part);
      const found = row.unknownSince === 0 ? undefined : await this.#found(row, room, key, sending.as);
      const at = Date.now() - happened > lateMs ? Math.min(happened, row.at) : undefined;
      events.push(found ?? (await this.#send(room, sending, key, at)));
      // A try that fails at a later part goes on from here; over a restart, the room's history tells.
      if (sendings.length > 1) row.progress = { ...row.progress, proved: [...events] };
    }
    if (row.unknownSince === 0) recovery.forget(room);
    return events;
  }

  /** Who is shown as themselves now may have been shown by their ghost before, and the other way round. */
  async #found(row: Row, room: RoomId, key: string, as: UserId): Promise<EventId | undefined> {
    const { recovery, doubles, names } = this.#parts;
    const found = await recovery.find(room, key, as, row);
    if (found !== undefined || doubles === undefined || row.task.do !== 'show' || !('sender' in row.task.event)) return found;
    const person = doubles.personBehind(row.task.event.sender.id);
    const other = as === person ? names.ghostOf(row.task.event.sender) : person;
    return other === undefined ? undefined : await recovery.find(room, key, other, row);
  }

  async #send(room: RoomId, sending: Sending, key: string, at: number | undefined): Promise<EventId> {
    const { homeserver } = this.#parts;
    const { as, type, redacts, stateKey, otherwise } = sending;
    const content = { ...sending.content, [keyField]: key };
    try {
      if (redacts !== undefined) return await homeserver.redact(as, room, redacts, key, content, at);
      if (stateKey !== undefined) return await homeserver.setState(as, room, type, stateKey, content);
      return await homeserver.send(as, room, type, key, content, at);
    } catch (thrown) {
      const isForbidden = thrown instanceof PermanentError && thrown.code === 'FORBIDDEN_IN_ROOM';
      if (!isForbidden && !(thrown instanceof TokenRefused)) throw thrown;
      if (otherwise !== undefined) return await this.#send(room, otherwise, key, at);
      if (sending.isOptional !== true) throw thrown;
      this.#parts.log.debug({ room, type, why: thrown.message }, 'left out: the room forbids it');
      return nothingSent;
    }
  }

  // 8 record: in memory now, on disk with the next commit, so that the next PUT does not wait
  #record(row: Row, sendings: readonly Sending[], events: readonly EventId[]): void {
    const { relations, journal, store, doubles, doubled, homeserver, names } = this.#parts;
    const isOurs = (user: UserId) => user === homeserver.bot || names.isGhost(user);
    const isByPerson = ({ as, otherwise }: Sending): boolean => !isOurs(as) || (otherwise !== undefined && isByPerson(otherwise));
    const asPersons = doubles === undefined ? none : events.filter((_, part) => sendings[part] !== undefined && isByPerson(sendings[part]));
    const made = sendings.flatMap((sending, part): Relation[] => {
      const event = events[part];
      if (sending.revises !== undefined) return [sending.revises];
      return sending.relation === undefined || event === undefined
        ? []
        : [{ ...sending.relation, event, link: row.link, part, sender: sending.as, at: row.at }];
    });
    for (const relation of made) relations.remember(relation);
    for (const { forgets, loses } of sendings) {
      if (forgets !== undefined) relations.leaves(forgets, row.link, 'forgotten');
      if (loses !== undefined) relations.leaves(loses, row.link, 'gone');
    }
    store.writeSoon(() => {
      for (const relation of made) relations.write(relation);
      for (const { forgets, loses } of sendings) {
        if (forgets !== undefined) relations.forget(forgets, row.link);
        if (loses !== undefined) relations.lose(loses, row.link);
      }
      for (const event of asPersons) doubled?.record(row.link, event);
      journal.remove(row);
    });
  }
}

const none: readonly EventId[] = [];
const isShared = (link: Link): boolean => receiverOf(link) === undefined;

/** What the room saw before is taken back there all the same; who did that, and why, is not for its eyes. */
function shownOfKept(task: Task): Task | undefined {
  if (task.do !== 'show' || task.event.kind !== 'redaction') return undefined;
  const { sender: _, reason: __, ...event } = task.event;
  return { ...task, event };
}

function waitsForNewRoom(room: RoomId, cause: unknown): RetryableError {
  return new RetryableError('FORBIDDEN_IN_ROOM', `${room} was replaced by another room`, { after: 1_000, cause });
}
