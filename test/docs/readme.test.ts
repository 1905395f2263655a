// The documents say what is: the error table is the catalogue; paths, commands, figures, settings and libraries are there.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { catalogue } from '../../bridge-core/errors.ts';
import { openMetrics, renderMetrics } from '../../bridge-core/observe/metrics.ts';
import { ircSettings } from '../../bridges/irc/settings.ts';
import { coreSchema } from '../../config/core-schema.ts';
import { irc } from '../config/networks.ts';

const root = join(import.meta.dirname, '../..');
const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bridges/irc/README.md'];
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
const manifest = JSON.parse(textOf('package.json')) as Record<'scripts' | 'dependencies', Record<string, string>>;
const blocksOf = (document: string): string[] =>
  textOf(document)
    .split('```')
    .filter((_, at) => at % 2 === 1);

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

  test(`the pictures of ${document} are straight`, () => {
    for (const block of blocksOf(document)) {
      const lines = block.split('\n').map((line) => [...line]);
      const top = lines.findIndex((line) => line.includes('┌'));
      const bottom = lines.findIndex((line) => line.includes('└'));
      if (top === -1) continue;
      const edges = [lines[top]?.indexOf('┌') ?? 0, lines[top]?.indexOf('┐') ?? 0];
      for (const line of lines.slice(top + 1, bottom)) for (const edge of edges) assert.match(line[edge] ?? '', /[│┼]/, line.join(''));
      assert.deepEqual([lines[bottom]?.indexOf('└'), lines[bottom]?.indexOf('┘')], edges);
    }
  });
}

test('the commands that the README names are those that there are', () => {
  const named = [...textOf('README.md').matchAll(/npm (?:run )?(quickstart|start|test|check|bench)\b/g)].map(([, name]) => name ?? '');
  assert.deepEqual(
    [...new Set(named)].filter((name) => !(name in manifest.scripts)),
    [],
  );
  const ours = [...textOf('bridges/main.ts').matchAll(/(?:command|withConfig)\('(\w+)/g)].map(([, name]) => name ?? '');
  const told = [...textOf('README.md').matchAll(/(?:npm start (?:--silent )?-- |causeway |^\| `)([a-z]+)\b/gm)].map(
    ([, name]) => name ?? '',
  );
  assert.deepEqual(
    ours.filter((name) => !told.includes(name)),
    [],
  );
});

test("the README's config is one", () => {
  const [example] = blocksOf('README.md').filter((block) => block.startsWith('yaml\nhomeserver:'));
  const config = load((example ?? '').replace('yaml\n', '')) as { readonly irc: unknown };
  coreSchema(irc, ['irc']).parse(config);
  ircSettings.parse(config.irc);
});

test('the figures that the documents name are there', async () => {
  openMetrics('docs').close();
  const page = await renderMetrics();
  const sources = ['bridges/irc', 'bridge-core/membership', 'bridge-core/pipeline'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${folder}/${file}`),
  );
  const counted = sources.flatMap((file) => [...textOf(file).matchAll(/count\('(\w+)'/g)].map(([, name]) => `causeway_${name}_total`));
  const named = documents.flatMap((document) =>
    [...textOf(document).matchAll(/\b(causeway_\w+)|`(bridge_\w+)`/g)].map(([, name, old]) => name ?? old ?? ''),
  );
  assert.ok(named.length > 10);
  assert.deepEqual(
    [...new Set(named)].filter((name) => !page.includes(`# TYPE ${name} `) && !counted.includes(name)),
    [],
  );
});

test("ARCHITECTURE's tree names what is there, and every folder", () => {
  const [tree = ''] = blocksOf('ARCHITECTURE.md').filter((block) => block.includes('bridge-core/'));
  const named = new Set<string>();
  const above: string[] = [];
  for (const line of tree.split('\n').filter((each) => each.trim() !== '')) {
    const depth = line.search(/\S/) / 2;
    const names = (line.trim().split(/ {2,}/)[0] ?? '').split(' ');
    for (const name of names) named.add([...above.slice(0, depth), name].join(''));
    above.splice(depth, above.length, names.find((name) => name.endsWith('/')) ?? '');
  }
  assert.deepEqual(
    [...named].filter((path) => !existsSync(join(root, path)) && !existsSync(join(root, `${path}.ts`))),
    [],
  );
  const foldersIn = (path: string): string[] =>
    readdirSync(join(root, path), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !['node_modules', 'data'].includes(entry.name))
      .map(({ name }) => `${path}${name}/`);
  const folders = [...foldersIn(''), ...['bridges/', 'bridges/irc/', 'bridge-core/', 'bridge-core/store/'].flatMap(foldersIn)];
  assert.deepEqual(
    folders.filter((path) => !named.has(path)),
    [],
  );
});

test('every library that the bridge runs on has its reason in ARCHITECTURE', () => {
  const table = textOf('ARCHITECTURE.md').split('## Which library does what')[1] ?? '';
  const words: Record<string, string> = {
    '@fastify/rate-limit': 'rate-limit',
    '@vector-im/matrix-bot-sdk': 'bot SDK',
    '@matrix-org/matrix-sdk-crypto-nodejs': 'vendor/',
  };
  assert.deepEqual(
    Object.keys(manifest.dependencies).filter((name) => !table.includes(words[name] ?? name)),
    [],
  );
});
