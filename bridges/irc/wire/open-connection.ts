// A registered connection: hands on what comes, sends through flood control, asks under labels, answers PING, and learns its
// own nick, mask and the server's limits as they change. Made at the handshake's end.

import { PermanentError, RetryableError, UnknownOutcomeError } from '#bridge-core';
import { Answers } from './answers.ts';
import type { Capabilities } from './capabilities.ts';
import type { Connection, ConnectionEvents, ConnectionSettings, IrcLine, Isupport, OutLane, OutLine } from './connection.ts';
import { bannedEnding, type Ending, endingOf, killedEnding, lostEnding } from './faults.ts';
import { Fences } from './fences.ts';
import { FloodControl } from './flood-control.ts';
import type { Registration } from './handshake.ts';
import { isupportFrom } from './isupport.ts';
import { forget, type Kept, keepAlive } from './keepalive.ts';
import type { LineSink, LineSocket } from './line-socket.ts';
import { cutToBytes, formatLine, parseLine } from './message.ts';
import { negotiate, wantedOf } from './negotiation.ts';
import { Authentication } from './sasl.ts';

const written = Promise.resolve();

/** ms that a server may take to answer QUIT before we hang up. */
const goodbye = 1_000;

/** ms that a quiet connection reads at once after it said something: for the echo, or the refusal. */
const echoPatience = 2_000;

const keepaliveToken = 'alive';

export class OpenConnection implements Connection, LineSink, Kept {
  readonly #socket: LineSocket;
  readonly #settings: ConnectionSettings;
  readonly #events: ConnectionEvents;
  readonly #flood: FloodControl | undefined;
  #nick: string;
  #user = '';
  #host = '';
  #isupport: Isupport;
  #capabilities: Capabilities;
  #account: string | undefined;
  #isListening: boolean;
  #answers: Answers | undefined;
  #fences: Fences | undefined;
  #pinged: string | undefined;
  #heardAt = Date.now();
  #lookedAt = this.#heardAt;
  #echoTimer: NodeJS.Timeout | undefined;
  #authentication: Authentication | undefined;
  /** Lines that came before whoever opened the connection could have it in hand. */
  #held: IrcLine[] | undefined;
  #verdict: Ending | undefined;
  #ending: Ending | undefined;
  #closing: PromiseWithResolvers<void> | undefined;

  constructor(parts: { socket: LineSocket; settings: ConnectionSettings; events: ConnectionEvents; registration: Registration }) {
    const { socket, settings, events, registration } = parts;
    this.#socket = socket;
    this.#settings = settings;
    this.#events = events;
    this.#nick = registration.nick;
    this.#isupport = registration.isupport;
    this.#capabilities = registration.capabilities;
    this.#account = registration.account;
    this.#isListening = !settings.quiet;
    if (settings.flood !== 'off') this.#flood = new FloodControl({ ...settings.flood, write: (text) => socket.write(text) });
    this.#held = [];
    setImmediate(() => this.#release());
    socket.sink = this;
    this.#tune();
    keepAlive(this, settings.keepalive);
    for (const line of registration.early) this.#take(line);
  }

  get nick(): string {
    return this.#nick;
  }

  get mask(): string {
    if (this.#host !== '') return `${this.#nick}!${this.#user}@${this.#host}`;
    // As long as it can be, so that no line is cut: servers put `~` before a user, and a cloak may be longer than the address.
    const longest = (token: string, otherwise: number) => Math.min(Number(this.#isupport.get(token)) || otherwise, 255);
    const user = `~${this.#settings.username}`.padEnd(longest('USERLEN', 10), 'x');
    return `${this.#nick}!${user}@${'x'.repeat(longest('HOSTLEN', 63))}`;
  }

  get isupport(): Isupport {
    return this.#isupport;
  }

  get capabilities(): ReadonlySet<string> {
    return this.#capabilities.acknowledged;
  }

  get account(): string | undefined {
    return this.#account;
  }

  capabilityValue(name: string): string | undefined {
    return this.#capabilities.offered.get(name);
  }

  send(line: OutLine, lane: OutLane = 'message'): Promise<void> {
    if (this.#ending !== undefined) return rejected(this.#ending.error);
    let text: string;
    try {
      text = this.#format(line);
    } catch (thrown) {
      return rejected(thrown);
    }
    if (!this.#isListening && (lane === 'message' || lane === 'command')) this.#awaitEcho();
    const queued = this.#flood?.send(text, lane, line.params[0] ?? '');
    if (this.#flood === undefined) this.#socket.write(text);
    queued?.catch(() => undefined);
    return queued ?? written;
  }

  async ask(line: OutLine, options: { readonly lane?: OutLane; readonly timeout?: number } = {}): Promise<readonly IrcLine[]> {
    if (!this.capabilities.has('labeled-response')) {
      throw new PermanentError('UNSUPPORTED', `${this.#socket.name} has no labelled answers`);
    }
    this.#answers ??= new Answers();
    const label = this.#answers.newLabel();
    await this.send({ ...line, tags: { label, ...line.tags } }, options.lane ?? 'message');
    // It may have ended between the writing and this turn; then nobody would settle the answer.
    if (this.#ending !== undefined) throw lostBeforeAnswer(this.#ending);
    const answer = this.#answers.expect(label, options.timeout ?? 30_000);
    this.#tune();
    try {
      return await answer;
    } finally {
      this.#tune();
    }
  }

  fence(): Promise<void> {
    if (this.#ending !== undefined) return rejected(this.#ending.error);
    this.#fences ??= new Fences((token) => {
      this.#pinged = undefined;
      const ping = () => {
        void this.send({ command: 'PING', params: [token] }, 'urgent');
        this.#pinged = token;
      };
      if (this.#flood === undefined) ping();
      else this.#flood.afterQueued(ping);
    });
    const answered = this.#fences.raise();
    this.#tune();
    return answered;
  }

  listen(on: boolean): void {
    this.#isListening = on;
    this.#tune();
  }

  close(reason = ''): Promise<void> {
    if (this.#ending !== undefined) return written;
    if (this.#closing === undefined) {
      this.#closing = Promise.withResolvers();
      this.#tune();
      this.#socket.write(formatLine({ command: 'QUIT', params: reason === '' ? [] : [cutToBytes(reason, 300)] }));
      const timer = setTimeout(() => this.#socket.end(lostEnding('closed', this.#socket.name)), goodbye);
      this.#closing.promise.then(() => clearTimeout(timer));
    }
    return this.#closing.promise;
  }

  line(text: string): void {
    this.#take(parseLine(text));
  }

  #take(given: IrcLine): void {
    const line = this.#withOldNick(given);
    if (line.nick === this.#nick) this.#learnOwn(line);
    switch (line.command) {
      case 'PING':
        this.#socket.write(formatLine({ command: 'PONG', params: line.params }));
        return;
      case 'PONG':
        this.#answered(line.params);
        return;
      case 'ERROR':
        this.#socket.end(this.#verdict ?? endingOf(line.params.at(-1) ?? '', this.#socket.name));
        return;
      case 'CAP':
        this.#renegotiate(line);
        return;
      case 'AUTHENTICATE':
        this.#authentication?.challenge(line.params[0] ?? '');
        return;
      case '':
        return;
    }
    this.#learn(line);
    if (this.#answers?.take(line)) return;
    if (this.#held !== undefined) this.#held.push(line);
    else this.#events.line(line);
  }

  ended(ending: Ending): void {
    forget(this);
    this.#authentication?.drop();
    clearTimeout(this.#echoTimer);
    const verdict = ending.fault === 'network' && this.#verdict !== undefined ? this.#verdict : ending;
    const { fault, error }: Ending =
      this.#closing === undefined ? verdict : { fault: 'ours', error: new RetryableError('NETWORK_UNREACHABLE', 'closed by us') };
    this.#ending = { fault, error };
    this.#flood?.drop(error);
    this.#fences?.drop(error);
    this.#answers?.failAll(lostBeforeAnswer(this.#ending));
    this.#closing?.resolve();
    // The listener hears of the end after the lines that came before it.
    if (this.#held === undefined) this.#events.closed(error, fault);
    else setImmediate(() => this.#events.closed(error, fault));
  }

  takeHeard(): boolean {
    const heard = this.#socket.heard;
    this.#socket.heard = false;
    // What came since this was last asked came behind all that was sent before then.
    if (heard) this.#heardAt = this.#lookedAt;
    this.#lookedAt = Date.now();
    return heard;
  }

  get heardAt(): number {
    return this.#heardAt;
  }

  get pinged(): string | undefined {
    return this.#fences?.isIdle === false ? this.#pinged : undefined;
  }

  ping(): void {
    this.#socket.write(`PING ${keepaliveToken}`);
  }

  lost(silentFor: number): void {
    this.#socket.end(lostEnding(`no sign of life for ${Math.round(silentFor / 1000)} s`, this.#socket.name));
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const line of held) this.#events.line(line);
  }

  /** Reads at once whatever is awaited, in slices otherwise. */
  #tune(): void {
    this.#socket.isAsking = this.#answers?.isIdle === false;
    const isFencing = this.#fences?.isIdle === false;
    this.#socket.hurried = this.#socket.isAsking || isFencing || this.#echoTimer !== undefined || this.#closing !== undefined;
    this.#socket.quietNick = this.#isListening ? undefined : Buffer.from(this.#nick).toString('latin1');
    if (this.#isListening || this.#socket.hurried) this.#socket.resume();
  }

  #awaitEcho(): void {
    if (this.#echoTimer !== undefined) {
      this.#echoTimer.refresh();
      return;
    }
    this.#echoTimer = setTimeout(() => this.#endEcho(), echoPatience);
    this.#tune();
  }

  #endEcho(): void {
    clearTimeout(this.#echoTimer);
    this.#echoTimer = undefined;
    this.#tune();
  }

  #format(line: OutLine): string {
    const { acknowledged } = this.#capabilities;
    const mayTag = line.tags !== undefined && (acknowledged.has('message-tags') || acknowledged.has('labeled-response'));
    const text = formatLine(mayTag ? line : { command: line.command, params: line.params });
    const bodyAt = text.startsWith('@') ? text.indexOf(' ') + 1 : 0;
    return text.slice(0, bodyAt) + cutToBytes(text.slice(bodyAt), this.#isupport.linelen - 2);
  }

  /** `PONG server token`; old servers leave one of the two out. */
  #answered(params: readonly string[]): void {
    const token = params.at(-1);
    if (token === keepaliveToken) return;
    this.#fences?.answered(params.length > 1 || token?.startsWith('fence') ? token : undefined);
    this.#tune();
  }

  /** InspIRCd 3 writes a labelled NICK late, with the new nick as its source. */
  #withOldNick(line: IrcLine): IrcLine {
    const isLate = line.command === 'NICK' && line.tags.label !== undefined && line.nick === line.params[0];
    return isLate ? { ...line, nick: this.#nick } : line;
  }

  /** From a line that bears our own nick. */
  #learnOwn(line: IrcLine): void {
    const { command, params, user, host } = line;
    // What is within a batch may be history, said under another mask.
    if (host !== '' && line.tags.batch === undefined && (host !== this.#host || user !== this.#user)) this.#learnMask(user, host);
    if (command === 'CHGHOST') this.#learnMask(params[0] ?? user, params[1] ?? host);
    else if (command === 'ACCOUNT') this.#account = params[0] === '*' ? undefined : params[0];
    if (this.#echoTimer !== undefined && (command === 'PRIVMSG' || command === 'NOTICE' || command === 'TAGMSG')) this.#endEcho();
  }

  #learnMask(user: string, host: string): void {
    this.#user = user;
    this.#host = host;
  }

  #learn(line: IrcLine): void {
    const { command, params } = line;
    switch (command) {
      case 'NICK':
        if (line.nick !== this.#nick || !params[0]) return;
        this.#nick = params[0];
        this.#tune();
        return;
      case 'KILL':
        if (params[0] === this.#nick) this.#verdict = killedEnding(params.at(-1) ?? '', this.#socket.name);
        return;
      case '005':
        this.#isupport = isupportFrom(params.slice(1, -1), this.#isupport);
        return;
      case '396': {
        // `host`, or `user@host`; known only in part before the first line of our own.
        const [host = '', user = this.#user] = (params[1] ?? '').split('@').reverse();
        if (user !== '') this.#learnMask(user, host);
        return;
      }
      case '465':
        this.#verdict = bannedEnding(params.at(-1) ?? '', this.#socket.name);
        return;
      case '900':
        this.#account = params[2];
        return;
      case '901':
        this.#account = undefined;
        return;
      default:
        if (/^90[2-8]$/.test(command)) this.#authentication?.numeric(command, params[1] ?? '', params.at(-1) ?? '');
    }
  }

  #renegotiate(line: IrcLine): void {
    const before = this.#capabilities.acknowledged.has('sasl');
    const write = (out: OutLine) => this.#socket.write(formatLine(out));
    const state = { capabilities: this.#capabilities, requested: 0, isListed: true };
    this.#capabilities = negotiate(state, line, wantedOf(this.#settings), write).capabilities;
    const { sasl } = this.#settings;
    if (sasl === undefined || before || this.#account !== undefined || !this.#capabilities.acknowledged.has('sasl')) return;
    // Services are back, without which we had come in.
    this.#authentication = new Authentication({
      sasl,
      offered: this.#capabilities.offered.get('sasl') ?? '',
      write,
      done: () => undefined,
      failed: (reason) => this.#events.warning?.(`${this.#socket.name}: SASL failed: ${reason}`),
    });
  }
}

function lostBeforeAnswer({ error }: Ending): UnknownOutcomeError {
  return new UnknownOutcomeError('the connection was lost before the answer', { cause: error });
}

function rejected(error: unknown): Promise<void> {
  const promise = Promise.reject(error);
  promise.catch(() => undefined);
  return promise;
}
