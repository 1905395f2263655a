// Words on their way to Slack: the inline nodes of a rich text as runs, each with its look, of what Slack can show. Who is pinged
// is decided here and nowhere else: a person by what `mention` gives, everybody where the author may, nobody by what is typed.

import { addressesIn, type Fit, type Inline, matrixTo, plainOfInlines } from '#bridge-core';
import { emojiIn, hasEmoji, nameOfSign } from './emoji.ts';
import { parseId } from './ids.ts';
import { printable } from './reading.ts';

export interface Look {
  readonly bold: boolean;
  readonly italic: boolean;
  readonly strike: boolean;
  readonly code: boolean;
  readonly link: string | undefined;
}

export type Run = { readonly look: Look } & (
  | { readonly say: 'text'; readonly text: string }
  | { readonly say: 'break' }
  /** Ids of Slack; `words` for where they cannot stand. */
  | { readonly say: 'user' | 'channel'; readonly id: string; readonly words: string }
  | { readonly say: 'everyone'; readonly range: 'channel' | 'here'; readonly words: string }
  /** `words` is the sign, or `:name:` of a workspace's own. */
  | { readonly say: 'emoji'; readonly name: string; readonly words: string }
);

export interface Voice {
  readonly mention: Fit['mention'];
  readonly mayNotifyAll: boolean;
  /** Has the workspace an emoji of its own by this name? */
  isOwnEmoji(name: string): boolean;
}

export const plainLook: Look = { bold: false, italic: false, strike: false, code: false, link: undefined };

/** Longer ones Slack refuses. */
const longestAddress = 3_000;

export function runsOf(inlines: readonly Inline[], voice: Voice, look: Look = plainLook): Run[] {
  const writer = new Writer(voice);
  writer.inlines(inlines, look);
  return writer.runs;
}

/** As they read where nothing else can stand. */
export const wordsOfRun = (run: Run): string => (run.say === 'text' ? run.text : run.say === 'break' ? '\n' : run.words);

class Writer {
  readonly runs: Run[] = [];
  readonly #voice: Voice;

  constructor(voice: Voice) {
    this.#voice = voice;
  }

  inlines(inlines: readonly Inline[], look: Look): void {
    for (const inline of inlines) this.#inline(inline, look);
  }

  #inline(inline: Inline, look: Look): void {
    switch (inline.is) {
      case 'text':
        this.#words(inline.text, look);
        break;
      case 'break':
        this.runs.push({ say: 'break', look });
        break;
      case 'code':
        this.#text(inline.text, { ...look, code: true });
        break;
      case 'image':
        this.#image(inline, look);
        break;
      case 'mention':
        this.#mention(inline, look);
        break;
      case 'link':
        this.#link(inline, look);
        break;
      case 'spoiler':
        this.#text(inline.reason === undefined ? '(spoiler) ' : `(spoiler: ${inline.reason}) `, look);
        this.inlines(inline.of, look);
        break;
      case 'superscript':
        this.#raised('^', inline.of, look);
        break;
      case 'subscript':
        this.#raised('_', inline.of, look);
        break;
      case 'bold':
      case 'italic':
      case 'strike':
        this.inlines(inline.of, { ...look, [inline.is]: true });
        break;
      default:
        // Slack underlines links alone, and has no colours.
        this.inlines(inline.of, look);
    }
  }

  /** Slack makes links of addresses that it finds in its own text, not of those in blocks. */
  #words(words: string, look: Look): void {
    let done = 0;
    for (const { start, end } of look.link === undefined ? addressesIn(words) : []) {
      const address = words.slice(start, end);
      const to = linkable(address);
      if (to === undefined) continue;
      this.#signs(words.slice(done, start), look);
      this.#text(address, { ...look, link: to });
      done = end;
    }
    this.#signs(words.slice(done), look);
  }

  /** Words with emoji in them. Those with a tone stay signs, for Slack's name of one bears none. */
  #signs(words: string, look: Look): void {
    let done = 0;
    if (look.link === undefined && hasEmoji(words)) {
      for (const { 0: sign, index } of words.matchAll(emojiIn)) {
        const name = nameOfSign(sign);
        if (name === undefined || name.includes('::')) continue;
        this.#text(words.slice(done, index), look);
        this.runs.push({ say: 'emoji', name, words: sign, look });
        done = index + sign.length;
      }
    }
    this.#text(words.slice(done), look);
  }

  #text(words: string, look: Look): void {
    const text = printable(words).toWellFormed();
    if (text === '') return;
    const last = this.runs.at(-1);
    if (last?.say === 'text' && sameLook(last.look, look)) this.runs[this.runs.length - 1] = { ...last, text: last.text + text };
    else this.runs.push({ say: 'text', text, look });
  }

  #image({ source, alt }: Inline & { is: 'image' }, look: Look): void {
    const words = alt === '' ? 'image' : alt;
    const name = /^:([^\s:]+):$/.exec(alt)?.[1];
    if (name !== undefined && look.link === undefined && this.#voice.isOwnEmoji(name)) {
      this.runs.push({ say: 'emoji', name, words, look });
      return;
    }
    const to = look.link ?? linkable(source);
    this.#text(words, { ...look, link: to });
  }

  #mention({ of, text }: Inline & { is: 'mention' }, look: Look): void {
    if ('everyone' in of) {
      const words = text.startsWith('@') ? text : `@${text}`;
      const range = /^@?here$/i.test(text) ? 'here' : 'channel';
      if (!this.#voice.mayNotifyAll || look.link !== undefined) this.#text(words, look);
      else this.runs.push({ say: 'everyone', range, words, look });
    } else if ('channel' in of) {
      const { id } = parseId(of.channel);
      const words = text.startsWith('#') ? text : `#${text}`;
      if (!/^[CGD][A-Z0-9]+$/.test(id) || look.link !== undefined) this.#text(words, look);
      else this.runs.push({ say: 'channel', id, words, look });
    } else if ('room' in of) {
      const words = /^[#!]|\s/.test(text) ? text : `#${text}`;
      this.#text(words, look.link === undefined ? { ...look, link: matrixTo(of.room) } : look);
    } else {
      const called = this.#voice.mention(of);
      const id = /^<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>$/.exec(called ?? '')?.[1];
      const words = 'user' in of && of.user === `@${text}` ? of.user : text;
      if (id !== undefined && look.link === undefined) this.runs.push({ say: 'user', id, words, look });
      else this.#text(id === undefined ? (called ?? words) : words, look);
    }
  }

  #link({ to, of }: Inline & { is: 'link' }, look: Look): void {
    const words = plainOfInlines(of).trim();
    const address = to.replace(/^mailto:/i, '');
    const link = linkable(to);
    if (link !== undefined) {
      const inner = { ...look, link: look.link ?? link };
      if (words === '') this.#text(address, inner);
      else this.inlines(of, inner);
      return;
    }
    this.inlines(of, look);
    if (words === '') this.#text(address, look);
    else if (!words.includes(address)) this.#text(` (${address})`, look);
  }

  /** A word alone needs no brackets. */
  #raised(sign: string, of: readonly Inline[], look: Look): void {
    const isWord = /^[\p{L}\p{N}]+$/u.test(plainOfInlines(of));
    this.#text(isWord ? sign : `${sign}(`, look);
    this.inlines(of, look);
    if (!isWord) this.#text(')', look);
  }
}

/** Slack opens web and mail addresses alone; signs that would end one in its text are written as their codes. */
function linkable(address: string): string | undefined {
  if (address.length > longestAddress || !/^(?:https?:\/\/|mailto:)./i.test(address)) return undefined;
  return address.toWellFormed().replace(/[\s<>|\\^`{}]/g, encodeURIComponent);
}

export function sameLook(one: Look, other: Look): boolean {
  return (
    one === other ||
    (one.bold === other.bold &&
      one.italic === other.italic &&
      one.strike === other.strike &&
      one.code === other.code &&
      one.link === other.link)
  );
}
