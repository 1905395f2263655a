// What a Slack is made of, as plain records that the rest of the fake reads and changes. How each looks to a client stands in
// shapes.ts and message-shapes.ts.

import type { Block, KnownBlock, MessageAttachment, MessageMetadata } from '@slack/types';

/** Slack's own words for `channel_type`: public channel, private channel, direct message, group direct message. */
export type ChannelKind = 'channel' | 'group' | 'im' | 'mpim';

export interface Enterprise {
  readonly id: string;
  readonly name: string;
  readonly domain: string;
}

export interface Team {
  readonly id: string;
  name: string;
  domain: string;
  readonly enterprise: Enterprise | undefined;
  /** Name to address, or to `alias:other`. */
  readonly emoji: Map<string, string>;
  readonly usergroups: Map<string, Usergroup>;
  /** Minutes in which one may edit; -1 any time (the default), 0 never. */
  editWindow: number;
}

export interface Picture {
  readonly hash: string;
  readonly bytes: Buffer;
  readonly type: string;
}

export interface User {
  readonly id: string;
  /** Their own workspace, or the first of those in their organisation. */
  readonly teamId: string;
  readonly teams: Set<string>;
  readonly enterprise: Enterprise | undefined;
  name: string;
  realName: string;
  displayName: string;
  title: string;
  email: string;
  status: { text: string; emoji: string };
  readonly tz: string;
  readonly bot: Bot | undefined;
  isAdmin: boolean;
  isRestricted: boolean;
  isDeleted: boolean;
  avatar: Picture | undefined;
  presence: 'active' | 'away';
  /** Seconds. */
  updated: number;
}

export interface Bot {
  readonly id: string;
  readonly teamId: string;
  readonly app: App | undefined;
  /** None: an incoming webhook's. */
  userId: string | undefined;
  name: string;
  updated: number;
}

export interface Setting {
  readonly value: string;
  readonly creator: string;
  readonly last_set: number;
}

export interface Channel {
  id: string;
  /** A public one may become private, and the other way round. */
  kind: ChannelKind;
  readonly team: Team;
  name: string;
  readonly creator: string;
  readonly created: number;
  updated: number;
  isArchived: boolean;
  isGeneral: boolean;
  /** Only admins may post. */
  isReadOnly: boolean;
  readonly members: Set<string>;
  topic: Setting;
  purpose: Setting;
  readonly previousNames: string[];
  /** Other workspaces that take part: Slack Connect, or those of one organisation. */
  readonly sharedWith: Map<string, Team>;
  readonly timeline: Timeline;
  readonly pins: Map<string, { readonly by: string; readonly at: number }>;
  /** Who read how far. */
  readonly readUntil: Map<string, string>;
}

/** Messages by id; those of the main line (no replies, but broadcasts) and each thread's replies in order. */
export interface Timeline {
  readonly all: Map<string, Message>;
  readonly main: Message[];
  readonly replies: Map<string, Message[]>;
}

export type Blocks = readonly (KnownBlock | Block)[];

/** A link's preview as Slack adds it; beyond `MessageAttachment`, seen in the Java SDK's recorded messages. */
export type Attachment = MessageAttachment & {
  readonly id?: number;
  readonly from_url?: string;
  readonly original_url?: string;
  readonly service_name?: string;
  readonly is_msg_unfurl?: boolean;
  readonly message_blocks?: unknown;
  readonly channel_id?: string;
  readonly author_id?: string;
};

export interface SubtypeFields {
  readonly topic?: string;
  readonly purpose?: string;
  readonly name?: string;
  readonly old_name?: string;
  readonly inviter?: string;
}

export interface Message {
  readonly ts: string;
  readonly channel: Channel;
  readonly team: string;
  subtype: string | undefined;
  /** What else a subtype brings. */
  readonly extra: SubtypeFields;
  user: string | undefined;
  readonly bot: Bot | undefined;
  readonly username: string | undefined;
  readonly icons: { readonly [size: string]: string } | undefined;
  text: string;
  blocks: Blocks | undefined;
  attachments: readonly Attachment[] | undefined;
  files: readonly SlackFile[];
  readonly threadTs: string | undefined;
  isBroadcast: boolean;
  readonly clientMsgId: string | undefined;
  metadata: MessageMetadata | undefined;
  edited: { readonly user: string; readonly ts: string } | undefined;
  /** Name to those who reacted so, in order. */
  readonly reactions: Map<string, string[]>;
  /** Posted by a file upload of the Web API. */
  readonly isUpload: boolean;
}

export interface SlackFile {
  readonly id: string;
  readonly team: Team;
  readonly user: string;
  readonly name: string;
  title: string;
  readonly mimetype: string;
  readonly filetype: string;
  readonly isSnippet: boolean;
  readonly altText: string | undefined;
  readonly created: number;
  readonly announcedSize: number;
  bytes: Buffer | undefined;
  size: number;
  sha256: string;
  width: number | undefined;
  height: number | undefined;
  isDeleted: boolean;
  /** Completed: it may be seen by others. */
  isShared: boolean;
  readonly shares: { readonly channel: Channel; readonly ts: string; readonly threadTs: string | undefined }[];
}

export interface Usergroup {
  readonly id: string;
  readonly teamId: string;
  name: string;
  handle: string;
  users: string[];
  readonly createdBy: string;
  readonly created: number;
  updated: number;
}

export interface App {
  readonly id: string;
  readonly name: string;
  readonly clientId: string;
  readonly clientSecret: string;
  signingSecret: string;
  /** The old shared word in every payload. */
  readonly verificationToken: string;
  /** An app of before granular permissions: it alone may use RTM and `as_user`. */
  readonly isClassic: boolean;
  readonly hasTokenRotation: boolean;
  /** Sold or given to others outside the Marketplace: history is rationed for it. */
  readonly isCommercial: boolean;
  readonly redirectUris: readonly string[];
  readonly scopes: { readonly bot: readonly string[]; readonly user: readonly string[] };
  /** Subscriptions; `all`: whatever is documented. */
  botEvents: ReadonlySet<string> | 'all';
  userEvents: ReadonlySet<string> | 'all';
  usesSocketMode: boolean;
  eventsUrl: string | undefined;
  commandsUrl: string | undefined;
  interactivityUrl: string | undefined;
  readonly commands: ReadonlySet<string>;
}

export interface Token {
  readonly value: string;
  readonly kind: 'bot' | 'user' | 'app';
  readonly app: App;
  /** None: of the app, or of a whole organisation. */
  readonly team: Team | undefined;
  readonly enterprise: Enterprise | undefined;
  readonly user: User | undefined;
  readonly scopes: Set<string>;
  /** Milliseconds. */
  expires: number | undefined;
  isRevoked: boolean;
  refreshToken: string | undefined;
}
