// The guard against the same words over and over: Gitter hides a young account that says them ten times within twelve hours (twenty times
// where they are short, a hundred where they are very short). Ours stops one short of that.

import { PermanentError } from '#bridge-core';

const window = 12 * 3_600_000;
const mostKept = 2_000;

export class Copies {
  readonly #most: number;
  readonly #now: () => number;
  readonly #said = new Map<string, { count: number; until: number }>();

  /** `most` for words of ordinary length. */
  constructor(parts: { readonly most: number; readonly now?: () => number }) {
    this.#most = parts.most;
    this.#now = parts.now ?? Date.now;
  }

  /** Throws where it would be one too many. */
  check(account: string, text: string): void {
    const said = this.#of(account, text);
    if (said !== undefined && said.count >= this.#mostOf(text))
      throw new PermanentError('NETWORK_REFUSED', 'the same words were said so often today that Gitter would hide the account for it');
  }

  said(account: string, text: string): void {
    const name = `${account} ${text}`;
    const { count, until } = this.#of(account, text) ?? { count: 0, until: this.#now() + window };
    this.#said.delete(name);
    this.#said.set(name, { count: count + 1, until });
    const [oldest] = this.#said.keys();
    if (this.#said.size > mostKept && oldest !== undefined) this.#said.delete(oldest);
  }

  #of(account: string, text: string): { count: number; until: number } | undefined {
    const said = this.#said.get(`${account} ${text}`);
    return said !== undefined && said.until > this.#now() ? said : undefined;
  }

  #mostOf(text: string): number {
    if (text.length < 10) return this.#most * 10;
    return text.length < 20 ? this.#most * 2 : this.#most;
  }
}
