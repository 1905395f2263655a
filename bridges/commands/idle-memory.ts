// Memory given back while nothing is to be done: what starting took, and what a burst left behind. The engine would keep it
// for a long time, and an operator would take it for a leak.

import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const lookEvery = 5_000;
/** Share of the time in which something was done; collecting holds it up for some 50 ms. */
const idle = 0.05;
/** Bytes more than what was left after the last time. */
const worthwhile = 16 * 1_048_576;

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

export function giveMemoryBack(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  let left = 0;
  let before = performance.eventLoopUtilization();
  const look = (): void => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (utilization > idle || process.memoryUsage.rss() < left + worthwhile) return;
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    left = process.memoryUsage.rss();
  };
  setInterval(look, lookEvery).unref();
}
