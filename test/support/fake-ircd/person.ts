// Somebody native to the fake network, without a socket: does what a person does, and writes down what they hear.

import { patience, wait } from '../waiting.ts';
import { allCapabilities } from './capabilities.ts';
import { enterChannel, setTopic } from './channel-commands.ts';
import { type Command, commands } from './commands.ts';
import { changeModes } from './modes.ts';
import { deliver } from './speech.ts';
import { changeNick } from './user-commands.ts';
import type { Channel, Message, User, World } from './world.ts';

export interface PersonOptions {
  readonly user?: string;
  readonly host?: string;
  readonly realname?: string;
  readonly account?: string;
  readonly isBot?: boolean;
}

export interface Heard {
  readonly nick: string;
  readonly command: string;
  readonly params: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly msgid: string | undefined;
}

export class Person implements User {
  nick: string;
  user: string;
  host: string;
  realname: string;
  server: string;
  account: string | undefined;
  away: string | undefined;
  readonly isBot: boolean;
  readonly channels = new Set<Channel>();
  readonly monitored = new Set<string>();
  readonly invitations = new Set<string>();
  /** All but draft/multiline: multi-line messages come as single ones. */
  readonly capabilities = new Set(Object.keys(allCapabilities).filter((name) => name !== 'draft/multiline'));
  readonly heard: Heard[] = [];
  readonly #world: World;
  readonly #waiting = new Set<() => void>();

  constructor(world: World, nick: string, options: PersonOptions = {}) {
    this.#world = world;
    this.nick = nick;
    this.user = options.user ?? nick.toLowerCase().slice(0, 10);
    this.host = options.host ?? `${nick.toLowerCase().replace(/[^a-z0-9]/g, '')}.people.test`;
    this.realname = options.realname ?? nick;
    this.account = options.account;
    this.isBot = options.isBot ?? false;
    this.server = world.name;
    world.enter(this);
  }

  has(capability: string): boolean {
    return this.capabilities.has(capability);
  }

  receive(message: Message): void {
    const { command, params, tags = {}, msgid, source } = message;
    const nick = message.prefix?.split('!')[0] ?? source?.nick ?? this.#world.name;
    this.heard.push({ nick, command, params, tags, msgid });
    for (const look of [...this.#waiting]) look();
  }

  cut(): void {
    this.quit('Cut');
  }

  join(channel: string, key?: string): this {
    enterChannel(this.#world, this, channel, key);
    return this;
  }

  part(channel: string, reason?: string): void {
    this.#run('PART', channel, reason);
  }

  quit(reason = 'Quit'): void {
    this.#world.toPeers(this, { source: this, command: 'QUIT', params: [reason] }, false);
    this.#world.leave(this);
  }

  rename(nick: string): void {
    changeNick(this.#world, this, nick);
  }

  /** The id of the message. */
  say(target: string, text: string, tags: Readonly<Record<string, string>> = {}): string | undefined {
    return this.#speak('PRIVMSG', [target, text], tags);
  }

  action(target: string, text: string): string | undefined {
    return this.say(target, `\u0001ACTION ${text}\u0001`);
  }

  notice(target: string, text: string): string | undefined {
    return this.#speak('NOTICE', [target, text], {});
  }

  tag(target: string, tags: Readonly<Record<string, string>>): string | undefined {
    return this.#speak('TAGMSG', [target], tags);
  }

  reply(target: string, msgid: string, text: string): string | undefined {
    return this.say(target, text, { '+draft/reply': msgid });
  }

  react(target: string, msgid: string, emoji: string, on = true): string | undefined {
    return this.tag(target, { '+draft/reply': msgid, [on ? '+draft/react' : '+draft/unreact']: emoji });
  }

  typing(target: string, state: 'active' | 'paused' | 'done'): void {
    this.tag(target, { '+typing': state });
  }

  /** Several lines as one draft/multiline message. */
  paste(target: string, lines: readonly string[]): string | undefined {
    const since = this.heard.length;
    const messages = lines.map((line): Message => ({ source: this, command: 'PRIVMSG', params: [target, line] }));
    deliver(this.#world, this, target, messages);
    return this.heard.slice(since).find((each) => each.msgid !== undefined)?.msgid;
  }

  redact(target: string, msgid: string, reason?: string): void {
    this.#run('REDACT', target, msgid, reason);
  }

  topic(channel: string, text: string): void {
    const known = this.#world.channel(channel);
    if (known !== undefined) setTopic(this.#world, known, this, text);
  }

  /** As operator if they are one; refused otherwise, as everybody would be. */
  kick(channel: string, nick: string, reason?: string): void {
    this.#run('KICK', channel, nick, reason);
  }

  mode(channel: string, changes: string, ...args: string[]): void {
    this.#run('MODE', channel, changes, ...args);
  }

  /** Becomes operator, by the server's grace. */
  becomeOperator(channel: string): this {
    const known = this.#world.channel(channel);
    if (known !== undefined) changeModes(this.#world, known, undefined, '+o', [this.nick]);
    return this;
  }

  invite(nick: string, channel: string): void {
    this.#run('INVITE', nick, channel);
  }

  setAway(text?: string): void {
    this.#run('AWAY', text);
  }

  setName(realname: string): void {
    this.#run('SETNAME', realname);
  }

  /** What others said to a channel, or to this person (`target` their nick), as `nick: text`. */
  texts(target: string): string[] {
    return this.heard.filter((each) => this.#isSpeechTo(each, target)).map((each) => `${each.nick}: ${each.params[1] ?? ''}`);
  }

  mark(): number {
    return this.heard.length;
  }

  waitFor(fits: (heard: Heard) => boolean, { since = 0, timeout = patience } = {}): Promise<Heard> {
    return wait({
      find: () => this.heard.slice(since).find(fits),
      listeners: this.#waiting,
      timeout,
      failure: () => `${this.nick} did not hear it; the last was ${JSON.stringify(this.heard.slice(-5))}`,
    });
  }

  waitForText(target: string, text: string | RegExp, search: { readonly since?: number; readonly timeout?: number } = {}): Promise<Heard> {
    const fits = (said: string) => (typeof text === 'string' ? said === text : text.test(said));
    return this.waitFor((heard) => this.#isSpeechTo(heard, target) && fits(heard.params[1] ?? ''), search);
  }

  #isSpeechTo({ command, params, nick }: Heard, target: string): boolean {
    const isSpeech = command === 'PRIVMSG' || command === 'NOTICE';
    return isSpeech && nick !== this.nick && this.#world.fold(params[0] ?? '') === this.#world.fold(target);
  }

  #speak(command: string, params: readonly string[], tags: Readonly<Record<string, string>>): string | undefined {
    const since = this.heard.length;
    commands[command]?.(this.#world, this, { tags, command, params });
    return this.heard.slice(since).find((each) => each.nick === this.nick && each.msgid !== undefined)?.msgid;
  }

  #run(command: string, ...params: (string | undefined)[]): void {
    const given = params.filter((param) => param !== undefined);
    const run: Command | undefined = commands[command];
    run?.(this.#world, this, { tags: {}, command, params: given });
  }
}
