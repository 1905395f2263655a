// The bot and the puppets of one network: makes their sessions, tells the rest of the adapter who is up, where they are and who
// is lost, and brings puppets back into the channels that they were in.

import type { AdapterTools, BridgeError, Logger, Speaker } from '#bridge-core';
import { Bot } from './bot.ts';
import type { LineHearing } from './hearing.ts';
import type { OpenConnection } from './lifeline.ts';
import type { OwnNicks } from './own-nicks.ts';
import type { Pacing } from './pacing.ts';
import type { Presence } from './presence.ts';
import type { Puppet } from './puppet.ts';
import type { Queries } from './queries.ts';
import type { Reporters } from './reporters.ts';
import { IrcSession } from './session.ts';
import { SessionPool } from './session-pool.ts';
import type { IrcNetworkSettings } from './settings.ts';
import type { IrcTiming } from './timing.ts';
import type { SessionContext } from './verbs.ts';
import type { Watched, WatchedChannels } from './watched.ts';
import type { CloseFault, Connection, Isupport } from './wire/connection.ts';

export interface CrewParts {
  readonly network: string;
  readonly settings: IrcNetworkSettings;
  readonly tools: AdapterTools;
  readonly timing: IrcTiming;
  readonly open: OpenConnection;
  readonly log: Logger;
  readonly pacing: Pacing;
  readonly channels: WatchedChannels;
  readonly presence: Presence;
  readonly ownNicks: OwnNicks;
  readonly reporters: Reporters;
  readonly queries: Queries;
  readonly hearing: LineHearing;
  readonly context: SessionContext;
  readonly support: () => Isupport;
  /** The server described itself. `byBot`: to whom all listen. */
  readonly described: (support: Isupport, byBot: boolean) => void;
  readonly shutOut: (channel: Watched, reason: string) => void;
}

export class Crew {
  readonly bot: Bot;
  readonly pool: SessionPool;
  readonly #parts: CrewParts;
  #isStopping = false;

  constructor(parts: CrewParts) {
    this.#parts = parts;
    const { network, settings, open, pacing, timing, log, channels, presence, ownNicks, support, tools } = parts;
    const line = parts.hearing.hear.bind(parts.hearing);
    this.bot = new Bot({
      ...{ settings, open, pacing, timing, log, channels, line, shutOut: parts.shutOut },
      makeSession: (connection, giveUp) => this.#makeSession({ as: 'bot' }, connection, giveUp, async () => {}),
      up: (session) => this.#botUp(session),
      down: (session, error) => this.#down(session, { as: 'bot' }, error),
    });
    this.pool = new SessionPool({
      ...{ network, settings, open, pacing, timing, log, memory: tools.memory, support, line },
      makeSession: (puppet, connection) => this.#puppetSession(puppet, connection),
      isAway: () => this.isAway,
      isSeen: (folded) => presence.person(folded) !== undefined || ownNicks.isInUse(folded),
      up: (puppet, session) => this.#puppetUp(puppet, session),
      down: (puppet, session, error, fault) => this.#puppetDown(puppet, session, error, fault),
    });
  }

  /** The bot is out, and nobody else shows that the network lives. */
  get isAway(): boolean {
    return this.bot.isAway && this.pool.open === 0;
  }

  /** All at once: the bot, and those who spoke last. */
  start(): void {
    this.#isStopping = false;
    this.#parts.tools.inbox.connection({ as: 'bot' }, this.#parts.network, 'connecting');
    this.bot.start();
    this.pool.start();
  }

  async stop(reason: string): Promise<void> {
    this.#isStopping = true;
    await Promise.all([this.pool.stop(reason), this.bot.stop(reason)]);
    this.#parts.pacing.stop();
  }

  handedOver(folded: string): void {
    this.bot.session?.speech.handedOver(folded);
    for (const session of this.pool.sessions()) session.speech.handedOver(folded);
  }

  /** Into a channel that it was in before the connection was lost. */
  goBack(session: IrcSession, channel: Watched): void {
    if (session.speaker.as !== 'user' || !this.pool.of(session.speaker.user)?.channels.has(channel.folded)) return;
    session.attendance.join(channel.name, channel.key).catch((error: BridgeError) => {
      this.#parts.log.debug({ channel: channel.id, error: error.message }, 'a puppet could not go back');
    });
  }

  #makeSession(
    speaker: Speaker,
    connection: Connection,
    giveUp: (reason: string) => void,
    close: (reason?: string) => Promise<void>,
  ): IrcSession {
    const { context, timing, ownNicks } = this.#parts;
    const session = new IrcSession({
      ...{ speaker, connection, context, timing, giveUp, close },
      arrived: (who, folded) => this.#arrived(who, folded),
      departed: (who, folded) => this.#departed(who, folded),
      ...(speaker.as === 'user' && { first: (folded: string) => this.bot.comingIn(folded) }),
    });
    ownNicks.take(connection.isupport.fold(connection.nick), session);
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
    this.#parts.reporters.arrived(session, folded);
    if (session.speaker.as === 'user') this.pool.of(session.speaker.user)?.attends(folded, true);
  }

  #departed(session: IrcSession, folded: string): void {
    this.#parts.reporters.departed(session, folded);
    if (session.speaker.as === 'user' && !session.isLost) this.pool.of(session.speaker.user)?.attends(folded, false);
  }

  #botUp(session: IrcSession): void {
    const { described, queries, log, tools, network } = this.#parts;
    described(session.connection.isupport, true);
    queries.connected(session.connection);
    log.info({ nick: session.connection.nick }, 'connected');
    tools.inbox.connection({ as: 'bot' }, network, 'up');
    this.pool.networkIsUp();
  }

  #puppetUp(puppet: Puppet, session: IrcSession): void {
    const { described, channels, tools, network } = this.#parts;
    if (this.bot.session === undefined) described(session.connection.isupport, false);
    tools.inbox.connection({ as: 'user', user: puppet.user }, network, 'up');
    for (const folded of puppet.channels) {
      const channel = channels.get(folded);
      if (channel !== undefined) this.goBack(session, channel);
    }
  }

  #puppetDown(puppet: Puppet, session: IrcSession | undefined, error: BridgeError, fault: CloseFault): void {
    if (!this.#isStopping) this.#parts.log.debug({ puppet: puppet.user, error: error.message, fault }, 'a puppet has no connection');
    this.#down(session, { as: 'user', user: puppet.user }, error);
  }

  #down(session: IrcSession | undefined, speaker: Speaker, error: BridgeError): void {
    const { ownNicks, support, queries, log, tools, network } = this.#parts;
    if (session !== undefined) ownNicks.release(support().fold(session.connection.nick), session);
    if (speaker.as === 'bot') queries.lost(error);
    // Of a stop the bot alone tells, for all.
    if (this.#isStopping) {
      if (speaker.as === 'bot') tools.inbox.connection(speaker, network, 'down', 'stopped');
      return;
    }
    if (speaker.as === 'bot') {
      log.warn({ error: error.message, code: error.code }, session === undefined ? 'cannot connect' : 'connection lost');
    }
    tools.inbox.connection(speaker, network, 'down', error.message);
  }
}
