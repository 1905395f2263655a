// What the fake makes of a text; most of it is what the tests of Gitter's own processor say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuTime } from '../support/cpu-time.ts';
import { render } from '../support/fake-gitter/markdown.ts';
import type { User } from '../support/fake-gitter.ts';

const html = (text: string) => render(text, () => undefined).html;

const link = (href: string, text = href) => `<a href="${href}" rel="nofollow noopener noreferrer" target="_blank" class="link">${text}</a>`;

const cases: readonly (readonly [text: string, html: string])[] = [
  ["plain & <b>simple</b> it's", 'plain &amp; &lt;b&gt;simple&lt;/b&gt; it&#39;s'],
  ['two\nlines', 'two<br>lines'],
  ['two\n\nparagraphs', '<p>two</p><p>paragraphs</p>'],
  ['**bold** __too__ *em* _too_ ~~gone~~', '<strong>bold</strong> <strong>too</strong> <em>em</em> <em>too</em> <del>gone</del>'],
  ['**bold *and em***', '<strong>bold <em>and em</em></strong>'],
  ['snake_case_name', 'snake_case_name'],
  ['half_snake_ case', 'half<em>snake</em> case'],
  ['std::__1::x__y', 'std::<strong>1::x</strong>y'],
  ['2 * 3 * 4', '2 <em> 3 </em> 4'],
  ['\\*not em\\*', '*not em*'],
  ['\\@ann', '\\<span data-link-type="mention" data-screen-name="ann" class="mention">@ann</span>'],
  ['`a*b*` and ``a ` b``', '<code>a*b*</code> and <code>a ` b</code>'],
  ['#word', '<h1>word</h1>'],
  ['## This is a header\nThis is text', '<h2>This is a header</h2>\nThis is text'],
  ['over\n---', '<h2>over</h2>'],
  ['> said\nso\n\nthen', '<blockquote>\n<p>said<br>so</p></blockquote>\n<p>then</p>'],
  ['> alone', '<blockquote>\nalone</blockquote>'],
  ['- one\n- *two*\nand more', '<ul>\n<li>one</li>\n<li><em>two</em><br>and more</li>\n</ul>'],
  ['1. one\n2. two', '<ol>\n<li>one</li>\n<li>two</li>\n</ol>'],
  ['* * *', '<hr>'],
  ['look:\n```text\n<x>\n```', 'look:<pre><code class="text">&lt;x&gt;</code></pre>'],
  ['```\nopen', '```<br>open'],
  ['    a * b * c', '<pre><code>a * b * c</code></pre>'],
  ['```js\nlet a\n```', '<pre><code class="js"><span class="keyword">let</span> a</code></pre>'],
  ['```nolanguage\nlet a = 1;\n```', '<pre><code><span class="keyword">let</span> a = <span class="number">1</span>;</code></pre>'],
  ['mail me@example.org', 'mail <a href="mailto:me@example.org" rel="nofollow">me@example.org</a>'],
  [':smile:', ':smile:'],
  ['[x](javascript:alert(1))', link('https://goo.gl/7NDM3x', 'x')],
  ['[site](https://example.org/a_b_c "title")', link('https://example.org/a_b_c', 'site')],
  ['https://example.org/?a=1&b=2.', `${link('https://example.org/?a=1&amp;b=2')}.`],
  ['(https://example.org/a)', `(${link('https://example.org/a')})`],
  ['www.example.org', link('http://www.example.org', 'www.example.org')],
  ['![a cat](https://example.org/cat.png "Cat")', '<img src="https://example.org/cat.png" title="Cat" alt="a cat" rel="nofollow">'],
  [
    '#11 fixes org/repo#12',
    '<span data-link-type="issue" data-issue="11" class="issue">#11</span> fixes ' +
      '<span data-link-type="issue" data-issue="12" data-issue-repo="org/repo" class="issue">org/repo#12</span>',
  ],
  [
    'https://github.com/org/repo/pull/7 org/repo@0123456789',
    '<span data-link-type="issue" data-issue="7" data-issue-repo="org/repo" class="issue">org/repo#7</span> ' +
      '<span data-link-type="commit" data-commit-sha="0123456789" data-commit-repo="org/repo" class="commit">org/repo@0123456</span>',
  ],
  ['@/all', '<span data-link-type="groupmention" data-group-name="all" class="groupmention">@/all</span>'],
];

for (const [text, wanted] of cases) test(`${JSON.stringify(text)} is shown as Gitter does`, () => assert.equal(html(text).trim(), wanted));

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
  const took = cpuTime(() => {
    for (const piece of [
      '*',
      '_a ',
      '__a ',
      '**a ',
      '`a',
      '[a](',
      '> ',
      '>',
      '>\n',
      '~~a ',
      '@',
      '- ',
      'x',
      'a.',
      'a/b',
      '```\n',
      '# ',
      ' ',
      '    a\n',
    ])
      html(piece.repeat(4096 / piece.length));
  });
  assert.ok(took < 1000, `${took} ms`);
});
