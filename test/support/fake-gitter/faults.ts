// Ways in which this Gitter can misbehave, switched on by a test: over calls (whatever comes in by HTTP) and over deliveries (whatever goes
// out by Faye or a stream). Those that the documentation knows (429, 5xx, lost numbers) and those that networks add.

import type { Selection } from '../fake-services/faults.ts';

export interface CallFault extends Selection {
  /** `POST /rooms/:room/chatMessages` (see `RecordedCall.route`), or a part of the address that begins with `/`; absent: all. */
  readonly on?: string | RegExp;
  /** Only calls by this token. */
  readonly token?: string;
  /** Only calls by this user. */
  readonly username?: string;
  readonly act:
    | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
    /** 429, with so many ms to X-RateLimit-Reset. */
    | { readonly limited: number }
    /** The connection is closed: before anything was done, or after all of it was. */
    | { readonly drop: 'before' | 'after' }
    /** All is done, then this status is answered. */
    | { readonly doneBut: number }
    /** ms before it is acted upon, or after it was and before the answer. */
    | { readonly wait: number; readonly when?: 'before' | 'after' }
    /** Half the answer, then the connection is closed. */
    | { readonly truncate: true };
}

export type Transport = 'websocket' | 'long-polling' | 'stream';

export interface DeliveryFault extends Selection {
  /** `chatMessages/create`, `users/remove`, `rooms/patch`, `notification/presence` (see `RecordedDelivery.what`); absent: all. */
  readonly on?: string | RegExp;
  readonly transport?: Transport | 'faye';
  /** Only what goes to this user. */
  readonly username?: string;
  readonly act: /** Lost after it was numbered: the gap shows in `ext.c`. */
    | 'drop'
    /** Lost before it was numbered: nothing shows it. */
    | 'lose'
    | 'double'
    /** Comes after the next one; `ext.c` shows it. */
    | 'reorder'
    /** Comes, but a number before it is left out. */
    | 'skip'
    /** ms; later ones may overtake it. */
    | { readonly delay: number }
    /** The receiver's connection is cut: with the delivery lost in it, or just after it. */
    | { readonly cut: 'before' | 'after' };
}

export function matches(pattern: string | RegExp | undefined, name: string, address?: string): boolean {
  if (pattern === undefined) return true;
  if (typeof pattern === 'string') return pattern === name || (pattern.startsWith('/') && address?.startsWith(pattern) === true);
  return pattern.test(name);
}
