// Branded ids: plain strings at run time, kept apart by the type checker. Remote ids are opaque to the core;
// only an adapter makes and parses them (its ids.ts).

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type RoomId = Branded<'RoomId'>;
export type UserId = Branded<'UserId'>;
export type EventId = Branded<'EventId'>;
/** A channel (or direct chat) on one network, the network's name within it: `libera/#node`, `T0001/C0002`. Case-folded. */
export type ChannelId = Branded<'ChannelId'>;
/** A person on one network, case-folded where the network folds: `libera/alice`. */
export type RemoteUserId = Branded<'RemoteUserId'>;
export type RemoteMessageId = Branded<'RemoteMessageId'>;

export const roomId = (text: string): RoomId => text as RoomId;
export const userId = (text: string): UserId => text as UserId;
export const eventId = (text: string): EventId => text as EventId;
export const channelId = (text: string): ChannelId => text as ChannelId;
export const remoteUserId = (text: string): RemoteUserId => text as RemoteUserId;
export const remoteMessageId = (text: string): RemoteMessageId => text as RemoteMessageId;

/** `@local:domain` → `domain`; user ids always carry one (room ids need not: version 12). */
export function domainOf(user: UserId): string {
  return user.slice(user.indexOf(':') + 1);
}

/** `@local:domain` → `local`. */
export function localpartOf(user: UserId): string {
  return user.slice(1, user.indexOf(':'));
}
