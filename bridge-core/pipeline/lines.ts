// Printed bodies as they go out: the speaker's name where the bot speaks for somebody, the time where it is late, and no
// more of them than the channel bears. Where bodies are text, names and times stand outside them, since a later try may differ
// in both; where they are not, both are part of what is printed, at its head, and a later try says them as they were.

import type { Fit, Formatter } from '../adapter.ts';
import { fromPlain, paragraph, type RichText, text as words } from '../format/rich-text.ts';
import { visibleLine } from '../format/visible.ts';
import type { ChannelId } from '../ids.ts';
import type { Json } from '../remote-event.ts';

/** With no page to put the rest on, this many lines of one message go out before it is cut. */
const mostLines = 100;
const nameLength = 32;
const shownNameLength = 100;

/** Put before every body; `late` only before the first that goes out. */
export interface Decoration {
  readonly name: string;
  readonly late: string;
}

/** `relayed`: in whose name the bot speaks, where the network cannot show it otherwise. */
export function decorationFor(relayed: string | undefined, isEmote: boolean, late: number | undefined): Decoration {
  const name = relayed === undefined ? '' : cleaned(relayed);
  return {
    name: relayed === undefined ? '' : isEmote ? `* ${name} ` : `<${name}> `,
    late: late === undefined ? '' : `[${new Date(late).toISOString().slice(11, 16)} UTC] `,
  };
}

export const undecorated: Decoration = { name: '', late: '' };

export function decorate<Body extends Json>(body: Body, decoration: Decoration, isFirst: boolean): Body {
  return typeof body === 'string' ? (`${decoration.name}${isFirst ? decoration.late : ''}${body}` as Body) : body;
}

/** The text with its decoration, for bodies that nothing can be put before. */
export function headed(text: RichText, { name, late }: Decoration): RichText {
  if (name === '' && late === '') return text;
  const [first, ...rest] = text;
  const head = `${name}${late}`;
  return first?.is === 'paragraph'
    ? [{ is: 'paragraph', of: [words(head), ...first.of] }, ...rest]
    : [paragraph(words(head.trimEnd())), ...text];
}

export function narrowed(fit: Fit, decoration: Decoration): Fit {
  const taken = Buffer.byteLength(decoration.name) + Buffer.byteLength(decoration.late);
  if (taken === 0) return fit;
  const { multiline } = fit;
  return {
    ...fit,
    bytes: Math.max(16, fit.bytes - taken),
    ...(multiline !== undefined && { multiline: { ...multiline, bytes: Math.max(16, multiline.bytes - taken) } }),
  };
}

/** An earlier try's body as what fits now: itself, or printed again from what it says. */
export function refitted<Body extends Json>(formatter: Formatter<Body>, body: Body, fit: Fit, channel: ChannelId): readonly Body[] {
  if (typeof body === 'string' && Buffer.byteLength(body) <= (fit.multiline?.bytes ?? fit.bytes)) return [body];
  const pieces = formatter.print(formatter.parse(body, channel), fit);
  return pieces.length > 1 || typeof body === 'string' ? pieces : [body];
}

/** Prints within the channel's budget; what is over it goes to a page, whose address stands in the last line. */
export async function printWithin<Body extends Json>(
  formatter: Formatter<Body>,
  text: RichText,
  fit: Fit,
  page: () => Promise<string | undefined>,
): Promise<Body[]> {
  const all = formatter.print(text, fit);
  if (all.length <= fit.lines) return all;
  const address = await page();
  if (address === undefined && all.length <= mostLines) return all;
  const kept = address === undefined ? mostLines : Math.max(1, fit.lines - 1);
  const rest = all.length - kept;
  const words = `… ${rest} more line${rest === 1 ? '' : 's'}${address === undefined ? ' not shown' : `: ${address}`}`;
  return [...all.slice(0, kept), ...formatter.print(fromPlain(words), fit)];
}

/** One line without the signs that stand around it: `op> yes` in a name would read as the words of another. */
function cleaned(name: string): string {
  return shownName(name.replace(/[<>]+/g, ' '), nameLength);
}

/** Is there anything of it to show, wherever it stands? */
export function isShowable(name: string): boolean {
  return /[^<>\p{Cc}\p{Cf}\s]/u.test(name);
}

/** A name for the network to show: one line, nothing in it that cannot be seen. */
export function shownName(name: string, most = shownNameLength): string {
  return visibleLine(name, most) || '?';
}
