// Where an adapter's events come in before the rest of the bridge stands: they wait, in order, until somebody opens. So a
// network can be connected while everything heavier still loads.

import type { Inbox, NetworkAct } from './adapter-tools.ts';
import { PermanentError } from './errors.ts';
import type { ChannelId, RemoteMessageId, RemoteUserId, UserId } from './ids.ts';
import type { Credentials, LoginResult, Speaker } from './logins.ts';
import type { Json, RemoteEvent, ShownMessage } from './remote-event.ts';

export class WaitingInbox<Body extends Json> implements Inbox<Body> {
  #inner: Inbox<Body> | undefined;
  #waiting: ((inner: Inbox<Body>) => void)[] = [];

  open(inner: Inbox<Body>): void {
    this.#inner = inner;
    for (const deliver of this.#waiting) deliver(inner);
    this.#waiting = [];
  }

  receive(event: RemoteEvent<Body>): Promise<void> {
    return this.#ask((inner) => inner.receive(event));
  }

  connection(speaker: Speaker, network: string, state: 'up' | 'connecting' | 'down' | 'logged-out', reason?: string): void {
    this.#pass((inner) => inner.connection(speaker, network, state, reason));
  }

  suspended(channel: ChannelId, reason: string): void {
    this.#pass((inner) => inner.suspended(channel, reason));
  }

  readmitted(channel: ChannelId): void {
    this.#pass((inner) => inner.readmitted?.(channel));
  }

  gone(channel: ChannelId, reason: string): void {
    this.#pass((inner) => inner.gone?.(channel, reason));
  }

  changed(channel: ChannelId, isPrivate = false): void {
    this.#pass((inner) => inner.changed?.(channel, isPrivate));
  }

  renamed(network: string): void {
    this.#pass((inner) => inner.renamed?.(network));
  }

  members(channel: ChannelId): void {
    this.#pass((inner) => inner.members?.(channel));
  }

  loggedIn(user: UserId, result: LoginResult): Promise<void> {
    return this.#ask((inner) => inner.loggedIn?.(user, result) ?? nobodyTakes('a login'));
  }

  renewed(account: RemoteUserId, credentials: Credentials): Promise<void> {
    return this.#ask((inner) => inner.renewed?.(account, credentials) ?? nobodyTakes('new credentials'));
  }

  asked(act: NetworkAct): Promise<string> {
    return this.#ask((inner) => inner.asked?.(act) ?? nobodyTakes('what the network asks for'));
  }

  moved(from: ChannelId, to: ChannelId): Promise<void> {
    return this.#ask((inner) => inner.moved?.(from, to) ?? nobodyTakes('a channel that moved'));
  }

  shown(channel: ChannelId, from: RemoteMessageId, to: RemoteMessageId): Promise<readonly ShownMessage[]> {
    return this.#ask((inner) => inner.shown?.(channel, from, to) ?? Promise.resolve([]));
  }

  threads(channel: ChannelId, since: number, most: number): Promise<readonly RemoteMessageId[]> {
    return this.#ask((inner) => inner.threads?.(channel, since, most) ?? Promise.resolve([]));
  }

  #ask<Answer>(question: (inner: Inbox<Body>) => Promise<Answer>): Promise<Answer> {
    if (this.#inner !== undefined) return question(this.#inner);
    return new Promise((resolve, reject) => {
      this.#waiting.push((inner) => question(inner).then(resolve, reject));
    });
  }

  #pass(deliver: (inner: Inbox<Body>) => void): void {
    if (this.#inner === undefined) this.#waiting.push(deliver);
    else deliver(this.#inner);
  }
}

function nobodyTakes(what: string): Promise<never> {
  return Promise.reject(new PermanentError('UNSUPPORTED', `this bridge has no way to take in ${what}`));
}
