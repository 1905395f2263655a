// Which channels people of ours are in by their own accounts: read from Slack's list once they are logged in and after each absence,
// kept in step with what is told. Asked for every event heard where somebody has a room of their own, so it must be cheap.

import { setTimeout as delay } from 'node:timers/promises';
import { RetryableError, type UserId } from '#bridge-core';
import type { Account } from './account.ts';
import type { Conversations } from './conversations.ts';
import type { Ask } from './users.ts';

interface Kept {
  channels: Set<string>;
  /** Whoever is not among them is in none but these. */
  isRead: boolean;
  reading: { readonly account: Account; readonly over: Promise<boolean> } | undefined;
  /** While the list is read: it may be older than these. */
  readonly changed: Map<string, boolean>;
  /** What was reported last, for Slack tells of one's own leaving in several words. */
  readonly told: Map<string, boolean>;
}

const firstPause = 500;
const longestPause = 60_000;

export interface OwnChannelsParts {
  /** As it is at each moment. */
  readonly team: {
    readonly accounts: ReadonlyMap<string, Account>;
    readonly conversations: Conversations;
    accountOf(user: UserId): Account | undefined;
  };
}

export class OwnChannels {
  readonly #team: OwnChannelsParts['team'];
  /** By account. */
  readonly #kept = new Map<string, Kept>();
  /** Who had a login and has none now. */
  readonly #gone = new Set<UserId>();
  /** Lists that are being read, with those of whom something newer was told. */
  readonly #learning = new Set<{ readonly channel: string; readonly told: Set<string> }>();
  #isStopped = false;

  constructor(parts: OwnChannelsParts) {
    this.#team = parts.team;
  }

  /** Nothing is asked for any more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Undefined: not known yet. */
  isIn(channel: string, user: UserId): boolean | undefined {
    const account = this.#team.accountOf(user);
    if (account !== undefined) return this.has(account.id, channel);
    return this.#gone.has(user) ? false : undefined;
  }

  /** By the account's id; of any other, undefined. */
  has(id: string, channel: string): boolean | undefined {
    const kept = this.#kept.get(id);
    if (kept === undefined) return undefined;
    return kept.channels.has(channel) || (kept.isRead ? false : undefined);
  }

  /** Whose eyes see the channel. */
  accountIn(channel: string): Account | undefined {
    return this.#team.accounts.values().find(({ id }) => this.#kept.get(id)?.channels.has(channel) === true);
  }

  signedIn(account: Account, before: Account | undefined): void {
    if (before !== undefined && before.user !== account.user) this.#gone.add(before.user);
    this.#gone.delete(account.user);
    if (this.#kept.has(account.id)) return;
    this.#kept.set(account.id, { channels: new Set(), isRead: false, reading: undefined, changed: new Map(), told: new Map() });
  }

  left({ id, user }: Account): void {
    this.#gone.add(user);
    this.#kept.delete(id);
  }

  /** Never rejects, nor settles before the login has ended or it is known; true: it is. `isWanted`: what that one is called is kept. */
  read(account: Account, isWanted: (channel: string) => boolean): Promise<boolean> {
    const kept = this.#kept.get(account.id);
    if (kept === undefined) return Promise.resolve(false);
    if (kept.reading?.account === account) return kept.reading.over;
    const over = this.#read(account, kept, isWanted).finally(() => {
      if (kept.reading?.over === over) kept.reading = undefined;
    });
    kept.reading = { account, over };
    return over;
  }

  /** The same, where it was not read yet. */
  ready(account: Account, isWanted: (channel: string) => boolean): Promise<boolean> {
    const kept = this.#kept.get(account.id);
    return kept?.isRead === true && kept.reading === undefined ? Promise.resolve(true) : this.read(account, isWanted);
  }

  /** By a call of ours. */
  note(id: string, channel: string, isIn: boolean): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    for (const learning of this.#learning) if (learning.channel === channel) learning.told.add(id);
    if (isIn) kept.channels.add(channel);
    else kept.channels.delete(channel);
    if (kept.reading !== undefined) kept.changed.set(channel, isIn);
  }

  /** Who of ours is in it, by a list that takes its time: what is told meanwhile is newer than that. */
  async learn(channel: string, members: AsyncIterable<string>): Promise<void> {
    const told = new Set<string>();
    const learning = { channel, told };
    this.#learning.add(learning);
    try {
      const found = new Set<string>();
      for await (const member of members) found.add(member);
      for (const id of this.#kept.keys()) if (!told.has(id)) this.note(id, channel, found.has(id));
    } finally {
      this.#learning.delete(learning);
    }
  }

  /** It has another id from now on. */
  moved(from: string, to: string): void {
    for (const [id, { channels }] of this.#kept) {
      if (!channels.has(from)) continue;
      this.note(id, to, true);
      this.note(id, from, false);
    }
  }

  /** As Slack tells it; false: that was reported already. */
  changed(id: string, channel: string, isIn: boolean): boolean {
    const kept = this.#kept.get(id);
    if (kept === undefined) return true;
    this.note(id, channel, isIn);
    if (kept.told.get(channel) === isIn) return false;
    kept.told.set(channel, isIn);
    return true;
  }

  /** It could not be reported. */
  untold(id: string, channel: string): void {
    this.#kept.get(id)?.told.delete(channel);
  }

  async #read(account: Account, kept: Kept, isWanted: (channel: string) => boolean): Promise<boolean> {
    for (let pause = firstPause; !account.isEnded && !this.#isStopped; pause = Math.min(pause * 2, longestPause)) {
      try {
        await this.#readOnce(account, kept, isWanted);
        return true;
      } catch (thrown) {
        if (!(thrown instanceof RetryableError)) {
          // Who may not be asked is where they were seen to come in.
          kept.isRead = true;
          return false;
        }
      }
      await delay(pause, undefined, { ref: false });
    }
    return false;
  }

  async #readOnce(account: Account, kept: Kept, isWanted: (channel: string) => boolean): Promise<void> {
    const { conversations } = this.#team;
    kept.changed.clear();
    const found = new Set<string>();
    const ask = account.ask as unknown as Ask;
    // One is still in what is archived, and hears of its return.
    const list = conversations.list('users.conversations', 'public_channel,private_channel', ask, { withArchived: true });
    for await (const each of list) {
      found.add(each.id);
      if (isWanted(each.id)) conversations.seen(each);
    }
    for (const [channel, isIn] of kept.changed) {
      if (isIn) found.add(channel);
      else found.delete(channel);
    }
    kept.channels = found;
    kept.isRead = true;
    kept.told.clear();
  }
}
