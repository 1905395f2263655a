// One shared timer that asks silent connections for a sign of life and gives up those that show none: half-open TCP looks like
// silence. Likewise one that says this and that, and leaves a PING unanswered: what waits for that would wait for ever. It runs only
// while there are connections.

export interface Kept {
  /** Did bytes come since this was last asked? */
  takeHeard(): boolean;
  /** A PING that was sent to see what was said before it done, and has no answer yet. */
  readonly pinged: string | undefined;
  ping(): void;
  lost(silentFor: number): void;
}

interface Watch {
  readonly kept: Kept;
  readonly ping: number;
  readonly timeout: number;
  since: number;
  askedAt: number | undefined;
  pinged: string | undefined;
  /** ms that this one has been without an answer, those aside in which this process stood still. */
  unansweredFor: number;
}

const watches = new Map<Kept, Watch>();
let timer: NodeJS.Timeout | undefined;
let period = 1_000;
let lookedAt = 0;

export function keepAlive(kept: Kept, limits: { readonly ping: number; readonly timeout: number }): void {
  watches.set(kept, { kept, ...limits, since: performance.now(), askedAt: undefined, pinged: undefined, unansweredFor: 0 });
  const fitting = Math.max(5, Math.min(1_000, limits.ping / 4, limits.timeout / 4));
  if (timer !== undefined && fitting >= period) return;
  clearInterval(timer);
  period = fitting;
  lookedAt = performance.now();
  timer = setInterval(look, period);
}

export function forget(kept: Kept): void {
  if (!watches.delete(kept) || watches.size > 0) return;
  clearInterval(timer);
  timer = undefined;
  period = 1_000;
}

function look(): void {
  const now = performance.now();
  // If this process itself stood still, nobody was silent: what came meanwhile has not been read yet.
  const stall = now - lookedAt > period * 3 ? now - lookedAt - period : 0;
  lookedAt = now;
  for (const watch of watches.values()) {
    const { pinged } = watch.kept;
    watch.unansweredFor = pinged !== undefined && pinged === watch.pinged ? watch.unansweredFor + period : 0;
    watch.pinged = pinged;
    if (watch.unansweredFor >= watch.timeout) {
      watch.kept.lost(watch.unansweredFor);
      continue;
    }
    if (watch.kept.takeHeard()) {
      watch.since = now;
      watch.askedAt = undefined;
      continue;
    }
    watch.since += stall;
    if (watch.askedAt === undefined) {
      if (now - watch.since < watch.ping) continue;
      watch.askedAt = now;
      watch.kept.ping();
    } else {
      watch.askedAt += stall;
      if (now - watch.askedAt >= watch.timeout) watch.kept.lost(now - watch.since);
    }
  }
}
