// A network in memory: channels, people, connections that hear what is said, and trouble on demand. The far side of
// fake-adapter.ts, which knows of it only what a connection is told.

import { UnknownOutcomeError } from '../../../bridge-core/errors.ts';
import type { RemoteFile, Style } from '../../../bridge-core/remote-event.ts';

export interface FakeMessage {
  /** Counts all that happens on the network. */
  readonly serial: number;
  readonly id: string;
  readonly channel: string;
  readonly nick: string;
  body: string;
  readonly style: Style;
  readonly at: number;
  readonly key: string | undefined;
  readonly replyTo: string | undefined;
  readonly shownAs: string | undefined;
  readonly avatar?: string | undefined;
  files?: readonly RemoteFile[] | undefined;
  readonly thread?: string | undefined;
  /** One of ours, as it arrived. */
  readonly carried?: {
    readonly name: string;
    readonly type: string | undefined;
    readonly bytes: number | undefined;
    readonly alt: string | undefined;
    readonly words: string;
  };
  readonly isBroadcast?: boolean | undefined;
  isRedacted: boolean;
  /** `emoji nick` */
  readonly reactions: Set<string>;
}

/** `isOurs`: done by one of our sessions, not by the same person with another client. */
export type Happening = {
  readonly serial: number;
  readonly at: number;
  readonly channel: string;
  readonly nick: string;
  readonly isOurs?: boolean;
} & (
  | { readonly what: 'message'; readonly message: FakeMessage }
  | {
      readonly what: 'edit';
      readonly target: string;
      readonly body: string;
      readonly style: Style;
      readonly message?: FakeMessage | undefined;
    }
  | { readonly what: 'redaction'; readonly target: string; readonly reason?: string | undefined }
  | {
      readonly what: 'reaction';
      readonly target: string;
      readonly emoji: string;
      readonly on: boolean;
      readonly picture?: string | undefined;
    }
  | { readonly what: 'typing'; readonly on: boolean }
  | { readonly what: 'join' | 'leave' }
  | { readonly what: 'kick' | 'ban'; readonly by: string; readonly reason?: string | undefined }
  | { readonly what: 'unban'; readonly by: string }
  | { readonly what: 'topic'; readonly topic: string }
  | { readonly what: 'called'; readonly name: string }
  | { readonly what: 'archived'; readonly on: boolean }
  | { readonly what: 'pin'; readonly target: string; readonly on: boolean }
  | { readonly what: 'rename'; readonly was: string }
  | { readonly what: 'read'; readonly upTo: string }
  | { readonly what: 'away'; readonly away: string | undefined }
);

/** Without what is the same for all. */
type Fresh<Of> = Of extends unknown ? Omit<Of, 'serial' | 'at' | 'isOurs'> : never;

/** What becomes of a message on its way: `lost` and `doubtful` cut the connection, before or after it arrived. */
export type Fate = 'refuse' | 'closed' | 'busy' | 'away' | 'lost' | 'doubtful' | 'hang' | Error;

export interface Wish {
  readonly channel: string;
  readonly nick: string;
  readonly body: string;
  readonly file?: string;
}

export interface Connection {
  nick: string;
  /** Of a person's own account, which stays where it is whether they are connected or not. */
  readonly isAccount?: boolean;
  readonly hear: (happening: Happening) => void;
  readonly lost: (error: Error) => void;
}

interface Channel {
  readonly name: string;
  readonly members: Set<string>;
  readonly messages: FakeMessage[];
  topic: string;
  /** What people call it. */
  title: string;
  isArchived: boolean;
  readonly pinned: Set<string>;
  readonly invited: Set<string>;
  readonly banned: Set<string>;
  /** Nobody else is let in, nobody of ours may speak. */
  isClosed: boolean;
}

export const isChatName = (name: string): boolean => name.startsWith('&');

export class FakeNetwork {
  /** What it calls itself, once it says so. */
  title: string | undefined;
  readonly channels = new Map<string, Channel>();
  readonly connections = new Set<Connection>();
  readonly people = new Set<string>();
  /** Channels that not everybody may know of. */
  readonly hidden = new Set<string>();
  /** What people were told in private, `nick: words`. */
  readonly told: string[] = [];
  readonly log: Happening[] = [];
  /** By source: what a file holds, or why it cannot be had. Any other holds the words of its source. */
  readonly files = new Map<string, Uint8Array | Error>();
  /** Connections that the network will not open, by nick. */
  readonly barred = new Map<string, Error>();
  /** Nothing of ours is edited any more. */
  refusesEdits = false;
  /** Nobody takes away what another said. */
  redactsOwnAlone = false;
  /** Nicks that may do nothing but speak. */
  readonly powerless = new Set<string>();
  /** ms that a message takes. */
  latency = 0;
  isUp = true;
  /** One of our sessions is at work. */
  #isOurs = false;
  onUp: (() => void)[] = [];
  /** What asking for what was said meets: waits, or throws. */
  opensHistory: (channel: string) => Promise<void> = async () => {};
  /** What asking for a page of people meets. */
  opensPeople: (from: number) => Promise<void> = async () => {};
  /** Asked of every message on its way; undefined: nothing in the way. */
  meet: (wish: Wish) => Fate | undefined = () => undefined;
  #serial = 0;
  #hanging = new Set<() => void>();

  channel(name: string): Channel {
    const folded = name.toLowerCase();
    let channel = this.channels.get(folded);
    if (channel === undefined) {
      channel = {
        ...{ name: folded, members: new Set(), messages: [], topic: '', isClosed: false },
        ...{ title: folded, isArchived: false, pinned: new Set(), invited: new Set(), banned: new Set() },
      };
      this.channels.set(folded, channel);
    }
    return channel;
  }

  /** The chat of these, opened if need be: `&ann&zoe`. */
  chat(...nicks: readonly string[]): string {
    const name = `&${[...nicks].sort().join('&')}`;
    for (const nick of nicks) this.join(nick, name);
    return name;
  }

  /** `nick: body` of all that stands in the channel. */
  said(name: string): string[] {
    return this.channel(name)
      .messages.filter(({ isRedacted }) => !isRedacted)
      .map(({ nick, body }) => `${nick}: ${body}`);
  }

  /** The next messages that `fits` meet these, one each. */
  script(fates: readonly Fate[], fits: (wish: Wish) => boolean = () => true): void {
    const left = [...fates];
    const before = this.meet;
    this.meet = (wish) => (left.length > 0 && fits(wish) ? left.shift() : before(wish));
  }

  /** What is done meanwhile is a session's of ours. */
  asOurs<Result>(work: () => Result): Result {
    this.#isOurs = true;
    try {
      return work();
    } finally {
      this.#isOurs = false;
    }
  }

  // — what people do, ours and others

  join(nick: string, name: string): void {
    const channel = this.channel(name);
    if (channel.members.has(nick)) return;
    channel.members.add(nick);
    this.#happen({ what: 'join', channel: channel.name, nick });
  }

  leave(nick: string, name: string): void {
    const channel = this.channel(name);
    if (!channel.members.has(nick)) return;
    this.#happen({ what: 'leave', channel: channel.name, nick });
    channel.members.delete(nick);
  }

  say(
    nick: string,
    name: string,
    body: string,
    more: { style?: Style; replyTo?: string; key?: string; shownAs?: string } & Pick<
      Partial<FakeMessage>,
      'files' | 'thread' | 'isBroadcast' | 'avatar' | 'carried'
    > = {},
  ): FakeMessage {
    this.join(nick, name);
    const channel = this.channel(name);
    if (![...this.connections].some((connection) => connection.nick === nick)) this.people.add(nick);
    const serial = this.#serial + 1;
    const message: FakeMessage = {
      ...more,
      ...{ serial, id: `m${serial}`, channel: channel.name, nick, body, style: more.style ?? 'text', at: Date.now() },
      ...{ key: more.key, replyTo: more.replyTo, shownAs: more.shownAs, isRedacted: false, reactions: new Set<string>() },
    };
    channel.messages.push(message);
    this.#happen({ what: 'message', channel: channel.name, nick, message });
    return message;
  }

  /** `files`: those that it still has; unless said, all. */
  edit(nick: string, name: string, target: string, body: string, style: Style = 'text', files?: readonly RemoteFile[]): void {
    const message = this.find(name, target);
    if (message !== undefined) message.body = body;
    if (message !== undefined && files !== undefined) message.files = files;
    this.#happen({ what: 'edit', channel: this.channel(name).name, nick, target, body, style, message });
  }

  redact(nick: string, name: string, target: string, reason?: string): void {
    const message = this.find(name, target);
    if (message !== undefined) message.isRedacted = true;
    this.#happen({ what: 'redaction', channel: this.channel(name).name, nick, target, reason });
  }

  react(nick: string, name: string, target: string, emoji: string, on = true, picture?: string): void {
    const reactions = this.find(name, target)?.reactions;
    if (on) reactions?.add(`${emoji} ${nick}`);
    else reactions?.delete(`${emoji} ${nick}`);
    this.#happen({ what: 'reaction', channel: this.channel(name).name, nick, target, emoji, on, picture });
  }

  type(nick: string, name: string, on: boolean): void {
    this.#happen({ what: 'typing', channel: this.channel(name).name, nick, on });
  }

  setTopic(nick: string, name: string, topic: string): void {
    this.channel(name).topic = topic;
    this.#happen({ what: 'topic', channel: this.channel(name).name, nick, topic });
  }

  call(nick: string, name: string, called: string): void {
    this.channel(name).title = called;
    this.#happen({ what: 'called', channel: this.channel(name).name, nick, name: called });
  }

  archive(nick: string, name: string, on = true): void {
    this.channel(name).isArchived = on;
    this.#happen({ what: 'archived', channel: this.channel(name).name, nick, on });
  }

  pin(nick: string, name: string, target: string, on = true): void {
    const { pinned } = this.channel(name);
    if (on) pinned.add(target);
    else pinned.delete(target);
    this.#happen({ what: 'pin', channel: this.channel(name).name, nick, target, on });
  }

  invite(name: string, nick: string): void {
    this.channel(name).invited.add(nick);
  }

  kick(by: string, name: string, nick: string, reason?: string): void {
    const channel = this.channel(name);
    this.#happen({ what: 'kick', channel: channel.name, nick, by, reason });
    channel.members.delete(nick);
  }

  ban(by: string, name: string, nick: string, reason?: string): void {
    const channel = this.channel(name);
    channel.banned.add(nick);
    this.#happen({ what: 'ban', channel: channel.name, nick, by, reason });
    channel.members.delete(nick);
  }

  unban(by: string, name: string, nick: string): void {
    const channel = this.channel(name);
    if (channel.banned.delete(nick)) this.#happen({ what: 'unban', channel: channel.name, nick, by });
  }

  markRead(nick: string, name: string, upTo: string): void {
    this.#happen({ what: 'read', channel: this.channel(name).name, nick, upTo });
  }

  setAway(nick: string, away: string | undefined): void {
    for (const channel of this.#channelsOf(nick)) this.#happen({ what: 'away', channel: channel.name, nick, away });
  }

  rename(was: string, nick: string): void {
    for (const connection of this.connections) if (connection.nick === was) connection.nick = nick;
    if (this.people.delete(was)) this.people.add(nick);
    for (const channel of this.#channelsOf(was)) {
      channel.members.delete(was);
      channel.members.add(nick);
      this.#happen({ what: 'rename', channel: channel.name, nick, was });
    }
  }

  find(name: string, id: string): FakeMessage | undefined {
    return this.channel(name).messages.find((message) => message.id === id);
  }

  /** Nicks in use: of people and of connections. */
  isTaken(nick: string): boolean {
    return this.people.has(nick) || [...this.connections].some((connection) => connection.nick === nick);
  }

  // — trouble

  /** Every connection breaks, none can be made. */
  down(): void {
    this.isUp = false;
    for (const connection of [...this.connections]) this.cut(connection);
  }

  up(): void {
    this.isUp = true;
    for (const tell of [...this.onUp]) tell();
  }

  cut(connection: Connection): void {
    this.drop(connection);
    connection.lost(new UnknownOutcomeError('the connection broke'));
  }

  drop(connection: Connection): void {
    if (!this.connections.delete(connection) || connection.isAccount === true) return;
    // Who is away is still one of their chats.
    for (const { name } of this.#channelsOf(connection.nick)) if (!isChatName(name)) this.leave(connection.nick, name);
  }

  /** Messages that hang arrive now. */
  release(): void {
    const hanging = this.#hanging;
    this.#hanging = new Set();
    for (const goOn of hanging) goOn();
  }

  get hanging(): number {
    return this.#hanging.size;
  }

  hang(): Promise<void> {
    return new Promise((resolve) => this.#hanging.add(resolve));
  }

  #channelsOf(nick: string): Channel[] {
    return [...this.channels.values()].filter(({ members }) => members.has(nick));
  }

  #happen(fresh: Fresh<Happening>): void {
    this.#serial += 1;
    const happening = { ...fresh, serial: this.#serial, at: Date.now(), isOurs: this.#isOurs } as Happening;
    this.log.push(happening);
    for (const connection of [...this.connections]) {
      if (this.channel(happening.channel).members.has(connection.nick)) connection.hear(happening);
    }
  }
}
