// Which channels the adapter is to listen to, for the bridge or for people's own rooms: begun for whoever needs it, ended with the last.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Json } from '../remote-event.ts';
import { Background } from './background.ts';
import { isShutOut, type Link, type Links, receiverOf } from './links.ts';

type Heard = Pick<Link, 'channel' | 'options'>;

/** Whoever listens: the bridge, or the person whose own room it is. */
const listenerOf = (link: Heard): string => `${link.channel} ${receiverOf(link) ?? ''}`;

export class Listening<Body extends Json> {
  readonly #adapter: Pick<Adapter<Body>, 'watch' | 'unwatch'>;
  readonly #links: Links;
  readonly #log: Logger;
  readonly #watches: Background;
  readonly #watched = new Map<string, Promise<void>>();

  constructor(given: { adapter: Pick<Adapter<Body>, 'watch' | 'unwatch'>; links: Links; log: Logger }) {
    this.#adapter = given.adapter;
    this.#links = given.links;
    this.#log = given.log;
    this.#watches = new Background({ atOnce: Number.POSITIVE_INFINITY, log: given.log });
    this.#links.onChange(({ link, was }) => {
      if (link?.state === 'live') this.keep(link);
      const isOver = link === undefined || link.channel !== was?.channel || (was.state === 'live' && link.state !== 'live');
      if (was !== undefined && isOver) this.stopFor(was);
      // Nobody waits any more for the channel to let us in.
      const isAwaitedNoMore = was !== undefined && isShutOut(was) && link?.state !== 'live' && (link === undefined || !isShutOut(link));
      if (isAwaitedNoMore && !this.#isNeeded(was) && !this.#isAwaited(was)) this.#unwatch(was, false);
    });
  }

  /** Asks the adapter to listen until it does, or nobody needs it any more. */
  keep(link: Heard): void {
    const name = listenerOf(link);
    if (this.#watched.has(name)) return;
    this.#watches.run(name, async () => {
      if (this.#isNeeded(link)) await this.begin(link);
    });
  }

  begin(link: Heard): Promise<void> {
    const { channel } = link;
    const name = listenerOf(link);
    const known = this.#watched.get(name);
    if (known !== undefined) return known;
    const receiver = receiverOf(link);
    const watching = receiver === undefined ? this.#adapter.watch(channel) : this.#adapter.watch(channel, receiver);
    this.#watched.set(name, watching);
    watching.catch((thrown) => {
      if (this.#watched.get(name) === watching) this.#watched.delete(name);
      this.#log.warn({ channel, err: thrown }, 'the channel cannot be listened to');
    });
    return watching;
  }

  /** Unless another link needs it. */
  stopFor(link: Heard): void {
    if (!this.#isNeeded(link) && this.#watched.delete(listenerOf(link))) this.#unwatch(link, this.#isAwaited(link));
  }

  idle(): Promise<void> {
    return this.#watches.idle();
  }

  stop(): void {
    this.#watches.stop();
  }

  #isNeeded(link: Heard): boolean {
    return this.#hasOther(link, ({ state }) => state !== 'suspended');
  }

  #isAwaited(link: Heard): boolean {
    return this.#hasOther(link, isShutOut);
  }

  #hasOther(link: Heard, fits: (other: Link) => boolean): boolean {
    const name = listenerOf(link);
    return this.#links.byChannel(link.channel).some((other) => fits(other) && listenerOf(other) === name);
  }

  #unwatch(link: Heard, isForNow: boolean): void {
    const { channel } = link;
    const by = receiverOf(link);
    const stopping = isForNow
      ? this.#adapter.unwatch(channel, by, true)
      : this.#adapter.unwatch(channel, ...(by === undefined ? [] : [by]));
    stopping.catch((thrown) => this.#log.warn({ channel, err: thrown }, 'the channel could not be left'));
  }
}
