// The contract that each network fulfils: types only. An adapter reports each happening once, throws only errors of the
// catalogue, keeps no state outside `tools.memory`, and never learns of Matrix beyond the ids that it is handed.
// A missing optional verb is the missing capability; the core then takes a fallback (pipeline/fallbacks.ts).

import type { AdapterTools } from './adapter-tools.ts';
import type { Channel } from './channel.ts';
import type { RichText } from './format/rich-text.ts';
import type { ChannelId, RemoteMessageId, RemoteUserId, RoomId, UserId } from './ids.ts';
import type { Forerunner } from './inheritance.ts';
import type { Login, LoginFlow, Speaker } from './logins.ts';
import type { Mirror } from './mirror.ts';
import type { ProvisioningDialect, ProvisioningVerbs } from './provisioning.ts';
import type { Json, RemoteEvent, RemoteFile, RemoteMessage, RemoteUser, ShownAs, Style } from './remote-event.ts';

/** A kind of network: its name, its config section, how to make one. */
export interface Network<Settings = unknown, Body extends Json = string> {
  readonly protocol: { readonly id: string; readonly name: string; readonly icon?: string };
  /** Checks its section of the config; throws a zod error with the path of each fault. */
  readonly settings: { parse(value: unknown): Settings };
  /** Templates for names.ts: `irc_{network}_{nick}`; the words in braces are filled from RemoteUser.fields. */
  readonly names: {
    readonly ghosts: string;
    readonly aliases: string;
    /** Signs that stand in aliases as `=2F`, in capitals, though they need not: what rooms are called by already. */
    readonly escapedInAliases?: string;
  };
  /** What it goes without where browsers cannot reach the bridge, in half a sentence; of files and long text, unless said. */
  readonly withoutPublicUrl?: string;
  /** An older bridge to this network whose store and config can be taken over; loaded for that alone. */
  readonly forerunner?: () => Promise<Forerunner<Settings>>;
  create(settings: Settings, tools: AdapterTools<Body>): Adapter<Body>;
}

export interface Adapter<Body extends Json = string> {
  /** For one channel: one IRC server has message ids, another has not. */
  capabilities(channel: ChannelId): Capabilities;
  readonly formatter: Formatter<Body>;
  readonly channels: Channels;
  readonly logins: readonly LoginFlow[];
  /** Links wanted from the config section and by the adapter's own commands, read at start, after a reload and after such one. */
  configuredLinks(): readonly ConfiguredLink[];
  readonly commands?: readonly AdapterCommand[];
  /** Returns once the connections are under way, not when they are up; `inbox.connection` tells of those. */
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  /** Listen to the channel and report it (a link went live), or stop to (the last link of it is gone). `by`: this person's own
   *  session listens, in their own account, for a room that is theirs; only where `Channels.of` is. That stands until unwatched:
   *  who is not signed in now is listened for once they are. What several of them hear is still reported once.
   *  `isForNow`: the channel shut us out (`Inbox.suspended`), and its links go on once it lets us in again; by who fills gaps by
   *  themselves what is said meanwhile is then missed, unless `unwatch` came once more without it. */
  watch(channel: ChannelId, by?: UserId): Promise<void>;
  unwatch(channel: ChannelId, by?: UserId, isForNow?: boolean): Promise<void>;
  /** Nothing has been linked to it for a while, shared or somebody's own: the bot need not be there. Asked again where it rejects with
   *  a RetryableError. */
  depart?(channel: ChannelId): Promise<void>;
  /** Opens the session that speaks for `speaker` where `channel` is, or returns the open one. Rejects with RetryableError
   *  where it may work later, PermanentError or SESSION_LIMIT where the bot should speak instead. `isSilent`: they are to be
   *  there and say nothing, so that nobody gives up a session for theirs. */
  session(speaker: Speaker, channel: ChannelId, isSilent?: boolean): Promise<Session<Body>>;
  /** The session if it is open now; never opens one. */
  openSession(speaker: Speaker, channel: ChannelId): Session<Body> | undefined;
  /** Is this person one of our own sessions? Then whose. Asked for every event heard; must be cheap. */
  speakerOf(user: RemoteUserId): Speaker | undefined;
  /** Asks the network: undefined where there is no such person. `channels` are those of the room that asks: what they are in one of
   *  these may be told as well. */
  user(id: RemoteUserId, channels?: readonly ChannelId[]): Promise<RemoteUser | undefined>;
  /** Takes on a person's own account, at start and after a login; the same account again brings new credentials, or is another
   *  person's from now on (without a `signOut` before: both may hold the same token). */
  signIn?(login: Login): Promise<void>;
  /** They logged out, or the network refused them: sessions of that login end. Never voids what others use too. */
  signOut?(login: Login): Promise<void>;
  /** The direct or group chat of a logged-in person with these, opened if need be. NETWORK_LOGIN where they are not. */
  openDirect?(user: UserId, others: readonly RemoteUserId[]): Promise<ChannelId>;
  /** A private word from the bridge to a person on the network: why a line of theirs was not delivered. Limited in rate. */
  tell?(user: RemoteUserId, words: string, about?: Target): Promise<void>;
  /** The person asks for another name on this network; returns the one that they got. */
  nick?(user: UserId, channel: ChannelId, wanted: string): Promise<string>;
  open?(file: RemoteFile): Promise<ReadableStream<Uint8Array>>;
  /** Closes a gap: what was said since, oldest first; what its budget does not reach is told as a `gap` event. `most`: only the
   *  newest so many of it are wanted, and behind them the reactions that are on them. Ids are those that the same messages have when heard, so that nothing comes twice. */
  history?(channel: ChannelId, since: RemoteMessageId | number, most?: number): AsyncIterable<RemoteEvent<Body>>;
  /** True: it fills or tells its gaps unasked (it knows best when nobody heard). Otherwise the core asks `history` for what
   *  was missed whenever the bot comes up. */
  readonly closesGaps?: boolean;
  /** Takes over what it can of new settings while it runs; a line for each thing that was, links aside, or that needs a restart. */
  reload?(settings: unknown): readonly string[];
  /** One free line about the connections, for `status`. */
  status(): readonly ConnectionStatus[];
  /** Of a channel that is watched, why what is said there does not come yet; undefined: it does. For where that may take minutes. */
  unheard?(channel: ChannelId): string | undefined;
  /** Calls of its own at the provisioning door; asked once, at start. */
  provisioning?(verbs: ProvisioningVerbs): ProvisioningDialect;
  /** True: people of ours are shown as away where they are (`Session.setPresence`). */
  readonly carriesPresence?: boolean;
  /** Whole networks that are kept in step. */
  readonly mirror?: Mirror;
  /** Who and what is meant by fields from outside. Absent: ghosts are made only for those who speak. */
  readonly lookups?: Lookups;
}

/** Fields are those of a name template (`network`, `nick`) or of Matrix's third-party look-up (`domain`, `nick`). By shape
 *  alone, without a question to the network; undefined: no such network, or no name that it allows. */
export interface Lookups {
  readonly userFields: readonly string[];
  readonly locationFields: readonly string[];
  readonly fieldTypes: Readonly<Record<string, { readonly regexp: string; readonly placeholder: string }>>;
  networks(): readonly { readonly id: string; readonly name: string; readonly domain: string; readonly icon?: string }[];
  /** `fields` come back as `userFields` name them. */
  user(fields: Readonly<Record<string, string>>): Found<RemoteUserId> | undefined;
  channel(fields: Readonly<Record<string, string>>): Found<ChannelId> | undefined;
  /** What fills the template of aliases; the network's id and the rest of the channel's, as `network` and `channel`, unless said. */
  fieldsOf?(channel: ChannelId): Readonly<Record<string, string>>;
}

export interface Found<Id> {
  readonly id: Id;
  readonly fields: Readonly<Record<string, string>>;
}

/** Which way a channel's topic, or its name, is carried. */
export type TopicWay = 'off' | 'to-matrix' | 'to-network' | 'both';

export interface ConfiguredLink {
  readonly channel: ChannelId;
  readonly room: RoomId;
  /** `to-matrix` unless set. */
  readonly topic?: TopicWay;
  /** `off` unless set: a room that people brought has a name of its own. */
  readonly name?: TopicWay;
  /** How people of the room are called where the bot speaks for them: a template (formed-names.ts). */
  readonly names?: string;
  /** Nothing of the room is carried to the channel. */
  readonly way?: 'to-matrix';
  /** Made by a command of the adapter's own: it stands in no config. */
  readonly byCommand?: true;
}

export interface AskedThere {
  readonly user: UserId;
  readonly room: RoomId;
  readonly isDirect: boolean;
  /** Those that the room carries now. */
  readonly channels?: readonly ChannelId[];
  /** All that are linked to it, also while nothing is carried. A room that took another's place has its links. */
  readonly linked?: readonly ChannelId[];
}

/** A word of the network's own, beside those that every bridge knows. */
export interface AdapterCommand {
  readonly name: string;
  /** With its words: `webhook new [name]`. */
  readonly usage: string;
  readonly does: string;
  /** Whose word counts: anybody's who may use the bridge, of those who rule the room, of the bridge's admins. */
  readonly needs: 'user' | 'room' | 'admin';
  /** `room` is the one that is meant; asked before is whether the asker may. Resolves with what is answered there; what
   *  `configuredLinks` says is looked at anew afterwards. */
  run(asked: AskedThere, words: readonly string[]): Promise<string>;
}

export interface ConnectionStatus {
  readonly network: string;
  /** As people are told that it is called, as in Channel.network; `network` unless said. */
  readonly name?: string;
  readonly state: 'up' | 'connecting' | 'down';
  readonly sessions: number;
  readonly detail?: string;
  /** What it is busy with, for everybody to know. */
  readonly note?: string;
  /** Watched channels of which nothing is heard yet; absent: it is not counted. */
  readonly unheard?: number;
  /** Down, and nothing but somebody's act mends it: those whom it concerns are told. */
  readonly isForGood?: boolean;
}

export interface Formatter<Body extends Json = string> {
  parse(body: Body, channel: ChannelId): RichText;
  /** Splits to fit; never empty for a text that says something. Where the network takes files it makes one body of no text
   *  at all, for a file without words. Pure. */
  print(text: RichText, fit: Fit): Body[];
}

/** How one body must look to be taken whole, here and now. */
export interface Fit {
  /** Bytes left for one body beside our real prefix; where bodies are no text, for the words in it. */
  readonly bytes: number;
  /** Bodies that one message may become; more is cut or paged. */
  readonly lines: number;
  readonly markup: boolean;
  /** Wraps each printed line (an IRC action), already taken off `bytes`. */
  readonly style: Style;
  /** Present where one body may hold line breaks, and how much it may then hold in all; each line of it is cut by the session. */
  readonly multiline?: { readonly bytes: number; readonly lines: number };
  /** How a person is called in this channel; undefined leaves the author's wording. */
  mention(who: { readonly user: UserId } | { readonly remote: RemoteUserId }): string | undefined;
  /** Where a mention is no name: how they are called in words of ours. Undefined: nobody knows. */
  called?(who: { readonly user: UserId } | { readonly remote: RemoteUserId }): string | undefined;
}

/** One identity that can speak on the network. */
export interface Session<Body extends Json = string> {
  readonly self: RemoteUserId;
  /** What it is called there, where the network is not asked of its own sessions (`Adapter.user`). */
  readonly name?: string;
  readonly speaker: Speaker;
  /** True: messages of several people may be under way at once, since each is proved by itself. Otherwise they take turns. */
  readonly isParallel?: boolean;
  fit(channel: ChannelId, style: Style): Fit;
  join(channel: ChannelId): Promise<void>;
  leave(channel: ChannelId, reason?: string): Promise<void>;
  /** Resolves once the network has proved it, with its id where the network gives one. */
  send(message: Outgoing<Body>): Promise<RemoteMessageId | undefined>;
  /** Did an earlier try arrive? `since` in ms; `known` tells which ids belong to other messages of ours. */
  sent?(message: Outgoing<Body>, since: number, known: (id: RemoteMessageId) => boolean): Promise<RemoteMessageId | undefined>;
  /** Asked for each part of what was said: `target` names that part alone. A file's words are edited, the file stays. */
  edit?(target: RemoteMessage, message: Outgoing<Body>): Promise<RemoteMessageId | undefined>;
  redact?(channel: ChannelId, target: RemoteMessage, reason?: string): Promise<void>;
  /** `emoji` is the sign itself, or `:name:`. On where it is on already, or off where it is off: nothing happens. */
  react?(channel: ChannelId, target: RemoteMessage, emoji: string, on: boolean, key: string): Promise<RemoteMessageId | undefined>;
  type?(channel: ChannelId, on: boolean): Promise<void>;
  setTopic?(channel: ChannelId, topic: string): Promise<void>;
  rename?(channel: ChannelId, name: string): Promise<void>;
  archive?(channel: ChannelId, on: boolean): Promise<void>;
  /** Who is of another network is nobody's to invite here: nothing happens. */
  invite?(channel: ChannelId, user: RemoteUserId): Promise<void>;
  kick?(channel: ChannelId, user: RemoteUserId, reason?: string): Promise<void>;
  /** Out, and for good. Absent: who is banned is only put out. */
  ban?(channel: ChannelId, user: RemoteUserId, reason?: string): Promise<void>;
  unban?(channel: ChannelId, user: RemoteUserId): Promise<void>;
  /** As with reactions, what is so already is no fault. */
  pin?(channel: ChannelId, target: RemoteMessage, on: boolean): Promise<void>;
  markRead?(channel: ChannelId, upTo: RemoteMessageId): Promise<void>;
  setPresence?(away: string | undefined): Promise<void>;
  close(reason?: string): Promise<void>;
}

export interface Outgoing<Body extends Json = string> {
  /** The row's key with the part's number: the same on every try. */
  readonly key: string;
  readonly channel: ChannelId;
  readonly body: Body;
  readonly style: Style;
  /** Whom the bot speaks for, where the session can show it. Where it cannot, the text already names them. */
  readonly shownAs?: ShownAs;
  /** With `shownAs`: the Matrix user whose words these are, a ghost of another bridge among them. */
  readonly by?: UserId;
  /** `body` is what was written beside it. Where the network takes no such file, PermanentError: an address goes out instead. */
  readonly file?: MatrixFile;
  /** For `sent` alone: an earlier try was by this account, of a login that is over. */
  readonly triedAs?: RemoteUserId;
  /** In a thread, or where the network has threads, how it shows what is answered is the session's choice; elsewhere the text
   *  names who is answered. */
  readonly replyTo?: RemoteMessage;
  /** The first message of the thread that it goes into; only where the network has threads. */
  readonly thread?: RemoteMessage;
}

export interface MatrixFile {
  readonly name: string;
  readonly type?: string;
  /** As the homeserver counts them; where it does not, as the sender says. */
  readonly bytes?: number;
  /** What it shows, for those who cannot see it. */
  readonly alt?: string;
  /** A public address of ours, where there is one. */
  readonly url?: string;
  open(): Promise<ReadableStream<Uint8Array>>;
}

export interface Capabilities {
  readonly messageIds: boolean;
  readonly threads: boolean;
  readonly shownAs: boolean;
  /** Where files cannot be shown as another's though messages can, false: the words beside a file name its sender. */
  readonly fileShownAs?: boolean;
  readonly files: 'upload' | 'link';
  /** With `link`: what is printed of a picture's address is shown as the picture. */
  readonly showsPictures?: boolean;
  readonly members: 'all' | 'seen';
  readonly puppets: 'automatic' | 'login' | 'none';
  readonly sendsPerSecond: number;
}

/** A chat of a few people, of whom some are ours by their own accounts. */
export interface Chat {
  readonly people: readonly UserId[];
  readonly kind: 'direct' | 'group';
  /** A group's own name, where it has one. */
  readonly name?: string;
}

/** The network's own addresses of its channels and messages, by their shape and what is known; no question to the network. */
export interface Permalinks {
  /** Undefined: none of a channel or message that whoever reads it `here` may know of. */
  read(address: string, here: ChannelId): Target | undefined;
  of(target: Target, here: ChannelId): string | undefined;
}

export interface Target {
  readonly channel: ChannelId;
  readonly message?: RemoteMessageId;
  /** The first message of the thread that it is in. */
  readonly thread?: RemoteMessageId;
}

export interface Channels {
  readonly permalinks?: Permalinks;
  /** From what a person wrote (`#node`, `libera #node`, `libera/#node`) or a ChannelId; no question to the network where
   *  the shape alone tells. Undefined: no such network, not a channel's name, or none that `by` may know of: a private channel
   *  is nothing to who is not in it. Without `by` the bridge asks for itself. */
  resolve(query: string, by?: UserId): Promise<Channel | undefined>;
  /** Asked where a person looks for a channel in vain: where it went, in words; undefined: nobody knows. */
  elsewhere?(query: string): Promise<string | undefined>;
  /** Synchronous look at what is known of a channel id that came from this adapter. */
  describe(id: ChannelId): Channel;
  /** Those that anybody may know of; of one network, and with those that `by` is in, where that is said. */
  list(search?: string, of?: { readonly network?: string; readonly by?: UserId }): AsyncIterable<Channel>;
  /** Those, chats aside, that this person is in by their own account. With `isIn`, people may have rooms of their own for them. */
  of?(user: UserId): AsyncIterable<Channel>;
  /** Is this person in it by their own account, whether they are connected just now or not? Undefined: not known yet. Asked for
   *  every event heard where somebody has a room of their own; must be cheap. */
  isIn?(channel: ChannelId, user: UserId): boolean | undefined;
  /** Asked for what is heard where no room is linked; must be cheap. A chat of logged-in people gets a room of its own. */
  chat?(channel: ChannelId): Chat | undefined;
  /** Without `withNames` what they are called may be left at their ids: it spares a network of thousands a question each. */
  members(channel: ChannelId, how?: { readonly withNames: boolean }): AsyncIterable<RemoteUser>;
  /** Who is called this in the channel now: one of our sessions' people, or a person of the network. Asked for words of every
   *  line heard; must be cheap. */
  named?(channel: ChannelId, word: string): { readonly user: UserId } | { readonly remote: RemoteUser } | undefined;
  /** The channel's consent. `granted`: the requester's own login is in it. `asked`: somebody there was asked, and the answer
   *  comes as `Inbox.asked`. Throws DeniedError where neither is possible. Absent: only the bridge's admins may link. */
  approvePlumb?(channel: ChannelId, requester: UserId, room: { readonly id: RoomId; readonly name?: string }): Promise<'granted' | 'asked'>;
}
