// The ids that the core stores and hands back: `gitter/org/room` for a room, `gitter/~<id>` for a chat of two (it has no name of its
// own), `gitter/<id>` for a person, `gitter/@name` for one of whom only the name is known, the 24 hex digits for a message. Nothing
// else in this folder takes an id apart.

import { type ChannelId, channelId, type RemoteMessageId, type RemoteUserId, remoteMessageId, remoteUserId } from '#bridge-core';

/** The one network of this adapter, as links, logins and answers call it. */
export const network = 'gitter';

const start = `${network}/`;

/** Upper and lower case are the same to Gitter. */
export const makeChannelId = (uri: string): ChannelId => channelId(start + uri.toLowerCase());
export const makeChatId = (room: string): ChannelId => channelId(`${start}~${room}`);
export const makeUserId = (id: string): RemoteUserId => remoteUserId(start + id);
export const makeNamedUserId = (name: string): RemoteUserId => remoteUserId(`${start}@${name}`);
export const makeMessageId = (id: string): RemoteMessageId => remoteMessageId(id);

/** `org/room`, or of a chat of two the room's own id. */
export function parseChannelId(id: ChannelId): { readonly uri: string } | { readonly room: string } {
  const rest = id.startsWith(start) ? id.slice(start.length) : id;
  return rest.startsWith('~') ? { room: rest.slice(1) } : { uri: rest };
}

export function parseUserId(id: RemoteUserId): { readonly id: string } | { readonly name: string } {
  const rest = id.startsWith(start) ? id.slice(start.length) : id;
  return rest.startsWith('@') ? { name: rest.slice(1) } : { id: rest };
}

export const isId = (text: string): boolean => /^[0-9a-f]{24}$/.test(text);

/** `org`, `org/room`, `org/repo/room`. */
export const isRoomUri = (text: string): boolean => text.length <= 255 && /^[\w.-]+(?:\/[\w.-]+){0,2}$/.test(text);

/** As GitHub and the others give them: `ada`, `ada_gitlab`. */
export const isUserName = (text: string): boolean => /^[A-Za-z0-9][\w-]{0,79}$/.test(text);

/** ms: an id begins with the second in which it was made. Undefined for what is no id of Gitter's. */
export function timeOf(id: string): number | undefined {
  return isId(id) ? Number.parseInt(id.slice(0, 8), 16) * 1_000 : undefined;
}

/** No id of that second or a later one stands before it. */
export const firstIdAt = (at: number): RemoteMessageId =>
  makeMessageId(
    Math.floor(at / 1_000)
      .toString(16)
      .padStart(8, '0') + '0'.repeat(16),
  );
