// A run of all tests holds the feature tables: a row whose test did not run fails it, and says which row and which test.

import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../../quickstart/servers/run-command.ts';
import { tempFolder } from '../support/temp-folder.ts';

const root = join(import.meta.dirname, '../..');
const reporter = join(root, 'quickstart/whole-run-reporter.ts');

/** Runs these tests, file by file, of a project whose one page has these rows of feature and tests. */
async function wholeRun(rows: Readonly<Record<string, string>>, files: Readonly<Record<string, string>>) {
  const folder = tempFolder();
  mkdirSync(join(folder, 'bridges/tin'), { recursive: true });
  mkdirSync(join(folder, 'test/parts'), { recursive: true });
  symlinkSync(join(root, 'quickstart'), join(folder, 'quickstart'));
  const lines = Object.entries(rows).map(([feature, shown]) => `| ${feature} | there | back | ${shown} |\n`);
  writeFileSync(
    join(folder, 'bridges/tin/README.md'),
    `# Tin\n\n| feature | Matrix → Tin | Tin → Matrix | shown by |\n|---|---|---|---|\n${lines.join('')}\nWords.\n`,
  );
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  for (const [file, code] of Object.entries(files)) {
    writeFileSync(join(folder, 'test', `${file}.test.ts`), `import { describe, it, test } from 'node:test';\n${code}\n`);
  }
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const words = ['--test', `--test-reporter=${reporter}`, ...Object.keys(files).map((file) => `test/${file}.test.ts`)];
  const { code, output } = await runCommand(process.execPath, words, { cwd: folder, env });
  return { code, output, last: output.trimEnd().split('\n').at(-1) ?? '' };
}

const passes = (title: string) => `test('${title}', () => {});`;

test('where every row was shown nothing is said: by a title, in a suite too, or by a file', async () => {
  const { code, output, last } = await wholeRun(
    { text: '`text` “it goes over”, `parts/names`', pictures: '`parts/names` “a picture | of theirs”'.replace('|', '\\|') },
    {
      text: `describe('text', () => { it('it goes over', () => {}); });`,
      'parts/names': `${passes('a picture \\\\| of theirs')}test('later', { skip: 'not yet' }, () => {});`,
    },
  );
  assert.equal(code, 0, output);
  assert.doesNotMatch(output, /feature|machine/);
  assert.match(last, /^ℹ duration_ms /);
});

test('a named test that does not run fails the run, though all tests passed: row and test are named, before the counts', async () => {
  const { code, output, last } = await wholeRun(
    { text: '`text` “it goes over”, `text` “it comes back”', edits: '`edits`', typing: '`text` “suites are no tests”' },
    { text: `${passes('it goes over')} describe('suites are no tests', () => { ${passes('it does not come')} });` },
  );
  assert.equal(code, 1, output);
  const told = output.split('\n').filter((line) => line.startsWith('  ✖ '));
  assert.deepEqual(told, [
    '  ✖ bridges/tin, “text”: text “it comes back” did not run',
    '  ✖ bridges/tin, “edits”: edits did not run',
    '  ✖ bridges/tin, “typing”: text “suites are no tests” did not run',
  ]);
  assert.match(output, /\nℹ pass 2\nℹ fail 0\n/);
  assert.match(last, /^ℹ duration_ms /);
});

test('a skipped test shows nothing; only the want of a browser or of PostgreSQL is no fault, and is told', async () => {
  const skips = (title: string, reason: string) => `test('${title}', (t) => t.skip(${reason}));`;
  const { code, output } = await wholeRun(
    { text: '`text` “it goes over”', logins: '`pages` “a login”', more: '`pages`', edits: '`text` “perhaps”' },
    {
      text: `${skips('it goes over', `'too slow'`)} test('perhaps', { todo: 'unsure' }, () => { throw new Error(); });`,
      pages: `import { noBrowser } from '../quickstart/servers/chromium.ts';\n${skips('a login', 'noBrowser')}`,
    },
  );
  assert.equal(code, 1, output);
  assert.match(
    output,
    /allowed:\n {2}⚠ bridges\/tin, “logins”: pages “a login”: no browser .*\n {2}⚠ bridges\/tin, “more”: pages: no browser/,
  );
  assert.match(output, / ✖ bridges\/tin, “text”: text “it goes over” was skipped: too slow\n {2}✖ .*“perhaps” was skipped: unsure\n/);

  const alone = await wholeRun({ logins: '`pages`' }, { pages: skips('a login', `'no browser is to be had on this machine'`) });
  assert.equal(alone.code, 0, alone.output);
  assert.match(alone.output, /⚠ bridges\/tin, “logins”: pages: no browser/);
  const other = await wholeRun({ logins: '`pages`' }, { pages: skips('a store', `'no PostgreSQL is to be had on this machine'`) });
  assert.equal(other.code, 0, other.output);
  assert.match(other.output, /⚠ bridges\/tin, “logins”: pages: no PostgreSQL/);
});

test('what a file ran that breaks off, or has no test, is not counted as the next one’s', async () => {
  const { code, output } = await wholeRun(
    { edits: '`sound` “before”', typing: '`empty`' },
    {
      broken: `${passes('before')} test('then', async () => { setTimeout(() => process.exit(3), 200); await new Promise(() => {}); });`,
      empty: '',
      sound: passes('after'),
    },
  );
  assert.equal(code, 1);
  assert.match(output, /“edits”: sound “before” did not run/);
  assert.match(output, /“typing”: empty did not run/);
});
