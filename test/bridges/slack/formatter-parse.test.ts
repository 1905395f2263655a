import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHtml, toPlain } from '../../../bridge-core/format/to-html.ts';
import { type Block, channelId, type Inline, type Json, type RichText, remoteUserId, text } from '../../../bridge-core/index.ts';
import { bodyOf } from '../../../bridges/slack/body.ts';
import { noNames, slackFormatter } from '../../../bridges/slack/formatter.ts';
import { names } from './known-people.ts';

const formatter = slackFormatter(names);
const channel = channelId('T1/C0GENERAL');
const parse = (words: string): RichText => formatter.parse({ text: words }, channel);
const html = (words: string): string => toHtml(parse(words));
const paragraph = (...of: Inline[]): Block => ({ is: 'paragraph', of });

describe('mrkdwn', () => {
  test('people and places are mentions, by the name that is known now, else by their label or id', () => {
    const mention = (words: string) => parse(words)[0];
    const remote = (id: string) => ({ remote: remoteUserId(`T1/${id}`) });
    assert.deepEqual(mention('<@U0ALICE|old>'), paragraph({ is: 'mention', of: remote('U0ALICE'), text: 'Alice' }));
    assert.deepEqual(mention('<@U0NEW|newcomer>'), paragraph({ is: 'mention', of: remote('U0NEW'), text: 'newcomer' }));
    assert.deepEqual(mention('<@U0NEW>'), paragraph({ is: 'mention', of: remote('U0NEW'), text: 'U0NEW' }));
    assert.deepEqual(mention('<#C0GENERAL>'), paragraph({ is: 'mention', of: { channel }, text: 'general' }));
    assert.deepEqual(mention('<!here>'), paragraph({ is: 'mention', of: { everyone: true }, text: 'here' }));
    assert.deepEqual(mention('<!subteam^S0OPS>'), paragraph(text('@ops')));
    assert.deepEqual(slackFormatter(noNames).parse({ text: '<@U0ALICE>' }, channel), [
      paragraph({ is: 'mention', of: remote('U0ALICE'), text: 'U0ALICE' }),
    ]);
  });

  test('only the three entities are any, and each is read once', () => {
    assert.equal(toPlain(parse('&amp;lt; &lt;b&gt; &quot; &copy; AT&T')), '&lt; <b> &quot; &copy; AT&T');
  });

  test('brackets around what is no token are signs', () => {
    assert.equal(toPlain(parse('a <b> c <> <|> <!unknown> <!unknown|shown> 1 < 2')), 'a <b> c <> <|> <unknown> shown 1 < 2');
    assert.equal(toPlain(parse('<@notanid> <#nor> <@U0ALICE')), '@notanid #nor <@U0ALICE');
  });

  test('marks stand at the edges of words and within one line', () => {
    assert.equal(html('*a* _b_ ~c~ `d`'), '<strong>a</strong> <em>b</em> <del>c</del> <code>d</code>');
    assert.equal(html('*_~x~_*'), '<strong><em><del>x</del></em></strong>');
    assert.equal(html('(*a*), "_b_"!'), '(<strong>a</strong>), &quot;<em>b</em>&quot;!');
    assert.equal(html('*two words* and *more*'), '<strong>two words</strong> and <strong>more</strong>');
    for (const plain of ['a*b*c', 'snake_case_name', '2 * 3 * 4', '* a *', '*a', 'a*', '**', '* *', '**a**', '__init__', 'a ~b', '`a']) {
      assert.deepEqual(parse(plain), [paragraph(text(plain))], plain);
    }
    assert.equal(html('*a\nb*'), '*a<br>b*');
  });

  test('marks go around tokens, and never into code', () => {
    assert.equal(html('*<@U0ALICE>*'), '<strong>Alice</strong>');
    assert.equal(html('_<https://example.org|site>_'), '<em><a href="https://example.org">site</a></em>');
    assert.equal(html('`*a* :tada: <https://example.org|x> &lt;`'), '<code>*a* :tada: x &lt;</code>');
    assert.equal(html('*see `x*y` now*'), '<strong>see <code>x*y</code> now</strong>');
  });

  test('code blocks keep what is in them, and their first word is no language', () => {
    assert.deepEqual(parse('a\n```js\n*b* :tada: &amp;\n```\nc'), [
      paragraph(text('a')),
      { is: 'preformatted', text: 'js\n*b* :tada: &' },
      paragraph(text('c')),
    ]);
    assert.deepEqual(parse('a ```b``` c'), [paragraph(text('a ')), { is: 'preformatted', text: 'b' }, paragraph(text(' c'))]);
    assert.equal(toPlain(parse('a ``` b')), 'a ``` b');
    assert.equal(toPlain(parse('``````')), '``````');
  });

  test('quotes are lines, or all that follows', () => {
    const quote = (...of: Block[]): Block => ({ is: 'quote', of });
    assert.deepEqual(parse('&gt; a\n&gt;b\nc'), [quote(paragraph(text('a'), { is: 'break' }, text('b'))), paragraph(text('c'))]);
    assert.deepEqual(parse('x\n&gt;&gt;&gt;a\nb'), [paragraph(text('x')), quote(paragraph(text('a'), { is: 'break' }, text('b')))]);
    assert.deepEqual(parse('&gt; ```a```'), [quote({ is: 'preformatted', text: 'a' })]);
    assert.deepEqual(parse('a &gt; b'), [paragraph(text('a > b'))]);
  });

  test('emoji are signs, a workspace’s own are pictures, unknown ones and times stay as they are', () => {
    assert.deepEqual(parse(':wave::skin-tone-2: :dance: 10:30:45 :nothing: a:b:c hi:tada:'), [
      paragraph(
        text('👋🏻 '),
        { is: 'image', source: 'https://emoji.example.org/T1/parrot/1.gif', alt: ':dance:' },
        text(' 10:30:45 :nothing: a:b:c hi🎉'),
      ),
    ]);
  });

  test('dates are told as the author said, else in UTC', () => {
    assert.equal(toPlain(parse('<!date^0^{date_num} {time}|the beginning>')), 'the beginning');
    assert.equal(toPlain(parse('<!date^0^on {date_num} at {time}>')), 'on 1970-01-01 at 00:00 UTC');
    assert.equal(toPlain(parse('<!date^0^{date_long}^https://example.org>')), 'Thursday, January 1, 1970 (https://example.org)');
    assert.equal(toPlain(parse('<!date^soon^{date}>')), 'soon');
  });

  test('an address that may be none is words', () => {
    assert.equal(html('<javascript:alert(1)|click>'), 'click');
    assert.equal(html('<https://a/"onclick=x|"y">'), '<a href="https://a/&quot;onclick=x">&quot;y&quot;</a>');
    assert.equal(html('<tel:+4912345>'), '+4912345');
    assert.equal(html('<https://a|https://b>'), '<a href="https://a">https://b</a>');
  });
});

describe('a message', () => {
  const section = (words: string): Json => ({ type: 'section', text: { type: 'mrkdwn', text: words } });

  test('is what its blocks say, where it has any', () => {
    assert.equal(toPlain(formatter.parse({ text: 'for notifications', blocks: [section('shown')] }, channel)), 'shown');
    assert.equal(toPlain(formatter.parse({ text: 'said', blocks: [{ type: 'section' }] }, channel)), 'said');
  });

  test('without marks keeps its signs', () => {
    assert.equal(toPlain(formatter.parse({ text: '*a* <@U0ALICE>\n```b```', mrkdwn: false }, channel)), '*a* Alice\n```b```');
  });

  test('of another workspace knows that one’s names alone', () => {
    assert.equal(toPlain(formatter.parse({ text: '<@U0ALICE> :dance:' }, channelId('T2/C0GENERAL'))), 'U0ALICE :dance:');
  });

  test('lists that go on, begin anew or leap', () => {
    const list = (style: string, indent: number, items: string[], more: object = {}): Json => ({
      ...{ type: 'rich_text_list', style, indent },
      elements: items.map((words) => ({ type: 'rich_text_section', elements: [{ type: 'text', text: words }] })),
      ...more,
    });
    const shown = (...elements: Json[]) => toHtml(formatter.parse({ text: '', blocks: [{ type: 'rich_text', elements }] }, channel));
    assert.equal(shown(list('ordered', 0, ['a']), list('ordered', 0, ['b'])), '<ol><li>a</li></ol><ol><li>b</li></ol>');
    assert.equal(shown(list('ordered', 0, ['a']), list('ordered', 0, ['b'], { offset: 1 })), '<ol><li>a</li><li>b</li></ol>');
    assert.equal(shown(list('ordered', 0, ['a'], { offset: 4 })), '<ol start="5"><li>a</li></ol>');
    assert.equal(
      shown(list('bullet', 0, ['a']), list('bullet', 2, ['b']), list('bullet', 1, ['c']), list('bullet', 0, ['d'])),
      '<ul><li>a<ul><li>b</li></ul><ul><li>c</li></ul></li><li>d</li></ul>',
    );
    assert.equal(shown(list('bullet', 3, ['a']), list('bullet', 0, ['b'])), '<ul><li>a</li></ul><ul><li>b</li></ul>');
    assert.equal(
      shown(list('bullet', 0, ['a'], { border: 1 }), list('bullet', 1, ['b'], { border: 1 })),
      '<blockquote><ul><li>a<ul><li>b</li></ul></li></ul></blockquote>',
    );
  });
});

test('the body of a message is its text, blocks and attachments, whatever else it bears', () => {
  assert.deepEqual(bodyOf({ type: 'message', text: 'a', blocks: [], attachments: [{ text: 'b' }], ts: '1.2' }), {
    text: 'a',
    attachments: [{ text: 'b' }],
  });
  assert.deepEqual(bodyOf({ text: null, blocks: 'x', mrkdwn: false }), { text: '', mrkdwn: false });
});
