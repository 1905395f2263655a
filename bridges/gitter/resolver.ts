// gitter.im became a Matrix server in 2023: each of its rooms is a Matrix room now, whose alias has the room's name with its first `/`
// made an `_`. From names and links of Gitter to those rooms, and from such an alias to what the room may have been called.

import { setTimeout as delay } from 'node:timers/promises';
import { matrixTo, messageOf, PermanentError, type RoomId } from '#bridge-core';
import { isId, isRoomUri } from './ids.ts';

export interface ResolverParts {
  readonly server: string;
  readonly resolveAlias: (alias: string) => Promise<RoomId | undefined>;
  /** ms that somebody waits for its server. */
  readonly patience?: number;
}

export interface Successor {
  readonly alias: string;
  readonly room: RoomId;
}

/** A homeserver asks another one for as long as minutes. */
const usualPatience = 15_000;

/** More underscores make more names than anybody wants to try. */
const mostNames = 8;

export class Resolver {
  readonly #parts: ResolverParts;

  constructor(parts: ResolverParts) {
    this.#parts = parts;
  }

  /** The first of what the name may mean that is there. Whoever asks is told that it is not known: whatever is the matter with that server
   *  is none of ours, and nothing is tried until it is over. */
  async find(query: string): Promise<Successor | undefined> {
    const { server, patience = usualPatience } = this.#parts;
    const late = new AbortController();
    try {
      const found = this.#find(aliasesFor(query, server));
      return await Promise.race([found, delay(patience, undefined, { signal: late.signal, ref: false }).then(() => refuse('no answer'))]);
    } catch (thrown) {
      throw new PermanentError('BAD_REQUEST', `${server} cannot be asked now (${messageOf(thrown)}): try again later`, {
        cause: thrown,
      });
    } finally {
      late.abort();
    }
  }

  async #find(aliases: readonly string[]): Promise<Successor | undefined> {
    for (const alias of aliases) {
      const room: unknown = await this.#parts.resolveAlias(alias);
      if (typeof room === 'string' && room.startsWith('!')) return { alias, room: room as RoomId };
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

function refuse(why: string): never {
  throw new Error(why);
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
