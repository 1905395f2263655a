// What an event of Matrix points at, as the network knows it: recorded, or on its way in another lane or to Matrix, for which it waits.

import { type EventId, eventId, remoteUserId, type UserId } from '../ids.ts';
import { type MatrixEvent, relationOf } from '../matrix-event.ts';
import type { Roster } from '../membership/roster.ts';
import type { Link, Links } from '../plumbing/links.ts';
import type { Json, RemoteMessage } from '../remote-event.ts';
import type { Voice } from '../virtual-users/puppets.ts';
import type { Pointed } from './fallbacks.ts';
import type { Journal } from './journal.ts';
import { BehindParked, type Lanes } from './lanes.ts';
import { type OwnEventParts, OwnEvents } from './own-events.ts';
import { asRemoteMessage, isMessage, type Relation, type Relations } from './relations.ts';
import { type Row, states } from './row.ts';

export interface PointingParts extends OwnEventParts {
  readonly relations: Relations;
  readonly journal: Pick<Journal, 'findBySource' | 'parseKey' | 'read'>;
  readonly lanes: Pick<Lanes, 'settled' | 'isParked'>;
  readonly links: Pick<Links, 'byChannel'>;
  readonly roster: Pick<Roster, 'nameOf'>;
}

export class Pointing {
  readonly #parts: PointingParts;
  readonly #own: OwnEvents;

  constructor(parts: PointingParts) {
    this.#parts = parts;
    this.#own = new OwnEvents(parts);
  }

  /** Whatever comes from the homeserver, before anything that points at it. */
  arrived(event: MatrixEvent): void {
    this.#own.arrived(event);
  }

  /** A parked target holds an edit or a redaction back. */
  async at<Body extends Json>(row: Row, link: Link, event: MatrixEvent, target: string, voice: Voice<Body>): Promise<Pointed | undefined> {
    const { relations, journal, lanes, roster } = this.#parts;
    const { mention, called: nameOf = mention } = voice.session.fit(link.channel, 'text');
    const named = (user: UserId) => nameOf({ user }) ?? roster.nameOf(event.room, user);
    const recorded = () => relations.whole(relations.ofEvent(eventId(target), link.id));
    let known = await recorded();
    if (known.length === 0 && (await this.#own.settled(eventId(target), link))) known = await recorded();
    if (known.length === 0) {
      const pending = journal.findBySource(link.id, target);
      if (pending === undefined || pending.seq >= row.seq || pending.state === states.dead) return undefined;
      // What was revived stands behind others that may wait for this one.
      if (pending.lane !== row.lane && pending.progress.revived !== true) await lanes.settled(pending);
      if (lanes.isParked(pending)) {
        const isOwnWord = event.type === 'm.room.message' && relationOf(event, 'm.replace') === undefined;
        if (!isOwnWord && event.type !== 'm.reaction') throw new BehindParked(pending);
        const whose = pending.task.do === 'say' ? named(pending.task.event.sender) : undefined;
        return { remote: undefined, relation: undefined, called: whose, isParked: true };
      }
      known = relations.ofEvent(eventId(target), link.id);
    }
    const [relation] = known;
    if (relation === undefined) return undefined;
    const isPerson = relation.author !== undefined && isMessage(relation);
    const author = isPerson ? nameOf({ remote: remoteUserId(relation.author ?? '') }) : undefined;
    const called = author ?? (isPerson ? roster.nameOf(event.room, relation.sender) : named(relation.sender));
    return { remote: this.#inThread(link, this.remoteOf(link, known), relation.thread), relation, called };
  }

  #inThread(link: Link, remote: RemoteMessage | undefined, began: EventId | undefined): RemoteMessage | undefined {
    if (remote === undefined || began === undefined) return remote;
    const thread = this.#parts.relations.ofEvent(began, link.id).find(isMessage)?.remote;
    return thread === undefined ? remote : { ...remote, thread };
  }

  /** What began the event's thread, where the network knows it. */
  async root(row: Row, link: Link, event: MatrixEvent): Promise<RemoteMessage | undefined> {
    const root = relationOf(event, 'm.thread');
    return root === undefined ? undefined : await this.whenKnown(row, link, root);
  }

  /** Waits for what is on its way. */
  async whenKnown(row: Row, link: Link, event: EventId): Promise<RemoteMessage | undefined> {
    const { journal, lanes } = this.#parts;
    const known = this.known(link, event);
    if (known !== undefined) return known;
    if (await this.#own.settled(event, link)) return this.known(link, event);
    const pending = journal.findBySource(link.id, event);
    if (pending === undefined || pending.seq >= row.seq || pending.state === states.dead) return undefined;
    if (pending.lane !== row.lane && pending.progress.revived !== true) await lanes.settled(pending);
    return this.known(link, event);
  }

  /** Recorded already; waits for nothing. */
  known(link: Link, event: EventId): RemoteMessage | undefined {
    return this.remoteOf(link, this.#parts.relations.ofEvent(event, link.id).filter(isMessage));
  }

  /** Of what the bot repeated from another room, all the parts that it has on the network. */
  remoteOf(link: Link, known: readonly Relation[]): RemoteMessage | undefined {
    const remote = asRemoteMessage(link.channel, known);
    const [first] = known;
    const id = remote?.ids[0];
    if (id === undefined || first === undefined || !isMessage(first) || !this.#parts.isOurs(first.sender) || first.author !== undefined)
      return remote;
    for (const other of this.#parts.links.byChannel(link.channel)) {
      const [source] = other.id === link.id ? [] : this.#parts.relations.messagesOf(id, other.id);
      const whole = source && asRemoteMessage(link.channel, this.#parts.relations.ofEvent(source.event, other.id));
      if (whole !== undefined && whole.ids.length > 1) return whole;
    }
    return remote;
  }
}
