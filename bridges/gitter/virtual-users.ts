// Whether the server lets the relay account speak under others' names: found out by the first try, and remembered for that token.

import { createHash } from 'node:crypto';
import type { KeyValue, Logger } from '#bridge-core';

export interface VirtualUsersParts {
  readonly memory: KeyValue;
  readonly token: string;
  readonly isOn: boolean;
  readonly log: Logger;
}

export class VirtualUsers {
  readonly #parts: VirtualUsersParts;
  readonly #name: string;

  constructor(parts: VirtualUsersParts) {
    this.#parts = parts;
    this.#name = `virtual users ${createHash('sha256').update(parts.token).digest('hex').slice(0, 12)}`;
  }

  get mayBeTried(): boolean {
    return this.#parts.isOn && this.#parts.memory.get(this.#name) !== false;
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
}
