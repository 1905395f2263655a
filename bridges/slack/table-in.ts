// Slack's tables: rows of cells, each a plain text, a number or a rich text.

import { type Block, type Inline, inlinesOf } from '#bridge-core';
import { type Fields, textIn } from './fields.ts';
import type { Reading } from './reading.ts';
import { readPlain, readText } from './text-in.ts';

export function readTable(block: Fields, reading: Reading): Block[] {
  const given = Array.isArray(block.rows) ? block.rows : [];
  const rows = given.flatMap((row): (readonly Inline[])[][] => {
    const cells = Array.isArray(row) ? row.map((cell) => inlinesOf(readText(cell, reading))) : [];
    return cells.length === 0 ? [] : [cells];
  });
  const caption = readPlain(textIn(block, 'caption') ?? '', reading);
  return rows.length === 0 ? caption : [...caption, { is: 'table', rows, header: rows.length > 1 }];
}
