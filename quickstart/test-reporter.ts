// What `npm test` prints: a line for each file with what was skipped and what tests remarked, failures in full, once more at the end what
// failed and how each reason begins, then the runner's own counts.

import { relative, resolve } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';
import type { Ran } from './feature-tables.ts';

type Failure = Extract<TestEvent, { type: 'test:fail' }>['data'];

/** Signs of each reason that are repeated at the end. */
const mostReason = 1_500;

const isCount = (message: string) => /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(message);

// biome-ignore lint/style/noDefaultExport: this is how the runner finds a reporter.
export default async function* reportSome(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  yield* report(events, () => '');
}

/** `close` is told what was run, once all was, and gives what stands before the counts. */
export async function* report(events: AsyncIterable<TestEvent>, close: (ran: readonly Ran[]) => string): AsyncGenerator<string> {
  /** The names from the outermost suite to the test that is under way. */
  let names: string[] = [];
  /** Of the file under way: the runner hands on results file by file, and what files print as it comes. */
  let remarks: string[] = [];
  const printed = new Map<string, string>();
  const failures: string[] = [];
  const ran: Ran[] = [];
  /** Of the file under way, which its end names: a test may stand in another file than the one that was run. */
  const results: Omit<Ran, 'file'>[] = [];
  const keep = (path: string) => {
    const file = relative(resolve('test'), path).replace(/\.test\.ts$/, '');
    ran.push(...results.splice(0).map((result) => ({ ...result, file })));
  };
  let isOver = false;
  for await (const { type, data } of events) {
    if (type === 'test:start') names = [...names.slice(0, data.nesting), data.name];
    if (type === 'test:stdout' || type === 'test:stderr') {
      const file = resolve(data.file);
      printed.set(file, (printed.get(file) ?? '') + data.message);
    }
    // A file without a test, or that breaks off, is one itself.
    const isTest = (type === 'test:pass' || type === 'test:fail') && data.details.type !== 'suite' && resolve(data.name) !== data.file;
    if (isTest) {
      const { skip, todo, name } = data;
      results.push({ title: name, skipped: skip || todo ? String(skip || todo) : undefined });
    }
    if (type === 'test:pass' && data.skip) remarks.push(`  ﹣ ${names.join(' › ')}: skipped, ${data.skip}\n`);
    if (type === 'test:fail' && !data.todo && !isOfParts(data)) {
      const place = data.file ? `   ${relative(process.cwd(), data.file)}:${data.line}` : '';
      const failure = `  ✖ ${[...names.slice(0, data.nesting), data.name].join(' › ')}${place}\n`;
      const hasBroken = 'exitCode' in data.details.error;
      const reason = hasBroken ? (printed.get(data.file ?? '') ?? '').slice(-10_000) : reasonOf(data);
      failures.push(failure, indent(reason.slice(0, mostReason)));
      remarks.push(failure, indent(reason));
      // A file that breaks off has no summary.
      if (hasBroken) {
        yield remarks.splice(0).join('');
        keep(data.file ?? '');
      }
    }
    if (type === 'test:diagnostic' && !isCount(data.message)) remarks.push(`  ℹ ${data.message}\n`);
    if (type === 'test:diagnostic' && isCount(data.message)) {
      if (!isOver) yield close(ran);
      isOver = true;
      if (failures.length > 0) yield `\nFailed:\n${failures.splice(0).join('')}\n`;
      yield `ℹ ${data.message}\n`;
    }
    if (type === 'test:summary' && data.file !== undefined) {
      const { passed, cancelled, skipped, tests, todo } = data.counts;
      const failed = tests - passed - skipped - todo;
      const words = [`${passed} passed`, ...(failed ? [`${failed - cancelled} failed, ${cancelled} cancelled`] : [])];
      const counts = [...words, ...(skipped ? [`${skipped} skipped`] : [])].join(', ');
      yield `${data.success ? '✔' : '✖'} ${relative(process.cwd(), data.file)}: ${counts} (${(data.duration_ms / 1_000).toFixed(1)} s)\n`;
      yield remarks.join('');
      if (!data.success) yield indent((printed.get(data.file) ?? '').slice(-10_000));
      keep(data.file);
      printed.delete(data.file);
      remarks = [];
    }
  }
}

/** It failed only because one of its parts did, which is told for itself. */
function isOfParts({ details }: Failure): boolean {
  return 'failureType' in details.error && details.error.failureType === 'subtestsFailed';
}

function reasonOf({ details }: Failure): string {
  const { error } = details;
  return inspect('cause' in error && error.cause instanceof Error ? error.cause : error).replaceAll(/^ +at .*\(?node:.*\n?/gm, '');
}

function indent(text: string): string {
  const trimmed = text.trimEnd();
  return trimmed === '' ? '' : `${trimmed.replaceAll(/^/gm, '    ')}\n`;
}
