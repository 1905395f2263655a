// What an adapter is given: the way in for what happens, a memory over restarts, pages on the web, a log. Types only.

import type { ChannelId, RemoteMessageId, RemoteUserId, RoomId, UserId } from './ids.ts';
import type { Credentials, LoginResult, Speaker } from './logins.ts';
import type { Json, RemoteEvent, RemoteUser, ShownMessage } from './remote-event.ts';

export interface AdapterTools<Body extends Json = string> {
  readonly inbox: Inbox<Body>;
  readonly memory: KeyValue;
  /** As `memory`, for tokens: sealed at rest. */
  readonly secrets: Secrets;
  readonly web: Web;
  readonly log: Logger;
  /** The Matrix room behind an alias, of another server's too; undefined: there is none. For networks that went to Matrix
   *  themselves. Rejects until the homeserver is there to be asked. */
  readonly resolveAlias?: (alias: string) => Promise<RoomId | undefined>;
  /** A number or a duration seen, for the metrics page. */
  readonly count: (name: string, labels?: Readonly<Record<string, string>>, by?: number) => void;
  /** Where the bridge's own pages and media can be reached; undefined without `public_url`. */
  readonly publicUrl: string | undefined;
}

/** The only way in. */
export interface Inbox<Body extends Json = string> {
  /** Resolves when journaled: acknowledge the network then. */
  receive(event: RemoteEvent<Body>): Promise<void>;
  /** `network` is the adapter's own name of it; the bot's state is the network's. A person's `logged-out`: the network no
   *  longer takes their credentials; they are told, and asked to log in again. */
  connection(speaker: Speaker, network: string, state: 'up' | 'connecting' | 'down' | 'logged-out', reason?: string): void;
  /** The channel shut the bridge out (banned, kicked twice): its links are suspended, and the rooms told why. */
  suspended(channel: ChannelId, reason: string): void;
  /** It lets the bridge in again: links that were suspended for it, and those of the config that it stood in the way of, go on by
   *  themselves. Whatever else its links wait for, nothing happens. */
  readmitted?(channel: ChannelId): void;
  /** The channel is there no longer, for anybody and for good: rooms made for it are closed, all others told and unlinked.
   *  `reason` is a sentence without its full stop. */
  gone?(channel: ChannelId, reason: string): void;
  /** A channel is new, opened again, called otherwise or seen by others than before: its room follows, where rooms do. `isPrivate`: not
   *  everybody of the network sees it any more, so nothing that is said from now on is shown before its room is as it must be. */
  changed?(channel: ChannelId, isPrivate?: boolean): void;
  /** A network is called otherwise than before. */
  renamed?(network: string): void;
  /** The list of the channel's members was read afresh, after a start or a loss: time to compare it with the room's. */
  members?(channel: ChannelId): void;
  /** A login was completed where no flow waits for it (a browser came back). Resolves when it is kept. */
  loggedIn?(user: UserId, result: LoginResult): Promise<void>;
  /** The network gave new credentials for a login (rotation). Resolves when they are kept: use them from then on. */
  renewed?(account: RemoteUserId, credentials: Credentials): Promise<void>;
  /** Somebody on the network asks the bridge for something. Resolves with the words to answer them. */
  asked?(act: NetworkAct): Promise<string>;
  /** The channel has another id from now on: its links follow. */
  moved?(from: ChannelId, to: ChannelId): Promise<void>;
  /** What of the channel stands in its rooms, from one id to another: to find what became of it while nobody listened. Only for
   *  networks whose ids sort as their messages do. */
  shown?(channel: ChannelId, from: RemoteMessageId, to: RemoteMessageId): Promise<readonly ShownMessage[]>;
  /** The first messages of those threads in which something was shown since (ms), the latest first. */
  threads?(channel: ChannelId, since: number, most: number): Promise<readonly RemoteMessageId[]>;
}

/** What a person of the network asks for, from within the channel: that is its side's consent. */
export type NetworkAct = { readonly channel: ChannelId; readonly by: RemoteUser; readonly user?: UserId } & (
  | { readonly do: 'link' /** An id or alias. */; readonly room: string }
  | { readonly do: 'unlink'; readonly room?: string }
  | { readonly do: 'status' | 'who' }
  /** The answer to `Channels.approvePlumb`. */
  | { readonly do: 'approve' | 'refuse'; readonly room: RoomId; readonly requester: UserId }
);

/** Durable, small: what an adapter must know after a restart. */
export interface KeyValue {
  get(key: string): Json | undefined;
  /** Durable with the next commit. */
  set(key: string, value: Json | undefined): Promise<void>;
  keys(prefix: string): string[];
}

export interface Secrets {
  get(name: string): string | undefined;
  set(name: string, secret: string | undefined): Promise<void>;
  names(prefix: string): string[];
}

export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
}

/** Pages and webhooks under the bridge's own path. */
export interface Web {
  /** `path` like `/media/:token/:name`; the first route that fits answers. A GET answers HEAD too. */
  route(method: WebMethod, path: string, handler: WebHandler, options?: RouteOptions): void;
  /** The public address of a path of ours; undefined without `public_url`. */
  url(path: string): string | undefined;
}

export type WebMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';

export type WebHandler = (request: WebRequest) => Promise<WebAnswer> | WebAnswer;

export interface RouteOptions {
  /** For webhooks, whose sender proves who it is: it may call as often as it likes. */
  readonly isUnlimited?: boolean;
}

export interface WebRequest {
  readonly method: string;
  /** Behind the bridge's prefix, still encoded: `/media/abc/cat.png`. */
  readonly path: string;
  /** The `:named` parts of the route, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Names in lower case; repeated headers joined with a comma. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** Address of the asker, as told by a proxy on the loopback if there is one. */
  readonly from: string;
}

export interface WebAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object goes out as JSON. A stream that fails cuts the connection, so that nobody takes half for the whole. */
  readonly body?: string | Uint8Array | object | AsyncIterable<Uint8Array>;
  /** Called once: the answer is out, or whoever asked is gone. */
  readonly ended?: () => void;
}
