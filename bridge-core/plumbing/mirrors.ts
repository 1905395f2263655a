// Whole networks kept in step, where the adapter's settings say so: each of their channels has a room, people's names are followed
// though they do not speak. All of it in the background, in its own pace, and found again after a restart by looking at what is
// there. Makes no room itself (portals.ts), closes none (closing.ts) and lets nobody in or out (members-only.ts).

import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Channel } from '../channel.ts';
import { BridgeError, messageOf, RetryableError } from '../errors.ts';
import type { ChannelId } from '../ids.ts';
import { isRecord } from '../matrix-event.ts';
import type { Mirror, MirroredChannel, MirroredNetwork, Unmirrored } from '../mirror.ts';
import type { Json, RemoteEvent, RemoteUser } from '../remote-event.ts';
import type { Notes } from '../store/store.ts';
import type { Ghosts } from '../virtual-users/ghosts.ts';
import { Background } from './background.ts';
import { type Closing, isMissedBy, isShut } from './closing.ts';
import { type Currency, Doubts, forAll, forFew, heldFrom, heldSince, heldUntil, type Mark } from './kept-back.ts';
import { isMembersOnly, isPersonal, isShutOut, type Link, type Links } from './links.ts';
import type { Portals } from './portals.ts';

type Change = Extract<RemoteEvent, { kind: 'channel' }>;

export interface MirrorsParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'mirror' | 'channels' | 'status'>;
  readonly links: Links;
  readonly portals: Pick<Portals<Body>, 'make'>;
  readonly closing: Pick<Closing, 'shut' | 'hide' | 'reopen'>;
  /** Of all that was taken in; in a unit of the store. */
  readonly mark: () => Mark;
  readonly ghosts: Pick<Ghosts, 'introduce' | 'isCurrent'>;
  readonly notes: Notes;
  /** Ghosts that are new, or called otherwise now. */
  readonly perSecond: number;
  /** As if the network had told it now. */
  readonly take: (event: Change) => Promise<void>;
  readonly count: (name: string, labels: Readonly<Record<string, string>>, by?: number) => void;
  readonly log: Logger;
}

/** ms: what was read so lately is not read again because a connection was lost. */
const freshFor = 10 * 60_000;
/** ms between looks at everything, for what nobody told. */
const every = 24 * 3_600_000;
const longestPause = 60_000;

interface Course {
  /** Of the last whole look; 0: none yet in this run. */
  lookedAt: number;
  /** Those that are to have a room. */
  channels: ReadonlySet<ChannelId>;
  people: number;
  isLooking: boolean;
}

export class Mirrors<Body extends Json = string> {
  readonly #parts: MirrorsParts<Body>;
  readonly #work: Background;
  readonly #courses = new Map<string, Course>();
  /** Channels that wait for their room, whether as private ones, and those that can have none. */
  readonly #wanted = new Map<ChannelId, boolean>();
  readonly #refused = new Map<ChannelId, string>();
  readonly #doubts = new Doubts();
  readonly #end = new AbortController();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #isMaking = false;

  constructor(parts: MirrorsParts<Body>) {
    this.#parts = parts;
    this.#work = new Background({ atOnce: 2, log: parts.log });
    parts.links.onChange(({ link, was }) => {
      if (link !== undefined && was !== undefined && isMissedBy(link, was)) this.changed(link.channel, heldSince(link) !== undefined);
      if (link === undefined && isMirrored(was) && was.state === 'suspended' && was.options.gone !== true) this.#leave(was);
    });
  }

  connected(network: string): void {
    // Nothing else looks at what was shut.
    if (this.#wishOf(network)?.channels !== true) for (const link of this.#heldOn(network, true)) this.changed(link.channel);
    if (this.#wishOf(network) === undefined) return;
    const course = this.#courseOf(network);
    if (!course.isLooking && Date.now() - course.lookedAt >= freshFor) this.#look(network);
  }

  /** The adapter tells of a channel, linked or not. One that is private now tells nothing more before it was looked at. */
  changed(id: ChannelId, isPrivate = false): void {
    if (isPrivate) this.#doubts.raise(id);
    const held = isPrivate && this.#mirror !== undefined ? this.#portalsOf(id).map((link) => this.#hold(link)) : [];
    this.#work.run(id, async () => {
      await Promise.all(held);
      await this.#again(id);
    });
  }

  /** Something of a channel is shown already: the next look need not tell it. */
  heard(event: RemoteEvent<Body>): void {
    if (event.kind === 'channel') for (const link of this.#parts.links.byChannel(event.channel)) this.#noteSoon(link, event);
    else if (event.kind === 'profile') this.#meet(event.user, event.channel);
  }

  /** For admins: how far each network is. */
  progress(): string[] {
    return [...this.#courses].map(([network, { channels, people, isLooking }]) => {
      const hasRoom = (id: ChannelId) => this.#parts.links.byChannel(id).some((link) => link.state === 'live' && !isPersonal(link));
      const rooms = [...channels].filter(hasRoom).length;
      const refused = [...this.#refused.keys()].filter((id) => this.#networkOf(id).id === network).length;
      const waiting = [...this.#wanted.keys()].filter((id) => this.#networkOf(id).id === network).length;
      const more = [
        ...(waiting > 0 ? [`${waiting} to come`] : []),
        ...(refused > 0 ? [`${refused} refused`] : []),
        ...(people > 0 ? [`${people} people seen`] : []),
        ...(isLooking ? ['still looking'] : []),
      ];
      const name = this.#parts.adapter.status().find((status) => status.network === network)?.name ?? network;
      return [`${name} as a whole: rooms for ${rooms} of ${channels.size} channels`, ...more].join(', ');
    });
  }

  settled(): Promise<void> {
    return this.#work.idle();
  }

  stop(): void {
    this.#end.abort();
    this.#work.stop();
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  get #mirror(): Mirror | undefined {
    return this.#parts.adapter.mirror;
  }

  #wishOf(network: string): MirroredNetwork | undefined {
    return this.#mirror?.networks().find(({ id }) => id === network);
  }

  get #isOver(): boolean {
    return this.#end.signal.aborted;
  }

  #courseOf(network: string): Course {
    let course = this.#courses.get(network);
    if (course === undefined) {
      course = { lookedAt: 0, channels: new Set(), people: 0, isLooking: false };
      this.#courses.set(network, course);
    }
    return course;
  }

  #look(network: string): void {
    this.#courseOf(network).isLooking = true;
    this.#work.run(network, () => this.#lookAtAll(network));
  }

  async #lookAtAll(network: string): Promise<void> {
    const course = this.#courseOf(network);
    const wanted = this.#wishOf(network);
    // No longer: should it be again, it is looked at anew.
    course.isLooking = wanted !== undefined;
    if (wanted === undefined) return;
    try {
      if (wanted.channels) await this.#lookAtChannels(network, course);
      if (wanted.people !== 'off') await this.#lookAtPeople(network, wanted.people === 'all', course);
    } catch (thrown) {
      if (thrown instanceof RetryableError) throw thrown;
      this.#parts.log.warn({ network, why: messageOf(thrown) }, 'a whole network could not be looked at');
    }
    if (this.#isOver) return;
    course.isLooking = false;
    course.lookedAt = Date.now();
    this.#parts.log.info({ network, channels: course.channels.size, people: course.people }, 'looked at a whole network');
    clearTimeout(this.#timers.get(network));
    this.#timers.set(network, setTimeout(() => this.#look(network), every).unref());
  }

  async #lookAtChannels(network: string, course: Course): Promise<void> {
    const seen = new Set<ChannelId>();
    this.#refused.clear();
    const isOfNow = this.#doubts.sinceNow();
    for await (const found of this.#mirror?.channels(network) ?? []) {
      if (this.#isOver) return;
      seen.add(found.channel.id);
      await this.#follow(found, isOfNow);
    }
    course.channels = seen;
    for (const link of this.#parts.links.all())
      if (isMirrored(link) && !seen.has(link.channel) && this.#networkOf(link.channel).id === network) await this.#again(link.channel);
    for (const link of this.#heldOn(network)) await this.#again(link.channel);
  }

  async #lookAtPeople(network: string, isForAll: boolean, course: Course): Promise<void> {
    const { notes } = this.#parts;
    const note = `mirror:${network} people`;
    const before = notes.get(note);
    course.people = 0;
    const pages = this.#mirror?.people(network, typeof before === 'string' ? before : undefined);
    for await (const { people, next } of pages ?? []) {
      for (const person of people) {
        if (this.#isOver) return;
        await this.#introduce(person, isForAll);
      }
      course.people += people.length;
      await notes.set(note, next);
    }
  }

  async #introduce(person: RemoteUser, isForAll: boolean): Promise<void> {
    const { ghosts, perSecond } = this.#parts;
    const isCurrent = ghosts.isCurrent(person);
    if (isCurrent === true || (isCurrent === undefined && !isForAll)) return;
    await ghosts.introduce(person);
    await this.#pause(1_000 / perSecond);
  }

  /** Somebody new, where everybody has a ghost. */
  #meet(person: RemoteUser, channel: ChannelId): void {
    if (this.#wishOf(this.#networkOf(channel).id)?.people === 'all') this.#work.run(person.id, () => this.#introduce(person, true));
  }

  async #again(id: ChannelId): Promise<void> {
    const network = this.#networkOf(id).id;
    const isFollowed = this.#wishOf(network)?.channels === true;
    const portals = this.#portalsOf(id);
    const course = isFollowed ? this.#courseOf(network) : undefined;
    if (!isFollowed && portals.length === 0) return;
    const isOfNow = this.#doubts.sinceNow();
    const found = await this.#mirror?.channel(id);
    // Otherwise the next look stands in line already.
    if (found === undefined || !isOfNow(id)) return;
    if (!isUnmirrored(found)) {
      if (course === undefined) {
        for (const link of portals) await this.#open(link, isOfNow);
        return;
      }
      course.channels = new Set([...course.channels, id]);
      return await this.#follow(found, isOfNow);
    }
    this.#wanted.delete(id);
    if (course !== undefined) course.channels = new Set([...course.channels].filter((other) => other !== id));
    // Put out of a private one the bridge may be let in again. What a hidden one is called by now is not for who is in the room.
    for (const link of portals)
      if (isMembersOnly(link) && (isShutOut(link) || found.why === 'shut-out')) await this.#release(link, isOfNow);
      else if (found.why !== 'excluded' && !isMembersOnly(link))
        await this.#parts.closing.hide(link, 'The channel is private now, or gone');
      // The settings leave out what nobody asked for.
      else if (isMirrored(link) || isMembersOnly(link)) await this.#parts.closing.shut(link, 'The channel is not to have a room any more');
      else await this.#release(link, isOfNow);
  }

  async #open(link: Link, isOfNow: Currency): Promise<void> {
    if (isShut(link)) await this.#parts.closing.reopen(link, () => isOfNow(link.channel));
    else await this.#release(link, isOfNow);
  }

  async #follow({ channel, isArchived }: MirroredChannel, isOfNow: Currency): Promise<void> {
    const { links, mark } = this.#parts;
    const all = links.byChannel(channel.id);
    const portals = this.#portalsOf(channel.id);
    const isPrivate = channel.kind === 'private';
    for (const link of portals) {
      // Who may be in it before anything goes on.
      if (isMembersOnly(link) !== isPrivate)
        await links.setOptions(link.id, (now) => (isPrivate ? forFew(now, mark()) : isOfNow(channel.id) ? forAll(now, mark()) : {}));
      await this.#open(link, isOfNow);
    }
    if (!isOfNow(channel.id)) return;
    // Nothing that was not shown before is told as news of now.
    for (const link of all) if (link.options.shown === undefined) await this.#note(link, channel);
    // As they stand by now: one that was shut hears what it missed.
    const now = links.byChannel(channel.id);
    if (now.some((link) => link.state === 'live')) await this.#tellNews(channel, isArchived, now);
    // A room that people brought is as good as one of ours.
    const hasRoom = portals.length > 0 || all.some((link) => !isPersonal(link) && link.state !== 'suspended');
    if (!hasRoom && !isArchived && this.#parts.notes.get(leftNote(channel.id)) === undefined) this.#want(channel.id, isPrivate);
  }

  async #hold({ id, channel }: Link): Promise<void> {
    const { links, mark, log } = this.#parts;
    await links
      .setOptions(id, (link) => (isMembersOnly(link) ? {} : heldFrom(link, mark())))
      .catch((thrown) => log.error({ channel, why: messageOf(thrown) }, 'a channel that is private now was not held'));
  }

  async #release({ id }: Link, isOfNow: Currency): Promise<void> {
    const { links, mark } = this.#parts;
    const link = links.get(id);
    if (link !== undefined && heldSince(link) !== undefined)
      await links.setOptions(id, (now) => (isOfNow(now.channel) ? heldUntil(now, mark()) : {}));
  }

  #heldOn(network: string, isShutToo = false): Link[] {
    return this.#parts.links
      .all()
      .filter((link) => heldSince(link) !== undefined && (isShutToo || !isShut(link)) && this.#networkOf(link.channel).id === network);
  }

  async #tellNews(channel: Channel, isArchived: boolean, links: readonly Link[]): Promise<void> {
    const now = shownOf(channel);
    const isOther = (what: 'name' | 'topic') => links.some(({ options }) => isRecord(options.shown) && options.shown[what] !== now[what]);
    const isToClose = links.some(({ options, state }) => state === 'live' && (options.archived === true) !== isArchived);
    const news = {
      ...(isOther('name') && { name: channel.name }),
      ...(isOther('topic') && { topic: channel.topic ?? '' }),
      ...(isToClose && { archived: isArchived }),
    };
    if (Object.keys(news).length === 0) return;
    const isPrivate = channel.kind === 'private' && { isPrivate: true as const };
    await this.#parts.take({ kind: 'channel', at: Date.now(), channel: channel.id, ...isPrivate, ...news });
    for (const link of links) await this.#note(link, channel);
  }

  /** Somebody ended it: it is not begun again by itself. */
  #leave({ channel }: Link): void {
    const { notes, log } = this.#parts;
    notes
      .set(leftNote(channel), true)
      .catch((thrown) => log.warn({ channel, why: messageOf(thrown) }, 'that a room was given up was not noted'));
  }

  #noteSoon(link: Link, { name, topic }: Change): void {
    if (!isRecord(link.options.shown) || (name === undefined && topic === undefined)) return;
    const shown = {
      ...link.options.shown,
      ...(name !== undefined && { name: short(name) }),
      ...(topic !== undefined && { topic: short(topic) }),
    };
    this.#parts.links
      .setOptions(link.id, { shown })
      .catch((thrown) => this.#parts.log.info({ why: messageOf(thrown) }, 'a name was not noted'));
  }

  async #note({ id }: Link, channel: Channel): Promise<void> {
    if (this.#parts.links.get(id) !== undefined) await this.#parts.links.setOptions(id, { shown: shownOf(channel) });
  }

  #want(id: ChannelId, isPrivate: boolean): void {
    this.#wanted.set(id, isPrivate);
    if (!this.#isMaking) void this.#makeRooms();
  }

  /** One after the other: neither network nor homeserver is to feel it. */
  async #makeRooms(): Promise<void> {
    this.#isMaking = true;
    let tries = 0;
    // What is put back comes round again.
    for (const [id, isPrivate] of this.#wanted) {
      if (this.#isOver) return;
      this.#wanted.delete(id);
      const after = await this.#makeRoom(id, isPrivate);
      tries = after === undefined ? 0 : tries + 1;
      const { roomsPerMinute = 1 } = this.#wishOf(this.#networkOf(id).id) ?? {};
      await this.#pause(Math.max(60_000 / roomsPerMinute, after ?? 0, tries > 0 ? Math.min(longestPause, 500 * 2 ** tries) : 0));
    }
    this.#isMaking = false;
  }

  /** How long to wait, where it is to be tried again. */
  async #makeRoom(id: ChannelId, isPrivate: boolean): Promise<number | undefined> {
    const { portals, links, log, count } = this.#parts;
    const network = this.#networkOf(id).id;
    try {
      const link = await portals.make(id, { mirrored: true }, isPrivate);
      if (link === undefined) return void this.#refused.set(id, 'not allowed');
      await links.setOptions(link.id, { shown: shownOf(this.#parts.adapter.channels.describe(id)) });
      count('mirrored_rooms', { network, outcome: 'made' });
    } catch (thrown) {
      if (thrown instanceof RetryableError) {
        this.#wanted.set(id, isPrivate);
        return thrown.after ?? 0;
      }
      if (!(thrown instanceof BridgeError)) log.error({ channel: id, err: thrown }, 'no room was made for a channel');
      else log.warn({ channel: id, code: thrown.code, why: thrown.message }, 'no room was made for a channel');
      this.#refused.set(id, messageOf(thrown));
      this.#mirror?.refused?.(id);
      count('mirrored_rooms', { network, outcome: 'refused' });
    }
    return undefined;
  }

  #portalsOf(id: ChannelId): Link[] {
    return this.#parts.links.byChannel(id).filter((link) => link.origin === 'portal' && !isPersonal(link));
  }

  #networkOf(id: ChannelId): Channel['network'] {
    return this.#parts.adapter.channels.describe(id).network;
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#end.signal, ref: false }).catch(() => undefined);
  }
}

const leftNote = (channel: ChannelId): string => `mirror:left ${channel}`;
const isMirrored = ({ options }: Link): boolean => options.mirrored === true;
const isUnmirrored = (found: MirroredChannel | Unmirrored): found is Unmirrored => 'why' in found;

/** What the channel's rooms were told last: enough to know whether it is another. */
const shownOf = ({ name, topic = '' }: Channel) => ({ name: short(name), topic: short(topic) });
const short = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 12);
