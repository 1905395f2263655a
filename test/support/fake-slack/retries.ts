// An event that an app does not take is sent again: three times, about at once, after a minute, after five more
// (docs.slack.dev/apis/events-api, "Retries"). The pauses are settings, for tests to shorten.

import type { Recorded } from '../fake-services/recorded.ts';
import type { RecordedDelivery } from './records.ts';
import type { World } from './world.ts';

export type Outcome =
  | { readonly isTaken: true; readonly answer?: unknown }
  /** `isFinal`: the app asked for no more tries (X-Slack-No-Retry). */
  | { readonly isTaken: false; readonly reason: string; readonly isFinal?: boolean };

export interface Attempt {
  readonly number: number;
  /** Of the try before. */
  readonly reason: string | undefined;
}

export interface RetryOptions {
  readonly world: World;
  /** ms before the second, third and fourth try. */
  readonly pauses: readonly number[];
  readonly deliveries: Recorded<RecordedDelivery>;
}

export class Retries {
  readonly #options: RetryOptions;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /** Settles with the first try; the others follow by themselves. */
  async deliver(
    record: Omit<RecordedDelivery, 'attempt' | 'at' | 'outcome' | 'reason'>,
    send: (attempt: Attempt) => Promise<Outcome>,
    attempt: Attempt = { number: 0, reason: undefined },
  ): Promise<Outcome> {
    const { world, pauses, deliveries } = this.#options;
    const delivery: RecordedDelivery = { ...record, attempt: attempt.number, at: performance.now(), outcome: 'pending', reason: undefined };
    deliveries.add(delivery);
    const outcome = await send(attempt);
    delivery.outcome = outcome.isTaken ? 'taken' : 'failed';
    delivery.reason = outcome.isTaken ? undefined : outcome.reason;
    deliveries.changed();
    const pause = pauses[attempt.number];
    if (!outcome.isTaken && outcome.isFinal !== true && pause !== undefined) {
      world.later.in(pause, () => void this.deliver(record, send, { number: attempt.number + 1, reason: outcome.reason }));
    }
    return outcome;
  }
}
