// Ways in which this Gitter can misbehave, switched on by a test: over calls (whatever comes in by HTTP) and over deliveries (whatever goes
// out by Faye or a stream). Those that the documentation knows (429, 5xx, lost numbers) and those that networks add.

export interface Selection {
  /** So many that match are spared first. */
  readonly after?: number;
  /** Of those that follow, only each so-manieth is hit. */
  readonly every?: number;
  /** So many are hit; absent: until cleared. */
  readonly times?: number;
}

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

interface Standing<F extends Selection> {
  readonly fault: F;
  spared: number;
  hit: number;
}

export class Faults<F extends Selection & { readonly act: unknown }> {
  #standing: Standing<F>[] = [];

  add(fault: F): void {
    this.#standing.push({ fault, spared: 0, hit: 0 });
  }

  clear(): void {
    this.#standing = [];
  }

  /** The act that is due for what `fits`; counts it. */
  take(fits: (fault: F) => boolean): F['act'] | undefined {
    for (const standing of this.#standing) {
      const { after = 0, every = 1, times = Number.POSITIVE_INFINITY } = standing.fault;
      if (!fits(standing.fault)) continue;
      if (standing.spared < after || (standing.spared - after) % every < every - 1) {
        standing.spared += 1;
        continue;
      }
      if (every > 1) standing.spared += 1;
      standing.hit += 1;
      if (standing.hit >= times) this.#standing = this.#standing.filter((other) => other !== standing);
      return standing.fault.act;
    }
    return undefined;
  }
}

export function matches(pattern: string | RegExp | undefined, name: string, address?: string): boolean {
  if (pattern === undefined) return true;
  if (typeof pattern === 'string') return pattern === name || (pattern.startsWith('/') && address?.startsWith(pattern) === true);
  return pattern.test(name);
}
