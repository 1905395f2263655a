// What happens on a network, shown in Matrix: the eight steps, readable top to bottom. `accept` takes an event in (1–4) and
// resolves once it is journaled; `carry` (5–8) runs at the head of the room's lane and throws what lanes.ts is to judge.

import type { Adapter, Json, Logger, RemoteEvent } from '../adapter.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { PermanentError } from '../errors.ts';
import { findNames, mapMentions } from '../format/mentions.ts';
import { type Inline, type RichText, text as words } from '../format/rich-text.ts';
import { toPlain } from '../format/to-html.ts';
import { type EventId, eventId, type RoomId, remoteMessageId, type UserId } from '../ids.ts';
import { type Content, keyField, noticeField } from '../matrix-event.ts';
import type { Link, Links } from '../plumbing/links.ts';
import type { Store } from '../store/store.ts';
import type { Ghosts } from '../virtual-users/ghosts.ts';
import type { Names } from '../virtual-users/names.ts';
import { toContents } from './content.ts';
import type { Journal } from './journal.ts';
import { BehindParked, type Lanes } from './lanes.ts';
import type { Recovery } from './recovery.ts';
import type { Relation, Relations } from './relations.ts';
import { type Row, roomLane, roomOfLane, states, type Task, towards } from './row.ts';

/** Later than this, an event is sent with the time at which it happened. */
const lateMs = 10_000;

export interface RemoteToMatrixParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'formatter' | 'channels'>;
  readonly homeserver: Homeserver;
  readonly store: Store;
  readonly journal: Journal;
  readonly lanes: Lanes;
  readonly relations: Relations;
  readonly recovery: Recovery;
  readonly links: Links;
  readonly ghosts: Ghosts;
  readonly names: Names;
  readonly log: Logger;
  /** Does what a command, invite or state event asks for. */
  readonly act: (event: Extract<Task, { do: 'act' }>['event']) => Promise<void>;
  /** Wanted states and passing things, which need no row: joins, leaves, names, typing, presence. */
  readonly passing: (event: RemoteEvent<Body>, links: readonly Link[]) => void;
  readonly count: (outcome: 'dropped' | 'repeated' | 'accepted') => void;
}

type Show<Kind extends RemoteEvent['kind']> = Extract<RemoteEvent, { kind: Kind }>;
/** One event to be sent: who, what, and what is remembered of it. */
interface Sending {
  readonly as: UserId;
  readonly type: string;
  readonly content: Content;
  readonly redacts?: EventId;
  readonly relation?: Pick<Relation, 'remote' | 'kind' | 'author' | 'emoji' | 'text'>;
}

export class RemoteToMatrix<Body extends Json> {
  readonly #parts: RemoteToMatrixParts<Body>;

  constructor(parts: RemoteToMatrixParts<Body>) {
    this.#parts = parts;
  }

  async accept(event: RemoteEvent<Body>): Promise<void> {
    if (this.#isRepeat(event)) return;
    const links = this.#route(event);
    if (links.length > 0) await this.#queue(event, links);
  }

  // 2 dedupe
  #isRepeat(event: RemoteEvent<Body>): boolean {
    if (event.id === undefined || !this.#parts.journal.isSeen(towards.matrix, event.channel, event.id)) return false;
    this.#parts.count('repeated');
    return true;
  }

  // 3 route
  #route(event: RemoteEvent<Body>): readonly Link[] {
    const links = this.#parts.links.liveOn(event.channel);
    if (links.length === 0) this.#parts.count('dropped');
    else if (needsRow(event)) return links;
    else this.#parts.passing(event, links);
    return [];
  }

  // 4 queue
  async #queue(event: RemoteEvent<Body>, links: readonly Link[]): Promise<void> {
    const { store, journal, lanes } = this.#parts;
    const task: Task = { do: 'show', event: event as unknown as RemoteEvent };
    const rows = await store.write(() => {
      if (event.id !== undefined && !journal.markSeen(towards.matrix, event.channel, event.id)) return [];
      return links.map((link) =>
        journal.append({ direction: towards.matrix, lane: roomLane(link.room), link: link.id, source: event.id ?? '', task }),
      );
    });
    for (const row of rows) lanes.push(row);
    this.#parts.count('accepted');
  }

  async carry(row: Row): Promise<void> {
    const { task } = row;
    if (task.do === 'act') {
      await this.#parts.act(task.event);
      await this.#parts.store.write(() => this.#parts.journal.remove(row));
      return;
    }
    const room = row.link === 0 ? roomOfLane(row) : (this.#parts.links.get(row.link)?.room ?? roomOfLane(row));
    const as = await this.#speakAs(task, room);
    const sendings = await this.#convert(row, task, as);
    const events = await this.#deliver(row, room, sendings);
    this.#record(row, sendings, events);
  }

  // 5 speak as
  async #speakAs(task: Task, room: RoomId): Promise<UserId> {
    if (task.do !== 'show' || !('sender' in task.event)) return this.#parts.homeserver.bot;
    return await this.#parts.ghosts.ready(task.event.sender, room);
  }

  // 6 convert
  async #convert(row: Row, task: Task, as: UserId): Promise<Sending[]> {
    switch (task.do) {
      case 'show':
        return await this.#show(row, task.event as unknown as RemoteEvent<Body>, as);
      case 'repeat':
        return [{ as, type: 'm.room.message', content: repeated(task), relation: { ...none, kind: 'message', text: task.content.body } }];
      case 'tell':
        return [{ as, type: 'm.room.message', content: { ...notice(task.text), [noticeField]: true } }];
      case 'status':
        return [{ as, type: 'com.beeper.message_send_status', content: { ...statusOf(task), [noticeField]: true } }];
      default:
        throw new PermanentError('DEFECT', `a ${task.do} row in a room's lane`);
    }
  }

  async #show(row: Row, event: RemoteEvent<Body>, as: UserId): Promise<Sending[]> {
    switch (event.kind) {
      case 'message': {
        const target = event.replyTo === undefined ? undefined : await this.#target(row, event.replyTo);
        const text = this.#read(event.body, event.channel);
        return toContents(text, event.style).map((content) => ({
          as,
          type: 'm.room.message',
          content: target === undefined ? content : { ...content, 'm.relates_to': { 'm.in_reply_to': { event_id: target.event } } },
          relation: { ...none, kind: 'message', remote: event.id, author: event.sender.id, text: String(content.body) },
        }));
      }
      case 'edit': {
        const target = await this.#target(row, event.target);
        const [content, ...more] = toContents(this.#read(event.body, event.channel), event.style);
        const isOwn = target?.sender === as;
        const first: Content = isOwn
          ? {
              ...content,
              body: `* ${content?.body}`,
              'm.new_content': content,
              'm.relates_to': { rel_type: 'm.replace', event_id: target.event },
            }
          : { ...content };
        return [first, ...more].map((each) => ({ as, type: 'm.room.message', content: each }));
      }
      case 'redaction': {
        const target = await this.#target(row, event.target);
        if (target === undefined) return [];
        const isOwn = target.sender === as;
        const content: Content = event.reason === undefined ? {} : { reason: event.reason };
        return [{ as: isOwn ? as : this.#parts.homeserver.bot, type: 'm.room.redaction', content, redacts: target.event }];
      }
      case 'reaction':
        return await this.#reaction(row, event, as);
      case 'membership':
        return this.#told(event.by?.name, `${event.change === 'ban' ? 'banned' : 'kicked'} ${event.user.name}`, event.reason);
      case 'channel':
        return [{ as: this.#parts.homeserver.bot, type: 'm.room.topic', content: { topic: event.topic ?? '' } }];
      case 'gap':
        return this.#told(
          undefined,
          `Messages between ${clock(event.from)} and ${clock(event.to)} may be missing here`,
          'the connection was lost',
        );
      default:
        return [];
    }
  }

  async #reaction(row: Row, event: Show<'reaction'>, as: UserId): Promise<Sending[]> {
    const target = await this.#target(row, event.target);
    if (target === undefined) return [];
    if (event.on) {
      const relates = { rel_type: 'm.annotation', event_id: target.event, key: event.emoji };
      const remote = remoteMessageId(`${target.event} ${event.emoji}`);
      const relation = { ...none, kind: 'reaction' as const, remote, author: event.sender.id, emoji: event.emoji };
      return [{ as, type: 'm.reaction', content: { 'm.relates_to': relates }, relation }];
    }
    const made = this.#parts.relations.reactionOf(target.event, as, event.emoji, row.link);
    return made === undefined ? [] : [{ as, type: 'm.room.redaction', content: {}, redacts: made.event }];
  }

  #told(by: string | undefined, what: string, why: string | undefined): Sending[] {
    const said = `${by === undefined ? '' : `${by} `}${what}${why ? ` (${why})` : ''}`;
    return [{ as: this.#parts.homeserver.bot, type: 'm.room.message', content: { ...notice(said), [noticeField]: true } }];
  }

  /** What the event points at: recorded, or on its way in another lane. A parked one holds this row back behind it. */
  async #target(row: Row, remote: Extract<RemoteEvent, { kind: 'edit' }>['target']): Promise<Relation | undefined> {
    const { relations, journal, lanes } = this.#parts;
    const known = relations.messageOf(remote, row.link);
    if (known !== undefined) return known;
    const pending = journal.findBySource(row.link, remote);
    if (pending === undefined || pending.seq >= row.seq || pending.state === states.dead) return undefined;
    if (pending.state === states.parked) {
      if (row.task.do === 'show' && (row.task.event.kind === 'edit' || row.task.event.kind === 'redaction'))
        throw new BehindParked(pending);
      return undefined;
    }
    await lanes.settled(pending);
    return relations.messageOf(remote, row.link);
  }

  #read(body: Body, channel: RemoteEvent['channel']): RichText {
    const { formatter, channels } = this.#parts.adapter;
    const text = formatter.parse(body, channel);
    const named =
      channels.named === undefined
        ? text
        : findNames(text, (word) => {
            const found = channels.named?.(channel, word);
            return found === undefined ? undefined : 'user' in found ? found : { user: this.#parts.names.ghostOf(found.remote) };
          });
    return mapMentions(named, (who, said): Inline | undefined =>
      'user' in who || 'room' in who ? { is: 'mention', of: who, text: said } : words(said),
    );
  }

  // 7 deliver
  async #deliver(row: Row, room: RoomId, sendings: readonly Sending[]): Promise<EventId[]> {
    const { homeserver, recovery, journal } = this.#parts;
    const events: EventId[] = [...(row.progress.proved ?? [])].map(eventId);
    const happened = row.task.do === 'show' ? row.task.event.at : row.task.do === 'repeat' ? row.task.at : row.at;
    for (const [part, sending] of sendings.entries()) {
      if (part < events.length) continue;
      const key = journal.keyOf(row, part);
      const content = { ...sending.content, [keyField]: key };
      const found = row.unknownSince === 0 ? undefined : await recovery.find(room, key, sending.as, row);
      const at = Date.now() - happened > lateMs ? Math.min(happened, row.at) : undefined;
      if (found !== undefined) events.push(found);
      else if (sending.type === 'm.room.topic') events.push(await homeserver.setState(sending.as, room, sending.type, '', content));
      else if (sending.redacts !== undefined) events.push(await homeserver.redact(sending.as, room, sending.redacts, key, content, at));
      else events.push(await homeserver.send(sending.as, room, sending.type, key, content, at));
      // A try that fails at a later part goes on from here; over a restart, the room's history tells.
      if (sendings.length > 1) row.progress = { ...row.progress, proved: [...events] };
    }
    if (row.unknownSince === 0) recovery.forget(room);
    return events;
  }

  // 8 record: in memory now, on disk with the next commit, so that the next PUT does not wait
  #record(row: Row, sendings: readonly Sending[], events: readonly EventId[]): void {
    const { relations, journal, store } = this.#parts;
    const made = sendings.flatMap((sending, part): Relation[] => {
      const event = events[part];
      return sending.relation === undefined || event === undefined
        ? []
        : [{ ...sending.relation, event, link: row.link, part, sender: sending.as, at: row.at }];
    });
    for (const relation of made) relations.remember(relation);
    store.writeSoon(() => {
      for (const relation of made) relations.write(relation);
      journal.remove(row);
    });
  }
}

const none = { remote: undefined, author: undefined, emoji: undefined, text: undefined };

function needsRow(event: RemoteEvent<Json>): boolean {
  switch (event.kind) {
    case 'typing':
    case 'presence':
    case 'profile':
    case 'read':
      return false;
    case 'membership':
      return event.change === 'kick' || event.change === 'ban';
    case 'channel':
      return event.topic !== undefined;
    default:
      return true;
  }
}

function notice(body: string): Content {
  return { msgtype: 'm.notice', body, 'm.mentions': {} };
}

function statusOf(task: Extract<Task, { do: 'status' }>): Content {
  return {
    network: task.network,
    'm.relates_to': { rel_type: 'm.reference', event_id: task.event },
    ...(task.failure === undefined
      ? { status: 'SUCCESS' }
      : { status: 'FAIL_PERMANENT', reason: 'm.event_not_handled', error: task.failure.code, message: task.failure.words }),
  };
}

// Clients that know the profile hide the name in the text; all others show it.
function repeated(task: Extract<Task, { do: 'repeat' }>): Content {
  const { body, html, style } = task.content;
  const [content] = toContents([{ is: 'paragraph', of: [words('')] }], style);
  const escaped = toPlain([{ is: 'paragraph', of: [words(task.name)] }]).replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return {
    ...content,
    body: `${task.name}: ${body}`,
    ...(html !== undefined && {
      format: 'org.matrix.custom.html',
      formatted_body: `<strong data-mx-profile-fallback>${escaped}: </strong>${html}`,
    }),
    'com.beeper.per_message_profile': {
      id: task.from,
      displayname: task.name,
      has_fallback: true,
      ...(task.avatar !== undefined && { avatar_url: task.avatar }),
    },
  };
}

function clock(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 16)} UTC`;
}
