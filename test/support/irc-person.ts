// A person on IRC with a real client library, who writes down every line heard.

import { createRequire } from 'node:module';
import { patience, wait } from './waiting.ts';

/** What we use of irc-framework, which comes without types. */
interface Client {
  readonly user: { readonly nick: string };
  connect(options: Record<string, unknown>): void;
  quit(reason?: string): void;
  raw(line: string): void;
  requestCap(caps: readonly string[]): void;
  say(target: string, text: string, tags?: Record<string, string>): void;
  action(target: string, text: string): void;
  notice(target: string, text: string): void;
  tagmsg(target: string, tags: Record<string, string>): void;
  whois(nick: string, done: (found: Record<string, string>) => void): void;
  readonly connection: { end(data: null, hadError: boolean): void };
  readonly network: { readonly cap: { readonly enabled: readonly string[] }; readonly options: Readonly<Record<string, string>> };
  once(event: string, listener: (event: never) => void): void;
  on(event: string, listener: (event: never) => void): void;
}
interface ParsedLine {
  readonly tags: Readonly<Record<string, string>>;
  readonly nick: string;
  readonly prefix: string;
  readonly command: string;
  readonly params: readonly string[];
}
const library = createRequire(import.meta.url)('irc-framework') as {
  Client: new () => Client;
  ircLineParser: (line: string) => ParsedLine | undefined;
};

export interface IrcLine extends ParsedLine {
  readonly raw: string;
  /** `performance.now()` when it was heard. */
  readonly at: number;
  /** The first parameter: for messages the channel or nick. */
  readonly target: string;
  /** The last parameter. */
  readonly text: string;
}

export interface IrcPersonOptions {
  readonly host?: string;
  readonly port: number;
  readonly nick: string;
  readonly username?: string;
  readonly realName?: string;
  readonly tls?: boolean;
  /** SASL PLAIN. */
  readonly account?: { readonly account: string; readonly password: string };
  readonly clientCertificate?: { readonly private_key: string; readonly certificate: string };
  /** Asked for beyond what the library asks for. */
  readonly caps?: readonly string[];
}

/** Where in what was heard to begin looking (see `mark`), and how long to wait in ms. */
export interface Search {
  readonly since?: number;
  readonly timeout?: number;
}

export class IrcPerson {
  /** Every line that the server sent, in order. */
  readonly heard: IrcLine[] = [];
  readonly #client: Client;
  readonly #waiting = new Set<() => void>();
  #hasLeft = false;

  private constructor(client: Client) {
    this.#client = client;
    client.on('raw', (event: { line: string; from_server: boolean }) => {
      if (event.from_server) this.#hear(event.line.replace(/\r?\n$/, ''));
    });
    client.on('socket close', () => {
      this.#hasLeft = true;
      for (const look of this.#waiting) look();
    });
  }

  /** Resolves once the server has welcomed us. */
  static async connect(options: IrcPersonOptions): Promise<IrcPerson> {
    const client = new library.Client();
    const person = new IrcPerson(client);
    if (options.caps) client.requestCap(options.caps);
    client.connect({
      host: options.host ?? '127.0.0.1',
      port: options.port,
      nick: options.nick,
      username: options.username ?? options.nick,
      gecos: options.realName ?? options.nick,
      tls: options.tls ?? false,
      rejectUnauthorized: false,
      auto_reconnect: false,
      message_max_length: 400,
      ...(options.account ? { account: options.account } : {}),
      ...(options.clientCertificate ? { client_certificate: options.clientCertificate } : {}),
    });
    await person.waitForLine((line) => line.command === '001');
    return person;
  }

  get nick(): string {
    return this.#client.user.nick;
  }

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** What the server granted. */
  get caps(): readonly string[] {
    return this.#client.network.cap.enabled;
  }

  /** The server's 005. */
  get supports(): Readonly<Record<string, string>> {
    return this.#client.network.options;
  }

  /** Calls `take` for every line from now on. */
  listen(take: (line: IrcLine) => void): void {
    let next = this.heard.length;
    this.#waiting.add(() => {
      for (; next < this.heard.length; next += 1) take(this.heard[next] as IrcLine);
    });
  }

  /** How much has been heard: given to a search as `since`, only later lines count. */
  mark(): number {
    return this.heard.length;
  }

  /** The first line that fits, already heard or yet to come. */
  waitForLine(fits: (line: IrcLine) => boolean, search: Search = {}): Promise<IrcLine> {
    let next = search.since ?? 0;
    return wait({
      find: () => {
        for (; next < this.heard.length; next += 1) {
          const line = this.heard[next];
          if (line && fits(line)) return line;
        }
        if (this.#hasLeft) throw new Error(`${this.nick} is disconnected. ${this.#lastLines()}`);
        return undefined;
      },
      listeners: this.#waiting,
      timeout: search.timeout ?? patience,
      failure: () => `${this.nick} did not hear it in time. ${this.#lastLines()}`,
    });
  }

  /** The first PRIVMSG or NOTICE to `target` whose text is, or matches, `text`. */
  waitForText(target: string, text: string | RegExp, search: Search = {}): Promise<IrcLine> {
    return this.waitForLine(
      (line) => isSpeech(line) && same(line.target, target) && (typeof text === 'string' ? line.text === text : text.test(line.text)),
      search,
    );
  }

  /** What was said to a channel or nick, by others, as `nick: text`. */
  texts(target: string): string[] {
    return this.heard
      .filter((line) => isSpeech(line) && same(line.target, target) && line.nick !== this.nick)
      .map((line) => `${line.nick}: ${line.text}`);
  }

  async join(channel: string, key = ''): Promise<void> {
    await this.#order(`JOIN ${channel} ${key}`.trim(), (line) => line.command === '366' && same(line.params[1] ?? '', channel));
  }

  async part(channel: string, reason = ''): Promise<void> {
    await this.#order(`PART ${channel} :${reason}`, (line) => line.command === 'PART' && same(line.target, channel) && this.#isMine(line));
  }

  async setNick(nick: string): Promise<void> {
    await this.#order(`NICK ${nick}`, (line) => line.command === 'NICK' && line.target === nick);
  }

  async setTopic(channel: string, topic: string): Promise<void> {
    await this.#order(`TOPIC ${channel} :${topic}`, (line) => line.command === 'TOPIC' && this.#isMine(line));
  }

  async kick(channel: string, nick: string, reason = ''): Promise<void> {
    await this.#order(`KICK ${channel} ${nick} :${reason}`, (line) => line.command === 'KICK' && line.params[1] === nick);
  }

  async mode(channel: string, ...words: readonly string[]): Promise<void> {
    await this.#order(`MODE ${channel} ${words.join(' ')}`, (line) => line.command === 'MODE' && same(line.target, channel));
  }

  /** Long texts are cut by the library into lines of 400 bytes. */
  say(target: string, text: string, tags?: Record<string, string>): void {
    this.#client.say(target, text, tags);
  }

  action(target: string, text: string): void {
    this.#client.action(target, text);
  }

  notice(target: string, text: string): void {
    this.#client.notice(target, text);
  }

  tag(target: string, tags: Record<string, string>): void {
    this.#client.tagmsg(target, tags);
  }

  invite(nick: string, channel: string): void {
    this.#client.raw(`INVITE ${nick} ${channel}`);
  }

  /** A line as it is. */
  raw(line: string): void {
    this.#client.raw(line);
  }

  /** `error: 'not_found'` where there is nobody of that nick. */
  whois(nick: string): Promise<Record<string, string>> {
    return new Promise((resolve) => this.#client.whois(nick, resolve));
  }

  /** Nicks with their prefixes, as the server tells them now. */
  async names(channel: string): Promise<string[]> {
    const since = this.mark();
    await this.#order(`NAMES ${channel}`, (line) => line.command === '366' && same(line.params[1] ?? '', channel));
    return this.heard
      .slice(since)
      .filter((line) => line.command === '353' && same(line.params[2] ?? '', channel))
      .flatMap((line) => line.text.trim().split(' '));
  }

  /** Everything sent before has been dealt with by the server when this resolves. */
  async settle(): Promise<void> {
    const token = `settle${Math.random().toString(36).slice(2)}`;
    await this.#order(`PING ${token}`, (line) => line.command === 'PONG' && line.text === token);
  }

  async quit(reason = 'bye'): Promise<void> {
    if (this.#hasLeft) return;
    const left = new Promise<void>((resolve) => this.#client.once('socket close', () => resolve()));
    this.#client.quit(reason);
    await left;
  }

  /** As if the cable were cut: no QUIT. */
  drop(): void {
    this.#client.connection.end(null, true);
  }

  async #order(line: string, isDone: (line: IrcLine) => boolean): Promise<void> {
    const since = this.mark();
    this.#client.raw(line);
    await this.waitForLine(isDone, { since });
  }

  #isMine(line: IrcLine): boolean {
    return line.nick === this.nick;
  }

  #hear(raw: string): void {
    const parsed = library.ircLineParser(raw);
    if (!parsed) return;
    const { tags, nick, prefix, command, params } = parsed;
    const line = { tags, nick, prefix, command, params, raw, at: performance.now() };
    this.heard.push({ ...line, target: params[0] ?? '', text: params.at(-1) ?? '' });
    for (const look of this.#waiting) look();
  }

  #lastLines(): string {
    return `Last lines heard:\n${this.heard
      .slice(-15)
      .map((line) => `  ${line.raw}`)
      .join('\n')}`;
  }
}

function isSpeech(line: ParsedLine): boolean {
  return line.command === 'PRIVMSG' || line.command === 'NOTICE';
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
