// The shared ticker of quiet connections: after a read each stops reading until its place in the round comes up. So a line that
// a thousand puppets hear costs one wake-up of each for everything said in a round, not one for every line; and since each has
// a place of its own, they do not all wake in one moment, which would hold up everybody else.

interface Sleeper {
  /** From `takePlace`; stays the same. */
  readonly place: number;
  resume(): void;
}

/** ms. A round delays private messages to puppets, KICKs and PINGs of the server: none of these is in a hurry. */
const round = 500;
const places = 20;

const asleep: Sleeper[][] = Array.from({ length: places }, () => []);
let taken = 0;
let now = 0;
let count = 0;
let timer: NodeJS.Timeout | undefined;

export function takePlace(): number {
  taken = (taken + 1) % places;
  return taken;
}

export function sleep(sleeper: Sleeper): void {
  asleep[sleeper.place]?.push(sleeper);
  count++;
  timer ??= setInterval(wakeNext, round / places);
}

function wakeNext(): void {
  now = (now + 1) % places;
  const rested = asleep[now] ?? [];
  asleep[now] = [];
  count -= rested.length;
  for (const sleeper of rested) sleeper.resume();
  if (count > 0) return;
  clearInterval(timer);
  timer = undefined;
}
