// Who is typing: Slack tells that they began and tells again while they go on, never that they stopped. So it ends by itself, or
// with what they say.

import type { SlackRemoteEvent } from './events.ts';

/** ms: Slack's clients tell it again within this. */
const shownFor = 6_000;
const mostShown = 1_000;

export class Typing {
  readonly #ended: (event: SlackRemoteEvent) => void;
  readonly #shown = new Map<string, NodeJS.Timeout>();

  constructor(parts: { readonly ended: (event: SlackRemoteEvent) => void }) {
    this.#ended = parts.ended;
  }

  heard(event: SlackRemoteEvent): void {
    if (event.kind !== 'typing' && event.kind !== 'message') return;
    const name = `${event.channel} ${event.sender.id}`;
    if (event.kind === 'message' && !this.#shown.has(name)) return;
    clearTimeout(this.#shown.get(name));
    this.#shown.delete(name);
    const off: SlackRemoteEvent = { kind: 'typing', at: event.at, channel: event.channel, sender: event.sender, on: false };
    if (event.kind === 'message') this.#ended(off);
    else if (this.#shown.size < mostShown) {
      const end = () => {
        this.#shown.delete(name);
        this.#ended({ ...off, at: Date.now() });
      };
      this.#shown.set(name, setTimeout(end, shownFor).unref());
    }
  }

  stop(): void {
    for (const timer of this.#shown.values()) clearTimeout(timer);
    this.#shown.clear();
  }
}
