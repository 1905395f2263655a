// Links that are about to go live: the channel is listened to already, so what is said there is theirs, and waits until they stand. For
// a short time only: what else the channel is linked to must not wait for ever.

import type { ChannelId } from '../ids.ts';

interface Opening {
  links: number;
  readonly over: Promise<void>;
  readonly end: () => void;
}

/** ms */
const usualLongest = 10_000;

export class Openings {
  readonly #longest: number;
  readonly #open = new Map<ChannelId, Opening>();

  constructor(longest = usualLongest) {
    this.#longest = longest;
  }

  /** Asked for every event heard. Undefined: nothing is to be waited for. */
  of(channel: ChannelId): Promise<void> | undefined {
    return this.#open.size === 0 ? undefined : this.#open.get(channel)?.over;
  }

  /** `work` ends with the link live, or not to be. */
  async during<Result>(channel: ChannelId, work: () => Promise<Result>): Promise<Result> {
    const opening = this.#open.get(channel) ?? this.#begin(channel);
    opening.links += 1;
    try {
      return await work();
    } finally {
      opening.links -= 1;
      if (opening.links === 0) opening.end();
    }
  }

  /** Nobody waits any more. */
  stop(): void {
    for (const { end } of [...this.#open.values()]) end();
  }

  #begin(channel: ChannelId): Opening {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = () => {
      clearTimeout(timer);
      if (this.#open.get(channel) === opening) this.#open.delete(channel);
      resolve();
    };
    const timer = setTimeout(end, this.#longest).unref();
    const opening: Opening = { links: 0, over: promise, end };
    this.#open.set(channel, opening);
    return opening;
  }
}
