// The one door to the homeserver. Message sends are a plain PUT over our own undici Agent under a transaction id of ours;
// what is asked now and then goes through the bridge library's Intent, on the same Agent. Every failure comes out as an error of the catalogue.

import type { EventId, RoomId, UserId } from '../ids.ts';
import type { Content, MatrixEvent } from '../matrix-event.ts';

export interface Homeserver {
  readonly domain: string;
  readonly bot: UserId;

  // — sends: exactly once for one `txn` while the homeserver remembers it (half an hour, in memory)
  /** `at`: origin_server_ts in ms, for what is delivered late. */
  send(as: UserId, room: RoomId, type: string, txn: string, content: Content, at?: number): Promise<EventId>;
  redact(as: UserId, room: RoomId, target: EventId, txn: string, content: Content, at?: number): Promise<EventId>;
  /** Never waits for others, never retried: where the homeserver is busy it is not sent at all. */
  typing(as: UserId, room: RoomId, on: boolean): Promise<void>;
  /** That `as` has read so far; as little waited for as typing. */
  receipt(as: UserId, room: RoomId, event: EventId): Promise<void>;

  // — rooms
  setState(as: UserId, room: RoomId, type: string, key: string, content: Content): Promise<EventId>;
  state(room: RoomId, type: string, key: string): Promise<Content | undefined>;
  /** The whole current state, events narrowed; as the bot sees it unless said. */
  fullState(room: RoomId, as?: UserId): Promise<MatrixEvent[]>;
  event(room: RoomId, event: EventId): Promise<MatrixEvent | undefined>;
  /** Backwards from now, as the bot, whole pages of so many events, until others' events are older than `until` (ms). */
  messagesBack(room: RoomId, until: number, page?: number): AsyncIterable<MatrixEvent>;
  joinedMembers(room: RoomId): Promise<ReadonlyMap<UserId, { readonly name?: string; readonly avatar?: string }>>;
  resolveAlias(alias: string): Promise<RoomId | undefined>;
  createRoom(as: UserId, options: Content): Promise<RoomId>;
  /** Those that the bot is in. */
  joinedRooms(): Promise<RoomId[]>;
  /** False: it leads somewhere already. */
  setAlias(alias: string, room: RoomId): Promise<boolean>;
  removeAlias(alias: string): Promise<void>;
  /** In the homeserver's directory of public rooms. */
  setListed(room: RoomId, isListed: boolean): Promise<void>;

  // — membership; `key` is written into the content, so that our own change is known when it comes back
  /** `via`: servers to ask for a room that ours is not in; the ids of newer rooms name none. */
  join(as: UserId, room: RoomId | string, key?: string, via?: readonly string[]): Promise<RoomId>;
  leave(as: UserId, room: RoomId, reason?: string): Promise<void>;
  invite(as: UserId, room: RoomId, user: UserId, reason?: string): Promise<void>;
  /** As to a direct chat, so that clients show it as one of the inviter. */
  inviteDirectly(as: UserId, room: RoomId, user: UserId): Promise<void>;
  kick(as: UserId, room: RoomId, user: UserId, reason?: string): Promise<void>;
  ban(as: UserId, room: RoomId, user: UserId, reason?: string): Promise<void>;
  unban(as: UserId, room: RoomId, user: UserId): Promise<void>;

  // — people
  /** True: made now; false: was there. */
  register(ghost: UserId): Promise<boolean>;
  /** Whose access token this is; undefined where it is not taken. */
  ownerOf(token: string): Promise<UserId | undefined>;
  setDisplayName(as: UserId, name: string): Promise<void>;
  setAvatar(as: UserId, mxc: string): Promise<void>;
  profile(user: UserId): Promise<{ readonly name?: string; readonly avatar?: string }>;
  setPresence(as: UserId, presence: 'online' | 'unavailable' | 'offline', status?: string): Promise<void>;
  setAccountData(user: UserId, type: string, content: Content): Promise<void>;
  accountData(user: UserId, type: string): Promise<Content | undefined>;

  // — media, authenticated
  /** Gives the mxc address. With its `size` a stream passes through; without it is collected first. */
  upload(as: UserId, bytes: AsyncIterable<Uint8Array> | Uint8Array, type: string, name: string, size?: number): Promise<string>;
  /** The most bytes that one upload may have; undefined where the homeserver does not say. Asked once an hour. */
  largestUpload(): Promise<number | undefined>;
  /** Streams; headers as the homeserver gave them, lower case. `range` is a Range header's value, passed on. */
  download(mxc: string, range?: string): Promise<{ status: number; headers: Record<string, string>; body: AsyncIterable<Uint8Array> }>;

  // — the homeserver itself
  /** Resolves when the homeserver reached our listener; that also ends its back-off. */
  ping(): Promise<void>;
  /** versions, whoami: rejects with the ConfigError or UnreachableError that names what is wrong. */
  check(): Promise<{ readonly versions: readonly string[] }>;
  /** Requests under way and requests that wait for one to end. */
  load(): { readonly inFlight: number; readonly waiting: number };
  /** Loads the bridge library now, so that the first call that needs it does not wait for it (0.3 s). */
  warm(): Promise<void>;
  /** Ends all connections; sends under way have an unknown outcome. */
  close(): Promise<void>;
}
