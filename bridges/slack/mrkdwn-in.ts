// Slack's mrkdwn as rich text: blocks of code and quotes; what is in a line is mrkdwn-line.ts's business. It has no lists, no
// headings and no escapes.

import type { Block, Inline } from '#bridge-core';
import { readLine } from './mrkdwn-line.ts';
import { paragraphOf, printable, type Reading } from './reading.ts';
import { decoded } from './tokens-in.ts';

/** `isMarked` false: words, tokens and emoji alone. */
export function readMrkdwn(source: string, reading: Reading, isMarked = true): Block[] {
  const reader = new Reader(reading, isMarked);
  const parts = isMarked ? source.split('```') : [source];
  // A fence that nothing closes is words.
  if (parts.length % 2 === 0) parts.push(parts.splice(-2, 2).join('```'));
  for (const [number, part] of parts.entries()) {
    if (number % 2 === 0) reader.lines(part);
    else if (part.trim() === '') reader.lines(`\`\`\`${part}\`\`\``);
    else reader.code(part);
  }
  return reader.finish();
}

class Reader {
  readonly #reading: Reading;
  readonly #isMarked: boolean;
  readonly #blocks: Block[] = [];
  #quote: Block[] | undefined;
  #quotesAll = false;
  #paragraph: Inline[] = [];

  constructor(reading: Reading, isMarked: boolean) {
    this.#reading = reading;
    this.#isMarked = isMarked;
  }

  lines(part: string): void {
    for (const [number, line] of part.split(/\r\n|\n|\r/).entries()) this.#line(line, number > 0);
  }

  code(source: string): void {
    const words = decoded(source.replace(/<([^<>|\n]+)(?:\|([^<>\n]*))?>/g, (_, target: string, label?: string) => label || target));
    this.#endParagraph();
    const lines = words
      .replace(/^\r?\n/, '')
      .trimEnd()
      .split(/\r\n|\n|\r/);
    (this.#quote ?? this.#blocks).push({ is: 'preformatted', text: lines.map(printable).join('\n') });
  }

  finish(): Block[] {
    this.#endQuote();
    return this.#blocks;
  }

  #line(line: string, isNew: boolean): void {
    const sign = this.#quotesAll || !this.#isMarked ? undefined : /^(?:&gt;&gt;&gt;|>>>|&gt;|>) ?/.exec(line)?.[0];
    if (sign !== undefined) {
      this.#beginQuote();
      this.#quotesAll = sign.trim() !== '&gt;' && sign.trim() !== '>';
    } else if (this.#quote !== undefined && !this.#quotesAll && isNew) {
      this.#endQuote();
    }
    if (isNew && this.#paragraph.length > 0) this.#paragraph.push({ is: 'break' });
    for (const inline of readLine(line.slice(sign?.length ?? 0), this.#reading, this.#isMarked)) this.#paragraph.push(inline);
  }

  #beginQuote(): void {
    if (this.#quote !== undefined) return;
    this.#endParagraph();
    this.#quote = [];
  }

  #endQuote(): void {
    this.#endParagraph();
    if (this.#quote !== undefined && this.#quote.length > 0) this.#blocks.push({ is: 'quote', of: this.#quote });
    this.#quote = undefined;
  }

  #endParagraph(): void {
    (this.#quote ?? this.#blocks).push(...paragraphOf(this.#paragraph));
    this.#paragraph = [];
  }
}
