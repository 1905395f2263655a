// Step 6 towards Matrix: which events a row becomes, who sends each and what is remembered of it. Sends nothing itself.

import type { Adapter } from '../adapter.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { PermanentError } from '../errors.ts';
import { findNames, mapMentions } from '../format/mentions.ts';
import { type Inline, type RichText, text as words } from '../format/rich-text.ts';
import { type EventId, type RemoteMessageId, remoteMessageId, type UserId } from '../ids.ts';
import { type Content, noticeField } from '../matrix-event.ts';
import type { Json, RemoteEvent } from '../remote-event.ts';
import type { Names } from '../virtual-users/names.ts';
import { editBytes, toContents } from './content.ts';
import type { Journal } from './journal.ts';
import { BehindParked, type Lanes } from './lanes.ts';
import type { Relation, Relations } from './relations.ts';
import { repetitionsFor } from './repeated.ts';
import { type Row, states, type Task } from './row.ts';

export interface ShowingParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'formatter' | 'channels' | 'speakerOf'>;
  readonly homeserver: Pick<Homeserver, 'bot'>;
  readonly journal: Pick<Journal, 'findBySource'>;
  readonly lanes: Pick<Lanes, 'settled' | 'isParked'>;
  readonly relations: Relations;
  readonly names: Names;
}

type Show<Kind extends RemoteEvent['kind']> = Extract<RemoteEvent, { kind: Kind }>;
/** One event to be sent: who, what, and what is remembered of it. */
export interface Sending {
  readonly as: UserId;
  readonly type: string;
  readonly content: Content;
  readonly redacts?: EventId;
  /** Present for state. */
  readonly stateKey?: string;
  /** Where the room forbids it. */
  readonly otherwise?: Sending;
  readonly relation?: Pick<Relation, 'remote' | 'kind' | 'author' | 'emoji' | 'text'>;
  /** Nothing points at this any more. */
  readonly forgets?: EventId;
}

export class Showing<Body extends Json> {
  readonly #parts: ShowingParts<Body>;

  constructor(parts: ShowingParts<Body>) {
    this.#parts = parts;
  }

  get #bot(): UserId {
    return this.#parts.homeserver.bot;
  }

  /** `as`: whose ghost it is, or the bot. */
  async sendingsFor(row: Row, task: Task, as: UserId): Promise<Sending[]> {
    const { names } = this.#parts;
    switch (task.do) {
      case 'show':
        return await this.#show(row, task.event as unknown as RemoteEvent<Body>, as);
      case 'repeat':
        return repetitionsFor(row, task, {
          bot: as,
          relations: this.#parts.relations,
          isOurs: (user) => user === as || names.isGhost(user),
        });
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
        const text = this.#read(event.body, event.channel);
        const targets = (await this.#targets(row, event.target)).filter(({ sender }) => sender === as);
        const contents = toContents(text, event.style, editBytes);
        // A long text was shown in several events: each is edited, what is over is added or taken away.
        return [
          ...contents.map((content, part) => editOf(targets[part], content, as, event)),
          ...targets.slice(contents.length).map(({ event: redacts }) => ({ as, type: 'm.room.redaction', content: {}, redacts })),
        ];
      }
      case 'redaction': {
        const content: Content = event.reason === undefined ? {} : { reason: event.reason };
        return (await this.#targets(row, event.target)).map(({ sender, event: redacts }) => ({
          ...{ as: sender === as ? as : this.#bot, type: 'm.room.redaction', content, redacts },
        }));
      }
      case 'reaction':
        return await this.#reaction(row, event, as);
      case 'membership':
        return this.#putOut(event);
      case 'channel': {
        const [otherwise] = this.#told(event.by?.name, `set the topic: ${event.topic ?? ''}`, undefined);
        const content = { topic: event.topic ?? '' };
        return [{ as: this.#bot, type: 'm.room.topic', stateKey: '', content, ...(otherwise && { otherwise }) }];
      }
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
    if (made === undefined) return [];
    return [{ as, type: 'm.room.redaction', content: {}, redacts: made.event, forgets: made.event }];
  }

  // Who is put out of the channel is put out of the room, where the bot may; where not, a ghost goes by itself, and of a
  // person at least it is said.
  #putOut(event: Show<'membership'>): Sending[] {
    const { adapter, names } = this.#parts;
    const how = event.change === 'ban' ? 'banned' : 'kicked';
    const reason = `${how} by ${event.by?.name ?? 'the network'}${event.reason ? `: ${event.reason}` : ''}`;
    const speaker = adapter.speakerOf(event.user.id);
    if (speaker?.as === 'bot') return [];
    const told = this.#told(event.by?.name, `${how} ${event.user.name}`, event.reason);
    const user = speaker === undefined ? names.ghostOf(event.user) : speaker.user;
    const out = { type: 'm.room.member', stateKey: user, content: { membership: 'leave', reason } };
    const otherwise = speaker === undefined ? { as: user, ...out } : told[0];
    return [{ as: this.#bot, ...out, ...(otherwise && { otherwise }) }];
  }

  #told(by: string | undefined, what: string, why: string | undefined): Sending[] {
    const said = `${by === undefined ? '' : `${by} `}${what}${why ? ` (${why})` : ''}`;
    return [{ as: this.#bot, type: 'm.room.message', content: { ...notice(said), [noticeField]: true } }];
  }

  /** The first part of what the event points at. */
  async #target(row: Row, remote: RemoteMessageId): Promise<Relation | undefined> {
    return (await this.#targets(row, remote))[0];
  }

  /** What the event points at: recorded, or on its way in another lane. A parked one holds this row back behind it. */
  async #targets(row: Row, remote: RemoteMessageId): Promise<readonly Relation[]> {
    const { relations, journal, lanes } = this.#parts;
    const known = relations.messagesOf(remote, row.link);
    if (known.length > 0) return known;
    const pending = journal.findBySource(row.link, remote);
    if (pending === undefined || pending.seq >= row.seq || pending.state === states.dead) return [];
    if (pending.lane !== row.lane && pending.progress.revived !== true) await lanes.settled(pending);
    if (!lanes.isParked(pending)) return relations.messagesOf(remote, row.link);
    const isHeldBack = row.task.do === 'show' && (row.task.event.kind === 'edit' || row.task.event.kind === 'redaction');
    if (isHeldBack) throw new BehindParked(pending);
    return [];
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
}

const none = { remote: undefined, author: undefined, emoji: undefined, text: undefined };

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

function editOf(target: Relation | undefined, content: Content, as: UserId, event: Pick<Show<'edit'>, 'target' | 'sender'>): Sending {
  const relation = { ...none, kind: 'message' as const, remote: event.target, author: event.sender.id, text: String(content.body) };
  if (target === undefined) return { as, type: 'm.room.message', content, relation };
  const edit = {
    ...{ ...content, body: `* ${content.body}`, 'm.new_content': content },
    'm.relates_to': { rel_type: 'm.replace', event_id: target.event },
  };
  return { as, type: 'm.room.message', content: edit };
}

function clock(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 16)} UTC`;
}
