import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHtml } from '../../../bridge-core/format/from-html.ts';
import { toPlain } from '../../../bridge-core/format/to-html.ts';
import {
  type Block,
  channelId,
  fromPlain,
  type Inline,
  type Json,
  type RichText,
  remoteUserId,
  roomId,
  text,
  userId,
} from '../../../bridge-core/index.ts';
import type { SlackBody } from '../../../bridges/slack/body.ts';
import { type SlackFit, slackFormatter } from '../../../bridges/slack/formatter.ts';
import { names } from './known-people.ts';
import { pingsIn } from './pings.ts';

const formatter = slackFormatter(names);
const channel = channelId('T1/C0GENERAL');
const roomy: SlackFit = { bytes: 40_000, lines: 10, markup: true, style: 'text', mention: () => undefined, team: 'T1' };
const print = (rich: RichText, changes: Partial<SlackFit> = {}): SlackBody[] => formatter.print(rich, { ...roomy, ...changes });
const printed = (html: string, changes: Partial<SlackFit> = {}): SlackBody => {
  const [body, ...others] = print(fromHtml(html), changes);
  assert.deepEqual(others, []);
  return body ?? assert.fail('nothing printed');
};
const elements = (html: string, changes: Partial<SlackFit> = {}): unknown =>
  printed(html, changes).blocks?.map((block) => ({ ...(block as { elements?: Json }) }).elements ?? block);
const paragraph = (...of: Inline[]): Block => ({ is: 'paragraph', of });
/** What is in the first element of the first block. */
const leavesOf = (body: SlackBody | undefined): unknown => {
  const [block] = (body?.blocks ?? []) as readonly { readonly elements?: readonly { readonly elements: unknown }[] }[];
  return block?.elements?.[0]?.elements;
};
const leaves = (...of: Inline[]): unknown => leavesOf(print([paragraph(...of)])[0]);

describe('blocks', () => {
  test('marks are styles, each text literal', () => {
    assert.deepEqual(elements('a &lt; <b>b<i>c</i></b> <del>d</del> <code>e*</code> *f* <u>g</u>'), [
      [
        {
          type: 'rich_text_section',
          elements: [
            { type: 'text', text: 'a < ' },
            { type: 'text', text: 'b', style: { bold: true } },
            { type: 'text', text: 'c', style: { bold: true, italic: true } },
            { type: 'text', text: ' ' },
            { type: 'text', text: 'd', style: { strike: true } },
            { type: 'text', text: ' ' },
            { type: 'text', text: 'e*', style: { code: true } },
            { type: 'text', text: ' *f* g' },
          ],
        },
      ],
    ]);
  });

  test('headings are bold lines, rules stand between, tables are drawn', () => {
    const html =
      '<h1>T</h1><p>a</p><p>b</p><hr><table><thead><tr><th>n</th><th>漢字</th></tr></thead><tr><td>long</td><td>1</td></tr></table>';
    assert.deepEqual(elements(html), [
      [
        {
          type: 'rich_text_section',
          elements: [
            { type: 'text', text: 'T\n', style: { bold: true } },
            { type: 'text', text: 'a\n\nb' },
          ],
        },
      ],
      { type: 'divider' },
      [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text: 'n    | 漢字\n-----+-----\nlong | 1' }] }],
    ]);
  });

  test('lists lie side by side, by indent and offset; what an item cannot hold comes after it', () => {
    const list = (style: string, indent: number, words: string, more: object = {}) => ({
      ...{ type: 'rich_text_list', style, indent },
      ...more,
      elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: words }] }],
    });
    assert.deepEqual(elements('<ol><li>a<ul><li>b</li></ul></li><li>c<pre>d</pre></li><li>e</li></ol>'), [
      [
        list('ordered', 0, 'a'),
        list('bullet', 1, 'b'),
        list('ordered', 0, 'c', { offset: 1 }),
        { type: 'rich_text_preformatted', elements: [{ type: 'text', text: 'd' }] },
        list('ordered', 0, 'e', { offset: 2 }),
      ],
    ]);
  });

  test('a quote is one deep; lists and code in it bear its border', () => {
    const html = '<blockquote>a<blockquote>b</blockquote><ul><li>c</li></ul><pre>d</pre></blockquote>';
    assert.deepEqual(elements(html), [
      [
        { type: 'rich_text_quote', elements: [{ type: 'text', text: 'a' }] },
        { type: 'rich_text_quote', elements: [{ type: 'text', text: '> b' }] },
        {
          ...{ type: 'rich_text_list', style: 'bullet', indent: 0, border: 1 },
          elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: 'c' }] }],
        },
        { type: 'rich_text_preformatted', elements: [{ type: 'text', text: 'd' }], border: 1 },
      ],
    ]);
  });

  test('links keep their words, bare addresses become links, others are told', () => {
    assert.deepEqual(leaves({ is: 'link', to: 'https://a/?b&c', of: [text('x')] }, text(' see https://d/e_f_.')), [
      { type: 'link', url: 'https://a/?b&c', text: 'x' },
      { type: 'text', text: ' see ' },
      { type: 'link', url: 'https://d/e_f', text: 'https://d/e_f' },
      { type: 'text', text: '_.' },
    ]);
    assert.deepEqual(leaves({ is: 'link', to: 'magnet:?xt=1', of: [text('x')] }), [{ type: 'text', text: 'x (magnet:?xt=1)' }]);
    assert.deepEqual(leaves({ is: 'link', to: 'mailto:a@b.c', of: [] }), [{ type: 'link', url: 'mailto:a@b.c', text: 'a@b.c' }]);
  });

  test('emoji go by name, a workspace’s own by its shortcode, others by their alt', () => {
    assert.deepEqual(leaves(text('a👍\ufe0fb👋🏼 ❤ c'), { is: 'image', source: 'mxc://a/b', alt: ':dance:' }), [
      { type: 'text', text: 'a' },
      { type: 'emoji', name: '+1' },
      { type: 'text', text: 'b👋🏼 ❤ c' },
      { type: 'emoji', name: 'dance' },
    ]);
    assert.deepEqual(leaves({ is: 'image', source: 'mxc://a/b', alt: ':theirs:' }), [{ type: 'text', text: ':theirs:' }]);
    assert.deepEqual(leaves({ is: 'image', source: 'https://a/b.png', alt: '' }), [
      { type: 'link', url: 'https://a/b.png', text: 'image' },
    ]);
  });

  test('spoilers say that they are, what is raised has a sign, colours are gone', () => {
    const html =
      '<span data-mx-spoiler="why">s</span> <span data-mx-spoiler>t</span> x<sup>2</sup><sub>a b</sub> <font color="red">r</font>';
    assert.equal(printed(html).text.replaceAll('\u200b', ''), '(spoiler: why) s (spoiler) t x^2_(a b) r');
  });

  test('an emote of the bot is in italics, one of a person is text alone', () => {
    assert.deepEqual(printed('waves <b>now</b>', { style: 'emote' }).text, '_waves *now*_');
    assert.deepEqual(printed('waves <b>now</b>', { style: 'emote', markup: false }), { text: 'waves *now*' });
  });

  test('nothing is printed for what says nothing', () => {
    // But for a file, which may come without words.
    assert.deepEqual(print([]), [{ text: '' }]);
    for (const nothing of [fromPlain(' \n '), [paragraph({ is: 'break' })], [{ is: 'preformatted', text: ' ' } as const]]) {
      assert.deepEqual(print(nothing), []);
    }
  });
});

describe('who is called', () => {
  const mention = (who: { user: string } | { remote: string }) => ('user' in who ? '<@U0BOB>' : `<@${who.remote.split('/')[1]}>`);
  const alice: Inline = { is: 'mention', of: { remote: remoteUserId('T1/U0ALICE') }, text: 'Alice' };
  const bob: Inline = { is: 'mention', of: { user: userId('@bob:hs') }, text: 'Bob' };

  test('people whom the session knows in Slack', () => {
    const [body] = print([paragraph(alice, text(' and '), bob)], { mention });
    assert.equal(body?.text, '<@U0ALICE> and <@U0BOB>');
    assert.deepEqual(pingsIn(body ?? { text: '' }), ['U0ALICE', 'U0BOB']);
    assert.deepEqual(leavesOf(body), [
      { type: 'user', user_id: 'U0ALICE' },
      { type: 'text', text: ' and ' },
      { type: 'user', user_id: 'U0BOB' },
    ]);
  });

  test('nobody where the session knows none, or gives a name', () => {
    assert.equal(print([paragraph(alice)])[0]?.text, 'Alice');
    assert.equal(print([paragraph(bob)], { mention: () => 'Bob <@U1> <!here>' })[0]?.text, 'Bob &lt;\u200b@U1&gt; &lt;\u200b!here&gt;');
    assert.equal(print([paragraph({ is: 'mention', of: { user: userId('@bob:hs') }, text: 'bob:hs' })])[0]?.text, '@bob:hs');
  });

  test('everybody only where the author may', () => {
    const all = [paragraph({ is: 'mention', of: { everyone: true }, text: 'room' })];
    const [allowed = { text: '' }] = print(all, { mayNotifyAll: true });
    assert.deepEqual([allowed.text, pingsIn(allowed)], ['<!channel>', ['everyone']]);
    const [refused = { text: '' }] = print(all);
    assert.deepEqual([refused.text, pingsIn(refused)], ['@\u200broom', []]);
    const here = [paragraph({ is: 'mention', of: { everyone: true }, text: 'here' })];
    assert.equal(print(here, { mayNotifyAll: true })[0]?.text, '<!here>');
  });

  test('nobody by what is typed', () => {
    for (const words of [
      '<!here>',
      '<!channel|x>',
      '@channel',
      '@here',
      'hey @everyone!',
      '<@U0ALICE>',
      '<!subteam^S1>',
      '&lt;!here&gt;',
      '＠here',
    ]) {
      for (const markup of [true, false]) {
        const [body = { text: '' }] = print(fromPlain(words), { markup, mayNotifyAll: true });
        assert.deepEqual(pingsIn(body), [], words);
        assert.equal(toPlain(formatter.parse(body, channel)).replaceAll('\u200b', ''), words);
      }
    }
  });

  test('places of Slack and of Matrix', () => {
    const place = (of: Extract<Inline, { is: 'mention' }>['of'], words: string) =>
      print([paragraph({ is: 'mention', of, text: words })])[0]?.text;
    assert.equal(place({ channel }, 'general'), '<#C0GENERAL>');
    assert.equal(place({ room: roomId('!r:hs') }, 'lounge'), '<https://matrix.to/#/!r:hs|#lounge>');
  });
});

describe('mrkdwn', () => {
  const mrkdwn = (html: string) => printed(html, { markup: false }).text;

  test('marks hug words, end with the line, and are kept apart from letters', () => {
    assert.equal(mrkdwn('<b> a b </b>c'), ' *a b* c'.trimStart());
    assert.equal(mrkdwn('<b>a<br>b</b>'), '*a*\n*b*');
    assert.equal(mrkdwn('x<b>y</b>z'), 'x\u200b*y*\u200bz');
    assert.equal(mrkdwn('<b>a</b><i>b</i>'), '*a*_b_');
    assert.equal(mrkdwn('<code>a &amp; b</code>'), '`a &amp; b`');
    assert.equal(mrkdwn('<code>a`b</code>'), 'a`b');
  });

  test('blocks are written in signs', () => {
    const html = '<p>a</p><ul><li>b<ol start="2"><li>c</li></ol></li></ul><blockquote>d<br>e</blockquote><pre>f &lt; ```\ng</pre><hr>';
    assert.equal(mrkdwn(html), 'a\n• b\n    2. c\n> d\n> e\n```\nf &lt; ``\u200b`\ng\n```\n---');
  });

  test('what is typed stays what it is', () => {
    for (const words of [
      '*a* _b_ ~c~ `d`',
      '> not a quote',
      '```x```',
      ':tada: and a:b:c',
      'snake_case 2 * 3',
      '**x**',
      '&amp;',
      'a_ b_',
      '~/x ~/y',
    ]) {
      const [body = { text: '' }] = print(fromPlain(words), { markup: false });
      const again = formatter.parse(body, channel);
      assert.deepEqual(
        again.map(({ is }) => is),
        ['paragraph'],
        words,
      );
      assert.equal(toPlain(again).replaceAll('\u200b', ''), words);
      assert.ok(
        again.every((block) => block.is === 'paragraph' && block.of.every(({ is }) => is === 'text')),
        words,
      );
    }
  });

  test('links with their label escaped', () => {
    assert.equal(mrkdwn('<a href="https://a/?b=1&amp;c=|">x &lt;y|z&gt;</a>!'), '<https://a/?b=1&amp;c=%7C|x &lt;y|z&gt;>!');
    assert.equal(mrkdwn('<b><a href="https://a/?b=1&amp;c">x &lt;y&gt;</a></b>!'), '*<https://a/?b=1&amp;c|x &lt;y&gt;>*!');
    assert.equal(mrkdwn('<a href="https://a/b">https://a/b</a>'), '<https://a/b>');
  });
});

describe('what is too long', () => {
  const words = 'A sentence that goes on for a while, and then some more of it. ';
  const sizes = (bodies: readonly SlackBody[]) => bodies.map(({ text }) => Buffer.byteLength(text));

  test('is split between words, and holds every one of them', () => {
    const long = words.repeat(1_000).trim();
    const bodies = print(fromPlain(long));
    assert.ok(bodies.length >= 6 && bodies.length <= 8, String(bodies.length));
    assert.ok(sizes(bodies).every((size) => size <= 12_100));
    const whole = bodies.map((body) => toPlain(formatter.parse(body, channel))).join(' ');
    assert.equal(whole, long);
    for (const { text } of bodies) assert.match(text, /^[\w].*[\w.,]$/s);
  });

  test('is never cut within a sign as people see it', () => {
    const family = '👩‍👩‍👧‍👦';
    const bodies = print(fromPlain(family.repeat(3_000)), { bytes: 1_003, markup: false });
    assert.ok(sizes(bodies).every((size) => size <= 1_003));
    assert.equal(bodies.map(({ text }) => text).join(''), family.repeat(3_000));
    assert.ok(bodies.every(({ text }) => text.startsWith('👩') && text.length % family.length === 0));
  });

  test('counts its numbers on, keeps marks, links and code on both sides', () => {
    const items = Array.from({ length: 60 }, (_, at) => `<li>item ${at} ${'x'.repeat(30)}</li>`).join('');
    const bodies = print(fromHtml(`<ol>${items}</ol>`), { bytes: 1_000 });
    const lines = bodies.flatMap(({ text }) => text.split('\n'));
    assert.deepEqual(
      lines.map((line) => Number.parseInt(line, 10)),
      Array.from({ length: 60 }, (_, at) => at + 1),
    );
    assert.ok(bodies.every(({ blocks }) => JSON.stringify(blocks).length < 4_000));
    const marked = print(fromHtml(`<b>${words.repeat(40)}</b><pre>${'code\n'.repeat(500)}</pre>`), { bytes: 1_000 });
    assert.ok(marked.length > 4);
    assert.ok(marked.every(({ text }) => /^\*.*\*$/s.test(text) || /^```\n.*\n```$/s.test(text) || /^\*.*```$/s.test(text)));
  });

  test('ends, however little room there is', () => {
    const html = `<ul><li><a href="https://example.org/${'x'.repeat(200)}">link</a></li></ul><blockquote><b>bold</b></blockquote><pre>a\nb</pre>`;
    for (const bytes of [1, 4, 16, 60]) {
      for (const markup of [true, false]) {
        const bodies = print(fromHtml(html), { bytes, markup });
        const all = bodies
          .map(({ text }) => text)
          .join('')
          .replace(/[\s*_\u200b\u2060]/g, '');
        for (const part of ['link', 'x'.repeat(200), 'bold', 'ab'])
          assert.ok(all.replace(/[`•>]/g, '').includes(part), `${bytes} ${part}: ${all}`);
      }
    }
  });

  test('has at most fifty blocks', () => {
    const bodies = print(fromHtml('a<hr>'.repeat(120)));
    assert.ok(bodies.length > 1 && bodies.every(({ blocks }) => (blocks ?? []).length <= 50));
    assert.equal(
      bodies
        .map(({ text }) => text)
        .join('\n')
        .split('---').length,
      121,
    );
  });
});
