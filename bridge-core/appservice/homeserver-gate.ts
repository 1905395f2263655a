// How much we ask of the homeserver at once: so many requests in all, a quarter of them for what changes memberships.
// First come, first served; a kind that was told to wait (429) waits as a whole, and the others go on.

import { RetryableError, UnreachableError } from '../errors.ts';

export type Kind = 'send' | 'membership' | 'other';

/** Longer than this nobody is kept waiting in here: they are told how long it is, and come again. */
const longestWait = 30_000;
/** Limits on single calls (a media upload, one room's creation) say little about the rest of their kind. */
const longestOtherHold = 10_000;

interface Waiting {
  readonly ticket: number;
  readonly kind: Kind;
  readonly admit: () => void;
  readonly refuse: (reason: Error) => void;
}

export class Gate {
  readonly #limit: number;
  readonly #membershipLimit: number;
  readonly #queues: Record<Kind, Waiting[]> = { send: [], membership: [], other: [] };
  readonly #heldUntil: Record<Kind, number> = { send: 0, membership: 0, other: 0 };
  #active = 0;
  #activeMembership = 0;
  #waiting = 0;
  #tickets = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ inFlight }: { inFlight: number }) {
    this.#limit = Math.max(1, inFlight);
    this.#membershipLimit = Math.max(1, Math.floor(this.#limit / 4));
  }

  get active(): number {
    return this.#active;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Undefined where the way is free now, which spares the common case a turn of the loop. Who entered must `leave`. */
  enter(kind: Kind): Promise<void> | undefined {
    if (this.#closed) return Promise.reject(new UnreachableError('HOMESERVER_UNREACHABLE', 'the bridge is closing'));
    if (this.#queues[kind].length === 0 && this.#mayGo(kind)) {
      this.#admit(kind);
      return undefined;
    }
    const left = this.#heldUntil[kind] - Date.now();
    if (left > longestWait) return Promise.reject(busy(left));
    return new Promise((admit, refuse) => {
      this.#queues[kind].push({ ticket: this.#tickets++, kind, admit, refuse });
      this.#waiting += 1;
      if (left > 0) this.#wakeInTime();
    });
  }

  /** Enters only where nobody has to wait for it. */
  tryEnter(kind: Kind): boolean {
    if (this.#closed || this.#queues[kind].length > 0 || !this.#mayGo(kind)) return false;
    this.#admit(kind);
    return true;
  }

  leave(kind: Kind): void {
    this.#active -= 1;
    if (kind === 'membership') this.#activeMembership -= 1;
    if (this.#waiting > 0) this.#admitWaiting();
  }

  /** The homeserver asked us to wait so many ms with this kind of request. */
  hold(kind: Kind, ms: number): void {
    const until = Date.now() + (kind === 'other' ? Math.min(ms, longestOtherHold) : ms);
    if (until <= this.#heldUntil[kind]) return;
    this.#heldUntil[kind] = until;
    if (ms > longestWait && kind !== 'other') this.#refuseAll([kind], () => busy(ms));
    else if (this.#queues[kind].length > 0) this.#wakeInTime();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#refuseAll(['send', 'membership', 'other'], () => new UnreachableError('HOMESERVER_UNREACHABLE', 'the bridge is closing'));
  }

  #mayGo(kind: Kind): boolean {
    if (this.#active >= this.#limit) return false;
    if (kind === 'membership' && this.#activeMembership >= this.#membershipLimit) return false;
    const held = this.#heldUntil[kind];
    if (held === 0) return true;
    if (held > Date.now()) return false;
    this.#heldUntil[kind] = 0;
    return true;
  }

  #admit(kind: Kind): void {
    this.#active += 1;
    if (kind === 'membership') this.#activeMembership += 1;
  }

  #admitWaiting(): void {
    for (;;) {
      let next: Waiting | undefined;
      for (const kind of ['send', 'membership', 'other'] as const) {
        const first = this.#queues[kind][0];
        if (first !== undefined && (next === undefined || first.ticket < next.ticket) && this.#mayGo(kind)) next = first;
      }
      if (next === undefined) return;
      this.#queues[next.kind].shift();
      this.#waiting -= 1;
      this.#admit(next.kind);
      next.admit();
    }
  }

  /** When the first of those who wait may go: what one kind is held for must not hold another any longer. */
  #wakeInTime(): void {
    clearTimeout(this.#timer);
    const now = Date.now();
    const held = (['send', 'membership', 'other'] as const).filter((kind) => this.#queues[kind].length > 0);
    const soonest = Math.min(...held.map((kind) => this.#heldUntil[kind]).filter((until) => until > now));
    if (!Number.isFinite(soonest)) return;
    this.#timer = setTimeout(
      () => {
        this.#admitWaiting();
        this.#wakeInTime();
      },
      soonest - now + 1,
    );
  }

  #refuseAll(kinds: readonly Kind[], reason: () => Error): void {
    for (const kind of kinds) {
      for (const waiting of this.#queues[kind].splice(0)) {
        this.#waiting -= 1;
        waiting.refuse(reason());
      }
    }
  }
}

function busy(ms: number): RetryableError {
  return new RetryableError('HOMESERVER_BUSY', `the homeserver asked us to wait ${Math.ceil(ms / 1000)} s`, { after: ms });
}
