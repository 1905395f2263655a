// Blocks where only inline nodes may stand: in the cells of tables.

import { type Inline, type RichText, text } from './rich-text.ts';

/** A line each. */
export function inlinesOf(blocks: RichText): Inline[] {
  const lines = blocks.flatMap((block): (readonly Inline[])[] => {
    if (block.is === 'paragraph' || block.is === 'heading') return [block.of];
    if (block.is === 'quote') return [inlinesOf(block.of)];
    if (block.is === 'list') return block.items.map(inlinesOf);
    if (block.is === 'preformatted') return block.text.split('\n').map((line) => (line === '' ? [] : [{ is: 'code', text: line }]));
    if (block.is === 'table') return block.rows.map((row) => row.flatMap((cell, at) => (at === 0 ? cell : [text(' | '), ...cell])));
    return [];
  });
  return lines.filter((line) => line.length > 0).flatMap((line, at) => (at === 0 ? line : [{ is: 'break' }, ...line]));
}
