// What the store of an older bridge comes to in our words, for an operator who changes over: read by a network's adapter, written by
// take-over.ts while no bridge runs. Types only.

import type { ChannelId, EventId, RemoteMessageId, RemoteUserId, RoomId, UserId } from './ids.ts';
import type { LoginResult } from './logins.ts';
import type { Json } from './remote-event.ts';
import type { CoreSettings } from './settings.ts';

/** An older bridge to the same network. */
export interface Forerunner<Settings = unknown> {
  /** `matrix-appservice-slack` */
  readonly name: string;
  /** Rejects where its store cannot be read as such; single rows that cannot be taken are listed. Changes nothing there. */
  read(from: string, given: ReadGiven<Settings>): Promise<Inheritance>;
  /** Its config in our words. `registration`: the file that the homeserver had of it, where that is at hand. */
  translate(config: unknown, registration: unknown): Translation;
}

export interface ReadGiven<Settings> {
  /** Of the network's section. */
  readonly settings: Settings;
  readonly core: CoreSettings;
  /** ms: nothing can point at messages from before. */
  readonly since: number;
}

/** Each kind of thing that is taken over, as reports call it. */
export type InheritedKind = 'secrets' | 'links' | 'ghosts' | 'logins' | 'direct chats' | 'messages' | 'reactions';

export interface Inheritance {
  readonly tables: readonly InheritedTable[];
  /** As `AdapterTools.secrets` and `memory` have them. */
  readonly secrets: readonly { readonly name: string; readonly value: string; readonly isOfLink?: boolean }[];
  readonly memory: readonly { readonly name: string; readonly value: Json }[];
  readonly links: readonly InheritedLink[];
  readonly ghosts: readonly InheritedGhost[];
  /** `names.ghosts` that covers them all. */
  readonly ghostTemplate?: string;
  readonly logins: readonly (LoginResult & { readonly user: UserId })[];
  /** People's chats with the bot itself. */
  readonly directChats: readonly { readonly room: RoomId; readonly user: UserId }[];
  readonly messages: readonly InheritedMessage[];
  readonly reactions: readonly InheritedReaction[];
  /** What the operator should know or do besides. */
  readonly advice: readonly string[];
}

/** One of the older bridge's own tables. */
export interface InheritedTable {
  readonly name: string;
  readonly rows: number;
  /** What its rows become; absent: nothing here stands for them. */
  readonly as?: InheritedKind;
  readonly left: readonly LeftOut[];
}

export interface LeftOut {
  /** Which row or rows, in words that hold no secret. */
  readonly what: string;
  readonly why: string;
  /** Where it is more than one. */
  readonly rows?: number;
  /** It should have been taken: nothing is, unless the operator leaves such out. */
  readonly isFault?: boolean;
}

export interface InheritedLink {
  readonly room: RoomId;
  readonly channel: ChannelId;
  /** Of these people, who are logged in. */
  readonly chat?: { readonly kind: 'direct' | 'group'; readonly people: readonly UserId[] };
}

export interface InheritedGhost {
  readonly ghost: UserId;
  /** Whom it stands for; absent: nobody any more. */
  readonly of?: { readonly id: RemoteUserId; readonly fields: Readonly<Record<string, string>> };
  /** As last written. */
  readonly name?: string;
}

export interface InheritedMessage {
  readonly room: RoomId;
  readonly channel: ChannelId;
  readonly event: EventId;
  readonly id: RemoteMessageId;
  /** Which of several events it became, or which of several messages the event became. */
  readonly part: number;
  /** The event that its thread began with. */
  readonly thread?: EventId;
  /** ms */
  readonly at: number;
}

export interface InheritedReaction {
  readonly room: RoomId;
  readonly channel: ChannelId;
  readonly event: EventId;
  readonly emoji: string;
  readonly target: { readonly event: EventId; readonly id: RemoteMessageId };
  /** On the network; of what was given from Matrix, the session that gave it there. */
  readonly by: RemoteUserId;
  /** Absent: it was given from Matrix. */
  readonly ghost?: UserId;
  readonly at: number;
}

export interface Translation {
  /** To be written as YAML. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Each key that has no counterpart, or another meaning here, and why. */
  readonly notes: readonly { readonly key: string; readonly why: string }[];
}
