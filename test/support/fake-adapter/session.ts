// One identity on the fake network: says one thing after another, each proved by the network before the next.

import {
  type BridgeError,
  type ChannelId,
  type Fit,
  type MatrixFile,
  type Outgoing,
  PermanentError,
  type RemoteMessage,
  type RemoteMessageId,
  type RemoteUserId,
  RetryableError,
  remoteMessageId,
  type Session,
  type Speaker,
  type Style,
  UnknownOutcomeError,
  UnreachableError,
} from '#bridge-core';
import { remoteIdOf } from './events.ts';
import { textIn } from './formatter.ts';
import type { Connection, FakeMessage, FakeNetwork, Fate, Happening } from './network.ts';

export const verbs = [
  ...(['sent', 'edit', 'redact', 'react', 'type', 'setTopic', 'rename', 'archive', 'invite', 'kick', 'pin'] as const),
  ...(['markRead', 'setPresence'] as const),
] as const;
/** Those that few networks have: only on wish. */
export const banVerbs = ['ban', 'unban'] as const;
export type Verb = (typeof verbs)[number] | (typeof banVerbs)[number];

export interface FakeSessionParts {
  readonly speaker: Speaker;
  readonly nick: string;
  /** Their own account, and not a name that we made for them. */
  readonly isAccount: boolean;
  readonly network: FakeNetwork;
  readonly options: {
    verbs: readonly Verb[];
    messageIds: boolean;
    keys: boolean;
    bytes: number;
    lines: number;
    files: 'upload' | 'link';
    marks: boolean;
  };
  readonly heard: (happening: Happening) => void;
  readonly nickOf: Fit['mention'];
  readonly ended: (reason: string) => void;
}

/** An emote is wrapped in these many bytes. */
const emoteBytes = 9;

export class FakeSession implements Session {
  readonly speaker: Speaker;
  readonly connection: Connection;
  readonly #parts: FakeSessionParts;
  #last: Promise<unknown> = Promise.resolve();
  #isOpen = true;
  readonly #inFlight = new Set<(error: Error) => void>();

  constructor(parts: FakeSessionParts) {
    this.#parts = parts;
    this.speaker = parts.speaker;
    this.connection = {
      nick: parts.nick,
      isAccount: parts.isAccount,
      hear: parts.heard,
      lost: (error) => this.#end(error, 'the connection broke'),
    };
    parts.network.connections.add(this.connection);
    for (const verb of [...verbs, ...banVerbs]) if (!parts.options.verbs.includes(verb)) Object.assign(this, { [verb]: undefined });
  }

  get self(): RemoteUserId {
    return remoteIdOf(this.connection.nick);
  }

  fit(_channel: ChannelId, style: Style): Fit {
    const { bytes, lines, marks } = this.#parts.options;
    const { nickOf } = this.#parts;
    const marked: Fit['mention'] = (who) => nickOf(who) && `<@${nickOf(who)}>`;
    return {
      ...{ bytes: bytes - (style === 'emote' ? emoteBytes : 0), lines, markup: true, style },
      ...(marks ? { mention: marked, called: nickOf } : { mention: nickOf }),
    };
  }

  async join(channel: ChannelId): Promise<void> {
    this.#mustBeOpen();
    const name = nameOf(channel);
    const { network } = this.#parts;
    const { isClosed, members } = network.channel(name);
    if (isClosed && !members.has(this.connection.nick)) throw new PermanentError('CHANNEL_CLOSED', `${name} lets nobody in`);
    network.asOurs(() => network.join(this.connection.nick, name));
  }

  async leave(channel: ChannelId): Promise<void> {
    const { network } = this.#parts;
    network.asOurs(() => network.leave(this.connection.nick, nameOf(channel)));
  }

  send(message: Outgoing): Promise<RemoteMessageId | undefined> {
    return this.#inTurn(async () => {
      const said = await this.#travel(message);
      return this.#parts.options.messageIds ? remoteMessageId(said.id) : undefined;
    });
  }

  async sent(message: Outgoing, since: number, known: (id: RemoteMessageId) => boolean): Promise<RemoteMessageId | undefined> {
    this.#mustBeOpen();
    const { network, options } = this.#parts;
    const found = network.channel(nameOf(message.channel)).messages.find((said) => {
      const isOurs = said.nick === this.connection.nick || remoteIdOf(said.nick) === message.triedAs;
      if (!isOurs || said.at < since) return false;
      return options.keys ? said.key === message.key : said.body === textIn(message.body) && !known(remoteMessageId(said.id));
    });
    return found && remoteMessageId(found.id);
  }

  async edit(target: RemoteMessage, message: Outgoing): Promise<RemoteMessageId | undefined> {
    const [id] = target.ids;
    return await this.#inTurn(async () => {
      const { network } = this.#parts;
      if (network.refusesEdits) throw new PermanentError('NETWORK_REFUSED', 'it is too late to edit this');
      const edit = (target: string) =>
        network.edit(this.connection.nick, nameOf(message.channel), target, textIn(message.body), message.style);
      if (id !== undefined) network.asOurs(() => edit(id));
      return id;
    });
  }

  redact(channel: ChannelId, target: RemoteMessage, reason?: string): Promise<void> {
    return this.#inTurn(async () => {
      const { network } = this.#parts;
      const isOthers = (id: string) => network.find(nameOf(channel), id)?.nick !== this.connection.nick;
      if (network.redactsOwnAlone && target.ids.some(isOthers)) throw new PermanentError('NETWORK_REFUSED', 'that is not yours');
      for (const id of target.ids) this.#act((network, nick) => network.redact(nick, nameOf(channel), id, reason));
    });
  }

  react(channel: ChannelId, target: RemoteMessage, emoji: string, on: boolean): Promise<RemoteMessageId | undefined> {
    return this.#inTurn(async () => {
      const [id] = target.ids;
      if (id !== undefined) this.#act((network, nick) => network.react(nick, nameOf(channel), id, emoji, on));
      return id;
    });
  }

  async type(channel: ChannelId, on: boolean): Promise<void> {
    this.#act((network, nick) => network.type(nick, nameOf(channel), on));
  }

  setTopic(channel: ChannelId, topic: string): Promise<void> {
    return this.#inPower(async () => this.#act((network, nick) => network.setTopic(nick, nameOf(channel), topic)));
  }

  rename(channel: ChannelId, name: string): Promise<void> {
    return this.#inPower(async () => this.#act((network, nick) => network.call(nick, nameOf(channel), name)));
  }

  archive(channel: ChannelId, on: boolean): Promise<void> {
    return this.#inPower(async () => this.#act((network, nick) => network.archive(nick, nameOf(channel), on)));
  }

  invite(channel: ChannelId, user: RemoteUserId): Promise<void> {
    return this.#inPower(async () => this.#parts.network.invite(nameOf(channel), user.slice('fake/'.length)));
  }

  pin(channel: ChannelId, target: RemoteMessage, on: boolean): Promise<void> {
    return this.#inPower(async () => {
      const [id] = target.ids;
      if (id !== undefined) this.#act((network, nick) => network.pin(nick, nameOf(channel), id, on));
    });
  }

  kick(channel: ChannelId, user: RemoteUserId, reason?: string): Promise<void> {
    return this.#inPower(async () => this.#act((network, nick) => network.kick(nick, nameOf(channel), user.slice('fake/'.length), reason)));
  }

  ban(channel: ChannelId, user: RemoteUserId, reason?: string): Promise<void> {
    return this.#inPower(async () => this.#act((network, nick) => network.ban(nick, nameOf(channel), user.slice('fake/'.length), reason)));
  }

  unban(channel: ChannelId, user: RemoteUserId): Promise<void> {
    return this.#inPower(async () => this.#act((network, nick) => network.unban(nick, nameOf(channel), user.slice('fake/'.length))));
  }

  async markRead(channel: ChannelId, upTo: RemoteMessageId): Promise<void> {
    this.#act((network, nick) => network.markRead(nick, nameOf(channel), upTo));
  }

  async setPresence(away: string | undefined): Promise<void> {
    this.#act((network, nick) => network.setAway(nick, away));
  }

  async close(reason = 'closed'): Promise<void> {
    this.#parts.network.drop(this.connection);
    this.#end(new UnknownOutcomeError('the session was closed'), reason);
  }

  #end(error: Error, reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const fail of [...this.#inFlight]) fail(error);
    this.#parts.ended(reason);
  }

  #act(work: (network: FakeNetwork, nick: string) => void): void {
    const { network } = this.#parts;
    network.asOurs(() => work(network, this.connection.nick));
  }

  #mustBeOpen(): void {
    if (!this.#isOpen) throw new UnreachableError('NETWORK_UNREACHABLE', `${this.connection.nick} is not connected`);
  }

  #inPower(work: () => Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      const { nick } = this.connection;
      if (this.#parts.network.powerless.has(nick)) throw new PermanentError('NETWORK_REFUSED', `${nick} may not do that`);
      await work();
    });
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = this.#last.then(async () => {
      this.#mustBeOpen();
      return await work();
    });
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** From here to the network and back; cut in between, nobody knows whether it arrived. */
  async #travel(message: Outgoing): Promise<FakeMessage> {
    await this.join(message.channel);
    const { network } = this.#parts;
    const name = nameOf(message.channel);
    if (network.channel(name).isClosed) throw new PermanentError('CHANNEL_CLOSED', `${name} does not let us speak`);
    const body = textIn(message.body);
    const fate = network.meet({
      ...{ channel: name, nick: this.connection.nick, body },
      ...(message.file !== undefined && { file: message.file.name }),
    });
    // What is refused is refused before it is sent.
    const carried = fate === undefined && this.#parts.options.files === 'upload' ? await arrivedAs(message.file) : undefined;
    // An answer to what is in a thread goes there too.
    const inThread = message.thread?.ids[0] ?? message.replyTo?.thread;
    const say = () =>
      network.say(this.connection.nick, name, body.replace(/[\r\n\0]/g, ' '), {
        ...{ style: message.style, key: message.key },
        ...(message.replyTo?.ids[0] !== undefined && { replyTo: message.replyTo.ids[0] }),
        ...(inThread !== undefined && { thread: inThread }),
        ...(message.shownAs !== undefined && { shownAs: message.shownAs.name, avatar: message.shownAs.avatar }),
        ...(carried !== undefined && { carried }),
      });
    const arrive = () => network.asOurs(say);
    if (fate === 'lost' || fate === 'doubtful') {
      if (fate === 'doubtful') arrive();
      network.cut(this.connection);
      throw new UnknownOutcomeError('the connection broke');
    }
    if (fate !== undefined && fate !== 'hang') throw errorOf(fate);
    if (fate === 'hang' || network.latency > 0) {
      await this.#unlessCut(fate === 'hang' ? network.hang() : new Promise((resolve) => setTimeout(resolve, network.latency)));
    }
    return arrive();
  }

  async #unlessCut(way: Promise<void>): Promise<void> {
    let fail: (error: Error) => void = () => {};
    const cut = new Promise<never>((_, reject) => {
      fail = reject;
    });
    this.#inFlight.add(fail);
    try {
      await Promise.race([way, cut]);
    } finally {
      this.#inFlight.delete(fail);
    }
  }
}

function errorOf(fate: Exclude<Fate, 'lost' | 'doubtful' | 'hang'>): BridgeError | Error {
  if (fate instanceof Error) return fate;
  if (fate === 'refuse') return new PermanentError('NETWORK_REFUSED', 'the network refuses this');
  if (fate === 'closed') return new PermanentError('CHANNEL_CLOSED', 'the channel is closed');
  if (fate === 'busy') return new RetryableError('NETWORK_BUSY', 'the network is busy');
  return new UnreachableError('NETWORK_UNREACHABLE', 'the network is away');
}

async function arrivedAs(file: MatrixFile | undefined): Promise<FakeMessage['carried']> {
  if (file === undefined) return undefined;
  return { name: file.name, type: file.type, bytes: file.bytes, alt: file.alt, words: await new Response(await file.open()).text() };
}

const nameOf = (channel: ChannelId): string => channel.slice('fake/'.length);
