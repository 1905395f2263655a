// The page of the Gitter bridge says what is: each feature names tests that are there.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'bridges/gitter/README.md'), 'utf8');

const rows = page
  .split('\n')
  .slice(page.split('\n').findIndex((line) => line.startsWith('| feature |')) + 2)
  .filter((line) => line.startsWith('| '))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

test('every feature names a test that is there, by its file and, where one is named, by its title', () => {
  assert.ok(rows.length > 25);
  const missing: string[] = [];
  for (const [feature = '', , , shown = ''] of rows) {
    const named = [...shown.matchAll(/`([\w/-]+)`(?: “((?:[^”]|’)+)”)?/g)];
    if (named.length === 0) missing.push(`${feature}: no test`);
    for (const [, file = '', title] of named) {
      const path = join(root, 'test', `${file}.test.ts`);
      if (!existsSync(path)) missing.push(`${feature}: ${file}`);
      else if (title !== undefined && !isTitle(readFileSync(path, 'utf8'), title)) missing.push(`${feature}: ${file}: ${title}`);
    }
  }
  assert.deepEqual(missing, []);
});

function isTitle(source: string, title: string): boolean {
  const squeezed = source.replace(/test\(\s+/g, 'test(');
  return ["'", '"', '`'].some((quote) => squeezed.includes(`test(${quote}${title}${quote},`));
}
