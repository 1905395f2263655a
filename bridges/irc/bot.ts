// The bot of one network: the connection that should hear every linked channel. Keeps it up, keeps it in the channels, and
// decides what a kick or a ban means for a link.

import { setTimeout as delay } from 'node:timers/promises';
import { type BridgeError, type Logger, messageOf, PermanentError, UnreachableError } from '#bridge-core';
import { connectionSettings } from './connection-settings.ts';
import { Lifeline, type OpenConnection } from './lifeline.ts';
import { nextNick } from './nicknames.ts';
import type { Pacing } from './pacing.ts';
import type { IrcSession } from './session.ts';
import type { IrcNetworkSettings } from './settings.ts';
import type { IrcTiming } from './timing.ts';
import { botCapabilities } from './wanted-capabilities.ts';
import type { Watched, WatchedChannels } from './watched.ts';
import type { CloseFault, Connection, ConnectionSettings, IrcLine } from './wire/connection.ts';

export interface BotParts {
  readonly settings: IrcNetworkSettings;
  readonly open: OpenConnection;
  readonly pacing: Pacing;
  readonly timing: IrcTiming;
  readonly log: Logger;
  readonly channels: WatchedChannels;
  readonly makeSession: (connection: Connection, giveUp: (reason: string) => void) => IrcSession;
  readonly line: (session: IrcSession, line: IrcLine) => void;
  readonly up: (session: IrcSession) => void;
  readonly down: (session: IrcSession | undefined, error: BridgeError, fault: CloseFault) => void;
  /** The channel does not want us. */
  readonly shutOut: (channel: Watched, reason: string) => void;
}

export class Bot {
  readonly #parts: BotParts;
  readonly #lifeline: Lifeline;
  #session: IrcSession | undefined;
  #fault: CloseFault | undefined;
  #regain: NodeJS.Timeout | undefined;

  constructor(parts: BotParts) {
    this.#parts = parts;
    const { open, pacing, timing, log } = parts;
    this.#lifeline = new Lifeline({
      open,
      pacing,
      timing,
      log,
      settings: () => settingsOf(parts),
      priority: () => 0,
      up: (connection) => this.#up(connection),
      line: (line) => {
        if (this.#session !== undefined) parts.line(this.#session, line);
      },
      down: (error, fault) => this.#down(error, fault),
    });
  }

  get session(): IrcSession | undefined {
    return this.#session;
  }

  get state(): 'up' | 'connecting' | 'down' {
    if (this.#session !== undefined) return 'up';
    return this.#fault === undefined && this.#lifeline.state === 'connecting' ? 'connecting' : 'down';
  }

  get lastError(): BridgeError | undefined {
    return this.#lifeline.lastError;
  }

  /** The last attempt failed, or the connection was lost and is not back: nobody else need try. */
  get isAway(): boolean {
    return this.#session === undefined && this.#fault !== undefined;
  }

  start(): void {
    this.#lifeline.start();
  }

  async stop(reason: string): Promise<void> {
    clearInterval(this.#regain);
    await this.#lifeline.stop(reason);
  }

  /** Why nothing goes through while it is away. */
  absence(): UnreachableError {
    const { lastError } = this;
    return new UnreachableError(lastError?.code ?? 'NETWORK_UNREACHABLE', lastError?.message ?? 'not connected yet', { cause: lastError });
  }

  /** Who goes in too waits for this, so that whoever reports hears from the first what any of us hears; but nobody waits long. */
  comingIn(folded: string): Promise<void> | undefined {
    const { botFirst } = this.#parts.timing;
    const joining = () => this.#session?.attendance.joining(folded);
    const coming = this.state === 'connecting' ? this.#lifeline.ready(botFirst).then(joining) : joining();
    return coming && Promise.race([coming.catch(() => {}), delay(botFirst, undefined, { ref: false })]);
  }

  /** Into the channel now, if connected; rejects with CHANNEL_CLOSED and kin where it does not let us in. */
  async enter(channel: Watched): Promise<void> {
    const session = this.#session;
    clearTimeout(channel.timer);
    if (session === undefined) return;
    try {
      await session.attendance.join(channel.name, channel.key);
    } catch (thrown) {
      // A lost connection joins all again once it is back.
      if (this.#session !== session || this.#parts.channels.get(channel.folded) !== channel) return;
      if (thrown instanceof PermanentError) {
        this.#parts.shutOut(channel, thrown.message);
        throw thrown;
      }
      this.#parts.log.warn({ channel: channel.id, error: messageOf(thrown) }, 'cannot join now, tries again');
      channel.timer = setTimeout(() => this.#enterLater(channel), this.#parts.timing.joinRetry);
    }
  }

  /** Kicked, or taken out by the server: once back in after a while, the second time it is meant. */
  removed(channel: Watched, words: string): void {
    if (this.#parts.channels.get(channel.folded) !== channel) return;
    const { rejoin, kickMemory } = this.#parts.timing;
    const now = performance.now();
    if (channel.kickedAt !== undefined && now - channel.kickedAt < kickMemory) {
      this.#parts.shutOut(channel, `${words}, for the second time`);
      return;
    }
    channel.kickedAt = now;
    this.#parts.log.warn({ channel: channel.id }, `${words}; goes back in once`);
    clearTimeout(channel.timer);
    channel.timer = setTimeout(() => this.#enterLater(channel), rejoin);
  }

  #enterLater(channel: Watched): void {
    this.enter(channel).catch(() => {});
  }

  #up(connection: Connection): void {
    this.#fault = undefined;
    const session = this.#parts.makeSession(connection, (reason) => this.#giveUp(reason));
    this.#session = session;
    this.#parts.up(session);
    for (const channel of this.#parts.channels) this.#enterLater(channel);
    clearInterval(this.#regain);
    this.#regain = setInterval(() => this.#askForNick(), this.#parts.timing.regain);
    this.#regain.unref();
  }

  #down(error: BridgeError, fault: CloseFault): 'retry' {
    const session = this.#session;
    this.#session = undefined;
    this.#fault = fault;
    clearInterval(this.#regain);
    session?.lost(error);
    this.#parts.down(session, error, fault);
    return 'retry';
  }

  #giveUp(reason: string): void {
    this.#lifeline.restart(reason);
  }

  /** Somebody else had it when we came in. */
  #askForNick(): void {
    const { connection } = this.#session ?? {};
    if (connection === undefined || connection.nick === this.#parts.settings.nick) return;
    connection.send({ command: 'NICK', params: [this.#parts.settings.nick] }, 'reply').catch(() => {});
  }
}

function settingsOf({ settings, timing }: BotParts): ConnectionSettings {
  const { tls, nick, username, realname, sasl } = settings;
  return connectionSettings(settings, timing, {
    ...{ tls, nick, username, realname, capabilities: botCapabilities, quiet: false },
    nextNick: (_, tries, nicklen) => nextNick(nick, tries, nicklen),
    ...(sasl !== undefined && { sasl }),
  });
}
