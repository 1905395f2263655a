// Ways in which this Slack can misbehave, switched on by a test: over calls (whatever comes in by HTTP) and over events (whatever
// goes out). Those that the documentation knows (429, 5xx, retries) and those that networks add.

import type { Selection } from '../fake-services/faults.ts';

export interface CallFault extends Selection {
  /** A method (`chat.postMessage`), or for what is no method a path (`/upload/…`, `/services/…`, `/files-pri/…`); absent: all. */
  readonly on?: string | RegExp;
  /** Only calls by this token. */
  readonly token?: string;
  /** Only calls to this channel. */
  readonly channel?: string;
  readonly act:
    | { readonly error: string; readonly details?: Readonly<Record<string, unknown>> }
    | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
    /** 429 with so many seconds in Retry-After; without them the header is missing. */
    | { readonly ratelimited: number | undefined }
    /** The connection is closed: before anything was done, or after all of it was. */
    | { readonly drop: 'before' | 'after' }
    /** All is done, then this status is answered. */
    | { readonly doneBut: number }
    /** ms before it is acted upon, or after it was and before the answer. */
    | { readonly wait: number; readonly when?: 'before' | 'after' }
    /** Half the answer, then the connection is closed. */
    | { readonly truncate: true }
    /** A login page instead of a file or JSON. */
    | { readonly html: true };
}

export type EventTransport = 'socket' | 'events' | 'rtm' | 'outgoing';

export interface EventFault extends Selection {
  /** Type of the inner event, or `message/SUBTYPE`; absent: all. */
  readonly on?: string | RegExp;
  readonly transport?: EventTransport;
  /** Only what goes to this app. */
  readonly app?: string;
  readonly act:
    | 'drop'
    | 'double'
    /** Comes after the next one. */
    | 'reorder'
    | { readonly delay: number }
    /** The receiver's sockets are cut, with the event unsent or just sent. */
    | { readonly cut: 'before' | 'after' };
}

export function matches(pattern: string | RegExp | undefined, text: string): boolean {
  if (pattern === undefined) return true;
  if (typeof pattern === 'string') return pattern === text || (pattern.startsWith('/') && text.startsWith(pattern));
  return pattern.test(text);
}
