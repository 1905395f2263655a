// The rate limit as Gitter's server has it: 100 calls in 60 s for each user and OAuth client, told in every answer by X-RateLimit-Limit,
// -Remaining and -Reset (a moment in ms, not in seconds); 429 over it. Unverified: that the window is a fixed one that opens with the
// first call, and the text of the refusal. Switched off, it still counts.

import type { Clock } from './clock.ts';
import type { Token } from './model.ts';

export interface Exceeded {
  readonly username: string;
  readonly client: string;
  readonly route: string;
  readonly at: number;
}

export interface LimitOptions {
  readonly clock: Clock;
  readonly isOn: boolean;
  readonly calls: number;
  readonly window: number;
}

export interface Taken {
  readonly isOver: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

export class Limits {
  isOn: boolean;
  /** Within a window. */
  calls: number;
  /** ms */
  window: number;
  /** Calls that were over, or with limits off would have been. */
  readonly exceeded: Exceeded[] = [];
  readonly #clock: Clock;
  readonly #windows = new Map<string, { count: number; until: number }>();

  constructor({ clock, isOn, calls, window }: LimitOptions) {
    this.#clock = clock;
    this.isOn = isOn;
    this.calls = calls;
    this.window = window;
  }

  take({ user, client }: Token, route: string): Taken {
    const now = this.#clock.now();
    const key = `${user.id} ${client.id}`;
    const known = this.#windows.get(key);
    const window = known !== undefined && known.until > now ? known : { count: 0, until: now + this.window };
    this.#windows.set(key, window);
    window.count += 1;
    const isTooMany = window.count > this.calls;
    if (isTooMany) this.exceeded.push({ username: user.username, client: client.name, route, at: now });
    return { isOver: isTooMany && this.isOn, headers: limitHeaders(this.calls, this.calls - window.count, window.until) };
  }
}

export function limitHeaders(limit: number, remaining: number, reset: number): Record<string, string> {
  return {
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(Math.max(0, remaining)),
    'x-ratelimit-reset': String(reset),
  };
}
