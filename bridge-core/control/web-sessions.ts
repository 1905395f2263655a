// Sessions of pages, and states that count once: what the browser holds is random, what we keep is its digest. The only writer
// of the table.

import { createHash, randomBytes } from 'node:crypto';
import { type UserId, userId } from '../ids.ts';
import type { Store } from '../store/store.ts';

/** Tells our tokens from secrets at a glance. */
const tokenPrefix = 'cw-';

export class WebSessions {
  readonly #store: Store;
  readonly #now: () => number;

  constructor(given: { store: Store; now?: () => number }) {
    this.#store = given.store;
    this.#now = given.now ?? Date.now;
  }

  /** The token, once it is on disk; good for `ms`. What is over is forgotten along with it. */
  async open(user: UserId, purpose: string, ms: number): Promise<string> {
    const token = tokenPrefix + randomBytes(32).toString('base64url');
    const now = this.#now();
    await this.#store.write(() => {
      this.#store.prepare('DELETE FROM web_sessions WHERE expires <= ?').run(now);
      this.#store
        .prepare('INSERT INTO web_sessions (id, user, purpose, expires) VALUES (?, ?, ?, ?)')
        .run(digestOf(token), user, purpose, now + ms);
    });
    return token;
  }

  userOf(token: string, purpose: string): UserId | undefined {
    if (!token.startsWith(tokenPrefix)) return undefined;
    const row = this.#store
      .prepare<{ user: string }>('SELECT user FROM web_sessions WHERE id = ? AND purpose = ? AND expires > ?')
      .get(digestOf(token), purpose, this.#now());
    return row === undefined ? undefined : userId(row.user);
  }

  async close(token: string): Promise<void> {
    await this.#store.write(() => this.#store.prepare('DELETE FROM web_sessions WHERE id = ?').run(digestOf(token)));
  }

  async closeAll(user: UserId, purpose: string): Promise<void> {
    await this.#store.write(() => this.#store.prepare('DELETE FROM web_sessions WHERE user = ? AND purpose = ?').run(user, purpose));
  }
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();
