// Step 7 towards the network, for what is said: printed once, then said part by part, each of them once whatever happens in
// between. A part that was said is never said again, even where its record could not be written.

import type { Adapter, Outgoing, Session } from '../adapter.ts';
import type { RichText } from '../format/rich-text.ts';
import type { RemoteMessageId } from '../ids.ts';
import type { MatrixEvent } from '../matrix-event.ts';
import type { Link } from '../plumbing/links.ts';
import type { Json } from '../remote-event.ts';
import type { Store } from '../store/store.ts';
import type { Voice } from '../virtual-users/puppets.ts';
import type { Deed } from './fallbacks.ts';
import type { Journal } from './journal.ts';
import { decorate, decorationFor, fits, narrowed, printWithin } from './lines.ts';
import type { Relations } from './relations.ts';
import { type Row, states } from './row.ts';

export interface SayingParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'formatter' | 'capabilities'>;
  readonly store: Store;
  readonly journal: Journal;
  readonly relations: Pick<Relations, 'ofRemote'>;
  /** Older lines carry their time, ms. */
  readonly markLate: number;
  readonly page: (event: MatrixEvent, title: string, text: RichText) => Promise<string | undefined>;
}

export interface Words<Body extends Json> {
  readonly link: Link;
  readonly event: MatrixEvent;
  readonly voice: Voice<Body>;
  /** In whose name the bot speaks. */
  readonly name: string;
}

export class Saying<Body extends Json> {
  readonly #parts: SayingParts<Body>;

  constructor(parts: SayingParts<Body>) {
    this.#parts = parts;
  }

  /** The network's id of every part, '' where it gave none. */
  async say(row: Row, words: Words<Body>, deed: Extract<Deed, { do: 'send' }>): Promise<readonly string[]> {
    const { link, event, name } = words;
    const { session, relayed } = words.voice;
    const { formatter } = this.#parts.adapter;
    const isShown = this.#parts.adapter.capabilities(link.channel).shownAs;
    const inName = relayed && !isShown ? name : undefined;
    const style = inName !== undefined && deed.style === 'emote' ? 'text' : deed.style;
    const isLate = row.progress.revived === true || Date.now() - row.at > this.#parts.markLate;
    const decoration = decorationFor(inName, deed.style === 'emote', isLate ? event.at : undefined);
    const fit = narrowed(session.fit(link.channel, style), decoration);

    const kept = row.progress.bodies as readonly Body[] | undefined;
    const page = () => this.#parts.page(event, `${name} wrote`, deed.text);
    const bodies = [...(kept ?? (await printWithin(formatter, deed.text, fit, page)))];
    const proved = [...(row.progress.proved ?? [])];
    const first = proved.length;
    const note = (isDurable: boolean) => {
      row.progress = { ...row.progress, bodies: [...bodies] as readonly string[], proved: [...proved] };
      return isDurable ? this.#save(row) : undefined;
    };
    const outgoing = (part: number): Outgoing<Body> => ({
      ...{ key: this.#parts.journal.keyOf(row, part), channel: link.channel, style },
      body: decorate(bodies[part] as Body, decoration, part === first),
      ...(relayed && isShown && { shownAs: { name } }),
      ...(deed.replyTo !== undefined && part === 0 && { replyTo: deed.replyTo }),
    });

    if (bodies.length > 1 && kept === undefined) await note(true);
    for (let part = first; part < bodies.length; part += 1) {
      // Asked with the body of the earlier try, before that is cut any further.
      let id = await this.#arrived(row, session, outgoing(part));
      if (id === undefined) {
        const body = bodies[part] as Body;
        const pieces = fits(body, fit) ? [body] : formatter.print(formatter.parse(body, link.channel), fit);
        if (pieces.length > 1) {
          bodies.splice(part, 1, ...pieces);
          await note(true);
        }
        id = await this.#send(row, session, outgoing(part));
      }
      proved.push(id ?? '');
      await note(part < bodies.length - 1);
    }
    return proved;
  }

  async #arrived(row: Row, session: Session<Body>, message: Outgoing<Body>): Promise<RemoteMessageId | undefined> {
    if (row.unknownSince === 0) return undefined;
    return await session.sent?.(message, row.at, (id) => this.#parts.relations.ofRemote(id, row.link).length > 0);
  }

  async #send(row: Row, session: Session<Body>, message: Outgoing<Body>): Promise<RemoteMessageId | undefined> {
    // A parked row stays marked as such: after a crash it must be found at the head of its chain.
    if (session.sent !== undefined && row.state === states.waiting) {
      row.state = states.begun;
      await this.#save(row);
    }
    return await session.send(message);
  }

  async #save(row: Row): Promise<void> {
    await this.#parts.store.write(() => this.#parts.journal.save(row));
  }
}
