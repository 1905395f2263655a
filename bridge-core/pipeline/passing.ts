// What is worthless late: typing, presence, how far somebody has read. Never journaled, never retried, dropped first when there is
// much to do.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { messageOf } from '../errors.ts';
import type { RoomId, UserId } from '../ids.ts';
import type { EphemeralEvent } from '../matrix-event.ts';
import type { Roster } from '../membership/roster.ts';
import { isVeiled } from '../plumbing/kept-back.ts';
import { bothWays, type Link, type Links } from '../plumbing/links.ts';
import type { Json, RemoteEvent } from '../remote-event.ts';
import type { Doubles } from '../virtual-users/doubles.ts';
import type { Names } from '../virtual-users/names.ts';
import { Presences } from './presences.ts';
import { Receipts } from './receipts.ts';
import type { Relations } from './relations.ts';

/** At most so many of these under way; more are dropped. */
const mostUnderWay = 8;
/** People remembered to be away, so that it is not told twice. */
const mostAway = 10_000;

export interface PassingParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'openSession' | 'speakerOf' | 'carriesPresence'>;
  readonly homeserver: Pick<Homeserver, 'typing' | 'receipt' | 'setPresence'>;
  readonly links: Links;
  readonly roster: Roster;
  readonly names: Names;
  readonly relations: Pick<Relations, 'ofEvent' | 'messagesOf'>;
  readonly doubles?: Pick<Doubles, 'personBehind'> | undefined;
  readonly log: Logger;
}

export class Passing<Body extends Json> {
  readonly #parts: PassingParts<Body>;
  readonly #typing = new Map<RoomId, ReadonlySet<UserId>>();
  readonly #away = new Map<UserId, string | undefined>();
  readonly #receipts: Receipts<Body>;
  readonly #presences: Presences<Body> | undefined;
  #underWay = 0;

  constructor(parts: PassingParts<Body>) {
    this.#parts = parts;
    const tellsBothWays = parts.doubles !== undefined;
    this.#receipts = new Receipts({ ...parts, tellsBothWays, isOurs: (user) => this.#isOurs(user), attempt: (work) => this.#try(work) });
    if (parts.adapter.carriesPresence === true)
      this.#presences = new Presences({ ...parts, isOurs: (user) => this.#isOurs(user), attempt: (work) => this.#try(work) });
  }

  fromMatrix(event: EphemeralEvent): void {
    const { room } = event;
    if (event.type === 'm.presence') this.#presences?.fromMatrix(event);
    if (room === undefined) return;
    const links = bothWays(this.#parts.links.liveIn(room));
    if (links.length === 0) return;
    if (event.type === 'm.receipt') this.#receipts.fromMatrix(event, links);
    if (event.type !== 'm.typing' || !Array.isArray(event.content.user_ids)) return;
    const before = this.#typing.get(room) ?? new Set<UserId>();
    const now = new Set(event.content.user_ids.filter((user) => typeof user === 'string') as UserId[]);
    if (now.size === 0) this.#typing.delete(room);
    else this.#typing.set(room, now);
    for (const link of links) {
      for (const user of now) if (!before.has(user)) this.#type(user, link, true);
      for (const user of before) if (!now.has(user)) this.#type(user, link, false);
    }
  }

  fromNetwork(event: RemoteEvent<Body>, links: readonly Link[]): void {
    if (event.kind === 'typing') {
      const ghost = this.#parts.names.ghostOf(event.sender);
      for (const { room } of links.filter((link) => !isVeiled(link))) {
        if (this.#parts.roster.isIn(room, ghost)) this.#try(() => this.#parts.homeserver.typing(ghost, room, event.on));
      }
    }
    if (event.kind === 'read') this.#hasRead(event, links);
    if (event.kind !== 'presence') return;
    const ghost = this.#parts.names.ghostOf(event.user);
    const isKnown = links.some(({ room }) => this.#parts.roster.isIn(room, ghost));
    if (!isKnown || (this.#away.has(ghost) && this.#away.get(ghost) === event.away)) return;
    this.#away.delete(ghost);
    if (event.away !== undefined) this.#away.set(ghost, event.away);
    // Who goes while away never comes back to be taken off: the longest away are forgotten.
    const [oldest] = this.#away.keys();
    if (this.#away.size > mostAway && oldest !== undefined) this.#away.delete(oldest);
    this.#try(() => this.#parts.homeserver.setPresence(ghost, event.away === undefined ? 'online' : 'unavailable', event.away ?? ''));
  }

  /** Of a person of ours their own client tells, unless we may show them as themselves. */
  #hasRead({ user, upTo }: Extract<RemoteEvent, { kind: 'read' }>, links: readonly Link[]): void {
    const { adapter, homeserver, names, relations, roster, doubles } = this.#parts;
    const person = doubles?.personBehind(user.id);
    if (person === undefined && adapter.speakerOf(user.id) !== undefined) return;
    const reader = person ?? names.ghostOf(user);
    for (const { id, room } of links.filter((link) => !isVeiled(link))) {
      const last = roster.isIn(room, reader) ? relations.messagesOf(upTo, id).at(-1) : undefined;
      if (last === undefined || (person !== undefined && !this.#receipts.isNews(room, person, last))) continue;
      this.#try(() => homeserver.receipt(reader, room, last.event));
    }
  }

  #type(user: UserId, link: Link, on: boolean): void {
    if (this.#isOurs(user)) return;
    const session = this.#parts.adapter.openSession({ as: 'user', user }, link.channel);
    if (session?.type !== undefined) this.#try(async () => session.type?.(link.channel, on));
  }

  #isOurs(user: UserId): boolean {
    return user === this.#parts.names.bot || this.#parts.names.isGhost(user);
  }

  #try(work: () => Promise<void>): void {
    if (this.#underWay >= mostUnderWay) return;
    this.#underWay += 1;
    work()
      .catch((thrown) => this.#parts.log.debug({ why: messageOf(thrown) }, 'typing or presence not shown'))
      .finally(() => {
        this.#underWay -= 1;
      });
  }
}
