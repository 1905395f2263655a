import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { toPlain } from '../../../bridge-core/format/to-html.ts';
import { type Block, channelId, type Inline, type Json, maxDepth, type RichText } from '../../../bridge-core/index.ts';
import type { SlackBody } from '../../../bridges/slack/body.ts';
import { type SlackFit, slackFormatter } from '../../../bridges/slack/formatter.ts';
import { anyBlocks, anyInlines, depthOf, type MarkedSign, signsIn, wordsIn } from '../../support/rich-text.ts';
import { names } from './known-people.ts';
import { pingsIn } from './pings.ts';

const formatter = slackFormatter(names);
const channel = channelId('T1/C0GENERAL');
const roomy: SlackFit = { bytes: 40_000, lines: 10, markup: true, style: 'text', mention: () => undefined, team: 'T1', mayNotifyAll: true };
const print = (rich: RichText, changes: Partial<SlackFit> = {}): SlackBody[] => formatter.print(rich, { ...roomy, ...changes });
const parseAll = (bodies: readonly SlackBody[]): RichText => bodies.flatMap((body) => formatter.parse(body, channel));

/** What people type to call somebody, to be read as a mark, or to break out of one. */
const anyTyped = fc
  .array(
    fc.constantFrom(
      ...[
        '<!here>',
        '<!channel|x>',
        '@channel',
        '@here',
        '@everyone',
        '@all',
        '<@U0ALICE>',
        '<@U0ALICE|x>',
        '<#C0GENERAL>',
        '<!subteam^S1>',
      ],
      ...[
        '*',
        '_',
        '~',
        '`',
        '```',
        '>',
        '>>>',
        '&',
        '&lt;',
        '&amp;',
        '<',
        '>',
        '|',
        '<https://a|',
        ':tada:',
        ':dance:',
        ':',
        '\u200b',
        ' ',
        'word',
        'é',
      ],
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((parts) => parts.join(''));
const anyTypedInline: fc.Arbitrary<Inline> = fc.oneof(
  anyTyped.map((text): Inline => ({ is: 'text', text })),
  fc.constant<Inline>({ is: 'break' }),
  fc.tuple(fc.constantFrom('bold', 'italic', 'strike'), anyTyped).map(([is, text]): Inline => ({ is, of: [{ is: 'text', text }] })),
  anyTyped.map((text): Inline => ({ is: 'code', text })),
  // A link without words shows its address.
  anyTyped.map((words): Inline => ({ is: 'link', to: 'https://example.org/a', of: [{ is: 'text', text: `w${words}` }] })),
);
const anyTypedName: fc.Arbitrary<Inline> = fc.oneof(
  anyTyped.map((text): Inline => ({ is: 'mention', of: { room: '#a:hs' }, text })),
  anyTyped.map((alt): Inline => ({ is: 'image', source: 'mxc://a/b', alt })),
  anyTyped.map((reason): Inline => ({ is: 'spoiler', reason, of: [{ is: 'text', text: reason }] })),
);

const paragraph = (of: readonly Inline[]): Block => ({ is: 'paragraph', of });
/** Slack underlines nothing, and reads the selector of a sign for itself. */
const asSlackHasIt = (signs: readonly MarkedSign[]): string[] =>
  signs
    .filter(({ sign }) => !/[\ufe0f\u200b\u2060]/.test(sign))
    .map(({ sign, marks }) => `${sign} ${marks.replace(/underline ?/, '').trim()}`);
const inlinesOf = (rich: RichText): readonly Inline[] =>
  rich.flatMap((block) => (block.is === 'paragraph' ? block.of : assert.fail(block.is)));
const bare = (words: string): string => words.replace(/[\p{Z}\s\p{Cf}*_~`>•|.()+-]|\ufe0f|\d/gu, '');

const shapes: Readonly<Record<string, (block: Record<string, unknown>) => boolean>> = {
  divider: () => true,
  rich_text: ({ elements }) => isList(elements),
  rich_text_section: ({ elements }) => isList(elements),
  rich_text_quote: ({ elements }) => isList(elements),
  rich_text_preformatted: ({ elements }) => isList(elements),
  rich_text_list: ({ elements, style, indent }) => isList(elements) && /^(?:bullet|ordered)$/.test(String(style)) && Number(indent) <= 8,
  text: ({ text }) => typeof text === 'string' && text !== '',
  link: ({ url, text }) => /^(?:https?:\/\/|mailto:)./.test(String(url)) && typeof text === 'string' && text !== '',
  emoji: ({ name }) => /^[^\s:]+$/.test(String(name)),
  channel: ({ channel_id }) => /^C/.test(String(channel_id)),
};
const isList = (value: unknown): boolean => Array.isArray(value) && value.length > 0;

function assertShape(value: Json | undefined): void {
  if (Array.isArray(value)) for (const each of value) assertShape(each);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const block = value as Record<string, Json>;
  assert.ok(shapes[String(block.type)]?.(block), JSON.stringify(block));
  assertShape(block.elements);
}

/** Nothing but what this bridge means stands in brackets, and every other sign of Slack's is escaped. */
function assertEscaped({ text }: SlackBody): void {
  const left = text.replace(/<(?:https?:\/\/|mailto:)[^<>|]+(?:\|[^<>]*)?>|<#C0GENERAL>/g, '').replace(/^(?:> ?)+/gm, '');
  assert.doesNotMatch(left, /[<>]|&(?!amp;|lt;|gt;)/);
}

describe('for any text', () => {
  test('printed and read again it has the same words and marks', () => {
    fc.assert(
      fc.property(anyInlines({ breaks: true }), (of) => {
        const again = inlinesOf(parseAll(print([paragraph(of)])));
        assert.deepEqual(asSlackHasIt(signsIn(again)), asSlackHasIt(signsIn(of)));
      }),
      { numRuns: 500 },
    );
  });

  test('as mrkdwn too, which can show no backtick in code', () => {
    fc.assert(
      fc.property(anyInlines({ breaks: true }), (of) => {
        fc.pre(!wordsIn([paragraph(of)]).includes('`'));
        const again = inlinesOf(parseAll(print([paragraph(of)], { markup: false })));
        assert.deepEqual(asSlackHasIt(signsIn(again)), asSlackHasIt(signsIn(of)));
      }),
      { numRuns: 500 },
    );
  });

  test('whatever is typed calls nobody and is escaped', () => {
    const anyOf = fc.array(fc.oneof(anyTypedInline, anyTypedName), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(anyOf, fc.boolean(), (of, markup) => {
        for (const body of print([paragraph(of)], { markup })) {
          assert.deepEqual(pingsIn(body), []);
          assertEscaped(body);
          assertShape(body.blocks);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('whatever is typed is still there', () => {
    const seen = (rich: RichText): string => wordsIn(rich).replace(/[\s\u200b\u2060]/g, '');
    fc.assert(
      fc.property(fc.array(anyTypedInline, { minLength: 1, maxLength: 6 }), fc.boolean(), (of, markup) => {
        const rich = [paragraph(of)];
        assert.equal(seen(parseAll(print(rich, { markup }))), seen(rich));
      }),
      { numRuns: 1_000 },
    );
  });

  test('blocks of every kind keep their words, in shapes that Slack knows', () => {
    fc.assert(
      fc.property(anyBlocks, fc.boolean(), (blocks, markup) => {
        const bodies = print(blocks, { markup });
        for (const body of bodies) {
          assertEscaped(body);
          assertShape(body.blocks);
          assert.deepEqual(pingsIn(body), []);
        }
        const again = parseAll(bodies);
        assert.equal(bare(toPlain(again)).replaceAll('spoiler', ''), bare(toPlain(blocks)));
        assert.ok(depthOf(again) <= maxDepth);
      }),
      { numRuns: 500 },
    );
  });

  test('cut to whatever size it is within it, and whole together', () => {
    fc.assert(
      fc.property(anyBlocks, fc.integer({ min: 150, max: 600 }), fc.boolean(), (blocks, bytes, markup) => {
        const bodies = print(blocks, { bytes, markup });
        for (const { text } of bodies) assert.ok(Buffer.byteLength(text) <= bytes, text);
        assert.equal(bare(toPlain(parseAll(bodies))).replaceAll('spoiler', ''), bare(toPlain(blocks)));
      }),
      { numRuns: 300 },
    );
  });
});
