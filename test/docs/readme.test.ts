// The documents say what is: the error table is the catalogue, the paths they name exist.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { catalogue } from '../../bridge-core/errors.ts';

const root = join(import.meta.dirname, '../..');
const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bridges/irc/README.md'];
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

test("the README's error table is the catalogue, word for word and in its order", () => {
  const rows = [...textOf('README.md').matchAll(/^\| `([A-Z_]+)` \| (.+) \|$/gm)].map(([, code, remedy]) => [code, remedy]);
  assert.deepEqual(rows, Object.entries(catalogue));
});

for (const document of documents) {
  test(`every file that ${document} links to exists`, () => {
    const links = [...textOf(document).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, path]) => path ?? '');
    const missing = links.filter((path) => !existsSync(join(root, dirname(document), path)));
    assert.deepEqual(missing, []);
  });
}

test('the commands that the README names are those that there are', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  const named = [...textOf('README.md').matchAll(/npm (?:run )?(quickstart|start|test|check|bench)\b/g)].map(([, name]) => name ?? '');
  assert.deepEqual(
    [...new Set(named)].filter((name) => !(name in scripts)),
    [],
  );
});
