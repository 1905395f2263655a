// The guard against the same words over and over: Gitter hides a young account that says them ten times within twelve hours (twenty times
// where they are short, a hundred where they are very short). Ours stops one short of that, over restarts too.

import { createHash } from 'node:crypto';
import { type KeyValue, PermanentError } from '#bridge-core';
import type { GitterSettings } from './settings.ts';

const window = 12 * 3_600_000;
const mostKept = 2_000;
/** Said less often, it is not worth a note: most words are said once. */
const noted = 3;

export interface CopiesParts {
  /** For words of ordinary length. */
  readonly settings: Pick<GitterSettings, 'copies'>;
  readonly memory: KeyValue;
  readonly now?: () => number;
}

interface Said {
  readonly count: number;
  readonly until: number;
}

export class Copies {
  readonly #parts: CopiesParts;
  readonly #now: () => number;
  readonly #said = new Map<string, Said>();
  #asked = { words: '', name: '' };

  constructor(parts: CopiesParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    for (const name of parts.memory.keys(copiesName(''))) {
      const { count, until } = (parts.memory.get(name) ?? {}) as Partial<Said>;
      if (typeof count === 'number' && typeof until === 'number' && until > this.#now()) this.#said.set(name, { count, until });
      else void parts.memory.set(name, undefined).catch(() => {});
    }
  }

  /** Throws where it would be one too many. */
  check(account: string, text: string): void {
    const said = this.#of(this.#nameOf(account, text));
    if (said !== undefined && said.count >= this.#mostOf(text))
      throw new PermanentError('NETWORK_REFUSED', 'the same words were said so often today that Gitter would hide the account for it');
  }

  async said(account: string, text: string): Promise<void> {
    const name = this.#nameOf(account, text);
    const before = this.#of(name);
    const said: Said = { count: (before?.count ?? 0) + 1, until: before?.until ?? this.#now() + window };
    this.#said.delete(name);
    this.#said.set(name, said);
    const [oldest] = this.#said.keys();
    if (this.#said.size > mostKept && oldest !== undefined) this.#said.delete(oldest);
    if (said.count >= noted) await this.#parts.memory.set(name, { ...said });
  }

  /** Asked for before a post and after it. */
  #nameOf(account: string, text: string): string {
    const words = `${account} ${text}`;
    if (words !== this.#asked.words) this.#asked = { words, name: nameOf(words) };
    return this.#asked.name;
  }

  #of(name: string): Said | undefined {
    const said = this.#said.get(name);
    return said !== undefined && said.until > this.#now() ? said : undefined;
  }

  #mostOf(text: string): number {
    const most = this.#parts.settings.copies;
    if (text.length < 10) return most * 10;
    return text.length < 20 ? most * 2 : most;
  }
}

const copiesName = (hash: string): string => `copies ${hash}`;

const nameOf = (words: string): string => copiesName(createHash('sha256').update(words).digest('base64url').slice(0, 22));
