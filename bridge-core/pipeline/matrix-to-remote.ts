// What is said in Matrix, carried to the network: the eight steps, readable top to bottom. `accept` takes a transaction in
// (1–4) and resolves once it is journaled; `carry` (5–8) runs at the head of a speaker's lane and throws what lanes.ts judges.

import type { Adapter, Session } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import { PermanentError } from '../errors.ts';
import { mapMentions } from '../format/mentions.ts';
import { toPlain } from '../format/to-html.ts';
import { type RemoteMessageId, type RoomId, remoteMessageId, type UserId } from '../ids.ts';
import { type EphemeralEvent, type MatrixEvent, noticeField, relationOf } from '../matrix-event.ts';
import type { Roster } from '../membership/roster.ts';
import { type Link, type Links, receiverOf } from '../plumbing/links.ts';
import type { Json } from '../remote-event.ts';
import type { Ghosts } from '../virtual-users/ghosts.ts';
import type { Puppets, Voice } from '../virtual-users/puppets.ts';
import { Changes, isChange } from './changes.ts';
import type { Attachment } from './content.ts';
import type { CrossingAddresses } from './crossing-addresses.ts';
import { onceMore } from './doubts.ts';
import { type Deed, type Edit, isFallingBack, type Pointed, planFor, pointsAt, type Send, signOf } from './fallbacks.ts';
import type { NewRow } from './journal.ts';
import type { Lanes } from './lanes.ts';
import type { MatrixRouting, Moves } from './matrix-routing.ts';
import { Pointing } from './pointing.ts';
import { isGivenByOthers } from './reactions.ts';
import type { Recovery } from './recovery.ts';
import { ownId, type Relation, type Relations } from './relations.ts';
import { type Done, Repeats } from './repeats.ts';
import { isCall, type RoomCalls } from './room-calls.ts';
import { type Row, towards } from './row.ts';
import { Saying, type SayingParts, type Words } from './saying.ts';
import { dropped, type Failure, statusOn } from './status.ts';
import { TakenBack, Unwanted } from './taken-back.ts';
import { Turns } from './turns.ts';
import { Voices } from './voices.ts';

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
  readonly calls: Pick<RoomCalls, 'arrived' | 'in'>;
  readonly mediaLink: (file: Attachment, event: MatrixEvent) => string | undefined;
  readonly addresses?: Pick<CrossingAddresses<Body>, 'toNetwork'>;
  /** The public address of a person's picture. */
  readonly picture: (mxc: string) => string | undefined;
  /** Ephemeral events and own redactions: worthless late, or already durable elsewhere. */
  readonly passing: (event: EphemeralEvent) => void;
  readonly redacted: (event: MatrixEvent) => void;
  readonly count: (outcome: 'dropped' | 'repeated' | 'accepted') => void;
  /** How long it took from received to journaled, ms. */
  readonly journaled: (ms: number) => void;
  /** One line a step at level debug; `seq` names the message through all of them. */
  readonly log: Logger;
}

/** One event on its way into the journal. */
interface Wanted {
  readonly event: MatrixEvent;
  readonly rows: readonly NewRow[];
  readonly change: (() => void) | undefined;
}
interface Planned<Body extends Json> extends Words<Body>, Done {
  readonly link: Link;
  readonly event: MatrixEvent;
  /** Its sender is told that nothing came of it. */
  readonly isDropped: boolean;
}
/** What is remembered of what was done, and what no longer stands. */
interface Outcome {
  readonly relations: readonly Relation[];
  readonly forgets?: () => void;
}
const nothing: Outcome = { relations: [] };

export class MatrixToRemote<Body extends Json> {
  readonly #parts: MatrixToRemoteParts<Body>;
  readonly #voices: Voices<Body>;
  readonly #pointing: Pointing;
  readonly #saying: Saying<Body>;
  readonly #changes: Changes<Body>;
  readonly #repeats: Repeats;
  readonly #turns = new Turns<Session<Body>>();
  readonly #takenBack: TakenBack;

  constructor(parts: MatrixToRemoteParts<Body>) {
    const isOurs = (user: UserId) => parts.routing.isOurs(user);
    const isBridgeBot = ({ room, sender }: MatrixEvent) => parts.isBridgeBot(room, sender);
    this.#parts = parts;
    this.#voices = new Voices({ ...parts, isOurs, isBridgeBot });
    this.#pointing = new Pointing({ ...parts, isOurs });
    this.#saying = new Saying(parts);
    this.#changes = new Changes(parts, { voices: this.#voices, pointing: this.#pointing, isOurs });
    this.#repeats = new Repeats(parts);
    this.#takenBack = new TakenBack(parts);
  }

  async accept(batch: { events: readonly MatrixEvent[]; ephemeral: readonly EphemeralEvent[]; record: () => void }): Promise<void> {
    for (const event of batch.ephemeral) this.#parts.passing(event);
    const moves: Moves = new Map();
    const wanted = batch.events.flatMap((event) => this.#route(event, moves));
    try {
      if (wanted.length > 0) await this.#queue(wanted, batch.record);
    } catch (thrown) {
      this.#parts.routing.forget(moves);
      throw thrown;
    }
  }

  // 2 dedupe, 3 route
  #route(event: MatrixEvent, moves: Moves): Wanted[] {
    const { routing, recovery, calls, journal, count } = this.#parts;
    if (routing.isElsewhere(event, moves)) return [];
    recovery.arrived(event);
    this.#pointing.arrived(event);
    calls.arrived(event);
    if (event.redacts !== undefined) this.#parts.redacted(event);
    const rows = routing.rowsFor(event, moves);
    const change = routing.rosterChange(event, moves);
    if (rows.length === 0 && change === undefined) {
      const isOurs = routing.isOurs(event.sender);
      if (!isOurs) count('dropped');
      // Also while nothing crosses, what waits or was given up is taken back.
      if (isOurs || event.redacts === undefined) return [];
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
      for (const { event } of wanted) this.#takenBack.note(event);
      return made;
    });
    for (const row of rows) {
      log.debug({ seq: row.seq, event: row.source, lane: row.lane }, 'journaled');
      (row.direction === towards.network ? lanes : matrixLanes).push(row);
      count('accepted');
    }
    journaled(performance.now() - began);
  }

  async carry(row: Row): Promise<void> {
    if (row.task.do !== 'say') throw new PermanentError('DEFECT', `a ${row.task.do} row in a speaker's lane`);
    try {
      await this.#carry(row, row.task.event);
    } catch (thrown) {
      if (!(thrown instanceof Unwanted)) throw thrown;
      await this.#parts.store.write(() => this.#parts.journal.remove(row));
    }
  }

  async #carry(row: Row, event: MatrixEvent): Promise<void> {
    if (await this.#isNotice(event)) throw new Unwanted();
    const link = this.#openFor(row, event);
    if (isChange(event)) return await this.#changes.carry(row, link, event);

    const voice = await this.#voices.speakAs(link, event, row);
    try {
      await this.#sayAs(row, link, event, voice);
    } catch (thrown) {
      // Their login ended with this very line: the bot says it for them.
      if (voice.relayed || !(thrown instanceof PermanentError) || thrown.code !== 'NETWORK_LOGIN') throw thrown;
      await this.#sayAs(row, link, event, await this.#parts.puppets.relay(link.channel, receiverOf(link)));
    }
  }

  /** As things stand now. */
  #openFor(row: Row, event: MatrixEvent): Link {
    const link = this.#parts.links.get(row.link);
    if (link === undefined || this.#takenBack.has(row, event)) throw new Unwanted();
    if (link.state !== 'live') throw new PermanentError('CHANNEL_CLOSED', link.reason ?? 'the link is suspended');
    if (link.options.archived === true) throw new PermanentError('CHANNEL_CLOSED', 'the channel is archived');
    return link;
  }

  async #sayAs(row: Row, link: Link, event: MatrixEvent, voice: Voice<Body>): Promise<void> {
    const planned = await this.#convert(row, link, event, voice);
    const { session, relayed } = planned.voice;
    this.#parts.log.debug({ seq: row.seq, as: session.self, relayed, do: planned.deed.do }, 'converted');
    const say = async () => {
      // It waited for the person's connection, for what it answers and for its turn.
      planned.check();
      const outcome = await onceMore(row, session, () => this.#deliver(row, planned));
      this.#parts.log.debug({ seq: row.seq, ids: outcome.relations.map(({ remote }) => remote) }, 'proved');
      await this.#record(row, planned, outcome);
    };
    // What is counted over several people, as reactions are, takes turns in any case.
    const isBeside = session.isParallel === true && planned.deed.do === 'send';
    await (isBeside ? say() : this.#turns.take(session, say));
  }

  /** The notice of another bridge's bot, as the room's own state names it; anybody else's mark counts for nothing. */
  async #isNotice(event: MatrixEvent): Promise<boolean> {
    return event.content[noticeField] === true && (await this.#parts.isBridgeBot(event.room, event.sender));
  }

  // 6 convert
  async #convert(row: Row, link: Link, event: MatrixEvent, voice: Voice<Body>): Promise<Planned<Body>> {
    const can = this.#parts.adapter.capabilities(link.channel);
    const thread = can.threads ? await this.#pointing.root(row, link, event) : undefined;
    const target = thread !== undefined && isFallingBack(event) ? undefined : pointsAt(event);
    const pointed = target === undefined ? undefined : await this.#pointing.at(row, link, event, target, voice);
    const deed = planFor(event, { session: voice.session, can, pointed, thread, link: (file) => this.#parts.mediaLink(file, event) });
    const isDropped = event.type === 'm.reaction' && pointed?.isParked === true;
    const person = await this.#voices.spokenFor(event, link);
    const named = this.#naming(isCall(event) ? await this.#calling(event, deed) : deed, link);
    return {
      ...{ link, event, person, pointed, isDropped, deed: named, name: person.name },
      shownAs: () => this.#voices.shownAs(person),
      check: () => void this.#openFor(row, event),
      voice: deed.do === 'react' && !deed.on ? await this.#sameVoice(link, voice, pointed) : voice,
    };
  }

  /** What one of our sessions gave, the same takes back. */
  async #sameVoice(link: Link, voice: Voice<Body>, pointed: Pointed | undefined): Promise<Voice<Body>> {
    const giver = pointed?.relation?.author;
    if (voice.relayed || giver === undefined || giver === voice.session.self) return voice;
    const bot = await this.#parts.puppets.relay(link.channel, receiverOf(link));
    return bot.session.self === giver ? bot : voice;
  }

  async #calling(event: MatrixEvent, deed: Deed): Promise<Deed> {
    return 'text' in deed ? { ...deed, text: await this.#parts.calls.in(event, deed.text) } : deed;
  }

  /** A ghost that is named is the person behind it, an event's address that of the message. */
  #naming(deed: Deed, link: Link): Deed {
    if (!('text' in deed)) return deed;
    const text = mapMentions(deed.text, (of, said) => {
      const remote = 'user' in of && this.#parts.routing.isOurs(of.user) ? this.#parts.ghosts.remoteOf(of.user) : undefined;
      return { is: 'mention', of: remote === undefined ? of : { remote }, text: said };
    });
    return { ...deed, text: this.#parts.addresses?.toNetwork(text, link) ?? text };
  }

  // 7 deliver
  async #deliver(row: Row, planned: Planned<Body>): Promise<Outcome> {
    const { deed } = planned;
    switch (deed.do) {
      case 'send':
        return await this.#send(row, planned, deed);
      case 'edit':
        return await this.#edit(row, planned, deed);
      case 'redact':
        return (await this.#redact(planned, deed)) ? this.#lost(planned) : await this.#send(row, planned, deed.otherwise);
      case 'react':
        return await this.#react(row, planned, deed);
      case 'nothing':
        return nothing;
    }
  }

  async #send(row: Row, planned: Planned<Body>, deed: Send): Promise<Outcome> {
    const { event } = planned;
    const ids = await this.#say(row, planned, deed);
    const back = planned.pointed?.relation?.kind === 'reaction' ? event.redacts : undefined;
    if (back !== undefined) return { relations: [], forgets: () => this.#parts.relations.forget(back, planned.link.id) };
    // A reaction told in words: what takes it back has nothing on the network to point at.
    const emoji = event.type === 'm.reaction' ? signOf(event.content) : undefined;
    if (emoji !== undefined) {
      const target = planned.pointed?.relation;
      const remote = target === undefined ? undefined : (target.remote ?? ownId(target.event));
      return { relations: [{ ...this.#relation(row, event, 0, remote), kind: 'reaction', emoji }] };
    }
    const thread = relationOf(event, 'm.thread') ?? this.#threadOf(planned, deed);
    const relations = ids.map((id, part) => ({
      ...this.#relation(row, event, part, id === '' ? undefined : remoteMessageId(id)),
      ...{ thread, text: part === 0 ? (deed.kept ?? toPlain(deed.text)) : undefined },
    }));
    return { relations };
  }

  /** Where the network has threads, an answer goes into that of what it answers, or begins one. */
  #threadOf({ link, pointed }: Planned<Body>, { replyTo }: Send): Relation['thread'] {
    if (replyTo === undefined || !this.#parts.adapter.capabilities(link.channel).threads) return undefined;
    return pointed?.relation?.thread ?? pointed?.relation?.event;
  }

  /** A file that cannot be had, or that the network does not take, is told by its address. */
  async #say(row: Row, planned: Planned<Body>, deed: Send): Promise<readonly string[]> {
    try {
      return await this.#saying.say(row, planned, deed);
    } catch (thrown) {
      const isUnsaid = (row.progress.proved?.length ?? 0) === 0;
      if (deed.otherwise === undefined || !isUnsaid || !(thrown instanceof PermanentError)) throw thrown;
      this.#parts.log.info({ seq: row.seq, why: thrown.message }, 'a file is told by its address');
      const { bodies: _, ...progress } = row.progress;
      row.progress = progress;
      return await this.#saying.say(row, planned, deed.otherwise);
    }
  }

  /** Part by part: what is more than before is said, what is less goes. */
  async #edit(row: Row, planned: Planned<Body>, deed: Edit): Promise<Outcome> {
    const { link, voice, pointed, event } = planned;
    const original = pointed?.relation;
    const root = original?.thread;
    const ids = await this.#saying.say(row, planned, deed, () => root && this.#pointing.known(link, root));
    const surplus = deed.target.ids.slice(ids.length);
    if (surplus.length > 0) await voice.session.redact?.(link.channel, { ...deed.target, ids: surplus });
    if (original === undefined) return nothing;
    const changed = ids.flatMap((id, part): Relation[] => {
      const isNew = id !== deed.target.ids[part];
      if (!isNew) return [];
      const relation = this.#relation(row, event, part, id === '' ? undefined : remoteMessageId(id));
      return [{ ...relation, event: original.event, thread: root, text: part === 0 ? deed.kept : undefined }];
    });
    const { relations } = this.#parts;
    const forgets = () => relations.forgetFrom(original.event, link.id, ids.length);
    return surplus.length === 0 ? { relations: changed } : { relations: changed, forgets };
  }

  /** By the person, else by the bot, which may be more in the channel than they are, else by the session that said it from here, for that
   *  is the room's; what its writer said there by other means is theirs. False: by none. */
  async #redact({ link, voice, pointed, event }: Planned<Body>, deed: Extract<Deed, { do: 'redact' }>): Promise<boolean> {
    const { puppets, adapter } = this.#parts;
    const bot = async () => (await puppets.relay(link.channel, receiverOf(link))).session;
    const writer = pointed?.relation?.author === undefined ? pointed?.relation?.sender : undefined;
    const its = async () =>
      writer === undefined || writer === event.sender ? undefined : adapter.openSession({ as: 'user', user: writer }, link.channel);
    for (const way of voice.relayed ? [bot, its] : [async () => voice.session, bot, its]) {
      const session = await way();
      try {
        await session?.redact?.(link.channel, deed.target, deed.reason);
        if (session?.redact !== undefined) return true;
      } catch (thrown) {
        if (!(thrown instanceof PermanentError)) throw thrown;
      }
    }
    return false;
  }

  #lost({ link, pointed }: Planned<Body>): Outcome {
    const event = pointed?.relation?.event;
    return event === undefined ? nothing : { relations: [], forgets: () => this.#parts.relations.lose(event, link.id) };
  }

  async #react(row: Row, { link, event, voice }: Planned<Body>, deed: Extract<Deed, { do: 'react' }>): Promise<Outcome> {
    const { session } = voice;
    const { emoji, target, on } = deed;
    const but = on ? event.id : event.redacts;
    if (!isGivenByOthers(this.#parts, link, target, { emoji, self: session.self, but }))
      await session.react?.(link.channel, target, emoji, on, this.#parts.journal.keyOf(row, 0));
    if (on) return { relations: [{ ...this.#relation(row, event, 0, target.ids[0]), kind: 'reaction', author: session.self, emoji }] };
    return { relations: [], forgets: () => but && this.#parts.relations.forget(but, link.id) };
  }

  // 8 record: before that session's next send; what the network now heard, the channel's other rooms hear in the same commit
  async #record(row: Row, planned: Planned<Body>, { relations, forgets }: Outcome): Promise<void> {
    const { store, journal, matrixLanes } = this.#parts;
    const { deed, link, event } = planned;
    const others = this.#repeats.othersThan(planned);
    const rows = await store.write(() => {
      for (const relation of relations) this.#parts.relations.write(relation);
      forgets?.();
      const edited = relationOf(event, 'm.replace');
      if (edited !== undefined && (deed.do === 'send' || deed.do === 'edit'))
        this.#parts.relations.reword(edited, link.id, event.sender, deed.kept ?? toPlain(deed.text));
      journal.remove(row);
      // It may have been on its way, and given up, since this came in.
      this.#takenBack.note(event);
      const status = (failure?: Failure) =>
        journal.append(statusOn(event, this.#parts.adapter.channels.describe(link.channel).network.name, failure));
      if (planned.isDropped) return [status(dropped)];
      const made = this.#repeats.append(others, row, planned, relations);
      // It no longer shows as failed.
      return row.progress.revived === true ? [...made, status()] : made;
    });
    for (const made of rows) matrixLanes.push(made);
  }

  #relation(row: Row, event: MatrixEvent, part: number, remote: RemoteMessageId | undefined): Relation {
    return {
      ...{ event: event.id, link: row.link, part, remote, kind: 'message', sender: event.sender, thread: relationOf(event, 'm.thread') },
      ...{ author: undefined, emoji: undefined, text: undefined, at: row.at },
    };
  }
}
