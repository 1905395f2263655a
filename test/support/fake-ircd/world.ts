// Who is on the fake network and where: users, channels, and the ways in which a message reaches those it concerns.

import { allCapabilities } from './capabilities.ts';
import type { Faults } from './faults.ts';

export interface Message {
  /** Undefined: the server itself. */
  readonly source: User | undefined;
  readonly command: string;
  readonly params: readonly string[];
  /** Client-only tags (`+…`) and those of a batch; the rest is added for each receiver by its capabilities. */
  readonly tags?: Readonly<Record<string, string>>;
  readonly msgid?: string;
  readonly at?: number;
  /** As the source was then, where it has changed since. */
  readonly prefix?: string;
}

export interface User {
  nick: string;
  user: string;
  host: string;
  realname: string;
  server: string;
  account: string | undefined;
  away: string | undefined;
  readonly isBot: boolean;
  readonly channels: Set<Channel>;
  readonly monitored: Set<string>;
  readonly invitations: Set<string>;
  has(capability: string): boolean;
  receive(message: Message): void;
  /** The server ends the connection: with ERROR and this reason, or without a word. */
  cut(reason?: string): void;
}

export interface Channel {
  readonly name: string;
  topic: { readonly text: string; readonly by: string; readonly at: number } | undefined;
  /** Modes of each member: `o`, `h`, `v`. */
  readonly members: Map<User, Set<string>>;
  readonly bans: Set<string>;
  readonly modes: Set<string>;
  key: string | undefined;
  limit: number | undefined;
  readonly created: number;
}

export interface Stored {
  readonly message: Message;
  readonly msgid: string;
  readonly at: number;
  /** Lines of a multiline message after the first. */
  readonly rest: readonly Message[];
  isRedacted: boolean;
}

export class World {
  readonly name: string;
  readonly network: string;
  readonly faults: Faults;
  /** Offered capabilities and their values. */
  readonly offered: Map<string, string>;
  readonly users = new Map<string, User>();
  /** Those who have MONITOR lists. */
  readonly monitoring = new Set<User>();
  readonly channels = new Map<string, Channel>();
  /** Folded channel, or two folded nicks with a space between → what was said. */
  readonly history = new Map<string, Stored[]>();
  /** Folded account or nick, space, target → timestamp. */
  readonly readMarkers = new Map<string, string>();
  readonly accounts: Map<string, string>;
  readonly password: string | undefined;
  /** Folded channel → numeric that refuses a JOIN, and how often (`470` needs the channel to go to as text). */
  readonly joinRefusals = new Map<string, { readonly numeric: string; readonly text: string; times: number }>();
  #ids = 0;

  constructor(parts: {
    name: string;
    network: string;
    faults: Faults;
    capabilities: Iterable<readonly [string, string]> | undefined;
    accounts: Readonly<Record<string, string>>;
    password: string | undefined;
  }) {
    this.name = parts.name;
    this.network = parts.network;
    this.faults = parts.faults;
    this.offered = new Map(parts.capabilities ?? Object.entries(allCapabilities));
    this.accounts = new Map(Object.entries(parts.accounts));
    this.password = parts.password;
  }

  /** RFC 1459, which the fake server announces. */
  fold(name: string): string {
    return name.toLowerCase().replaceAll('[', '{').replaceAll(']', '}').replaceAll('\\', '|').replaceAll('^', '~');
  }

  newId(): string {
    this.#ids++;
    return `fake-${this.#ids.toString(36).padStart(6, '0')}`;
  }

  user(nick: string): User | undefined {
    return this.users.get(this.fold(nick));
  }

  channel(name: string): Channel | undefined {
    return this.channels.get(this.fold(name));
  }

  isChannel(name: string): boolean {
    return /^[#&]/.test(name);
  }

  mask(user: User): string {
    return `${user.nick}!${user.user}@${user.host}`;
  }

  /** A numeric, or any other line from the server to one user. */
  reply(user: User, command: string, ...params: string[]): void {
    user.receive({ source: undefined, command, params: /^\d/.test(command) ? [user.nick || '*', ...params] : params });
  }

  fail(user: User, command: string, code: string, ...context: string[]): void {
    this.reply(user, 'FAIL', command, code, ...context);
  }

  toChannel(channel: Channel, message: Message, fits: (user: User) => boolean = () => true): void {
    for (const user of [...channel.members.keys()]) if (fits(user)) user.receive(message);
  }

  /** Everybody who shares a channel with `user`, each once; `user` too if wanted. */
  peers(user: User, withSelf: boolean): User[] {
    const found = new Set<User>(withSelf ? [user] : []);
    for (const channel of user.channels) for (const member of channel.members.keys()) found.add(member);
    if (!withSelf) found.delete(user);
    return [...found];
  }

  toPeers(user: User, message: Message, withSelf: boolean, fits: (user: User) => boolean = () => true): void {
    for (const peer of this.peers(user, withSelf)) if (fits(peer)) peer.receive(message);
  }

  enter(user: User): void {
    this.users.set(this.fold(user.nick), user);
    this.#tellMonitors(user, '730', this.mask(user));
  }

  /** Out of every channel and the list; says nothing to anybody but monitors. */
  leave(user: User): void {
    for (const channel of [...user.channels]) this.remove(user, channel);
    if (this.user(user.nick) === user) this.users.delete(this.fold(user.nick));
    this.monitoring.delete(user);
    this.#tellMonitors(user, '731', user.nick);
  }

  rename(user: User, nick: string): void {
    const before = user.nick;
    this.users.delete(this.fold(before));
    user.nick = nick;
    this.users.set(this.fold(nick), user);
    if (this.fold(before) === this.fold(nick)) return;
    this.#tellMonitors({ ...user, nick: before }, '731', before);
    this.#tellMonitors(user, '730', this.mask(user));
  }

  remove(user: User, channel: Channel): void {
    channel.members.delete(user);
    user.channels.delete(channel);
    if (channel.members.size === 0) this.channels.delete(this.fold(channel.name));
  }

  remember(key: string, stored: Stored): void {
    const said = this.history.get(key) ?? [];
    said.push(stored);
    while (said.length > this.faults.keeps) said.shift();
    this.history.set(key, said);
  }

  /** Under which what is said between two, or in a channel, is kept. */
  historyKey(target: string, user: User): string {
    return this.isChannel(target) ? this.fold(target) : [this.fold(target), this.fold(user.nick)].sort().join(' ');
  }

  #tellMonitors(user: Pick<User, 'nick'>, numeric: string, text: string): void {
    const folded = this.fold(user.nick);
    for (const each of this.monitoring) if (each.monitored.has(folded)) this.reply(each, numeric, text);
  }
}
