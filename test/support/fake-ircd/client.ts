// One socket of the fake server: reads lines, filters what goes out by the capabilities of this client, groups labelled
// answers. Extensions: message-tags, message-ids, server-time, account-tag, batch, labeled-response (ircv3.net).

import type { Socket } from 'node:net';
import { commands } from './commands.ts';
import { type ClientLine, readLine, writeLine } from './lines.ts';
import { collectMultiline, type OpenMultiline } from './multiline.ts';
import { register } from './registration.ts';
import type { SaslServer } from './sasl.ts';
import type { Channel, Message, User, World } from './world.ts';

/** Of a line without its tags, CR LF included. */
const lineBytes = 512;
/** Of the tags that a client sends, `@` and space included. */
const clientTagBytes = 4096;

export class Client implements User {
  nick = '*';
  user = '';
  host = 'client.fake.test';
  realname = '';
  server: string;
  account: string | undefined;
  away: string | undefined;
  readonly isBot = false;
  readonly channels = new Set<Channel>();
  readonly monitored = new Set<string>();
  readonly invitations = new Set<string>();
  readonly capabilities = new Set<string>();
  isRegistered = false;
  isNegotiating = false;
  /** Asked by LS with 302 or later, which means cap-notify. */
  speaksCap302 = false;
  password: string | undefined;
  sasl: SaslServer | undefined;
  multiline: OpenMultiline | undefined;
  readonly #world: World;
  readonly #socket: Socket;
  readonly #log: (client: Client, text: string) => void;
  #rest: Buffer = Buffer.alloc(0);
  #captured: Message[] | undefined;
  #unsent: Buffer = Buffer.alloc(0);
  #isSending = false;
  #isClosed = false;
  #recent: number[] = [];

  constructor(parts: { world: World; socket: Socket; log: (client: Client, text: string) => void; gone: (client: Client) => void }) {
    this.#world = parts.world;
    this.#socket = parts.socket;
    this.#log = parts.log;
    this.server = parts.world.name;
    parts.socket.setNoDelay(true);
    parts.socket.on('data', (data) => this.#read(data));
    parts.socket.on('error', () => {});
    parts.socket.on('close', () => {
      this.#isClosed = true;
      parts.gone(this);
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get hearsCaps(): boolean {
    return this.speaksCap302 || this.has('cap-notify');
  }

  has(capability: string): boolean {
    return this.capabilities.has(capability);
  }

  receive(message: Message): void {
    if (this.#captured !== undefined) this.#captured.push(message);
    else this.#write(message);
  }

  cut(reason?: string): void {
    if (this.#isClosed) return;
    if (reason !== undefined) this.sendRaw(`ERROR :Closing Link: ${this.host} (${reason})`);
    this.#isClosed = true;
    if (reason === undefined) this.#socket.resetAndDestroy();
    else setTimeout(() => this.#socket.end(), this.#world.faults.latency).unref();
  }

  sendRaw(text: string): void {
    this.sendBytes(Buffer.from(`${text}${this.#world.faults.lineEnd}`));
  }

  /** As they are: line ends too must be in them. */
  sendBytes(bytes: Buffer): void {
    const { frozen, latency } = this.#world.faults;
    if (this.#isClosed || frozen) return;
    if (latency > 0) setTimeout(() => this.#send(bytes), latency).unref();
    else this.#send(bytes);
  }

  #send(bytes: Buffer): void {
    if (this.#socket.destroyed) return;
    if (!this.#world.faults.splitWrites && !this.#isSending) {
      this.#socket.write(bytes);
      return;
    }
    this.#unsent = Buffer.concat([this.#unsent, bytes]);
    if (!this.#isSending) this.#sendPiece();
  }

  #sendPiece(): void {
    this.#isSending = this.#unsent.length > 0;
    if (!this.#isSending || this.#socket.destroyed) return;
    const size = 1 + Math.floor(Math.random() * 60);
    this.#socket.write(this.#unsent.subarray(0, size));
    this.#unsent = this.#unsent.subarray(size);
    setImmediate(() => this.#sendPiece());
  }

  #read(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (let end = this.#rest.indexOf(10); end >= 0; end = this.#rest.indexOf(10)) {
      const text = this.#rest.toString('utf8', 0, end).replace(/\r$/, '');
      this.#rest = this.#rest.subarray(end + 1);
      if (text !== '' && !this.#isClosed) this.#take(text);
    }
  }

  #take(text: string): void {
    this.#log(this, text);
    const { faults } = this.#world;
    if (faults.frozen) return;
    const now = Date.now();
    this.#recent = [...this.#recent.filter((at) => now - at < 1_000), now];
    if (this.isRegistered && this.#recent.length > faults.floodLimit) {
      this.quit('Excess Flood', true);
      return;
    }
    const bodyAt = text.startsWith('@') ? text.indexOf(' ') + 1 : 0;
    if (bodyAt > clientTagBytes) {
      this.#world.reply(this, '417', 'Input line was too long');
      return;
    }
    this.#execute(readLine(text.slice(0, bodyAt) + cutBytes(text.slice(bodyAt), lineBytes - 2)));
  }

  #execute(line: ClientLine): void {
    if (this.isRegistered && collectMultiline(this.#world, this, line)) return;
    const label = this.has('labeled-response') ? line.tags.label : undefined;
    if (label === undefined) this.#run(line);
    else this.answer(label, () => this.#run(line));
  }

  /** Whatever `run` sends to this client becomes one answer under the label. */
  answer(label: string, run: () => boolean): void {
    this.#captured = [];
    const isAnswered = run();
    const captured = this.#captured;
    this.#captured = undefined;
    if (!isAnswered) return;
    const [first] = captured;
    const reference = first?.command === 'BATCH' ? first.params[0]?.slice(1) : undefined;
    const isBatch = reference !== undefined && captured.at(-1)?.params[0] === `-${reference}`;
    if (first === undefined) this.#write({ source: undefined, command: 'ACK', params: [] }, { label });
    else if (captured.length === 1 || isBatch) for (const each of captured) this.#write(each, each === first ? { label } : {});
    else {
      const batch = this.#world.newId();
      this.#write({ source: undefined, command: 'BATCH', params: [`+${batch}`, 'labeled-response'] }, { label });
      for (const each of captured) this.#write(each, { batch });
      this.#write({ source: undefined, command: 'BATCH', params: [`-${batch}`] });
    }
  }

  /** False: the client is owed no answer. */
  #run(line: ClientLine): boolean {
    if (register(this.#world, this, line)) return true;
    if (!this.isRegistered) {
      this.#world.reply(this, '451', 'You have not registered');
      return true;
    }
    if (line.command === 'QUIT') {
      this.quit(`Quit: ${line.params[0] ?? ''}`, true);
      return true;
    }
    const command = commands[line.command];
    if (command === undefined) this.#world.reply(this, '421', line.command, 'Unknown command');
    return command?.(this.#world, this, line) !== 'unanswered';
  }

  /** Everybody who sees this user hears of it. */
  quit(reason: string, isTold: boolean): void {
    if (this.isRegistered) {
      this.isRegistered = false;
      this.#world.toPeers(this, { source: this, command: 'QUIT', params: [reason] }, false);
      this.#world.leave(this);
    }
    if (isTold) this.cut(reason);
  }

  #write(message: Message, own: Readonly<Record<string, string>> = {}): void {
    const tags: Record<string, string> = {};
    if (own.label !== undefined) tags.label = own.label;
    const batch = message.tags?.batch ?? own.batch;
    if (batch !== undefined && this.has('batch')) tags.batch = batch;
    if (this.has('server-time')) tags.time = new Date(message.at ?? Date.now()).toISOString();
    if (this.has('account-tag') && message.source?.account !== undefined) tags.account = message.source.account;
    if (this.has('message-tags')) {
      if (message.msgid !== undefined) tags.msgid = message.msgid;
      if (message.source?.isBot === true) tags.bot = '';
      for (const [name, value] of Object.entries(message.tags ?? {})) if (name.startsWith('+')) tags[name] = value;
    }
    if (message.tags?.['draft/multiline-concat'] !== undefined) tags['draft/multiline-concat'] = '';
    const source = message.prefix ?? (message.source === undefined ? this.#world.name : this.#world.mask(message.source));
    const text = writeLine(tags, source, message.command, message.params);
    const bodyAt = text.startsWith('@') ? text.indexOf(' ') + 1 : 0;
    this.sendRaw(text.slice(0, bodyAt) + cutBytes(text.slice(bodyAt), lineBytes - 2));
  }
}

/** As a server does it: without regard to characters. */
function cutBytes(text: string, bytes: number): string {
  return Buffer.byteLength(text) <= bytes ? text : Buffer.from(text).subarray(0, bytes).toString('utf8');
}
