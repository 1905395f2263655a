// Durations as settings write them (`500ms`, `60s`, `2m`, `30d`), in milliseconds here.

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** What a setting may say, for faults. */
export const durationForm = 'a duration: a number and ms, s, m, h, d or w, such as 60s';

/** undefined where the text is no duration. A bare number is none: its unit would be a guess. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)$/.exec(text.trim());
  if (match === null) return undefined;
  const ms = Math.round(Number(match[1]) * (units[match[2] ?? ''] ?? Number.NaN));
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** In the largest unit that says it in whole numbers: 90000 → `90s`. */
export function printDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = units[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
