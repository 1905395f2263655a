// What the fake makes of a text.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render } from '../support/fake-gitter/markdown.ts';
import type { User } from '../support/fake-gitter.ts';

const html = (text: string) => render(text, () => undefined).html;

const cases: readonly (readonly [text: string, html: string])[] = [
  ['plain & <b>simple</b>', 'plain &amp; &lt;b&gt;simple&lt;/b&gt;'],
  ['two\nlines', 'two<br>lines'],
  ['two\n\nparagraphs', '<p>two</p><p>paragraphs</p>'],
  ['**bold** __too__ *em* _too_ ~~gone~~', '<strong>bold</strong> <strong>too</strong> <em>em</em> <em>too</em> <del>gone</del>'],
  ['**bold *and em***', '<strong>bold <em>and em</em></strong>'],
  ['snake_case_name', 'snake_case_name'],
  ['2 * 3 * 4', '2 <em> 3 </em> 4'],
  ['\\*not em\\*', '*not em*'],
  ['\\@ann', '\\<span data-link-type="mention" data-screen-name="ann" class="mention">@ann</span>'],
  ['`a*b*` and ``a ` b``', '<code>a*b*</code> and <code>a ` b</code>'],
  ['#word', '<h1>word</h1>'],
  ['## Two words', '<h2>Two words</h2>'],
  ['> said\n> so', '<blockquote>said<br>so</blockquote>'],
  ['- one\n- *two*', '<ul><li>one</li><li><em>two</em></li></ul>'],
  ['1. one\n2. two', '<ol><li>one</li><li>two</li></ol>'],
  ['---', '<hr>'],
  ['look:\n```\n<x>\n```', '<p>look:</p><pre><code>&lt;x&gt;</code></pre>'],
  ['```nolanguage\na * b * c\n```', '<pre><code class="nolanguage">a * b * c</code></pre>'],
  ['mail me@example.org', 'mail me@example.org'],
  [':smile:', ':smile:'],
  ['[x](javascript:alert(1))', 'x'],
  [
    '[site](https://example.org/a_b_c)',
    '<a href="https://example.org/a_b_c" rel="nofollow noopener noreferrer" target="_blank" class="link">site</a>',
  ],
  [
    'https://example.org/?a=1&b=2.',
    '<a href="https://example.org/?a=1&amp;b=2" rel="nofollow noopener noreferrer" target="_blank" class="link">https://example.org/?a=1&amp;b=2</a>.',
  ],
  ['![a cat](https://example.org/cat.png)', '<img src="https://example.org/cat.png" alt="a cat" rel="nofollow">'],
  [
    '#11 fixes org/repo#12',
    '<span data-link-type="issue" data-issue="11" class="issue">#11</span> fixes ' +
      '<span data-link-type="issue" data-issue="12" data-issue-repo="org/repo" class="issue">org/repo#12</span>',
  ],
];

for (const [text, wanted] of cases) test(`${JSON.stringify(text)} is shown as Gitter does`, () => assert.equal(html(text), wanted));

test('code of a known language is coloured', () => {
  assert.equal(html('```js\nlet a\n```'), '<pre><code class="js"><span class="hljs-keyword">let</span> a</code></pre>');
});

test('mentions, issues and links are listed', () => {
  const ann = { id: '1'.repeat(24) } as User;
  const { mentions, issues, urls } = render('@ann @nobody @/all #1 a/b#2 https://x.example', (name) => (name === 'ann' ? ann : undefined));
  assert.deepEqual(mentions, [
    { screenName: 'ann', userId: ann.id, userIds: [] },
    { screenName: 'nobody', userIds: [] },
    { screenName: 'all', group: true, announcement: true, userIds: [] },
  ]);
  assert.deepEqual(issues, [{ number: '1' }, { number: '2', repo: 'a/b' }]);
  assert.deepEqual(urls, [{ url: 'https://x.example' }]);
});

test('a long text of nothing but openings is read in reasonable time', () => {
  const before = performance.now();
  for (const piece of ['*', '_a ', '**a ', '`a', '[a](', '> ', '~~a ', '@', '- ']) html(piece.repeat(4096 / piece.length));
  assert.ok(performance.now() - before < 1000);
});
