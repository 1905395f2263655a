// What happens on a network, and who and what takes part in it, as plain data: it is journaled as it stands.

import type { ChannelId, RemoteMessageId, RemoteUserId } from './ids.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

export type Style = 'text' | 'emote' | 'notice';

export interface RemoteUser {
  readonly id: RemoteUserId;
  readonly name: string;
  /** Fills the templates of names.ts: for IRC `network` and `nick`. */
  readonly fields: Readonly<Record<string, string>>;
  /** An address or a reference that the adapter's `open` understands; another picture has another one. */
  readonly avatar?: string;
  /** What else the network tells of them, in one line; for `whois` only, never journaled. */
  readonly detail?: string;
}

/** Every part that one Matrix event became, in order. Parts without an id of the network are not listed. */
export interface RemoteMessage {
  readonly channel: ChannelId;
  readonly ids: readonly RemoteMessageId[];
  readonly sender?: RemoteUserId;
  /** The first message of the thread that it is in, of what is answered and where it is known. */
  readonly thread?: RemoteMessageId;
}

export interface RemoteFile {
  readonly name: string;
  readonly type?: string;
  readonly bytes?: number;
  /** The adapter's own reference, or an address that anyone can fetch. */
  readonly source: string;
  /** In pixels. */
  readonly width?: number;
  readonly height?: number;
  /** ms. */
  readonly duration?: number;
  /** What it shows, for those who cannot see it. */
  readonly alt?: string;
  /** Where people find it on the network, told where it cannot be carried. */
  readonly page?: string;
}

/** A name and picture that a message bears instead of its sender's own. */
export interface ShownAs {
  readonly name: string;
  readonly avatar?: string;
  /** As the room itself wants its people called: nothing is put around it. */
  readonly isFormed?: boolean;
  /** Somebody else in the room is called the same. */
  readonly isAmbiguous?: boolean;
}

/** A message as it stands in the channel's rooms. */
export interface ShownMessage {
  readonly id: RemoteMessageId;
  /** Absent: it was said from Matrix. */
  readonly sender?: RemoteUserId;
  readonly thread?: RemoteMessageId;
  /** Taken away already. */
  readonly isGone: boolean;
  /** By people of the network and by sessions of ours. */
  readonly reactions: readonly { readonly emoji: string; readonly by: RemoteUserId }[];
}

/** `at` in ms since 1970; `id` unique within the channel. */
export type RemoteEvent<Body extends Json = string> = {
  readonly at: number;
  readonly channel: ChannelId;
  readonly id?: RemoteMessageId;
  /** It happened while the channel was private, by the network's own word: whatever the channel is by now, only its people are told. */
  readonly isPrivate?: true;
} & (
  | {
      readonly kind: 'message';
      readonly sender: RemoteUser;
      readonly body: Body;
      readonly style: Style;
      readonly files?: readonly RemoteFile[];
      readonly replyTo?: RemoteMessageId;
      /** The first message of the thread that it is in. */
      readonly thread?: RemoteMessageId;
      /** In a thread, and shown in the channel too. */
      readonly isBroadcast?: boolean;
      readonly shownAs?: ShownAs;
    }
  | {
      readonly kind: 'edit';
      readonly sender: RemoteUser;
      readonly target: RemoteMessageId;
      readonly body: Body;
      readonly style: Style;
      /** Those that the message still has. Absent: they stay as they were. */
      readonly files?: readonly RemoteFile[];
      readonly thread?: RemoteMessageId;
      /** As in the message, where it had one. */
      readonly shownAs?: ShownAs;
    }
  | {
      readonly kind: 'redaction';
      /** Absent: the network does not say who. */
      readonly sender?: RemoteUser;
      readonly target: RemoteMessageId;
      readonly reason?: string;
    }
  | {
      readonly kind: 'reaction';
      readonly sender: RemoteUser;
      readonly target: RemoteMessageId;
      /** The sign itself, or `:name:` where it is a picture of the network's own. */
      readonly emoji: string;
      readonly picture?: RemoteFile;
      readonly on: boolean;
    }
  | { readonly kind: 'typing'; readonly sender: RemoteUser; readonly on: boolean; readonly thread?: RemoteMessageId }
  | {
      readonly kind: 'membership';
      readonly user: RemoteUser;
      /** `invite`: they are not there yet, and the room is told who asked them in. */
      readonly change: 'join' | 'leave' | 'kick' | 'ban' | 'unban' | 'invite';
      readonly by?: RemoteUser;
      readonly reason?: string;
      /** Servers lost each other: they are likely to be back soon, all at once. */
      readonly netsplit?: boolean;
    }
  | {
      readonly kind: 'channel';
      readonly by?: RemoteUser;
      readonly topic?: string;
      readonly name?: string;
      /** Nobody can speak there any more, until it is false again. */
      readonly archived?: boolean;
    }
  | { readonly kind: 'pin'; readonly by?: RemoteUser; readonly target: RemoteMessageId; readonly on: boolean }
  | { readonly kind: 'profile'; readonly user: RemoteUser; readonly was: RemoteUser }
  | { readonly kind: 'presence'; readonly user: RemoteUser; readonly away?: string }
  | { readonly kind: 'read'; readonly user: RemoteUser; readonly upTo: RemoteMessageId }
  /** Something may have been missed, and could not be fetched. */
  | { readonly kind: 'gap'; readonly from: number; readonly to: number /** Unless the connection was lost. */; readonly reason?: string }
);
