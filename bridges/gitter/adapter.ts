// Puts the folder together: the network, what it is heard by, sessions, rooms, logins, and the pages that people's browsers call.

import {
  type Adapter,
  type AdapterCommand,
  type AdapterTools,
  type Capabilities,
  type ChannelId,
  type ConfiguredLink,
  type ConnectionStatus,
  type Login,
  type LoginFlow,
  type Mirror,
  type ProvisioningDialect,
  type ProvisioningVerbs,
  type RemoteFile,
  type RemoteMessageId,
  type RemoteUser,
  type RemoteUserId,
  roomId,
  type Session,
  type Speaker,
  type UserId,
} from '#bridge-core';
import type { Account } from './account.ts';
import { Bans } from './bans.ts';
import type { GitterBody } from './body.ts';
import { GitterChannels } from './channels.ts';
import { Copies } from './copies.ts';
import { Ears } from './ears.ts';
import { messageOf as eventOf, type GitterEvent, sentAt } from './events.ts';
import { gitterFormatter } from './formatter.ts';
import { Gaps } from './gaps.ts';
import { Hearing } from './hearing.ts';
import { after, readSince } from './history.ts';
import { makeChannelId, network as networkId, parseUserId } from './ids.ts';
import { Intake, placeOf } from './intake.ts';
import { Logins } from './logins.ts';
import { GitterLookups } from './lookups.ts';
import { GitterNetwork } from './network.ts';
import { opennessOf } from './openness.ts';
import { OwnRooms } from './own-rooms.ts';
import { Pictures } from './pictures.ts';
import { Presences } from './presence.ts';
import { Present } from './present.ts';
import { PrivateWords } from './private-words.ts';
import { oldCalls } from './provisioning.ts';
import { type LiveSettings, takeOver } from './reload.ts';
import { Resolver } from './resolver.ts';
import type { Room } from './rooms.ts';
import { Sessions } from './sessions.ts';
import type { GitterSettings } from './settings.ts';
import { type GitterTiming, usualTiming } from './timing.ts';
import { VirtualUsers } from './virtual-users.ts';

const topicWays = { off: 'off', 'gitter-to-matrix': 'to-matrix', 'matrix-to-gitter': 'to-network', both: 'both' } as const;

export class GitterAdapter implements Adapter<GitterBody> {
  readonly formatter = gitterFormatter;
  readonly channels: GitterChannels;
  readonly lookups: GitterLookups;
  readonly logins: readonly LoginFlow[];
  readonly commands: readonly AdapterCommand[];
  readonly closesGaps = true;
  readonly mirror: Mirror;
  readonly #settings: LiveSettings;
  readonly #network: GitterNetwork;
  readonly #intake: Intake;
  readonly #gaps: Gaps;
  readonly #bans: Bans;
  readonly #presences: Presences;
  readonly #hearing: Hearing;
  readonly #own: OwnRooms;
  readonly #ears: Ears;
  readonly #sessions: Sessions;
  readonly #privateWords: PrivateWords;
  readonly #present: Present;
  readonly #pictures: Pictures;
  #isStopped = false;

  /** `timing` for tests. */
  constructor(given: GitterSettings, tools: AdapterTools<GitterBody>, timing: Partial<GitterTiming> = {}) {
    const settings: LiveSettings = { ...given };
    this.#settings = settings;
    const pace = { ...usualTiming, ...timing };
    const { inbox, log, memory, count } = tools;
    this.#pictures = new Pictures({ settings });
    this.#network = new GitterNetwork({
      ...{ settings, tools, timing: pace },
      back: () => this.#back(),
      lineChanged: () => this.#hearing.lineChanged(),
      moved: (from, to) => this.#moved(from, to),
      opened: ({ channel }) => inbox.changed?.(channel),
      accountEnded: (account) => this.#ended(account),
      deaf: (account) => this.#listenAnew(account),
    });
    const network = this.#network;
    const channelOf = (room: Room) => network.rooms.byId(room.id)?.channel ?? room.channel;
    this.#present = new Present({ bot: network.bot, rooms: network.rooms, log });
    this.#intake = new Intake({ ...{ network, inbox, log, count }, heard: (room, message) => this.#gaps.heard(channelOf(room), message) });
    this.#gaps = new Gaps({
      ...{ memory, inbox, log, channelOf, intake: this.#intake, settings },
      isThere: () => network.isReachable,
    });
    this.#bans = new Bans({
      ...{ network, memory, log, settings },
      intake: () => this.#intake,
      rooms: () => this.#hearing.rooms,
    });
    this.#presences = new Presences({
      ...{ inbox, settings, users: network.users, grace: pace.presence },
      isOurs: (id) => id === network.bot.id || network.accounts.has(id),
    });
    this.#hearing = new Hearing({
      ...{ network, settings, timing: pace, inbox, log },
      ...{ intake: this.#intake, gaps: this.#gaps, bans: this.#bans, presences: this.#presences, present: this.#present },
      seen: (account, room, isIn) => this.#own.seen(account, room, isIn),
      deaf: (channel) => this.#ears.again(channel),
    });
    this.#own = new OwnRooms({
      ...{ network, log, reread: settings.streamUrl === undefined ? undefined : pace.reread },
      chat: (account, room) => void this.#hearing.opened(account, room),
      moved: (account, place, isIn) => this.#ears.wentBy(account, place, isIn),
      read: (account) => this.#ears.changed(account),
    });
    this.#ears = new Ears({
      ...{ network, inbox, log, own: this.#own, hearing: this.#hearing, gaps: this.#gaps, present: this.#present },
      load: (channel, account, ask) => this.#sessions.load(channel, account, ask),
      pause: pace.probe,
    });
    this.#sessions = new Sessions({
      ...{ network, settings, log, count, hearing: this.#hearing, bans: this.#bans, own: this.#own, present: this.#present },
      speaks: (channel) => this.#ears.hurry(channel),
      copies: new Copies({ settings, memory }),
      virtualUsers: new VirtualUsers({ memory, log, settings, bot: network.bot }),
    });
    this.#privateWords = new PrivateWords({ network, memory, log, say: (chat, words) => this.#sessions.sayIn(chat, words) });
    const { resolveAlias } = tools;
    const resolver =
      settings.resolver === undefined || resolveAlias === undefined
        ? undefined
        : new Resolver({ server: settings.resolver.server, resolveAlias });
    this.channels = new GitterChannels({ network, hearing: this.#hearing, own: this.#own, apiUrl: settings.apiUrl, resolver });
    this.commands = resolver === undefined ? [] : [whereCommand(resolver)];
    this.mirror = opennessOf(network.rooms, this.channels);
    this.lookups = new GitterLookups({ users: network.users, apiUrl: settings.apiUrl });
    this.logins = new Logins({ network, settings, tools }).flows;
  }

  capabilities(): Capabilities {
    return {
      ...{ messageIds: true, threads: true, shownAs: true, files: 'link', showsPictures: true },
      ...{ members: 'all', puppets: 'login', sendsPerSecond: 1 },
    };
  }

  configuredLinks(): readonly ConfiguredLink[] {
    return this.#settings.links.map(({ channel, room, topic }) => ({
      ...{ channel: makeChannelId(channel), room: roomId(room), topic: topicWays[topic] },
    }));
  }

  async connect(): Promise<void> {
    this.#network.start();
    this.#bans.start();
  }

  async disconnect(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#bans.stop();
    this.#own.stop();
    this.#presences.close();
    this.#hearing.close();
    this.#intake.close();
    await this.#network.stop();
    await this.#gaps.close();
    await this.#pictures.close();
  }

  async watch(channel: ChannelId, by?: UserId): Promise<void> {
    await this.#ears.watch(channel, by);
  }

  async unwatch(channel: ChannelId, by?: UserId): Promise<void> {
    await this.#ears.unwatch(channel, by);
  }

  session(speaker: Speaker, _channel: ChannelId): Promise<Session<GitterBody>> {
    return this.#sessions.open(speaker);
  }

  openSession(speaker: Speaker, _channel: ChannelId): Session<GitterBody> | undefined {
    return this.#sessions.opened(speaker);
  }

  speakerOf(user: RemoteUserId): Speaker | undefined {
    return this.#network.speakerOf(user);
  }

  async user(id: RemoteUserId): Promise<RemoteUser | undefined> {
    return await this.#network.users.find(parseUserId(id));
  }

  async signIn(login: Login): Promise<void> {
    const { account, before } = await this.#network.signIn(login);
    for (const each of [before, account]) if (each !== undefined) this.#sessions.forget(each);
    if (before !== undefined) this.#hearing.closeFor(before);
    await this.#gaps.listens(account.id);
    if (!account.isEnded) this.#own.open(account);
  }

  async signOut(login: Login): Promise<void> {
    const account = await this.#network.signOut(login);
    if (account !== undefined) this.#ended(account);
  }

  async open(file: RemoteFile): Promise<ReadableStream<Uint8Array>> {
    return await this.#pictures.open(file);
  }

  async openDirect(user: UserId, others: readonly RemoteUserId[]): Promise<ChannelId> {
    return await this.#sessions.openDirect(user, others);
  }

  async tell(user: RemoteUserId, words: string): Promise<void> {
    await this.#sessions.tell(user, words);
  }

  async *history(channel: ChannelId, since: RemoteMessageId | number, most?: number): AsyncGenerator<GitterEvent> {
    const room = await this.#sessions.load(channel);
    const limit = Math.min(this.#settings.history.most, most ?? this.#settings.history.most);
    const { ask } = this.#hearing.earOf(room.id) ?? this.#own.accountIn(channel) ?? this.#network.bot;
    const found = await readSince({ ask, room: room.id, since, most: limit, patience: 60_000 });
    if (found.missingTo !== undefined && most === undefined)
      yield { kind: 'gap', at: Date.now(), channel, from: typeof since === 'number' ? since : sentAt({ id: since }), to: found.missingTo };
    for (const message of after(found.messages, since)) {
      if (await this.#intake.isOurs(room, message)) continue;
      const event = eventOf(message, placeOf(room));
      if (event !== undefined) yield event;
    }
  }

  reload(settings: unknown): readonly string[] {
    const { changed, lines } = takeOver(this.#settings, settings as GitterSettings);
    if (changed.has('bans')) this.#bans.start();
    if (changed.has('presence')) this.#presences.close();
    if (changed.has('reactions')) this.#sessions.renew();
    if (changed.has('token')) void this.#network.renewBot(this.#settings.token);
    return lines;
  }

  status(): readonly ConnectionStatus[] {
    const { state, detail } = this.#network;
    const told = { state, isForGood: state === 'down', ...(detail !== undefined && { detail }) };
    const { heard, of, ms } = this.#ears.progress();
    const note = state === 'up' && heard < of ? `${heard} of ${of} rooms heard so far, ${about(ms)} to go` : undefined;
    const start = { unheard: of - heard, ...(note !== undefined && { note }) };
    return [{ network: networkId, name: 'Gitter', sessions: this.#sessions.count, ...told, ...start }];
  }

  unheard(channel: ChannelId): string | undefined {
    if (this.#network.state !== 'up' || !this.#ears.isAwaited(channel)) return undefined;
    return `not heard yet: ${about(this.#ears.progress().ms)} until all rooms are, the liveliest first`;
  }

  provisioning(verbs: ProvisioningVerbs): ProvisioningDialect {
    return oldCalls(verbs);
  }

  /** What comes next of the room waits until its links have followed. */
  #moved(from: ChannelId, room: Room): void {
    this.#ears.moved(from, room.channel);
    this.#own.moved(from, room.channel);
    this.#gaps.moved(from, room.channel);
    this.#intake.moved(from, room);
  }

  /** Their login is over: logged out, or no longer taken. */
  #ended(account: Account): void {
    this.#sessions.forget(account);
    this.#hearing.closeFor(account);
    this.#own.left(account);
    this.#ears.changed(account);
  }

  #listenAnew(account: Account): void {
    if (this.#isStopped) return;
    if (account === this.#network.bot) {
      if (this.#network.isReachable) this.#back();
      return;
    }
    this.#hearing.closeFor(account);
    this.#own.open(account);
  }

  /** Gitter answers: the relay account goes where it is to listen, which reads what was missed. */
  #back(): void {
    if (this.#isStopped) return;
    this.#sessions.openBot();
    this.#hearing.start();
    this.#privateWords.listen();
    void this.#present.read().then((rooms = []) => {
      if (this.#isStopped) return;
      this.#ears.back();
      this.#privateWords.read(rooms);
    });
  }
}

function about(ms: number): string {
  const minutes = Math.max(1, Math.ceil(ms / 60_000));
  return `about ${minutes} minute${minutes === 1 ? '' : 's'}`;
}

function whereCommand(resolver: Resolver): AdapterCommand {
  return {
    ...{ name: 'where', usage: 'where org/room', does: 'tells which Matrix room took the place of a Gitter room', needs: 'user' },
    run: (_asked, words) => resolver.answer(words.join(' ')),
  };
}
