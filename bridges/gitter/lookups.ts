// Who and what is meant by fields from outside: of a name template (`user`, `room`) or of Matrix's third-party look-up (`username`,
// `room`). By shape alone.

import type { ChannelId, Found, Lookups, RemoteUserId } from '#bridge-core';
import { isRoomUri, isUserName, makeChannelId, makeNamedUserId, makeUserId, parseChannelId } from './ids.ts';
import type { Users } from './users.ts';

type Fields = Readonly<Record<string, string>>;

export class GitterLookups implements Lookups {
  readonly userFields = ['username'];
  readonly locationFields = ['room'];
  readonly fieldTypes = {
    username: { regexp: '@?[A-Za-z0-9][\\w-]*', placeholder: 'username' },
    room: { regexp: '[\\w.-]+(/[\\w.-]+){0,2}', placeholder: 'org/room' },
  };
  readonly #users: Users;
  readonly #domain: string;

  constructor(parts: { readonly users: Users; readonly apiUrl: string }) {
    this.#users = parts.users;
    this.#domain = new URL(parts.apiUrl).hostname;
  }

  networks() {
    return [{ id: 'gitter', name: 'Gitter', domain: this.#domain }];
  }

  user({ user, username }: Fields): Found<RemoteUserId> | undefined {
    if (user !== undefined) {
      const name = this.#users.nameOf(user);
      return { id: makeUserId(user), fields: name === undefined ? { user } : { username: name } };
    }
    const name = username?.replace(/^@/, '') ?? '';
    return isUserName(name) ? { id: makeNamedUserId(name), fields: { username: name } } : undefined;
  }

  channel({ room, channel }: Fields): Found<ChannelId> | undefined {
    const uri = room ?? channel ?? '';
    return isRoomUri(uri) ? { id: makeChannelId(uri), fields: { room: uri.toLowerCase() } } : undefined;
  }

  fieldsOf(channel: ChannelId): Fields {
    const given = parseChannelId(channel);
    return { room: 'uri' in given ? given.uri : `~${given.room}` };
  }
}
