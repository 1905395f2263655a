// State of a room that becomes state of the channel: topic, name, pins, who is invited, put out or gone. An actor, maybe a reason,
// and nothing to print. What the network refuses is told in the room, by the actor's name: such events can bear no status.

import type { Adapter, Session } from '../adapter.ts';
import { type BridgeError, PermanentError } from '../errors.ts';
import { type EventId, eventId, type UserId } from '../ids.ts';
import { type Content, type MatrixEvent, stringIn } from '../matrix-event.ts';
import type { Roster } from '../membership/roster.ts';
import { calledIn } from '../plumbing/described.ts';
import { type Link, type Links, receiverOf } from '../plumbing/links.ts';
import type { Json } from '../remote-event.ts';
import type { Store } from '../store/store.ts';
import type { Ghosts } from '../virtual-users/ghosts.ts';
import type { Puppets } from '../virtual-users/puppets.ts';
import { explain } from './failures.ts';
import type { Journal } from './journal.ts';
import type { Lanes } from './lanes.ts';
import type { Pointing } from './pointing.ts';
import { type Row, roomLane, towards } from './row.ts';
import type { Voices } from './voices.ts';

export interface ChangeParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'channels'>;
  readonly store: Store;
  readonly journal: Journal;
  readonly matrixLanes: Lanes;
  readonly links: Links;
  readonly roster: Roster;
  readonly puppets: Puppets<Body>;
  readonly ghosts: Pick<Ghosts, 'remoteOf'>;
}

type Verb = 'setTopic' | 'rename' | 'pin' | 'invite' | 'ban' | 'unban';

const carried: ReadonlySet<string> = new Set(['m.room.topic', 'm.room.name', 'm.room.pinned_events', 'm.room.member']);
const mostPins = 50;

export const isChange = ({ type }: MatrixEvent): boolean => carried.has(type);

export class Changes<Body extends Json> {
  readonly #parts: ChangeParts<Body>;
  readonly #voices: Voices<Body>;
  readonly #pointing: Pointing;
  readonly #isOurs: (user: UserId) => boolean;

  constructor(parts: ChangeParts<Body>, of: { voices: Voices<Body>; pointing: Pointing; isOurs: (user: UserId) => boolean }) {
    this.#parts = parts;
    this.#voices = of.voices;
    this.#pointing = of.pointing;
    this.#isOurs = of.isOurs;
  }

  async carry(row: Row, link: Link, event: MatrixEvent): Promise<void> {
    const { store, journal, matrixLanes } = this.#parts;
    let refusal: BridgeError | undefined;
    try {
      await this.#do(row, link, event);
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      refusal = thrown;
    }
    const text = refusal === undefined ? undefined : await this.#told(link, event, refusal);
    const made = await store.write(() => {
      journal.remove(row);
      if (text === undefined) return undefined;
      return journal.append({ direction: towards.matrix, lane: roomLane(link.room), link: 0, source: '', task: { do: 'tell', text } });
    });
    if (made !== undefined) matrixLanes.push(made);
  }

  async #do(row: Row, link: Link, event: MatrixEvent): Promise<void> {
    const { channel } = link;
    switch (event.type) {
      case 'm.room.topic':
        return await this.#byActor(link, event, 'setTopic', (session) =>
          session.setTopic?.(channel, stringIn(event.content, 'topic') ?? ''),
        );
      case 'm.room.name': {
        const name = stringIn(event.content, 'name')?.trim() ?? '';
        // A room without a name leaves the channel its own.
        if (name !== '') await this.#byActor(link, event, 'rename', (session) => session.rename?.(channel, name));
        return;
      }
      case 'm.room.pinned_events':
        return await this.#pins(row, link, event);
      default:
        return await this.#membership(link, event);
    }
  }

  async #pins(row: Row, link: Link, event: MatrixEvent): Promise<void> {
    const [before, now] = [pinnedIn(event.was?.content), pinnedIn(event.content)];
    const changed = [
      ...[...now].filter((id) => !before.has(id)).map((id) => [id, true] as const),
      ...[...before].filter((id) => !now.has(id)).map((id) => [id, false] as const),
    ];
    for (const [id, on] of changed.slice(0, mostPins)) {
      const target = await this.#pointing.whenKnown(row, link, id);
      if (target !== undefined) await this.#byActor(link, event, 'pin', (session) => session.pin?.(link.channel, target, on));
    }
  }

  async #membership(link: Link, event: MatrixEvent): Promise<void> {
    const { puppets, ghosts } = this.#parts;
    const reason = stringIn(event.content, 'reason');
    const user = event.stateKey as UserId;
    if (!this.#isOurs(user)) {
      if (!this.#isElsewhere(user, link)) await puppets.withdraw(user, link.channel, reason);
      return;
    }
    const remote = ghosts.remoteOf(user);
    if (remote === undefined) return;
    if (event.content.membership === 'invite')
      return await this.#byActor(link, event, 'invite', (session) => session.invite?.(link.channel, remote));
    const was = stringIn(event.was?.content, 'membership');
    if (was === 'ban' && event.content.membership === 'leave')
      return await this.#byActor(link, event, 'unban', (session) => session.unban?.(link.channel, remote));
    const { name } = await this.#voices.personIn(event);
    const words = `by ${name}${reason === undefined ? '' : `: ${reason}`}`;
    const { session } = await puppets.relay(link.channel, receiverOf(link));
    if (event.content.membership === 'ban' && session.ban !== undefined)
      return await this.#byActor(link, event, 'ban', (actor) => actor.ban?.(link.channel, remote, words));
    if (was === undefined || was === 'join') await session.kick?.(link.channel, remote, words);
  }

  /** By their own session where they have one. Who may do it in the room need not be anybody in the channel; the bot often is. */
  async #byActor(link: Link, event: MatrixEvent, verb: Verb, act: (session: Session<Body>) => Promise<void> | undefined): Promise<void> {
    const bot = (await this.#parts.puppets.relay(link.channel, receiverOf(link))).session;
    // Nobody's session is opened for what the network does not know.
    if (bot[verb] === undefined) return;
    const { session, relayed } = await this.#voices.speakAs(link, event);
    try {
      await act(session);
    } catch (thrown) {
      if (relayed || !(thrown instanceof PermanentError)) throw thrown;
      await act(bot);
    }
  }

  async #told(link: Link, event: MatrixEvent, refusal: BridgeError): Promise<string> {
    const { name } = await this.#voices.personIn(event);
    const what = whats[event.type] ?? memberships[String(event.content.membership)] ?? 'this';
    return `${name}: ${what} was not carried to ${calledIn(this.#parts.adapter.channels, link)}: ${explain(refusal)}`;
  }

  /** In another room of the same channel: the session is needed still. */
  #isElsewhere(user: UserId, link: Link): boolean {
    const { links, roster } = this.#parts;
    return links.liveOn(link.channel).some(({ room }) => room !== link.room && roster.isIn(room, user));
  }
}

const whats: Readonly<Record<string, string>> = {
  'm.room.topic': 'the topic',
  'm.room.name': 'the name',
  'm.room.pinned_events': 'what is pinned',
};
const memberships: Readonly<Record<string, string>> = {
  invite: 'the invitation',
  leave: 'putting out or leaving',
  ban: 'the ban',
};

function pinnedIn(content: Content | undefined): ReadonlySet<EventId> {
  const pinned = content?.pinned;
  return new Set(Array.isArray(pinned) ? pinned.filter((id) => typeof id === 'string').map(eventId) : []);
}
