// What is said in Matrix, carried to the network: the eight steps, readable top to bottom. `accept` takes a transaction in
// (1–4) and resolves once it is journaled; `carry` (5–8) runs at the head of a speaker's lane and throws what lanes.ts judges.

import type { Adapter, Session } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import { PermanentError } from '../errors.ts';
import { mapMentions } from '../format/mentions.ts';
import { toHtml, toPlain } from '../format/to-html.ts';
import { eventId, localpartOf, type RemoteMessageId, type RoomId, remoteMessageId, remoteUserId, type UserId } from '../ids.ts';
import { type EphemeralEvent, type MatrixEvent, noticeField, recordIn, relationOf, stringIn, trailOf } from '../matrix-event.ts';
import type { Roster } from '../membership/roster.ts';
import type { Link, Links } from '../plumbing/links.ts';
import type { Json } from '../remote-event.ts';
import type { Ghosts } from '../virtual-users/ghosts.ts';
import type { Puppets, Voice } from '../virtual-users/puppets.ts';
import { type Attachment, shownName } from './content.ts';
import { type Deed, type Pointed, planFor, pointsAt } from './fallbacks.ts';
import type { NewRow } from './journal.ts';
import { BehindParked, type Lanes } from './lanes.ts';
import type { MatrixRouting } from './matrix-routing.ts';
import type { Recovery } from './recovery.ts';
import { asRemoteMessage, type Relation, type Relations } from './relations.ts';
import { linkLane, type Row, roomLane, states, towards } from './row.ts';
import { Saying, type SayingParts, type Words } from './saying.ts';
import { Turns } from './turns.ts';

/** Rows taken back that are remembered beside the journal. */
const mostTakenBack = 10_000;

export interface MatrixToRemoteParts<Body extends Json> extends SayingParts<Body> {
  readonly adapter: Adapter<Body>;
  readonly routing: MatrixRouting;
  /** Towards the network, and towards Matrix: what is said here is heard in the channel's other rooms. */
  readonly lanes: Lanes;
  readonly matrixLanes: Lanes;
  readonly relations: Relations;
  readonly recovery: Recovery;
  readonly links: Links;
  readonly roster: Roster;
  readonly puppets: Puppets<Body>;
  readonly ghosts: Pick<Ghosts, 'remoteOf'>;
  readonly isBridgeBot: (room: RoomId, user: UserId) => Promise<boolean>;
  readonly mediaLink: (file: Attachment, event: MatrixEvent) => string | undefined;
  /** Ephemeral events and own redactions: worthless late, or already durable elsewhere. */
  readonly passing: (event: EphemeralEvent) => void;
  readonly redacted: (event: MatrixEvent) => void;
  readonly count: (outcome: 'dropped' | 'repeated' | 'accepted') => void;
  /** How long it took from received to journaled, ms. */
  readonly journaled: (ms: number) => void;
  /** One line a step at level debug; `seq` names the message through all of them. */
  readonly log: Logger;
}

type SendDeed = Extract<Deed, { do: 'send' }>;
/** One event on its way into the journal. */
interface Wanted {
  readonly event: MatrixEvent;
  readonly rows: readonly NewRow[];
  readonly change: (() => void) | undefined;
}
interface Planned<Body extends Json> extends Words<Body> {
  readonly deed: Deed;
  /** Its sender is told that nothing came of it. */
  readonly isDropped: boolean;
}

export class MatrixToRemote<Body extends Json> {
  readonly #parts: MatrixToRemoteParts<Body>;
  readonly #saying: Saying<Body>;
  readonly #turns = new Turns<Session<Body>>();
  /** Link and event of rows that were taken out of the journal, and may still stand in a lane. */
  readonly #takenBack = new Set<string>();

  constructor(parts: MatrixToRemoteParts<Body>) {
    this.#parts = parts;
    this.#saying = new Saying(parts);
  }

  async accept(batch: { events: readonly MatrixEvent[]; ephemeral: readonly EphemeralEvent[]; record: () => void }): Promise<void> {
    for (const event of batch.ephemeral) this.#parts.passing(event);
    const wanted = batch.events.flatMap((event) => this.#route(event));
    if (wanted.length > 0) await this.#queue(wanted, batch.record);
  }

  // 2 dedupe, 3 route
  #route(event: MatrixEvent): Wanted[] {
    const { routing, recovery, journal, count } = this.#parts;
    if (routing.isOurs(event.sender)) recovery.arrived(event);
    if (event.redacts !== undefined) this.#parts.redacted(event);
    const rows = routing.rowsFor(event);
    const change = routing.rosterChange(event);
    if (rows.length === 0 && change === undefined) {
      if (!routing.isOurs(event.sender)) count('dropped');
      return [];
    }
    if (rows.length > 0 && journal.isSeen(towards.network, '', event.id)) {
      count('repeated');
      return [];
    }
    return [{ event, rows, change }];
  }

  // 4 queue: all of a transaction in one commit, which the homeserver's 200 waits for
  async #queue(wanted: readonly Wanted[], record: () => void): Promise<void> {
    const { store, journal, lanes, matrixLanes, count, journaled, log } = this.#parts;
    const began = performance.now();
    const rows = await store.write(() => {
      record();
      const made = wanted.flatMap(({ event, rows, change }) => {
        change?.();
        if (rows.length === 0 || !journal.markSeen(towards.network, '', event.id)) return [];
        return rows.map((row) => journal.append(row));
      });
      for (const { event } of wanted) this.#takeBack(event);
      return made;
    });
    for (const row of rows) {
      log.debug({ seq: row.seq, event: row.source, lane: row.lane }, 'journaled');
      (row.direction === towards.network ? lanes : matrixLanes).push(row);
      count('accepted');
    }
    journaled(performance.now() - began);
  }

  /** In a unit. What waits for the network, or was given up, and is redacted meanwhile is never said, nor kept to be said. */
  #takeBack({ room, redacts }: MatrixEvent): void {
    if (redacts === undefined) return;
    for (const { id } of this.#parts.links.byRoom(room)) {
      if (!this.#parts.journal.takeBack(id, redacts)) continue;
      this.#takenBack.add(`${id} ${redacts}`);
      const [oldest] = this.#takenBack;
      if (this.#takenBack.size > mostTakenBack && oldest !== undefined) this.#takenBack.delete(oldest);
    }
  }

  /** Its edits go with it: they say the same in other words. */
  #isTakenBack({ link, source }: Row, event: MatrixEvent): boolean {
    if (this.#takenBack.size === 0) return false;
    return this.#takenBack.has(`${link} ${source}`) || this.#takenBack.has(`${link} ${relationOf(event, 'm.replace')}`);
  }

  async carry(row: Row): Promise<void> {
    if (row.task.do !== 'say') throw new PermanentError('DEFECT', `a ${row.task.do} row in a speaker's lane`);
    const { event } = row.task;
    const link = this.#parts.links.get(row.link);
    if (link === undefined || this.#isTakenBack(row, event) || (await this.#isNotice(event)))
      return await this.#parts.store.write(() => this.#parts.journal.remove(row));
    if (link.state !== 'live') throw new PermanentError('CHANNEL_CLOSED', link.reason ?? 'the link is suspended');
    if (event.type === 'm.room.member' || event.type === 'm.room.topic') return await this.#change(row, link, event);

    const voice = await this.#speakAs(link, event);
    const planned = await this.#convert(row, link, event, voice);
    this.#parts.log.debug({ seq: row.seq, as: voice.session.self, relayed: voice.relayed, do: planned.deed.do }, 'converted');
    await this.#turns.take(voice.session, async () => {
      const relations = await this.#deliver(row, planned);
      this.#parts.log.debug({ seq: row.seq, ids: relations.map(({ remote }) => remote) }, 'proved');
      await this.#record(row, planned, relations);
    });
  }

  /** The notice of another bridge's bot, as the room's own state names it; anybody else's mark counts for nothing. */
  async #isNotice(event: MatrixEvent): Promise<boolean> {
    return event.content[noticeField] === true && (await this.#parts.isBridgeBot(event.room, event.sender));
  }

  // 5 speak as
  async #speakAs(link: Link, event: MatrixEvent): Promise<Voice<Body>> {
    const { puppets, routing } = this.#parts;
    if (routing.isOurs(event.sender) || (await this.#spokenFor(event)) !== undefined) return await puppets.relay(link.channel);
    return await puppets.speak(event.sender, this.#parts.roster.nameOf(event.room, event.sender), link.channel);
  }

  // 6 convert
  async #convert(row: Row, link: Link, event: MatrixEvent, voice: Voice<Body>): Promise<Planned<Body>> {
    const target = pointsAt(event);
    const pointed = target === undefined ? undefined : await this.#pointed(row, link, event, target, voice);
    const deed = planFor(event, {
      session: voice.session,
      pointed,
      link: (file) => this.#parts.mediaLink(file, event),
    });
    const isDropped = event.type === 'm.reaction' && pointed?.isParked === true;
    return { link, event, voice, name: await this.#nameOf(event), deed: this.#naming(deed), isDropped };
  }

  /** A ghost that is named is the person behind it. */
  #naming(deed: Deed): Deed {
    if (!('text' in deed)) return deed;
    const text = mapMentions(deed.text, (of, said) => {
      const remote = 'user' in of && this.#parts.routing.isOurs(of.user) ? this.#parts.ghosts.remoteOf(of.user) : undefined;
      return { is: 'mention', of: remote === undefined ? of : { remote }, text: said };
    });
    return { ...deed, text };
  }

  /** What the event points at: recorded, or on its way in another lane. A parked one holds an edit or a redaction back. */
  async #pointed(row: Row, link: Link, event: MatrixEvent, target: string, voice: Voice<Body>): Promise<Pointed | undefined> {
    const { relations, journal, lanes, roster } = this.#parts;
    const { mention } = voice.session.fit(link.channel, 'text');
    const named = (user: UserId) => mention({ user }) ?? roster.nameOf(event.room, user);
    let known = relations.ofEvent(eventId(target), link.id);
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
    const called = relation.author === undefined ? named(relation.sender) : mention({ remote: remoteUserId(relation.author) });
    return { remote: asRemoteMessage(link.channel, known), relation, called };
  }

  // 7 deliver
  async #deliver(row: Row, planned: Planned<Body>): Promise<Relation[]> {
    const { deed, voice, link, event } = planned;
    const { session } = voice;
    switch (deed.do) {
      case 'send':
        return await this.#send(row, planned, deed);
      case 'edit': {
        const [body] = this.#parts.adapter.formatter.print(deed.text, session.fit(link.channel, deed.style));
        if (body !== undefined)
          await session.edit?.(deed.target, { key: this.#key(row, 0), channel: link.channel, body, style: deed.style });
        return [];
      }
      case 'redact':
        return (await this.#redact(planned, deed)) ? [] : await this.#send(row, planned, deed.otherwise);
      case 'react':
        await session.react?.(link.channel, deed.target, deed.emoji, deed.on, this.#key(row, 0));
        return deed.on ? [{ ...this.#relation(row, event, 0, deed.target.ids[0]), kind: 'reaction', emoji: deed.emoji }] : [];
      case 'nothing':
        return [];
    }
  }

  /** By the person, else by the bot, which may be more in the channel than they are; false: by neither. */
  async #redact({ link, voice }: Planned<Body>, deed: Extract<Deed, { do: 'redact' }>): Promise<boolean> {
    const bot = async () => (await this.#parts.puppets.relay(link.channel)).session;
    for (const way of voice.relayed ? [bot] : [async () => voice.session, bot]) {
      const session = await way();
      try {
        await session.redact?.(link.channel, deed.target, deed.reason);
        if (session.redact !== undefined) return true;
      } catch (thrown) {
        if (!(thrown instanceof PermanentError)) throw thrown;
      }
    }
    return false;
  }

  async #send(row: Row, planned: Planned<Body>, deed: SendDeed): Promise<Relation[]> {
    const { event } = planned;
    const ids = await this.#saying.say(row, planned, deed);
    // A reaction told in words: what takes it back has nothing on the network to point at.
    const emoji = event.type === 'm.reaction' ? stringIn(recordIn(event.content, 'm.relates_to'), 'key') : undefined;
    if (emoji !== undefined) return [{ ...this.#relation(row, event, 0, undefined), kind: 'reaction', emoji }];
    return ids.map((id, part) => ({
      ...this.#relation(row, event, part, id === '' ? undefined : remoteMessageId(id)),
      text: part === 0 ? (deed.kept ?? toPlain(deed.text)) : undefined,
    }));
  }

  // 8 record: before that session's next send; what the network now heard, the channel's other rooms hear in the same commit
  async #record(row: Row, planned: Planned<Body>, relations: readonly Relation[]): Promise<void> {
    const { store, journal, links, matrixLanes } = this.#parts;
    const { deed, link, event, name } = planned;
    const trail = [...trailOf(event), event.room];
    const others = deed.do === 'send' ? links.liveOn(link.channel).filter(({ id, room }) => id !== link.id && !trail.includes(room)) : [];
    const rows = await store.write(() => {
      for (const relation of relations) this.#parts.relations.write(relation);
      const edited = relationOf(event, 'm.replace');
      if (edited !== undefined && (deed.do === 'send' || deed.do === 'edit'))
        this.#parts.relations.reword(edited, link.id, event.sender, (deed.do === 'send' ? deed.kept : undefined) ?? toPlain(deed.text));
      journal.remove(row);
      if (planned.isDropped)
        return [journal.append(droppedStatus(event, this.#parts.adapter.channels.describe(link.channel).network.name))];
      if (deed.do !== 'send') return [];
      return others.flatMap((other) => {
        const source = this.#key(row, 0);
        if (!journal.markSeen(towards.matrix, `repeat ${other.id}`, source)) return [];
        const content = { body: toPlain(deed.text), html: toHtml(deed.text), style: deed.style };
        const task = { do: 'repeat' as const, from: event.sender, name, content, trail, at: event.at };
        return [journal.append({ direction: towards.matrix, lane: linkLane(other), link: other.id, source, task })];
      });
    });
    for (const made of rows) matrixLanes.push(made);
  }

  // Kicks, topics and departures: an actor, a reason, and nothing to print.
  async #change(row: Row, link: Link, event: MatrixEvent): Promise<void> {
    const { puppets, ghosts, store, journal, routing } = this.#parts;
    const reason = stringIn(event.content, 'reason');
    const user = event.stateKey as UserId;
    if (event.type === 'm.room.topic') {
      const topic = stringIn(event.content, 'topic') ?? '';
      const { session, relayed } = await this.#speakAs(link, event);
      try {
        await session.setTopic?.(link.channel, topic);
      } catch (thrown) {
        // Who may set it in the room need not be anybody in the channel; the bot often is.
        if (relayed || !(thrown instanceof PermanentError)) throw thrown;
        await (await puppets.relay(link.channel)).session.setTopic?.(link.channel, topic);
      }
    } else if (!routing.isOurs(user)) {
      if (!this.#isElsewhere(user, link)) await puppets.withdraw(user, link.channel, reason);
    } else {
      const remote = ghosts.remoteOf(user);
      const by = await this.#nameOf(event);
      const { session } = await puppets.relay(link.channel);
      if (remote !== undefined) await session.kick?.(link.channel, remote, `by ${by}${reason === undefined ? '' : `: ${reason}`}`);
    }
    await store.write(() => journal.remove(row));
  }

  async #nameOf(event: MatrixEvent): Promise<string> {
    const shown = (await this.#spokenFor(event)) ?? this.#parts.roster.nameOf(event.room, event.sender);
    return shown ?? localpartOf(event.sender);
  }

  /** In whose name a bridge's bot speaks. Anybody else speaks as themselves, whatever name they put on a message. */
  async #spokenFor(event: MatrixEvent): Promise<string | undefined> {
    const shown = shownName(event.content);
    if (shown === undefined) return undefined;
    const isBot = this.#parts.routing.isOurs(event.sender) || (await this.#parts.isBridgeBot(event.room, event.sender));
    return isBot ? shown.name : undefined;
  }

  /** In another room of the same channel: the session is needed still. */
  #isElsewhere(user: UserId, link: Link): boolean {
    const { links, roster } = this.#parts;
    return links.liveOn(link.channel).some(({ room }) => room !== link.room && roster.isIn(room, user));
  }

  #key(row: Row, part: number): string {
    return this.#parts.journal.keyOf(row, part);
  }

  #relation(row: Row, event: MatrixEvent, part: number, remote: RemoteMessageId | undefined): Relation {
    return {
      ...{ event: event.id, link: row.link, part, remote, kind: 'message', sender: event.sender },
      ...{ author: undefined, emoji: undefined, text: undefined, at: row.at },
    };
  }
}

function droppedStatus(event: MatrixEvent, network: string): NewRow {
  const failure = { code: 'NETWORK_BUSY', words: 'What this points at has not arrived on the network yet.' };
  const task = { do: 'status' as const, event: event.id, network, failure };
  return { direction: towards.matrix, lane: roomLane(event.room), link: 0, source: '', task };
}
