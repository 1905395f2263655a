// People's own accounts on the network: kept sealed, given to the adapter at start and when they come, marked when the network
// no longer takes them. The only writer of its table. Who may log in and what people are told is control's.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import { BridgeError, messageOf, PermanentError, RetryableError } from '../errors.ts';
import { type RemoteUserId, remoteUserId, type UserId, userId } from '../ids.ts';
import type { Credentials, Login, LoginResult } from '../logins.ts';
import type { Json } from '../remote-event.ts';
import type { Store } from '../store/store.ts';
import { type Resealed, resealed } from './key-rotation.ts';
import type { Keys } from './keys.ts';

/** `refusing`: the network no longer takes it, and its owner is still to be told. */
export type LoginState = 'live' | 'refusing' | 'refused';

export interface KnownLogin extends Omit<Login, 'credentials'> {
  readonly state: LoginState;
}

interface Row extends Record<string, string | number> {
  account: string;
  user: string;
  network: string;
  name: string;
  sealed: string;
  state: string;
}

interface Kept extends KnownLogin {
  readonly sealed: string;
}

export interface LoginsParts<Body extends Json> {
  readonly store: Store;
  readonly keys: Pick<Keys, 'seal' | 'unseal'>;
  readonly adapter?: Pick<Adapter<Body>, 'signIn' | 'signOut'>;
  /** The network no longer takes it: told at once, and again after a restart until `told` was said. */
  readonly onRefused?: (login: KnownLogin, reason: string) => void;
  readonly log: Logger;
}

const firstRetry = 5_000;
const lastRetry = 5 * 60_000;

export class Logins<Body extends Json = string> {
  readonly #parts: LoginsParts<Body>;
  readonly #byAccount = new Map<RemoteUserId, Kept>();
  #holders: ReadonlySet<UserId> = new Set();
  readonly #retries = new Map<RemoteUserId, NodeJS.Timeout>();
  /** How often each was added: what an earlier one is told as it signs in is not meant for the later. */
  readonly #additions = new Map<RemoteUserId, number>();
  #isStopped = false;

  constructor(parts: LoginsParts<Body>) {
    this.#parts = parts;
    for (const row of parts.store.prepare<Row>('SELECT account, user, network, name, sealed, state FROM logins').all())
      this.#byAccount.set(remoteUserId(row.account), keptOf(row));
    this.#countHolders();
  }

  all(): readonly KnownLogin[] {
    return [...this.#byAccount.values()];
  }

  byAccount(account: RemoteUserId): KnownLogin | undefined {
    return this.#byAccount.get(account);
  }

  byUser(user: UserId): readonly KnownLogin[] {
    return this.all().filter((login) => login.user === user);
  }

  /** Of a live login, on any network. Asked for every line said; cheap. */
  isHolder(user: UserId): boolean {
    return this.#holders.has(user);
  }

  /** Gives the live ones to the adapter; what one of them does stops no other. Returns at once. */
  start(): void {
    for (const login of [...this.#byAccount.values()]) {
      if (login.state === 'live') this.#signInSoon(login.account, firstRetry);
      else if (login.state === 'refusing') this.#parts.onRefused?.(login, 'the network no longer takes it');
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#retries.values()) clearTimeout(timer);
    this.#retries.clear();
  }

  /** Kept when it resolves, and taken on by the adapter, or to be once the network is there again. An account has one person,
   *  and a person one account on a network: whose place it takes is returned. */
  async add(user: UserId, result: LoginResult): Promise<{ readonly replaced: readonly KnownLogin[] }> {
    const { account, network, name, credentials } = result;
    const sealed = this.#parts.keys.seal(JSON.stringify(credentials), ownerOf(account));
    const before = this.#byAccount.get(account);
    const others = this.byUser(user).filter((login) => login.network === network && login.account !== account);
    const closing = others.map((login) => this.#opened(login.account));
    const login: Kept = { account, user, network, name, state: 'live', sealed };
    const addition = await this.#parts.store.write(() => {
      for (const other of others) this.#delete(other.account);
      this.#put(login);
      const count = (this.#additions.get(account) ?? 0) + 1;
      this.#additions.set(account, count);
      return count;
    });
    for (const other of closing) if (other !== undefined) await this.#signOut(other);
    try {
      await this.#give({ user, account, network, name, credentials });
    } catch (thrown) {
      if (!(thrown instanceof RetryableError)) {
        await this.#parts.store.write(() => {
          if (this.#additions.get(account) === addition) this.#delete(account);
        });
        throw thrown;
      }
      this.#retry(account, firstRetry);
    }
    return { replaced: [...(before !== undefined && before.user !== user ? [before] : []), ...others] };
  }

  /** Of another bridge, in a unit of a store that nobody runs on. False: the account is logged in here, or the person has another. */
  inherit(user: UserId, { account, network, name, credentials }: LoginResult): boolean {
    const isTaken = this.#byAccount.has(account) || this.byUser(user).some((login) => login.network === network);
    if (isTaken) return false;
    const sealed = this.#parts.keys.seal(JSON.stringify(credentials), ownerOf(account));
    this.#put({ account, user, network, name, state: 'live', sealed });
    return true;
  }

  /** Resolves when they are kept: the old ones may be void from then on. */
  async renew(account: RemoteUserId, credentials: Credentials): Promise<void> {
    if (!this.#byAccount.has(account)) throw unknown(account);
    const sealed = this.#parts.keys.seal(JSON.stringify(credentials), ownerOf(account));
    await this.#parts.store.write(() => {
      const login = this.#byAccount.get(account);
      if (login === undefined) throw unknown(account);
      this.#put({ ...login, sealed });
    });
  }

  async remove(account: RemoteUserId): Promise<KnownLogin> {
    const login = this.#byAccount.get(account);
    if (login === undefined) throw unknown(account);
    const opened = this.#opened(account);
    await this.#parts.store.write(() => this.#delete(account));
    if (opened !== undefined) await this.#signOut(opened);
    return login;
  }

  /** The network no longer takes what this person has there. Once, however often the network says so. */
  async refuse(user: UserId, network: string, reason: string): Promise<void> {
    for (const login of this.byUser(user)) if (login.network === network) await this.#refuse(login.account, reason);
  }

  /** Its owner knows that it is refused. */
  async told(account: RemoteUserId): Promise<void> {
    await this.#parts.store.write(() => {
      const login = this.#byAccount.get(account);
      if (login?.state === 'refusing') this.#put({ ...login, state: 'refused' });
    });
  }

  /** Within a commit: every credential under the newest key. */
  sealAnew(): Resealed {
    let lost = 0;
    for (const login of [...this.#byAccount.values()]) {
      const sealed = resealed(this.#parts.keys, login.sealed, ownerOf(login.account));
      if (sealed === undefined) lost += 1;
      else this.#put({ ...login, sealed });
    }
    return { done: this.#byAccount.size - lost, lost };
  }

  async #refuse(account: RemoteUserId, reason: string): Promise<void> {
    const login = this.#byAccount.get(account);
    if (login === undefined || login.state !== 'live') return;
    const opened = this.#opened(account);
    const refusing: Kept = { ...login, state: 'refusing' };
    const isNews = await this.#parts.store.write(() => {
      // Said twice at once, or replaced meanwhile by one that the network takes.
      const isSame = this.#byAccount.get(account) === login;
      if (isSame) this.#put(refusing);
      return isSame;
    });
    if (!isNews) return;
    this.#parts.log.warn({ user: login.user, account, reason }, 'the network no longer takes a login');
    this.#parts.onRefused?.(refusing, reason);
    if (opened !== undefined) await this.#signOut(opened);
  }

  #signInSoon(account: RemoteUserId, delay: number): void {
    this.#signIn(account, delay).catch((thrown) => this.#parts.log.error({ err: thrown, account }, 'a login could not be marked'));
  }

  async #signIn(account: RemoteUserId, delay: number): Promise<void> {
    const { log } = this.#parts;
    const addition = this.#additions.get(account);
    try {
      const login = this.#byAccount.get(account);
      if (login?.state !== 'live') return;
      const opened = this.#opened(account);
      if (opened === undefined) await this.#refuse(account, 'what was kept of it no longer opens');
      else await this.#give(opened);
    } catch (thrown) {
      if (this.#additions.get(account) !== addition) return;
      if (thrown instanceof RetryableError) return this.#retry(account, delay);
      if (thrown instanceof BridgeError) return await this.#refuse(account, messageOf(thrown));
      log.error({ err: thrown, account }, 'a login could not be taken on');
    }
  }

  /** The same account again, in the meantime someone else's, is given as it is then. */
  #retry(account: RemoteUserId, delay: number): void {
    if (this.#isStopped) return;
    clearTimeout(this.#retries.get(account));
    const timer = setTimeout(() => {
      this.#retries.delete(account);
      this.#signInSoon(account, Math.min(lastRetry, delay * 2));
    }, delay).unref();
    this.#retries.set(account, timer);
  }

  async #give(login: Login): Promise<void> {
    await this.#parts.adapter?.signIn?.(login);
  }

  async #signOut(login: Login): Promise<void> {
    try {
      await this.#parts.adapter?.signOut?.(login);
    } catch (thrown) {
      this.#parts.log.warn({ account: login.account, why: messageOf(thrown) }, 'a login is gone here, and could not be ended there');
    }
  }

  #opened(account: RemoteUserId): Login | undefined {
    const kept = this.#byAccount.get(account);
    if (kept === undefined) return undefined;
    const { state: _, sealed, ...login } = kept;
    try {
      return { ...login, credentials: JSON.parse(this.#parts.keys.unseal(sealed, ownerOf(account))) as Credentials };
    } catch (thrown) {
      this.#parts.log.error({ account, why: messageOf(thrown) }, 'a login does not open');
      return undefined;
    }
  }

  /** Within a commit. */
  #put(login: Kept): void {
    const { account, user, network, name, sealed, state } = login;
    this.#parts.store
      .prepare('INSERT OR REPLACE INTO logins (account, user, network, name, sealed, state, at) VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(account, user, network, name, sealed, state, Date.now());
    this.#byAccount.set(account, login);
    this.#countHolders();
  }

  #countHolders(): void {
    this.#holders = new Set([...this.#byAccount.values()].filter(({ state }) => state === 'live').map(({ user }) => user));
  }

  #delete(account: RemoteUserId): void {
    this.#parts.store.prepare('DELETE FROM logins WHERE account = ?').run(account);
    this.#byAccount.delete(account);
    this.#countHolders();
    clearTimeout(this.#retries.get(account));
    this.#retries.delete(account);
  }
}

const ownerOf = (account: RemoteUserId): string => `login ${account}`;
const unknown = (account: RemoteUserId): PermanentError => new PermanentError('LOGIN_UNKNOWN', `nobody is logged in as ${account}`);

function keptOf(row: Row): Kept {
  return {
    account: remoteUserId(row.account),
    user: userId(row.user),
    network: row.network,
    name: row.name,
    sealed: row.sealed,
    state: row.state as LoginState,
  };
}
