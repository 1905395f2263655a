// What ghosts and aliases are called, both ways. The registration's namespaces follow from the same templates, so the two
// cannot drift apart; who is a ghost is always told here.

import { createHash } from 'node:crypto';
import { ConfigError, PermanentError } from '../errors.ts';
import { type UserId, userId } from '../ids.ts';
import type { RemoteUser } from '../remote-event.ts';
import type { Adopted } from './adopted.ts';

export type Fields = Readonly<Record<string, string>>;

export interface NameTemplates {
  /** `irc_{network}_{nick}`; the words in braces are RemoteUser.fields. */
  readonly ghosts: string;
  readonly aliases: string;
}

export interface Names {
  readonly bot: UserId;
  ghostOf(user: { readonly fields: Fields }): UserId;
  /** By shape, or as one that was adopted; the bot itself is none. */
  isGhost(user: UserId): boolean;
  /** Another bridge made it, and may have spoken by it until just now. */
  isAdopted(user: UserId): boolean;
  /** Undefined for others than ghosts, and for one whose name had to be shortened: its row in `ghosts` knows more. */
  fieldsOfGhost(user: UserId): Fields | undefined;
  aliasOf(fields: Fields): string;
  fieldsOfAlias(alias: string): Fields | undefined;
  displayNameOf(user: RemoteUser): string;
}

export interface Namespace {
  readonly exclusive: true;
  readonly regex: string;
}

/** Matrix's user id grammar without `=`, which is our escape. */
const plain = 'abcdefghijklmnopqrstuvwxyz0123456789._/+-';
const longestId = 255;
const hashLength = 16;
const nobody: Adopted = { byId: new Map(), idOf: new Map() };

export interface NamesGiven extends NameTemplates {
  readonly displayName: string;
  readonly domain: string;
  readonly botLocalpart: string;
  /** Signs written `=2F` in aliases, though they need not be. */
  readonly escapedInAliases?: string | undefined;
  readonly adopted?: Adopted;
}

export function openNames(given: NamesGiven): Names {
  const ghosts = openTemplate(given.ghosts, '@', given.domain);
  const aliases = openTemplate(given.aliases, '#', given.domain, given.escapedInAliases);
  const bot = userId(`@${given.botLocalpart}:${given.domain}`);
  const { byId, idOf } = given.adopted ?? nobody;
  return {
    bot,
    ghostOf(user) {
      const id = ghosts.print(user.fields);
      return byId.get(id) ?? userId(id);
    },
    isGhost: (user) => user !== bot && (ghosts.matches(user) || idOf.has(user)),
    isAdopted: (user) => idOf.has(user),
    fieldsOfGhost(user) {
      // The id that they would have, had they not another, is nobody's.
      if (user === bot || byId.has(user)) return undefined;
      const id = idOf.has(user) ? idOf.get(user) : user;
      return id === undefined ? undefined : ghosts.read(id);
    },
    aliasOf: (fields) => aliases.print(fields),
    fieldsOfAlias: (alias) => aliases.read(alias),
    displayNameOf: (user) =>
      given.displayName.replace(/\{([a-z]+)\}/g, (_, field: string) => (field === 'name' ? user.name : (user.fields[field] ?? ''))),
  };
}

export function namespaces(
  templates: NameTemplates,
  domain: string,
  botLocalpart: string,
): { users: Namespace[]; aliases: Namespace[]; rooms: Namespace[] } {
  const exclusive = (sign: string, template: string): Namespace => {
    const { literals } = parse(template);
    return { exclusive: true, regex: `^${sign}${literals.map(quote).join('[^:]+')}:${quote(domain)}$` };
  };
  return {
    users: [exclusive('@', templates.ghosts), { exclusive: true, regex: `^@${quote(botLocalpart)}:${quote(domain)}$` }],
    aliases: [exclusive('#', templates.aliases)],
    rooms: [],
  };
}

interface Template {
  print(fields: Fields): string;
  matches(id: string): boolean;
  read(id: string): Fields | undefined;
}

function openTemplate(template: string, sign: '@' | '#', domain: string, escaped = ''): Template {
  const { literals, names } = parse(template);
  // A field ends where the text after it begins, so that text's first character is escaped inside the field; the last field
  // ends with the name and needs none of that.
  const free = [...plain].filter((character) => !escaped.includes(character)).join('');
  const alphabets = names.map((_, at) => (at === names.length - 1 ? free : free.replace(literals[at + 1]?.[0] ?? '', '')));
  const end = `:${domain}`;
  const room = longestId - sign.length - Buffer.byteLength(end);
  const start = `${sign}${literals[0]}`;
  const pattern = new RegExp(
    `^${quote(start)}${alphabets
      .map((alphabet, at) => {
        const capitals = [...escaped].map((character) => `|${escapeOf(character, escaped)}`).join('');
        const token = `(?:[${quote(alphabet)}]|=[0-9a-f]{2}${capitals})`;
        return `(${token}+|${token}*==[0-9a-f]{${hashLength}})${quote(literals[at + 1] ?? '')}`;
      })
      .join('')}${quote(end)}$`,
  );

  function print(fields: Fields): string {
    const values = names.map((name, at) => {
      const value = fields[name];
      if (!value) throw new PermanentError('BAD_REQUEST', `no ${name} to fill the name template ${template} with`);
      return encode(value, alphabets[at] ?? plain, escaped);
    });
    const whole = join(values);
    if (whole.length <= room) return `${sign}${whole}${end}`;
    const hash = `==${createHash('sha256').update(whole).digest('hex').slice(0, hashLength)}`;
    const longest = values.reduce((best, value, at) => (value.length > (values[best]?.length ?? 0) ? at : best), 0);
    const long = values[longest] ?? '';
    const kept = long.length - (whole.length - room) - hash.length;
    if (kept < 0) throw new PermanentError('BAD_REQUEST', `the name template ${template} leaves no room for ${whole.slice(0, 80)}…`);
    values[longest] = long.slice(0, kept).replace(/=[0-9a-f]?$/, '') + hash;
    return `${sign}${join(values)}${end}`;
  }

  const join = (values: readonly string[]) => values.reduce((name, value, at) => name + value + literals[at + 1], literals[0] ?? '');

  return {
    print,
    matches: (id) => id.startsWith(start) && pattern.test(id),
    read(id) {
      const found = pattern.exec(id);
      if (found === null) return undefined;
      const fields: Record<string, string> = {};
      for (const [at, name] of names.entries()) {
        const value = decode(found[at + 1] ?? '');
        if (value === undefined) return undefined;
        fields[name] = value;
      }
      // Only the one spelling that we would write is a name of ours: `=61` for `a` stands for nobody.
      return print(fields) === id ? fields : undefined;
    },
  };
}

function parse(template: string): { literals: string[]; names: string[] } {
  const parts = template.split(/\{([a-z]+)\}/);
  const literals = parts.filter((_, at) => at % 2 === 0);
  const names = parts.filter((_, at) => at % 2 === 1);
  const fault =
    names.length === 0
      ? 'names no field in braces'
      : new Set(names).size < names.length
        ? 'names a field twice'
        : literals[0] === ''
          ? 'must begin with fixed text, or every user would be a ghost'
          : literals.slice(1, -1).includes('')
            ? 'needs a character between two fields'
            : literals.some((literal) => [...literal].some((character) => !plain.includes(character)))
              ? `may hold only fields in braces and ${plain.slice(26)} a-z beside them`
              : undefined;
  if (fault !== undefined) throw new ConfigError('CONFIG_INVALID', `the name template ${JSON.stringify(template)} ${fault}`);
  return { literals, names };
}

function encode(value: string, alphabet: string, escaped: string): string {
  let out = '';
  for (const byte of Buffer.from(value, 'utf8')) {
    const character = String.fromCharCode(byte);
    out += alphabet.includes(character) ? character : escapeOf(character, escaped);
  }
  return out;
}

/** In capitals for what is escaped by wish alone. */
function escapeOf(character: string, escaped: string): string {
  const hex = character.charCodeAt(0).toString(16).padStart(2, '0');
  return `=${escaped.includes(character) ? hex.toUpperCase() : hex}`;
}

function decode(value: string): string | undefined {
  if (value.includes('==')) return undefined;
  const bytes = Buffer.from(
    value.replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function quote(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
