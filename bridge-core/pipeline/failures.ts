// What could not be delivered: kept as dead rows, counted, and told to whom it concerns. On the Matrix side by a status on
// the very message and one notice for all that fails within a moment; on the network's by a private word. Failures of
// notices are only counted: no notice answers a notice.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import { type BridgeError, messageOf } from '../errors.ts';
import type { ChannelId, RemoteMessageId, RemoteUserId, RoomId } from '../ids.ts';
import { noticeField } from '../matrix-event.ts';
import { calledIn } from '../plumbing/described.ts';
import { isMembersOnly, type Link, type Links, receiverOf } from '../plumbing/links.ts';
import type { Json, RemoteEvent } from '../remote-event.ts';
import type { Store } from '../store/store.ts';
import { styleOf } from './content.ts';
import type { Journal } from './journal.ts';
import type { Lanes } from './lanes.ts';
import { type Row, roomLane, states, towards } from './row.ts';

/** Failures within this time, ms, share one notice. */
const gatherMs = 1_500;

export interface FailureParts<Body extends Json> {
  readonly store: Store;
  readonly journal: Journal;
  readonly links: Links;
  readonly adapter: Pick<Adapter<Body>, 'tell' | 'channels'>;
  readonly log: Logger;
  readonly count: (row: Row, code: string) => void;
}

interface Notice {
  readonly room: RoomId;
  readonly reason: string;
}

/** A notice that is written down already, with what failed since, and is let go a moment after the first of it. */
interface Gathered {
  readonly reasons: Map<string, number>;
  row: Row;
  readonly timer: NodeJS.Timeout;
}

export class Failures<Body extends Json> {
  readonly #parts: FailureParts<Body>;
  readonly #gathering = new Map<RoomId, Gathered>();
  /** Links whose channel is archived, and whose room heard so again when somebody spoke. */
  readonly #toldArchived = new Set<number>();
  #matrixLanes: Lanes | undefined;

  constructor(parts: FailureParts<Body>) {
    this.#parts = parts;
  }

  /** The lanes that carry notices; they need this object first. */
  tellThrough(lanes: Lanes): void {
    this.#matrixLanes = lanes;
  }

  async bury(row: Row, error: BridgeError): Promise<void> {
    const { journal, store, log, count } = this.#parts;
    const was = row.state;
    row.state = states.dead;
    row.error = `${error.code}: ${error.message}`;
    count(row, error.code);
    log.warn({ seq: row.seq, lane: row.lane, code: error.code, why: error.message }, 'given up; `dead` lists it');
    const isMarked = row.task.do === 'say' && row.task.event.content[noticeField] === true;
    const isNotice = row.task.do === 'tell' || row.task.do === 'status' || isMarked;
    const link = this.#parts.links.get(row.link);
    const isTold = !isNotice && link !== undefined && !isSaidAsNotice(row);
    const notice = isTold ? this.#noticeOf(row, link, error) : undefined;
    const writing = store.write(() => {
      if (isNotice) journal.remove(row);
      else journal.save(row);
      if (notice !== undefined) this.#gather(notice);
      if (isNotice || row.task.do !== 'say' || link === undefined) return undefined;
      return journal.append({
        ...{ direction: towards.matrix, lane: roomLane(link.room), link: 0, source: '' },
        task: {
          ...{ do: 'status', event: row.task.event.id, network: this.#networkOf(link.channel) },
          failure: { code: error.code, words: explain(error) },
        },
      });
    });
    // Asked for in the same turn: what an adapter writes down of it is in this very commit, so that no crash comes in between.
    const telling = isTold && row.task.do === 'show' ? this.#tellSender(row.task.event, explain(error)) : undefined;
    const made = await writing.catch((thrown) => {
      // Nobody was told, and it lives: it is tried again.
      row.state = was;
      if (notice !== undefined) this.#ungather(notice);
      if (link !== undefined) this.#toldArchived.delete(link.id);
      throw thrown;
    });
    if (made !== undefined) this.#matrixLanes?.push(made);
    await telling;
  }

  /** A file could not be carried: the room was told. */
  async lost(event: RemoteEvent, words: string): Promise<void> {
    if (event.kind !== 'message' && event.kind !== 'edit') return;
    const message = event.kind === 'message' ? event.id : event.target;
    await this.#tell(event.sender.id, `A file of yours did not reach the Matrix room: ${words}`, event.channel, message);
  }

  /** What people see of themselves in the room as they do not mean it; a reaction may be missing. */
  async #tellSender(event: RemoteEvent, why: string): Promise<void> {
    const { channel } = event;
    if (event.kind === 'message')
      await this.#tell(event.sender.id, `Your message did not reach the Matrix room: ${why}`, channel, event.id);
    if (event.kind === 'edit')
      await this.#tell(event.sender.id, `Your change of a message did not reach the Matrix room: ${why}`, channel, event.target);
    if (event.kind === 'redaction' && event.sender !== undefined)
      await this.#tell(event.sender.id, `A message that you took away still stands in the Matrix room: ${why}`, channel, event.target);
  }

  async #tell(user: RemoteUserId, words: string, channel: ChannelId, message: RemoteMessageId | undefined): Promise<void> {
    const { adapter, log } = this.#parts;
    await adapter.tell?.(user, words, { channel, ...(message !== undefined && { message }) }).catch((thrown) => {
      log.warn({ user, why: messageOf(thrown) }, 'who failed to be heard could not be told');
    });
  }

  /** Notices still being gathered go out now; called before the lanes stop. */
  flush(): void {
    for (const room of [...this.#gathering.keys()]) this.#tellRoom(room);
  }

  /** Every message bears its own status; the room is told once. */
  #isToldAlready({ id, options }: Link): boolean {
    if (options.archived !== true) this.#toldArchived.delete(id);
    else if (this.#toldArchived.has(id)) return true;
    else this.#toldArchived.add(id);
    return false;
  }

  #noticeOf({ task }: Row, link: Link, error: BridgeError): Notice | undefined {
    if (task.do === 'say') return this.#isToldAlready(link) ? undefined : { room: link.room, reason: this.#reasonOf(link, error) };
    // Where it was said; of rooms that are not for all, and of their ids, nothing is told.
    if (task.do !== 'repeat' || task.content === undefined || receiverOf(link) !== undefined || isMembersOnly(link)) return undefined;
    const from = this.#parts.links.liveOn(link.channel).find(({ room }) => room === task.trail.at(-1));
    if (from === undefined) return undefined;
    return { room: from.room, reason: `not shown in another room of ${calledIn(this.#parts.adapter.channels, from)}. ${error.remedy}` };
  }

  #reasonOf(link: Link, error: BridgeError): string {
    const said = error.code === 'OUTCOME_UNKNOWN' ? 'perhaps not delivered' : 'not delivered';
    const { channels } = this.#parts.adapter;
    const { name } = channels.describe(link.channel);
    const words = explain(error);
    // Networks name the channel themselves where they refuse.
    return `${said} to ${calledIn(channels, link)}: ${words.startsWith(`${name}: `) ? words.slice(name.length + 2) : words}`;
  }

  /** In the unit of the failure, so that no crash comes in between. */
  #gather({ room, reason }: Notice): void {
    const { journal } = this.#parts;
    const gathered = this.#gathering.get(room);
    const reasons = gathered?.reasons ?? new Map<string, number>();
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    const counted = [...reasons].filter(([, times]) => times > 0);
    const lines = counted.map(([each, times]) => `${times === 1 ? 'A message was' : `${times} messages were`} ${each}`);
    const task = { do: 'tell', text: lines.join('\n') } as const;
    if (gathered !== undefined) gathered.row = journal.rewrite(gathered.row, task);
    else {
      const row = journal.append({ direction: towards.matrix, lane: roomLane(room), link: 0, source: '', task });
      this.#gathering.set(room, { reasons, row, timer: setTimeout(() => this.#tellRoom(room), gatherMs) });
    }
  }

  /** Of what could not be written; should it be given up once more, it is gathered then. */
  #ungather({ room, reason }: Notice): void {
    const gathered = this.#gathering.get(room);
    if (gathered === undefined) return;
    gathered.reasons.set(reason, (gathered.reasons.get(reason) ?? 0) - 1);
    const written = this.#parts.journal.read(gathered.row.seq);
    if (written !== undefined) gathered.row = written;
    else {
      clearTimeout(gathered.timer);
      this.#gathering.delete(room);
    }
  }

  #tellRoom(room: RoomId): void {
    const gathered = this.#gathering.get(room);
    if (gathered === undefined) return;
    this.#gathering.delete(room);
    clearTimeout(gathered.timer);
    // What it may wait counts from here.
    this.#matrixLanes?.push({ ...gathered.row, at: Date.now() });
  }

  #networkOf(channel: Parameters<Links['liveOn']>[0]): string {
    return this.#parts.adapter.channels.describe(channel).network.name;
  }
}

/** Mostly said by machines, and perhaps in answer to a failure: an answer to that could go on for ever. */
function isSaidAsNotice({ task }: Row): boolean {
  if (task.do === 'say') return styleOf(task.event.content) === 'notice';
  if (task.do === 'repeat') return task.content?.style === 'notice';
  return task.do === 'show' && 'style' in task.event && task.event.style === 'notice';
}

/** What happened, and what to do about it. */
export function explain(error: BridgeError): string {
  return `${error.message.replace(/[.\s]+(?=\)?$)/, '')}. ${error.remedy}`;
}
