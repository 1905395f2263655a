// Gitter's markdown ↔ rich text. Pure; whose message it is and how it is shown to be theirs is posting.ts' business.

import { type Fit, type Formatter, fromPlain, type RichText } from '#bridge-core';
import type { GitterBody } from './body.ts';
import { readMarkdown } from './markdown-in.ts';
import { linesOf } from './markdown-out.ts';
import { pack } from './pack.ts';

export const gitterFormatter: Formatter<GitterBody> = { parse: readMarkdown, print };

/** As many messages as the text needs; how many may go is for the caller to say. */
function print(text: RichText, fit: Fit): GitterBody[] {
  return pack(linesOf(text, fit), fit.bytes).map((each) => ({ text: each }));
}

/** A person's words as they stand, for what the bridge says itself. */
export const plainly = (words: string, fit: Fit): GitterBody[] => print(fromPlain(words), fit);
