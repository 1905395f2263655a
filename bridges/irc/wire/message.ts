// Lines of IRC: text to IrcLine by irc-framework's parser, which every connection shares, and OutLine to text by our own
// serialiser, the one place where CR, LF and NUL are taken out. Leaves length budgets to the formatter and the meaning to others.

import { createRequire } from 'node:module';
import { PermanentError } from '#bridge-core';
import type { IrcLine, OutLine } from './connection.ts';

/** What irc-framework's parser returns (it has no types for this file). */
interface ParsedLine {
  readonly tags: Record<string, string>;
  readonly nick: string;
  readonly ident: string;
  readonly hostname: string;
  readonly command: string;
  readonly params: string[];
}

const parse = createRequire(import.meta.url)('irc-framework/src/irclineparser.js') as (text: string) => ParsedLine;

/** `text` without its line end. Never throws; what is no IRC comes back with an empty command. */
export function parseLine(text: string): IrcLine {
  const { tags, nick, ident, hostname, command, params } = parse(text);
  // A prefix without `!` and `@` is a server if it has a dot; the parser then leaves the nick empty.
  if (nick === '') return { tags, nick: hostname, user: '', host: '', command, params };
  return { tags, nick, user: ident, host: hostname, command, params };
}

const lineBreakers = /[\r\n\0]/g;
const notInMiddle = /[\r\n\0 ]/g;
const tagName = /^\+?(?:[a-zA-Z0-9.-]+\/)?[a-zA-Z0-9-]+$/;
const needsEscape = /[\\; \r\n]/g;
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', ';': '\\:', ' ': '\\s', '\r': '\\r', '\n': '\\n' };

/** The most bytes of tags that a client may send, the `@` and the space not counted. */
const clientTagBytes = 4094;

/** One line without CR LF, safe to send whatever the params hold: a middle param loses its spaces and leading colons, and `*`
 *  stands for one that is left empty. Tags that do not fit the budget are left out, the last first. */
export function formatLine(line: OutLine): string {
  const command = line.command.replace(/[^a-zA-Z0-9]/g, '').toUpperCase();
  if (command === '') throw new PermanentError('BAD_REQUEST', `not an IRC command: ${JSON.stringify(line.command)}`);
  let text = line.tags === undefined ? command : formatTags(line.tags) + command;
  const last = line.params.length - 1;
  for (let i = 0; i < last; i++) {
    text += ` ${(line.params[i] ?? '').replace(notInMiddle, '').replace(/^:+/, '') || '*'}`;
  }
  if (last < 0) return text;
  const trailing = (line.params[last] ?? '').replace(lineBreakers, '');
  const needsColon = trailing === '' || trailing.startsWith(':') || trailing.includes(' ');
  return needsColon ? `${text} :${trailing}` : `${text} ${trailing}`;
}

/** `@a=b;c ` or nothing. */
function formatTags(tags: Readonly<Record<string, string>>): string {
  let text = '';
  let bytes = 0;
  for (const [name, value] of Object.entries(tags)) {
    if (!tagName.test(name)) continue;
    const tag = value === '' ? name : `${name}=${value.replaceAll('\0', '').replace(needsEscape, (c) => escapes[c] ?? '')}`;
    const size = Buffer.byteLength(tag) + (text === '' ? 0 : 1);
    if (bytes + size > clientTagBytes) break;
    text += text === '' ? tag : `;${tag}`;
    bytes += size;
  }
  return text === '' ? '' : `@${text} `;
}

/** `text` cut to `bytes` of UTF-8, never inside a character. */
export function cutToBytes(text: string, bytes: number): string {
  if (text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes) return text;
  const raw = Buffer.from(text);
  let end = bytes;
  while (end > 0 && ((raw[end] ?? 0) & 0xc0) === 0x80) end--;
  return raw.toString('utf8', 0, end);
}
