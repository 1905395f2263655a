// What the suite asks of a subject, an adapter connected to a network that the test rules, and what a case is. Types only.

import type { TestContext } from 'node:test';
import type { Adapter, ChannelId, Json, RemoteEvent, RemoteFile, RemoteUserId, Speaker, Style } from '#bridge-core';

export interface Subject {
  readonly adapter: Adapter<Json>;
  /** What came in by the inbox, in order. */
  readonly events: readonly RemoteEvent<Json>[];
  readonly connections: readonly { readonly speaker: Speaker; readonly state: string }[];
  /** As people write it. */
  readonly place: string;
  /** One that lets nobody of ours in, and one that no network could have. */
  readonly closedPlace: string;
  readonly impossiblePlace: string;
  /** Their own account, where the cases' people have not logged in at once. */
  logIn?(name: string): Promise<void>;
  /** A native in the place. */
  person(nick: string): Native;
  /** What stands in the place as natives see it, oldest first, formatting aside. */
  said(): readonly { readonly nick: string; readonly text: string; readonly style: Style }[];
  members(): readonly string[];
  /** Whether somebody of ours hears what is said there, where the network knows it. */
  isListenedTo?(): boolean;
  /** Resolves once this came to us, where the network tells what nobody watches too. */
  told?(text: string): Promise<void>;
  /** What natives call whom the adapter knows by this id; ids may be folded. */
  nickOf(id: RemoteUserId): string;
  /** How a text calls them; as natives do unless said. */
  mentionOf?(id: RemoteUserId): string;
  /** What a body that is no text counts against `Fit.bytes`; the bytes of its words unless said. */
  bytesOf?(body: Json): number;
  /** A file that a native gave, as it is reported. */
  fileOf?(words: string): Promise<RemoteFile>;
  /** What does not exist there: who put somebody out, and why; messages that are notices; whose a new topic is; replies in a thread
   *  that are in the place too. */
  readonly lacks?: ReadonlySet<'kicks' | 'notices' | 'who set a topic' | 'broadcasts'>;
  topic(): string;
  /** What natives see of somebody or of a message, where the network shows it at all. */
  readonly see: {
    isRedacted?(text: string): boolean;
    reactions?(): readonly string[];
    isTyping?(nick: string): boolean;
    away?(nick: string): string | undefined;
    hasRead?(nick: string): boolean;
    title?(): string;
    isArchived?(): boolean;
    isInvited?(nick: string): boolean;
    isBanned?(nick: string): boolean;
    /** The texts of what is pinned. */
    pinned?(): readonly string[];
    /** In whose name a text stands there. */
    shownAs?(text: string): { readonly name: string; readonly avatar?: string | undefined } | undefined;
    /** The id of what began its thread. */
    threadOf?(text: string): string | undefined;
    /** Files that came from us, oldest first. */
    files?(): readonly { readonly name: string; readonly words: string }[];
  };
  /** Gives one of ours the power to moderate. */
  empower(nick: string): void;
  /** The connection of whoever of ours says the next message breaks, after it arrived or before. */
  cutNext(arrived: boolean): void;
  /** The whole network goes away; comes back. */
  down(): Promise<void>;
  up(): Promise<void>;
  openConnections(): number;
}

export interface Native {
  readonly nick: string;
  /** The id, where the network has such. */
  say(text: string, style?: Style, replyTo?: string): string | undefined;
  leave(): void;
  join(): void;
  rename(nick: string): void;
  setTopic(text: string): void;
  kick(nick: string, reason: string): void;
  /** Where bans are told of at once. */
  ban?(nick: string): void;
  unban?(nick: string): void;
  edit?(id: string, text: string): void;
  redact?(id: string): void;
  react?(id: string, emoji: string, on: boolean): void;
  type?(): void;
  /** In the thread that this began; `isBroadcast`: shown outside it too. */
  saysIn?(thread: string, text: string, isBroadcast: boolean): void;
  share?(file: { readonly name: string; readonly words: string }, text: string): void;
  pin?(id: string, on: boolean): void;
  call?(place: string): void;
  archive?(on: boolean): void;
  /** Private words that came. */
  told(): readonly string[];
}

export interface SubjectWish {
  readonly maxPuppets?: number;
}

/** Connected when given out; `t.after` ends it. */
export type Make = (t: TestContext, wish: SubjectWish) => Promise<Subject>;

export interface CaseTools {
  readonly t: TestContext;
  make(wish?: SubjectWish): Promise<Stage>;
  /** Not for this network; ends the case. */
  skip(reason: string): never;
}

/** A subject whose bot is up and watches the place. */
export interface Stage extends Subject {
  readonly channel: ChannelId;
}

export interface Case {
  readonly name: string;
  run(tools: CaseTools): Promise<void>;
}
