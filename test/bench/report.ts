// Rows of the bench: a figure, its floor, its bar; printed as a table, or as JSON.

export interface BenchRow {
  readonly figure: string;
  readonly value: string;
  /** The floor of the same run, where there is one. */
  readonly floor?: string;
  readonly bar?: string;
  /** undefined: no bar, told for information. */
  readonly met?: boolean;
  readonly raw: Readonly<Record<string, number>>;
}

export class Report {
  readonly #rows: BenchRow[] = [];
  readonly #isJson: boolean;

  constructor(isJson: boolean) {
    this.#isJson = isJson;
  }

  add(row: BenchRow): void {
    this.#rows.push(row);
    if (!this.#isJson) process.stdout.write(`${line(row)}\n`);
  }

  say(words: string): void {
    process.stderr.write(`${words}\n`);
  }

  finish(): boolean {
    if (this.#isJson) process.stdout.write(`${JSON.stringify(this.#rows, undefined, 2)}\n`);
    const missed = this.#rows.filter(({ met }) => met === false);
    const judged = this.#rows.filter(({ met }) => met !== undefined).length;
    if (!this.#isJson)
      process.stdout.write(
        `\n${judged - missed.length} of ${judged} bars met${missed.length === 0 ? '' : `; missed: ${missed.map(({ figure }) => figure).join(', ')}`}\n`,
      );
    return missed.length === 0;
  }
}

export const header = line({ figure: 'figure', value: 'measured', floor: 'floor', bar: 'bar', raw: {} });

function line({ figure, value, floor, bar, met }: BenchRow): string {
  const verdict = met === undefined ? '' : met ? 'met' : 'MISSED';
  return [figure.padEnd(52), value.padEnd(34), (floor ?? '').padEnd(20), (bar ?? '').padEnd(34), verdict].join(' ').trimEnd();
}

export const ms = (value: number): string => `${value < 10 ? value.toFixed(value < 1 ? 3 : 2) : value.toFixed(0)} ms`;
export const seconds = (value: number): string => `${(value / 1_000).toFixed(2)} s`;
export const rate = (value: number): string => `${Math.round(value)}/s`;
export const mb = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MB`;
export const kb = (bytes: number): string => `${(bytes / 1_024).toFixed(0)} KB`;

export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
