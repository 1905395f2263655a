// The people of Gitter as they were last seen: known by what is told of them, for Gitter tells nobody by an id alone. Who was renamed
// is noticed by what they say next.

import { type RemoteUser, visibleLine } from '#bridge-core';
import { makeUserId } from './ids.ts';
import { isRefusal } from './wire/faults.ts';
import { hasId, userIn, type WireUser } from './wire/objects.ts';
import type { Call } from './wire/rest.ts';

const longestName = 250;
/** More are forgotten, oldest first. */
const mostKept = 20_000;

export class Users {
  readonly #ask: (call: Call) => Promise<unknown>;
  readonly #kept = new Map<string, WireUser>();

  constructor(parts: { readonly ask: (call: Call) => Promise<unknown> }) {
    this.#ask = parts.ask;
  }

  /** Who they were, where they are called or look different now. */
  keep(told: WireUser): RemoteUser | undefined {
    const user = userIn(told) ?? told;
    const known = this.#kept.get(user.id);
    // Where they are told in short, what is known goes on.
    const now = { ...known, ...user };
    this.#kept.delete(user.id);
    this.#kept.set(user.id, now);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostKept && oldest !== undefined) this.#kept.delete(oldest);
    if (known === undefined) return undefined;
    const was = remoteUserOf(known);
    const is = remoteUserOf(now);
    return was.name === is.name && was.avatar === is.avatar ? undefined : was;
  }

  known(id: string): WireUser | undefined {
    return this.#kept.get(id);
  }

  /** Somebody of whom nothing is known is called by their id. */
  person(id: string): RemoteUser {
    return remoteUserOf(this.#kept.get(id) ?? { id });
  }

  nameOf(id: string): string | undefined {
    return this.#kept.get(id)?.username;
  }

  async find(given: { readonly id: string } | { readonly name: string }): Promise<RemoteUser | undefined> {
    const known = 'id' in given ? this.#kept.get(given.id) : undefined;
    const name = 'name' in given ? given.name : known?.username;
    if (name === undefined) return undefined;
    const told = await this.#ask({ route: '/users/:name', with: { name }, haste: 'background' }).catch((thrown) => {
      if (isRefusal(thrown, 400, 404)) return undefined;
      throw thrown;
    });
    // A public profile need not bear the id; who was known by this name is them.
    const user = { ...known, ...(told as object | undefined) };
    if (told === undefined || !hasId(user) || ('id' in given && user.id !== given.id)) return undefined;
    this.keep(user);
    return remoteUserOf(user);
  }
}

/** As a homeserver takes it. */
const shown = (name = ''): string => visibleLine(name.slice(0, 4 * longestName), longestName);

export function remoteUserOf(user: WireUser): RemoteUser {
  const { id, username, displayName, avatarUrlMedium, avatarUrl } = userIn(user) ?? user;
  const avatar = avatarUrlMedium ?? avatarUrl;
  return {
    id: makeUserId(id),
    name: shown(displayName) || shown(username) || id,
    fields: { user: id, username: username ?? id },
    ...(avatar !== undefined && avatar !== '' && { avatar }),
  };
}
