// What could not be delivered: kept as dead rows, counted, and told to whom it concerns. On the Matrix side by a status on
// the very message and one notice for all that fails within a moment; on the network's by a private word. Failures of
// notices are only counted: no notice answers a notice.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import { type BridgeError, messageOf } from '../errors.ts';
import type { ChannelId, RemoteMessageId, RemoteUserId, RoomId } from '../ids.ts';
import { noticeField } from '../matrix-event.ts';
import { calledIn } from '../plumbing/described.ts';
import type { Link, Links } from '../plumbing/links.ts';
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

interface Gathered {
  readonly reasons: Map<string, number>;
  timer: NodeJS.Timeout;
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
    row.state = states.dead;
    row.error = `${error.code}: ${error.message}`;
    count(row, error.code);
    log.warn({ seq: row.seq, lane: row.lane, code: error.code, why: error.message }, 'given up; `dead` lists it');
    const isMarked = row.task.do === 'say' && row.task.event.content[noticeField] === true;
    const isNotice = row.task.do === 'tell' || row.task.do === 'status' || isMarked;
    const link = this.#parts.links.get(row.link);
    const writing = store.write(() => {
      if (isNotice) journal.remove(row);
      else journal.save(row);
      if (isNotice || row.task.do !== 'say' || link === undefined) return undefined;
      return journal.append({
        ...{ direction: towards.matrix, lane: roomLane(link.room), link: 0, source: '' },
        task: {
          ...{ do: 'status', event: row.task.event.id, network: this.#networkOf(link.channel) },
          failure: { code: error.code, words: explain(error) },
        },
      });
    });
    const isTold = !isNotice && link !== undefined && !isSaidAsNotice(row);
    // Asked for in the same turn: what an adapter writes down of it is in this very commit, so that no crash comes in between.
    const telling = isTold && row.task.do === 'show' ? this.#tellSender(row.task.event, explain(error)) : undefined;
    const made = await writing;
    if (made !== undefined) this.#matrixLanes?.push(made);
    if (isTold && row.task.do === 'say' && !this.#isToldAlready(link)) this.#gather(link, error);
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

  /** A row that was dead went through after all: its message no longer shows as failed. */
  cleared(row: Row): void {
    const link = this.#parts.links.get(row.link);
    if (row.task.do !== 'say' || link === undefined) return;
    const { journal, store, log } = this.#parts;
    const task = { do: 'status' as const, event: row.task.event.id, network: this.#networkOf(link.channel) };
    store
      .write(() => journal.append({ direction: towards.matrix, lane: roomLane(link.room), link: 0, source: '', task }))
      .then((made) => this.#matrixLanes?.push(made))
      .catch((thrown) => log.error({ seq: row.seq, err: thrown }, 'cannot clear the status of a message'));
  }

  /** Notices still being gathered go out now; called before the lanes stop. */
  async flush(): Promise<void> {
    for (const room of [...this.#gathering.keys()]) await this.#tellRoom(room);
  }

  /** Every message bears its own status; the room is told once. */
  #isToldAlready({ id, options }: Link): boolean {
    if (options.archived !== true) this.#toldArchived.delete(id);
    else if (this.#toldArchived.has(id)) return true;
    else this.#toldArchived.add(id);
    return false;
  }

  #gather(link: Link, error: BridgeError): void {
    const { room, channel } = link;
    let gathered = this.#gathering.get(room);
    if (gathered === undefined) {
      gathered = { reasons: new Map(), timer: setTimeout(() => void this.#tellRoom(room), gatherMs) };
      this.#gathering.set(room, gathered);
    }
    const said = error.code === 'OUTCOME_UNKNOWN' ? 'perhaps not delivered' : 'not delivered';
    const { channels } = this.#parts.adapter;
    const { name } = channels.describe(channel);
    const words = explain(error);
    // Networks name the channel themselves where they refuse.
    const reason = `${said} to ${calledIn(channels, link)}: ${words.startsWith(`${name}: `) ? words.slice(name.length + 2) : words}`;
    gathered.reasons.set(reason, (gathered.reasons.get(reason) ?? 0) + 1);
  }

  async #tellRoom(room: RoomId): Promise<void> {
    const gathered = this.#gathering.get(room);
    if (gathered === undefined) return;
    this.#gathering.delete(room);
    clearTimeout(gathered.timer);
    const { store, journal, log } = this.#parts;
    const lines = [...gathered.reasons].map(([reason, times]) => `${times === 1 ? 'A message was' : `${times} messages were`} ${reason}`);
    try {
      const row = await store.write(() =>
        journal.append({
          ...{ direction: towards.matrix, lane: roomLane(room), link: 0, source: '' },
          task: { do: 'tell', text: lines.join('\n') },
        }),
      );
      this.#matrixLanes?.push(row);
    } catch (thrown) {
      log.error({ room, err: thrown }, 'cannot tell the room of a failure');
    }
  }

  #networkOf(channel: Parameters<Links['liveOn']>[0]): string {
    return this.#parts.adapter.channels.describe(channel).network.name;
  }
}

/** Mostly said by machines, and perhaps in answer to a failure: an answer to that could go on for ever. */
function isSaidAsNotice({ task }: Row): boolean {
  if (task.do === 'say') return styleOf(task.event.content) === 'notice';
  return task.do === 'show' && 'style' in task.event && task.event.style === 'notice';
}

/** What happened, and what to do about it. */
export function explain(error: BridgeError): string {
  return `${error.message.replace(/[.\s]+(?=\)?$)/, '')}. ${error.remedy}`;
}
