import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fromHtml } from '../../../bridge-core/format/from-html.ts';
import { toHtml, toPlain } from '../../../bridge-core/format/to-html.ts';
import { channelId, fromPlain, type Json, maxDepth, type RichText } from '../../../bridge-core/index.ts';
import type { SlackBody } from '../../../bridges/slack/body.ts';
import { slackFormatter } from '../../../bridges/slack/formatter.ts';
import { cpuTime } from '../../support/cpu-time.ts';
import { depthOf } from '../../support/rich-text.ts';
import { names } from './known-people.ts';

const formatter = slackFormatter(names);
const channel = channelId('T1/C0GENERAL');
const parse = (body: unknown): RichText => formatter.parse(body as SlackBody, channel);
const fit = { bytes: 40_000, lines: 10, markup: true, style: 'text', mention: () => undefined } as const;

/** Read, shown and printed again without an exception, and no deeper than a tree may be. */
function assertReadable(body: unknown): RichText {
  const text = parse(body);
  assert.ok(depthOf(text) <= maxDepth);
  assert.doesNotMatch(
    toHtml(text),
    /<(?!\/?(?:p|br|h[1-6]|strong|em|u|del|code|pre|blockquote|ul|ol|li|table|thead|tbody|tr|t[dh]|hr|a|img|font|span|sup|sub)\b)/,
  );
  toPlain(text);
  for (const markup of [true, false]) formatter.print(text, { ...fit, markup });
  return text;
}

describe('whatever JSON comes', () => {
  test('of any shape', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        assertReadable(value);
        assertReadable({ text: value, blocks: value, attachments: value });
        assertReadable({ text: '', blocks: [value], attachments: [value] });
      }),
      { numRuns: 300 },
    );
  });

  test('with the wrong thing at every place of every message of the corpus', () => {
    const folder = join(import.meta.dirname, 'corpus');
    const wrong: readonly Json[] = [null, true, -1, 1e308, '', '<script>', [], {}, [[[]]], [null], { type: 'rich_text' }, { type: 1 }];
    let tried = 0;
    for (const file of readdirSync(folder)) {
      const { body } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { body: Record<string, unknown> };
      const walk = (holder: Record<string, unknown>): void => {
        for (const [key, value] of Object.entries(holder)) {
          for (const other of wrong) {
            holder[key] = other;
            assertReadable(body);
            tried += 1;
          }
          holder[key] = value;
          if (typeof value === 'object' && value !== null) walk(value as Record<string, unknown>);
        }
      };
      walk(body);
    }
    assert.ok(tried > 10_000, String(tried));
  });

  test('with known kinds and fields in any order', () => {
    const kinds = [
      'rich_text',
      'rich_text_section',
      'rich_text_list',
      'rich_text_quote',
      'rich_text_preformatted',
      'section',
      'context',
      'actions',
    ];
    const more = [
      'table',
      'markdown',
      'image',
      'video',
      'input',
      'file',
      'container',
      'text',
      'link',
      'emoji',
      'date',
      'mrkdwn',
      'plain_text',
      'button',
    ];
    const fields = [
      'elements',
      'text',
      'fields',
      'accessory',
      'rows',
      'url',
      'style',
      'indent',
      'offset',
      'border',
      'title',
      'options',
      'blocks',
    ];
    const others = [
      'message_blocks',
      'message',
      'attachments',
      'fallback',
      'timestamp',
      'unicode',
      'name',
      'child_blocks',
      'ts',
      'color',
      'value',
    ];
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom<unknown>(
          '*a* <@U0ALICE> :wave:\n> b',
          '```',
          1,
          -5,
          1e300,
          true,
          null,
          '1f600',
          'bullet',
          'ordered',
          'https://example.org/',
        ),
        fc.array(tie('value'), { maxLength: 4 }),
        fc
          .tuple(fc.constantFrom(...kinds, ...more), fc.dictionary(fc.constantFrom(...fields, ...others), tie('value'), { maxKeys: 5 }))
          .map(([type, rest]) => ({ ...rest, type })),
      ),
    }));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 3 }), fc.array(value, { maxLength: 3 }), (blocks, attachments) => {
        assertReadable({ text: 'a', blocks, attachments });
      }),
      { numRuns: 500 },
    );
  });
});

describe('a thousand deep and more', () => {
  const nested = (depth: number, wrap: (inner: Json) => Json, innermost: Json): Json => {
    let value = innermost;
    for (let level = 0; level < depth; level += 1) value = wrap(value);
    return value;
  };
  const section: Json = { type: 'section', text: { type: 'mrkdwn', text: 'deep' } };

  test('blocks in blocks, in what is known and what is not', () => {
    for (const depth of [1_000, 20_000]) {
      for (const wrap of [
        (inner: Json): Json => ({ type: 'container', child_blocks: [inner] }),
        (inner: Json): Json => [inner],
        (inner: Json): Json => ({ type: 'rich_text', elements: [inner] }),
        (inner: Json): Json => ({ type: 'rich_text_quote', elements: [inner] }),
        (inner: Json): Json => ({ type: 'section', text: inner, accessory: inner, fields: [inner] }) as Json,
        (inner: Json): Json => ({ type: 'link', url: 'https://a', text: inner }),
      ]) {
        if (depth > 1_000 && /accessory/.test(wrap.toString())) continue;
        const value = nested(wrap.toString().includes('accessory') ? 12 : depth, wrap, section);
        assertReadable({ text: '', blocks: [value] });
        assertReadable({ text: '', attachments: [{ blocks: [value] }] });
      }
    }
  });

  test('messages passed on in messages passed on', () => {
    const wrap = (inner: Json): Json => ({ is_msg_unfurl: true, text: 'x', message_blocks: [{ message: { attachments: [inner] } }] });
    assertReadable({ text: '', attachments: [nested(1_000, wrap, { text: 'deep' })] });
  });

  test('lists by their indent, quotes and lists of Markdown', () => {
    const item = (indent: Json): Json => ({
      type: 'rich_text_list',
      style: 'bullet',
      indent,
      elements: [{ type: 'rich_text_section', elements: [] }],
    });
    assertReadable({ text: '', blocks: [{ type: 'rich_text', elements: Array.from({ length: 1_000 }, (_, at) => item(at)) }] });
    assertReadable({ text: '', blocks: [{ type: 'rich_text', elements: [item(1e300), item(-1e300), item('x'), item(0.5)] }] });
    const markdown = (text: string) => assertReadable({ text: '', blocks: [{ type: 'markdown', text }] });
    markdown(`${'> '.repeat(1_000)}deep`);
    markdown(`${'- '.repeat(1_000)}deep`);
    markdown(Array.from({ length: 1_000 }, (_, at) => `${' '.repeat(at)}- deep`).join('\n'));
  });

  test('rich text as deep as a tree may be is printed', () => {
    const html = `${'<blockquote><ul><li><b>'.repeat(1_000)}deep`;
    const bodies = formatter.print(fromHtml(html), fit);
    assert.match(bodies.map(({ text }) => text).join(''), /deep/);
  });
});

describe('a megabyte', () => {
  const size = 1_000_000;
  const signs = [
    '*',
    '_a ',
    '*a',
    'a* ',
    '`',
    '` ',
    '<',
    '<a|',
    '<@U1',
    '<@U0ALICE>',
    ':',
    ':a',
    ':wave:',
    '&gt;',
    '\n&gt; x',
    '```',
    '```x',
    '***',
    '[',
    '](',
    '[a](b) ',
  ];
  const more = [
    '> ',
    '- ',
    '\n- a',
    '|',
    '|-|\n',
    '&amp;',
    '*a* ',
    '😀',
    'https://',
    'https://a ',
    '\n',
    ' ',
    'é\u0301',
    '\\',
    '~~',
    '__a',
    '#',
    '\n1. a',
    '*_~a~_* ',
    '\u200b',
  ];

  // CPU, so that a busy machine is no matter: measured at under 0.5 s each. Quadratic would be minutes.
  const longest = 5_000;
  const timed = (what: string, work: () => void): void => {
    const took = cpuTime(work);
    assert.ok(took < longest, `${JSON.stringify(what)}: ${Math.round(took)} ms`);
  };

  test('of any sign is read in time, as mrkdwn or Markdown', () => {
    for (const sign of [...signs, ...more]) {
      const text = sign.repeat(Math.ceil(size / sign.length)).slice(0, size);
      timed(sign, () => parse({ text }));
      timed(`markdown ${sign}`, () => parse({ text: '', blocks: [{ type: 'markdown', text }] }));
    }
  });

  test('of blocks, leaves, items and fields', () => {
    const many = (one: Json): Json[] => Array.from({ length: Math.ceil(size / JSON.stringify(one).length) }, () => one);
    const leaf: Json = { type: 'text', text: 'a', style: { bold: true } };
    const section: Json = { type: 'rich_text_section', elements: [leaf] };
    const rich = (elements: Json[]): unknown => ({ text: '', blocks: [{ type: 'rich_text', elements }] });
    timed('leaves', () => parse(rich([{ type: 'rich_text_section', elements: many(leaf) }])));
    timed('items', () => parse(rich([{ type: 'rich_text_list', style: 'bullet', elements: many(section) }])));
    timed('lists', () => parse(rich(many({ type: 'rich_text_list', style: 'bullet', elements: [section] }))));
    timed('quotes', () => parse(rich(many({ type: 'rich_text_quote', elements: [leaf] }))));
    timed('blocks', () => parse({ text: '', blocks: many({ type: 'section', text: { type: 'mrkdwn', text: '*a*' } }) }));
    timed('unknown', () => parse({ text: '', blocks: many({ type: 'x', a: [{ b: 'c', text: 'd' }] }) }));
    timed('attachments', () => parse({ text: '', attachments: many({ text: 'a', fields: [{ title: 'b', value: 'c', short: true }] }) }));
    timed('rows', () => parse({ text: '', blocks: [{ type: 'table', rows: many([{ type: 'raw_text', text: 'a' }]) }] }));
  });

  test('is printed in time, whole, within its size', () => {
    for (const sign of ['word ', '*', '`', '<', '&', '\n', ':a', '😀', 'é\u0301', '@here ', 'https://a.example/ ', '\u0301', 'x']) {
      const text = sign.repeat(Math.ceil(size / sign.length)).slice(0, size);
      const markup = !/[*`<]/.test(sign);
      timed(`print ${sign}`, () => {
        const bodies = formatter.print(fromPlain(text), { ...fit, markup });
        for (const body of bodies) assert.ok(Buffer.byteLength(body.text) <= 40_000);
        const letters = (words: string) => words.replace(/[\s\u200b]/g, '').length;
        const seen = bodies.reduce((sum, body) => sum + letters(toPlain(parse(body)).replaceAll('\ufe0f', '')), 0);
        assert.ok(seen >= letters(text) * 0.99, `${JSON.stringify(sign)}: ${seen}`);
      });
    }
    const items = fromHtml(
      `<ol>${'<li>a</li>'.repeat(50_000)}</ol><pre>${'b\n'.repeat(200_000)}</pre><table>${'<tr><td>c<td>d</tr>'.repeat(20_000)}</table>`,
    );
    timed('print blocks', () => formatter.print(items, fit));
  });
});
