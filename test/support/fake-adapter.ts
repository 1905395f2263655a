// An adapter that fulfils the whole contract over a network in memory. Each optional verb, message ids, automatic puppets and
// their limit can be switched; what goes wrong is the network's to say (fake-adapter/network.ts).

import {
  type Adapter,
  type AdapterTools,
  type Capabilities,
  type ChannelId,
  type ConfiguredLink,
  type ConnectionStatus,
  channelId,
  type Formatter,
  type Login,
  type LoginFlow,
  type Lookups,
  PermanentError,
  type RemoteEvent,
  type RemoteFile,
  type RemoteMessageId,
  type RemoteUser,
  type RemoteUserId,
  remoteMessageId,
  type Session,
  type Speaker,
  UnreachableError,
  type UserId,
} from '#bridge-core';
import { FakeChannels } from './fake-adapter/channels.ts';
import { eventOf, personOf } from './fake-adapter/events.ts';
import { boxingFormatter, fakeFormatter } from './fake-adapter/formatter.ts';
import { FakeLogins } from './fake-adapter/logins.ts';
import { fakeLookups } from './fake-adapter/lookups.ts';
import { FakeMirror } from './fake-adapter/mirror.ts';
import { type FakeNetwork, type Happening, isChatName } from './fake-adapter/network.ts';
import { FakeSession, type Verb, verbs } from './fake-adapter/session.ts';

export { FakeNetwork, type Fate } from './fake-adapter/network.ts';
export { banVerbs, type Verb, verbs } from './fake-adapter/session.ts';

export const networkId = 'fake';
export const inFake = (name: string): ChannelId => channelId(`${networkId}/${name.toLowerCase()}`);

export interface FakeAdapterOptions {
  readonly network: FakeNetwork;
  readonly tools: AdapterTools;
  /** What sessions can do beside `send`; all of it unless said. */
  readonly verbs?: readonly Verb[];
  readonly messageIds?: boolean;
  /** False: `sent` finds earlier tries by their bodies. */
  readonly keys?: boolean;
  readonly shownAs?: boolean;
  readonly fileShownAs?: boolean;
  readonly threads?: boolean;
  readonly files?: Capabilities['files'];
  /** Bodies are no text, but records that hold one. */
  readonly boxes?: boolean;
  readonly puppets?: Capabilities['puppets'];
  readonly maxPuppets?: number;
  /** Gaps are filled; otherwise told. */
  readonly history?: boolean;
  /** False: whoever uses the adapter asks for what was missed. */
  readonly closesGaps?: boolean;
  readonly named?: boolean;
  /** A mention is a mark and no name. */
  readonly marks?: boolean;
  /** What channels people are in by their own accounts is known. */
  readonly ownChannels?: boolean;
  readonly bytes?: number;
  readonly lines?: number;
  readonly links?: readonly ConfiguredLink[];
  /** People log in, by a token or by a page. */
  readonly logins?: boolean;
  /** What of the network is kept in step as a whole. */
  readonly mirror?: FakeMirror['wish'];
}

export class FakeAdapter implements Adapter {
  readonly formatter: Formatter = fakeFormatter;
  readonly lookups: Lookups = fakeLookups;
  readonly logins: readonly LoginFlow[];
  readonly door: FakeLogins;
  readonly inbox: AdapterTools['inbox'];
  readonly channels: FakeChannels;
  readonly mirror: FakeMirror;
  readonly closesGaps: boolean;
  readonly network: FakeNetwork;
  readonly options: Required<Omit<FakeAdapterOptions, 'network' | 'tools'>>;
  readonly #tools: AdapterTools;
  /** By whom: the bot, or people by their own accounts. */
  readonly #watched = new Map<string, Set<UserId | 'bot'>>();
  readonly #signedOut = new Set<UserId>();
  readonly #sessions = new Map<string, FakeSession>();
  /** People's own accounts: their nicks. */
  readonly #accounts = new Map<UserId, string>();
  #connected = false;
  #state: ConnectionStatus['state'] = 'down';
  /** What was heard, in order, on its way into the journal. */
  #reporting: Promise<void> = Promise.resolve();
  readonly #comeBack = () => void this.#reconnect();

  constructor(options: FakeAdapterOptions) {
    this.network = options.network;
    this.#tools = options.tools;
    this.inbox = options.tools.inbox;
    this.door = new FakeLogins(options.tools);
    this.logins = options.logins === true ? this.door.flows : [];
    this.options = {
      ...{ verbs, messageIds: true, keys: true, shownAs: false, puppets: 'automatic', maxPuppets: 100, history: true, named: true },
      ...{ ownChannels: true, closesGaps: true, threads: false, files: 'link', fileShownAs: true, boxes: false, marks: false },
      ...{ bytes: 200, lines: 4, links: [], logins: false, mirror: { channels: false, people: 'off' }, ...options },
    };
    if (this.options.boxes) this.formatter = boxingFormatter as unknown as Formatter;
    const ofOurs = this.options.named ? (nick: string) => this.#userCalled(nick) : undefined;
    this.channels = new FakeChannels(this.network, ofOurs, (nick) => this.#ownerOf(nick));
    this.mirror = new FakeMirror(this.network, this.channels);
    Object.assign(this.mirror, { wish: this.options.mirror });
    this.channels.seesHidden = this.options.mirror.isPrivateToo === true;
    if (this.options.ownChannels) this.channels.serve((user) => this.#accounts.get(user) ?? (this.#signedOut.has(user) ? '' : undefined));
    if (!this.options.history) Object.assign(this, { history: undefined });
    this.closesGaps = this.options.closesGaps;
  }

  capabilities(_channel: ChannelId): Capabilities {
    const { messageIds, shownAs, fileShownAs, puppets, threads, files } = this.options;
    return { messageIds, shownAs, fileShownAs, puppets, threads, files, members: 'all', sendsPerSecond: 10_000 };
  }

  configuredLinks(): readonly ConfiguredLink[] {
    return this.options.links;
  }

  async connect(): Promise<void> {
    if (this.#connected) return;
    this.#connected = true;
    this.network.onUp.push(this.#comeBack);
    setImmediate(this.#comeBack);
  }

  async disconnect(): Promise<void> {
    this.#connected = false;
    this.network.onUp = this.network.onUp.filter((tell) => tell !== this.#comeBack);
    for (const session of [...this.#sessions.values()]) await session.close();
    this.#state = 'down';
    await this.#reporting;
  }

  async watch(channel: ChannelId, by?: UserId): Promise<void> {
    const { name } = this.channels.describe(channel);
    this.#watched.set(name, new Set([...(this.#watched.get(name) ?? []), by ?? 'bot']));
    if (isChatName(name)) return;
    if (by === undefined) await this.#sessions.get('bot')?.join(channel);
    this.#closeGap(name);
  }

  async unwatch(channel: ChannelId, by?: UserId, isForNow = false): Promise<void> {
    const { name } = this.channels.describe(channel);
    const watchers = this.#watched.get(name);
    if (watchers?.delete(by ?? 'bot') === true && by === undefined) await this.#sessions.get('bot')?.leave(channel);
    if (watchers !== undefined && watchers.size > 0) return;
    this.#watched.delete(name);
    if (!isForNow) await this.#tools.memory.set(`heard/${name}`, undefined);
  }

  async session(speaker: Speaker, _channel: ChannelId): Promise<Session> {
    const open = this.#sessions.get(keyOf(speaker));
    if (open !== undefined) return open;
    if (!this.#connected || !this.network.isUp) throw new UnreachableError('NETWORK_UNREACHABLE', 'the network is away');
    if (speaker.as === 'user') {
      const { puppets, maxPuppets } = this.options;
      const count = [...this.#sessions.keys()].filter((key) => key !== 'bot').length;
      if (puppets === 'none' || count >= maxPuppets) throw new PermanentError('SESSION_LIMIT', 'no more sessions');
      if (puppets === 'login' && !this.#accounts.has(speaker.user)) throw new PermanentError('NETWORK_LOGIN', 'not logged in');
    }
    return this.#open(speaker);
  }

  openSession(speaker: Speaker, _channel: ChannelId): Session | undefined {
    return this.#sessions.get(keyOf(speaker));
  }

  /** `credentials.nick` is who they are there. */
  async signIn({ user, credentials }: Login): Promise<void> {
    this.#accounts.set(user, credentials.nick ?? '');
    this.#signedOut.delete(user);
    if (this.#connected && this.network.isUp && !this.#sessions.has(user)) this.#open({ as: 'user', user });
  }

  async signOut({ user }: Login): Promise<void> {
    this.#accounts.delete(user);
    this.#signedOut.add(user);
    await this.#sessions.get(user)?.close();
  }

  async moved(from: ChannelId, to: ChannelId): Promise<void> {
    await this.#tools.inbox.moved?.(from, to);
  }

  async openDirect(user: UserId, others: readonly RemoteUserId[]): Promise<ChannelId> {
    const nick = this.#accounts.get(user);
    if (nick === undefined) throw new PermanentError('NETWORK_LOGIN', `${user} is not logged in`);
    return channelId(`${networkId}/${this.network.chat(nick, ...others.map((id) => id.slice(networkId.length + 1)))}`);
  }

  speakerOf(user: RemoteUserId): Speaker | undefined {
    const owner = this.#ownerOf(user.slice(networkId.length + 1));
    if (owner !== undefined) return { as: 'user', user: owner };
    for (const session of this.#sessions.values()) if (session.self === user) return session.speaker;
    return undefined;
  }

  async user(id: RemoteUserId): Promise<RemoteUser | undefined> {
    const nick = id.slice(networkId.length + 1);
    return this.network.isTaken(nick) ? personOf(nick) : undefined;
  }

  async tell(user: RemoteUserId, words: string): Promise<void> {
    this.network.told.push(`${user.slice(networkId.length + 1)}: ${words}`);
  }

  async nick(user: UserId, _channel: ChannelId, wanted: string): Promise<string> {
    const session = this.#sessions.get(user);
    if (session === undefined) throw new PermanentError('NETWORK_REFUSED', 'no session has a name to change');
    const nick = this.#free(wanted.toLowerCase());
    this.network.rename(session.connection.nick, nick);
    return nick;
  }

  async open(file: RemoteFile): Promise<ReadableStream<Uint8Array>> {
    const held = this.network.files.get(file.source);
    if (held instanceof Error) throw held;
    return new Blob([held === undefined ? file.source : new Uint8Array(held)]).stream();
  }

  async *history(channel: ChannelId, since: RemoteMessageId | number, most?: number): AsyncGenerator<RemoteEvent> {
    const { name } = this.channels.describe(channel);
    await this.network.opensHistory(name);
    const from = typeof since === 'number' ? since : this.network.find(name, since)?.serial;
    const later = this.network
      .channel(name)
      .messages.filter(
        ({ at, serial, nick }) => !this.#isOurs(nick) && (typeof since === 'number' ? at >= since : serial > (from ?? Infinity)),
      );
    const wanted = most === undefined ? later : later.slice(-most);
    for (const message of wanted) {
      const event = eventOf({ ...message, what: 'message', message }, this.options.messageIds);
      if (event !== undefined) yield event;
    }
    for (const message of most === undefined ? [] : wanted)
      for (const given of message.reactions) {
        const [emoji = '', nick = ''] = given.split(' ');
        const sign = { what: 'reaction', target: message.id, emoji, on: true } as const;
        const event = eventOf({ ...sign, nick, channel: name, at: message.at, serial: message.serial }, this.options.messageIds);
        if (event !== undefined) yield event;
      }
  }

  /** Resolves once all that was heard is taken in. */
  reported(): Promise<void> {
    return this.#reporting;
  }

  status(): readonly ConnectionStatus[] {
    const { title: name } = this.network;
    return [{ network: networkId, state: this.#state, sessions: this.#sessions.size, ...(name !== undefined && { name }) }];
  }

  // — connections

  async #reconnect(): Promise<void> {
    if (!this.#connected || !this.network.isUp || this.#sessions.has('bot')) return;
    const bot = this.#open({ as: 'bot' });
    for (const user of this.#accounts.keys()) if (!this.#sessions.has(user)) this.#open({ as: 'user', user });
    for (const [name, watchers] of this.#watched) {
      if (isChatName(name)) continue;
      if (watchers.has('bot')) await bot.join(channelId(`${networkId}/${name}`)).catch(() => undefined);
      this.#closeGap(name);
    }
  }

  #open(speaker: Speaker): FakeSession {
    const wanted = speaker.as === 'bot' ? 'causeway' : `${speaker.user.slice(1).split(':')[0]}[m]`;
    const nick = (speaker.as === 'user' ? this.#accounts.get(speaker.user) : undefined) ?? this.#free(wanted);
    const barred = this.network.barred.get(nick);
    if (barred !== undefined) throw barred;
    const key = keyOf(speaker);
    const session: FakeSession = new FakeSession({
      ...{ speaker, nick, network: this.network, options: this.options },
      isAccount: speaker.as === 'user' && this.#accounts.has(speaker.user),
      heard: (happening) => this.#heard(session, happening),
      nickOf: (who) => this.#nickOf(who),
      ended: (reason) => {
        if (this.#sessions.get(key) !== session) return;
        this.#sessions.delete(key);
        if (speaker.as === 'bot') this.#state = 'down';
        this.#tools.inbox.connection(speaker, networkId, 'down', reason);
        // One connection lost is not the network away: the bot comes back by itself.
        if (speaker.as === 'bot' && this.#connected) setImmediate(this.#comeBack);
      },
    });
    this.#sessions.set(key, session);
    if (speaker.as === 'bot') this.#state = 'up';
    this.#tools.inbox.connection(speaker, networkId, 'up');
    return session;
  }

  #free(wanted: string): string {
    let nick = wanted;
    for (let number = 2; this.network.isTaken(nick); number += 1) nick = `${wanted}${number}`;
    return nick;
  }

  #ownerOf(nick: string): UserId | undefined {
    for (const [user, own] of this.#accounts) if (own === nick) return user;
    return undefined;
  }

  #userCalled(nick: string): UserId | undefined {
    for (const { speaker, connection } of this.#sessions.values()) {
      if (speaker.as === 'user' && connection.nick === nick) return speaker.user;
    }
    return undefined;
  }

  #nickOf(who: { readonly user: UserId } | { readonly remote: RemoteUserId }): string | undefined {
    return 'user' in who ? this.#sessions.get(who.user)?.connection.nick : who.remote.slice(networkId.length + 1);
  }

  // — reporting

  /** Every session hears; the first of them that is in the channel, the bot before others, reports. */
  #heard(session: FakeSession, happening: Happening): void {
    if ((!this.#watched.has(happening.channel) && !isChatName(happening.channel)) || this.#reporterOf(happening.channel) !== session)
      return;
    const isByOtherMeans = happening.isOurs !== true && this.#ownerOf(happening.nick) !== undefined;
    // Coming in is not hearing: what was missed before it is still missed.
    if (this.#isOurs(happening.nick) && happening.what === 'join' && !isByOtherMeans) return;
    const isReported = !this.#isOurs(happening.nick) || isByOtherMeans || ['kick', 'ban', 'unban'].includes(happening.what);
    this.#report(happening, isReported ? eventOf(happening, this.options.messageIds) : undefined);
  }

  #reporterOf(channel: string): FakeSession | undefined {
    const { members } = this.network.channel(channel);
    const isThere = (session: FakeSession) => members.has(session.connection.nick);
    const bot = this.#sessions.get('bot');
    return bot !== undefined && isThere(bot) ? bot : [...this.#sessions.values()].find(isThere);
  }

  #isOurs(nick: string): boolean {
    for (const session of this.#sessions.values()) if (session.connection.nick === nick) return true;
    return nick === 'causeway' || nick.endsWith('[m]');
  }

  #report({ channel, serial, at }: Happening, heard: RemoteEvent | undefined): void {
    const isBoxed = this.options.boxes && heard !== undefined && 'body' in heard;
    const event = isBoxed ? ({ ...heard, body: { said: heard.body } } as unknown as RemoteEvent) : heard;
    this.#reporting = this.#reporting.then(async () => {
      // Not taken in: the network would show it again.
      for (let tries = 0; tries < 50; tries += 1) {
        try {
          if (event !== undefined) await this.#tools.inbox.receive(event);
          return await this.#tools.memory.set(`heard/${channel}`, [serial, at]);
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
    });
  }

  /** What was said while nobody of ours listened: reported now, or told to be missing. */
  #closeGap(channel: string): void {
    if (!this.closesGaps) return;
    const last = this.#tools.memory.get(`heard/${channel}`);
    if (!Array.isArray(last)) {
      // Watched for the first time: from here on.
      this.#tools.memory.set(`heard/${channel}`, [this.network.log.at(-1)?.serial ?? 0, Date.now()]).catch(() => {});
      return;
    }
    const [serial, at] = last as [number, number];
    const missed = this.network.log.filter(
      (happening) =>
        happening.serial > serial && happening.channel === channel && happening.what === 'message' && !this.#isOurs(happening.nick),
    );
    const newest = this.network.log.at(-1);
    if (missed.length === 0 || newest === undefined) return;
    this.#tools.memory.set(`heard/${channel}`, [newest.serial, newest.at]).catch(() => {});
    if (this.options.history) for (const happening of missed) this.#report(happening, eventOf(happening, this.options.messageIds));
    else {
      const gap: RemoteEvent = { kind: 'gap', at: Date.now(), channel: channelId(`${networkId}/${channel}`), from: at, to: Date.now() };
      this.#reporting = this.#reporting.then(() => this.#tools.inbox.receive(gap));
    }
  }
}

function keyOf(speaker: Speaker): string {
  return speaker.as === 'bot' ? 'bot' : speaker.user;
}

export const idOf = (message: { readonly id: string }): RemoteMessageId => remoteMessageId(message.id);
