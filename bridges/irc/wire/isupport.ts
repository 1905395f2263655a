// What a server said of itself in 005, made safe: values that make no sense are ignored, large ones capped. Immutable, and one
// object for all connections that were told the same, since a thousand of them to one network hold the same fifty tokens.

import type { Isupport } from './connection.ts';

const defaultChanmodes = ['b', 'k', 'l', 'imnpst'] as const;
const defaultPrefix: ReadonlyMap<string, string> = new Map([
  ['o', '@'],
  ['v', '+'],
]);

/** Tokens that one server may set; more is nonsense, and would cost memory on every connection. */
const maxTokens = 200;

class ServerSupport implements Isupport {
  readonly casemapping: string;
  readonly chantypes: string;
  readonly nicklen: number;
  readonly linelen: number;
  readonly topiclen: number;
  readonly prefix: ReadonlyMap<string, string>;
  readonly chanmodes: readonly [string, string, string, string];
  readonly network: string | undefined;
  readonly statusmsg: string;
  readonly utf8only: boolean;
  readonly #tokens: ReadonlyMap<string, string>;
  readonly #fold: (name: string) => string;

  constructor(tokens: ReadonlyMap<string, string>) {
    this.#tokens = tokens;
    this.casemapping = tokens.get('CASEMAPPING')?.toLowerCase() || 'rfc1459';
    this.#fold = foldOf(this.casemapping);
    this.chantypes = signs(tokens.get('CHANTYPES')) ?? '#&';
    this.nicklen = whole(tokens.get('NICKLEN'), 1, 256) ?? whole(tokens.get('MAXNICKLEN'), 1, 256) ?? 30;
    this.linelen = whole(tokens.get('LINELEN'), 512, 8_192) ?? 512;
    this.topiclen = whole(tokens.get('TOPICLEN'), 1, 8_192) ?? 390;
    this.prefix = prefixes(tokens.get('PREFIX')) ?? defaultPrefix;
    this.chanmodes = modeClasses(tokens.get('CHANMODES')) ?? defaultChanmodes;
    this.network = /^\P{Cc}{1,100}$/u.exec(tokens.get('NETWORK') ?? '')?.[0];
    this.statusmsg = signs(tokens.get('STATUSMSG')) ?? '';
    this.utf8only = tokens.has('UTF8ONLY');
  }

  get(token: string): string | undefined {
    return this.#tokens.get(token.toUpperCase());
  }

  fold(name: string): string {
    return this.#fold(name);
  }

  /** The tokens as they would be sent, sorted. */
  tokens(): string[] {
    return Array.from(this.#tokens, ([name, value]) => (value === '' ? name : `${name}=${value}`)).sort();
  }
}

const shared = new Map<string, ServerSupport>();

/** Tokens of one or more 005 lines, in order, onto what was known before: `NAME`, `NAME=value`, `-NAME`. */
export function isupportFrom(tokens: readonly string[], before?: Isupport): Isupport {
  const values = new Map(before instanceof ServerSupport ? before.tokens().map(split) : []);
  for (const token of tokens) {
    if (token.startsWith('-')) values.delete(token.slice(1).toUpperCase());
    else if (/^[A-Za-z0-9./_-]+(=|$)/.test(token)) {
      const [name, value] = split(token);
      if (values.has(name) || values.size < maxTokens) values.set(name, unescapeValue(value));
    }
  }
  const made = new ServerSupport(values);
  const key = made.tokens().join(' ');
  const known = shared.get(key);
  if (known !== undefined) return known;
  if (shared.size >= 32) shared.clear();
  shared.set(key, made);
  return made;
}

function split(token: string): [string, string] {
  const at = token.indexOf('=');
  return at < 0 ? [token.toUpperCase(), ''] : [token.slice(0, at).toUpperCase(), token.slice(at + 1)];
}

function unescapeValue(value: string): string {
  return value.replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function whole(value: string | undefined, least: number, most: number): number | undefined {
  if (value === undefined || !/^\d{1,9}$/.test(value)) return undefined;
  const number = Number(value);
  return number < least ? undefined : Math.min(number, most);
}

/** Signs before a name, never letters or digits, which would make every nick a channel. */
function signs(value: string | undefined): string | undefined {
  return value !== undefined && /^[!-/:-@[-`{-~]{0,16}$/.test(value) ? value : undefined;
}

function prefixes(value: string | undefined): ReadonlyMap<string, string> | undefined {
  if (value === undefined) return undefined;
  if (value === '') return new Map();
  const parts = /^\(([A-Za-z]{0,16})\)([!-/:-@[-`{-~]{0,16})$/.exec(value);
  const [modes = '', marks = ''] = parts?.slice(1) ?? [];
  if (parts === null || modes.length !== marks.length) return undefined;
  return new Map(Array.from(modes, (mode, i) => [mode, marks[i] ?? '']));
}

function modeClasses(value: string | undefined): readonly [string, string, string, string] | undefined {
  if (value === undefined || !/^[A-Za-z,]{3,80}$/.test(value)) return undefined;
  const [list, always, whenSet, never] = value.split(',');
  if (list === undefined || always === undefined || whenSet === undefined || never === undefined) return undefined;
  return [list, always, whenSet, never];
}

const lower = (capitals: RegExp) => {
  const each = (letter: string) => String.fromCharCode(letter.charCodeAt(0) + 32);
  return (name: string) => name.replace(capitals, each);
};
// In ASCII the small form of each of [ \ ] ^ stands 32 above it, like a letter's: { | } ~
const foldAscii = lower(/[A-Z]/g);
const foldRfc1459 = lower(/[A-Z[\\\]^]/g);
const foldRfc1459Strict = lower(/[A-Z[\\\]]/g);
const foldRfc7613 = (name: string) => name.normalize('NFKC').toLowerCase().normalize('NFC');

function foldOf(casemapping: string): (name: string) => string {
  switch (casemapping) {
    case 'ascii':
      return foldAscii;
    case 'rfc1459':
      return foldRfc1459;
    case 'rfc1459-strict':
    case 'strict-rfc1459':
      return foldRfc1459Strict;
    case 'rfc7613':
    case 'precis':
    case 'rfc8265':
      return foldRfc7613;
    default:
      return (name) => name.toLowerCase();
  }
}
