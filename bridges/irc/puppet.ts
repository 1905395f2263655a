// One Matrix person on one network: their nick, their connection while they have one, and what is remembered of them when they
// have none.

import { type BridgeError, DeniedError, type Json, type Logger, RetryableError, type UserId } from '#bridge-core';
import { connectionSettings } from './connection-settings.ts';
import { Lifeline, type OpenConnection } from './lifeline.ts';
import { nextNick, realnameFor, usernameFor } from './nicknames.ts';
import type { Pacing } from './pacing.ts';
import type { IrcSession } from './session.ts';
import type { IrcNetworkSettings } from './settings.ts';
import type { IrcTiming } from './timing.ts';
import { changeNick } from './verbs.ts';
import { puppetCapabilities } from './wanted-capabilities.ts';
import type { CloseFault, Connection, ConnectionSettings, IrcLine } from './wire/connection.ts';

/** Kept in the adapter's memory. */
export interface PuppetRecord {
  readonly nick: string;
  readonly name?: string;
  /** ms since 1970. */
  readonly spoke: number;
  /** Folded names. */
  readonly channels: readonly string[];
}

export interface PuppetParts {
  readonly user: UserId;
  readonly record: PuppetRecord;
  readonly settings: IrcNetworkSettings;
  readonly open: OpenConnection;
  readonly pacing: Pacing;
  readonly timing: IrcTiming;
  readonly log: Logger;
  readonly makeSession: (puppet: Puppet, connection: Connection) => IrcSession;
  readonly line: (session: IrcSession, line: IrcLine) => void;
  readonly up: (puppet: Puppet, session: IrcSession) => void;
  /** True: try again soon; false: wait for `start`. */
  readonly down: (puppet: Puppet, session: IrcSession | undefined, error: BridgeError, fault: CloseFault) => boolean;
  readonly remember: (user: UserId, record: PuppetRecord) => void;
}

/** Refusals of the nick that it should have, before it rests until something changes. */
const mostRegains = 3;

export class Puppet {
  readonly user: UserId;
  readonly #parts: PuppetParts;
  readonly #lifeline: Lifeline;
  readonly #channels: Set<string>;
  #nick: string;
  #name: string | undefined;
  #spoke: number;
  #notedAt = 0;
  #session: IrcSession | undefined;
  #barred: { readonly error: BridgeError; readonly until: number } | undefined;
  #waitingSince: number | undefined;
  #waiting = 0;
  #regains = 0;
  #homelessSince: number | undefined;

  constructor(parts: PuppetParts) {
    this.user = parts.user;
    this.#parts = parts;
    this.#nick = parts.record.nick;
    this.#name = parts.record.name;
    this.#spoke = parts.record.spoke;
    this.#channels = new Set(parts.record.channels);
    const { open, pacing, timing, log } = parts;
    this.#lifeline = new Lifeline({
      open,
      pacing,
      timing,
      log,
      settings: () => this.#settings(),
      priority: () => (this.#waiting > 0 ? 1 : 2 + (Date.now() - this.#spoke) / 3_600_000),
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

  /** Connected, or about to be. */
  get isOpen(): boolean {
    return this.#lifeline.state !== 'resting';
  }

  /** The nick that it should have. */
  get nick(): string {
    return this.#nick;
  }

  get spoke(): number {
    return this.#spoke;
  }

  /** Folded names of where it was, to go back to. */
  get channels(): ReadonlySet<string> {
    return this.#channels;
  }

  start(now = false): void {
    if (this.#barred === undefined || Date.now() >= this.#barred.until) this.#lifeline.start(now);
  }

  stop(reason?: string): Promise<void> {
    return this.#lifeline.stop(reason);
  }

  giveUp(reason: string): void {
    this.#lifeline.restart(reason);
  }

  /** The session to speak with; waits for it as long as the settings say, counted from the first who waited. */
  async ready(): Promise<IrcSession> {
    if (this.#session !== undefined) return this.#session;
    this.#refuseBarred();
    const now = performance.now();
    if (!this.isOpen) this.#waitingSince = undefined;
    this.#waitingSince ??= now;
    const left = this.#parts.settings.puppets.wait - (now - this.#waitingSince);
    this.#lifeline.start();
    if (left <= 0) throw this.#tooLate();
    this.#waiting++;
    try {
      await this.#lifeline.ready(left);
    } catch (thrown) {
      this.#refuseBarred();
      throw this.#tooLate(thrown);
    } finally {
      this.#waiting--;
    }
    if (this.#session === undefined) throw this.#tooLate();
    return this.#session;
  }

  hasSpoken(name: string | undefined): void {
    this.#spoke = Date.now();
    if (name !== undefined) this.#name = name;
    if (this.#spoke - this.#notedAt >= this.#parts.timing.noteSpoken) this.#note();
  }

  /** Nobody waits for it, and nothing that it said is unproved. */
  get isAtRest(): boolean {
    return this.#waiting === 0 && this.#session?.speech.isBusy !== true;
  }

  isIdle(now: number): boolean {
    const session = this.#session;
    if (session === undefined || !this.isAtRest) return false;
    if (now - this.#spoke > this.#parts.settings.puppets.idle) return true;
    this.#homelessSince = session.attendance.channels().length > 0 ? undefined : (this.#homelessSince ?? now);
    return this.#homelessSince !== undefined && now - this.#homelessSince > this.#parts.timing.homeless;
  }

  attends(folded: string, isThere: boolean): void {
    if (isThere === this.#channels.has(folded)) return;
    if (isThere) this.#channels.add(folded);
    else this.#channels.delete(folded);
    this.#note();
  }

  /** From now on it should have this nick; takes it at once where it is connected. */
  async rename(nick: string): Promise<string> {
    const taken = this.#session === undefined ? nick : await changeNick(this.#session, nick);
    this.#nick = taken;
    this.#regains = 0;
    this.#note();
    return taken;
  }

  /** Asks for the nick that it should have, if it has another. `isFree`: there is reason to believe that it can be had. */
  async regain(isFree: boolean): Promise<void> {
    const session = this.#session;
    if (session === undefined || session.connection.nick === this.#nick) return;
    if (isFree) this.#regains = 0;
    if (this.#regains >= mostRegains) return;
    this.#regains++;
    await changeNick(session, this.#nick).catch(() => {});
  }

  #note(): void {
    this.#notedAt = Date.now();
    const name = this.#name === undefined ? {} : { name: this.#name };
    this.#parts.remember(this.user, { nick: this.#nick, spoke: this.#spoke, channels: [...this.#channels], ...name });
  }

  #up(connection: Connection): void {
    this.#waitingSince = undefined;
    this.#regains = 0;
    this.#session = this.#parts.makeSession(this, connection);
    this.#parts.up(this, this.#session);
  }

  #down(error: BridgeError, fault: CloseFault): 'retry' | 'rest' {
    const session = this.#session;
    this.#session = undefined;
    session?.lost(error);
    if (fault === 'banned' || fault === 'login') {
      this.#barred = { error, until: Date.now() + this.#parts.timing.reconnectBarred };
    }
    const isWanted = this.#parts.down(this, session, error, fault);
    if (this.#barred === undefined && isWanted) return 'retry';
    // Whoever waits once it goes on has waited for nothing yet.
    this.#waitingSince = undefined;
    return 'rest';
  }

  /** Whom the network has banned, nobody speaks for. Where it refuses credentials the bot may. */
  #refuseBarred(): void {
    if (this.#barred === undefined) return;
    const { error, until } = this.#barred;
    if (Date.now() >= until) this.#barred = undefined;
    else if (error.code === 'NETWORK_BANNED') throw new DeniedError(error.message, error.code);
    else throw new RetryableError(error.code, error.message, { cause: error });
  }

  /** The bot speaks meanwhile. */
  #tooLate(cause?: unknown): RetryableError {
    const reason = cause instanceof Error ? `: ${cause.message}` : '';
    return new RetryableError('SESSION_LIMIT', `no connection for ${this.user} yet${reason}`, { cause });
  }

  #settings(): ConnectionSettings {
    const { settings, timing } = this.#parts;
    const who = { user: this.user, name: this.#name };
    // The client certificate is the bot's: services that know people by it would take every puppet for the bot.
    const { cert: _, key: __, ...tls } = settings.tls ?? {};
    return connectionSettings(settings, timing, {
      tls: settings.tls === undefined ? undefined : tls,
      nick: this.#nick,
      nextNick: (_, tries, nicklen) => nextNick(this.#nick, tries, tries > mostRegains ? Math.min(nicklen, 9) : nicklen),
      username: usernameFor(settings.puppetUsername, who),
      realname: realnameFor(settings.puppetRealname, who),
      capabilities: puppetCapabilities,
      quiet: true,
    });
  }
}

/** What memory gave back, if it is one. */
export function readRecord(json: Json | undefined): PuppetRecord | undefined {
  if (json === null || typeof json !== 'object') return undefined;
  const { nick, name, spoke, channels }: Record<string, unknown> = { ...json };
  if (typeof nick !== 'string' || nick === '' || typeof spoke !== 'number') return undefined;
  const places = Array.isArray(channels) ? channels.filter((each): each is string => typeof each === 'string') : [];
  return { nick, spoke, channels: places, ...(typeof name === 'string' ? { name } : {}) };
}
