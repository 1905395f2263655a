// The fake network's markup: bold and italic as one sign each, on or off; a line break is a body of its own. Split to the byte,
// at whole characters, with what was in force opened again.

import type { Fit, Formatter } from '../../../bridge-core/adapter.ts';
import type { Inline, RichText } from '../../../bridge-core/format/rich-text.ts';
import { plainOfInlines, toPlain } from '../../../bridge-core/format/to-html.ts';
import type { ChannelId } from '../../../bridge-core/ids.ts';

const bold = '\u0002';
const italic = '\u001d';
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

interface Run {
  readonly text: string;
  readonly bold: boolean;
  readonly italic: boolean;
}

export const fakeFormatter: Formatter = {
  parse(body: string, _channel: ChannelId): RichText {
    const of = parseLine(body);
    return of.length === 0 ? [] : [{ is: 'paragraph', of }];
  },

  print(text: RichText, fit: Fit): string[] {
    if (text.length === 0) return [''];
    return linesOf(text, fit).flatMap((runs) =>
      cut(fit.markup ? runs : runs.map((run) => ({ ...run, bold: false, italic: false })), fit.bytes),
    );
  },
};

/** Bodies that are no text: the same markup in a box. */
export type Box = { readonly said: string };

export const textIn = (body: string | Box): string => (typeof body === 'string' ? body : body.said);

export const boxingFormatter: Formatter<Box> = {
  parse: ({ said }, channel) => fakeFormatter.parse(said, channel),
  print: (text, fit) => fakeFormatter.print(text, fit).map((said) => ({ said })),
};

function parseLine(body: string): Inline[] {
  const of: Inline[] = [];
  let marks = { bold: false, italic: false };
  for (const piece of body.split(/([\u0002\u001d])/)) {
    if (piece === bold) marks = { ...marks, bold: !marks.bold };
    else if (piece === italic) marks = { ...marks, italic: !marks.italic };
    else if (piece !== '') of.push(wrapped(piece, marks));
  }
  return of;
}

function wrapped(text: string, marks: { bold: boolean; italic: boolean }): Inline {
  const inner: Inline = marks.italic ? { is: 'italic', of: [{ is: 'text', text }] } : { is: 'text', text };
  return marks.bold ? { is: 'bold', of: [inner] } : inner;
}

/** Every printed line as runs of one look. */
function linesOf(text: RichText, fit: Fit): Run[][] {
  return text.flatMap((block) => {
    if (block.is === 'paragraph' || block.is === 'heading')
      return split(runsOf(block.of, { bold: block.is === 'heading', italic: false }, fit));
    return toPlain([block])
      .split('\n')
      .map((line) => [{ text: cleaned(line), bold: false, italic: false }]);
  });
}

function runsOf(inlines: readonly Inline[], marks: { bold: boolean; italic: boolean }, fit: Fit): Run[] {
  return inlines.flatMap((inline): Run[] => {
    if (inline.is === 'break') return [{ ...marks, text: '\n' }];
    if (inline.is === 'bold') return runsOf(inline.of, { ...marks, bold: true }, fit);
    if (inline.is === 'italic') return runsOf(inline.of, { ...marks, italic: true }, fit);
    if (inline.is === 'mention' && ('user' in inline.of || 'remote' in inline.of)) {
      return [{ ...marks, text: cleaned(fit.mention(inline.of) ?? inline.text) }];
    }
    if (inline.is !== 'link' && inline.is !== 'spoiler' && 'of' in inline && inline.is !== 'mention') return runsOf(inline.of, marks, fit);
    return [{ ...marks, text: cleaned(plainOfInlines([inline])) }];
  });
}

function split(runs: readonly Run[]): Run[][] {
  const lines: Run[][] = [[]];
  for (const run of runs) {
    if (run.text === '\n') lines.push([]);
    else lines.at(-1)?.push(run);
  }
  return lines;
}

function cut(runs: readonly Run[], bytes: number): string[] {
  const bodies: string[] = [];
  let body = '';
  let used = 0;
  let says = false;
  let now = { bold: false, italic: false };
  const begin = () => {
    if (says) bodies.push(body);
    body = '';
    used = 0;
    says = false;
    now = { bold: false, italic: false };
  };
  for (const run of runs) {
    for (const { segment } of graphemes.segment(run.text)) {
      const whole = Buffer.byteLength(segment) + 2 > bytes ? [...segment] : [segment];
      for (const piece of whole) {
        let toggles = togglesFor(now, run);
        if (used + toggles.length + Buffer.byteLength(piece) > bytes) {
          begin();
          toggles = togglesFor(now, run);
        }
        body += toggles + piece;
        used += toggles.length + Buffer.byteLength(piece);
        now = run;
        if (piece.trim() !== '') says = true;
      }
    }
  }
  begin();
  return bodies;
}

const togglesFor = (now: Omit<Run, 'text'>, run: Run): string =>
  (now.bold === run.bold ? '' : bold) + (now.italic === run.italic ? '' : italic);

const cleaned = (text: string): string => text.replace(/[\u0000-\u001f]/g, ' ');
