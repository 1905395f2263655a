// Time as measurements count it.

/** Polls until `holds`; rejects after `ms` with what was waited for. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { ms = 60_000, every = 20 }: { readonly ms?: number; readonly every?: number } = {},
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${ms / 1_000} s: ${what}`);
    await sleep(every);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** ms since 1970 with fractions. All processes of a run count from the same clock: they differ by microseconds, measured. */
export function clock(): number {
  return performance.timeOrigin + performance.now();
}
