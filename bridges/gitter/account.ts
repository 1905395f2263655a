// One token and whose it is: the relay account's, or a person's own. Its calls, its realtime channel, and what is told of its end.

import { BridgeError, RetryableError, type Speaker, UnreachableError } from '#bridge-core';
import type { Budget } from './wire/budget.ts';
import { isRefusal } from './wire/faults.ts';
import { FayeLine, type FayeListener, type FayeState, type FayeTiming } from './wire/faye.ts';
import { hasId, listOf, type WireUser } from './wire/objects.ts';
import type { Call, Caller } from './wire/rest.ts';

export interface AccountParts {
  readonly caller: Caller;
  readonly speaker: Speaker;
  /** Where it is known without asking. */
  readonly me?: WireUser;
  readonly fayeUrl: string | undefined;
  readonly fayeTiming: FayeTiming;
  /** Once: Gitter no longer takes the token. */
  readonly ended: (account: Account, reason: BridgeError) => void;
  /** Every failure for want of Gitter itself. */
  readonly lost: (reason: string) => void;
  readonly onLine: (state: FayeState, reason?: string) => void;
  readonly onFault?: (channel: string, thrown: unknown) => void;
  /** Its realtime channel was refused, though nobody says that the token is void: time to listen anew. */
  readonly deaf: (account: Account) => void;
}

/** Pauses between refusals double so often. */
const mostDoubled = 5;

export class Account {
  readonly speaker: Speaker;
  readonly #parts: AccountParts;
  #caller: Caller;
  #me: WireUser | undefined;
  #line: FayeLine | undefined;
  #isEnded = false;
  #doubting: Promise<boolean> | undefined;
  #refusals = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: AccountParts) {
    this.#parts = parts;
    this.#caller = parts.caller;
    this.speaker = parts.speaker;
    this.#me = parts.me;
  }

  /** Empty until it is known. */
  get id(): string {
    return this.#me?.id ?? '';
  }

  get username(): string {
    return this.#me?.username ?? '';
  }

  get token(): string {
    return this.#caller.token;
  }

  get budget(): Budget {
    return this.#caller.budget;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get line(): FayeLine | undefined {
    return this.#line;
  }

  readonly ask = (call: Call): Promise<unknown> => {
    if (this.#isEnded) return Promise.reject(new UnreachableError('NETWORK_UNREACHABLE', 'the bridge stops, or the login ended'));
    const caller = this.#caller;
    return caller.call(call).catch(async (thrown) => {
      if (isRefusal(thrown, 401)) throw await this.#doubted(caller, thrown);
      if (thrown instanceof RetryableError && thrown.code === 'NETWORK_UNREACHABLE') this.#parts.lost(thrown.message);
      throw thrown;
    });
  };

  /** Something between may refuse a call once: the token is void where Gitter does not say either whose it is. */
  async #doubted(caller: Caller, thrown: BridgeError): Promise<BridgeError> {
    this.#doubting ??= caller
      .call({ route: '/user' })
      .then(() => false)
      .catch((again) => isRefusal(again, 401))
      .finally(() => {
        this.#doubting = undefined;
      });
    const isVoid = await this.#doubting;
    if (isVoid && caller === this.#caller) this.end(thrown);
    if (isVoid) return thrown;
    return new RetryableError('NETWORK_UNREACHABLE', `${thrown.message}, though it is not said to be the token`, { cause: thrown });
  }

  /** Asks Gitter who it is. */
  async greet(): Promise<WireUser> {
    const told = await this.ask({ route: '/user' });
    const [me] = Array.isArray(told) ? listOf<WireUser>(told) : hasId(told) ? [told] : [];
    if (me === undefined) throw new UnreachableError('NETWORK_UNREACHABLE', 'GET /user: Gitter does not say who we are');
    this.#me = me;
    return me;
  }

  /** Listens from now on, where there is a realtime channel. */
  open(): void {
    const { fayeUrl: url, fayeTiming: timing, onLine, onFault } = this.#parts;
    if (url === undefined || this.#line !== undefined || this.#isEnded) return;
    this.#line = new FayeLine({
      ...{ url, timing, token: this.token, ...(onFault && { onFault }) },
      onState: (state, reason) => {
        // Whether it is the token is for the API to say.
        if (state === 'up') this.#refusals = 0;
        if (state === 'refused') this.#refused(reason);
        onLine(state, reason);
      },
    });
    this.#line.subscribe(`/api/v1/token/${this.token}`, {
      onData: (data) => {
        if ((data as { notification?: unknown } | undefined)?.notification === 'token_revoked') this.greet().catch(() => {});
      },
    });
  }

  listen(channel: string, listener: FayeListener): void {
    this.#line?.subscribe(channel, listener);
  }

  end(reason: BridgeError): void {
    if (this.#isEnded) return;
    void this.close();
    this.#parts.ended(this, reason);
  }

  /** Comes by another token from now on; whoever listened by the old one listens anew. */
  async renew(caller: Caller): Promise<void> {
    await this.close();
    this.#caller = caller;
    this.#isEnded = false;
  }

  /** Nothing of it is told. */
  async close(): Promise<void> {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    const line = this.#line;
    this.#line = undefined;
    await line?.close();
  }

  #refused(reason = ''): void {
    this.#line = undefined;
    this.greet().catch((thrown) => {
      if (!(thrown instanceof BridgeError)) this.#parts.lost(reason);
    });
    const pause = this.#parts.fayeTiming.retry * 1_000 * 2 ** Math.min(mostDoubled, this.#refusals);
    this.#refusals += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.#isEnded && this.#line === undefined) this.#parts.deaf(this);
    }, pause).unref();
  }
}
