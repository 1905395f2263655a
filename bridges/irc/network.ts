// One network of the config: its bot, its puppets, who is where and who reports what. Builds these parts and wires them; what
// the adapter asks of one network ends here.

import {
  type AdapterTools,
  type ConnectionStatus,
  type ErrorCode,
  PermanentError,
  type Session,
  type Speaker,
  type UserId,
} from '#bridge-core';
import { Courtesies } from './courtesies.ts';
import { Crew } from './crew.ts';
import { Directory } from './directory.ts';
import { LineHearing } from './hearing.ts';
import { bridgeGap } from './history.ts';
import type { OpenConnection } from './lifeline.ts';
import { NetworkMemory } from './network-memory.ts';
import { OwnNicks } from './own-nicks.ts';
import { Pacing } from './pacing.ts';
import { Presence } from './presence.ts';
import { Queries } from './queries.ts';
import { Reporters } from './reporters.ts';
import { Reports } from './reports.ts';
import { IrcSession } from './session.ts';
import type { IrcNetworkSettings } from './settings.ts';
import type { IrcTiming } from './timing.ts';
import type { SessionContext } from './verbs.ts';
import { WatchedChannels } from './watched.ts';
import { Watching } from './watching.ts';
import type { Isupport } from './wire/connection.ts';

/** Tried again all the same: a ban may end. */
const mendedByHand: ReadonlySet<ErrorCode> = new Set(['NETWORK_LOGIN', 'NETWORK_BANNED', 'NETWORK_TLS']);

export interface IrcNetworkParts {
  readonly id: string;
  readonly settings: IrcNetworkSettings;
  /** Channels with a key, from the links as they are now: as written, and the key. */
  readonly keys: () => Iterable<readonly [string, string]>;
  readonly tools: AdapterTools;
  readonly timing: IrcTiming;
  readonly open: OpenConnection;
}

export class IrcNetwork {
  readonly id: string;
  readonly settings: IrcNetworkSettings;
  readonly presence: Presence;
  readonly memory: NetworkMemory;
  readonly channels: WatchedChannels;
  readonly directory: Directory;
  readonly watching: Watching;
  readonly #pacing: Pacing;
  readonly #markEvery: number;
  readonly #ownNicks: OwnNicks;
  readonly #reporters: Reporters;
  readonly #reports: Reports;
  readonly #courtesies: Courtesies;
  readonly #queries: Queries;
  readonly #crew: Crew;
  #support: Isupport;
  #marking: readonly NodeJS.Timeout[] = [];

  constructor(parts: IrcNetworkParts) {
    const { id, settings, tools, timing, open } = parts;
    this.id = id;
    this.settings = settings;
    this.#markEvery = timing.mark;
    const log = tools.log.child({ network: id });
    this.memory = new NetworkMemory(id, tools.memory, log);
    this.#support = this.memory.support();
    const support = () => this.support;
    this.channels = new WatchedChannels((name) => this.fold(name));
    this.presence = new Presence(support);
    this.#ownNicks = new OwnNicks(timing.nickMemory);
    this.#pacing = new Pacing(settings.connects);
    this.#queries = new Queries(timing.answer);
    const { presence, channels } = this;
    const ownNicks = this.#ownNicks;
    this.#reports = new Reports({ network: id, inbox: tools.inbox, presence, support, log, count: tools.count });
    this.#courtesies = new Courtesies({
      timing,
      fold: (nick) => this.fold(nick),
      nameOf: ({ speaker }) => (speaker.as === 'user' ? speaker.user : settings.nick),
      count: (name) => tools.count(name, { network: id }),
    });
    this.directory = new Directory({
      ...{ network: id, presence, ownNicks, queries: this.#queries, reports: this.#reports },
      botNick: settings.nick,
      historyTimeout: timing.history,
      fold: (name) => this.fold(name),
      bot: () => this.#crew.bot,
      pool: () => this.#crew.pool,
    });
    this.#reporters = new Reporters({
      timing,
      report: (coverage, line) => {
        const channel = channels.get(coverage.folded);
        if (channel !== undefined) this.#reports.report(channel, line);
      },
      bridgeGap: (coverage, ear, from) => {
        const channel = channels.get(coverage.folded);
        if (channel === undefined || !(ear instanceof IrcSession)) return undefined;
        return bridgeGap({
          ...{ channel, session: ear, from, timing, reports: this.#reports },
          isOwn: (nick) => this.directory.isOwn(nick),
          wasReported: this.#reporters.recaller(coverage),
        });
      },
      handedOver: (folded) => this.#crew.handedOver(folded),
    });
    const configured = Object.entries(settings.channels).flatMap(([name, { key }]) => (key === undefined ? [] : [[name, key] as const]));
    this.watching = new Watching({
      ...{ network: id, channels, memory: this.memory, presence, reporters: this.#reporters, inbox: tools.inbox, log },
      keys: () => [...configured, ...parts.keys()],
      fold: (name) => this.fold(name),
      bot: () => this.#crew.bot,
      sessions: () => this.#crew.pool.sessions(),
      goBack: (session, channel) => this.#crew.goBack(session, channel),
    });
    const hearing = new LineHearing({
      support,
      channels,
      reporters: this.#reporters,
      reports: this.#reports,
      presence,
      ownNicks,
      queries: this.#queries,
      courtesies: this.#courtesies,
      bot: () => this.#crew.bot,
      freed: (folded, by) => this.#crew.pool.freed(folded, by),
      timing,
      membersKnown: (channel) => tools.inbox.members?.(channel.id),
      calledBack: (name) => this.watching.calledBack(name),
    });
    const context: SessionContext = {
      network: id,
      lines: settings.lines,
      typingEvery: timing.typing,
      foldChannel: (name) => channels.keyOf(name),
      channelName: (folded) => this.watching.nameOf(folded),
      channelKey: (folded) => this.watching.keyOf(folded),
      hearerFor: (session, folded) => this.#reporters.hearerFor(session, folded),
      hearsMultiline: () => this.#crew.bot.session?.connection.capabilities.has('draft/multiline') ?? false,
      nickOf: (who) => this.directory.nickOf(who),
    };
    this.#crew = new Crew({
      ...{ network: id, settings, tools, timing, open, log, channels, presence, ownNicks, support },
      ...{ pacing: this.#pacing, reporters: this.#reporters, queries: this.#queries, hearing, context },
      described: (told, byBot) => this.#described(told, byBot),
      shutOut: (channel, reason) => this.watching.shutOut(channel, reason),
    });
  }

  /** As the bot's server says now, or last said. */
  get support(): Isupport {
    return this.#crew?.bot.session?.connection.isupport ?? this.#support;
  }

  /** What people are told that it is called: as it says itself, as the config says before it ever did. */
  get name(): string {
    return this.support.network ?? this.id;
  }

  fold(name: string): string {
    return this.support.fold(name);
  }

  start(): void {
    this.#crew.start();
    const mark = () => this.watching.mark();
    this.#marking = [setTimeout(mark, this.#markEvery / 10), setInterval(mark, this.#markEvery)];
    for (const timer of this.#marking) timer.unref();
  }

  async stop(): Promise<void> {
    for (const timer of this.#marking) clearTimeout(timer);
    this.watching.stop();
    await this.#crew.stop('the bridge is going down');
  }

  async session(speaker: Speaker, isSilent: boolean): Promise<Session> {
    if (speaker.as === 'bot') {
      if (this.#crew.bot.session === undefined) throw this.#crew.bot.absence();
      return this.#crew.bot.session.face;
    }
    const open = this.#crew.pool.of(speaker.user)?.session;
    if (open === undefined && this.#crew.isAway) throw this.#crew.bot.absence();
    return (await this.#crew.pool.session(speaker.user, speaker.name, isSilent)).face;
  }

  openSession(speaker: Speaker): Session | undefined {
    return (speaker.as === 'bot' ? this.#crew.bot.session : this.#crew.pool.of(speaker.user)?.session)?.face;
  }

  speakerOf(folded: string): Speaker | undefined {
    return this.#ownNicks.speakerOf(folded);
  }

  botSession(): IrcSession | undefined {
    return this.#crew.bot.session;
  }

  rename(user: UserId, wanted: string): Promise<string> {
    return this.#crew.pool.rename(user, undefined, wanted);
  }

  async tell(folded: string, words: string): Promise<void> {
    const session = this.#crew.bot.session;
    if (session === undefined) throw this.#crew.bot.absence();
    await this.#courtesies.tell(session, this.presence.person(folded)?.nick ?? folded, words);
  }

  list(mask: string | undefined): Promise<{ readonly name: string; readonly topic: string }[]> {
    if (this.#crew.bot.session === undefined) throw this.#crew.bot.absence();
    return this.#queries.list(mask);
  }

  status(): ConnectionStatus {
    const { lastError } = this.#crew.bot;
    const waiting = this.#pacing.waiting > 0 ? `${this.#pacing.waiting} wait for their turn to connect` : undefined;
    const detail = this.#crew.bot.session === undefined ? lastError?.message : waiting;
    const { id: network, name } = this;
    const { state } = this.#crew.bot;
    const isForGood = state === 'down' && lastError !== undefined && mendedByHand.has(lastError.code);
    return { network, name, state, sessions: this.#crew.pool.open, isForGood, ...(detail === undefined ? {} : { detail }) };
  }

  #described(told: Isupport, byBot: boolean): void {
    this.#support = told;
    if (!byBot) return;
    this.memory.noteSupport(told);
    this.channels.ruleChanged();
  }
}

/** For a verb that this network cannot have. */
export function unknownNetwork(id: string): PermanentError {
  return new PermanentError('CHANNEL_UNKNOWN', `${id}: no network of this name is configured`);
}
