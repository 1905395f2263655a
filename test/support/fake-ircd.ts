// A scripted IRC server on a real socket, for what no packaged server offers or does: every capability can be switched, every
// fault provoked, and people act without sockets. Which specifications it is written from stands in fake-ircd/capabilities.ts.

import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import { freePort } from '../../quickstart/servers/ports.ts';
import { enterChannel, joinFor, removeByForce } from './fake-ircd/channel-commands.ts';
import { Client } from './fake-ircd/client.ts';
import { type Faults, noFaults } from './fake-ircd/faults.ts';
import { changeModes } from './fake-ircd/modes.ts';
import { meet, type Parted, part } from './fake-ircd/netsplit.ts';
import { Person, type PersonOptions } from './fake-ircd/person.ts';
import { type Message, type User, World } from './fake-ircd/world.ts';
import { patience, wait } from './waiting.ts';

export { allCapabilities, capabilities } from './fake-ircd/capabilities.ts';
export type { Client } from './fake-ircd/client.ts';
export type { Faults } from './fake-ircd/faults.ts';
export type { Heard, Person, PersonOptions } from './fake-ircd/person.ts';

export interface FakeIrcdOptions {
  readonly name?: string;
  readonly network?: string;
  /** Names with values (see `capabilities`); all of them where left out. */
  readonly capabilities?: Iterable<readonly [string, string]>;
  readonly faults?: Partial<Faults>;
  /** Account → password, for SASL. */
  readonly accounts?: Readonly<Record<string, string>>;
  /** Asked for by PASS. */
  readonly password?: string;
  /** PEM texts: the port speaks TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** 0: a free one. */
  readonly port?: number;
}

export interface Received {
  /** As it was then; `*` before registration. */
  readonly nick: string;
  readonly text: string;
  /** `performance.now()` */
  readonly at: number;
}

export interface Said {
  readonly nick: string;
  readonly command: string;
  /** Lines of a multi-line message joined by line breaks. */
  readonly text: string;
  readonly msgid: string;
  readonly isRedacted: boolean;
}

export async function startFakeIrcd(options: FakeIrcdOptions = {}): Promise<FakeIrcd> {
  const world = new World({
    name: options.name ?? 'irc.fake.test',
    network: options.network ?? 'FakeNet',
    faults: { ...noFaults(), ...options.faults },
    capabilities: options.capabilities,
    accounts: options.accounts ?? {},
    password: options.password,
  });
  const server = new FakeIrcd(world, options);
  await server.listen();
  return server;
}

export class FakeIrcd {
  readonly host = '127.0.0.1';
  /** Every line that clients sent, in order. */
  readonly received: Received[] = [];
  readonly world: World;
  readonly #options: FakeIrcdOptions;
  #port: number;
  #listener: net.Server | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #clients = new Set<Client>();
  readonly #waiting = new Set<() => void>();
  #parted: Parted = [];

  constructor(world: World, options: FakeIrcdOptions) {
    this.world = world;
    this.#options = options;
    this.#port = options.port ?? 0;
  }

  get port(): number {
    return this.#port;
  }

  get name(): string {
    return this.world.name;
  }

  /** Switches; may be turned at any time. */
  get faults(): Faults {
    return this.world.faults;
  }

  /** Whose certificate each TLS connection showed, in their order; undefined: none. */
  readonly certificates: (string | undefined)[] = [];

  /** Connections now open, registered or not. */
  get connections(): number {
    return this.#clients.size;
  }

  async listen(): Promise<void> {
    const accept = (socket: Socket) => this.#accept(socket);
    const secured = (socket: tls.TLSSocket) => {
      this.certificates.push(socket.getPeerCertificate().subject?.CN?.toString());
      accept(socket);
    };
    const listener =
      this.#options.tls === undefined
        ? net.createServer(accept)
        : tls.createServer({ ...this.#options.tls, requestCert: true, rejectUnauthorized: false }, secured);
    // A handshake that a client breaks off is no fault of ours.
    listener.on('tlsClientError', () => {});
    this.#port ||= await freePort();
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(this.#port, this.host, resolve);
    });
    this.#listener = listener;
  }

  /** As if the server were switched off: every connection ends, people and channels stay known. `listen` brings it back. */
  async stop(): Promise<void> {
    for (const client of [...this.#clients]) client.quit('Server shutting down', true);
    const listener = this.#listener;
    this.#listener = undefined;
    await new Promise<void>((resolve) => {
      if (listener === undefined) resolve();
      else listener.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  close(): Promise<void> {
    return this.stop();
  }

  person(nick: string, options?: PersonOptions): Person {
    return new Person(this.world, nick, options);
  }

  /** The registered client of that nick. */
  client(nick: string): Client {
    const found = this.world.user(nick);
    if (!(found instanceof Client)) throw new Error(`${nick} is not connected; there are ${[...this.world.users.keys()].join(', ')}`);
    return found;
  }

  /** Lines that one client sent under this nick, or all. */
  lines(nick?: string): string[] {
    return this.received.filter((line) => nick === undefined || line.nick === nick).map((line) => line.text);
  }

  /** For `since`: from here on. */
  mark(): number {
    return this.received.length;
  }

  waitForLine(test: RegExp | ((line: Received) => boolean), { since = 0, timeout = patience } = {}): Promise<Received> {
    const fits = (line: Received) => (typeof test === 'function' ? test(line) : test.test(line.text));
    return this.#wait(
      () => this.received.slice(since).find(fits),
      timeout,
      () => `no such line; the last: ${this.lines().slice(-8).join(' | ')}`,
    );
  }

  waitForUser(nick: string, timeout = patience): Promise<User> {
    return this.#wait(
      () => this.world.user(nick),
      timeout,
      () => `${nick} did not come`,
    );
  }

  async waitForMember(channel: string, nick: string, timeout = patience): Promise<void> {
    const isIn = () => [...(this.world.channel(channel)?.members.keys() ?? [])].find((each) => each.nick === nick);
    await this.#wait(isIn, timeout, () => `${nick} is not in ${channel}, but ${this.members(channel).join(', ')}`);
  }

  members(channel: string): string[] {
    return Array.from(this.world.channel(channel)?.members.keys() ?? [], (each) => each.nick);
  }

  /** What was said in a channel, as the server keeps it. */
  said(channel: string): Said[] {
    return (this.world.history.get(this.world.fold(channel)) ?? []).map(({ message, msgid, rest, isRedacted }) => ({
      nick: message.prefix?.split('!')[0] ?? '',
      command: message.command,
      text: [message, ...rest]
        .map((line, i) => (i > 0 && line.tags?.['draft/multiline-concat'] === undefined ? '\n' : '') + (line.params[1] ?? ''))
        .join(''),
      msgid,
      isRedacted,
    }));
  }

  /** A capability is offered from now on (CAP NEW), or with another value. */
  offer(name: string, value = ''): void {
    this.world.offered.set(name, value);
    for (const client of this.#clients) this.#tellCap(client, 'NEW', value === '' ? name : `${name}=${value}`);
  }

  /** No longer (CAP DEL). */
  withdraw(name: string): void {
    this.world.offered.delete(name);
    for (const client of this.#clients) {
      client.capabilities.delete(name);
      this.#tellCap(client, 'DEL', name);
    }
  }

  /** A line of ours to one client, as it is. */
  send(nick: string, line: string): void {
    this.client(nick).sendRaw(line);
  }

  /** Resolves once the client has dealt with all that was sent to it so far. */
  async hasHeard(nick: string): Promise<void> {
    const since = this.mark();
    const token = this.world.newId();
    this.send(nick, `PING :${token}`);
    await this.waitForLine((line) => line.nick === nick && line.text.startsWith('PONG') && line.text.endsWith(token), { since });
  }

  /** Bytes as they are, line ends included. */
  sendBytes(nick: string, bytes: Buffer): void {
    this.client(nick).sendBytes(bytes);
  }

  /** The connection breaks without a word. */
  drop(nick: string): void {
    const client = this.client(nick);
    client.quit('Connection reset by peer', false);
    client.cut();
  }

  kill(nick: string, reason: string): void {
    const client = this.client(nick);
    client.sendRaw(`:oper!oper@staff.fake.test KILL ${client.nick} :${reason}`);
    client.quit(`Killed (oper (${reason}))`, true);
  }

  /** Cuts one and turns away whoever comes after, until `faults.refuse` is taken back. */
  kline(nick: string, reason: string): void {
    const client = this.client(nick);
    this.faults.refuse = [`465 * :You are banned from this server: ${reason}`, `K-Lined: ${reason}`];
    client.sendRaw(`:${this.name} 465 ${client.nick} :You are banned from this server: ${reason}`);
    client.quit(`K-Lined: ${reason}`, true);
  }

  /** Into the channel without leave. */
  force(nick: string, channel: string): void {
    const user = this.world.user(nick);
    if (user !== undefined) enterChannel(this.world, user, channel, undefined, true);
  }

  /** By the server itself. */
  kick(channel: string, nick: string, reason: string): void {
    const known = this.world.channel(channel);
    const member = this.world.user(nick);
    if (known !== undefined && member !== undefined) removeByForce(this.world, known, undefined, member, reason);
  }

  mode(channel: string, changes: string, ...args: string[]): void {
    const known = this.world.channel(channel);
    if (known !== undefined) changeModes(this.world, known, undefined, changes, args);
  }

  /** JOINs of the channel are answered by this numeric, so often. With 470, `text` is the channel to go to. */
  refuseJoin(channel: string, numeric: string, text: string, times = Number.POSITIVE_INFINITY): void {
    this.world.joinRefusals.set(this.world.fold(channel), { numeric, text, times });
  }

  /** Members who only stand there, for long NAMES; they make the channel if it is not there. */
  crowd(channel: string, size: number): void {
    for (let i = 0; i < size; i++) {
      const user = new Person(this.world, `crowd${i}`);
      user.receive = () => {};
      const known = this.world.channel(channel);
      if (known === undefined) enterChannel(this.world, user, channel);
      else {
        known.members.set(user, new Set());
        user.channels.add(known);
      }
    }
  }

  /** By extension chghost, with QUIT, JOIN and MODE for who has it not; the user is told by 396 too. */
  changeHost(nick: string, user: string, host: string): void {
    const { world } = this;
    const who = world.user(nick);
    if (who === undefined) return;
    const change: Message = { source: who, prefix: world.mask(who), command: 'CHGHOST', params: [user, host] };
    const gone: Message = { source: who, prefix: world.mask(who), command: 'QUIT', params: ['Changing host'] };
    const peers = world.peers(who, true);
    for (const peer of peers) if (peer !== who && !peer.has('chghost')) peer.receive(gone);
    who.user = user;
    who.host = host;
    for (const peer of peers) if (peer.has('chghost')) peer.receive(change);
    world.reply(who, '396', host, 'is now your displayed host');
    for (const channel of who.channels) {
      for (const peer of channel.members.keys()) {
        if (peer === who || peer.has('chghost')) continue;
        peer.receive(joinFor(peer, who, channel));
      }
    }
  }

  /** By extension account-notify. */
  setAccount(nick: string, account: string | undefined): void {
    const user = this.world.user(nick);
    if (user === undefined) return;
    user.account = account;
    const message: Message = { source: user, command: 'ACCOUNT', params: [account ?? '*'] };
    this.world.toPeers(user, message, true, (peer) => peer.has('account-notify'));
  }

  /** People on a far server are gone until `heal`. */
  split(nicks: readonly string[], far = 'far.fake.test'): void {
    const users = nicks.flatMap((nick) => this.world.user(nick) ?? []);
    this.#parted = [...this.#parted, ...part(this.world, users, far)];
  }

  heal(far = 'far.fake.test'): void {
    meet(this.world, this.#parted, far);
    this.#parted = [];
  }

  /** Old messages replayed to one client as a chathistory batch at JOIN, as some servers do. */
  replay(nick: string, channel: string, lines: readonly string[]): void {
    const client = this.client(nick);
    const batch = this.world.newId();
    this.world.reply(client, 'BATCH', `+${batch}`, 'chathistory', channel);
    for (const line of lines)
      client.sendRaw(client.has('batch') ? `@batch=${batch}${line.startsWith('@') ? `;${line.slice(1)}` : ` ${line}`}` : line);
    this.world.reply(client, 'BATCH', `-${batch}`);
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const log = (client: Client, text: string) => {
      this.received.push({ nick: client.nick, text, at: performance.now() });
      setImmediate(() => this.#look());
    };
    const gone = (left: Client) => {
      this.#sockets.delete(socket);
      this.#clients.delete(left);
      left.quit('Connection closed', false);
      this.#look();
    };
    const client = new Client({ world: this.world, socket, log, gone });
    this.#clients.add(client);
    const { refuse } = this.faults;
    if (refuse === undefined) return;
    for (const numeric of refuse.slice(0, -1)) client.sendRaw(`:${this.name} ${numeric}`);
    client.cut(refuse.at(-1) ?? '');
  }

  #tellCap(client: Client, verb: string, list: string): void {
    if (client.isRegistered && client.hearsCaps) this.world.reply(client, 'CAP', client.nick, verb, list);
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }

  #wait<Found>(find: () => Found | undefined, timeout: number, failure: () => string): Promise<Found> {
    return wait({ find, listeners: this.#waiting, timeout, failure });
  }
}
