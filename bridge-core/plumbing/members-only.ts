// Rooms made for private channels: shared by those of ours who are in the channel by accounts of their own, invited as they come and put
// out as they go. Until it is certain that nobody else is there, be it after a start or because a channel was made private, nothing of the
// channel is shown. Begun anew after a crash: the link says what the room is to be (`membersOnly`), and what it is (`guarded`).

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import type { Channel } from '../channel.ts';
import { messageOf, PermanentError, RetryableError } from '../errors.ts';
import type { ChannelId, RemoteUserId, RoomId, UserId } from '../ids.ts';
import { type Content, recordIn, stringIn } from '../matrix-event.ts';
import type { Json, RemoteEvent } from '../remote-event.ts';
import type { PortalSettings } from '../settings.ts';
import type { KnownLogin } from '../virtual-users/logins.ts';
import { Background } from './background.ts';
import { isShut } from './closing.ts';
import { described } from './described.ts';
import { heldSince, isAfter, isForFew, isKeptBack, keepsBack, opened, type Said } from './kept-back.ts';
import type { Levels } from './levels.ts';
import { isMembersOnly, isPlaceholder, type Link, type Links, receiverOf } from './links.ts';
import { stateOf } from './power.ts';
import { powerLevels } from './room-making.ts';

export interface MembersOnlyParts<Body extends Json> {
  readonly settings: Pick<PortalSettings, 'history' | 'power'>;
  readonly homeserver: Pick<Homeserver, 'bot' | 'fullState' | 'state' | 'setState' | 'invite' | 'kick'>;
  readonly adapter: Pick<Adapter<Body>, 'channels'>;
  readonly levels: Pick<Levels, 'change'>;
  readonly links: Links;
  readonly logins: { all(): readonly KnownLogin[]; byAccount(account: RemoteUserId): KnownLogin | undefined };
  /** The bot and its ghosts. */
  readonly isOurs: (user: UserId) => boolean;
  readonly roster: { present(room: RoomId): readonly UserId[]; refresh(room: RoomId): Promise<void> };
  /** The room cannot be closed to others: nothing is shown there any more. */
  readonly shut: (link: Link, reason: string) => Promise<void>;
  /** What the network said so far stands in the link's room. */
  readonly said: (link: Link) => Promise<void>;
  readonly log: Logger;
}

type Membership = Extract<RemoteEvent, { kind: 'membership' }>;

/** ms between looks at who is in a channel, while the network has not told. */
const unknownFor = 1_000;
/** ms that what is to be shown waits for that in its place, before it is tried again as anything that cannot be shown now. */
const patience = 10_000;
/** The bot's alone. */
const botAlone = 100;

export class MembersOnly<Body extends Json = string> {
  readonly #parts: MembersOnlyParts<Body>;
  readonly #work: Background;
  /** Links of whose rooms it is certain by now that nobody is there who may not be. */
  readonly #sure = new Set<number>();
  /** Links of whose rooms it was asked in this run who is there: what was done last before it may not have been noted. */
  readonly #asked = new Set<number>();
  readonly #waiting = new Map<number, Set<() => void>>();
  /** By link: what was asked for later stands in for what still tries. */
  readonly #turns = new Map<number, number>();
  #isStopped = false;

  constructor(parts: MembersOnlyParts<Body>) {
    this.#parts = parts;
    this.#work = new Background({ atOnce: 4, log: parts.log });
    parts.links.onChange(({ link, was }) => {
      if (link === undefined) {
        this.#sure.delete(was.id);
        this.#asked.delete(was.id);
        this.#turns.delete(was.id);
      } else if (isUnfinished(link) && (was === undefined || !isUnfinished(was))) this.#doubt(link);
      // Before what was begun with it is done: that leaves it, or is undone.
      else if (was !== undefined && isMembersOnly(link) !== isMembersOnly(was)) this.#doubt(link);
      else if (isMembersOnly(link) && link.state === 'live' && was?.state !== 'live') this.#soon(link);
      if (was !== undefined && receiverOf(was) !== undefined && link?.state !== 'live') this.#lookAt(was.channel);
      this.#wake((link ?? was).id);
    });
  }

  /** At start: who is in which channel is known only once the network told. */
  resume(): void {
    for (const link of this.#parts.links.all()) if (isMembersOnly(link) || isUnfinished(link)) this.#soon(link);
  }

  /** Not to be shown in the link's room. Asked for every row; rejects where that is not known in time. */
  readonly keepsBack = (link: Link, said: Said): false | Promise<boolean> =>
    isMembersOnly(link) || keepsBack(link) || isForFew(link, said) ? this.#keeps(link.id, said) : false;

  /** Somebody came into a channel or went, by their own account: told before anything that follows is shown. */
  heard({ user, channel }: Membership): void {
    const { links, logins } = this.#parts;
    const concerned = links.byChannel(channel).filter(isMembersOnly);
    if (concerned.length > 0 && logins.byAccount(user.id) !== undefined) for (const link of concerned) this.#doubt(link);
  }

  /** Who is in the channel was found out anew. */
  read(channel: ChannelId): void {
    this.#lookAt(channel);
  }

  /** Somebody has a login there, or has none any more. */
  loginsChanged(network: string): void {
    for (const link of this.#parts.links.all())
      if (isMembersOnly(link) && described(this.#parts.adapter.channels, link.channel).network?.id === network) this.#doubt(link);
  }

  /** The room of this channel that is theirs too, where there is one; undefined where they are not in the channel. */
  of(user: UserId, channel: ChannelId): Link | undefined {
    const link = this.#parts.links.liveOn(channel).find(isMembersOnly);
    return link !== undefined && this.#parts.adapter.channels.isIn?.(channel, user) === true ? link : undefined;
  }

  /** At their own wish, though they turned it down before. */
  async bring(link: Link, user: UserId): Promise<void> {
    await this.#invite(link.room, user);
    await this.#notePeople(link.id, [...peopleIn(this.#parts.links.get(link.id)), user]);
    // They may have gone from the channel meanwhile.
    this.#soon(link);
  }

  settled(): Promise<void> {
    return this.#work.idle();
  }

  stop(): void {
    this.#isStopped = true;
    this.#work.stop();
    for (const id of [...this.#waiting.keys()]) this.#wake(id);
  }

  async #keeps(id: number, said: Said): Promise<boolean> {
    const until = Date.now() + patience;
    for (;;) {
      const may = this.#mayShow(id, said);
      if (may !== undefined) return !may;
      if (this.#isStopped || Date.now() >= until || !(await this.#changed(id, until - Date.now()))) throw notKnown();
    }
  }

  #mayShow(id: number, said: Said): boolean | undefined {
    const link = this.#parts.links.get(id);
    if (link === undefined) return true;
    if (isKeptBack(link, said)) return false;
    const since = heldSince(link);
    const isTheirs = isForFew(link, said);
    if (since !== undefined && (isTheirs || isAfter(said, since))) return isShut(link) && link.state !== 'live' ? false : undefined;
    // What came before it was made private was for all who are in the room; where it always was, nothing ever was.
    if (!isMembersOnly(link)) return !isTheirs;
    if (isGuarded(link) && this.#sure.has(id)) return true;
    return isShut(link) ? false : undefined;
  }

  /** False: nothing did in time. */
  async #changed(id: number, within: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const goOn = () => resolve(true);
    const waiting = (this.#waiting.get(id) ?? new Set()).add(goOn);
    this.#waiting.set(id, waiting);
    const timer = setTimeout(() => resolve(false), within).unref();
    const isTold = await promise;
    clearTimeout(timer);
    waiting.delete(goOn);
    return isTold;
  }

  #wake(id: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    for (const goOn of waiting) goOn();
  }

  #lookAt(channel: ChannelId): void {
    for (const link of this.#parts.links.byChannel(channel)) if (isMembersOnly(link)) this.#soon(link);
  }

  /** Nothing is shown before it was looked at. */
  #doubt(link: Link): void {
    this.#sure.delete(link.id);
    this.#soon(link);
  }

  #soon({ id }: Link): void {
    const turn = (this.#turns.get(id) ?? 0) + 1;
    this.#turns.set(id, turn);
    this.#work.run(String(id), async () => {
      if (this.#turns.get(id) === turn) await this.#look(id, turn);
    });
  }

  async #look(id: number, turn: number): Promise<void> {
    const link = this.#parts.links.get(id);
    if (link === undefined || isPlaceholder(link.room)) return;
    const isFresh = !isGuarded(link);
    try {
      if (!isMembersOnly(link)) return isUnfinished(link) ? await this.#open(link) : undefined;
      if (isFresh) await this.#close(link);
      else if (link.state === 'live' && !this.#asked.has(id)) await this.#parts.roster.refresh(link.room);
      if (isFresh || link.state === 'live') this.#asked.add(id);
      await this.#compare(link, isFresh, turn);
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      this.#parts.log.warn({ room: link.room, why: messageOf(thrown) }, 'a room could not be closed to others, or opened');
      await this.#parts.shut(link, 'The channel is private, and this room cannot be kept to its people');
    }
  }

  /** `isFresh`: who is in the room was just asked for. Otherwise what events told of it may be late. */
  async #compare({ id, room, channel, state }: Link, isFresh: boolean, turn: number): Promise<void> {
    const { links, roster, isOurs } = this.#parts;
    const { members, unknown } = this.#standing(channel);
    const present = roster.present(room).filter((user) => !isOurs(user));
    if (present.some((user) => unknown.has(user))) throw notKnown();
    const people = new Set(peopleIn(links.get(id)));
    for (const user of new Set([...present, ...people])) {
      if (members.has(user) || unknown.has(user)) continue;
      await this.#putOut(room, user);
      // Who comes back, to the channel or with a login, is asked in again.
      people.delete(user);
    }
    await this.#notePeople(id, people);
    // Not before: until then what the channel is called is told to nobody there.
    if (isFresh && links.get(id) !== undefined) await links.setOptions(id, (now) => (isMembersOnly(now) ? { guarded: true } : {}));
    // Somebody may have gone meanwhile: that is looked at next.
    if (this.#turns.get(id) === turn) this.#sure.add(id);
    this.#wake(id);
    if (state !== 'live') return;
    for (const user of members) {
      // Who has a room of their own of it needs no second one; who left or turned it down is not asked twice.
      if (people.has(user) || this.#hasOwn(user, channel)) continue;
      if (!isFresh || !present.includes(user)) await this.#invite(room, user);
      people.add(user);
    }
    await this.#notePeople(id, people);
    if (unknown.size > 0) throw notKnown();
  }

  /** Of those who have a login there: who is in the channel, and of whom it is not known. */
  #standing(channel: ChannelId): { readonly members: ReadonlySet<UserId>; readonly unknown: ReadonlySet<UserId> } {
    const { adapter, logins } = this.#parts;
    const { id } = adapter.channels.describe(channel).network;
    const [members, unknown] = [new Set<UserId>(), new Set<UserId>()];
    for (const { user, network, state } of logins.all()) {
      if (network !== id || state !== 'live') continue;
      const isIn = adapter.channels.isIn?.(channel, user);
      if (isIn !== false) (isIn === true ? members : unknown).add(user);
    }
    return { members, unknown };
  }

  #hasOwn(user: UserId, channel: ChannelId): boolean {
    return this.#parts.links.byChannel(channel).some((link) => receiverOf(link) === user && link.state !== 'suspended');
  }

  async #isThere(room: RoomId, user: UserId): Promise<boolean> {
    const membership = stringIn(await this.#parts.homeserver.state(room, 'm.room.member', user), 'membership');
    return membership === 'join' || membership === 'invite';
  }

  /** Unless they are there. */
  async #invite(room: RoomId, user: UserId): Promise<void> {
    const { homeserver, log } = this.#parts;
    if (await this.#isThere(room, user)) return;
    await homeserver.invite(homeserver.bot, room, user).catch((thrown) => {
      if (!(thrown instanceof PermanentError)) throw thrown;
      log.info({ room, user, why: thrown.message }, 'not invited to the room of a private channel');
    });
  }

  async #putOut(room: RoomId, user: UserId): Promise<void> {
    const { homeserver } = this.#parts;
    await homeserver.kick(homeserver.bot, room, user, 'not in the channel by an account of their own').catch(async (thrown) => {
      // Who is out already need not be put out.
      if (!(thrown instanceof PermanentError) || (await this.#isThere(room, user))) throw thrown;
    });
  }

  async #notePeople(id: number, people: Iterable<UserId>): Promise<void> {
    const { links } = this.#parts;
    const link = links.get(id);
    const now = [...new Set(people)].sort();
    if (link !== undefined && JSON.stringify(now) !== JSON.stringify(peopleIn(link))) await links.setOptions(id, { people: now });
  }

  /** The door first: who comes in while the rest is done is seen by who looks afterwards. */
  async #close({ id, room }: Link): Promise<void> {
    const { links, roster } = this.#parts;
    // Whatever becomes of it, a door that may be shut is opened again where it is for all by then.
    await links.setOptions(id, (now) => (isMembersOnly(now) ? { guarded: false } : {}));
    await this.#rule(room, { ...closed }, (levels) => ({
      ...{ ...levels, invite: botAlone },
      events: { ...recordIn(levels, 'events'), 'm.room.join_rules': botAlone },
    }));
    await roster.refresh(room);
  }

  /** What was said while it was closed stays with those who were there; what cannot be shown to them first is nobody's. */
  async #open(link: Link): Promise<void> {
    const { id, room } = link;
    const { links, settings, said, homeserver } = this.#parts;
    await said(link);
    // Where the homeserver is away, so is everybody: then it still waits.
    await homeserver.state(room, 'm.room.join_rules', '');
    if (links.get(id) === undefined) return;
    // It may be for its people again by now.
    if (isMembersOnly(await links.setOptions(id, opened))) return;
    const rules = { 'm.room.history_visibility': { history_visibility: settings.history }, 'm.room.join_rules': { join_rule: 'public' } };
    await this.#rule(room, rules, (levels) => {
      const { 'm.room.join_rules': _, ...events } = recordIn(levels, 'events') ?? {};
      return { ...levels, invite: settings.power.invite, events };
    });
    if (links.get(id) !== undefined)
      await links.setOptions(id, (now) => (isMembersOnly(now) ? {} : { guarded: undefined, people: undefined }));
  }

  async #rule(room: RoomId, wanted: Readonly<Record<string, Content>>, levelled: (levels: Content) => Content): Promise<void> {
    const { homeserver, levels } = this.#parts;
    const state = await homeserver.fullState(room);
    const set = async (type: string, content: Content) => {
      const now = stateOf(state, type)?.content;
      if (JSON.stringify(now) !== JSON.stringify(content)) await homeserver.setState(homeserver.bot, room, type, '', content);
    };
    for (const [type, content] of Object.entries(wanted)) await set(type, content);
    await levels.change(room, (now) => levelled(now ?? {}));
  }
}

/** What a room made for a private channel begins as. */
export function membersOnlyRoom({ name, topic }: Channel, { power }: Pick<PortalSettings, 'power'>): Content {
  const levels = powerLevels(botAlone, power.state);
  return {
    preset: 'private_chat',
    visibility: 'private',
    name,
    ...(topic !== undefined && topic !== '' && { topic }),
    initial_state: Object.entries(closed).map(([type, content]) => ({ type, state_key: '', content })),
    power_level_content_override: { ...levels, events: { ...recordIn(levels, 'events'), 'm.room.join_rules': botAlone } },
  };
}

const closed: Readonly<Record<string, Content>> = {
  'm.room.join_rules': { join_rule: 'invite' },
  'm.room.guest_access': { guest_access: 'forbidden' },
  'm.room.history_visibility': { history_visibility: 'invited' },
};

const isGuarded = ({ options }: Link): boolean => options.guarded === true;
const isUnfinished = (link: Link): boolean =>
  !isPlaceholder(link.room) && (isMembersOnly(link) ? !isGuarded(link) : link.options.guarded !== undefined);
const notKnown = () => new RetryableError('NETWORK_LOGIN', 'the network has not told yet who is in the channel', { after: unknownFor });

function peopleIn(link: Link | undefined): readonly UserId[] {
  const people = link?.options.people;
  return Array.isArray(people) ? (people as UserId[]) : [];
}
