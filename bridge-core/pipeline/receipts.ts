// How far people have read, told to the network by their own open sessions: the newest of it, and not too often. Worthless late,
// so never journaled; whoever has no session there has read nothing there.

import type { Adapter } from '../adapter.ts';
import { type ChannelId, type EventId, eventId, type RemoteMessageId, type RoomId, type UserId, userId } from '../ids.ts';
import { type EphemeralEvent, isRecord, recordIn } from '../matrix-event.ts';
import type { Link } from '../plumbing/links.ts';
import type { Json } from '../remote-event.ts';
import { isMessage, type Relation, type Relations } from './relations.ts';

const usualEvery = 10_000;
/** Readers remembered at a time. */
const mostReaders = 10_000;

export interface ReceiptParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'openSession'>;
  readonly relations: Pick<Relations, 'ofEvent'>;
  readonly isOurs: (user: UserId) => boolean;
  /** Runs it now, or not at all. */
  readonly attempt: (work: () => Promise<void>) => void;
  /** What people read on the network is shown in Matrix as read by themselves. */
  readonly tellsBothWays?: boolean;
  /** For each channel and person, ms. */
  readonly every?: number;
}

interface Reader {
  /** When what they read last was taken in, ms: a mark never goes back. */
  at: number;
  next: RemoteMessageId | undefined;
}

export class Receipts<Body extends Json> {
  readonly #parts: ReceiptParts<Body>;
  readonly #readers = new Map<string, Reader>();
  /** How far people whom we may show as themselves have read, whoever told: what one side tells comes back from the other. */
  readonly #shown = new Map<string, { readonly event: EventId; readonly at: number }>();

  constructor(parts: ReceiptParts<Body>) {
    this.#parts = parts;
  }

  /** False: Matrix knows that they have read this far. */
  isNews(room: RoomId, user: UserId, { event, at }: Pick<Relation, 'event' | 'at'>): boolean {
    const shown = this.#shown.get(`${room} ${user}`);
    if (shown !== undefined && (shown.event === event || shown.at > at)) return false;
    this.#show(room, user, { event, at });
    return true;
  }

  fromMatrix(event: EphemeralEvent, links: readonly Link[]): void {
    for (const [id, kinds] of Object.entries(event.content)) {
      const readers = isRecord(kinds) ? recordIn(kinds, 'm.read') : undefined;
      for (const [user, data] of Object.entries(readers ?? {})) {
        if (!this.#parts.isOurs(userId(user)) && isOfAll(data)) for (const link of links) this.#read(userId(user), id, link);
      }
    }
  }

  #read(user: UserId, id: string, link: Link): void {
    const { adapter, relations, tellsBothWays } = this.#parts;
    if (this.#shown.get(`${link.room} ${user}`)?.event === id) return;
    if (adapter.openSession({ as: 'user', user }, link.channel)?.markRead === undefined) return;
    const last = relations.ofEvent(eventId(id), link.id).findLast((each) => each.remote !== undefined && isMessage(each));
    if (last?.remote === undefined) return;
    if (tellsBothWays === true) this.#show(link.room, user, last);
    const key = `${link.channel} ${user}`;
    const reader = this.#readers.get(key);
    if (reader === undefined) {
      if (this.#readers.size >= mostReaders) return;
      this.#readers.set(key, { at: last.at, next: undefined });
      this.#mark(user, link.channel, last.remote);
      this.#wait(key, user, link.channel);
    } else if (last.at >= reader.at) {
      reader.at = last.at;
      reader.next = last.remote;
    }
  }

  #show(room: RoomId, user: UserId, { event, at }: Pick<Relation, 'event' | 'at'>): void {
    const key = `${room} ${user}`;
    this.#shown.delete(key);
    this.#shown.set(key, { event, at });
    const [oldest] = this.#shown.keys();
    if (this.#shown.size > mostReaders && oldest !== undefined) this.#shown.delete(oldest);
  }

  #wait(key: string, user: UserId, channel: ChannelId): void {
    setTimeout(() => {
      const reader = this.#readers.get(key);
      if (reader?.next === undefined) return void this.#readers.delete(key);
      this.#mark(user, channel, reader.next);
      reader.next = undefined;
      this.#wait(key, user, channel);
    }, this.#parts.every ?? usualEvery).unref();
  }

  #mark(user: UserId, channel: ChannelId, upTo: RemoteMessageId): void {
    const session = this.#parts.adapter.openSession({ as: 'user', user }, channel);
    if (session?.markRead !== undefined) this.#parts.attempt(async () => session.markRead?.(channel, upTo));
  }
}

/** Of the room whole: what somebody read in one thread says nothing of the rest. */
function isOfAll(data: unknown): boolean {
  const thread = isRecord(data) ? data.thread_id : undefined;
  return thread === undefined || thread === 'main';
}
