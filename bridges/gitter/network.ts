// The Gitter that the bridge is on: the relay account, who is logged in, whether Gitter answers, what is known of its people and rooms. It
// says nothing and hears nothing itself: sessions speak (session.ts), the intake hears (intake.ts).

import { setTimeout as delay } from 'node:timers/promises';
import {
  type AdapterTools,
  BridgeError,
  type ChannelId,
  type Login,
  messageOf,
  PermanentError,
  type RemoteUserId,
  type Speaker,
  UnreachableError,
  type UserId,
  userId,
} from '#bridge-core';
import { Account } from './account.ts';
import type { GitterBody } from './body.ts';
import { network, parseUserId } from './ids.ts';
import { OwnPosts, virtualType } from './own-posts.ts';
import { type Room, Rooms } from './rooms.ts';
import type { GitterSettings } from './settings.ts';
import { Threads } from './threads.ts';
import type { GitterTiming } from './timing.ts';
import { Users } from './users.ts';
import type { FayeState } from './wire/faye.ts';
import { Rest } from './wire/rest.ts';

export type NetworkState = 'up' | 'connecting' | 'down';

export interface NetworkParts {
  readonly settings: GitterSettings;
  readonly tools: AdapterTools<GitterBody>;
  readonly timing: GitterTiming;
  /** It answers again, or the realtime channel stands again. */
  readonly back: () => void;
  readonly lineChanged: (account: Account, state: FayeState) => void;
  readonly moved: (from: ChannelId, to: Room) => void;
  readonly opened: (room: Room) => void;
  readonly accountEnded: (account: Account) => void;
  /** Whatever it is to hear is to be listened to anew. */
  readonly deaf: (account: Account) => void;
}

export class GitterNetwork {
  readonly bot: Account;
  readonly users: Users;
  readonly rooms: Rooms;
  readonly posts: OwnPosts;
  readonly threads = new Threads();
  /** By their ids in Gitter. */
  readonly accounts = new Map<string, Account>();
  readonly #parts: NetworkParts;
  readonly #rest: Rest;
  #isAnswering = false;
  #isHearing = false;
  #told: NetworkState | undefined;
  #detail: string | undefined;
  #probing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
    const { settings, tools, timing } = parts;
    const { count, memory } = tools;
    this.#rest = new Rest({
      ...{ apiUrl: settings.apiUrl, timeout: timing.callTimeout, budget: timing.budget },
      onCalled: (route, status) => {
        count('remote_api_calls', { method: route });
        if (status >= 400) count('gitter_api_refusals', { route, status: String(status) });
      },
    });
    this.bot = this.#account(settings.token, { as: 'bot' });
    this.users = new Users({ ask: this.bot.ask });
    this.rooms = new Rooms({ memory, apiUrl: settings.apiUrl, ask: this.bot.ask, moved: parts.moved, opened: parts.opened });
    this.posts = new OwnPosts({ memory });
  }

  get isReachable(): boolean {
    return this.#isAnswering;
  }

  get state(): NetworkState {
    if (this.#isAnswering && this.#isHearing) return 'up';
    return this.#isStopped || this.#told === 'down' ? 'down' : 'connecting';
  }

  get detail(): string | undefined {
    return this.#detail;
  }

  /** Returns at once: it goes on until Gitter answers. */
  start(): void {
    void this.probe().catch(() => {});
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#isAnswering = false;
    this.posts.close();
    await Promise.all([this.bot, ...this.accounts.values()].map((account) => account.close()));
    await this.#rest.close();
  }

  /** Asks Gitter whether it is there, and who we are. Rejects where it is not. */
  probe(): Promise<void> {
    if (this.#isStopped) return Promise.reject(new UnreachableError('NETWORK_UNREACHABLE', 'the bridge stops'));
    this.#probing ??= this.#greet().finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  /** Another token for the relay account, whose it must be. */
  async renewBot(token: string): Promise<void> {
    const { log } = this.#parts.tools;
    for (let { first: pause, most } = this.#parts.timing.probe; !this.#isStopped; pause = Math.min(most, pause * 2)) {
      try {
        const me = await this.whose(token);
        // Another one was named meanwhile.
        if (token !== this.#parts.settings.token) return;
        if (this.bot.id !== '' && me.id !== this.bot.id) {
          log.error({ account: me.username }, 'gitter.token is another account’s now: that needs a restart; the one of before is kept');
          return;
        }
        await this.bot.renew(this.#rest.caller(token));
        this.#isAnswering = false;
        await this.probe();
        log.info({ account: me.username }, 'gitter.token: taken over');
        return;
      } catch (thrown) {
        if (thrown instanceof PermanentError) {
          log.error({ why: thrown.message }, 'gitter.token is not taken by Gitter: the one of before is kept');
          if (!this.#isAnswering) this.#askAgain();
          return;
        }
        await delay(pause, undefined, { ref: false });
      }
    }
  }

  /** Whether what is said there is heard, by whatever way. */
  hearing(isHearing: boolean, reason?: string): void {
    this.#isHearing = isHearing;
    if (isHearing) this.#settle();
    else this.#tell('connecting', reason);
  }

  speakerOf(user: RemoteUserId): Speaker | undefined {
    const given = parseUserId(user);
    if (!('id' in given)) return undefined;
    if (given.id === this.bot.id) return this.bot.speaker;
    const account = this.accounts.get(given.id);
    if (account !== undefined) return account.speaker;
    const [, externalId] = given.id.startsWith(`${virtualType}-`) ? (/^[^-]+-(.+)$/.exec(given.id) ?? []) : [];
    return externalId !== undefined && this.posts.isOurs({ type: virtualType, externalId })
      ? { as: 'user', user: userId(`@${externalId}`) }
      : undefined;
  }

  accountOf(user: UserId): Account | undefined {
    for (const account of this.accounts.values()) if (account.speaker.as === 'user' && account.speaker.user === user) return account;
    return undefined;
  }

  /** Of a token that somebody gave: whose it is. */
  async whose(token: string) {
    const account = this.#account(token, { as: 'bot' }, () => {});
    try {
      return await account.greet();
    } finally {
      await account.close();
    }
  }

  /** `before`: the same account with other credentials, or another person's. */
  async signIn(login: Login): Promise<{ readonly account: Account; readonly before: Account | undefined }> {
    const given = parseUserId(login.account);
    const id = 'id' in given ? given.id : '';
    const before = this.accounts.get(id);
    const me = { id, ...(login.credentials.username !== undefined && { username: login.credentials.username }) };
    const account = this.#account(login.credentials.token ?? '', { as: 'user', user: login.user }, undefined, me);
    this.accounts.set(id, account);
    if (me.username !== undefined && this.users.known(id) === undefined) this.users.keep(me);
    // Behind that: who logs out meanwhile ends the new one.
    await before?.close();
    return { account, before };
  }

  async signOut(login: Login): Promise<Account | undefined> {
    const given = parseUserId(login.account);
    const account = 'id' in given ? this.accounts.get(given.id) : undefined;
    if (account?.speaker.as !== 'user' || account.speaker.user !== login.user) return undefined;
    this.accounts.delete(account.id);
    await account.close();
    return account;
  }

  #account(
    token: string,
    speaker: Speaker,
    ended = (account: Account, reason: BridgeError) => this.#ended(account, reason),
    me?: { id: string; username?: string },
  ): Account {
    const { settings, timing, lineChanged, deaf } = this.#parts;
    const account: Account = new Account({
      ...{ caller: this.#rest.caller(token), speaker, fayeUrl: settings.fayeUrl, fayeTiming: timing.faye, ended },
      ...(me !== undefined && { me }),
      ...{ lost: (reason) => this.#lost(reason), deaf },
      onFault: (channel, thrown) =>
        this.#parts.tools.log.warn({ channel: nameless(channel), err: thrown }, 'what Gitter told could not be taken in'),
      onLine: (state) => lineChanged(account, state),
    });
    return account;
  }

  async #greet(): Promise<void> {
    try {
      const me = await this.bot.greet();
      if (this.#isStopped) throw new UnreachableError('NETWORK_UNREACHABLE', 'the bridge stops');
      this.users.keep(me);
      const wasAnswering = this.#isAnswering;
      this.#isAnswering = true;
      if (!wasAnswering) this.#parts.back();
      this.#settle();
    } catch (thrown) {
      const error = thrown instanceof BridgeError ? thrown : new UnreachableError('NETWORK_UNREACHABLE', messageOf(thrown));
      if (error instanceof PermanentError) this.#refused(error);
      else {
        this.#tell('connecting', error.message);
        this.#probeLater(this.#parts.timing.probe.first);
      }
      throw error;
    }
  }

  #ended(account: Account, reason: BridgeError): void {
    if (account === this.bot) {
      this.#refused(reason);
      return;
    }
    this.accounts.delete(account.id);
    this.#parts.accountEnded(account);
    this.#parts.tools.inbox.connection(account.speaker, network, 'logged-out', reason.message);
  }

  #refused(error: BridgeError): void {
    this.#isAnswering = false;
    this.#tell('down', `${error.message}. ${error.remedy}`);
    this.#askAgain();
  }

  /** What was refused may be taken later: a server that was set up wrong, or an account that was let in again. */
  #askAgain(): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      const { token } = this.#parts.settings;
      if (!this.#isAnswering)
        this.whose(token).then(
          () => (this.#isAnswering ? undefined : this.renewBot(token)),
          () => this.#askAgain(),
        );
    }, this.#parts.timing.again).unref();
  }

  /** A call failed for want of Gitter itself. */
  #lost(reason: string): void {
    if (!this.#isAnswering || this.#isStopped) return;
    this.#isAnswering = false;
    this.#tell('connecting', reason);
    this.#probeLater(this.#parts.timing.probe.first);
  }

  #settle(): void {
    if (this.state !== 'up' || this.#isStopped) return;
    this.#detail = undefined;
    this.#tell('up');
  }

  #tell(state: NetworkState, reason?: string): void {
    if (this.#isStopped) return;
    if (state !== 'up') this.#detail = reason;
    if (state === this.#told) return;
    this.#told = state;
    this.#parts.tools.inbox.connection({ as: 'bot' }, network, state, reason);
  }

  #probeLater(pause: number): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.probe().catch(() => this.#probeLater(Math.min(this.#parts.timing.probe.most, pause * 2)));
    }, pause);
  }
}

/** One channel has the token in its name. */
const nameless = (channel: string): string => channel.replace(/(\/token\/).*/, '$1…');
