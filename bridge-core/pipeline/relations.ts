// Which Matrix event is which message of the network: what an edit, reply, reaction or redaction points at. Kept in memory
// until the commit that writes it; the only writer of its table. Targets older than the ledger fall back to text.

import {
  type ChannelId,
  type EventId,
  eventId,
  type RemoteMessageId,
  type RemoteUserId,
  remoteMessageId,
  remoteUserId,
  type UserId,
  userId,
} from '../ids.ts';
import type { RemoteMessage } from '../remote-event.ts';
import type { Store } from '../store/store.ts';

/** What is pointed at is forgotten after so long. */
export const keepDays = 90;
/** So much of a text is kept: one this long may have been longer. */
export const textLength = 500;
/** `gone`: a message that was taken away; what stands in its thread still points at it. */
const kinds = { message: 0, reaction: 1, gone: 2 } as const;
const kindNames = ['message', 'reaction', 'gone'] as const;

export interface Relation {
  readonly event: EventId;
  readonly link: number;
  readonly part: number;
  readonly remote: RemoteMessageId | undefined;
  readonly kind: keyof typeof kinds;
  readonly sender: UserId;
  /** Who said it on the network, where it was said there. */
  readonly author: RemoteUserId | undefined;
  readonly emoji: string | undefined;
  readonly text: string | undefined;
  /** Which of the events that one message became; absent: text. See slots.ts. */
  readonly slot?: string | undefined;
  /** Of what it says, where `text` is not all of it. */
  readonly digest?: string | undefined;
  /** The event that its thread began with. */
  readonly thread?: EventId | undefined;
  readonly at: number;
}

interface Stored {
  event: string;
  link: number;
  part: number;
  remote: string | null;
  kind: number;
  sender: string;
  author: string | null;
  emoji: string | null;
  text: string | null;
  slot: string | null;
  digest: string | null;
  thread: string | null;
  at: number;
}

/** Of messages that another bridge carried before us, remembered by event, newest last. */
const mostLearnt = 500;

export class Relations {
  readonly #store: Store;
  readonly #learn: ((relation: Relation) => Promise<Relation>) | undefined;
  readonly #learnt = new Map<string, Relation>();
  readonly #insert;
  readonly #byEvent;
  readonly #byRemote;
  readonly #lastIn;
  readonly #anywhere;
  readonly #between;
  readonly #threads;
  /** Recorded and not yet committed. */
  readonly #fresh = new Set<Relation>();
  /** Events that are to be forgotten, or are gone, with the next commit. */
  readonly #leaving = new Map<string, 'forgotten' | 'gone'>();

  /** `learn`: asks the room who said what another bridge carried. */
  constructor(parts: { store: Store; learn?: (relation: Relation) => Promise<Relation> }) {
    this.#store = parts.store;
    this.#learn = parts.learn;
    this.#insert = this.#store.prepare(
      'INSERT OR REPLACE INTO relations (event, link, part, remote, kind, sender, author, emoji, text, slot, digest, thread, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#byEvent = this.#store.prepare<Stored>('SELECT * FROM relations WHERE event = ? AND link = ? ORDER BY part');
    this.#lastIn = this.#store.prepare<{ event: string }>(
      'SELECT event FROM relations WHERE link = ? AND thread = ? ORDER BY at DESC LIMIT 1',
    );
    this.#byRemote = this.#store.prepare<Stored>('SELECT * FROM relations WHERE link = ? AND remote = ? ORDER BY part, at');
    this.#anywhere = this.#store.prepare<Stored>('SELECT * FROM relations WHERE event = ? ORDER BY link, part');
    this.#between = this.#store.prepare<Stored>(
      'SELECT * FROM relations WHERE link = ? AND remote >= ? AND remote <= ? ORDER BY remote, part',
    );
    this.#threads = this.#store.prepare<{ thread: string }>(
      'SELECT thread FROM relations WHERE link = ? AND thread IS NOT NULL GROUP BY thread HAVING max(at) >= ? ORDER BY max(at) DESC LIMIT ?',
    );
  }

  /** In memory at once; `write` must follow in a unit. */
  remember(relation: Relation): void {
    this.#fresh.add(relation);
  }

  /** In memory at once; `forget` or `lose` must follow in a unit. */
  leaves(event: EventId, link: number, how: 'forgotten' | 'gone'): void {
    this.#leaving.set(`${link} ${event}`, how);
  }

  /** In a unit. */
  write(relation: Relation): void {
    this.#insert.run(
      ...([relation.event, relation.link, relation.part, relation.remote ?? null, kinds[relation.kind], relation.sender] as const),
      ...([relation.author ?? null, relation.emoji ?? null, relation.text === undefined ? null : cut(relation.text)] as const),
      ...([relation.slot ?? null, relation.digest ?? null, relation.thread ?? null, relation.at] as const),
    );
    this.#fresh.delete(relation);
  }

  /** The parts that this event became for the link, in order; or, for what the network said, the one that it is. */
  ofEvent(event: EventId, link: number): Relation[] {
    return this.#withFresh(this.#byEvent.all(event, link), (relation) => relation.event === event && relation.link === link);
  }

  /** For whichever links. */
  anywhere(event: EventId): Relation[] {
    return this.#anywhere.all(event).map(revive);
  }

  ofRemote(remote: RemoteMessageId, link: number): Relation[] {
    return this.#withFresh(this.#byRemote.all(link, remote), (relation) => relation.remote === remote && relation.link === link);
  }

  /** Of a message that became several events, all in order. */
  messagesOf(remote: RemoteMessageId, link: number): Relation[] {
    return this.ofRemote(remote, link).filter(isMessage);
  }

  /** With who said them, also where another bridge carried them and only the room can tell. */
  whole(found: readonly Relation[]): readonly Relation[] | Promise<readonly Relation[]> {
    if (this.#learn === undefined || !found.some(isInherited)) return found;
    return Promise.all(found.map((relation) => (isInherited(relation) ? this.#learnOnce(relation) : relation)));
  }

  async #learnOnce(relation: Relation): Promise<Relation> {
    const key = `${relation.link} ${relation.part} ${relation.event}`;
    const known = this.#learnt.get(key);
    if (known !== undefined) return { ...relation, sender: known.sender, author: known.author, text: known.text };
    const learnt = (await this.#learn?.(relation)) ?? relation;
    if (isInherited(learnt)) return learnt;
    this.#learnt.set(key, learnt);
    const [oldest] = this.#learnt.keys();
    if (this.#learnt.size > mostLearnt && oldest !== undefined) this.#learnt.delete(oldest);
    return learnt;
  }

  /** The newest event known of the thread that began with `root`. */
  lastIn(root: EventId, link: number): EventId | undefined {
    let last: Relation | undefined;
    for (const relation of this.#fresh)
      if (relation.thread === root && relation.link === link && relation.at >= (last?.at ?? 0)) last = relation;
    return last?.event ?? (this.#lastIn.get(link, root)?.event as EventId | undefined);
  }

  /** A reaction that the network tells of only by who, what and on which message; the newest such. */
  reactionOf(target: EventId, sender: UserId, emoji: string, link: number): Relation | undefined {
    const remote = remoteMessageId(`${target} ${emoji}`);
    return this.ofRemote(remote, link).findLast((relation) => relation.kind === 'reaction' && relation.sender === sender);
  }

  /** In a unit: its sender edited it, and the next edit is told from these words. */
  reword(event: EventId, link: number, sender: UserId, text: string): void {
    this.#store
      .prepare('UPDATE relations SET text = ? WHERE event = ? AND link = ? AND part = 0 AND sender = ?')
      .run(cut(text), event, link, sender);
  }

  /** In a unit. */
  forget(event: EventId, link: number): void {
    this.#store.prepare('DELETE FROM relations WHERE event = ? AND link = ?').run(event, link);
    this.#leaving.delete(`${link} ${event}`);
  }

  /** In a unit: all that this event stands for, as far as it is a message, is taken away. */
  lose(event: EventId, link: number): void {
    this.#store
      .prepare(`UPDATE relations SET kind = ${kinds.gone} WHERE event = ? AND link = ? AND kind = ${kinds.message}`)
      .run(event, link);
    this.#leaving.delete(`${link} ${event}`);
  }

  /** Messages, and what was given to them from Matrix, by the network's ids; for networks whose ids sort as their messages do. */
  between(link: number, from: RemoteMessageId, to: RemoteMessageId): Relation[] {
    return this.#between.all(link, from, to).map(revive);
  }

  /** Reactions that the network told of, to this event. */
  givenTo(event: EventId, link: number): Relation[] {
    // `!` is what sorts next after the blank between the event and the sign.
    return this.between(link, remoteMessageId(`${event} `), remoteMessageId(`${event}!`));
  }

  /** What began the threads in which something was said since, the latest first. */
  threadsSince(link: number, since: number, most: number): EventId[] {
    return this.#threads.all(link, since, most).map(({ thread }) => eventId(thread));
  }

  /** In a unit: parts from this one on are gone. */
  forgetFrom(event: EventId, link: number, part: number): void {
    this.#store.prepare('DELETE FROM relations WHERE event = ? AND link = ? AND part >= ?').run(event, link, part);
  }

  /** In a unit; a slice at a time, when idle. */
  trim(): void {
    this.#store
      .prepare('DELETE FROM relations WHERE (event, link, part) IN (SELECT event, link, part FROM relations WHERE at < ? LIMIT 2000)')
      .run(Date.now() - keepDays * 86_400_000);
  }

  #withFresh(stored: readonly Stored[], fits: (relation: Relation) => boolean): Relation[] {
    const found = stored.map(revive);
    if (this.#fresh.size === 0) return this.#left(found);
    for (const relation of this.#fresh) {
      if (!fits(relation)) continue;
      // It may say anew what is on disk already, for an edit.
      const older = found.findIndex(({ event, part }) => event === relation.event && part === relation.part);
      if (older < 0) found.push(relation);
      else found[older] = relation;
    }
    return this.#left(found.sort((a, b) => a.part - b.part));
  }

  #left(found: Relation[]): Relation[] {
    return this.#leaving.size === 0 ? found : found.flatMap((each) => this.#leftOf(each));
  }

  #leftOf(relation: Relation): Relation[] {
    const how = this.#leaving.get(`${relation.link} ${relation.event}`);
    if (how === undefined) return [relation];
    return how === 'forgotten' ? [] : [{ ...relation, kind: 'gone' }];
  }
}

const unknownSender = userId('');

/** Another bridge carried it, and did not keep who said it; see inherited.ts. */
export const isInherited = ({ sender }: Pick<Relation, 'sender'>): boolean => sender === unknownSender;

/** Also one that is gone. */
export const isMessage = ({ kind }: Relation): boolean => kind !== 'reaction';

const ownSign = 'own ';

/** What stands for a message where the network gives none an id: the event that said it, for a channel's other rooms. */
export const ownId = (event: EventId): RemoteMessageId => remoteMessageId(`${ownSign}${event}`);
export const sourceOfOwn = (id: RemoteMessageId): EventId | undefined =>
  id.startsWith(ownSign) ? eventId(id.slice(ownSign.length)) : undefined;

/** What an adapter is told of the message: the ids of all its parts. */
export function asRemoteMessage(channel: ChannelId, relations: readonly Relation[]): RemoteMessage | undefined {
  const ids = relations.flatMap(({ remote }) => (remote === undefined || sourceOfOwn(remote) !== undefined ? [] : [remote]));
  const author = relations[0]?.author;
  return ids.length === 0 ? undefined : { channel, ids, ...(author !== undefined && { sender: author }) };
}

function revive(stored: Stored): Relation {
  return {
    event: eventId(stored.event),
    link: stored.link,
    part: stored.part,
    remote: stored.remote === null ? undefined : remoteMessageId(stored.remote),
    kind: kindNames[stored.kind] ?? 'message',
    sender: userId(stored.sender),
    author: stored.author === null ? undefined : remoteUserId(stored.author),
    emoji: stored.emoji ?? undefined,
    text: stored.text ?? undefined,
    ...(stored.slot !== null && { slot: stored.slot }),
    ...(stored.digest !== null && { digest: stored.digest }),
    ...(stored.thread !== null && { thread: eventId(stored.thread) }),
    at: stored.at,
  };
}

/** Never through the middle of a character. */
const cut = (text: string): string => text.slice(0, textLength).replace(/[\ud800-\udbff]$/, '');
