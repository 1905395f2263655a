// The leaves of a Slack message, whichever of its markups they stand in: people, places, emoji, addresses, plain words.

import { type Block, type Inline, safeAddress, text } from '#bridge-core';
import { emojiNamed, signOfCodes } from './emoji.ts';
import { makeChannelId, makeUserId } from './ids.ts';
import type { FormatterNames } from './names.ts';

export class Reading {
  readonly #names: FormatterNames;
  readonly #team: string;
  readonly #here: string;

  /** `here`: the channel in which it is read. */
  constructor(names: FormatterNames, team: string, here: string) {
    this.#names = names;
    this.#team = team;
    this.#here = here;
  }

  user(id: string, label = ''): Inline {
    const name = this.#names.user(this.#team, id) ?? (label.replace(/^@/, '') || id);
    return { is: 'mention', of: { remote: makeUserId(this.#team, id) }, text: oneLine(name) };
  }

  channel(id: string, label = ''): Inline {
    const name = this.#names.channel(this.#team, id, this.#here) ?? (label || id);
    return { is: 'mention', of: { channel: makeChannelId(this.#team, id) }, text: oneLine(name.replace(/^#/, '')) };
  }

  /** Whether what is said in that channel is for who reads here. */
  mayTell(channel: string): boolean {
    return this.#names.isForAll?.(this.#team, channel, this.#here) ?? channel === this.#here;
  }

  /** Matrix has no groups of people: only their name stays. */
  usergroup(id: string, label = ''): Inline {
    const handle = this.#names.usergroup(this.#team, id) ?? (label || id);
    return text(`@${oneLine(handle.replace(/^@/, ''))}`);
  }

  /** `range` is `here`, `channel` or `everyone`. */
  everyone(range: string): Inline {
    return { is: 'mention', of: { everyone: true }, text: range };
  }

  /** `codes`: the code points that Slack writes beside a name. Undefined: nobody has an emoji of this name. */
  emoji(name: string, codes?: string): Inline | undefined {
    const sign = codes === undefined ? undefined : signOfCodes(codes);
    if (sign !== undefined) return text(sign);
    const found = emojiNamed(name, (own) => this.#names.emoji(this.#team, own));
    if (found === undefined) return undefined;
    return 'sign' in found ? text(found.sign) : { is: 'image', source: found.address, alt: `:${name}:` };
  }

  /** The words alone, where the address is none that may become a link; the address, where there are no words. */
  link(address: string, of: readonly Inline[] = []): readonly Inline[] {
    const words = of.some((inline) => inline.is !== 'text' || inline.text.trim() !== '') ? of : [text(shown(address))];
    const to = safeAddress(address);
    return to === undefined ? words : [{ is: 'link', to, of: words.some(mayLead) ? words.flatMap(unlinked) : words }];
  }

  /** A picture to be looked at. Slack's own files have an address too, which asks for a token. */
  picture(address: string | undefined, alt: string, size: { readonly width?: number; readonly height?: number } = {}): readonly Inline[] {
    const words = oneLine(alt) || 'image';
    const source = address === undefined ? undefined : safeAddress(address);
    if (source?.startsWith('https://')) return [{ is: 'image', source, alt: words, picture: size }];
    return source === undefined ? [text(words)] : this.link(source, [text(words)]);
  }
}

const mayLead = ({ is }: Inline): boolean => is !== 'text' && is !== 'code';

/** Nothing in a link leads elsewhere. */
function unlinked(inline: Inline): readonly Inline[] {
  if (inline.is === 'link') return inline.of.flatMap(unlinked);
  if (inline.is === 'mention') return [text(inline.text)];
  return 'of' in inline ? [{ ...inline, of: inline.of.flatMap(unlinked) }] : [inline];
}

const shown = (address: string): string => printable(address.replace(/^(?:mailto|tel):/i, ''));

/** Words as they are, a `break` for each end of line. */
export function plainly(words: string): Inline[] {
  const nodes: Inline[] = [];
  for (const [number, line] of words.split(/\r\n|\n|\r/).entries()) {
    if (number > 0) nodes.push({ is: 'break' });
    const shown = printable(line);
    if (shown !== '') nodes.push(text(shown));
  }
  return nodes;
}

export const oneLine = (words: string): string => printable(words.replace(/\s+/g, ' ')).trim();

export const printable = (words: string): string => words.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, '');

/** A paragraph without the breaks around it; none, where nothing is left. */
export function paragraphOf(inlines: readonly Inline[]): Block[] {
  const isEmpty = (inline: Inline | undefined) => inline?.is === 'break' || (inline?.is === 'text' && inline.text.trim() === '');
  let start = 0;
  let end = inlines.length;
  while (start < end && isEmpty(inlines[start])) start += 1;
  while (end > start && isEmpty(inlines[end - 1])) end -= 1;
  return start === end ? [] : [{ is: 'paragraph', of: inlines.slice(start, end) }];
}

/** Inline nodes side by side, with `between` them. */
export function joined(parts: readonly (readonly Inline[])[], between: Inline): Inline[] {
  return parts.filter((part) => part.length > 0).flatMap((part, at) => (at === 0 ? part : [between, ...part]));
}
