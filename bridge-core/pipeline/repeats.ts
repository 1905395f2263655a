// What is said in one room of a channel is heard in its other rooms, and what becomes of it there too: new words, edits, redactions,
// reactions, once the network has them. How they look there is repeated.ts' business.

import { toHtml, toPlain } from '../format/to-html.ts';
import type { RemoteMessageId, RoomId } from '../ids.ts';
import { type Content, type MatrixEvent, recordIn, relationOf, replyTargetOf, stringIn, trailOf } from '../matrix-event.ts';
import type { Link, Links } from '../plumbing/links.ts';
import { attachmentOf, styleOf } from './content.ts';
import { type Deed, isFallingBack, type Pointed, signOf } from './fallbacks.ts';
import type { Journal, NewRow } from './journal.ts';
import { captionOf, wordsOf } from './other-kinds.ts';
import { isMessage, ownId, type Relation, type Relations } from './relations.ts';
import { linkLane, type Repeated, type RepeatedChange, type Row, type Task, towards } from './row.ts';
import type { Person } from './voices.ts';

export interface RepeatParts {
  readonly links: Links;
  readonly journal: Journal;
  readonly relations: Relations;
}

/** What was done on the network, and what is known of it. */
export interface Done {
  readonly link: Link;
  readonly event: MatrixEvent;
  readonly deed: Deed;
  readonly person: Person;
  readonly pointed: Pointed | undefined;
}

type RepeatTask = Extract<Task, { do: 'repeat' }>;

export class Repeats {
  readonly #parts: RepeatParts;

  constructor(parts: RepeatParts) {
    this.#parts = parts;
  }

  /** The channel's rooms that it has not come through. */
  othersThan({ link, event }: Pick<Done, 'link' | 'event'>): readonly Link[] {
    const all = this.#parts.links.liveOn(link.channel);
    if (all.length < 2) return none;
    const trail: readonly RoomId[] = [...trailOf(event), event.room];
    return all.filter(({ id, room }) => id !== link.id && !trail.includes(room));
  }

  /** In the unit that records what was done. */
  append(others: readonly Link[], row: Row, done: Done, relations: readonly Relation[]): Row[] {
    if (others.length === 0) return [];
    const { journal } = this.#parts;
    const task = this.#taskFor(done, relations);
    if (task === undefined) return [];
    return others.flatMap((other): Row[] => {
      const source = journal.keyOf(row, 0);
      if (!journal.markSeen(towards.matrix, `repeat ${other.id}`, source)) return [];
      if (task.change?.is === 'reaction' && !task.change.on && this.#isStillGiven(other, done, task.change)) return [];
      const made: NewRow = { direction: towards.matrix, lane: linkLane(other), link: other.id, source, task };
      return [journal.append(made)];
    });
  }

  #taskFor(done: Done, relations: readonly Relation[]): RepeatTask | undefined {
    const { event, deed, person } = done;
    const change = this.#changeFor(done);
    // What took the network's own verb has no words; what changes nothing and has none is nothing.
    const content = deed.do === 'send' ? this.#said(done, change !== undefined) : change?.is === 'edit' ? change.content : undefined;
    if (change === undefined && content === undefined) return undefined;
    const known = event.type === 'm.reaction' || event.type === 'm.room.redaction' ? undefined : (relations[0]?.remote ?? ownId(event.id));
    return {
      ...{ do: 'repeat', from: event.sender, name: person.name, trail: [...trailOf(event), event.room], at: event.at },
      ...(person.avatar !== undefined && { avatar: person.avatar }),
      ...(content !== undefined && { content }),
      ...(change !== undefined && { change }),
      ...(known !== undefined && { known }),
    };
  }

  #changeFor({ event, deed, pointed }: Done): RepeatedChange | undefined {
    const relation = pointed?.relation;
    if (relation === undefined || deed.do === 'nothing') return undefined;
    const of = idOf(relation);
    if (event.type === 'm.room.redaction') {
      const reason = stringIn(event.content, 'reason');
      if (isMessage(relation)) return { of, is: 'redaction', ...(reason !== undefined && { reason }) };
      const { remote, emoji } = relation;
      return remote === undefined || emoji === undefined ? undefined : { of: remote, is: 'reaction', emoji, on: false };
    }
    if (event.type === 'm.reaction') {
      const emoji = signOf(event.content);
      return emoji === undefined ? undefined : { of, is: 'reaction', emoji, on: true };
    }
    if (relationOf(event, 'm.replace') === undefined || relation.sender !== event.sender) return undefined;
    const content = recordIn(event.content, 'm.new_content') ?? event.content;
    const repeated = repeatedOf({ ...event, content });
    return repeated === undefined ? undefined : { of, is: 'edit', content: repeated };
  }

  #said({ link, event, deed, pointed }: Done, isChange: boolean): Repeated | undefined {
    if (deed.do !== 'send') return undefined;
    const words = { body: toPlain(deed.text), html: toHtml(deed.text), style: deed.style };
    if (isChange || event.type === 'm.reaction' || event.type === 'm.room.redaction') return words;
    // Where what is answered shows, the words need not name it.
    const thread = relationOf(event, 'm.thread');
    const [root] = thread === undefined ? [] : this.#parts.relations.ofEvent(thread, link.id);
    const answered = replyTargetOf(event) === undefined || (root !== undefined && isFallingBack(event)) ? undefined : pointed?.relation;
    const points = { ...(answered !== undefined && { replyTo: idOf(answered) }), ...(root !== undefined && { thread: idOf(root) }) };
    const media = mediaIn(event);
    if (media === undefined) return { ...words, ...points };
    const { body, html } = repeatedOf(event) ?? words;
    return { body, ...(html !== undefined && { html }), style: 'text', media, ...points };
  }

  /** By somebody else in a room that the other one hears of only through the bot. */
  #isStillGiven(other: Link, { event, link }: Done, { of, emoji }: { of: RemoteMessageId; emoji: string }): boolean {
    return this.#parts.links
      .byChannel(link.channel)
      .some(
        ({ id }) =>
          id !== other.id &&
          this.#parts.relations
            .ofRemote(of, id)
            .some((each) => each.kind === 'reaction' && each.emoji === emoji && each.event !== event.redacts),
      );
  }
}

const none: readonly Link[] = [];

const idOf = ({ remote, event }: Relation): RemoteMessageId => remote ?? ownId(event);

/** As it was written, for where it can be shown so. */
function repeatedOf(event: MatrixEvent): Repeated | undefined {
  const file = attachmentOf(event);
  if (file !== undefined) {
    const caption = captionOf(file, event.content);
    const media = mediaIn(event);
    const words = caption === undefined ? { body: file.name } : { body: toPlain(caption), html: toHtml(caption) };
    return { ...words, style: 'text', ...(media !== undefined && { media }) };
  }
  const text = wordsOf(event);
  return text === undefined ? undefined : { body: toPlain(text), html: toHtml(text), style: styleOf(event.content) };
}

/** All of a file's event that tells of the file itself. */
function mediaIn(event: MatrixEvent): Content | undefined {
  const file = attachmentOf(event);
  if (file === undefined) return undefined;
  const info = recordIn(event.content, 'info');
  const msgtype = file.kind === 'sticker' ? 'm.image' : event.content.msgtype;
  return { msgtype, url: file.mxc, filename: file.name, ...(info !== undefined && { info }) };
}
