// Rate limits: a bucket for each method, workspace and app, filled by its tier; posts by one a second and channel with a small
// burst, and a workspace's sum (docs.slack.dev/apis/web-api/rate-limits). Slack tells lower bounds ("50+") and no more, so the sizes
// of the buckets are the documented numbers; the burst and the workspace's sum are unverified. Switched off, it still counts.

import type { Clock } from './clock.ts';
import { methods, type Tier } from './documented.ts';

export interface Exceeded {
  readonly method: string;
  readonly team: string;
  readonly app: string;
  readonly at: number;
}

const perMinute: Readonly<Record<Tier, number>> = { 1: 1, 2: 20, 3: 50, 4: 100, special: 600 };
const postBurst = 5;
const postsOfWorkspace = 300;
const posting = new Set(['chat.postMessage', 'chat.meMessage']);
const rationed = new Set(['conversations.history', 'conversations.replies']);
/** Items at once, for commercial apps outside the Marketplace (changelog of 2025-05-29). */
export const rationedItems = 15;

interface Bucket {
  left: number;
  at: number;
}

export class Limits {
  isOn: boolean;
  /** Calls that were over, or with limits off would have been. */
  readonly exceeded: Exceeded[] = [];
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, isOn: boolean) {
    this.#clock = clock;
    this.isOn = isOn;
  }

  /** Seconds to wait, or undefined where the call may be made. */
  take(method: string, team: string, app: string, channel: string | undefined, isCommercial: boolean): number | undefined {
    const buckets: [key: string, perMinute: number, size: number][] = [];
    if (posting.has(method)) {
      buckets.push([`post ${team} ${app} ${channel}`, 60, postBurst], [`posts ${team} ${app}`, postsOfWorkspace, postsOfWorkspace]);
    } else {
      const rate = isCommercial && rationed.has(method) ? 1 : perMinute[methods.get(method)?.tier ?? 'special'];
      buckets.push([`${method} ${team} ${app}`, rate, rate]);
    }
    const waits = buckets.map((bucket) => this.#takeFrom(...bucket));
    const wait = Math.max(...waits);
    if (wait === 0) return undefined;
    this.exceeded.push({ method, team, app, at: this.#clock.now() });
    return this.isOn ? wait : undefined;
  }

  #takeFrom(key: string, rate: number, size: number): number {
    const now = this.#clock.now();
    const bucket = this.#buckets.get(key) ?? { left: size, at: now };
    const perMs = rate / 60_000;
    bucket.left = Math.min(size, bucket.left + (now - bucket.at) * perMs);
    bucket.at = now;
    this.#buckets.set(key, bucket);
    if (bucket.left < 1) return Math.ceil((1 - bucket.left) / perMs / 1000);
    bucket.left -= 1;
    return 0;
  }
}
