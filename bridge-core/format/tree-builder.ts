// Builds rich text from a stream: words, marks that begin and end, paragraphs, and blocks within blocks. Blanks collapse
// as in HTML, nothing empty is left, and the tree stays within `maxDepth`: what would go deeper is kept flat.

import { type Block, type Inline, type Mark, maxDepth, type RichText, text } from './rich-text.ts';

/** An inline node that holds others, without what it holds. */
export type Format =
  | { readonly is: Mark }
  | { readonly is: 'colour'; readonly ink?: string; readonly paper?: string }
  | { readonly is: 'spoiler'; readonly reason?: string }
  | { readonly is: 'link'; readonly to: string };

export type Level = 1 | 2 | 3 | 4 | 5 | 6;

/** A block under way that holds other blocks. */
export type Frame =
  | { readonly is: 'body' | 'quote' | 'item' | 'cell'; readonly blocks: Block[] }
  | { readonly is: 'list'; readonly items: Block[][] }
  | { readonly is: 'table'; readonly rows: Inline[][][]; header: boolean };

/** Ends what was begun. Ends come in the reverse order of the beginnings. */
export type End = () => void;

export class TreeBuilder {
  readonly #body: Block[] = [];
  readonly #frames: Frame[] = [{ is: 'body', blocks: this.#body }];
  /** What is in force; wrapped around text only as it comes, so that no wrapper is empty. */
  readonly #formats: Format[] = [];
  /** The paragraph under way, and the wrappers open in it: one for each of the first so many formats. */
  #line: Inline[] = [];
  #wrappers: Inline[][] = [];
  #heading: Level | undefined;
  #code = 0;
  /** Words not yet a node: text comes in pieces wherever an entity stands. */
  #words = '';
  /** A blank that comes now would not show. */
  #spaced = true;

  finish(): RichText {
    this.part();
    return this.#body;
  }

  get frame(): Frame {
    return this.#frames.at(-1) as Frame;
  }

  get isInCode(): boolean {
    return this.#code > 0;
  }

  /** Whether one more format or frame may be opened: below it must fit a paragraph, its text, and what a frame needs. */
  get hasRoom(): boolean {
    return this.#frames.length + this.#formats.length < maxDepth - 4;
  }

  words(words: string): void {
    this.#words += words;
  }

  /** Undefined where it would change nothing, or may not be: code is one piece. */
  beginFormat(format: Format): End | undefined {
    const isInForce = format.is !== 'colour' && this.#formats.some((other) => other.is === format.is);
    if (isInForce || this.isInCode || !this.hasRoom) return undefined;
    this.#flush();
    this.#formats.push(format);
    return () => {
      this.#flush();
      this.#formats.pop();
      if (this.#wrappers.length > this.#formats.length) this.#wrappers.length = this.#formats.length;
    };
  }

  beginCode(): End {
    this.#flush();
    this.#code += 1;
    return () => {
      this.#flush();
      this.#code -= 1;
    };
  }

  beginHeading(level: Level): End {
    this.part();
    const outer = this.#heading;
    this.#heading = level;
    return () => {
      this.part();
      this.#heading = outer;
    };
  }

  /** Ends the paragraph here, and again at the end. */
  beginPart(): End {
    this.part();
    return () => this.part();
  }

  /** `end` is called once the frame is complete and the outer one is current again. */
  beginFrame(frame: Frame, end: () => void): End {
    this.part();
    this.#frames.push(frame);
    return () => {
      this.part();
      this.#frames.pop();
      end();
    };
  }

  put(node: Inline): void {
    this.#flush();
    this.#append(node);
  }

  lineBreak(): void {
    this.#flush();
    if (this.#line.length === 0) return;
    // A wrapper that was emptied is gone from the tree: what follows needs new ones.
    if (this.#spaced && trimEnd(this.#line, false)) this.#wrappers = [];
    if (this.#line.length === 0) return;
    this.#append({ is: 'break' });
    this.#spaced = true;
  }

  /** Ends the paragraph under way, if there is one. */
  part(): void {
    this.#flush();
    const of = this.#line;
    trimEnd(of, true);
    if (of.length > 0) this.add(this.#heading === undefined ? { is: 'paragraph', of } : { is: 'heading', level: this.#heading, of });
    this.#line = [];
    this.#wrappers = [];
    this.#spaced = true;
  }

  add(block: Block): void {
    for (let depth = this.#frames.length - 1; depth >= 0; depth -= 1) {
      const frame = this.#frames[depth] as Frame;
      if (frame.is === 'list') {
        const last = frame.items.at(-1);
        // A list that stands in a list and in none of its items belongs to the last of them.
        if (block.is === 'list' && last !== undefined) last.push(block);
        else frame.items.push([block]);
        return;
      }
      // What stands between the cells of a table comes before the table, as in browsers.
      if (frame.is !== 'table') {
        frame.blocks.push(block);
        return;
      }
    }
  }

  /** Makes a node of the words that are waiting. */
  #flush(): void {
    if (this.#words === '') return;
    const words = this.#words;
    this.#words = '';
    if (this.#code > 0) {
      // Clients show code with its blanks as they are.
      const code = printable(words).replace(/[\t\n\f\r]/g, ' ');
      if (code !== '') this.#append({ is: 'code', text: code });
      return;
    }
    const collapsed = collapse(words);
    const shown = this.#spaced && collapsed.startsWith(' ') ? collapsed.slice(1) : collapsed;
    if (shown === '') return;
    this.#append(text(shown));
    this.#spaced = shown.endsWith(' ');
  }

  #append(node: Inline): void {
    for (let depth = this.#wrappers.length; depth < this.#formats.length; depth += 1) {
      const of: Inline[] = [];
      (this.#wrappers.at(-1) ?? this.#line).push({ ...(this.#formats[depth] as Format), of });
      this.#wrappers.push(of);
    }
    (this.#wrappers.at(-1) ?? this.#line).push(node);
    this.#spaced = false;
  }
}

/** Takes away what would not show at a line's end, in place; says whether a node that held others went with it. */
function trimEnd(of: Inline[], breaks: boolean): boolean {
  let emptied = false;
  for (let last = of.at(-1); last !== undefined; last = of.at(-1)) {
    if (last.is === 'text') {
      const trimmed = last.text.endsWith(' ') ? last.text.slice(0, -1) : last.text;
      if (trimmed !== '') {
        of[of.length - 1] = text(trimmed);
        return emptied;
      }
    } else if (last.is === 'code' || last.is === 'image' || last.is === 'mention') {
      return emptied;
    } else if (last.is === 'break') {
      if (!breaks) return emptied;
    } else {
      const inner = last.of as Inline[];
      emptied = trimEnd(inner, breaks) || emptied;
      if (inner.length > 0) return emptied;
      emptied = true;
    }
    of.pop();
  }
  return emptied;
}

/** Without control characters other than blanks. */
export const printable = (words: string): string => words.replace(/[\x00-\x08\x0b\x0e-\x1f\x7f]/g, '');

/** Blanks as HTML shows them. */
export const collapse = (words: string): string => printable(words).replace(/[ \t\n\f\r]+/g, ' ');
