// The puppets of one network: who has a connection, who may have one, who is given one back first after a restart, and whose
// nick is whose. What the sessions hear and report is decided elsewhere (reporters.ts).

import { type BridgeError, type KeyValue, type Logger, messageOf, PermanentError, type UserId } from '#bridge-core';
import { nickFor, wishedNick } from './nicknames.ts';
import { Puppet, type PuppetParts, readRecord } from './puppet.ts';
import type { IrcSession } from './session.ts';
import type { CloseFault, Isupport } from './wire/connection.ts';

type FromNetwork = Pick<PuppetParts, 'settings' | 'open' | 'pacing' | 'timing' | 'makeSession' | 'line'>;

export interface SessionPoolParts extends FromNetwork {
  readonly network: string;
  readonly memory: KeyValue;
  readonly log: Logger;
  readonly support: () => Isupport;
  /** The network itself cannot be reached, as far as the bot can tell. */
  readonly isAway: () => boolean;
  /** Somebody, not one of us, has this nick (folded) as far as we know. */
  readonly isSeen: (folded: string) => boolean;
  readonly up: (puppet: Puppet, session: IrcSession) => void;
  readonly down: (puppet: Puppet, session: IrcSession | undefined, error: BridgeError, fault: CloseFault) => void;
}

/** So many people barred within a minute: it is the bridge that is not wanted. */
const massBan = 3;

/** People without a connection whose nick is remembered; beyond, and beyond twice the connections that there may be, whoever
 *  has been silent the longest is forgotten. */
const mostRemembered = 5_000;

export class SessionPool {
  readonly #parts: SessionPoolParts;
  readonly #puppets = new Map<UserId, Puppet>();
  /** Folded nick → whose it is, also of those who are not connected. */
  readonly #nicks = new Map<string, UserId>();
  /** Those who give their connection to another, until it is closed; and whom it is promised to, until theirs is under way. */
  readonly #leaving = new Map<Puppet, Promise<void>>();
  readonly #promised = new Map<UserId, Promise<void>>();
  /** Those whose connection is closed because they were idle: nothing more can be said on it. */
  readonly #closing = new Map<Puppet, Promise<void>>();
  readonly #timers: NodeJS.Timeout[] = [];
  #bannedAt: number[] = [];
  #isStopping = false;
  #open = 0;

  constructor(parts: SessionPoolParts) {
    this.#parts = parts;
  }

  /** Reads what is remembered, and connects those who spoke last. */
  start(): void {
    this.#isStopping = false;
    const { memory, network, settings, timing } = this.#parts;
    const prefix = `puppet/${network}/`;
    for (const key of memory.keys(prefix)) {
      const record = readRecord(memory.get(key));
      const user = key.slice(prefix.length) as UserId;
      if (record !== undefined && !this.#puppets.has(user)) this.#add(user, record);
    }
    const recent = [...this.#puppets.values()].filter((puppet) => Date.now() - puppet.spoke < settings.puppets.idle);
    recent.sort((a, b) => b.spoke - a.spoke);
    for (const puppet of recent.slice(0, settings.puppets.max)) puppet.start();
    this.#timers.push(
      setInterval(() => this.#sweep(), timing.sweep),
      setInterval(() => this.#regain(), timing.regain),
    );
    for (const timer of this.#timers) timer.unref();
  }

  async stop(reason: string): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    await Promise.all(Array.from(this.#puppets.values(), (puppet) => puppet.stop(reason)));
  }

  /** Connected now. */
  get open(): number {
    return this.#open;
  }

  of(user: UserId): Puppet | undefined {
    return this.#puppets.get(user);
  }

  *sessions(): Iterable<IrcSession> {
    for (const puppet of this.#puppets.values()) if (puppet.session !== undefined) yield puppet.session;
  }

  /** Whose nick this is, connected or not. */
  ownerOf(folded: string): UserId | undefined {
    return this.#nicks.get(folded);
  }

  /** `isSilent`: for who is only to be there. */
  async session(user: UserId, name: string | undefined, isSilent: boolean): Promise<IrcSession> {
    const known = this.#puppets.get(user);
    const leaving = known === undefined ? undefined : (this.#leaving.get(known) ?? this.#closing.get(known));
    if (leaving !== undefined) await leaving;
    if (known?.isOpen !== true) {
      // Where there is a place it is taken within this turn, before anybody else counts.
      const handover = this.#place(user, isSilent);
      if (handover !== undefined) await handover;
    }
    const fresh = () => ({ nick: this.#freeNick(user, name), spoke: Date.now(), channels: [], ...(name ? { name } : {}) });
    const puppet = this.#puppets.get(user) ?? this.#add(user, fresh());
    if (!isSilent) puppet.hasSpoken(name);
    const isThere = puppet.session !== undefined;
    const ready = puppet.ready();
    this.#promised.delete(user);
    if (isSilent || isThere) return ready;
    const session = await ready;
    // Who waited for it for long is not idle as soon as they have it.
    puppet.hasSpoken(undefined);
    return session;
  }

  /** What the person asked to be called; returns what they are called now. */
  async rename(user: UserId, name: string | undefined, wish: string): Promise<string> {
    const support = this.#parts.support();
    const nick = wishedNick(wish, support.nicklen);
    if (nick === undefined) throw new PermanentError('BAD_REQUEST', `${JSON.stringify(wish)} has nothing that can stand in a nick`);
    const owner = this.#nicks.get(support.fold(nick));
    if ((owner !== undefined && owner !== user) || support.fold(nick) === support.fold(this.#parts.settings.nick)) {
      throw new PermanentError('NETWORK_REFUSED', `${nick} is somebody else's here`);
    }
    const puppet = this.#puppets.get(user) ?? this.#add(user, { nick, spoke: Date.now(), channels: [], ...(name ? { name } : {}) });
    const before = support.fold(puppet.nick);
    const taken = await puppet.rename(nick);
    if (this.#nicks.get(before) === user) this.#nicks.delete(before);
    this.#nicks.set(support.fold(taken), user);
    return taken;
  }

  /** The network answers (again): those who wait for it go on. */
  networkIsUp(): void {
    for (const puppet of this.#puppets.values()) {
      if (puppet.session === undefined && this.#isRecent(puppet) && (puppet.isOpen || this.#taken() < this.#parts.settings.puppets.max)) {
        puppet.start(true);
      }
    }
  }

  /** Somebody gave up this nick. Its own puppet did it on the person's wish, or by force of an operator or of services, with
   *  whom it must not fight over the nick. */
  freed(folded: string, by?: IrcSession): void {
    const user = this.#nicks.get(folded);
    const puppet = user === undefined ? undefined : this.#puppets.get(user);
    if (puppet !== undefined && (by === undefined || puppet.session !== by)) void puppet.regain(true);
  }

  #add(user: UserId, record: PuppetParts['record']): Puppet {
    const { settings, open, pacing, timing, makeSession, line, network, memory, log } = this.#parts;
    const puppet = new Puppet({
      user,
      record,
      ...{ settings, open, pacing, timing, makeSession, line },
      log: log.child({ puppet: user }),
      up: (...begun) => {
        this.#open++;
        this.#parts.up(...begun);
      },
      down: (...ended) => this.#down(...ended),
      remember: (whom, what) => {
        memory.set(`puppet/${network}/${whom}`, { ...what }).catch((thrown: unknown) => {
          log.error({ error: messageOf(thrown) }, 'a puppet could not be remembered');
        });
      },
    });
    this.#puppets.set(user, puppet);
    this.#nicks.set(this.#parts.support().fold(record.nick), user);
    return puppet;
  }

  #down(puppet: Puppet, session: IrcSession | undefined, error: BridgeError, fault: CloseFault): boolean {
    if (session !== undefined) this.#open--;
    if (fault === 'banned') this.#countBan();
    this.#parts.down(puppet, session, error, fault);
    if (this.#isStopping || !this.#isRecent(puppet)) return false;
    // With the network away the bot alone knocks; `networkIsUp` wakes the rest.
    return fault !== 'network' || !this.#parts.isAway();
  }

  #countBan(): void {
    const now = Date.now();
    this.#bannedAt = [...this.#bannedAt.filter((at) => now - at < 60_000), now];
    if (this.#bannedAt.length < massBan) return;
    this.#parts.log.error({}, 'many people are banned at once: no new connections for a while');
    this.#parts.pacing.hold(this.#parts.timing.reconnectBarred);
  }

  #isRecent(puppet: Puppet): boolean {
    return Date.now() - puppet.spoke < this.#parts.settings.puppets.idle;
  }

  /** One of the connections that there may be; where all are taken, that of who has been silent the longest. */
  #place(user: UserId, isSilent: boolean): Promise<void> | undefined {
    const { max } = this.#parts.settings.puppets;
    const promised = this.#promised.get(user);
    if (promised !== undefined || this.#taken() < max) return promised;
    const idlest = isSilent ? undefined : this.#idlest();
    if (idlest === undefined) {
      throw new PermanentError('SESSION_LIMIT', `${this.#parts.network}: ${max} people have a connection, no more may`);
    }
    const gone = () => void this.#leaving.delete(idlest);
    const left = idlest.stop('silent for long; the connection goes to somebody who speaks').then(gone, gone);
    this.#leaving.set(idlest, left);
    this.#promised.set(user, left);
    return left;
  }

  #idlest(): Puppet | undefined {
    const before = Date.now() - this.#parts.settings.puppets.yieldAfter;
    let idlest: Puppet | undefined;
    for (const puppet of this.#puppets.values()) {
      if (!puppet.isOpen || !puppet.isAtRest || puppet.spoke > (idlest?.spoke ?? before) || this.#leaving.has(puppet)) continue;
      if (!this.#promised.has(puppet.user)) idlest = puppet;
    }
    return idlest;
  }

  /** Connections in use, under way or promised. */
  #taken(): number {
    let count = this.#promised.size;
    for (const puppet of this.#puppets.values()) if (puppet.isOpen && !this.#leaving.has(puppet)) count++;
    return count;
  }

  #freeNick(user: UserId, name: string | undefined): string {
    const support = this.#parts.support();
    const bot = support.fold(this.#parts.settings.nick);
    for (let copy = 0; ; copy++) {
      const nick = nickFor(this.#parts.settings.puppetNick, { user, name }, support.nicklen, copy);
      const folded = support.fold(nick);
      if (folded !== bot && !this.#nicks.has(folded)) return nick;
    }
  }

  #sweep(): void {
    const now = Date.now();
    for (const puppet of this.#puppets.values()) {
      if (!puppet.isIdle(now) || this.#closing.has(puppet)) continue;
      const closed = () => void this.#closing.delete(puppet);
      this.#closing.set(puppet, puppet.stop('idle').then(closed, closed));
    }
    const resting = [...this.#puppets.values()].filter((puppet) => !puppet.isOpen);
    const surplus = resting.length - Math.max(mostRemembered, 2 * this.#parts.settings.puppets.max);
    if (surplus <= 0) return;
    for (const puppet of resting.sort((a, b) => a.spoke - b.spoke).slice(0, surplus)) this.#forget(puppet);
  }

  #forget(puppet: Puppet): void {
    const { memory, network, log, support } = this.#parts;
    this.#puppets.delete(puppet.user);
    const folded = support().fold(puppet.nick);
    if (this.#nicks.get(folded) === puppet.user) this.#nicks.delete(folded);
    memory.set(`puppet/${network}/${puppet.user}`, undefined).catch((thrown: unknown) => {
      log.error({ error: messageOf(thrown) }, 'a puppet could not be forgotten');
    });
  }

  #regain(): void {
    for (const puppet of this.#puppets.values()) {
      if (puppet.session === undefined) continue;
      const wanted = this.#parts.support().fold(puppet.nick);
      if (!this.#parts.isSeen(wanted)) void puppet.regain(false);
    }
  }
}
