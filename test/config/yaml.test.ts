// Values and places of YAML: block and flow, quotes and comments, and every fault that can be gone past.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { load } from 'js-yaml';
import type { Path } from '../../config/faults.ts';
import { readYaml, resolvePlain } from '../../config/yaml.ts';
import { variable } from './networks.ts';

const source = `# a comment: { with: signs }
plain: text   # and a comment
"quoted key": 'it''s'
flow: { a: 1, "b": [x, 'y', { deep: true }],
        c: ~ }
block:
  - first: 1
    second: "#x"
  -
    - nested
  - &here anchored
folded: >
  two
  lines
empty:
hash: #lost
`;

const at = (path: Path, part?: 'key' | 'value') => {
  const { line, column } = readYaml(source, 'f.yaml').place(path, part);
  return `${line}:${column}`;
};

test('values are those of YAML 1.2', () => {
  assert.deepEqual(readYaml(source, 'f.yaml').value, load(source));
});

test('each value and each key is found where it stands', () => {
  assert.equal(at(['plain']), '2:8');
  assert.equal(at(['plain'], 'key'), '2:1');
  assert.equal(at(['quoted key']), '3:15');
  assert.equal(at(['quoted key'], 'key'), '3:1');
  assert.equal(at(['flow', 'a']), '4:12');
  assert.equal(at(['flow', 'b'], 'key'), '4:15');
  assert.equal(at(['flow', 'b', 1]), '4:24');
  assert.equal(at(['flow', 'b', 2, 'deep']), '4:37');
  assert.equal(at(['flow', 'c'], 'key'), '5:9');
  assert.equal(at(['block', 0, 'second']), '8:13');
  assert.equal(at(['block', 1, 0]), '10:7');
  assert.equal(at(['block', 2]), '11:11');
  assert.equal(at(['folded'], 'key'), '12:1');
});

test('what is missing is placed at what it is missing from', () => {
  assert.equal(at(['flow', 'nothing']), '4:1');
  assert.equal(at(['block', 0, 'third']), '7:5');
  assert.equal(at(['nowhere', 'at', 'all']), '2:1');
});

test('a value that a comment swallowed is told from an empty one', () => {
  const yaml = readYaml(source, 'f.yaml');
  assert.equal(yaml.isComment(['hash']), true);
  assert.equal(yaml.isComment(['empty']), false);
});

test('lines are counted the same with CR LF and behind a byte order mark', () => {
  const yaml = readYaml(`\uFEFF${source.replaceAll('\n', '\r\n')}`, 'f.yaml');
  assert.deepEqual(yaml.value, load(source));
  assert.equal(yaml.place(['block', 0, 'second']).line, 8);
  assert.equal(yaml.place(['plain']).column, 8);
});

test('all repeats, aliases, tags and odd keys are told, each with its line', () => {
  const { faults } = readYaml('a: 1\na: 2\nb: &x 1\nc: *x\nroom: !abc:example.org\n? [k]\n: v\n', 'f.yaml');
  assert.deepEqual(
    faults.map((fault) => `${fault.line} ${fault.path} ${fault.found}`),
    ['2 a the key "a" a second time', '4 c an alias, *x', '5 room a tag, !abc:example.org', '6 ["?"] a key that is more than a name'],
  );
  assert.match(faults[2]?.hint ?? '', /needs quotes/);
});

test('text that is no YAML is placed, and forgotten quotes are named', () => {
  const cases: [string, number, RegExp][] = [
    ['a: 1\nuser: @op:example.org', 2, /begins with @ needs quotes/],
    ['a: 1\n*: admin', 2, /begins with \* needs quotes/],
    ['a:\n\tb: 1', 2, /spaces, not with tabs/],
    [`a: { b: ${variable('NAME')} }`, 1, /a variable needs quotes/],
    ['a: 1\n---\nb: 2', 2, /^$/],
    ['', 1, /empty/],
    ['# nothing but this\n', 1, /empty/],
    ['{', 1, /^$/],
  ];
  for (const [text, line, hint] of cases) {
    const { value, faults } = readYaml(text, 'f.yaml');
    assert.equal(value, undefined, text);
    assert.equal(faults.length, 1, text);
    assert.equal(faults[0]?.line, line, text);
    assert.match(faults[0]?.hint ?? '', hint, text);
  }
});

test('a name like __proto__ is a key like another', () => {
  const { value } = readYaml('__proto__: { polluted: true }', 'f.yaml');
  assert.deepEqual(Object.keys(value as object), ['__proto__']);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test('whatever JSON says, it is read as JSON reads it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (json) => {
      fc.pre(json !== null);
      const text = JSON.stringify(json, (_key, value: unknown) => (Object.is(value, -0) ? 0 : value));
      const { value, faults } = readYaml(text, 'f.json');
      assert.deepEqual(faults, []);
      assert.deepEqual(value, JSON.parse(text));
    }),
    { numRuns: 300 },
  );
});

test('plain text stands for what YAML 1.2 says, so `off` and `yes` are words', () => {
  assert.deepEqual(['off', 'yes', 'true', '~', '0x10', '1e3', '12', '1:30'].map(resolvePlain), [
    'off',
    'yes',
    true,
    null,
    16,
    1000,
    12,
    '1:30',
  ]);
});
