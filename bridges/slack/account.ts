// A person's own account in a team, as they logged in with it: the caller that bears their token, and what is told of its end.

import { type BridgeError, type Login, PermanentError, RetryableError, type UserId } from '#bridge-core';
import { parseId } from './ids.ts';
import { isRefusal } from './wire/faults.ts';
import type { Arguments, CallOptions, Method, Replies } from './wire/methods.ts';
import type { Caller } from './wire/web-api.ts';

/** Slack will not take the token again; the other words of this kind are about one call. */
const ended = ['invalid_auth', 'not_authed', 'account_inactive', 'token_revoked', 'token_expired', 'invalid_refresh_token'] as const;

export const isTokenEnded = (thrown: unknown): boolean => isRefusal(thrown, ...ended);

/** Asked of Slack itself. Rejects where it is not to be reached. */
export async function isDead(caller: Pick<Caller, 'call'>): Promise<boolean> {
  try {
    await caller.call('auth.test', {});
    return false;
  } catch (thrown) {
    if (thrown instanceof RetryableError) throw thrown;
    return isTokenEnded(thrown);
  }
}

export interface AccountParts {
  readonly login: Login;
  readonly caller: Caller;
  /** Once: Slack no longer takes the token. */
  readonly ended: (account: Account, reason: BridgeError) => void;
  /** Every failure for want of Slack itself. */
  readonly lost: () => void;
}

export class Account {
  readonly login: Login;
  /** In Slack. */
  readonly id: string;
  readonly user: UserId;
  readonly #parts: AccountParts;
  #isEnded = false;

  constructor(parts: AccountParts) {
    this.#parts = parts;
    this.login = parts.login;
    this.user = parts.login.user;
    this.id = parseId(parts.login.account).id;
  }

  /** As it is now: what they logged in with may have been renewed since. */
  get token(): string {
    return this.#parts.caller.token ?? '';
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  readonly ask = <M extends Method>(method: M, args: Arguments = {}, options?: CallOptions): Promise<Replies[M]> =>
    this.#parts.caller.call(method, args, options).catch((thrown) => {
      if (isTokenEnded(thrown)) this.end(thrown as BridgeError);
      else if (thrown instanceof RetryableError && thrown.code === 'NETWORK_UNREACHABLE') this.#parts.lost();
      throw thrown;
    });

  /** As Slack tells it of a person, maybe late: they may have logged in again since, and the token be another. */
  async revoked(): Promise<void> {
    if (await isDead(this.#parts.caller)) this.end(new PermanentError('NETWORK_LOGIN', 'Slack has revoked the login'));
  }

  end(reason: BridgeError): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#parts.ended(this, reason);
  }

  /** Slack takes the token no more, nor what it could be renewed by. */
  async revoke(): Promise<void> {
    await this.#parts.caller.call('auth.revoke', {});
  }

  /** They logged out: nothing of this is told. */
  close(): void {
    this.#isEnded = true;
  }
}
