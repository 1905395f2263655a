// What a process costs, read from /proc: CPU of all its threads and of whatever it started, and its memory.

import { readdirSync, readFileSync } from 'node:fs';

/** CPU, ms, user and system together: the scheduler's own count, finer than ticks. */
export function cpuOf(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      total += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
    } catch {
      // The thread ended meanwhile; its time is then missing from this reading.
    }
  }
  return childrenOf(pid).reduce((sum, child) => sum + cpuOf(child), total);
}

/** Resident memory, bytes, of the process and of whatever it started. */
export function rssOf(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return childrenOf(pid).reduce((sum, child) => sum + rssOf(child), pages * 4_096);
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      const text = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim();
      return text === '' ? [] : text.split(' ').map(Number);
    } catch {
      return [];
    }
  });
}
