// An edit of the network's: what stands is compared with what is to stand, and only the difference is sent. Words take the
// place of words, in order; a file's words are edited with it; what is over is taken away; what was never shown is shown now.

import type { Homeserver } from '../appservice/homeserver.ts';
import { PermanentError } from '../errors.ts';
import { fromPlain } from '../format/rich-text.ts';
import { toPlain } from '../format/to-html.ts';
import type { RoomId, UserId } from '../ids.ts';
import { type Content, stringIn } from '../matrix-event.ts';
import type { Links } from '../plumbing/links.ts';
import type { Json, RemoteEvent } from '../remote-event.ts';
import { contentBytes, editBytes, toContents } from './content.ts';
import type { Reading } from './reading.ts';
import { type Relation, type Relations, textLength } from './relations.ts';
import type { Row } from './row.ts';
import type { Sending } from './sending.ts';
import { captioned, inThread, type Messages, type Part, partOfFile, partOfWords, sendingOf } from './showing-messages.ts';
import { digestOf, fileName, slotName, slotOf } from './slots.ts';
import type { Targets } from './targets.ts';

type Edit<Body extends Json> = Extract<RemoteEvent<Body>, { kind: 'edit' }>;

export interface EditParts<Body extends Json> {
  readonly homeserver: Pick<Homeserver, 'event'>;
  readonly reading: Reading<Body>;
  readonly messages: Messages<Body>;
  readonly targets: Targets;
  readonly relations: Pick<Relations, 'lastIn' | 'ofEvent'>;
  readonly links: Pick<Links, 'get'>;
}

const wordy: ReadonlySet<string> = new Set(['m.text', 'm.notice', 'm.emote']);

/** What one place of the message (its own, or the copy outside the thread) is to become. */
interface Wanted {
  readonly row: Row;
  readonly room: RoomId;
  readonly as: UserId;
  readonly event: Edit<Json>;
  readonly words: readonly Content[];
  /** The same, cut as for a new message: an event holds more of that than of an edit. */
  readonly asNew: readonly Content[];
}

export class Edits<Body extends Json> {
  readonly #parts: EditParts<Body>;

  constructor(parts: EditParts<Body>) {
    this.#parts = parts;
  }

  async edit(row: Row, room: RoomId, event: Edit<Body>, as: UserId): Promise<Sending[]> {
    const { targets, reading, messages } = this.#parts;
    const standing = await targets.all(row, event.target);
    const { target, ...rest } = event;
    if (standing.some(({ kind }) => kind === 'gone')) return [];
    // Where something was kept back it may be that, and its other words say the same.
    if (standing.length === 0 && this.#parts.links.get(row.link)?.options.kept !== undefined) return [];
    if (standing.length === 0) return await messages.message(row, { ...rest, kind: 'message', id: target }, as);
    const text = await reading.text(event.body, event.channel, as, row.link);
    const mine = await this.#mine(standing, as, row, room, toPlain(text));
    if (mine === undefined) return [];
    if (mine.length === 0) return this.#ofAnother(standing[0], toPlain(text), event, as);

    const named = event.shownAs && (await reading.named(event.shownAs, event.sender, as));
    const isSilent = text.length === 0 && (event.files === undefined || event.files.length > 0);
    const words = isSilent ? [] : toContents(text, event.style, editBytes, named);
    const asNew = words.length < 2 ? words : toContents(text, event.style, contentBytes, named);
    const wanted: Wanted = { row, room, as, event: event as unknown as Edit<Json>, words, asNew };
    const isCopy = ({ slot }: Relation) => slotOf(slot).isCopy;
    const copy = mine.filter(isCopy);
    const own = mine.filter((relation) => !isCopy(relation));
    return [...(await this.#revise(own, wanted, false)), ...(copy.length > 0 ? await this.#revise(copy, wanted, true) : [])];
  }

  /** Theirs to edit; undefined: it says so already. Of what a person said from Matrix, whom we may speak as, only words that
   *  went out whole: anything else would lose a part of itself. */
  async #mine(standing: readonly Relation[], as: UserId, row: Row, room: RoomId, said: string): Promise<readonly Relation[] | undefined> {
    const mine = standing.filter(({ sender }) => sender === as);
    const [first] = mine;
    if (first === undefined || first.author !== undefined) return mine;
    if (first.text === cut(said)) return undefined;
    if (this.#parts.relations.ofEvent(first.event, row.link).length > 1) return [];
    const event = await this.#parts.homeserver.event(room, first.event).catch((thrown: unknown) => {
      if (!(thrown instanceof PermanentError)) throw thrown;
    });
    return wordy.has(String(event?.content.msgtype)) ? mine : [];
  }

  async #revise(standing: readonly Relation[], wanted: Wanted, isCopy: boolean): Promise<Sending[]> {
    const { as, event, asNew } = wanted;
    const texts = standing.filter(({ slot }) => slotOf(slot).is === 'text');
    const files = standing.filter(({ slot }) => slotOf(slot).is !== 'text');
    const left = event.files && new Set(event.files.map(fileName));
    const isLeft = ({ slot }: Relation) => left === undefined || left.has(slotOf(slot).file ?? '');
    const holder = holderAmong(files.filter(isLeft), texts, wanted.words.length);
    const places = holder === undefined ? texts : [holder, ...texts];
    const stands = (contents: readonly Content[]) =>
      contents.length === places.length && places.every((place, at) => isSame(place, contents[at]));
    const words = stands(asNew) ? asNew : wanted.words;

    const sendings: Sending[] = [];
    for (const [at, content] of words.entries()) {
      const place = places[at];
      if (place === undefined) sendings.push(this.#added(partOfWords(content), standing, wanted, isCopy));
      else if (!isSame(place, content)) sendings.push(...(await this.#changed(place, place === holder, content, wanted, isCopy)));
    }
    for (const place of places.slice(words.length)) {
      if (place !== holder) sendings.push(removed(place, as));
      else if (slotOf(place.slot).is === 'caption') sendings.push(...(await this.#uncaptioned(place, wanted, isCopy)));
    }
    for (const file of files) if (!isLeft(file)) sendings.push(removed(file, as));
    const known = new Set(files.map(({ slot }) => slotOf(slot).file));
    const fresh = event.files?.filter((file) => !known.has(fileName(file))) ?? [];
    for (const shown of await this.#parts.messages.files(wanted.row, fresh, as))
      sendings.push(this.#added(partOfFile(shown), standing, wanted, isCopy));
    return sendings;
  }

  async #changed(place: Relation, isFile: boolean, content: Content, wanted: Wanted, isCopy: boolean): Promise<Sending[]> {
    const shown = isCopy ? { ...content, 'm.mentions': {} } : content;
    if (!isFile) return [editOf(place, partOfWords(shown), wanted.as, isCopy)];
    const media = await this.#mediaOf(place, wanted.room);
    return media === undefined ? [] : [editOf(place, captioned(media, shown, slotOf(place.slot).file), wanted.as, isCopy)];
  }

  /** The words beside a file are gone, the file is not. */
  async #uncaptioned(place: Relation, wanted: Wanted, isCopy: boolean): Promise<Sending[]> {
    const media = await this.#mediaOf(place, wanted.room);
    if (media === undefined) return [];
    const { msgtype, url, info, filename } = media;
    const { file } = slotOf(place.slot);
    const content = { msgtype, url, info, filename, body: filename, 'm.mentions': {} };
    const part: Part = { content, slot: { is: 'file', ...(file !== undefined && { file }) }, text: String(filename), digest: undefined };
    return [editOf(place, part, wanted.as, isCopy)];
  }

  /** An edit must say again what it leaves as it is, and that is the room's to tell. */
  async #mediaOf({ event }: Relation, room: RoomId): Promise<Content | undefined> {
    const found = await this.#parts.homeserver.event(room, event).catch((thrown: unknown) => {
      if (!(thrown instanceof PermanentError)) throw thrown;
    });
    const content = found?.content;
    return stringIn(content, 'url') === undefined ? undefined : { filename: content?.body, ...content };
  }

  #added(part: Part, standing: readonly Relation[], { event, as, row }: Wanted, isCopy: boolean): Sending {
    const thread = isCopy ? undefined : standing[0]?.thread;
    const last = thread && (this.#parts.relations.lastIn(thread, row.link) ?? thread);
    const place = thread && last ? { thread, relates: inThread(thread, last, true) } : {};
    return sendingOf(part, { id: event.target, sender: event.sender }, as, place, isCopy);
  }

  /** Said from Matrix, and changed on the network by other means: that event is not the ghost's to edit. */
  #ofAnother(standing: Relation | undefined, said: string, event: Edit<Body>, as: UserId): Sending[] {
    if (standing === undefined || said === '' || standing.text === cut(said)) return [];
    const [content = {}] = toContents(fromPlain(`* ${said}`), event.style);
    const relates = { 'm.in_reply_to': { event_id: standing.event } };
    const part = { ...partOfWords(content), text: said };
    return [sendingOf(part, { id: event.target, sender: event.sender }, as, { relates })];
  }
}

/** The file that the words stand beside, or could: where they stand alone they stay alone. */
function holderAmong(files: readonly Relation[], texts: readonly Relation[], pieces: number): Relation | undefined {
  const captionedFile = files.find(({ slot }) => slotOf(slot).is === 'caption');
  if (captionedFile !== undefined) return captionedFile;
  return texts.length === 0 && pieces === 1 ? files.find(({ slot }) => slotOf(slot).is === 'file') : undefined;
}

function isSame(standing: Relation, content: Content | undefined): boolean {
  if (content === undefined) return false;
  const digest = digestOf(content);
  if (slotOf(standing.slot).is === 'file' || standing.digest !== digest) return false;
  return digest !== undefined || standing.text === content.body;
}

function removed({ event }: Relation, as: UserId): Sending {
  return { as, type: 'm.room.redaction', content: {}, redacts: event, forgets: event };
}

function editOf(standing: Relation, part: Part, as: UserId, isCopy: boolean): Sending {
  const { content, slot, text, digest } = part;
  const { digest: _digest, slot: _slot, ...older } = standing;
  const name = slotName({ ...slot, isCopy });
  return {
    as,
    type: 'm.room.message',
    content: {
      ...{ ...content, body: `* ${content.body}`, 'm.new_content': content },
      'm.relates_to': { rel_type: 'm.replace', event_id: standing.event },
    },
    revises: { ...older, text, ...(digest !== undefined && { digest }), ...(name !== undefined && { slot: name }) },
  };
}

const cut = (said: string): string => said.slice(0, textLength);
