// The provisioning door as an adapter may extend it: what the bridge can do for a person over HTTP, and the calls of a
// forerunner that a network's adapter offers on top, in that forerunner's own words. Types only; the door itself (who asks,
// limits, answers) is control/provisioning.ts', and every verb asks for the same permissions as the same word in chat.
//
// An adapter gives `Adapter.provisioning(verbs)`, asked once at start. Its routes are served under `/_matrix/provision` and
// `/_matrix/provision/v1`, before the door's own; a route's `run` gets who the request is for, already proven, and its input,
// already checked, and answers with an object (200) or throws a BridgeError, which `nameOf` puts into the forerunner's words.

import type { BridgeError } from './errors.ts';
import type { ChannelId, RemoteUserId, RoomId, UserId } from './ids.ts';

/** All reject with errors of the catalogue: LOGIN_UNKNOWN, NETWORK_UNKNOWN, CHANNEL_UNKNOWN, LINK_UNKNOWN, LINK_EXISTS,
 *  LIMIT_REACHED, ROOM_NOT_PUBLIC, DENIED, FORBIDDEN_IN_ROOM, UNSUPPORTED … What a person may not know of is unknown to them. */
export interface ProvisioningVerbs {
  bot(): ProvisioningBot;
  /** May they do what is the bridge's admins' alone? */
  isAdmin(user: UserId): boolean;
  /** Where the person goes on to log in: the first page that the flow opens, or the first flow that opens one where none is
   *  named. UNSUPPORTED where there is none. What it comes to is told by `Inbox.loggedIn`, or by the flow's own end. */
  loginUrl(user: UserId, flow?: string): Promise<string>;
  /** Their own, those that the network refuses among them. */
  logins(user: UserId): readonly ProvisioningLogin[];
  /** LOGIN_UNKNOWN where it is not theirs. */
  logout(user: UserId, account: RemoteUserId): Promise<void>;
  /** Those that they are logged in to; all of them for the bridge's admins, and where the network knows no logins. */
  networks(user: UserId): readonly { readonly id: string; readonly name: string }[];
  /** Those of the network that the person may know of, `most` at most (1000 unless said). */
  channels(user: UserId, network: string, most?: number): Promise<readonly ProvisioningChannel[]>;
  /** `query` as in `Channels.resolve`: a name or a ChannelId. `members` is counted. */
  channel(user: UserId, query: string): Promise<ProvisioningChannel & { readonly members: number }>;
  /** What is linked in a room, and what is asked for and not agreed to yet. For people in the room, the bridge's admins, and for nobody. */
  links(user: UserId, room: RoomId): Promise<readonly ProvisioningLink[]>;
  /** `live`, or `asked` where somebody in the channel has to agree first. `room` may be an alias. */
  link(user: UserId, room: string, query: string): Promise<ProvisioningLink>;
  /** Without `query` the only link of the room. */
  unlink(user: UserId, room: string, query?: string): Promise<void>;
}

export interface ProvisioningBot {
  readonly user: UserId;
  /** The network's name for people. */
  readonly name: string;
  /** Links made on request, and networks that these lead to; undefined: no limit is set. */
  readonly rooms: { readonly quota: number; readonly current: number } | undefined;
  readonly networks: { readonly quota: number; readonly current: number } | undefined;
  readonly requiresPublicRoom: boolean;
}

export interface ProvisioningLogin {
  readonly user: UserId;
  readonly account: RemoteUserId;
  readonly network: string;
  readonly networkName: string;
  /** As told to people: `ada on Acme`. */
  readonly name: string;
  readonly state: 'live' | 'refused';
}

export interface ProvisioningChannel {
  readonly id: ChannelId;
  readonly name: string;
  readonly network: string;
  readonly topic?: string;
  readonly kind: 'public' | 'private' | 'direct' | 'group';
}

export interface ProvisioningLink {
  readonly room: RoomId;
  readonly channel: ChannelId;
  readonly name: string;
  readonly network: string;
  readonly state: 'live' | 'pending' | 'suspended' | 'asked';
  readonly reason?: string;
}

export interface ProvisioningDialect {
  readonly routes: readonly ProvisioningRoute[];
  /** How the forerunner called such a refusal; undefined leaves the door's own word for it. */
  nameOf?(thrown: BridgeError, path: string): { readonly status: number; readonly errcode: string } | undefined;
}

export interface ProvisioningRoute<Input = unknown> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `/getlink`, `/listlinks/:room`; a slash at its end is overlooked. */
  readonly path: string;
  /** Checks the JSON body, the query (GET) and the `:named` parts, as one object; anything with parse(), a zod object fits.
   *  What it throws is answered with M_AS_BAD_VALUE, 400 and, from zod, the place of each fault. Unknown keys (`user_id`,
   *  `scalar_token`, `rid`) must be let pass. Absent: `run` gets no input. */
  readonly input?: { parse(value: unknown): Input };
  /** The call concerns nobody: where it names no person, `user` is the bridge's bot. */
  readonly isForNobody?: boolean;
  run(request: ProvisioningRequest<Input>): Promise<object>;
}

export interface ProvisioningRequest<Input = unknown> {
  /** Whom it is for: named by an integration manager that bears the shared secret, or the session's own. Their level on this
   *  bridge is `user` at least. */
  readonly user: UserId;
  readonly input: Input;
}
