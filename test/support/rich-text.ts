// Random rich text for property tests, and questions about any rich text.

import fc from 'fast-check';
import type { Block, Inline, RichText } from '../../bridge-core/format/rich-text.ts';

/** Words of any script, with what is likeliest to go wrong: digits and commas after colours, wide characters, blanks. */
export const anyWords = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((words) => !/\p{Cc}|\p{Cs}/u.test(words)),
  fc.constantFrom(
    '5',
    ',3',
    '1,2',
    '04',
    ' ',
    'two words',
    '漢字かな',
    '👩‍👩‍👧‍👦',
    'e\u0301a\u0308',
    '🇩🇪🇫🇷',
    '*',
    '<b>&amp;"',
    'https://example.org/a?b=c',
  ),
);

const colour = fc.constantFrom('#ff0000', '#00fc00', '#0000fc', '#7f7f7f', '#b56300', '#2e0047');

export interface Kinds {
  readonly colours?: boolean;
  readonly breaks?: boolean;
}

/** Inline nodes of the kinds that most networks have; text, marks, code, and what `kinds` adds. */
export function anyInlines({ colours = false, breaks = false }: Kinds = {}): fc.Arbitrary<Inline[]> {
  const leaf: fc.Arbitrary<Inline>[] = [
    anyWords.map((text): Inline => ({ is: 'text', text })),
    anyWords.map((text): Inline => ({ is: 'code', text })),
  ];
  if (breaks) leaf.push(fc.constant<Inline>({ is: 'break' }));
  const { inlines } = fc.letrec<{ inlines: Inline[] }>((tie) => {
    const of = tie('inlines');
    const wrappers: fc.Arbitrary<Inline>[] = [
      fc.record({ is: fc.constantFrom('bold', 'italic', 'underline', 'strike'), of }) as fc.Arbitrary<Inline>,
    ];
    if (colours) {
      wrappers.push(
        of.map((inner): Inline => ({ is: 'spoiler', of: inner })),
        fc.tuple(colour, of).map(([ink, inner]): Inline => ({ is: 'colour', ink, of: inner })),
        fc.tuple(colour, of).map(([paper, inner]): Inline => ({ is: 'colour', paper, of: inner })),
        fc.tuple(colour, colour, of).map(([ink, paper, inner]): Inline => ({ is: 'colour', ink, paper, of: inner })),
      );
    }
    return {
      inlines: fc.array(fc.oneof({ maxDepth: 4, depthIdentifier: 'rich' }, ...leaf, ...wrappers), {
        minLength: 1,
        maxLength: 5,
        depthIdentifier: 'rich',
      }),
    };
  });
  return inlines;
}

export const anyBlocks: fc.Arbitrary<Block[]> = fc.letrec<{ blocks: Block[]; block: Block }>((tie) => ({
  blocks: fc.array(tie('block'), { minLength: 1, maxLength: 3, depthIdentifier: 'blocks' }),
  block: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'blocks' },
    anyInlines({ colours: true, breaks: true }).map((of): Block => ({ is: 'paragraph', of })),
    anyInlines().map((of): Block => ({ is: 'heading', level: 2, of })),
    fc.array(anyWords, { maxLength: 3 }).map((lines): Block => ({ is: 'preformatted', text: lines.join('\n') })),
    fc.constant<Block>({ is: 'rule' }),
    tie('blocks').map((of): Block => ({ is: 'quote', of })),
    fc
      .tuple(fc.array(tie('blocks'), { minLength: 1, maxLength: 3 }), fc.option(fc.nat(99), { nil: undefined }))
      .map(([items, start]): Block => ({ is: 'list', items, ...(start !== undefined && { start }) })),
    fc
      .array(fc.array(anyInlines(), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
      .map((rows): Block => ({ is: 'table', rows, header: true })),
  ),
})).blocks;

/** How deep the tree is, in nodes. */
export function depthOf(text: RichText): number {
  const inline = (node: Inline): number => 1 + ('of' in node && node.is !== 'mention' ? most(node.of.map(inline)) : 0);
  const block = (node: Block): number => {
    if (node.is === 'quote') return 1 + most(node.of.map(block));
    if (node.is === 'list') return 1 + most(node.items.flat().map(block));
    if (node.is === 'table') return 1 + most(node.rows.flat(2).map(inline));
    return 1 + ('of' in node ? most(node.of.map(inline)) : 0);
  };
  return most(text.map(block));
}

const most = (numbers: readonly number[]): number => numbers.reduce((a, b) => Math.max(a, b), 0);

/** Every word of it, marks and blocks aside. */
export function wordsIn(text: RichText): string {
  const inline = (node: Inline): string => {
    if (node.is === 'break') return '\n';
    if (node.is === 'image') return node.alt;
    if (node.is === 'text' || node.is === 'code' || node.is === 'mention') return node.text;
    return node.of.map(inline).join('');
  };
  const block = (node: Block): string => {
    if (node.is === 'rule') return '';
    if (node.is === 'preformatted') return node.text;
    if (node.is === 'quote') return node.of.map(block).join('\n');
    if (node.is === 'list') return node.items.flat().map(block).join('\n');
    if (node.is === 'table') return node.rows.map((row) => row.map((cell) => cell.map(inline).join('')).join(' ')).join('\n');
    return node.of.map(inline).join('');
  };
  return text.map(block).join('\n');
}

export interface MarkedSign {
  readonly sign: string;
  readonly marks: string;
}

/** Each visible character with what is in force for it: two trees that read the same are equal here. */
export function signsIn(inlines: readonly Inline[], marks: ReadonlyMap<string, string> = new Map()): MarkedSign[] {
  return inlines.flatMap((node): MarkedSign[] => {
    if (node.is === 'text') return signs(node.text, marks);
    if (node.is === 'code') return signs(node.text, new Map([...marks, ['code', '']]));
    if (node.is === 'mention' || node.is === 'image' || node.is === 'break') return [];
    const inner = new Map(marks);
    if (node.is === 'spoiler') {
      for (const name of ['ink', 'paper']) inner.delete(name);
      inner.set('spoiler', '');
    } else if (node.is === 'colour') {
      if (!inner.has('spoiler')) {
        if (node.ink !== undefined) inner.set('ink', node.ink);
        if (node.paper !== undefined) inner.set('paper', node.paper);
        // Text in the colour of its background would be a spoiler: the ink is kept.
        if (inner.get('ink') === inner.get('paper')) inner.delete('paper');
      }
    } else if (node.is !== 'link') {
      inner.set(node.is, '');
    }
    return signsIn(node.of, inner);
  });
}

function signs(text: string, marks: ReadonlyMap<string, string>): MarkedSign[] {
  const names = [...marks].map(([name, value]) => `${name}${value}`);
  return [...text].filter((sign) => sign.trim() !== '').map((sign) => ({ sign, marks: names.toSorted().join(' ') }));
}
