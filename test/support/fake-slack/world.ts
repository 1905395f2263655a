// Everything that this Slack knows, and the making of it. It sends nothing: what happens is announced to whoever listens, with
// the circle of those who may know of it.

import { randomBytes, randomUUID } from 'node:crypto';
import { Later } from '../fake-services/later.ts';
import { Clock } from './clock.ts';
import type { InnerEvent } from './inner-events.ts';
import type { App, Attachment, Bot, Channel, ChannelKind, Enterprise, Message, SlackFile, Team, Token, User } from './model.ts';

/** Who may know of an event, before scopes and subscriptions are asked. */
export type Audience =
  | { readonly of: 'channel'; readonly channel: Channel }
  | { readonly of: 'team'; readonly teams: readonly string[]; readonly channel?: Channel }
  | { readonly of: 'user'; readonly user: string; readonly channel?: Channel }
  /** Told to the app as such, whatever its tokens may see. */
  | { readonly of: 'app'; readonly app: App; readonly team: Team; readonly user: string; readonly isBot: boolean };

export interface Happening {
  readonly event: InnerEvent;
  readonly audience: Audience;
}

/** Slack's answer to a request that it will not carry out: `error` of a reply. */
export class SlackFault extends Error {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, details: Readonly<Record<string, unknown>> = {}) {
    super(code);
    this.name = 'SlackFault';
    this.code = code;
    this.details = details;
  }
}

/** Ways of Slack that are not documented, or differ from day to day: a bridge must stand each of them. */
export interface Quirks {
  /** Whether `message` events bear the whole `metadata` (recorded events show the field, but not what is in it). */
  readonly metadataInEvents: boolean;
  /** Where the doubling event `message_replied` comes, and whether with its subtype: Slack's pages say that Events lack it. */
  readonly messageReplied: 'never' | 'rtm' | 'everywhere' | 'everywhere without subtype';
  /** What becomes of a `client_msg_id` given to chat.postMessage; the method's errors hint that one given twice makes no second message. */
  readonly clientMsgIds: 'kept' | 'ignored' | 'deduplicated';
  /** ms from files.completeUploadExternal's answer to the message with the file. */
  readonly fileShareDelay: number;
  readonly unfurlDelay: number;
  /** With `oldest` and no `latest`, which end of history the first page is: today's pages say the newest, old ones said the oldest. */
  readonly pageWithOldestAlone: 'newest' | 'oldest';
  /** What joins, topics and the like are called in private channels: `group_join` as of old, or `channel_join`. */
  readonly privateSubtypes: 'group' | 'channel';
}

export type NewUser = Omit<User, 'updated' | 'teams' | 'avatar' | 'presence' | 'isDeleted' | 'status' | 'title' | 'tz'>;

export interface NewChannel {
  readonly id?: string;
  readonly kind: ChannelKind;
  readonly team: Team;
  readonly name: string;
  readonly creator: string;
  readonly members: Iterable<string>;
  readonly isGeneral?: boolean;
}

export class World {
  readonly clock = new Clock();
  readonly enterprises = new Map<string, Enterprise>();
  readonly teams = new Map<string, Team>();
  readonly users = new Map<string, User>();
  readonly bots = new Map<string, Bot>();
  readonly channels = new Map<string, Channel>();
  readonly files = new Map<string, SlackFile>();
  readonly apps = new Map<string, App>();
  readonly tokens = new Map<string, Token>();
  /** What Slack shows of a link: `url` is a part of the message's text. */
  readonly unfurls: { readonly url: string; readonly attachment: Attachment; readonly isMedia: boolean }[] = [];
  /** Names that Slack's set of emoji lacks. Any other name is taken for one that it has. */
  readonly unknownEmoji = new Set<string>();
  readonly quirks: Quirks;
  /** Where this Slack is reached; known once the door is open. */
  origin = '';
  readonly #listeners: ((happening: Happening) => void)[] = [];
  readonly later = new Later();
  #count = 0;

  constructor(quirks: Partial<Quirks> = {}) {
    this.quirks = {
      metadataInEvents: true,
      messageReplied: 'rtm',
      clientMsgIds: 'kept',
      fileShareDelay: 20,
      unfurlDelay: 20,
      pageWithOldestAlone: 'newest',
      privateSubtypes: 'group',
      ...quirks,
    };
  }

  listen(listener: (happening: Happening) => void): void {
    this.#listeners.push(listener);
  }

  announce(event: InnerEvent, audience: Audience): void {
    for (const listener of this.#listeners) listener({ event, audience });
  }

  /** Ids as Slack's: a letter for the kind, then capitals and digits. */
  id(letter: string): string {
    this.#count += 1;
    return `${letter}0${this.#count.toString(36).toUpperCase().padStart(9, '0')}`;
  }

  secret(bytes = 12): string {
    return randomBytes(bytes).toString('hex');
  }

  uuid(): string {
    return randomUUID();
  }

  team(id: string): Team {
    return must(this.teams.get(id), `no workspace ${id}`);
  }

  user(id: string): User {
    return must(this.users.get(id), `no user ${id}`);
  }

  channel(id: string): Channel {
    return must(this.channels.get(id), `no channel ${id}`);
  }

  makeUser(user: NewUser): User {
    const made: User = {
      ...user,
      teams: new Set([user.teamId]),
      title: '',
      status: { text: '', emoji: '' },
      tz: 'Europe/Berlin',
      avatar: undefined,
      presence: 'active',
      isDeleted: false,
      updated: this.clock.seconds(),
    };
    this.users.set(made.id, made);
    return made;
  }

  makeChannel({ id, kind, team, name, creator, members, isGeneral = false }: NewChannel): Channel {
    const letter = { channel: 'C', group: 'C', im: 'D', mpim: 'G' }[kind];
    const nothing = { value: '', creator: '', last_set: 0 };
    const made: Channel = {
      id: id ?? this.id(letter),
      kind,
      team,
      name,
      creator,
      created: this.clock.seconds(),
      updated: this.clock.now(),
      isArchived: false,
      isGeneral,
      isReadOnly: false,
      members: new Set(members),
      topic: nothing,
      purpose: nothing,
      previousNames: [],
      sharedWith: new Map(),
      timeline: { all: new Map(), main: [], replies: new Map() },
      pins: new Map(),
      readUntil: new Map(),
    };
    this.channels.set(made.id, made);
    return made;
  }

  /** Everybody who belongs to a workspace, bots too. */
  membersOf(team: Team): User[] {
    return [...this.users.values()].filter((user) => user.teams.has(team.id));
  }

  channelNamed(team: Team, name: string): Channel | undefined {
    return [...this.channels.values()].find((channel) => channel.name === name && isOn(channel, team) && !isDirect(channel));
  }

  directBetween(team: Team, users: readonly string[]): Channel | undefined {
    const wanted = new Set(users);
    return [...this.channels.values()].find(
      ({ kind, members, team: { id } }) =>
        kind === (wanted.size > 2 ? 'mpim' : 'im') &&
        id === team.id &&
        members.size === wanted.size &&
        [...members].every((member) => wanted.has(member)),
    );
  }

  /** What an app is called in a workspace; made where it has no bot user there. */
  botOf(app: App, teamId: string): Bot {
    const known = [...this.bots.values()].find((bot) => bot.app === app && bot.teamId === teamId);
    return known ?? this.makeBot({ teamId, app, userId: undefined, name: app.name });
  }

  makeBot(bot: Omit<Bot, 'id' | 'updated'> & { readonly id?: string | undefined }): Bot {
    const made = { ...bot, id: bot.id ?? this.id('B'), updated: this.clock.seconds() };
    this.bots.set(made.id, made);
    return made;
  }

  tokensOf(app: App, team?: Team): Token[] {
    return [...this.tokens.values()].filter(
      (token) => token.app === app && (team === undefined || token.team === team || isOrgWideFor(token, team)),
    );
  }

  isLive(token: Token): boolean {
    const isExpired = token.expires !== undefined && token.expires <= this.clock.now();
    return !token.isRevoked && !isExpired && token.user?.isDeleted !== true;
  }

  message(channel: Channel, ts: string): Message {
    const message = channel.timeline.all.get(ts);
    if (message === undefined) throw new SlackFault('message_not_found');
    return message;
  }
}

export function isDirect(channel: Channel): boolean {
  return channel.kind === 'im' || channel.kind === 'mpim';
}

/** Whether a workspace has this channel: as its own, or shared with it. */
export function isOn(channel: Channel, team: Team): boolean {
  return channel.team === team || channel.sharedWith.has(team.id);
}

export function teamsOf(channel: Channel): string[] {
  return [channel.team.id, ...channel.sharedWith.keys()];
}

/** Shared beyond one organisation: Slack Connect. */
export function isConnect(channel: Channel): boolean {
  return [...channel.sharedWith.values()].some(({ enterprise }) => enterprise === undefined || enterprise !== channel.team.enterprise);
}

export function isOrgWideFor(token: Token, team: Team): boolean {
  return token.team === undefined && token.enterprise !== undefined && token.enterprise === team.enterprise;
}

export function must<Found>(found: Found | undefined, fault: string): Found {
  if (found === undefined) throw new Error(fault);
  return found;
}
