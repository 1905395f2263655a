// The reporter of a run of all tests: what the test reporter prints, and before the counts whatever rows of the feature tables
// that run did not show. It then fails, though every test passed.

import type { TestEvent } from 'node:test/reporters';
import { unshown } from './feature-tables.ts';
import { report } from './test-reporter.ts';

// biome-ignore lint/style/noDefaultExport: this is how the runner finds a reporter.
export default async function* reportAll(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  yield* report(events, (ran) => {
    const { faults, lacking } = unshown(process.cwd(), ran);
    // It runs in the runner's own process, which ends with this code unless a test failed.
    if (faults.length > 0) process.exitCode = 1;
    return (
      listOf('Not shown on this machine, which is allowed:', lacking, '⚠') +
      listOf('Rows of feature tables that no test showed:', faults, '✖')
    );
  });
}

function listOf(head: string, lines: readonly string[], sign: string): string {
  return lines.length === 0 ? '' : `\n${head}\n${lines.map((line) => `  ${sign} ${line}\n`).join('')}\n`;
}
