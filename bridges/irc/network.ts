// One network of the config: its bot, its puppets, who is where and who reports what. Builds these parts and wires them; what
// the adapter asks of one network ends here.

import {
  type AdapterTools,
  type BridgeError,
  type ConnectionStatus,
  type Logger,
  PermanentError,
  type Session,
  type Speaker,
  type UserId,
} from '#bridge-core';
import { Bot } from './bot.ts';
import { Courtesies } from './courtesies.ts';
import { Directory } from './directory.ts';
import { LineHearing } from './hearing.ts';
import { bridgeGap } from './history.ts';
import type { OpenConnection } from './lifeline.ts';
import { NetworkMemory } from './network-memory.ts';
import { OwnNicks } from './own-nicks.ts';
import { Pacing } from './pacing.ts';
import { Presence } from './presence.ts';
import type { Puppet } from './puppet.ts';
import { Queries } from './queries.ts';
import { Reporters } from './reporters.ts';
import { Reports } from './reports.ts';
import { IrcSession } from './session.ts';
import { SessionPool } from './session-pool.ts';
import type { IrcNetworkSettings } from './settings.ts';
import type { IrcTiming } from './timing.ts';
import type { SessionContext } from './verbs.ts';
import { type Watched, WatchedChannels } from './watched.ts';
import { Watching } from './watching.ts';
import type { CloseFault, Connection, Isupport } from './wire/connection.ts';

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
  readonly #parts: IrcNetworkParts;
  readonly #log: Logger;
  readonly #pacing: Pacing;
  readonly #ownNicks: OwnNicks;
  readonly #reporters: Reporters;
  readonly #reports: Reports;
  readonly #courtesies: Courtesies;
  readonly #queries: Queries;
  readonly #hearing: LineHearing;
  readonly #bot: Bot;
  readonly #pool: SessionPool;
  readonly #context: SessionContext;
  #support: Isupport;
  #marking: NodeJS.Timeout | undefined;

  constructor(parts: IrcNetworkParts) {
    const { id, settings, tools, timing, open } = parts;
    this.id = id;
    this.settings = settings;
    this.#parts = parts;
    this.#log = tools.log.child({ network: id });
    this.memory = new NetworkMemory(id, tools.memory, this.#log);
    this.#support = this.memory.support();
    const support = () => this.support;
    const log = this.#log;
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
      bot: () => this.#bot,
      pool: () => this.#pool,
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
          wasReported: (key) => this.#reporters.wasReported(coverage, key),
        });
      },
      handedOver: (folded) => {
        this.#bot.session?.speech.handedOver(folded);
        for (const session of this.#pool.sessions()) session.speech.handedOver(folded);
      },
    });
    const configured = Object.entries(settings.channels).flatMap(([name, { key }]) => (key === undefined ? [] : [[name, key] as const]));
    this.watching = new Watching({
      ...{ channels, memory: this.memory, presence, reporters: this.#reporters, inbox: tools.inbox, log },
      keys: () => [...configured, ...parts.keys()],
      fold: (name) => this.fold(name),
      bot: () => this.#bot,
      sessions: () => this.#pool.sessions(),
      goBack: (session, channel) => this.#goBack(session, channel),
    });
    this.#hearing = new LineHearing({
      support,
      channels,
      reporters: this.#reporters,
      reports: this.#reports,
      presence,
      ownNicks,
      queries: this.#queries,
      courtesies: this.#courtesies,
      bot: () => this.#bot,
      freed: (folded, by) => this.#pool.freed(folded, by),
      timing,
      membersKnown: (channel) => tools.inbox.members?.(channel.id),
    });
    this.#context = {
      network: id,
      lines: settings.lines,
      typingEvery: timing.typing,
      foldChannel: (name) => channels.keyOf(name),
      channelName: (folded) => this.watching.nameOf(folded),
      channelKey: (folded) => this.watching.keyOf(folded),
      hearerFor: (session, folded) => this.#reporters.hearerFor(session, folded),
      hearsMultiline: () => this.#bot.session?.connection.capabilities.has('draft/multiline') ?? false,
      nickOf: (who) => this.directory.nickOf(who),
    };
    const line = this.#hearing.hear.bind(this.#hearing);
    const pacing = this.#pacing;
    this.#bot = new Bot({
      ...{ settings, open, pacing, timing, log, channels, line },
      makeSession: (connection, giveUp) => this.#makeSession({ as: 'bot' }, connection, giveUp, async () => {}),
      up: (session) => this.#botUp(session),
      down: (session, error) => this.#down(session, { as: 'bot' }, error),
      shutOut: (channel, reason) => this.watching.shutOut(channel, reason),
    });
    this.#pool = new SessionPool({
      ...{ network: id, settings, open, pacing, timing, log, memory: tools.memory, support, line },
      makeSession: (puppet, connection) => this.#puppetSession(puppet, connection),
      isAway: () => this.#isAway,
      isSeen: (folded) => presence.person(folded) !== undefined || ownNicks.isInUse(folded),
      up: (puppet, session) => this.#puppetUp(puppet, session),
      down: (puppet, session, error, fault) => this.#puppetDown(puppet, session, error, fault),
    });
  }

  /** As the bot's server says now, or last said. */
  get support(): Isupport {
    return this.#bot?.session?.connection.isupport ?? this.#support;
  }

  /** The bot is out, and nobody else shows that the network lives. */
  get #isAway(): boolean {
    return this.#bot.isAway && this.#pool.open === 0;
  }

  fold(name: string): string {
    return this.support.fold(name);
  }

  /** All at once: the bot, and those who spoke last. */
  start(): void {
    this.#parts.tools.inbox.connection({ as: 'bot' }, this.id, 'connecting');
    this.#bot.start();
    this.#pool.start();
    this.#marking = setInterval(() => this.watching.mark(), this.#parts.timing.mark);
    this.#marking.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#marking);
    this.watching.stop();
    await Promise.all([this.#pool.stop('the bridge is going down'), this.#bot.stop('the bridge is going down')]);
    this.#pacing.stop();
  }

  async session(speaker: Speaker): Promise<Session> {
    if (speaker.as === 'bot') {
      if (this.#bot.session === undefined) throw this.#bot.absence();
      return this.#bot.session.face;
    }
    const open = this.#pool.of(speaker.user)?.session;
    if (open === undefined && this.#isAway) throw this.#bot.absence();
    return (await this.#pool.session(speaker.user, speaker.name)).face;
  }

  openSession(speaker: Speaker): Session | undefined {
    return (speaker.as === 'bot' ? this.#bot.session : this.#pool.of(speaker.user)?.session)?.face;
  }

  speakerOf(folded: string): Speaker | undefined {
    return this.#ownNicks.speakerOf(folded);
  }

  botSession(): IrcSession | undefined {
    return this.#bot.session;
  }

  rename(user: UserId, wanted: string): Promise<string> {
    return this.#pool.rename(user, undefined, wanted);
  }

  async tell(folded: string, words: string): Promise<void> {
    const session = this.#bot.session;
    if (session === undefined) throw this.#bot.absence();
    await this.#courtesies.tell(session, this.presence.person(folded)?.nick ?? folded, words);
  }

  list(mask: string | undefined): Promise<{ readonly name: string; readonly topic: string }[]> {
    if (this.#bot.session === undefined) throw this.#bot.absence();
    return this.#queries.list(mask);
  }

  status(): ConnectionStatus {
    const { lastError } = this.#bot;
    const waiting = this.#pacing.waiting > 0 ? `${this.#pacing.waiting} wait for their turn to connect` : undefined;
    const detail = this.#bot.session === undefined ? lastError?.message : waiting;
    return { network: this.id, state: this.#bot.state, sessions: this.#pool.open, ...(detail === undefined ? {} : { detail }) };
  }

  #makeSession(
    speaker: Speaker,
    connection: Connection,
    giveUp: (reason: string) => void,
    close: (reason?: string) => Promise<void>,
  ): IrcSession {
    const session = new IrcSession({
      speaker,
      connection,
      context: this.#context,
      timing: this.#parts.timing,
      arrived: (who, folded) => this.#arrived(who, folded),
      departed: (who, folded) => this.#departed(who, folded),
      giveUp,
      close,
    });
    this.#ownNicks.take(connection.isupport.fold(connection.nick), session);
    return session;
  }

  #puppetSession(puppet: Puppet, connection: Connection): IrcSession {
    const speaker: Speaker = { as: 'user', user: puppet.user };
    return this.#makeSession(
      speaker,
      connection,
      (reason) => puppet.giveUp(reason),
      (reason) => puppet.stop(reason),
    );
  }

  #arrived(session: IrcSession, folded: string): void {
    this.#reporters.arrived(session, folded);
    if (session.speaker.as === 'user') this.#pool.of(session.speaker.user)?.attends(folded, true);
  }

  #departed(session: IrcSession, folded: string): void {
    this.#reporters.departed(session, folded);
    if (session.speaker.as === 'user' && !session.isLost) this.#pool.of(session.speaker.user)?.attends(folded, false);
  }

  #botUp(session: IrcSession): void {
    this.#support = session.connection.isupport;
    this.memory.noteSupport(this.#support);
    this.channels.ruleChanged();
    this.#queries.connected(session.connection);
    this.#log.info({ nick: session.connection.nick }, 'connected');
    this.#parts.tools.inbox.connection({ as: 'bot' }, this.id, 'up');
    this.#pool.networkIsUp();
  }

  #puppetUp(puppet: Puppet, session: IrcSession): void {
    if (this.#bot.session === undefined) this.#support = session.connection.isupport;
    this.#parts.tools.inbox.connection({ as: 'user', user: puppet.user }, this.id, 'up');
    for (const folded of puppet.channels) {
      const channel = this.channels.get(folded);
      if (channel !== undefined) this.#goBack(session, channel);
    }
  }

  /** Into a channel that it was in before the connection was lost. */
  #goBack(session: IrcSession, channel: Watched): void {
    if (session.speaker.as !== 'user' || !this.#pool.of(session.speaker.user)?.channels.has(channel.folded)) return;
    session.attendance.join(channel.name, channel.key).catch((error: BridgeError) => {
      this.#log.debug({ channel: channel.id, error: error.message }, 'a puppet could not go back');
    });
  }

  #down(session: IrcSession | undefined, speaker: Speaker, error: BridgeError): void {
    if (session !== undefined) this.#ownNicks.release(this.fold(session.connection.nick), session);
    if (speaker.as === 'bot') {
      this.#queries.lost(error);
      this.#log.warn({ error: error.message, code: error.code }, session === undefined ? 'cannot connect' : 'connection lost');
    }
    this.#parts.tools.inbox.connection(speaker, this.id, 'down', error.message);
  }

  #puppetDown(puppet: Puppet, session: IrcSession | undefined, error: BridgeError, fault: CloseFault): void {
    this.#log.debug({ puppet: puppet.user, error: error.message, fault }, 'a puppet has no connection');
    this.#down(session, { as: 'user', user: puppet.user }, error);
  }
}

/** For a verb that this network cannot have. */
export function unknownNetwork(id: string): PermanentError {
  return new PermanentError('CHANNEL_UNKNOWN', `${id}: no network of this name is configured`);
}
