// Gitter's markdown ↔ rich text: each rule that its dialect has of its own, and that nothing is lost on the way there and back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Fit, RichText } from '#bridge-core';
import { fromHtml } from '../../../bridge-core/format/from-html.ts';
import { toHtml, toPlain } from '../../../bridge-core/format/to-html.ts';
import type { GitterBody } from '../../../bridges/gitter/body.ts';
import { gitterFormatter } from '../../../bridges/gitter/formatter.ts';
import { readLine } from '../../../bridges/gitter/markdown-line.ts';
import { cpuTime } from '../../support/cpu-time.ts';
import { anyBlocks, anyWords, wordsIn } from '../../support/rich-text.ts';

const place = 'gitter/org/room' as never;

const fit = (more: Partial<Fit> = {}): Fit => ({ bytes: 4_000, lines: 20, markup: true, style: 'text', mention: () => undefined, ...more });

const printed = (html: string, more: Partial<Fit> = {}): string[] =>
  gitterFormatter.print(fromHtml(html), fit(more)).map(({ text }) => text);

const read = (body: GitterBody | string): string => toHtml(gitterFormatter.parse(typeof body === 'string' ? { text: body } : body, place));

test('a picture among the words is one where it is had over https, or from this very Gitter', () => {
  const isPicture = (body: GitterBody) => JSON.stringify(gitterFormatter.parse(body, place)).includes('"is":"image"');
  const home = 'http://127.0.0.1:5000';
  const text = '![a dot](http://127.0.0.1:5000/a.png)';
  assert.ok(isPicture({ text: '![a dot](https://example.org/a.png)' }));
  assert.ok(isPicture({ text, home }));
  assert.ok(!isPicture({ text }));
  assert.ok(!isPicture({ text: '![a dot](http://127.0.0.1:50001/a.png)', home }));
});

for (const [html, markdown] of [
  ['<strong>bold</strong> <em>italic</em> <del>gone</del>', '**bold** *italic* ~~gone~~'],
  ['<code>a*b</code>', '`a*b`'],
  ['<code>a`b</code>', '`` a`b ``'],
  ['2 * 3 * 4', '2 \\* 3 \\* 4'],
  ['snake_case and _this_', 'snake_case and \\_this\\_'],
  ['#hashtag', '\\#hashtag'],
  ['see #12', 'see #12'],
  ['- no list', '\\- no list'],
  ['1. no list', '1\\. no list'],
  ['&gt; no quote', '\\> no quote'],
  ['<a href="https://example.org/">words</a>', '[words](https://example.org/)'],
  ['<a href="https://example.org/a_b">https://example.org/a_b</a>', 'https://example.org/a_b'],
  ['ask @some_name_ now', 'ask @some_name_ now'],
  ['<h2>Title</h2>', '## Title'],
  ['<blockquote>one<br>two</blockquote>', '> one\n> two'],
  ['<ul><li>one</li><li>two<ol><li>deep</li></ol></li></ul>', '- one\n- two\n  1. deep'],
  ['<pre><code class="language-js">a\n  b</code></pre>', '```js\na\n  b\n```'],
  ['<p>one</p><p>two</p>', 'one\n\ntwo'],
  ['one<br>two', 'one\ntwo'],
] as const) {
  test(`${html} is written ${JSON.stringify(markdown)}`, () => {
    assert.deepEqual(printed(html), [markdown]);
  });
}

for (const [markdown, html] of [
  ['#heading', '<h1>heading</h1>'],
  ['#12 is an issue', '#12 is an issue'],
  ['2 * 3 * 4', '2 <em> 3 </em> 4'],
  ['**a *b* c**', '<strong>a <em>b</em> c</strong>'],
  ['`` a`b ``', '<code>a`b</code>'],
  ['```js\nlet a = *b*;\n```\nafter', '<pre><code class="language-js">let a = *b*;\n</code></pre><p>after</p>'],
  ['> a\n> b', '<blockquote><p>a<br>b</p></blockquote>'],
  ['* a\n* b', '<ul><li>a</li><li>b</li></ul>'],
  ['a\nb', 'a<br>b'],
  ['a | b\n--- | ---\n1 | 2', '<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>'],
  ['<b>no tag</b>', '&lt;b&gt;no tag&lt;/b&gt;'],
  ['[x](javascript:alert(1))', 'x'],
  ['https://example.org/a_b_c.', '<a href="https://example.org/a_b_c">https://example.org/a_b_c</a>.'],
] as const) {
  test(`${JSON.stringify(markdown)} is read as ${html}`, () => {
    assert.equal(read(markdown), html);
  });
}

for (const [markdown, html] of [
  ['``a` b', '<code>`a</code> b'],
  ['`a ``b` c', '<code>a ``b</code> c'],
  ['```` a ` b', '<code>``` a</code> b'],
  ['\\`a` b', '`a` b'],
  ['`` ` `` and `b`', '<code>`</code> and <code>b</code>'],
  ['[`a`](https://example.org/) `b`', '<a href="https://example.org/"><code>a</code></a> <code>b</code>'],
] as const) {
  test(`code begins and ends with as many signs: ${markdown}`, () => {
    assert.equal(read(`so ${markdown}`), `so ${html}`);
  });
}

test('a line takes time as it is long, whatever signs it is made of; what is longer than any message of Gitter’s is words', () => {
  const cost = (shape: string, times: number) => cpuTime(() => readLine(shape.repeat(times), { text: '' }));
  // Sixteen times as much took 256 times as long.
  for (const shape of ['a.a.', '`` ```x', '[](a', 'a/a#', '# a  ']) {
    cost(shape, 2_000);
    const [few, many] = [cost(shape, 2_000), cost(shape, 32_000)];
    assert.ok(many < few * 50 + 300, `${shape}: ${few} ms, and ${many} ms for sixteen times as much`);
  }
  for (const line of [
    `# a${'\t'.repeat(8_000)}b`,
    `\`\`\`${'\t'.repeat(8_000)}\``,
    `a|b\n-|-${'\t'.repeat(8_000)}x`,
    `${'`'.repeat(8_000)}${'x'.repeat(8_000)}`,
  ]) {
    const spent = cpuTime(() => read(line));
    assert.ok(spent < 500, `${line.slice(0, 5)}: ${spent} ms`);
  }
  const long = '**a** '.repeat(4_000);
  assert.equal(read(long), long);
});

test('whom the server found is mentioned; a name that it did not find is a word', () => {
  const [block] = gitterFormatter.parse({ text: '@Ada and @nobody', mentions: [{ name: 'ada', id: 'a'.repeat(24) }] }, place);
  assert.deepEqual(block, {
    is: 'paragraph',
    of: [
      { is: 'mention', of: { remote: `gitter/${'a'.repeat(24)}` }, text: 'Ada' },
      { is: 'text', text: ' and @nobody' },
    ],
  });
});

test('people are called by their names there, everybody by @/all, and nobody by accident', () => {
  const text: RichText = [
    {
      is: 'paragraph',
      of: [
        { is: 'mention', of: { remote: 'gitter/x' as never }, text: 'Ada' },
        { is: 'text', text: ', ' },
        { is: 'mention', of: { everyone: true }, text: 'room' },
        { is: 'text', text: ' but not @/all' },
      ],
    },
  ];
  const [body] = gitterFormatter.print(text, fit({ mention: () => '@ada_gitlab' }));
  assert.equal(body?.text, '@ada_gitlab, @/all but not @\u200b/all');
});

test('issues lead to their project: the room’s own, or the one that is named', () => {
  assert.equal(
    read({ text: '#12 and org/repo#3', project: 'https://gitlab.com/a/b' }),
    '<a href="https://gitlab.com/a/b/issues/12">#12</a> and <a href="https://github.com/org/repo/issues/3">org/repo#3</a>',
  );
});

test('code that goes over a cut is closed and opened again', () => {
  const lines = Array.from({ length: 8 }, (_, n) => `line number ${n}`);
  const bodies = printed(`<pre><code class="language-js">${lines.join('\n')}</code></pre>`, { bytes: 60 });
  assert.ok(bodies.length > 2);
  for (const body of bodies) assert.match(body, /^```js\n[\s\S]+\n```$/);
  assert.deepEqual(
    bodies.flatMap((body) => body.split('\n').slice(1, -1)),
    lines,
  );
});

test('marks that go over a cut stand on both sides of it', () => {
  const bodies = printed(`<strong>${'word '.repeat(40)}</strong>`, { bytes: 60 });
  for (const body of bodies) assert.match(body, /^\*\*word[\s\S]*word\*\*$/);
});

test('emoji by their names are the signs that they mean; what no sign is called stays as it is written, and so does code', () => {
  for (const [written, shown] of [
    [':smile: :+1::heart:', '😄 👍❤️'],
    ['**:tada:** done', '<strong>🎉</strong> done'],
    ['at 10:30:45 in std:map:key', 'at 10:30:45 in std:map:key'],
    ['1:100:1 and a:b:c and fe80:a:b, ж:x:ж', '1:100:1 and a:b:c and fe80:a:b, ж:x:ж'],
    [':octocat: and :no_such_thing_at_all:', ':octocat: and :no_such_thing_at_all:'],
    ['`:smile:`', '<code>:smile:</code>'],
    ['https://example.org/:smile:/x', '<a href="https://example.org/:smile:/x">https://example.org/:smile:/x</a>'],
    ['😄', '😄'],
  ] as const)
    assert.equal(read(written), shown);
  assert.deepEqual(printed('😄 and <em>👍🏽</em>'), ['😄 and *👍🏽*'], 'every client of Gitter shows the signs');
});

test('plain words come back as they went', () => {
  // Names of emoji are as good as the signs.
  const isPlain = (words: string) => !/:[\w+-]+:/.test(words);
  fc.assert(
    fc.property(anyWords.filter(isPlain), (words) => {
      const bodies = gitterFormatter.print([{ is: 'paragraph', of: [{ is: 'text', text: words }] }], fit());
      const back = bodies.map((body) => toPlain(gitterFormatter.parse(body, place))).join('\n');
      assert.equal(back.replace(/\s+/g, ' ').trim(), words.replace(/\s+/g, ' ').trim());
    }),
    { numRuns: 2_000 },
  );
});

test('no word is lost, and no message is longer than it may be', () => {
  const squeezed = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, '');
  fc.assert(
    fc.property(anyBlocks, fc.integer({ min: 60, max: 400 }), (text, bytes) => {
      const bodies = gitterFormatter.print(text, fit({ bytes }));
      for (const body of bodies) assert.ok(Buffer.byteLength(body.text) <= bytes, `${Buffer.byteLength(body.text)} of ${bytes}`);
      const all = squeezed(bodies.map((body) => body.text).join(' '));
      for (const word of wordsIn(text).match(/[\p{L}\p{N}]{3,}/gu) ?? []) assert.ok(all.includes(squeezed(word)), word);
    }),
    { numRuns: 500 },
  );
});
