// What came in and what went out, for tests to look at and wait for.

import type { Transport } from './faults.ts';

export interface RecordedCall {
  /** Verb and pattern: `POST /rooms/:room/chatMessages`, `GET /stream/rooms/:room/chatMessages`, `POST /login/oauth/token`, `POST /bayeux`. */
  readonly route: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly token: string | undefined;
  /** Whose the token is. */
  readonly username: string | undefined;
  /** `performance.now()` */
  readonly at: number;
  /** Filled when answered; a dropped one has none. */
  answer: { readonly status: number; readonly body: unknown } | undefined;
  /** What a fault did with it. */
  fault: unknown;
}

export interface RecordedDelivery {
  readonly transport: Transport;
  readonly username: string;
  /** `/api/v1/rooms/ID/chatMessages`, as a Faye channel. */
  readonly channel: string;
  /** `chatMessages/create`, `users/remove`, `rooms/patch`, `notification/presence`. */
  readonly what: string;
  readonly payload: unknown;
  /** `ext.c`; a stream's has none. */
  readonly c: number | undefined;
  readonly at: number;
  /** `kept`: nobody was connected, waits for the client to come back. `lost`: by a fault. */
  readonly outcome: 'sent' | 'kept' | 'lost';
}
