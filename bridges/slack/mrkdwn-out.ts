// The parts of a message as mrkdwn: what stands beside the blocks, and all that a webhook takes. It has no escapes but for three
// signs, so that what is typed and would be read as a mark, an emoji or a call to everybody is parted by a sign of no width.

import { zeroWidth } from './mrkdwn-line.ts';
import type { Part } from './parts-out.ts';
import { type Look, type Run, sameLook } from './runs-out.ts';

export function printMrkdwn(parts: readonly Part[]): string {
  let text = '';
  for (const [at, part] of parts.entries()) {
    // Two quotes in a row would be one.
    if (at > 0) text += isQuoted(part) && isQuoted(parts[at - 1]) && part.is !== 'list' ? '\n\n' : '\n';
    text += printPart(part);
  }
  return text;
}

const isQuoted = (part: Part | undefined): boolean => part?.is === 'quote' || (part !== undefined && 'isQuoted' in part && part.isQuoted);

function printPart(part: Part): string {
  switch (part.is) {
    case 'section':
      return printRuns(part.runs);
    case 'quote':
      return quoted(printRuns(part.runs));
    case 'preformatted': {
      if (part.isQuoted)
        return quoted(
          part.text
            .split('\n')
            .map((line) => printRuns([{ say: 'text', text: line, look: code }]))
            .join('\n'),
        );
      return `\`\`\`\n${escaped(part.text.replaceAll('```', `\`\`${zeroWidth}\``))}\n\`\`\``;
    }
    case 'list': {
      const margin = '    '.repeat(part.indent);
      const lines = part.items.map((runs, at) => {
        const mark = part.isOrdered ? `${part.offset + at + 1}. ` : '• ';
        return `${margin}${mark}${printRuns(runs).replaceAll('\n', `\n${margin}${' '.repeat(mark.length)}`)}`;
      });
      return part.isQuoted ? quoted(lines.join('\n')) : lines.join('\n');
    }
    case 'rule':
      return '---';
  }
}

const code: Look = { bold: false, italic: false, strike: false, code: true, link: undefined };

const quoted = (lines: string): string => lines.replace(/^/gm, '> ');

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

const escaped = (text: string): string => (/[&<>]/.test(text) ? text.replace(/[&<>]/g, (sign) => entities[sign] ?? '') : text);

const signs = [
  ['bold', '*'],
  ['italic', '_'],
  ['strike', '~'],
] as const;

function printRuns(runs: readonly Run[]): string {
  const printer = new Printer();
  for (const [at, run] of runs.entries()) printer.run(run, runs[at + 1]);
  return printer.finish();
}

/** Keeps a sign of no width of our own from touching a mark that is meant. */
const joiner = '\u2060';

class Printer {
  #text = '';
  /** Signs open now, outermost first. */
  #open: string[] = [];
  /** Blanks not yet written: marks hug the words. */
  #blanks = '';
  /** A sign stands last that ends something. */
  #hasEnded = false;
  /** Words of the link under way. */
  #label = '';

  run(run: Run, next: Run | undefined): void {
    if (run.say === 'break') {
      this.#close(0);
      this.#text += '\n';
      this.#blanks = '';
      this.#hasEnded = false;
      return;
    }
    if (run.look.link !== undefined && run.say === 'text') {
      this.#label += run.text;
      if (next?.say === 'text' && sameLook(next.look, run.look)) return;
      this.#link(run.look.link, run.look);
      return;
    }
    switch (run.say) {
      case 'text':
        this.#words(run.text, run.look);
        break;
      case 'user':
        this.#whole(`<@${run.id}>`, run.look);
        break;
      case 'channel':
        this.#whole(`<#${run.id}>`, run.look);
        break;
      case 'everyone':
        this.#whole(`<!${run.range}>`, run.look);
        break;
      case 'emoji':
        this.#whole(run.words, run.look);
        break;
    }
  }

  #link(to: string, look: Look): void {
    const label = this.#label.replace(/\s+/g, ' ');
    const address = escaped(to);
    const shown = label.trim();
    if (label.startsWith(' ')) this.#blanks += ' ';
    this.#whole(shown === to || shown === '' ? `<${address}>` : `<${address}|${literal(shown, false)}>`, look);
    if (label.endsWith(' ') && shown !== '') this.#blanks = ' ';
    this.#label = '';
  }

  finish(): string {
    this.#close(0);
    return this.#text + this.#blanks;
  }

  #words(raw: string, look: Look): void {
    const core = raw.trim();
    const start = raw.length - raw.trimStart().length;
    if (core === '') {
      this.#blanks += raw;
      return;
    }
    this.#blanks += raw.slice(0, start);
    if (look.code && !/`|^\u200b|\u200b$/.test(core)) this.#code(escaped(calm(core)), look);
    else this.#write(literal(look.code ? unlinked(core) : core, this.#isLineStart), look);
    this.#blanks = raw.slice(start + core.length);
  }

  get #isLineStart(): boolean {
    return this.#open.length === 0 && this.#blanks === '' && (this.#text === '' || this.#text.endsWith('\n'));
  }

  #code(made: string, look: Look): void {
    this.#turn(look, made);
    if (isWord(this.#text.at(-1)) || this.#text.endsWith('`')) this.#text += zeroWidth;
    this.#text += `\`${made}\``;
    this.#hasEnded = true;
  }

  /** Of what is no letter, on whatever side. */
  #whole(made: string, look: Look): void {
    this.#turn(look, made);
    this.#text += made;
    this.#hasEnded = false;
  }

  #write(made: string, look: Look): void {
    this.#turn(look, made);
    if (this.#hasEnded && isWord(made[0])) this.#text += zeroWidth;
    this.#text += made;
    this.#hasEnded = false;
  }

  /** Ends the marks that are not wanted here, then begins those that are missing. */
  #turn(look: Look, made: string): void {
    const wanted = signs.filter(([name]) => look[name]).map(([, sign]) => sign as string);
    const end = this.#open.findIndex((sign) => !wanted.includes(sign));
    if (end !== -1) this.#close(end);
    this.#text += this.#blanks;
    if (this.#blanks !== '') this.#hasEnded = false;
    this.#blanks = '';
    for (const sign of wanted) {
      if (this.#open.includes(sign)) continue;
      const last = this.#text.at(-1);
      if (isWord(last) || last === sign) this.#text += zeroWidth;
      this.#text += sign;
      this.#open.push(sign);
      this.#hasEnded = false;
      if (made.startsWith(zeroWidth)) this.#text += joiner;
    }
  }

  #close(depth: number): void {
    while (this.#open.length > depth) {
      if (this.#text.endsWith(zeroWidth)) this.#text += joiner;
      this.#text += this.#open.pop();
      this.#hasEnded = true;
    }
  }
}

const isWord = (sign: string | undefined): boolean => sign !== undefined && /[\p{L}\p{N}]/u.test(sign);

/** Slack would make a link of an address in what could not be code, up to the next blank. */
const unlinked = (raw: string): string => raw.replaceAll('://', `:${zeroWidth}//`);

/** Mattermost, which takes these texts too, calls everybody by a bare word. */
const calm = (raw: string): string =>
  raw.includes('@') ? raw.replace(/@(?=(?:channel|here|everyone|all|group|room)(?![\p{L}\p{N}]))/giu, `@${zeroWidth}`) : raw;

/** Nobody is called and nothing looks like an emoji by what is typed. */
function words(raw: string): string {
  const safe = calm(raw)
    .replace(/<(?=[@#!])/g, `<${zeroWidth}`)
    // `10:30:45` is no emoji, and would be none.
    .replace(/(?<!\d):(?=[\p{L}\p{N}_+'.-]{1,100}:)|:(?=[\p{L}\p{N}_+'.-]{1,100}:(?!\d))/gu, `:${zeroWidth}`);
  return escaped(safe);
}

/** As `words`, and nothing is read as a mark, or as a quote where a line begins. */
function literal(raw: string, isLineStart: boolean): string {
  const made = words(raw);
  const marked = /[*_~`]/.test(made) ? made.replace(/([*_~`]+)/g, (cluster, _, at: number) => parted(made, cluster, at)) : made;
  return isLineStart && marked.startsWith('&gt;') ? zeroWidth + marked : marked;
}

function parted(text: string, cluster: string, at: number): string {
  const before = text[at - 1];
  const after = text[at + cluster.length];
  // Within a word a sign is none; of two, the first could end what is marked around them.
  if (cluster.length === 1 && isWord(before) && isWord(after)) return cluster;
  if (before === ' ' && after === ' ' && !cluster.includes('`')) return cluster;
  return `${zeroWidth}${[...cluster].join(zeroWidth)}${zeroWidth}`;
}
