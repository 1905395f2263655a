// What is wrong in a config, said so that an operator can mend it: where it stands, what was found, what is allowed, and the
// nearest right name. Knows nothing of YAML or schemas.

import { ConfigError } from '#bridge-core/host';

export type Path = readonly (string | number)[];

/** Lines and columns count from 1; line 0: not in a file (`file` then names the variable or option). */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Fault extends Place {
  /** Dotted: `irc.links[0].room`; empty for the file as a whole. */
  readonly path: string;
  readonly found: string;
  readonly allowed: string;
  readonly hint: string;
}

/** All faults of one or several files at once. */
export class ConfigFaults extends ConfigError {
  readonly faults: readonly Fault[];
  constructor(faults: readonly Fault[]) {
    super('CONFIG_INVALID', `${count(faults.length, 'fault')}\n${faults.map(printFault).join('\n')}`);
    this.faults = faults;
  }
}

export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

export function printFault(fault: Fault): string {
  const place = fault.line === 0 ? fault.file : `${fault.file}:${fault.line}:${fault.column}`;
  const parts = [
    [fault.path === '' ? place : `${place}  ${fault.path}`],
    ['    found:   ', fault.found],
    ['    allowed: ', fault.allowed],
    ['    hint:    ', fault.hint],
  ];
  return parts
    .filter(([, text]) => text !== '')
    .map((part) => part.join(''))
    .join('\n');
}

/** In the order in which they stand in the file; what stands in no file comes last. */
export function inOrder(faults: readonly Fault[]): Fault[] {
  const rank = (fault: Fault) => (fault.line === 0 ? Number.POSITIVE_INFINITY : fault.line * 10_000 + fault.column);
  return [...faults].sort((one, other) => {
    const [first, second] = [rank(one), rank(other)];
    return first === second ? 0 : first - second;
  });
}

export function printPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[A-Za-z0-9_-]+$/.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** The other way round; undefined where the text is no path. */
export function parsePath(text: string): Path | undefined {
  const path: (string | number)[] = [];
  const step = /\.?([A-Za-z0-9_-]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;
  while (step.lastIndex < text.length) {
    const start = step.lastIndex;
    const match = step.exec(text);
    if (match === null || (start === 0 && text.startsWith('.'))) return undefined;
    const [, name, index, quoted] = match;
    try {
      path.push(name ?? (index === undefined ? String(JSON.parse(quoted ?? '""')) : Number(index)));
    } catch {
      return undefined;
    }
  }
  return path.length === 0 ? undefined : path;
}

/** The name that was probably meant, or undefined where none is near. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  let best: { name: string; distance: number } | undefined;
  for (const candidate of names) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    const limit = Math.max(2, Math.floor(Math.max(name.length, candidate.length) / 3));
    if (distance <= limit && distance < candidate.length && (best === undefined || distance < best.distance))
      best = { name: candidate, distance };
  }
  return best?.name;
}

export function suggestion(name: string, names: readonly string[]): string {
  const meant = nearest(name, names);
  return meant === undefined ? '' : `did you mean ${JSON.stringify(meant)}?`;
}

/** Insertions, deletions, replacements, and two neighbours swapped, each one step. */
function editDistance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > 40) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let at = 1; at <= to.length; at += 1) {
      const same = from[row - 1] === to[at - 1];
      let cost = Math.min((last[at] ?? 0) + 1, (current[at - 1] ?? 0) + 1, (last[at - 1] ?? 0) + (same ? 0 : 1));
      if (row > 1 && at > 1 && from[row - 1] === to[at - 2] && from[row - 2] === to[at - 1])
        cost = Math.min(cost, (before[at - 2] ?? 0) + 1);
      current.push(cost);
    }
    before = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
