import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Parser } from 'htmlparser2';
import { type Block, fromPlain, type Inline, type RichText, text } from '../../../bridge-core/format/rich-text.ts';
import { isPlain, toHtml, toPlain } from '../../../bridge-core/format/to-html.ts';
import { channelId, remoteUserId, roomId, userId } from '../../../bridge-core/ids.ts';
import { anyBlocks, wordsIn } from '../../support/rich-text.ts';

const paragraph = (...of: Inline[]): Block => ({ is: 'paragraph', of });
const alice: Inline = { is: 'mention', of: { user: userId('@alice:hs') }, text: 'Alice' };

describe('toHtml', () => {
  test('a lone paragraph needs no tags of its own, several have them', () => {
    assert.equal(toHtml([paragraph(text('a <b> & "c"'))]), 'a &lt;b&gt; &amp; &quot;c&quot;');
    assert.equal(toHtml([paragraph(text('a'), { is: 'break' }, text('b')), paragraph(text('c'))]), '<p>a<br>b</p><p>c</p>');
  });

  test('people and rooms are links to matrix.to', () => {
    assert.equal(toHtml([paragraph(alice)]), '<a href="https://matrix.to/#/@alice:hs">Alice</a>');
    const of = { room: roomId('!abcDEF') };
    assert.equal(
      toHtml([paragraph({ is: 'mention', of, text: 'The <room>' })]),
      '<a href="https://matrix.to/#/!abcDEF">The &lt;room&gt;</a>',
    );
    const strange = { user: userId('@a/b?"c:hs') };
    assert.equal(toHtml([paragraph({ is: 'mention', of: strange, text: 'x' })]), '<a href="https://matrix.to/#/@a%2Fb%3F%22c:hs">x</a>');
  });

  test('what Matrix has no address for is words', () => {
    const words: Inline[] = [
      { is: 'mention', of: { remote: remoteUserId('libera/bob') }, text: 'bob' },
      text(' '),
      { is: 'mention', of: { everyone: true }, text: 'room' },
      text(' '),
      { is: 'mention', of: { channel: channelId('libera/#node') }, text: 'node' },
    ];
    assert.equal(toHtml([paragraph(...words)]), 'bob @room #node');
  });

  test('a mention within a link makes no link within a link', () => {
    assert.equal(toHtml([paragraph({ is: 'link', to: 'https://a/?b&c', of: [alice] })]), '<a href="https://a/?b&amp;c">Alice</a>');
  });

  test('marks, colours, spoilers and pictures', () => {
    const of = [text('x')];
    assert.equal(
      toHtml([paragraph({ is: 'bold', of }, { is: 'strike', of }, { is: 'superscript', of }, { is: 'code', text: '<' })]),
      '<strong>x</strong><del>x</del><sup>x</sup><code>&lt;</code>',
    );
    assert.equal(
      toHtml([paragraph({ is: 'colour', ink: '#ff0000', paper: '#00ff00', of })]),
      '<font color="#ff0000" data-mx-color="#ff0000" data-mx-bg-color="#00ff00">x</font>',
    );
    assert.equal(toHtml([paragraph({ is: 'spoiler', reason: 'a"b', of })]), '<span data-mx-spoiler="a&quot;b">x</span>');
    assert.equal(
      toHtml([paragraph({ is: 'image', source: 'mxc://a/b', alt: ':x:' })]),
      '<img data-mx-emoticon src="mxc://a/b" alt=":x:" title=":x:" height="32">',
    );
    const picture: Inline = { is: 'image', source: 'mxc://a/b', alt: '<x>', picture: { width: 4, height: 3 } };
    assert.equal(toHtml([paragraph(picture)]), '<img src="mxc://a/b" alt="&lt;x&gt;" title="&lt;x&gt;" width="4" height="3">');
    assert.equal(toHtml([paragraph({ is: 'image', source: 'https://a/b', alt: '' })]), '<a href="https://a/b">image</a>');
  });

  test('blocks', () => {
    const rich: RichText = [
      { is: 'heading', level: 2, of: [text('h')] },
      { is: 'list', start: 3, items: [[paragraph(text('a')), { is: 'list', items: [[paragraph(text('b'))]] }]] },
      { is: 'quote', of: [paragraph(text('q'))] },
      { is: 'preformatted', language: 'js', text: 'a < b' },
      { is: 'table', header: true, rows: [[[text('h')]], [[text('c')]]] },
      { is: 'rule' },
    ];
    assert.equal(
      toHtml(rich),
      '<h2>h</h2><ol start="3"><li>a<ul><li>b</li></ul></li></ol><blockquote><p>q</p></blockquote>' +
        '<pre><code class="language-js">a &lt; b\n</code></pre>' +
        '<table><thead><tr><th>h</th></tr></thead><tbody><tr><td>c</td></tr></tbody></table><hr>',
    );
  });

  test('nothing but allowed tags and attributes comes out, and every word is text', () => {
    const allowed: Record<string, readonly string[]> = {
      ...Object.fromEntries(
        'p h2 blockquote ul li pre table thead tbody tr th td hr br strong em u del'.split(' ').map((tag) => [tag, []]),
      ),
      a: ['href'],
      ol: ['start'],
      code: ['class'],
      font: ['color', 'data-mx-color', 'data-mx-bg-color'],
      span: ['data-mx-spoiler'],
    };
    const bare = (words: string): string => words.replace(/\s+/gu, '');
    fc.assert(
      fc.property(anyBlocks, (blocks) => {
        let words = '';
        const parser = new Parser({
          onopentag(name, attributes) {
            const names = allowed[name];
            assert.ok(names !== undefined, name);
            for (const attribute of Object.keys(attributes)) assert.ok(names.includes(attribute), attribute);
          },
          ontext(data) {
            words += data;
          },
          oncomment: () => assert.fail('a comment'),
          onprocessinginstruction: () => assert.fail('an instruction'),
        });
        parser.end(toHtml(blocks));
        assert.equal(bare(words), bare(wordsIn(blocks)));
      }),
      { numRuns: 300 },
    );
  });
});

describe('toPlain', () => {
  test('reads well without any markup', () => {
    const rich: RichText = [
      paragraph({ is: 'bold', of: [text('Hi')] }, text(' '), alice, text(', see '), { is: 'link', to: 'https://a/b', of: [text('this')] }),
      paragraph({ is: 'link', to: 'https://a/b', of: [text('https://a/b')] }),
      {
        is: 'list',
        items: [
          [paragraph(text('a'), { is: 'break' }, text('b'))],
          [{ is: 'list', start: 9, items: [[paragraph(text('c'))], [paragraph(text('d'))]] }],
        ],
      },
      { is: 'quote', of: [paragraph(text('q')), paragraph(text('r'))] },
      { is: 'preformatted', text: 'x\n  y' },
      { is: 'table', header: false, rows: [[[text('1')], [text('2'), { is: 'break' }, text('3')]]] },
      { is: 'rule' },
      paragraph({ is: 'spoiler', reason: 'why', of: [text('s')] }, { is: 'image', source: 'mxc://a/b', alt: ':x:' }),
    ];
    assert.deepEqual(toPlain(rich).split('\n'), [
      'Hi Alice, see this (https://a/b)',
      '',
      'https://a/b',
      '- a',
      '  b',
      '- 9. c',
      '  10. d',
      '> q',
      '>',
      '> r',
      'x',
      '  y',
      '1 | 2 3',
      '---',
      '(why) ||s||:x:',
    ]);
  });

  test('a picture that others can load is told with its address', () => {
    assert.equal(toPlain([paragraph({ is: 'image', source: 'https://a/b', alt: 'Chart', picture: {} })]), 'Chart (https://a/b)');
    assert.equal(toPlain([paragraph({ is: 'image', source: 'https://a/b', alt: ':x:' })]), ':x:');
  });

  test('plain text comes back as it was', () => {
    for (const body of ['', 'a', 'a\nb', ' a\n\n b ']) assert.equal(toPlain(fromPlain(body)), body);
  });

  test('a room keeps the sign that tells it from words', () => {
    assert.equal(toPlain([paragraph({ is: 'mention', of: { room: '#a:hs' }, text: 'a:hs' })]), '#a:hs');
    assert.equal(toPlain([paragraph({ is: 'mention', of: { user: userId('@a:hs') }, text: 'a:hs' })]), '@a:hs');
  });
});

test('only what looks different as HTML is worth HTML', () => {
  const link = (to: string, words: string): Inline => ({ is: 'link', to, of: [text(words)] });
  assert.ok(isPlain(fromPlain('a\nb')));
  assert.ok(isPlain([paragraph(text('see '), link('https://a/b', 'https://a/b'))]));
  assert.ok(isPlain([paragraph({ is: 'mention', of: { everyone: true }, text: 'room' })]));
  assert.ok(!isPlain([paragraph(link('https://a/b', 'this'))]));
  assert.ok(!isPlain([paragraph(alice)]));
  assert.ok(!isPlain([paragraph({ is: 'italic', of: [text('a')] })]));
  assert.ok(!isPlain([{ is: 'preformatted', text: 'a' }]));
});
