import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MarkdownDialect, markdownBlocks } from '../../../bridge-core/format/markdown-blocks.ts';
import { marked, type Piece } from '../../../bridge-core/format/paired-signs.ts';
import { text } from '../../../bridge-core/format/rich-text.ts';

const dialect: MarkdownDialect = {
  fence: /^(```+|~~~+)\s*(\w*)$/,
  heading: /^(#{1,6})\s+(.*)$/,
  rule: /^-{3,}$/,
  item: /^( *)([-*]|\d+\.) +/,
  tableRule: /^\|?(?:-+\|)+-+\|?$/,
  isLoose: true,
  line: (words) => [text(words)],
  paragraph: (of) => (of.length === 0 ? [] : [{ is: 'paragraph', of }]),
};
const read = (source: string, more: Partial<MarkdownDialect> = {}) => markdownBlocks(source.split('\n'), { ...dialect, ...more });
const words = (line: string) => ({ is: 'paragraph', of: [text(line)] });

test('an item goes on unindented and over an empty line where the dialect is loose, and ends with its line where not', () => {
  const source = '- one\nmore of it\n\n  and more\n- two';
  const loose = read(source);
  assert.equal(loose.length, 1);
  assert.partialDeepStrictEqual(loose[0], { is: 'list', items: [[{ is: 'paragraph' }, words('and more')], [words('two')]] });
  const strict = read(source, { isLoose: false });
  assert.deepEqual(
    strict.map(({ is }) => is),
    ['list', 'paragraph', 'paragraph', 'list'],
  );
});

test('a fence ends with its own sign alone, or not at all', () => {
  assert.deepEqual(read('```js\na\n~~~\n``` not yet\n````\nafter'), [
    { is: 'preformatted', language: 'js', text: 'a\n~~~\n``` not yet' },
    words('after'),
  ]);
  assert.deepEqual(read('~~~\na'), [{ is: 'preformatted', text: 'a' }]);
});

test('quotes and lists nest so deep and no deeper, and a table needs its rule', () => {
  assert.match(JSON.stringify(read(`${'>'.repeat(40)} deep`)), /"text":">{32} deep"/);
  assert.deepEqual(read('a|b\n-|-\nc|d\\|e')[0], {
    is: 'table',
    header: true,
    rows: [
      [[text('a')], [text('b')]],
      [[text('c')], [text('d|e')]],
    ],
  });
  assert.equal(read('a|b\nc|d')[0]?.is, 'paragraph');
});

test('each closing sign goes with the last open one of its kind; what has no partner, or nothing in between, is words', () => {
  const signs = (line: string): Piece[] =>
    line.split(' ').map((each) => (/^[*_~]+$/.test(each) ? { sign: each, opens: true, closes: true } : { nodes: [text(each)] }));
  assert.deepEqual(marked(signs('** a * b ** c')), [{ is: 'bold', of: [text('a*b')] }, text('c')]);
  assert.deepEqual(marked(signs('*** a ***')), [{ is: 'bold', of: [{ is: 'italic', of: [text('a')] }] }]);
  assert.deepEqual(marked(signs('** **')), [text('****')]);
});
