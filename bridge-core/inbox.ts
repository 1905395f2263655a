// Where an adapter's events come in before the rest of the bridge stands: they wait, in order, until somebody opens. So a
// network can be connected while everything heavier still loads.

import type { Inbox } from './adapter-tools.ts';
import type { ChannelId } from './ids.ts';
import type { Speaker } from './logins.ts';
import type { Json, RemoteEvent } from './remote-event.ts';

export class WaitingInbox<Body extends Json> implements Inbox<Body> {
  #inner: Inbox<Body> | undefined;
  #waiting: ((inner: Inbox<Body>) => void)[] = [];

  open(inner: Inbox<Body>): void {
    this.#inner = inner;
    for (const deliver of this.#waiting) deliver(inner);
    this.#waiting = [];
  }

  receive(event: RemoteEvent<Body>): Promise<void> {
    if (this.#inner !== undefined) return this.#inner.receive(event);
    return new Promise((resolve, reject) => {
      this.#waiting.push((inner) => inner.receive(event).then(resolve, reject));
    });
  }

  connection(speaker: Speaker, network: string, state: 'up' | 'connecting' | 'down' | 'logged-out', reason?: string): void {
    this.#pass((inner) => inner.connection(speaker, network, state, reason));
  }

  suspended(channel: ChannelId, reason: string): void {
    this.#pass((inner) => inner.suspended(channel, reason));
  }

  members(channel: ChannelId): void {
    this.#pass((inner) => inner.members?.(channel));
  }

  #pass(deliver: (inner: Inbox<Body>) => void): void {
    if (this.#inner === undefined) this.#waiting.push(deliver);
    else deliver(this.#inner);
  }
}
