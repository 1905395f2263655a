import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fromHtml } from '../../../bridge-core/format/from-html.ts';
import { maxDepth, paragraph, type RichText, text } from '../../../bridge-core/format/rich-text.ts';
import { toHtml } from '../../../bridge-core/format/to-html.ts';
import { cpuTime } from '../../support/cpu-time.ts';
import { anyInlines, depthOf, signsIn, wordsIn } from '../../support/rich-text.ts';

const one = (html: string): RichText[number] | undefined => fromHtml(html)[0];

describe('marks', () => {
  test('every tag that clients send becomes its mark', () => {
    const pairs = [
      ['b strong', 'bold'],
      ['i em', 'italic'],
      ['u ins', 'underline'],
      ['s del strike', 'strike'],
      ['sup', 'superscript'],
      ['sub', 'subscript'],
    ] as const;
    for (const [tags, is] of pairs) {
      for (const tag of tags.split(' ')) assert.deepEqual(fromHtml(`<${tag}>x</${tag}>`), [paragraph({ is, of: [text('x')] })]);
    }
  });

  test('code keeps its blanks and knows nothing of marks within', () => {
    assert.deepEqual(fromHtml('<code>a  <b>b</b> &lt;c&gt;</code>'), [paragraph({ is: 'code', text: 'a  b <c>' })]);
  });

  test('a mark around blocks is found in each of them', () => {
    const bold = (words: string) => paragraph({ is: 'bold', of: [text(words)] });
    assert.deepEqual(fromHtml('<b><p>a</p><p>b</p></b>c'), [bold('a'), bold('b'), paragraph(text('c'))]);
  });

  test('colours come from all three attributes, and what is no colour is none', () => {
    assert.deepEqual(fromHtml('<font color="Red">x</font>'), [paragraph({ is: 'colour', ink: '#ff0000', of: [text('x')] })]);
    assert.deepEqual(fromHtml('<span data-mx-color="#ABC" data-mx-bg-color="#001122">x</span>'), [
      paragraph({ is: 'colour', ink: '#aabbcc', paper: '#001122', of: [text('x')] }),
    ]);
    assert.deepEqual(fromHtml('<font color="url(x)" data-mx-bg-color="constructor">x</font>'), [paragraph(text('x'))]);
  });

  test('spoilers come with and without a reason', () => {
    assert.deepEqual(fromHtml('<span data-mx-spoiler>x</span>'), [paragraph({ is: 'spoiler', of: [text('x')] })]);
    assert.deepEqual(fromHtml('<span data-mx-spoiler="the end">x</span>'), [
      paragraph({ is: 'spoiler', reason: 'the end', of: [text('x')] }),
    ]);
  });
});

describe('blanks', () => {
  test('collapse as in browsers', () => {
    assert.deepEqual(fromHtml(' \n a \t b<i> c </i> d\n'), [paragraph(text('a b'), { is: 'italic', of: [text(' c ')] }, text('d'))]);
    assert.deepEqual(fromHtml('<p>a</p>\n\n<p> </p>\n<p>b</p>'), [paragraph(text('a')), paragraph(text('b'))]);
  });

  test('vanish around line breaks, and the breaks themselves at the ends', () => {
    assert.deepEqual(fromHtml('<br>a <br/> b<b> </b><br></br>c<br>'), [
      paragraph(text('a'), { is: 'break' }, text('b'), { is: 'break' }, { is: 'break' }, text('c')),
    ]);
  });
});

describe('links and mentions', () => {
  test('only listed schemes become links; the words stay in any case', () => {
    for (const to of ['http://a', 'HTTPS://a/b', 'mailto:a@b', 'magnet:?xt=1', 'ftp://a', 'irc://a/b', 'ircs://a', 'matrix:roomid/a/e/b']) {
      assert.deepEqual(fromHtml(`<a href="${to}">x</a>`), [paragraph({ is: 'link', to, of: [text('x')] })]);
    }
    for (const to of [
      'javascript:alert(1)',
      ' java\nscript:x',
      'data:text/html,x',
      '//a',
      '/a',
      '#a',
      '',
      'vbscript:x',
      '&#1;javascript:x',
    ]) {
      assert.deepEqual(fromHtml(`<a href="${to}">x</a>`), [paragraph(text('x'))]);
    }
  });

  test('an address cannot carry blanks or line ends with it', () => {
    assert.deepEqual(fromHtml('<a href="http://a/\r\nQUIT :x">y</a>'), [
      paragraph({ is: 'link', to: 'http://a/%0D%0AQUIT%20:x', of: [text('y')] }),
    ]);
  });

  test('matrix.to and matrix: addresses of people and rooms are mentions', () => {
    const mention = (of: object, words: string): unknown => [{ is: 'paragraph', of: [{ is: 'mention', of, text: words }] }];
    const cases = [
      ['https://matrix.to/#/@alice:hs.org', '@Alice', { user: '@alice:hs.org' }, 'Alice'],
      ['https://matrix.to/#/%40al%2Fice%3Ahs', 'Alice', { user: '@al/ice:hs' }, 'Alice'],
      ['https://matrix.to/#/#room:hs?via=hs', '#room:hs', { room: '#room:hs' }, 'room:hs'],
      ['https://matrix.to/#/!abcDEF123', 'Room', { room: '!abcDEF123' }, 'Room'],
      ['https://matrix.to/#/!abc:hs/', 'Room', { room: '!abc:hs' }, 'Room'],
      ['matrix:u/alice:hs?action=chat', 'Alice', { user: '@alice:hs' }, 'Alice'],
      ['matrix:r/room:hs', 'Room', { room: '#room:hs' }, 'Room'],
      ['matrix:roomid/abc', '', { room: '!abc' }, '!abc'],
      ['https://matrix.to/#/@alice:hs', '<b>A</b> <img src="mxc://a/b" alt="x">', { user: '@alice:hs' }, 'A x'],
    ] as const;
    for (const [to, words, of, shown] of cases) assert.deepEqual(fromHtml(`<a href="${to}">${words}</a>`), mention(of, shown), to);
  });

  test('what names an event, or is broken, stays a link', () => {
    for (const to of [
      'https://matrix.to/#/!a:hs/$b',
      'https://matrix.to/#/%E0%A4%A',
      'https://matrix.to/#/alice',
      'https://matrix.to/#/',
    ]) {
      assert.deepEqual(fromHtml(`<a href="${to}">x</a>`), [paragraph({ is: 'link', to, of: [text('x')] })]);
    }
  });

  test('pictures keep their words, and their source where it is one that may be loaded', () => {
    assert.deepEqual(fromHtml('<img data-mx-emoticon src="mxc://a/b" alt=":x:" height="32">'), [
      paragraph({ is: 'image', source: 'mxc://a/b', alt: ':x:' }),
    ]);
    assert.deepEqual(fromHtml('<img src="mxc://a/b" alt="x" width="640" height="many">'), [
      paragraph({ is: 'image', source: 'mxc://a/b', alt: 'x', picture: { width: 640 } }),
    ]);
    assert.deepEqual(fromHtml('a<img src="http://a/b" title="T">b'), [paragraph(text('aTb'))]);
  });
});

describe('blocks', () => {
  test('lists nest, count from their start, and close their items by themselves', () => {
    assert.deepEqual(fromHtml('<ol start="4"><li>a<ul><li>b<li>c</ul><li><p>d</p></ol>'), [
      {
        is: 'list',
        start: 4,
        items: [[paragraph(text('a')), { is: 'list', items: [[paragraph(text('b'))], [paragraph(text('c'))]] }], [paragraph(text('d'))]],
      },
    ]);
  });

  test('preformatted text keeps its lines and tells its language', () => {
    const html = '<pre><code class="hljs language-c++">\nint a;\r\n\n  <span>b</span> &amp; c<br>d\n</code></pre>';
    assert.deepEqual(one(html), { is: 'preformatted', language: 'c++', text: 'int a;\n\n  b & c\nd' });
  });

  test('tables give rows of cells, a header where the first row is one', () => {
    assert.deepEqual(fromHtml('<table><thead><tr><th>a</th><th>b</th></tr></thead><tr><td>1<td><p>2</p><p>3</p></table>'), [
      {
        is: 'table',
        header: true,
        rows: [
          [[text('a')], [text('b')]],
          [[text('1')], [text('2'), { is: 'break' }, text('3')]],
        ],
      },
    ]);
  });

  test('headings, quotes, rules and details', () => {
    assert.deepEqual(fromHtml('<h3>t</h3><blockquote>q<hr></blockquote><details><summary>s</summary>d</details>'), [
      { is: 'heading', level: 3, of: [text('t')] },
      { is: 'quote', of: [paragraph(text('q')), { is: 'rule' }] },
      paragraph(text('s')),
      paragraph(text('d')),
    ]);
  });

  test('the quote that older clients put before a reply is gone, scripts and styles too, unknown tags leave their words', () => {
    const html =
      '<mx-reply><blockquote>old<mx-reply>er</mx-reply></blockquote></mx-reply>a<script>b</script><style>c</style><x-y>d</x-y><!-- e -->';
    assert.deepEqual(fromHtml(html), [paragraph(text('ad'))]);
  });
});

describe('hostile input', () => {
  const megabyte = 1_000_000;
  const hostile = {
    'a megabyte nested a thousand deep': `${'<blockquote><ul><li><b>'.repeat(250)}${'x'.repeat(megabyte)}`,
    'quotes opened without end': `${'<blockquote>'.repeat(megabyte / 12)}x`,
    'marks opened without end': `${'<b><i>'.repeat(megabyte / 6)}x`,
    'ends that nothing opened': `${'<b>'.repeat(megabyte / 7)}${'</i>'.repeat(megabyte / 7)}x`,
    'tables in tables': `${'<table><tr><td>'.repeat(megabyte / 15)}x`,
    'unknown tags': `${'<zz>'.repeat(megabyte / 4)}x`,
    'entities alone': `${'&amp;'.repeat(megabyte / 5)}x`,
    'blanks alone': `${' '.repeat(megabyte)}x`,
    'attributes alone': `<p ${'a=b '.repeat(megabyte / 4)}>x`,
    'brackets alone': `${'<'.repeat(megabyte)} x`,
    'comments that never end': `x${'<!--'.repeat(megabyte / 4)}`,
  };
  for (const [name, html] of Object.entries(hostile)) {
    test(`${name}: quick, shallow, and the text is there`, () => {
      let rich: RichText = [];
      const took = cpuTime(() => {
        rich = fromHtml(html);
      });
      assert.ok(took < 700, `took ${took} ms`);
      assert.ok(depthOf(rich) <= maxDepth);
      assert.ok(wordsIn(rich).includes('x'));
      assert.ok(toHtml(rich).length > 0);
    });
  }

  test('text below the deepest level is kept, in order', () => {
    const html = Array.from({ length: 300 }, (_, at) => `<blockquote><b>${at} `).join('');
    const words = wordsIn(fromHtml(html)).split(/\s+/);
    assert.deepEqual(
      words,
      Array.from({ length: 300 }, (_, at) => String(at)),
    );
  });

  test('any string at all is read without a throw', () => {
    const fragments = fc.constantFrom(
      ...['<b>', '</b>', '<p>', '</p>', '<ul>', '<li>', '</ul>', '<table>', '<tr>', '<td>', '</table>', '<a href="https://a">', '</a>'],
      ...[
        '<pre>',
        '</pre>',
        '<code>',
        '</code>',
        '<br>',
        '<span data-mx-spoiler="',
        '">',
        "'",
        '<font color=red>',
        '</font>',
        '&#x0;',
        '&#xd800;',
      ],
      ...[
        '<blockquote>',
        '</blockquote>',
        '<!--',
        '-->',
        '<![CDATA[',
        '</',
        '<',
        '&',
        '<mx-reply>',
        '</mx-reply>',
        '<h1>',
        '</h1>',
        '\0',
        ' ',
      ],
      ...['<a href=https://matrix.to/#/@a:b>', '<img src=mxc://a/b alt=c>', '<svg>', '<title>', '<textarea>', '<plaintext>'],
    );
    const inputs = fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.oneof(fragments, fc.string({ maxLength: 5 })), { maxLength: 60 }));
    fc.assert(
      fc.property(inputs, (input) => {
        const rich = fromHtml(typeof input === 'string' ? input : input.join(''));
        assert.ok(depthOf(rich) <= maxDepth);
        assert.doesNotMatch(wordsIn(rich), /[\x00-\x08\x0b\x0e-\x1f]/);
      }),
      { numRuns: 1500 },
    );
  });

  test('no letter is lost whatever the tags around it', () => {
    const tags = fc.constantFrom(
      '<b>',
      '</b>',
      '<p>',
      '</p>',
      '<ul>',
      '<li>',
      '</li>',
      '</ul>',
      '<table>',
      '<tr>',
      '<td>',
      '</table>',
      '<i>',
      '</i>',
    );
    const more = fc.constantFrom(
      '<pre>',
      '</pre>',
      '<code>',
      '</code>',
      '<blockquote>',
      '</blockquote>',
      '<a href="https://a">',
      '</a>',
      '<br>',
      '<u>',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(tags, more, fc.constantFrom('x', 'y', ' '))), (pieces) => {
        const letters = (words: string): string =>
          [...words]
            .filter((sign) => 'xy'.includes(sign))
            .toSorted()
            .join('');
        const typed = pieces.filter((piece) => piece.length === 1).join('');
        assert.equal(letters(wordsIn(fromHtml(pieces.join('')))), letters(typed));
      }),
      { numRuns: 1500 },
    );
  });
});

test('what is written as HTML reads the same again', () => {
  fc.assert(
    fc.property(anyInlines(), (of) => {
      const [again] = fromHtml(toHtml([{ is: 'paragraph', of }]));
      assert.deepEqual(again?.is === 'paragraph' ? signsIn(again.of) : [], signsIn(of));
    }),
    { numRuns: 500 },
  );
});
