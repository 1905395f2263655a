// What was said in a channel while only some might see it, or while that was still to be found out: which of it is not to be shown in a
// room that others are in. Kept with the link, so that it holds over a restart, and for what waits for days.

import type { ChannelId } from '../ids.ts';
import { isRecord } from '../matrix-event.ts';
import type { Json, RemoteEvent } from '../remote-event.ts';
import { isMembersOnly, isPersonal, type Link, type LinkOptions } from './links.ts';

/** A place in what is taken in: the number of the last row before it, and ms since 1970, for what is read back later. */
export type Mark = { readonly seq: number; readonly at: number };
type Span = { readonly from: Mark; readonly to: Mark };

/** As much as is asked of a row of the journal. */
export interface Said {
  readonly seq: number;
  readonly progress?: { readonly takenIn?: number };
  readonly task: { readonly do: string; readonly event?: unknown };
}

/** Whether what was found out of a channel still holds. */
export type Currency = (channel: ChannelId) => boolean;

/** Which channels were said to be private, and when: an answer that was asked for before says nothing of now. */
export class Doubts {
  readonly #last = new Map<ChannelId, number>();
  #count = 0;

  raise(channel: ChannelId): void {
    this.#count += 1;
    this.#last.set(channel, this.#count);
  }

  /** Whether none was raised since this call. */
  sinceNow(): Currency {
    const before = this.#count;
    return (channel) => (this.#last.get(channel) ?? 0) <= before;
  }
}

/** Those before run together. */
const mostSpans = 16;

/** Its channel was made private, and it is still to be found out who may see it: what comes from here on is not to be shown before. */
export function heldSince({ options }: Pick<Link, 'options'>): Mark | undefined {
  return isRecord(options.held) ? (options.held as Mark) : undefined;
}

/** The longest there is: what came first holds. */
export const heldFrom = (link: Link, mark: Mark): LinkOptions => (heldSince(link) === undefined ? { held: mark } : {});

/** It is known who may see it. Where that is everybody again, what was said until now is still not theirs, and what the channel is
 *  called by now, which was kept back as well, is told anew. */
export function heldUntil(link: Link, mark: Mark): LinkOptions {
  const since = heldSince(link);
  if (since === undefined) return {};
  if (isMembersOnly(link)) return { held: undefined };
  return { held: undefined, ...keptWith(link, { from: since, to: mark }) };
}

/** Its room is for the channel's people alone from now on. */
export function forFew(link: Link, mark: Mark): LinkOptions {
  const from = heldSince(link) ?? openingOf(link)?.from ?? mark;
  return { membersOnly: true, few: from, opening: undefined };
}

/** It is for all again. What was said until now is shown to its people as long as the room is closed, and to nobody afterwards. */
export function forAll(link: Link, mark: Mark): LinkOptions {
  // Made for a private channel it was never anything else.
  const span = { from: (link.options.few as Mark | undefined) ?? { seq: 0, at: link.at }, to: mark };
  return { membersOnly: undefined, few: undefined, ...(link.options.guarded === true ? { opening: span } : keptWith(link, span)) };
}

/** Others come in from here on: where it is made private before that is done, it is as open as any. */
export function opened(link: Link): LinkOptions {
  if (isMembersOnly(link)) return {};
  const span = openingOf(link);
  return { guarded: false, ...(span !== undefined && { opening: undefined, ...keptWith(link, span) }) };
}

function keptWith(link: Link, span: Span): LinkOptions {
  const spans = [...spansOf(link), span];
  const [first, ...others] = spans.slice(0, 1 + Math.max(0, spans.length - mostSpans));
  const last = others.at(-1);
  const kept = first === undefined || last === undefined ? spans : [{ from: first.from, to: last.to }, ...spans.slice(1 + others.length)];
  return { kept, shown: {} };
}

export const isAfter = (said: Said, mark: Mark): boolean => placeOf(said) > mark.seq;

const placeOf = ({ seq, progress }: Said): number => progress?.takenIn ?? seq;

/** Said for others' eyes alone: it is never shown here, be it that it still waits or that it is read back. */
export function isKeptBack(link: Pick<Link, 'options'>, said: Said): boolean {
  const at = said.task.do === 'show' ? (said.task.event as RemoteEvent).at : undefined;
  const place = placeOf(said);
  // What was taken in before it was for all, whatever the clock says: the same millisecond holds both.
  const isWithin = ({ from, to }: Span) => place > from.seq && (place <= to.seq || (at !== undefined && at >= from.at && at < to.at));
  return spansOf(link).some(isWithin);
}

/** Told of a private channel, for a room that is not its people's alone. */
export function isForFew(link: Link, { task }: Pick<Said, 'task'>): boolean {
  return task.do === 'show' && (task.event as RemoteEvent).isPrivate === true && isForAll(link) && openingOf(link) === undefined;
}

/** Made by us, for everybody who comes. */
export const isForAll = (link: Link): boolean => link.origin === 'portal' && !isPersonal(link) && !isMembersOnly(link);

export const keepsBack = (link: Pick<Link, 'options'>): boolean => link.options.kept !== undefined || heldSince(link) !== undefined;

/** When something was taken in counts there, or will. */
export const keepsPlaces = (link: Link): boolean => keepsBack(link) || isMembersOnly(link) || openingOf(link) !== undefined;

/** What its channel is called by now is not for all who are in the room: it was made private, and the room is not closed to others yet. */
export const isVeiled = (link: Pick<Link, 'options'>): boolean =>
  heldSince(link) !== undefined || link.options.shut === true || (isMembersOnly(link) && link.options.guarded !== true);

const openingOf = ({ options }: Link): Span | undefined => options.opening as Json as Span | undefined;

function spansOf({ options }: Pick<Link, 'options'>): readonly Span[] {
  return Array.isArray(options.kept) ? (options.kept as readonly Json[] as readonly Span[]) : [];
}
