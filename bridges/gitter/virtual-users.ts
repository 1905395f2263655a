// Whether the server lets the relay account speak under others' names: found out by the first try, and remembered for that token.

import { createHash } from 'node:crypto';
import type { KeyValue, Logger } from '#bridge-core';
import type { Account } from './account.ts';
import type { GitterSettings } from './settings.ts';

export interface VirtualUsersParts {
  readonly memory: KeyValue;
  readonly bot: Pick<Account, 'token'>;
  readonly settings: Pick<GitterSettings, 'virtualUsers'>;
  readonly log: Logger;
}

export class VirtualUsers {
  readonly #parts: VirtualUsersParts;
  #token = '';
  #nameOfToken = '';

  constructor(parts: VirtualUsersParts) {
    this.#parts = parts;
  }

  get mayBeTried(): boolean {
    return this.#parts.settings.virtualUsers === 'auto' && this.#parts.memory.get(this.#name) !== false;
  }

  get isProven(): boolean {
    return this.#parts.memory.get(this.#name) === true;
  }

  async allowed(): Promise<void> {
    if (!this.isProven) await this.#parts.memory.set(this.#name, true);
  }

  async refused(): Promise<void> {
    this.#parts.log.info({}, 'this Gitter does not let the bridge show people under their own names: the relay account names them');
    await this.#parts.memory.set(this.#name, false);
  }

  /** The account may come by another token while the bridge runs. */
  get #name(): string {
    const { token } = this.#parts.bot;
    if (token !== this.#token) {
      this.#token = token;
      this.#nameOfToken = `virtual users ${createHash('sha256').update(token).digest('hex').slice(0, 12)}`;
    }
    return this.#nameOfToken;
  }
}
