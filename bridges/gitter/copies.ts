// The guard against the same words over and over: Gitter hides a young account that says them ten times within twelve hours (twenty times
// where they are short, a hundred where they are very short). Ours stops one short of that, over restarts too: each post is noted.

import { createHash } from 'node:crypto';
import { type Json, type KeyValue, PermanentError } from '#bridge-core';
import type { GitterSettings } from './settings.ts';

const window = 12 * 3_600_000;
/** More than Gitter lets an account say within that time. */
const mostKept = 100_000;

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

const isOver = (said: Said, now: number): boolean => said.until <= now;

export class Copies {
  readonly #parts: CopiesParts;
  readonly #now: () => number;
  /** Those that are over soonest come first. */
  readonly #said = new Map<string, Said>();
  #asked = { words: '', name: '' };

  constructor(parts: CopiesParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    const { memory } = parts;
    const kept = memory.keys(copiesName('')).map((name) => [name, memory.get(name) as unknown as Said] as const);
    for (const [name, said] of kept.sort(([, one], [, other]) => one.until - other.until)) this.#said.set(name, said);
    this.#tidy();
  }

  /** Throws where it would be one too many. */
  check(account: string, text: string): void {
    const said = this.#of(this.#nameOf(account, text));
    if (said !== undefined && said.count >= this.#mostOf(text))
      throw new PermanentError('NETWORK_REFUSED', 'the same words were said so often today that Gitter would hide the account for it');
  }

  /** Nobody waits for the note: it is on disk with whatever is noted of the post itself. */
  said(account: string, text: string): void {
    const name = this.#nameOf(account, text);
    const before = this.#of(name);
    const said: Said = { count: (before?.count ?? 0) + 1, until: before?.until ?? this.#now() + window };
    if (before === undefined) this.#said.delete(name);
    this.#said.set(name, said);
    this.#note(name, said);
    this.#tidy();
  }

  #tidy(): void {
    const now = this.#now();
    for (const [name, said] of this.#said) {
      if (!isOver(said, now) && this.#said.size <= mostKept) return;
      this.#said.delete(name);
      this.#note(name, undefined);
    }
  }

  #note(name: string, said: Said | undefined): void {
    this.#parts.memory.set(name, said as Json | undefined).catch(() => {});
  }

  /** Asked for before a post and after it. */
  #nameOf(account: string, text: string): string {
    const words = `${account} ${text}`;
    if (words !== this.#asked.words) this.#asked = { words, name: nameOf(words) };
    return this.#asked.name;
  }

  #of(name: string): Said | undefined {
    const said = this.#said.get(name);
    return said !== undefined && !isOver(said, this.#now()) ? said : undefined;
  }

  #mostOf(text: string): number {
    const most = this.#parts.settings.copies;
    if (text.length < 10) return most * 10;
    return text.length < 20 ? most * 2 : most;
  }
}

const copiesName = (hash: string): string => `copies ${hash}`;

const nameOf = (words: string): string => copiesName(createHash('sha256').update(words).digest('base64url').slice(0, 22));
