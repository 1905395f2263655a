// The feature table of a bridge's page says what is: each feature names tests that are there.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { featureRows } from '../../quickstart/feature-tables.ts';

const root = join(import.meta.dirname, '../..');

/** `least`: so many features the table has at any rate. That they also ran is seen at the end of a run of all tests. */
export function holdFeatureTable(bridge: string, least: number): void {
  const rows = featureRows(readFileSync(join(root, 'bridges', bridge, 'README.md'), 'utf8'));

  test('every feature names a test that is there, by its file and, where one is named, by its title', () => {
    assert.ok(rows.length >= least);
    const missing: string[] = [];
    for (const { feature, tests } of rows) {
      if (tests.length === 0) missing.push(`${feature}: no test`);
      for (const { file, title } of tests) {
        const path = join(root, 'test', `${file}.test.ts`);
        if (!existsSync(path)) missing.push(`${feature}: ${file}`);
        else if (title !== undefined && !isTitle(readFileSync(path, 'utf8'), title)) missing.push(`${feature}: ${file}: ${title}`);
      }
    }
    assert.deepEqual(missing, []);
  });
}

function isTitle(source: string, title: string): boolean {
  const squeezed = source.replace(/test\(\s+/g, 'test(');
  return ["'", '"', '`'].some((quote) => squeezed.includes(`test(${quote}${title}${quote},`));
}
