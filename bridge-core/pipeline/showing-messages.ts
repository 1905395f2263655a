// A message of the network's as the events that it becomes: its words, its files, in its thread and, where it was shown
// outside too, once more in the main line. Files and words go together where there is one of each (MSC2530).

import type { EventId, RemoteMessageId, UserId } from '../ids.ts';
import type { Content } from '../matrix-event.ts';
import type { Json, RemoteEvent, RemoteFile } from '../remote-event.ts';
import { contentBytes, type Named, toContents, withoutFallbackName } from './content.ts';
import type { Reading, Shown } from './reading.ts';
import type { Relations } from './relations.ts';
import type { Row } from './row.ts';
import { nothingNoted, type Sending } from './sending.ts';
import { digestOf, fileName, type Slot, slotName } from './slots.ts';
import type { Targets } from './targets.ts';

export type Message<Body extends Json> = Extract<RemoteEvent<Body>, { kind: 'message' }>;

export interface MessageParts<Body extends Json> {
  readonly reading: Reading<Body>;
  readonly targets: Targets;
  readonly relations: Pick<Relations, 'lastIn'>;
}

/** Where an event stands: in a thread, in answer to another, or neither. */
interface Place {
  readonly relates?: Content;
  readonly thread?: EventId;
  /** It is of a thread that the room does not know. */
  readonly isAstray?: boolean;
}

/** One event's worth: what it says is noted without what only stands before it. */
export interface Part {
  readonly content: Content;
  readonly slot: Omit<Slot, 'isCopy'>;
  readonly text: string;
  readonly digest: string | undefined;
}

const astray = '(in a thread) ';

export class Messages<Body extends Json> {
  readonly #parts: MessageParts<Body>;

  constructor(parts: MessageParts<Body>) {
    this.#parts = parts;
  }

  async message(row: Row, event: Message<Body>, as: UserId): Promise<Sending[]> {
    const { reading } = this.#parts;
    const text = await reading.text(event.body, event.channel, as, row.link);
    const named = event.shownAs && (await reading.named(event.shownAs, event.sender, as));
    const files = event.files === undefined ? [] : await this.files(row, event.files, as);
    const place = event.replyTo === undefined && event.thread === undefined ? nowhere : await this.#placeOf(row, event);
    const isSilent = files.length > 0 && text.length === 0;
    const words = isSilent ? [] : toContents(text, event.style, contentBytes, named);
    const parts = together(words, files, event.style !== 'emote', named);
    const sendings = parts.map((part) => sendingOf(place.isAstray && event.isBroadcast !== true ? astrayed(part) : part, event, as, place));
    if (event.isBroadcast !== true || place.thread === undefined) return sendings;
    const main = event.replyTo === undefined ? nowhere : await this.#placeOf(row, { replyTo: event.replyTo });
    return [...sendings, ...parts.map((part) => sendingOf(unpinged(part), event, as, main, true))];
  }

  async files(row: Row, files: readonly RemoteFile[], as: UserId): Promise<Shown[]> {
    const shown: Shown[] = [];
    for (const file of files) shown.push(await this.#parts.reading.file(file, as, row.attempts));
    return shown;
  }

  /** In the thread, in answer to what it answers, or else, for clients without threads, to the last known there. */
  async #placeOf(
    row: Row,
    { id, replyTo, thread }: { id?: RemoteMessageId | undefined; replyTo?: RemoteMessageId; thread?: RemoteMessageId },
  ): Promise<Place> {
    const { targets, relations } = this.#parts;
    const answered = replyTo === undefined ? undefined : await targets.first(row, replyTo);
    const reply = answered && { 'm.in_reply_to': { event_id: answered.event } };
    if (thread === undefined || thread === id) return reply === undefined ? nowhere : { relates: reply };
    const began = await targets.first(row, thread);
    if (began === undefined) return { ...(reply && { relates: reply }), isAstray: true };
    // What is in a thread itself cannot begin one.
    const root = began.thread ?? began.event;
    const isOwnAnswer = answered !== undefined || began.thread !== undefined;
    const last = answered?.event ?? (began.thread === undefined ? relations.lastIn(root, row.link) : undefined) ?? began.event;
    return { thread: root, relates: inThread(root, last, !isOwnAnswer) };
  }
}

const nowhere: Place = {};

export function inThread(root: EventId, last: EventId, isFallback: boolean): Content {
  return { rel_type: 'm.thread', event_id: root, is_falling_back: isFallback, 'm.in_reply_to': { event_id: last } };
}

/** Words and files as events; one piece of words goes with the first file. */
export function together(words: readonly Content[], files: readonly Shown[], mayCaption: boolean, named: Named | undefined): Part[] {
  const [first, ...others] = files;
  const [only] = words;
  const bare = named && withoutFallbackName(named);
  const filed = (shown: Shown) => partOfFile(shown, bare);
  // What a picture shows is said of it alone.
  const hasRoom = first?.is === 'file' && !first.file.alt && mayCaption;
  if (only === undefined || words.length > 1 || !hasRoom) return [...words.map(partOfWords), ...files.map(filed)];
  return [captioned(first.content, only, fileName(first.file)), ...others.map(filed)];
}

export function partOfWords(content: Content): Part {
  return { content, slot: { is: 'text' }, text: String(content.body), digest: digestOf(content) };
}

export function partOfFile({ is, file, content }: Shown, named?: Content): Part {
  return {
    ...{ content: { ...content, ...named }, slot: { is, file: fileName(file) }, text: String(content.body) },
    digest: undefined,
  };
}

/** `media`: content of the event without words. */
export function captioned(media: Content, words: Content, file: string | undefined): Part {
  const { msgtype, url, info, filename } = media;
  return {
    ...partOfWords(words),
    content: { ...words, msgtype, url, info, filename },
    slot: { is: 'caption', ...(file !== undefined && { file }) },
  };
}

export function sendingOf(
  { content, slot, text, digest }: Part,
  event: Pick<Message<Json>, 'id' | 'sender'>,
  as: UserId,
  { relates, thread }: Place,
  isCopy = false,
): Sending {
  const name = slotName({ ...slot, isCopy });
  return {
    as,
    type: 'm.room.message',
    content: relates === undefined ? content : { ...content, 'm.relates_to': relates },
    relation: {
      ...{ ...nothingNoted, kind: 'message', remote: event.id, author: event.sender.id, text },
      ...(name !== undefined && { slot: name }),
      ...(digest !== undefined && { digest }),
      ...(thread !== undefined && { thread }),
    },
  };
}

/** Its thread is not to be seen here: the words say so. */
function astrayed(part: Part): Part {
  if (part.slot.is !== 'text' && part.slot.is !== 'caption') return part;
  const { body, formatted_body: html } = part.content;
  return {
    ...part,
    content: { ...part.content, body: `${astray}${body}`, ...(html !== undefined && { formatted_body: `${astray}${html}` }) },
  };
}

/** Said twice, it calls people once. */
const unpinged = (part: Part): Part => ({ ...part, content: { ...part.content, 'm.mentions': {} } });
