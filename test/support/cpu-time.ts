// What work costs the processor: on a machine that others use too, the time that it takes tells nothing.

/** ms. */
export function cpuTime(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
