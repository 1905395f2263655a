// What a Gitter holds: people, communities, rooms, messages, OAuth clients, tokens.

export interface User {
  readonly id: string;
  /** GitHub's form, or with `_gitlab` or `_twitter` behind it. */
  username: string;
  displayName: string;
  /** Another one, another address. */
  avatar: { readonly bytes: Buffer | undefined; readonly version: number };
  isStaff: boolean;
  /** The account was closed. */
  isRemoved: boolean;
  /** What they say is answered with 200 and thrown away. */
  isShadowBanned: boolean;
  /** ms; accounts of less than 14 days can fall to the guard against copies. */
  readonly created: number;
  v: number;
}

export interface Group {
  readonly id: string;
  readonly uri: string;
  readonly name: string;
  /** Ids of users; they are admins of each room in it. */
  readonly admins: Set<string>;
}

export interface Membership {
  lastAccess: number;
  isLurking: boolean;
  isFavourite: boolean;
  /** Ids of messages. */
  readonly unread: Set<string>;
  readonly mentioned: Set<string>;
}

export interface VirtualName {
  readonly type: string;
  readonly externalId: string;
}

export interface VirtualUser extends VirtualName {
  readonly displayName: string;
  readonly avatarUrl?: string;
}

export interface Ban {
  readonly user: User | undefined;
  readonly virtualUser: VirtualName | undefined;
  readonly bannedBy: User;
  readonly date: number;
}

export interface Room {
  readonly id: string;
  readonly isOneToOne: boolean;
  /** `org/room`; of a one-to-one room undefined. */
  uri: string | undefined;
  readonly group: Group | undefined;
  topic: string;
  isPrivate: boolean;
  tags: string[];
  noIndex: boolean;
  providers: string[];
  /** By id of the user, in order of joining. */
  readonly members: Map<string, Membership>;
  readonly admins: Set<string>;
  bans: Ban[];
  /** By time. */
  messages: Message[];
  readonly activity: Activity[];
  isDeleted: boolean;
  v: number;
}

export interface Mention {
  readonly screenName: string;
  readonly userId?: string;
  readonly group?: true;
  readonly announcement?: true;
  readonly userIds: readonly string[];
}

export interface Issue {
  readonly number: string;
  readonly repo?: string;
}

/** What the server reads from a text. */
export interface Rendered {
  readonly html: string;
  readonly mentions: readonly Mention[];
  readonly issues: readonly Issue[];
  readonly urls: readonly { readonly url: string }[];
}

export interface Message {
  readonly id: string;
  readonly room: Room;
  /** Whose account posted it, a virtual user's too. */
  readonly user: User;
  readonly virtualUser: VirtualUser | undefined;
  text: string;
  rendered: Rendered;
  readonly sent: number;
  editedAt: number | undefined;
  readonly isStatus: boolean;
  readonly parentId: string | undefined;
  /** Ids of the messages in its thread. */
  readonly replies: Set<string>;
  /** Ids of users. */
  readonly readers: Set<string>;
  /** Grows with every save. */
  v: number;
}

/** An entry of a room's activity feed: what integrations tell. */
export interface Activity {
  readonly id: string;
  readonly text: string;
  readonly html: string;
  readonly sent: number;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface OAuthClient {
  readonly id: string;
  readonly secret: string;
  readonly name: string;
  readonly redirectUri: string;
  /** Approved as a bridge: may say `virtualUser`. */
  readonly mayUseVirtualUsers: boolean;
  /** Without the question whether the person agrees. */
  readonly isTrusted: boolean;
}

export interface Token {
  readonly value: string;
  readonly user: User;
  readonly client: OAuthClient;
  isRevoked: boolean;
}
