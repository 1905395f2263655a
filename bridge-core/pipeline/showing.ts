// Step 6 towards Matrix: which events a row becomes, who sends each and what is remembered of it. Sends nothing itself. New
// messages are showing-messages.ts', edits showing-edits.ts', what the bot repeats repeated.ts'.

import type { Adapter } from '../adapter.ts';
import type { Brought } from '../appservice/brought.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { PermanentError } from '../errors.ts';
import { type EventId, type RemoteUserId, type RoomId, remoteMessageId, type UserId } from '../ids.ts';
import { type Content, noticeField } from '../matrix-event.ts';
import type { Link, Links } from '../plumbing/links.ts';
import { isToMatrix, wayOf } from '../plumbing/ways.ts';
import type { Json, RemoteEvent } from '../remote-event.ts';
import type { Doubles } from '../virtual-users/doubles.ts';
import type { Names } from '../virtual-users/names.ts';
import type { CrossingAddresses } from './crossing-addresses.ts';
import type { Journal } from './journal.ts';
import type { Lanes } from './lanes.ts';
import { Reading } from './reading.ts';
import type { Relation, Relations } from './relations.ts';
import { repetitionsFor } from './repeated.ts';
import type { Row, Task } from './row.ts';
import { nothingNoted, notice, type Sending, told } from './sending.ts';
import { Edits } from './showing-edits.ts';
import { Messages } from './showing-messages.ts';
import { Targets } from './targets.ts';

export interface ShowingParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'formatter' | 'channels' | 'speakerOf' | 'user'>;
  readonly homeserver: Pick<Homeserver, 'bot' | 'event' | 'state'>;
  readonly brought: Pick<Brought, 'file' | 'picture'>;
  readonly journal: Pick<Journal, 'findBySource'>;
  readonly lanes: Pick<Lanes, 'settled' | 'isParked'>;
  readonly relations: Relations;
  readonly links: Pick<Links, 'get'>;
  readonly names: Names;
  readonly doubles?: Pick<Doubles, 'personBehind' | 'includes'> | undefined;
  readonly addresses?: Pick<CrossingAddresses<Body>, 'toMatrix'>;
}

type Show<Kind extends RemoteEvent['kind']> = Extract<RemoteEvent, { kind: Kind }>;

/** Does anything of it concern the room of this link? */
export function concerns(event: Show<'channel'>, link: Link): boolean {
  if (event.archived !== undefined) return true;
  return (['topic', 'name'] as const).some((what) => event[what] !== undefined && isToMatrix(wayOf(link, what)));
}

export class Showing<Body extends Json> {
  readonly #parts: ShowingParts<Body>;
  readonly #reading: Reading<Body>;
  readonly #targets: Targets;
  readonly #messages: Messages<Body>;
  readonly #edits: Edits<Body>;

  constructor(parts: ShowingParts<Body>) {
    this.#parts = parts;
    const { homeserver, relations } = parts;
    const shared = { reading: new Reading(parts), targets: new Targets(parts), relations };
    this.#reading = shared.reading;
    this.#targets = shared.targets;
    this.#messages = new Messages(shared);
    this.#edits = new Edits({ ...shared, homeserver, messages: this.#messages, links: parts.links });
  }

  get #bot(): UserId {
    return this.#parts.homeserver.bot;
  }

  /** `as`: whose ghost it is, or the bot. */
  async sendingsFor(row: Row, room: RoomId, task: Task, as: UserId): Promise<Sending[]> {
    const { names, relations } = this.#parts;
    switch (task.do) {
      case 'show':
        return await this.#show(row, room, task.event as unknown as RemoteEvent<Body>, as);
      case 'repeat':
        return repetitionsFor(row, task, { bot: as, relations, isOurs: (user) => user === as || names.isGhost(user) });
      case 'tell':
        return [{ as, type: 'm.room.message', content: { ...notice(task.text), [noticeField]: true } }];
      case 'status':
        return [{ as, type: 'com.beeper.message_send_status', content: { ...statusOf(task), [noticeField]: true } }];
      default:
        throw new PermanentError('DEFECT', `a ${task.do} row in a room's lane`);
    }
  }

  async #show(row: Row, room: RoomId, event: RemoteEvent<Body>, as: UserId): Promise<Sending[]> {
    switch (event.kind) {
      case 'message':
        return await this.#messages.message(row, event, as);
      case 'edit':
        return await this.#edits.edit(row, room, event, as);
      case 'redaction':
        return await this.#redaction(row, event, as);
      case 'reaction':
        return await this.#reaction(row, event, as);
      case 'membership':
        if (event.change === 'invite') return [told(this.#bot, event.by?.name, `invited ${event.user.name}`)];
        return event.change === 'unban' ? await this.#letIn(room, event) : await this.#putOut(room, event);
      case 'channel':
        return this.#channel(row, event);
      case 'pin':
        return await this.#pin(row, room, event);
      case 'gap': {
        const isOneDay = clock(event.from, true).slice(0, 10) === clock(event.to, true).slice(0, 10);
        const span = `Messages between ${clock(event.from, !isOneDay)} and ${clock(event.to, !isOneDay)}`;
        return [told(this.#bot, undefined, `${span} may be missing here`, event.reason ?? 'the connection was lost')];
      }
      default:
        return [];
    }
  }

  /** All that the message became. Who wrote it may always take it back; the bot only where it has the power. */
  async #redaction(row: Row, event: Show<'redaction'>, as: UserId): Promise<Sending[]> {
    const deleter = event.sender && this.#parts.adapter.speakerOf(event.sender.id);
    const standing = (await this.#targets.all(row, event.target)).filter(({ kind }) => kind !== 'gone');
    return standing.map(({ sender, author, event: redacts }): Sending => {
      const isOwn = author === event.sender?.id || (deleter?.as === 'user' && deleter.user === sender);
      const by = isOwn ? undefined : event.sender;
      const reason = event.reason ?? (by && `removed by ${by.name}`);
      // Whoever sends it, other networks hear who did it.
      const profile = by && { id: this.#parts.names.ghostOf(by), displayname: by.name, has_fallback: event.reason === undefined };
      const content = { ...(reason !== undefined && { reason }), ...(profile && { 'com.beeper.per_message_profile': profile }) };
      const one = { type: 'm.room.redaction', content, redacts, loses: redacts };
      const byBot = { as: this.#bot, ...one };
      const byThem = { as: sender, ...one };
      if (sender === as || this.#parts.names.isGhost(sender) || this.#isDouble(author, sender)) return { ...byThem, otherwise: byBot };
      // Said from Matrix, and taken away by another: theirs to do only where the bot may not.
      return this.#parts.doubles?.includes(sender) === true ? { ...byBot, otherwise: byThem } : byBot;
    });
  }

  async #reaction(row: Row, event: Show<'reaction'>, as: UserId): Promise<Sending[]> {
    const target = await this.#targets.first(row, event.target);
    if (target === undefined) return [];
    const { relations } = this.#parts;
    const isDouble = this.#isDouble(event.sender.id, as);
    const given = isDouble
      ? relations.ofRemote(event.target, row.link).find((each) => isReaction(each, event.emoji) && each.sender === as)
      : undefined;
    if (event.on) {
      // Nobody gives one sign twice; what was read back after a loss may be told of by an event as well.
      if (given !== undefined || relations.reactionOf(target.event, as, event.emoji, row.link) !== undefined) return [];
      const mxc = event.picture && (await this.#reading.picture(event.picture, as));
      const relates = { rel_type: 'm.annotation', event_id: target.event, key: mxc ?? event.emoji };
      const named = mxc === undefined ? {} : { shortcode: event.emoji, 'com.beeper.reaction.shortcode': event.emoji };
      // As those that people give from Matrix, so that they can take it back there.
      const remote = isDouble ? event.target : remoteMessageId(`${target.event} ${event.emoji}`);
      const relation = { ...nothingNoted, kind: 'reaction' as const, remote, author: event.sender.id, emoji: event.emoji };
      return [{ as, type: 'm.reaction', content: { ...named, 'm.relates_to': relates }, relation }];
    }
    const by = (user: UserId) => relations.reactionOf(target.event, user, event.emoji, row.link);
    const made = by(as) ?? given ?? by(this.#parts.names.ghostOf(event.sender));
    if (made === undefined) return [];
    return [{ as: made.sender, type: 'm.room.redaction', content: {}, redacts: made.event, forgets: made.event }];
  }

  /** One whom we may speak as. */
  #isDouble(account: RemoteUserId | undefined, user: UserId): boolean {
    const { doubles } = this.#parts;
    return doubles !== undefined && account !== undefined && doubles.personBehind(account) === user;
  }

  // Who is put out of the channel is put out of the room, where the bot may; where not, a ghost goes by itself, and of a
  // person at least it is said.
  async #putOut(room: RoomId, event: Show<'membership'>): Promise<Sending[]> {
    const { adapter, names } = this.#parts;
    const how = event.change === 'ban' ? 'banned' : 'kicked';
    const reason = `${how} by ${event.by?.name ?? 'the network'}${event.reason ? `: ${event.reason}` : ''}`;
    const speaker = adapter.speakerOf(event.user.id);
    if (speaker?.as === 'bot') return [];
    const user = speaker === undefined ? names.ghostOf(event.user) : speaker.user;
    const isPerson = speaker !== undefined;
    // Who is banned here was put out there for that: a mere leaving would let them in again.
    if ((await this.#isBanned(room, user)) && (!isPerson || event.change === 'ban')) return [];
    // A ghost that is banned could not come back when the network lets its person in again.
    const membership = isPerson && event.change === 'ban' ? 'ban' : 'leave';
    const out = { type: 'm.room.member', stateKey: user, content: { membership, reason } };
    const otherwise = isPerson ? told(this.#bot, event.by?.name, `${how} ${event.user.name}`, event.reason) : { as: user, ...out };
    return [{ as: this.#bot, ...out, otherwise }];
  }

  /** The ban of a person ends, if it still stands. */
  async #letIn(room: RoomId, event: Show<'membership'>): Promise<Sending[]> {
    const speaker = this.#parts.adapter.speakerOf(event.user.id);
    if (speaker?.as !== 'user') return [];
    if (!(await this.#isBanned(room, speaker.user))) return [];
    const reason = `let in again by ${event.by?.name ?? 'the network'}`;
    const member = { type: 'm.room.member', stateKey: speaker.user, content: { membership: 'leave', reason } };
    return [{ as: this.#bot, ...member, isOptional: true }];
  }

  async #isBanned(room: RoomId, user: UserId): Promise<boolean> {
    return (await this.#parts.homeserver.state(room, 'm.room.member', user))?.membership === 'ban';
  }

  #channel(row: Row, event: Show<'channel'>): Sending[] {
    const link = this.#parts.links.get(row.link);
    const by = event.by?.name;
    const bot = this.#bot;
    const isWanted = (what: 'topic' | 'name') => event[what] !== undefined && (link === undefined || isToMatrix(wayOf(link, what)));
    const set = (type: string, content: Content, otherwise: Sending) => ({ as: bot, type, stateKey: '', content, otherwise });
    const { topic = '', name = '', archived } = event;
    return [
      ...(isWanted('topic') ? [set('m.room.topic', { topic }, told(bot, by, `set the topic: ${topic}`))] : []),
      ...(isWanted('name') ? [set('m.room.name', { name }, told(bot, by, `named the channel ${name}`))] : []),
      ...(archived === undefined ? [] : [archived ? archivedBy(bot, by) : openedBy(bot, by)]),
    ];
  }

  /** The whole list is written anew, which is safe in the room's lane as far as nobody else writes at the time. */
  async #pin(row: Row, room: RoomId, event: Show<'pin'>): Promise<Sending[]> {
    const known = (await this.#targets.all(row, event.target)).map((relation) => relation.event);
    const [first] = known;
    if (first === undefined) return [];
    const content = await this.#parts.homeserver.state(room, 'm.room.pinned_events', '');
    const before = Array.isArray(content?.pinned) ? (content.pinned as EventId[]) : [];
    const others = before.filter((each) => !known.includes(each));
    const isPinned = others.length < before.length;
    if (isPinned === event.on) return [];
    const pinned = event.on ? [...before, first] : others;
    return [{ as: this.#bot, type: 'm.room.pinned_events', stateKey: '', content: { pinned }, isOptional: true }];
  }
}

const isReaction = ({ kind, emoji }: Relation, sign: string): boolean => kind === 'reaction' && emoji === sign;

function archivedBy(bot: UserId, by: string | undefined): Sending {
  return told(bot, by, by ? 'archived the channel' : 'The channel was archived', 'what is said here does not reach it any more');
}

function openedBy(bot: UserId, by: string | undefined): Sending {
  return told(bot, by, by ? 'opened the channel again' : 'The channel was opened again', 'what is said here reaches it');
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

function clock(ms: number, hasDay: boolean): string {
  return `${new Date(ms)
    .toISOString()
    .slice(hasDay ? 0 : 11, 16)
    .replace('T', ' ')} UTC`;
}
