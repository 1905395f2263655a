// The feature tables of the bridges' pages: which tests a row names, and whether those were run and held.

import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { noBrowser } from './servers/chromium.ts';
import { noPostgres } from './servers/postgres.ts';

export interface FeatureRow {
  readonly feature: string;
  /** As they stand in the last column: `folder/file` below `test/`, and “a title” in it, or else all of it. */
  readonly tests: readonly { readonly file: string; readonly title: string | undefined }[];
}

/** What became of one test. */
export interface Ran {
  /** As rows name it. */
  readonly file: string;
  readonly title: string;
  /** Why it was skipped; a test that may fail counts as one. */
  readonly skipped: string | undefined;
}

/** The skips that are no fault: a machine may lack these. */
const permitted: readonly (string | undefined)[] = [noBrowser, noPostgres];

export function featureRows(page: string): FeatureRow[] {
  const lines = page.split('\n');
  const head = lines.findIndex((line) => line.startsWith('| feature |'));
  if (head === -1) return [];
  const rest = lines.slice(head + 2);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return rest.slice(0, end === -1 ? undefined : end).map((line) => {
    const cells = line.split(/(?<!\\)\|/).slice(1, -1);
    const [feature = '', shown = ''] = [cells[0]?.trim(), cells.at(-1)];
    const tests = [...shown.matchAll(/`([\w/-]+)`(?: “((?:[^”]|’)+)”)?/g)].map(([, file = '', title]) => ({ file, title }));
    return { feature, tests };
  });
}

/** After a whole run: each row that it did not show, with the test; `lacking` are those that this machine cannot show. */
export function unshown(root: string, ran: readonly Ran[]): { readonly faults: string[]; readonly lacking: string[] } {
  const faults: string[] = [];
  const lacking: string[] = [];
  for (const page of globSync('bridges/*/README.md', { cwd: root }).sort()) {
    for (const { feature, tests } of featureRows(readFileSync(join(root, page), 'utf8'))) {
      for (const { file, title } of tests) {
        const found = ran.filter((each) => each.file === file && (title === undefined || each.title === title));
        if (found.some(({ skipped }) => skipped === undefined)) continue;
        const row = `${dirname(page)}, “${feature}”: ${file}${title === undefined ? '' : ` “${title}”`}`;
        const [first] = found;
        if (first === undefined) faults.push(`${row} did not run`);
        else if (found.every(({ skipped }) => permitted.includes(skipped))) lacking.push(`${row}: ${first.skipped}`);
        else faults.push(`${row} was skipped: ${first.skipped}`);
      }
    }
  }
  return { faults, lacking };
}
