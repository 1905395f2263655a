// What came in and what went out, for tests to look at and wait for.

import type { EventTransport } from './faults.ts';

export interface RecordedCall {
  /** A method of the Web API, or the path of another request (without its secret parts). */
  readonly method: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly token: string | undefined;
  readonly team: string | undefined;
  readonly user: string | undefined;
  /** `performance.now()` */
  readonly at: number;
  /** Filled when answered; a dropped one has none. */
  answer: { readonly status: number; readonly body: Readonly<Record<string, unknown>> } | undefined;
  /** What a fault did with it. */
  fault: unknown;
}

export interface RecordedDelivery {
  readonly transport: EventTransport | 'commands' | 'interactivity';
  readonly app: string;
  readonly team: string;
  /** Type of the inner event, `message/SUBTYPE`, the command, the kind of interaction. */
  readonly what: string;
  readonly eventId: string | undefined;
  readonly payload: Readonly<Record<string, unknown>>;
  /** 0: the first try. */
  readonly attempt: number;
  readonly at: number;
  outcome: 'pending' | 'taken' | 'failed';
  /** Why it failed, in Slack's words. */
  reason: string | undefined;
}
