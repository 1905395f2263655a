// Events on their way to the core, which may not be able to take them for a while (its disk is full): IRC says nothing twice, so
// they are kept, in order, and given again until it can. Beyond a bound they are dropped, and the channel is told of the gap.

import { type ChannelId, type Inbox, type Logger, messageOf, type RemoteEvent, RetryableError } from '#bridge-core';

export interface UntakenParts {
  readonly inbox: Pick<Inbox, 'receive'>;
  readonly log: Logger;
  readonly count: (name: string) => void;
  /** ms between two tries. */
  readonly every?: number;
  readonly most?: number;
}

export class Untaken {
  readonly #parts: UntakenParts;
  readonly #every: number;
  readonly #most: number;
  #kept: RemoteEvent[] = [];
  /** Since when a channel lost some, ms since 1970. */
  readonly #dropped = new Map<ChannelId, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: UntakenParts) {
    this.#parts = parts;
    this.#every = parts.every ?? 1_000;
    this.#most = parts.most ?? 10_000;
  }

  /** In the order of calling. The core answers once an event is journaled, for which nothing here waits. */
  tell(event: RemoteEvent): void {
    if (this.#kept.length > 0) this.#keep(event);
    else this.#parts.inbox.receive(event).catch((thrown: unknown) => this.#refused(event, thrown));
  }

  #refused(event: RemoteEvent, thrown: unknown): void {
    const { log, count } = this.#parts;
    count('events_refused');
    if (thrown instanceof RetryableError) {
      // One line says it, however many follow.
      if (this.#kept.length === 0) log.error({ error: messageOf(thrown) }, 'events cannot be taken in: they are kept and given again');
      this.#keep(event);
    } else log.error({ error: messageOf(thrown), channel: event.channel }, 'an event was not taken in');
  }

  #keep(event: RemoteEvent): void {
    if (this.#kept.length < this.#most) this.#kept.push(event);
    else if (!this.#dropped.has(event.channel)) this.#dropped.set(event.channel, event.at);
    this.#again();
  }

  #again(): void {
    this.#timer ??= setTimeout(() => void this.#give(), this.#every);
    this.#timer.unref();
  }

  async #give(): Promise<void> {
    const { inbox, log } = this.#parts;
    let given = 0;
    try {
      for (let next = this.#kept[given]; next !== undefined; next = this.#kept[given]) {
        await inbox.receive(next);
        given += 1;
      }
    } catch (thrown) {
      // What will never be taken must not hold up the rest.
      if (!(thrown instanceof RetryableError)) {
        log.error({ error: messageOf(thrown), channel: this.#kept[given]?.channel }, 'an event was not taken in');
        given += 1;
      }
    }
    this.#kept.splice(0, given);
    this.#timer = undefined;
    if (this.#kept.length > 0) return this.#again();
    const now = Date.now();
    const gaps = [...this.#dropped];
    this.#dropped.clear();
    log.info({ events: given, channelsWithGaps: gaps.length }, 'events are taken in again');
    for (const [channel, from] of gaps) this.tell({ kind: 'gap', at: now, channel, from, to: now });
  }
}
