// Direct and group chats in which somebody of ours takes part by their own login: known by the lists that Slack gives for them, and
// by what is told of new ones. Asked for what is heard where no room is linked, so it must be cheap.

import { setTimeout as delay } from 'node:timers/promises';
import { type Chat, RetryableError, type UserId } from '#bridge-core';
import type { Account } from './account.ts';
import type { Conversation, Conversations } from './conversations.ts';
import type { Ask } from './users.ts';

interface Kept {
  readonly kind: 'direct' | 'group';
  /** Those of ours, by their ids in Slack. */
  readonly ours: Set<string>;
}

/** ms between tries while Slack is not to be reached. */
const firstPause = 500;
const longestPause = 60_000;
/** ms: after a start people's logins are there a moment later than the bot. */
const loginTime = 60_000;

export interface ChatsParts {
  /** As it is at each moment. */
  readonly team: {
    readonly accounts: ReadonlyMap<string, Account>;
    readonly conversations: Conversations;
    readonly identity: { readonly botUser: string } | undefined;
  };
}

export class Chats {
  readonly #team: ChatsParts['team'];
  readonly #kept = new Map<string, Kept>();
  readonly #learning = new Map<string, Promise<boolean>>();
  readonly #listing = new Map<Account, Promise<boolean>>();
  /** By channel: who waits until somebody sees it. */
  readonly #awaited = new Map<string, Set<(isSeen: boolean) => void>>();
  #isStopped = false;

  constructor(parts: ChatsParts) {
    this.#team = parts.team;
  }

  /** Nothing is asked for any more. */
  stop(): void {
    this.#isStopped = true;
    for (const channel of [...this.#awaited.keys()]) this.#answer(channel, false);
  }

  has(channel: string): boolean {
    return this.#kept.has(channel);
  }

  of(channel: string): Chat | undefined {
    const kept = this.#kept.get(channel);
    if (kept === undefined) return undefined;
    const people = [...kept.ours].map((id) => this.#team.accounts.get(id)?.user).filter((user): user is UserId => user !== undefined);
    return people.length === 0 ? undefined : { people, kind: kept.kind };
  }

  /** Whose eyes see the chat. */
  accountIn(channel: string): Account | undefined {
    for (const id of this.#kept.get(channel)?.ours ?? []) {
      const account = this.#team.accounts.get(id);
      if (account !== undefined) return account;
    }
    return undefined;
  }

  isOf(account: Account, channel: string): boolean {
    return this.#kept.get(channel)?.ours.has(account.id) === true;
  }

  /** Settles once somebody of ours sees the chat. False: nobody did within a minute. */
  async seen(channel: string): Promise<boolean> {
    if (this.has(channel)) return true;
    if (this.#isStopped) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiting = (this.#awaited.get(channel) ?? new Set()).add(resolve);
    this.#awaited.set(channel, waiting);
    const timer = setTimeout(() => resolve(false), loginTime).unref();
    const isSeen = await promise;
    clearTimeout(timer);
    waiting.delete(resolve);
    return isSeen;
  }

  /** Who waits for its people waits in vain: it is a channel. */
  isNone(channel: string): void {
    this.#answer(channel, false);
  }

  /** All of theirs, once they are logged in. Never rejects; false: they could not be had. */
  signedIn(account: Account): Promise<boolean> {
    const listing = this.#listing.get(account) ?? this.#list(account).finally(() => this.#listing.delete(account));
    this.#listing.set(account, listing);
    return listing;
  }

  async #list(account: Account): Promise<boolean> {
    for (let pause = firstPause; !account.isEnded && !this.#isStopped; pause = Math.min(pause * 2, longestPause)) {
      try {
        await this.#listOnce(account);
        return true;
      } catch (thrown) {
        if (!(thrown instanceof RetryableError)) return false;
      }
      await delay(pause, undefined, { ref: false });
    }
    return false;
  }

  async #listOnce(account: Account): Promise<void> {
    const list = this.#team.conversations.list('users.conversations', 'im,mpim', account.ask as unknown as Ask);
    for await (const conversation of list) {
      this.#learnOf(conversation, account.id);
      const { id, kind, user } = conversation;
      if (kind === 'direct' && user !== undefined && this.#team.accounts.has(user)) this.opened(id, kind, user);
    }
  }

  left(id: string): void {
    for (const [channel, kept] of this.#kept) {
      kept.ours.delete(id);
      if (kept.ours.size === 0) this.#kept.delete(channel);
    }
  }

  opened(channel: string, kind: Kept['kind'], account: string): void {
    const kept = this.#kept.get(channel) ?? { kind, ours: new Set() };
    kept.ours.add(account);
    this.#kept.set(channel, kept);
    this.#answer(channel, true);
  }

  #answer(channel: string, isSeen: boolean): void {
    for (const answer of this.#awaited.get(channel) ?? []) answer(isSeen);
    this.#awaited.delete(channel);
  }

  /** Told of a chat that is not known: whether one of these is in it. */
  async learn(channel: string, eyes: readonly string[]): Promise<boolean> {
    const known = this.#kept.get(channel);
    const others = eyes.filter((id) => this.#team.accounts.has(id) && known?.ours.has(id) !== true);
    if (others.length === 0) return known !== undefined;
    const learning = this.#learning.get(channel) ?? this.#learn(channel, others).finally(() => this.#learning.delete(channel));
    this.#learning.set(channel, learning);
    return await learning;
  }

  async #learn(channel: string, eyes: readonly string[]): Promise<boolean> {
    for (const id of eyes) {
      const account = this.#team.accounts.get(id);
      if (account === undefined) continue;
      const conversation = await this.#team.conversations.load(channel, account.ask as unknown as Ask).catch(() => undefined);
      if (conversation === undefined) continue;
      this.#learnOf(conversation, id);
      await this.#learnOthers(conversation, account);
    }
    return this.#kept.has(channel);
  }

  /** Others of ours take part in it too; Slack tells of it in the name of one. */
  async #learnOthers({ id, kind, user }: Conversation, account: Account): Promise<void> {
    if (kind === 'direct' && user !== undefined && this.#team.accounts.has(user)) this.opened(id, kind, user);
    if (kind !== 'group' || this.#team.accounts.size < 2) return;
    try {
      for await (const member of this.#team.conversations.members(id, account.ask as unknown as Ask))
        if (this.#team.accounts.has(member)) this.opened(id, kind, member);
    } catch {
      // Who is not found now is, once something is told in their own name.
    }
  }

  #learnOf(conversation: Conversation, account: string): void {
    const { id, kind, user } = conversation;
    if (kind !== 'direct' && kind !== 'group') return;
    // What the bridge itself tells them is no chat of theirs.
    if (kind === 'direct' && user !== undefined && user === this.#team.identity?.botUser) return;
    this.#team.conversations.seen(conversation);
    this.opened(id, kind, account);
  }
}
