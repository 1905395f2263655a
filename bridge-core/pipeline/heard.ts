// What was taken in last from each channel, so that what came since can be asked for. The only writer of its table; written in
// the commit of the row that the message became.

import type { ChannelId, RemoteMessageId } from '../ids.ts';
import type { Link } from '../plumbing/links.ts';
import type { Json, RemoteEvent } from '../remote-event.ts';
import type { Statement, Store } from '../store/store.ts';

/** As far back as it is known what was taken in (the seen ledger), ms. */
export const longest = 30 * 86_400_000;

export interface LastHeard {
  /** Undefined: nothing yet, and `at` says since when. */
  readonly id: RemoteMessageId | undefined;
  readonly at: number;
}

export class Heard {
  readonly #store: Store;
  readonly #select: Statement<{ id: string; at: number }>;
  readonly #put: Statement;

  constructor(parts: { store: Store }) {
    this.#store = parts.store;
    this.#select = parts.store.prepare('SELECT id, at FROM heard WHERE channel = ?');
    this.#put = parts.store.prepare(
      'INSERT INTO heard (channel, id, at) VALUES (?, ?, ?) ON CONFLICT (channel) DO UPDATE SET id = excluded.id, at = excluded.at WHERE excluded.at >= heard.at',
    );
  }

  /** In a unit. Never backwards. */
  note(event: RemoteEvent<Json>): void {
    if (event.kind === 'message' && event.id !== undefined) this.#put.run(event.channel, event.id, event.at);
  }

  isKnown(channel: ChannelId): boolean {
    return this.#select.get(channel) !== undefined;
  }

  /** Where nothing is known, it counts from when its first link was made. */
  last(channel: ChannelId, links: readonly Link[]): LastHeard {
    const heard = this.#select.get(channel);
    if (heard !== undefined) return { id: heard.id === '' ? undefined : (heard.id as RemoteMessageId), at: heard.at };
    const linked = Math.min(...links.map(({ at }) => at));
    return { id: undefined, at: Math.max(Number.isFinite(linked) ? linked : 0, Date.now() - longest) };
  }

  /** From here on; before the first word the time alone says since when. */
  begin(channel: ChannelId): void {
    this.#store.writeSoon(() => this.#put.run(channel, '', Date.now()));
  }

  /** The same messages under another id of the channel: they must not come again. */
  move(from: ChannelId, to: ChannelId): void {
    this.#store.writeSoon(() => this.#store.prepare('UPDATE OR REPLACE heard SET channel = ? WHERE channel = ?').run(to, from));
  }

  forget(channel: ChannelId): void {
    this.#store.writeSoon(() => this.#store.prepare('DELETE FROM heard WHERE channel = ?').run(channel));
  }
}
