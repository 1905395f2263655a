// gitter.im became a Matrix server in 2023: each of its rooms is a Matrix room now, whose alias has the room's name with its first `/`
// made an `_`. From names and links of Gitter to those rooms, and from such an alias to what the room may have been called.

import { matrixTo, PermanentError, type RoomId } from '#bridge-core';
import { isId, isRoomUri } from './ids.ts';

export interface ResolverParts {
  readonly server: string;
  readonly resolveAlias: (alias: string) => Promise<RoomId | undefined>;
}

export interface Successor {
  readonly alias: string;
  readonly room: RoomId;
}

/** More underscores make more names than anybody wants to try. */
const mostNames = 8;

export class Resolver {
  readonly #parts: ResolverParts;

  constructor(parts: ResolverParts) {
    this.#parts = parts;
  }

  /** The first of what the name may mean that is there. */
  async find(query: string): Promise<Successor | undefined> {
    for (const alias of aliasesFor(query, this.#parts.server)) {
      const room = await this.#parts.resolveAlias(alias);
      if (room !== undefined) return { alias, room };
    }
    return undefined;
  }

  /** For people: where it is, and what to do with it. */
  async answer(query: string): Promise<string> {
    if (query.trim() === '') throw new PermanentError('BAD_REQUEST', 'which room do you mean? Give its name in Gitter, or a link to it');
    const found = await this.find(query);
    if (found === undefined)
      throw new PermanentError('CHANNEL_UNKNOWN', `${this.#parts.server} has no room for ${query.trim().slice(0, 100)}`);
    return `${query.trim().slice(0, 100)} is the Matrix room ${found.alias} now. ${waysTo(found)}`;
  }

  /** Said where such a room is looked for here in vain; undefined: it is not there either. */
  async hint(query: string): Promise<string | undefined> {
    const found = await this.find(query).catch(() => undefined);
    return found && `there is no ${query.trim().slice(0, 100)} in this Gitter; it is the Matrix room ${found.alias} now. ${waysTo(found)}`;
  }

  /** What the room of this alias was called in Gitter, likeliest first. */
  namesIn(query: string): string[] {
    const { localpart, server } = readAlias(query.trim()) ?? {};
    return localpart === undefined || server !== this.#parts.server ? [] : urisFor(localpart);
  }
}

function waysTo({ alias }: Successor): string {
  return `Join it: ${matrixTo(alias)} – or link it: invite me there and say “link ${alias}” with the channel that you want.`;
}

/** In order: as it was written, then in small letters, for Gitter did not tell them apart. */
export function aliasesFor(query: string, server: string): string[] {
  const words = query.trim();
  const alias = readAlias(words.replace(/^https?:\/\/(?:matrix\.to\/#\/|app\.gitter\.im\/#\/room\/)/i, ''));
  if (alias !== undefined) return alias.server === server ? [`#${alias.localpart}:${server}`] : [];
  const uri = words
    .replace(/^https?:\/\/[^/\s]+\//i, '')
    .replace(/[?#].*$/, '')
    .replace(/\/(?:~\w+)?$/, '');
  if (!isRoomUri(uri) && !isId(uri)) return [];
  const localpart = uri.replace('/', '_');
  return [...new Set([localpart, localpart.toLowerCase()])].map((name) => `#${name}:${server}`);
}

/** Each `_` may have been the `/`. */
export function urisFor(localpart: string): string[] {
  const at = [...localpart.matchAll(/_/g)].map(({ index }) => index);
  const names = at.map((index) => `${localpart.slice(0, index)}/${localpart.slice(index + 1)}`);
  return [...names, localpart].filter(isRoomUri).slice(0, mostNames);
}

function readAlias(text: string): { readonly localpart: string; readonly server: string } | undefined {
  const [, localpart, server] = /^#([^:\s]{1,255}):(\S{1,255})$/.exec(decodedOf(text)) ?? [];
  return localpart === undefined || server === undefined ? undefined : { localpart, server: server.replace(/[?].*$/, '') };
}

function decodedOf(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
