// From the open socket to the end of the MOTD: CAP, PASS, NICK, USER, SASL, and every way in which a server may refuse.
// Ends with what was agreed, or with the fault; what goes on afterwards is open-connection.ts.

import { PermanentError, RetryableError } from '#bridge-core';
import type { Capabilities } from './capabilities.ts';
import type { ConnectionEvents, ConnectionSettings, IrcLine, Isupport, OutLine } from './connection.ts';
import { bannedEnding, type Ending, endingOf, loginEnding, lostEnding } from './faults.ts';
import { isupportFrom } from './isupport.ts';
import type { LineSink, LineSocket } from './line-socket.ts';
import { formatLine, parseLine } from './message.ts';
import { negotiate, unnegotiated, wantedOf } from './negotiation.ts';
import { Authentication } from './sasl.ts';

export interface Registration {
  readonly nick: string;
  readonly isupport: Isupport;
  readonly capabilities: Capabilities;
  readonly account: string | undefined;
  /** What came after 001 and is no greeting: for the listener. */
  readonly early: readonly IrcLine[];
}

/** Refusals of a nick, however `nextNick` answers. */
const maxNicks = 50;

/** ms from 001: some servers send no MOTD and no word of its lack. */
const motdPatience = 5_000;

/** Numerics of the greeting, which no listener needs: 001–004, 250–266, MOTD. */
const greeting = /^(?:00[1-4]|25[0-5]|26[56]|37[256]|422)$/;

export class Handshake implements LineSink {
  readonly #socket: LineSocket;
  readonly #settings: ConnectionSettings;
  readonly #warn: (message: string) => void;
  readonly #done: (registration: Registration) => void;
  readonly #failed: (ending: Ending) => void;
  #deadline: NodeJS.Timeout;
  readonly #wanted: readonly string[];
  #negotiation = unnegotiated;
  #authentication: Authentication | undefined;
  #isBegun = false;
  #isNegotiating = true;
  #nick: string;
  #refusals = 0;
  #isWelcome = false;
  #account: string | undefined;
  #verdict: Ending | undefined;
  readonly #support: string[] = [];
  readonly #early: IrcLine[] = [];

  constructor(parts: {
    socket: LineSocket;
    settings: ConnectionSettings;
    events: ConnectionEvents;
    done: (registration: Registration) => void;
    failed: (ending: Ending) => void;
  }) {
    this.#socket = parts.socket;
    this.#settings = parts.settings;
    this.#warn = (message) => parts.events.warning?.(`${parts.socket.name}: ${message}`);
    this.#done = parts.done;
    this.#failed = parts.failed;
    this.#nick = parts.settings.nick;
    this.#wanted = wantedOf(parts.settings);
    this.#deadline = setTimeout(() => this.#expire(), parts.settings.connectTimeout);
  }

  /** The socket is connected: say who we are. NICK and USER do not wait for CAP, which old servers do not know. */
  begin(): void {
    const { password, username, realname } = this.#settings;
    this.#isBegun = true;
    this.#write({ command: 'CAP', params: ['LS', '302'] });
    if (password !== undefined) this.#write({ command: 'PASS', params: [password] });
    this.#write({ command: 'NICK', params: [this.#nick] });
    this.#write({ command: 'USER', params: [username, '0', '*', realname] });
  }

  ended(ending: Ending): void {
    clearTimeout(this.#deadline);
    this.#authentication?.drop();
    this.#failed(ending.fault === 'network' && this.#verdict !== undefined ? this.#verdict : ending);
  }

  line(text: string): void {
    const line = parseLine(text);
    const last = line.params.at(-1) ?? '';
    switch (line.command) {
      case 'PING':
        this.#write({ command: 'PONG', params: line.params });
        return;
      case 'ERROR':
        this.#socket.end(this.#verdict ?? endingOf(last, this.#socket.name));
        return;
      case 'CAP':
        this.#negotiate(line);
        return;
      case 'AUTHENTICATE':
        this.#authentication?.challenge(line.params[0] ?? '');
        return;
      case '001':
        this.#welcome(line.params[0] ?? '');
        return;
      case '005':
        if (this.#support.length < 1_000) this.#support.push(...line.params.slice(1, -1));
        return;
      case '376':
      case '422':
        if (this.#isWelcome) this.#finish();
        return;
      case '432':
      case '433':
      case '436':
      case '437':
        if (!this.#isWelcome) this.#tryNextNick(line.command, last);
        return;
      case '464':
        this.#socket.end(loginEnding(last, this.#socket.name));
        return;
      case '463':
      case '465':
        this.#verdict = bannedEnding(last, this.#socket.name);
        return;
      case '468':
        this.#refuse(`the user name ${JSON.stringify(this.#settings.username)} is refused: ${last}`);
        return;
      case '900':
        this.#account = line.params[2];
        return;
      case '902':
      case '903':
      case '904':
      case '905':
      case '906':
      case '907':
      case '908':
        this.#authentication?.numeric(line.command, line.params[1] ?? '', last);
        return;
    }
    if (this.#isWelcome && !greeting.test(line.command) && this.#early.length < 1_000) this.#early.push(line);
  }

  #write(line: OutLine): void {
    this.#socket.write(formatLine(line));
  }

  #negotiate(line: IrcLine): void {
    this.#negotiation = negotiate(this.#negotiation, line, this.#wanted, (out) => this.#write(out));
    const { capabilities, isListed, requested } = this.#negotiation;
    if (!this.#isNegotiating || !isListed || requested > 0) return;
    const { sasl, tls } = this.#settings;
    const sts = capabilities.offered.get('sts');
    if (tls === undefined && sts !== undefined && /(?:^|,)port=\d/.test(sts)) {
      this.#warn(`the server asks for TLS (sts=${sts}): set tls and the port that it names`);
    }
    if (sasl === undefined || this.#authentication !== undefined) this.#endNegotiation();
    else if (!capabilities.acknowledged.has('sasl')) {
      this.#warn('SASL is not offered now; goes on without and logs in once it is');
      this.#endNegotiation();
    } else {
      this.#authentication = new Authentication({
        sasl,
        offered: capabilities.offered.get('sasl') ?? '',
        write: (out) => this.#write(out),
        done: () => this.#endNegotiation(),
        failed: (reason) => this.#socket.end(loginEnding(reason, this.#socket.name)),
      });
    }
  }

  #endNegotiation(): void {
    if (!this.#isNegotiating) return;
    this.#isNegotiating = false;
    if (!this.#isWelcome) this.#write({ command: 'CAP', params: ['END'] });
  }

  #tryNextNick(numeric: string, said: string): void {
    this.#refusals++;
    const { nicklen } = isupportFrom(this.#support);
    const next = this.#refusals > maxNicks ? undefined : this.#settings.nextNick(this.#nick, this.#refusals, nicklen);
    if (next !== undefined) {
      this.#nick = next;
      this.#write({ command: 'NICK', params: [next] });
    } else if (numeric === '432') {
      this.#refuse(`the nick ${JSON.stringify(this.#nick)} is refused: ${said}`);
    } else {
      const error = new RetryableError('NETWORK_BUSY', `${this.#socket.name}: no free nick, the last tried was ${this.#nick}`);
      this.#socket.end({ fault: 'network', error });
    }
  }

  #refuse(reason: string): void {
    this.#socket.end({ fault: 'network', error: new PermanentError('NETWORK_REFUSED', `${this.#socket.name}: ${reason}`) });
  }

  #welcome(nick: string): void {
    // The server has the last word: it may have cut the nick without a word.
    if (nick !== '' && nick !== '*') this.#nick = nick;
    if (this.#isWelcome) return;
    this.#isWelcome = true;
    this.#isNegotiating = false;
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#finish(), motdPatience);
  }

  #expire(): void {
    const what = this.#isBegun ? 'not registered' : this.#settings.tls === undefined ? 'not connected' : 'no TLS connection';
    this.#socket.end(lostEnding(`${what} within ${this.#settings.connectTimeout} ms`, this.#socket.name));
  }

  #finish(): void {
    if (!this.#socket.isOpen || this.#socket.sink !== this) return;
    clearTimeout(this.#deadline);
    this.#authentication?.drop();
    this.#done({
      nick: this.#nick,
      isupport: isupportFrom(this.#support),
      capabilities: this.#negotiation.capabilities,
      account: this.#account,
      early: this.#early,
    });
  }
}
