// What is listened to, and by which way: each room by the realtime channel of one account, or while that is away by its streams; chats of
// two by the channel of whoever of ours is in them. Who listens where is ears.ts' to say.

import { type ChannelId, type Inbox, type Logger, messageOf, PermanentError } from '#bridge-core';
import type { Account } from './account.ts';
import type { Bans } from './bans.ts';
import type { GitterBody } from './body.ts';
import { membershipOf } from './events.ts';
import { Fallback, type Heard } from './fallback.ts';
import type { Gaps } from './gaps.ts';
import { onePage } from './history.ts';
import { network as networkId } from './ids.ts';
import { type Intake, placeOf } from './intake.ts';
import { MissedTopics } from './missed-topics.ts';
import type { GitterNetwork } from './network.ts';
import type { Presences } from './presence.ts';
import type { Present } from './present.ts';
import type { Ask, Room } from './rooms.ts';
import type { GitterSettings } from './settings.ts';
import type { GitterTiming } from './timing.ts';
import { remoteUserOf } from './users.ts';
import type { FayeLine, FayeListener } from './wire/faye.ts';
import { hasId, isRecord, messagesIn, roomIn, type WireChange, type WireMessage, type WireRoom, type WireUser } from './wire/objects.ts';

export interface HearingParts {
  readonly network: GitterNetwork;
  readonly settings: GitterSettings;
  readonly timing: GitterTiming;
  readonly intake: Intake;
  readonly gaps: Gaps;
  readonly bans: Bans;
  readonly presences: Presences;
  readonly present: Present;
  readonly inbox: Inbox<GitterBody>;
  readonly log: Logger;
  /** Somebody of ours came into a room or went, as its channel tells. */
  readonly seen: (account: Account, room: Room, isIn: boolean) => void;
  /** Nobody listens there any more who is to: time to go in anew. */
  readonly deaf: (channel: ChannelId) => void;
}

const nobody: ReadonlySet<string> = new Set();

const path = (room: string, what: string): string => `/api/v1/rooms/${room}${what}`;
const kinds = ['/chatMessages', '/users', ''] as const;

/** Of larger rooms the list of members is not read again after each loss: that takes a call for each hundred. */
const mostCompared = 500;

/** ms that a watch waits for its subscription. */
const standsWithin = 3_000;

/** Of one account's chats so many are heard by streams, those of the last words: each is a connection. */
const mostStreamed = 50;

interface Watched extends Heard {
  readonly line: FayeLine | undefined;
  /** It is not for this account to hear, unless it goes in. */
  isRefused: boolean;
}

export class Hearing {
  readonly #parts: HearingParts;
  readonly #watched = new Map<string, Watched>();
  /** Chats of two, and whose eyes see them. */
  readonly #chats = new Map<string, Set<Account>>();
  readonly #fallback: Fallback | undefined;
  readonly #topics: MissedTopics;
  /** Comings and goings, by room. */
  readonly #moves = new Map<string, Promise<void>>();
  #isClosed = false;

  constructor(parts: HearingParts) {
    this.#parts = parts;
    const { settings, timing, intake, inbox } = parts;
    this.#topics = new MissedTopics({
      ...{ rooms: parts.network.rooms, present: parts.present, log: parts.log },
      heard: () => this.rooms,
      tell: (room, topic) => this.#tellTopic(room, topic),
    });
    const { streamUrl } = settings;
    if (streamUrl === undefined) return;
    this.#fallback = new Fallback({
      ...{ streamUrl, timing },
      onMessage: (room, message) => intake.stream(room, message),
      onUp: (room) => this.#fill(room),
      onRefused: ({ room, account }, reason) => {
        if (this.#isBot(account)) inbox.suspended(room.channel, reason);
      },
      changed: () => this.#tell(),
    });
  }

  /** Those that the relay account listens to. */
  get rooms(): Room[] {
    return [...this.#watched.values()].filter(({ account }) => this.#isBot(account)).map(({ room }) => room);
  }

  /** Gitter is there: the way in is opened. */
  start(): void {
    this.#parts.network.bot.open();
    this.lineChanged();
  }

  /** False: it is not for this account to hear, unless it goes in first; then it is to be watched anew. */
  async watch(room: Room, account: Account): Promise<boolean> {
    if (this.#isClosed || this.#isHeardBy(room.id, account)) return true;
    this.unwatch(room.id);
    this.#watched.set(room.id, { room, account, line: account.line, isRefused: false });
    const stands = this.#listen(room, account);
    this.lineChanged();
    if (this.#isBot(account)) this.#parts.bans.lookSoon(room);
    if (account.line?.isUp !== true) return true;
    return await Promise.race([stands, new Promise<true>((resolve) => setTimeout(resolve, standsWithin, true).unref())]);
  }

  unwatch(id: string): void {
    const watched = this.#watched.get(id);
    this.#watched.delete(id);
    this.#parts.presences.missed(id);
    this.#stream();
    for (const kind of kinds) watched?.line?.unsubscribe(path(id, kind));
  }

  /** A channel of an account's stands or fell, or a room came to be watched. */
  lineChanged(): void {
    this.#stream();
    this.#tell();
  }

  #stream(): void {
    if (!this.#isClosed) this.#fallback?.keep(this.#parts.network.isReachable ? this.#unheard() : []);
  }

  /** Whatever is to be heard and whose listener's channel is away. */
  #unheard(): Heard[] {
    const { network, gaps } = this.#parts;
    const isAway = ({ line }: Account) => line === undefined || line.isAway;
    const rooms = [...this.#watched.values()].filter(({ account }) => isAway(account));
    const chats = new Map<Account, Heard[]>();
    for (const [id, eyes] of this.#chats) {
      const room = network.rooms.byId(id);
      const [account] = eyes;
      if (room === undefined || account === undefined || ![...eyes].every(isAway)) continue;
      chats.set(account, [...(chats.get(account) ?? []), { room, account }]);
    }
    const latest = [...chats.values()].map((of) =>
      of.sort((one, other) => gaps.heardAt(other.room.channel) - gaps.heardAt(one.room.channel)).slice(0, mostStreamed),
    );
    return [...rooms, ...latest.flat()];
  }

  #tell(): void {
    const { network } = this.#parts;
    if (this.#isClosed) return;
    const isLineUp = network.bot.line?.isUp === true;
    const ofBot = [...this.#watched.values()].filter(({ account }) => this.#isBot(account));
    const areStreamed = this.#fallback !== undefined && ofBot.every(({ room }) => this.#fallback?.stands(room.id));
    network.hearing(isLineUp || areStreamed, isLineUp ? undefined : 'the realtime channel is away');
  }

  /** A chat of two is there. */
  opened(account: Account, told: WireRoom): Room {
    const { network, gaps } = this.#parts;
    const room = network.rooms.keep(told);
    if (told.user !== undefined) network.users.keep(told.user);
    const eyes = this.#chats.get(room.id) ?? new Set();
    this.#chats.set(room.id, eyes);
    if (eyes.has(account)) return room;
    eyes.add(account);
    void gaps.beginChat(account.id, room).catch((thrown) => this.#failed(room, thrown));
    account.listen(path(room.id, '/chatMessages'), this.#messages(room));
    this.#stream();
    return room;
  }

  closeFor(account: Account): void {
    for (const [room, eyes] of this.#chats) {
      eyes.delete(account);
      if (eyes.size === 0) this.#chats.delete(room);
    }
    this.#stream();
  }

  /** Whether what is said there comes back to us. */
  isHeard(room: string): boolean {
    const channel = path(room, '/chatMessages');
    if (this.#watched.get(room)?.account.line?.isOpen(channel) === true || this.#fallback?.stands(room) === true) return true;
    for (const { line } of this.#chats.get(room) ?? []) if (line?.isOpen(channel) === true) return true;
    return false;
  }

  /** Nothing of it is on its way that must be read first. */
  isInStep(room: string): boolean {
    const isThere = this.#watched.get(room)?.line?.stands(path(room, '/chatMessages')) === true || this.#fallback?.stands(room) === true;
    return isThere && !this.#parts.gaps.isBehind(room);
  }

  /** Of a chat of two. */
  eyesOf(room: string): ReadonlySet<Account> | undefined {
    return this.#chats.get(room);
  }

  /** Whoever listens there. */
  earOf(room: string): Account | undefined {
    const [first] = this.#chats.get(room) ?? [];
    return first ?? this.#watched.get(room)?.account;
  }

  /** Gitter no longer tells them of the room: back at once, they are to listen anew. */
  left(room: string, account: Account): void {
    const watched = this.#watched.get(room);
    if (watched?.account === account) watched.isRefused = true;
  }

  /** Somebody of ours came or went, by their own account. Gitter tells that they are gone, not why. */
  tellMove({ id: room, channel }: { readonly id: string; readonly channel: ChannelId }, id: string, isIn: boolean): Promise<void> {
    const { network, intake, inbox } = this.#parts;
    return this.#inTurn(room, async () => {
      const known = network.rooms.byId(room);
      if (!isIn && known !== undefined && (await this.#banned(known)).has(id)) return;
      const event = membershipOf(network.users.person(id), isIn ? 'join' : 'leave', { channel, project: undefined }, Date.now());
      await (known === undefined ? inbox.receive(event) : intake.tell(known, event));
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#topics.stop();
    this.#fallback?.keep([]);
    this.#watched.clear();
    this.#chats.clear();
  }

  /** It may have come by another token since. */
  #isHeardBy(room: string, account: Account): boolean {
    const watched = this.#watched.get(room);
    return watched?.account === account && watched.line === account.line && !watched.isRefused;
  }

  #isBot(account: Account): boolean {
    return account === this.#parts.network.bot;
  }

  #listen(room: Room, account: Account): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const changes = Promise.withResolvers<void>();
    account.listen(path(room.id, '/chatMessages'), this.#messages(room, resolve));
    account.listen(path(room.id, '/users'), {
      onData: (data) => {
        this.#inTurn(room.id, () => this.#people(room, data)).catch((thrown) => this.#failed(room, thrown));
      },
      onMissed: () => {
        if ((this.#parts.network.rooms.byId(room.id)?.members ?? 0) <= mostCompared) this.#parts.inbox.members?.(room.channel);
      },
    });
    let stood = false;
    const missed = () => {
      this.#parts.presences.missed(room.id);
      if (stood && this.#isBot(account)) this.#topics.look();
    };
    account.listen(path(room.id, ''), {
      onData: (data) => void this.#changed(room, data).catch((thrown) => this.#failed(room, thrown)),
      onMissed: missed,
      onOpen: () => {
        changes.resolve();
        missed();
        stood = true;
      },
      onRefused: () => changes.resolve(),
    });
    // A new topic is told once, to who listens by then.
    return promise.then(async (stands) => {
      if (stands) await changes.promise;
      return stands;
    });
  }

  #messages(room: Room, stands: (isIt: boolean) => void = () => {}): FayeListener {
    const { intake } = this.#parts;
    let stood = false;
    return {
      ext: { snapshot: { limit: onePage, includeThreads: true } },
      onData: (data) => intake.hear(room, data),
      onOpen: (snapshot) => {
        stood = true;
        stands(true);
        this.#fill(room, messagesIn(snapshot));
      },
      onRefused: (reason) => {
        const watched = this.#watched.get(room.id);
        if (watched !== undefined) watched.isRefused = true;
        stands(false);
        this.#parts.log.warn({ room: room.uri ?? room.id, why: reason }, 'Gitter does not let the room be listened to');
        if (watched !== undefined && stood) this.#goneUnheard(watched);
      },
    };
  }

  /** It was listened to until Gitter forgot us: they are out of it by now, of which nobody told. */
  #goneUnheard({ room, account }: Watched): void {
    const { network, present } = this.#parts;
    if (this.#isBot(account)) present.note(room.id, false);
    this.#parts.deaf((network.rooms.byId(room.id) ?? room).channel);
  }

  /** As whoever listens there by then. */
  #fill(room: Room, newest: readonly WireMessage[] = []): void {
    const ask: Ask = (call) => {
      const ear = this.earOf(room.id);
      return ear?.ask(call) ?? Promise.reject(new PermanentError('NETWORK_LOGIN', 'nobody of ours listens to the room any more'));
    };
    void this.#parts.gaps.fill(room, ask, this.earOf(room.id)?.id ?? '', newest);
  }

  /** One after the other: who went is looked for among the banned, and may be back before that is known. */
  #inTurn(room: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#moves.get(room) ?? Promise.resolve()).catch(() => {}).then(work);
    this.#moves.set(room, turn);
    const over = () => {
      if (this.#moves.get(room) === turn) this.#moves.delete(room);
    };
    turn.then(over, over);
    return turn;
  }

  async #people(room: Room, data: unknown): Promise<void> {
    const { operation, model } = isRecord(data) ? (data as WireChange) : {};
    if (!hasId(model)) return;
    const { network, intake } = this.#parts;
    const isIn = operation === 'create';
    if (!isIn && operation !== 'remove') return;
    if (isIn) network.users.keep(model as WireUser);
    if (model.id === network.bot.id) return isIn ? undefined : await this.#putOut(room);
    const ours = network.accounts.get(model.id);
    if (ours !== undefined) return this.#parts.seen(ours, network.rooms.byId(room.id) ?? room, isIn);
    const place = placeOf(network.rooms.byId(room.id) ?? room);
    if (isIn) await intake.tell(room, membershipOf(remoteUserOf(model as WireUser), 'join', place, Date.now()));
    else if (!(await this.#banned(room)).has(model.id))
      await intake.tell(room, membershipOf(network.users.person(model.id), 'leave', place, Date.now()));
  }

  /** Those who are newly on the list; only where the relay account is, which is whom it is shown to. */
  async #banned(room: Room): Promise<ReadonlySet<string>> {
    const watched = this.#watched.get(room.id);
    return watched !== undefined && this.#isBot(watched.account) ? await this.#parts.bans.look(room) : nobody;
  }

  /** Gitter no longer tells it of the room: it is listened to anew once it is in again; where it may not be, the room is lost. */
  async #putOut(room: Room): Promise<void> {
    const { present, network } = this.#parts;
    const { bot } = network;
    present.note(room.id, false);
    const watched = this.#watched.get(room.id);
    if (watched?.account !== bot) return;
    const isWatched = () => this.#watched.get(room.id) === watched;
    const takeBack = () => {
      for (const kind of kinds) watched.line?.unsubscribe(path(room.id, kind));
    };
    try {
      await present.enter(room, bot.ask);
      if (!isWatched()) return;
      takeBack();
      // Not waited for: taken back before it is answered, it never is, and whoever comes or goes later waits for its turn.
      void this.#listen(room, bot);
    } catch (thrown) {
      if (thrown instanceof PermanentError) {
        this.#parts.inbox.suspended(room.channel, `the relay account was put out of the room, and may not come back: ${thrown.message}`);
        return;
      }
      if (!isWatched()) return;
      takeBack();
      watched.isRefused = true;
      this.#parts.deaf((network.rooms.byId(room.id) ?? room).channel);
    }
  }

  async #changed(room: Room, data: unknown): Promise<void> {
    const { operation, model, notification } = isRecord(data) ? (data as WireChange) : {};
    if (notification === 'presence') return this.#parts.presences.heard(room, data);
    if (!hasId(model)) return;
    const { network, inbox } = this.#parts;
    if (operation === 'remove') return inbox.suspended(room.channel, 'the room was deleted in Gitter');
    const told = roomIn(model as WireRoom);
    const now = network.rooms.keep(told);
    // Where something else changed, what is known of the topic may be the one that a call of ours is just replacing.
    if (told.topic !== undefined && network.rooms.noteTopic(now.id, told.topic)) await this.#tellTopic(now, told.topic);
  }

  #tellTopic(room: Room, topic: string): Promise<void> {
    return this.#parts.intake.tell(room, { kind: 'channel', channel: room.channel, at: Date.now(), topic });
  }

  #failed(room: Room, thrown: unknown): void {
    this.#parts.log.warn(
      { network: networkId, room: room.uri ?? room.id, why: messageOf(thrown) },
      'what Gitter told could not be taken in',
    );
  }
}
