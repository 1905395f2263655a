// The guard against copies, as in Gitter's server: within 12 h of the first, so many copies of one text from one account are taken; the
// next one has the account shadow-banned if it is younger than 14 days. Whoever is so banned gets 200 and a message that nobody sees.
// Unverified: that the 12 h begin with the first copy, and that different rooms count together.

import type { Clock } from './clock.ts';
import type { User } from './model.ts';

const hour = 3_600_000;
const window = 12 * hour;
const youth = 14 * 24 * hour;

export class SpamGuard {
  readonly #clock: Clock;
  readonly #copies = new Map<string, { count: number; until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the text is to be thrown away. */
  isShadowed(user: User, text: string): boolean {
    const now = this.#clock.now();
    const key = `${user.id} ${text}`;
    const known = this.#copies.get(key);
    const copies = known !== undefined && known.until > now ? known : { count: 0, until: now + window };
    copies.count += 1;
    this.#copies.set(key, copies);
    if (copies.count > copiesAllowed(text) && now - user.created < youth) user.isShadowBanned = true;
    return user.isShadowBanned;
  }
}

export function copiesAllowed(text: string): number {
  if (text.length < 10) return 100;
  return text.length < 20 ? 20 : 10;
}
