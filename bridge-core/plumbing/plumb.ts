// Ties an existing room to a channel and unties it: checks in order, then claim. Who may ask for it is control's. Links that
// were live carry on at once after a start; what has changed in their rooms meanwhile is looked at in the background.

import type { Adapter, ConfiguredLink } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { BridgeError, DeniedError, type ErrorCode, messageOf, PermanentError, RetryableError } from '../errors.ts';
import type { ChannelId, RoomId, UserId } from '../ids.ts';
import type { MatrixEvent } from '../matrix-event.ts';
import type { Json } from '../remote-event.ts';
import { Background } from './background.ts';
import type { BridgeInfo } from './bridge-info.ts';
import { calledIn, described } from './described.ts';
import {
  formerChannels,
  formerRooms,
  isInherited,
  isPrivate,
  isShutOut,
  type Link,
  type LinkOptions,
  type Links,
  receiverOf,
} from './links.ts';
import { Listening } from './listening.ts';
import type { LoopGuard } from './loop-guard.ts';
import { Openings } from './openings.ts';
import { isEncrypted } from './power.ts';
import { closedBy } from './upgrades.ts';

type Network<Body extends Json> = Pick<Adapter<Body>, 'watch' | 'unwatch' | 'configuredLinks' | 'channels'>;

export interface Wish {
  readonly room: RoomId;
  readonly channel: ChannelId;
  readonly origin: Link['origin'];
  readonly requester?: UserId;
  readonly options?: LinkOptions;
  /** The event that asks for it: asked again after a crash, the same wish finds itself granted. */
  readonly cause?: string;
}

/** So long a command waits for the bot to be in the channel; a link from config goes live meanwhile. */
const watchMs = { command: 30_000, config: 3_000, portal: 30_000 } as const;

/** What the config may say of a link, and change. */
const said = ['topic', 'name', 'names'] as const;

const tellable: ReadonlySet<ErrorCode> = new Set(['ROOM_ENCRYPTED', 'ROOM_CLOSED', 'LINK_HELD']);

export class Plumb<Body extends Json = string> {
  readonly #homeserver: Pick<Homeserver, 'bot' | 'join' | 'fullState'>;
  readonly #adapter: Network<Body>;
  readonly #links: Links;
  readonly #guard: LoopGuard;
  readonly #info: BridgeInfo;
  readonly #tell: (room: RoomId, text: string) => void;
  readonly #letIn: (room: RoomId) => Promise<boolean>;
  readonly #log: Logger;
  readonly #work: Background;
  /** Slow: they must not stand in the way of messages after a start. */
  readonly #checks: Background;
  readonly #listening: Listening<Body>;
  readonly #suspending = new Map<number, Promise<void>>();
  /** What is heard of a channel waits for those of its links that are about to go live. */
  readonly openings = new Openings();

  constructor(given: {
    homeserver: Pick<Homeserver, 'bot' | 'join' | 'fullState'>;
    adapter: Network<Body>;
    links: Links;
    guard: LoopGuard;
    info: BridgeInfo;
    tell: (room: RoomId, text: string) => void;
    /** A room that another bridge made, and that we may not enter by ourselves: true once somebody asked us in. */
    letIn?: (room: RoomId) => Promise<boolean>;
    log: Logger;
  }) {
    this.#homeserver = given.homeserver;
    this.#letIn = given.letIn ?? (async () => false);
    this.#adapter = given.adapter;
    this.#links = given.links;
    this.#guard = given.guard;
    this.#info = given.info;
    this.#tell = given.tell;
    this.#log = given.log;
    this.#work = new Background({ atOnce: 16, log: given.log });
    this.#checks = new Background({ atOnce: 2, log: given.log });
    this.#listening = new Listening(given);
  }

  /** Live when it resolves. What it rejects with says why not, and then nothing is left of it. */
  async link(wish: Wish): Promise<Link> {
    const { name } = described(this.#adapter.channels, wish.channel);
    const known = this.#links.find(wish.room, wish.channel);
    if (known?.state === 'live') {
      if (wish.cause !== undefined && known.options.cause === wish.cause) return known;
      throw new DeniedError(`${name} is linked to this room already`, 'LINK_EXISTS');
    }
    const elsewhere = this.#links.byChannel(wish.channel).find((link) => link.room !== wish.room && receiverOf(link) === undefined);
    if (wish.origin === 'command' && known === undefined && elsewhere !== undefined)
      throw new DeniedError(
        `${name} is linked to another room already${isPrivate(elsewhere) ? '' : ` (${elsewhere.room})`}; a second one needs the config`,
        'LINK_EXISTS',
      );
    const state = await this.#look(wish.room);
    const { cause, ...fresh } = wish;
    const options = { ...wish.options, ...(cause !== undefined && { cause }) };
    const link = known === undefined ? await this.#links.add({ ...fresh, options }) : await this.#links.setOptions(known.id, options);
    try {
      return await this.#establish(link, state);
    } catch (thrown) {
      const isOlder = known !== undefined && known.options.cause !== cause;
      if (isOlder) await this.#links.setState(link.id, 'suspended', messageOf(thrown));
      else if (wish.origin !== 'config' && (wish.origin === 'command' || known === undefined)) await this.#drop(link);
      throw thrown;
    }
  }

  async unlink(link: Link, why: string): Promise<void> {
    if (this.#links.get(link.id) === undefined) return;
    const stopped = await this.#links.setState(link.id, 'suspended', why);
    await this.#guard.release(stopped);
    await this.#info.withdraw(stopped);
    await this.#drop(stopped);
  }

  /** At start and after a reload: what the store and the config say is brought about. Returns at once. */
  resume(): void {
    const configured = this.#adapter.configuredLinks();
    const isConfigured = (link: Link) => configured.some((wanted) => isMeant(wanted, link));
    for (const link of this.#links.all()) {
      if (link.state === 'live') this.#listening.keep(link);
      if (link.origin === 'config' && !isConfigured(link)) this.#do(link, () => this.unlink(link, 'no longer in the config'));
    }
    for (const wanted of configured) {
      const link = this.#meantBy(wanted);
      if (link === undefined) this.#work.run(`${wanted.room} ${wanted.channel}`, () => this.#linkFromConfig(wanted));
      else if (link.origin === 'config' && said.some((what) => link.options[what] !== wanted[what]))
        this.#do(link, async () => {
          await this.#links.setOptions(link.id, Object.fromEntries(said.map((what) => [what, wanted[what]])));
        });
    }
    for (const link of this.#links.all()) {
      if (link.origin === 'config' && !isConfigured(link)) continue;
      if (link.state === 'live') this.#checks.run(String(link.id), () => this.#check(link.id));
      else if (link.state === 'pending' || link.origin === 'config') this.#do(link, () => this.#retry(link.id));
    }
  }

  /** Something in the room changed that may have stood in the way: the bot was let in, or given power. */
  reconsider(room: RoomId): void {
    for (const link of this.#links.byRoom(room)) {
      const isWaiting = link.state === 'pending' || link.origin === 'config' || link.options.removed === true;
      if (link.state === 'live') this.#do(link, () => this.#check(link.id));
      else if (isWaiting) this.#do(link, () => this.#retry(link.id));
    }
  }

  /** The network is there: what it is called may have come to be known only now. */
  introduced(network: string): void {
    this.#show(this.#links.all().filter(({ channel }) => described(this.#adapter.channels, channel).network?.id === network));
  }

  /** It is called otherwise from now on. */
  called(channel: ChannelId): void {
    this.#show(this.#links.byChannel(channel));
  }

  #show(links: readonly Link[]): void {
    for (const link of links) if (link.state === 'live') this.#do(link, () => this.#info.publish(this.#links.get(link.id) ?? link));
  }

  /** The bot is out of the room: nothing can be carried until it is let in again. */
  async removed(room: RoomId, reason: string): Promise<void> {
    for (const link of this.#links.byRoom(room))
      if (link.state !== 'suspended') await this.#links.set(link.id, { state: 'suspended', reason, options: { removed: true } });
      else if (link.options.shut === true) await this.#links.setOptions(link.id, { removed: true });
  }

  /** Is this room one that the config wants linked? Then an invitation there is the operator's wish. */
  isConfigured(room: RoomId): boolean {
    return (
      this.#adapter.configuredLinks().some((link) => link.room === room) ||
      this.#links.byRoom(room).some((link) => link.origin === 'config')
    );
  }

  /** The links of the room, or all of a channel, carry nothing until somebody links them again; the rooms hear why. */
  async suspend(links: readonly Link[], reason: string, notice?: string, options?: LinkOptions): Promise<void> {
    for (const { id, room } of links) {
      // A network may say it in several words, one right after the other; and a link that is gone since keeps no other from it.
      const link = this.#links.get(id);
      if (link === undefined || link.state === 'suspended' || this.#suspending.has(id)) continue;
      const suspending = this.#links.setAll([[id, { state: 'suspended', reason, ...(options !== undefined && { options }) }]]);
      this.#suspending.set(id, suspending);
      await suspending.finally(() => this.#suspending.delete(id));
      if (notice !== undefined && this.#links.get(id) !== undefined) this.#tell(room, notice);
    }
  }

  /** The channel does not let us in any more. */
  shutOut(links: readonly Link[], reason: string, notice: string): Promise<void> {
    return this.suspend(links, reason, notice, { shutOut: true });
  }

  /** It does again. */
  async readmitted(channel: ChannelId): Promise<void> {
    for (const { id } of this.#links.byChannel(channel)) {
      await this.#suspending.get(id);
      const link = this.#links.get(id);
      if (link?.state === 'suspended' && (isShutOut(link) || (link.origin === 'config' && receiverOf(link) === undefined)))
        this.#do(link, () => this.#retry(id));
    }
  }

  /** Resolves once nothing is left to do in the background; what waits to be tried again counts as left. */
  async settled(): Promise<void> {
    await Promise.all([this.#work, this.#checks, this.#listening].map((each) => each.idle()));
  }

  stop(): void {
    this.openings.stop();
    for (const each of [this.#work, this.#checks, this.#listening]) each.stop();
  }

  /** The room's state, after going in where we are not. */
  async #look(room: RoomId): Promise<MatrixEvent[]> {
    let state: MatrixEvent[];
    try {
      state = await this.#homeserver.fullState(room);
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      const { bot } = this.#homeserver;
      try {
        await this.#homeserver.join(bot, room).catch(async (refused: unknown) => {
          if (!(refused instanceof PermanentError) || !(await this.#letIn(room))) throw refused;
          await this.#homeserver.join(bot, room);
        });
      } catch (refused) {
        if (!(refused instanceof PermanentError)) throw refused;
        throw new DeniedError(`the bot may not enter ${room}: invite ${bot} first (${messageOf(refused)})`, 'FORBIDDEN_IN_ROOM');
      }
      state = await this.#homeserver.fullState(room);
    }
    if (isEncrypted(state)) throw new DeniedError(`${room} is encrypted, so the bridge cannot read it`, 'ROOM_ENCRYPTED');
    return state;
  }

  /** Claim, approach the channel, confirm: from `pending` to `live`. A live link of a closed room is for the upgrade to move. */
  async #establish(link: Link, state: readonly MatrixEvent[]): Promise<Link> {
    const closed = closedBy(state);
    if (closed !== undefined) throw new DeniedError(closed, 'ROOM_CLOSED');
    const lacking = this.#guard.lacking(state);
    if (lacking !== undefined && link.origin === 'command' && !isInherited(link)) throw new DeniedError(lacking, 'FORBIDDEN_IN_ROOM');
    if (lacking !== undefined) {
      await this.#refuseHeld(link, state);
      this.#warn(link, lacking);
      return await this.openings.during(link.channel, async () => {
        await this.approach(link);
        return await this.#open(link, 'none');
      });
    }
    await this.#guard.claim(link, state);
    const claimed = await this.#links.setClaim(link.id, 'pending');
    try {
      return await this.openings.during(link.channel, async () => {
        await this.approach(link);
        await this.#guard.confirm(this.#links.get(link.id) ?? link);
        return await this.#open(link, 'success');
      });
    } catch (thrown) {
      await this.#guard.release(claimed);
      await this.#links.setClaim(link.id, 'none');
      throw thrown;
    }
  }

  async #open(link: Link, claim: 'none' | 'success'): Promise<Link> {
    const options = { contested: undefined, removed: undefined, shutOut: undefined, inherited: undefined };
    const live = await this.#links.set(link.id, { state: 'live', claim, reason: undefined, options });
    this.#show([live]);
    return live;
  }

  /** A command waits until the bot is in the channel, and takes a refusal for an answer, as does a portal; a link from config
   *  goes live while the network is away. */
  async approach(link: Pick<Link, 'channel' | 'origin' | 'options'>): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      const { name } = this.#adapter.channels.describe(link.channel);
      if (link.origin === 'config') late.resolve();
      else late.reject(new PermanentError('CHANNEL_CLOSED', `the bot could not enter ${name} in time`));
    }, watchMs[link.origin]);
    try {
      await Promise.race([this.#listening.begin(link), late.promise]);
    } catch (thrown) {
      if (link.origin !== 'config' || !(thrown instanceof RetryableError)) throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  /** By the channel's id of now rather than by one that it had. */
  #meantBy(wanted: ConfiguredLink): Link | undefined {
    const meant = this.#links.all().filter((link) => isMeant(wanted, link));
    return meant.find(({ channel }) => channel === wanted.channel) ?? meant[0];
  }

  async #linkFromConfig(wanted: ConfiguredLink): Promise<void> {
    const { room, channel, way, topic, name, names } = wanted;
    // What waited for a homeserver that was away may have gone from the config meanwhile.
    if (!this.#adapter.configuredLinks().some((each) => each.room === room && each.channel === channel)) return;
    const options = { topic, name, names, ...(way !== undefined && { way }) };
    const link = this.#meantBy(wanted) ?? (await this.#links.add({ room, channel, origin: 'config', options }));
    await this.#retry(link.id);
  }

  async #retry(id: number): Promise<void> {
    const link = this.#links.get(id);
    if (link === undefined || link.state === 'live') return;
    // Whether its channel is for all again is not to be told from the room: who shut it looks.
    if (link.options.shut === true) return void (await this.#links.setOptions(id, { removed: undefined }));
    try {
      await this.#establish(link, await this.#look(link.room));
      if (isShutOut(link)) this.#tell(link.room, `The bridge is in ${this.#calledNow(link)} again: messages are carried.`);
    } catch (thrown) {
      if (thrown instanceof RetryableError || !(thrown instanceof BridgeError)) throw thrown;
      this.#log.warn({ room: link.room, channel: link.channel, code: thrown.code }, `not linked: ${thrown.message}`);
      if (link.origin !== 'config' && !isShutOut(link) && !isInherited(link)) return await this.#drop(link);
      await this.#links.setState(id, 'suspended', thrown.message);
      // Where we are in the room its people are told as well, once and not at every start.
      if (tellable.has(thrown.code) && link.reason !== thrown.message)
        this.#tell(link.room, `${this.#calledNow(link)} is not linked: ${thrown.message}.`);
    }
  }

  /** A live link after a restart, or after its room changed: is it still ours, and still readable? */
  async #check(id: number): Promise<void> {
    const link = this.#links.get(id);
    if (link === undefined || link.state !== 'live') return;
    try {
      const state = await this.#look(link.room);
      const lacking = this.#guard.lacking(state);
      await this.#refuseHeld(link, state);
      if (lacking !== undefined) this.#warn(link, lacking);
      else if (link.claim !== 'success') {
        await this.#guard.claim(link, state);
        await this.#guard.confirm(link);
        await this.#links.setClaim(id, 'success');
      } else if (!this.#guard.isConfirmed(link, state)) await this.#guard.confirm(link);
      if (isInherited(link)) await this.#links.setOptions(id, { inherited: undefined });
      await this.#info.publish(this.#links.get(id) ?? link);
    } catch (thrown) {
      if (!(thrown instanceof DeniedError)) throw thrown;
      // Another holds it: then our word on it is no longer the last one, and not ours to take back.
      const claim = thrown.code === 'LINK_HELD' ? 'none' : link.claim;
      // Where the older bridge had another bot, ours goes on as soon as it is asked in.
      const options = isInherited(link) ? { removed: true } : {};
      await this.#links.set(id, { state: 'suspended', reason: thrown.message, claim, options });
      this.#log.warn({ room: link.room, channel: link.channel, code: thrown.code }, `not carried: ${thrown.message}`);
      this.#tell(link.room, `${thrown.message}. This room is no longer linked to the channel.`);
    }
  }

  async #refuseHeld(link: Link, state: readonly MatrixEvent[]): Promise<void> {
    const held = await this.#guard.heldBy(state, link.channel);
    if (held !== undefined) throw new DeniedError(`${held.holder} holds the channel in ${link.room}`, 'LINK_HELD');
  }

  #calledNow(link: Link): string {
    return calledIn(this.#adapter.channels, this.#links.get(link.id) ?? link);
  }

  async #drop(link: Link): Promise<void> {
    await this.#links.remove(link.id);
    this.#listening.stopFor(link);
  }

  #warn(link: Link, lacking: string): void {
    this.#log.warn({ room: link.room, channel: link.channel }, `live without a claim: ${lacking}`);
  }

  #do(link: Link, work: () => Promise<void>): void {
    this.#work.run(`${link.room} ${link.channel}`, work);
  }
}

/** Rooms are replaced and channels renamed, and the config knows them as they were. */
function isMeant({ room, channel }: ConfiguredLink, link: Link): boolean {
  const isIn = room === link.room || formerRooms(link).includes(room);
  return isIn && (channel === link.channel || formerChannels(link).includes(channel));
}
