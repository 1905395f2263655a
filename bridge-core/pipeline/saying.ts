// Step 7 towards the network, for what is said and said anew: printed once, then said or edited part by part, each of them once
// whatever happens in between. A part that was said is never said again, even where its record could not be written.

import type { Adapter, MatrixFile, Outgoing, Session } from '../adapter.ts';
import type { OutgoingFile } from '../appservice/outgoing-files.ts';
import { fromPlain, type RichText } from '../format/rich-text.ts';
import type { ChannelId, RemoteMessageId } from '../ids.ts';
import type { MatrixEvent } from '../matrix-event.ts';
import type { Link, Links } from '../plumbing/links.ts';
import type { Json, RemoteMessage, ShownAs } from '../remote-event.ts';
import type { Store } from '../store/store.ts';
import type { Voice } from '../virtual-users/puppets.ts';
import type { Attachment } from './content.ts';
import type { Edit, Send } from './fallbacks.ts';
import { nounOf } from './fallbacks.ts';
import type { Journal } from './journal.ts';
import { decorate, decorationFor, headed, narrowed, printWithin, refitted, undecorated } from './lines.ts';
import type { Relations } from './relations.ts';
import { type Row, states } from './row.ts';

export interface SayingParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'formatter' | 'capabilities'>;
  readonly store: Store;
  readonly journal: Journal;
  readonly relations: Pick<Relations, 'messagesOf'>;
  readonly links: Pick<Links, 'byChannel'>;
  /** Older lines carry their time, ms. */
  readonly markLate: number;
  readonly page: (event: MatrixEvent, title: string, text: RichText) => Promise<string | undefined>;
  /** For networks that take files. */
  readonly openFile: (file: Attachment, event: MatrixEvent) => Promise<OutgoingFile>;
}

export interface Words<Body extends Json> {
  readonly link: Link;
  readonly event: MatrixEvent;
  readonly voice: Voice<Body>;
  /** In whose name the bot speaks, and how the network shows it. */
  readonly name: string;
  readonly shownAs: () => ShownAs;
  /** Throws where it is not to be said any more. */
  readonly check: () => void;
}

/** How a text goes out under the present circumstances. */
interface Manner {
  readonly isShown: boolean;
  readonly style: Outgoing['style'];
  readonly text: RichText;
  readonly decoration: ReturnType<typeof decorationFor>;
  readonly fit: ReturnType<Session['fit']>;
}

export class Saying<Body extends Json> {
  readonly #parts: SayingParts<Body>;
  #bodiesAreText: boolean | undefined;

  constructor(parts: SayingParts<Body>) {
    this.#parts = parts;
  }

  /** The network's id of every part, '' where it gave none. An edit's first parts are those of its target, its next are new. */
  async say(row: Row, words: Words<Body>, deed: Send | Edit, thread?: () => RemoteMessage | undefined): Promise<readonly string[]> {
    const isSaid = (row.progress.proved?.length ?? 0) > 0;
    if (deed.do === 'edit' || deed.file === undefined || isSaid) return await this.#sayParts(row, words, deed, undefined, thread);
    const opened = await this.#parts.openFile(deed.file, words.event);
    try {
      return await this.#sayParts(row, words, deed, opened.file);
    } finally {
      opened.close();
    }
  }

  async #sayParts(
    row: Row,
    words: Words<Body>,
    deed: Send | Edit,
    file: MatrixFile | undefined,
    thread?: () => RemoteMessage | undefined,
  ): Promise<readonly string[]> {
    const { link, event, voice, name } = words;
    const { session } = voice;
    const { formatter } = this.#parts.adapter;
    const { isShown, style, text, decoration, fit } = this.#mannerOf(row, words, deed);

    const kept = row.progress.bodies as readonly Body[] | undefined;
    const page = () => this.#parts.page(event, `${name} wrote`, deed.text);
    const bodies = [...(kept ?? (text.length === 0 ? [this.#wordless(fit)] : await printWithin(formatter, text, fit, page)))];
    const proved = [...(row.progress.proved ?? [])];
    const first = proved.length;
    const note = (isDurable: boolean) => {
      row.progress = { ...row.progress, bodies: [...bodies], proved: [...proved] };
      return isDurable ? this.#save(row) : undefined;
    };
    // What a network shows in a thread stands there whole.
    const isAnswer = deed.do === 'send' && deed.replyTo !== undefined;
    const answers = (part: number) => isAnswer && (part === 0 || this.#parts.adapter.capabilities(link.channel).threads);
    const { triedAs } = row.progress;
    const outgoing = (part: number): Outgoing<Body> => {
      const inThread = deed.do === 'send' ? deed.thread : part < deed.target.ids.length ? undefined : thread?.();
      return {
        ...{ key: this.#parts.journal.keyOf(row, part), channel: link.channel, style },
        body: decorate(bodies[part] as Body, decoration, part === first),
        ...(voice.relayed && isShown && { shownAs: words.shownAs(), by: event.sender }),
        ...(deed.do === 'send' && deed.replyTo !== undefined && answers(part) && { replyTo: deed.replyTo }),
        ...(inThread !== undefined && { thread: inThread }),
        ...(triedAs !== undefined && triedAs !== session.self && { triedAs }),
        ...(file !== undefined && part === 0 && { file }),
      };
    };

    if (bodies.length > 1 && kept === undefined) await note(true);
    for (let part = first; part < bodies.length; part += 1) {
      const old = deed.do === 'edit' ? deed.target.ids[part] : undefined;
      if (old !== undefined && deed.do === 'edit') {
        proved.push((await session.edit?.({ ...deed.target, ids: [old] }, outgoing(part))) ?? old);
      } else {
        // Asked with the body of the earlier try, before that is cut any further.
        let id = await this.#arrived(row, session, outgoing(part));
        if (id === undefined) {
          const body = bodies[part] as Body;
          const pieces = kept === undefined && typeof body !== 'string' ? [body] : refitted(formatter, body, fit, link.channel);
          if (pieces.length > 1) {
            bodies.splice(part, 1, ...pieces);
            await note(true);
          }
          id = await this.#send(row, words, outgoing(part));
        }
        proved.push(id ?? '');
      }
      await note(part < bodies.length - 1);
    }
    return proved;
  }

  #mannerOf(row: Row, { link, event, voice, name }: Words<Body>, deed: Send | Edit): Manner {
    const can = this.#parts.adapter.capabilities(link.channel);
    const hasFile = deed.do === 'edit' ? deed.ofFile : deed.file !== undefined;
    // A person's own session shows nobody else.
    const isShown = can.shownAs && voice.session.speaker.as === 'bot' && (!hasFile || can.fileShownAs !== false);
    const inName = voice.relayed && !isShown ? name : undefined;
    // A name needs words to stand before.
    const isBare = deed.text.length === 0 && inName !== undefined;
    const isEmote = deed.style === 'emote' || isBare;
    const style = inName !== undefined && isEmote ? 'text' : deed.style;
    const isLate = deed.do === 'send' && (row.progress.revived === true || Date.now() - row.at > this.#parts.markLate);
    const decoration = decorationFor(inName, isEmote, isLate ? event.at : undefined);
    const fit = voice.session.fit(link.channel, style);
    const text = isBare ? fromPlain(`sent ${deed.do === 'send' && deed.file !== undefined ? nounOf(deed.file) : 'a file'}`) : deed.text;
    if (text.length === 0) return { isShown, style, text, decoration: undecorated, fit };
    if (decoration.name === '' && decoration.late === '') return { isShown, style, text, decoration, fit };
    if (this.#printsText(fit)) return { isShown, style, text, decoration, fit: narrowed(fit, decoration) };
    return { isShown, style, text: headed(text, decoration), decoration: undecorated, fit };
  }

  #printsText(fit: Manner['fit']): boolean {
    this.#bodiesAreText ??= typeof this.#parts.adapter.formatter.print(fromPlain('text'), fit)[0] === 'string';
    return this.#bodiesAreText;
  }

  /** The body of a file without words. */
  #wordless(fit: Manner['fit']): Body {
    return this.#parts.adapter.formatter.print([], fit)[0] ?? ('' as unknown as Body);
  }

  async #arrived(row: Row, session: Session<Body>, message: Outgoing<Body>): Promise<RemoteMessageId | undefined> {
    if (row.unknownSince === 0) return undefined;
    return await session.sent?.(message, row.at, (id) => this.#isKnown(message.channel, id));
  }

  /** In whichever of the channel's rooms it was said. */
  #isKnown(channel: ChannelId, id: RemoteMessageId): boolean {
    const { links, relations } = this.#parts;
    return links.byChannel(channel).some((link) => relations.messagesOf(id, link.id).length > 0);
  }

  async #send(row: Row, { voice: { session }, check }: Words<Body>, message: Outgoing<Body>): Promise<RemoteMessageId | undefined> {
    const triedAs = session.speaker.as === 'user' ? session.self : row.progress.triedAs;
    // A parked row stays marked as such: after a crash it must be found at the head of its chain.
    const isFirst = row.state === states.parked && row.attempts === 0 && row.progress.begun !== true;
    if (session.sent !== undefined && (row.state === states.waiting || isFirst || row.progress.triedAs !== triedAs)) {
      if (row.state === states.waiting) row.state = states.begun;
      if (isFirst) row.progress = { ...row.progress, begun: true };
      if (triedAs !== undefined) row.progress = { ...row.progress, triedAs };
      await this.#save(row);
    }
    // Its file was opened and its pages laid out meanwhile; of what is said in part the rest follows.
    if ((row.progress.proved?.length ?? 0) === 0) check();
    return await session.send(message);
  }

  async #save(row: Row): Promise<void> {
    await this.#parts.store.write(() => this.#parts.journal.save(row));
  }
}
