// Rooms made for channels when somebody joins their alias: the settings and the channel are asked, then the link is written as
// `wanted`, the room made, and plumb ties the two as it does any others, claim and all. Those of private channels have no alias and are
// in no list; who comes into them is members-only.ts'. Chats of a few people are chats.ts'.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import type { Channel } from '../channel.ts';
import { BridgeError, messageOf, PermanentError, RetryableError } from '../errors.ts';
import type { ChannelId, RoomId } from '../ids.ts';
import type { Content } from '../matrix-event.ts';
import type { Json } from '../remote-event.ts';
import type { PortalSettings } from '../settings.ts';
import type { Fields, Names } from '../virtual-users/names.ts';
import { Background } from './background.ts';
import { isShut } from './closing.ts';
import {
  isChat,
  isMembersOnly,
  isPersonal,
  isPlaceholder,
  type Link,
  type LinkOptions,
  type Links,
  placeholderOf,
  receiverOf,
} from './links.ts';
import { membersOnlyRoom } from './members-only.ts';
import type { Plumb } from './plumb.ts';
import { whyNoPortal } from './portal-rules.ts';
import { stateOf } from './power.ts';
import { givePower, powerLevels, type RoomMaking } from './room-making.ts';

export interface PortalsParts<Body extends Json> {
  readonly settings: PortalSettings;
  readonly homeserver: Pick<
    Homeserver,
    'bot' | 'fullState' | 'setState' | 'setAlias' | 'removeAlias' | 'resolveAlias' | 'setListed' | 'leave'
  >;
  readonly adapter: Pick<Adapter<Body>, 'channels' | 'lookups' | 'status'>;
  readonly links: Links;
  readonly names: Pick<Names, 'aliasOf' | 'fieldsOfAlias'>;
  readonly plumb: Pick<Plumb<Body>, 'approach' | 'link' | 'openings'>;
  readonly making: RoomMaking;
  readonly log: Logger;
}

const moderator = 50;
/** New rooms; more are refused for now. */
const mostAMinute = 60;
/** Spellings of one channel that may lead into its room. */
const mostAliases = 20;

export class Portals<Body extends Json = string> {
  readonly #parts: PortalsParts<Body>;
  readonly #flights = new Map<ChannelId, Promise<Link>>();
  /** Begun, and tried again in the background. */
  readonly #awaited = new Set<ChannelId>();
  #begun: number[] = [];
  readonly #work: Background;

  constructor(parts: PortalsParts<Body>) {
    this.#parts = parts;
    this.#work = new Background({ atOnce: 4, log: parts.log });
    parts.links.onChange(({ link, was }) => {
      if (was === undefined || !isPortal(was) || isPlaceholder(was.room)) return;
      if (link === undefined) this.#work.run(`room ${was.room}`, () => this.#withdraw(was));
      else if (was.room !== link.room) this.#work.run(`link ${link.id}`, () => this.#follow(link.id, was.room));
      else if (isMembersOnly(was) !== isMembersOnly(link)) this.#work.run(`link ${link.id}`, () => this.#publish(link.id));
      else if (isShut(was) !== isShut(link)) this.#work.run(`link ${link.id}`, () => this.#pointAll(link.id));
    });
  }

  /** Is there (now) a room of this alias? Made, if it may be; true only once alias and link stand. */
  async open(alias: string): Promise<boolean> {
    const { settings, names, adapter, log } = this.#parts;
    const fields = settings.aliases ? names.fieldsOfAlias(alias) : undefined;
    const found = fields === undefined ? undefined : adapter.lookups?.channel(fields);
    if (found === undefined) return false;
    try {
      const channel = await this.#allowed(found.id);
      if (channel === undefined) return false;
      const link = await this.#live(channel);
      return link !== undefined && (await this.#lead(alias, link));
    } catch (thrown) {
      if (!(thrown instanceof BridgeError)) throw thrown;
      log.warn({ alias, code: thrown.code, why: thrown.message }, 'no room was made for an alias');
      // The alias may stand already, and then nobody asks us again.
      if (thrown instanceof RetryableError) this.#later(found.id);
      return false;
    }
  }

  /** A room of the channel though nobody asked for one; undefined where it may have none. `options` are those of a new link. */
  async make(id: ChannelId, options: LinkOptions, mayBePrivate = false): Promise<Link | undefined> {
    const channel = await this.#allowed(id, mayBePrivate);
    if (channel === undefined) return undefined;
    return await this.#live(channel, { ...options, ...(channel.kind === 'private' && { membersOnly: true }) });
  }

  /** The alias under which a room of the channel would be made, for look-ups; undefined where none would. */
  async aliasFor(channel: ChannelId): Promise<string | undefined> {
    if (!this.#parts.settings.aliases || (await this.#allowed(channel)) === undefined) return undefined;
    return this.#aliasOf(channel);
  }

  /** At start: what was begun is brought to an end. */
  resume(): void {
    for (const link of this.#parts.links.all())
      if (isPortal(link) && link.state === 'wanted') this.#later(link.channel);
      else if (isPortal(link) && isLedInto(link) !== aliasesOf(link).length > 0)
        this.#work.run(`link ${link.id}`, () => this.#publish(link.id));
  }

  settled(): Promise<void> {
    return this.#work.idle();
  }

  stop(): void {
    this.#work.stop();
  }

  /** The channel, if a room may be made for it. A private one is nothing to who asks. */
  async #allowed(id: ChannelId, mayBePrivate = false): Promise<Channel | undefined> {
    const { adapter, settings, links, log } = this.#parts;
    const channel = await adapter.channels.resolve(id);
    const why = channel === undefined ? 'there is none' : whyNoPortal(channel, settings, { mayBePrivate });
    if (why !== undefined) log.info({ channel: id, why }, 'no room for this channel');
    const isElsewhere = links.byChannel(id).some((link) => link.origin !== 'portal' && link.state !== 'suspended');
    if (why !== undefined || (isElsewhere && !settings.besideLinks)) return undefined;
    return channel;
  }

  async #live(channel: Channel, unasked?: LinkOptions): Promise<Link | undefined> {
    const { links } = this.#parts;
    const known = links.byChannel(channel.id).find((link) => link.origin === 'portal' && receiverOf(link) === undefined);
    // To who asks by an alias a private one is not there, whatever the channel was until now.
    if (known !== undefined && (isChat(known) || (isMembersOnly(known) && unasked === undefined))) return undefined;
    if (known?.state === 'live') return known;
    if (known?.state === 'suspended') return undefined;
    return await this.#flight(channel.id, unasked);
  }

  /** One for each channel, however many ask. */
  #flight(channel: ChannelId, unasked?: LinkOptions): Promise<Link> {
    let flight = this.#flights.get(channel);
    if (flight === undefined) {
      flight = this.#establish(channel, unasked).finally(() => this.#flights.delete(channel));
      this.#flights.set(channel, flight);
    }
    return flight;
  }

  async #establish(channel: ChannelId, unasked?: LinkOptions): Promise<Link> {
    const { links, plumb, adapter, settings } = this.#parts;
    const described = adapter.channels.describe(channel);
    const isUp = adapter.status().some(({ network, state }) => network === described.network.id && state === 'up');
    const known = links.byChannel(channel).find(isPortal);
    if (!isUp) throw new RetryableError('NETWORK_UNREACHABLE', `${described.network.name} is not connected`);
    const isForAll = !isMembersOnly(known ?? { options: { ...unasked } });
    const alias = isForAll ? this.#aliasOf(channel) : undefined;
    const options = { ...unasked, ...(alias !== undefined && { aliases: [alias] }) };
    const wanted = { room: placeholderOf(channel), channel, origin: 'portal', state: 'wanted', options } as const;
    if (known === undefined && unasked === undefined) this.#mayBegin();
    const link = known ?? (await links.add(wanted));
    try {
      const live = await plumb.openings.during(channel, async () => {
        // Nobody is led into a room whose channel does not let us in.
        await plumb.approach(link);
        const placed = isPlaceholder(link.room) ? await this.#place(link, alias) : link;
        await this.#giveModeratorsPower(placed.room);
        // By itself: a homeserver that lists nothing must not stop the room from being made.
        if (settings.directory && isForAll) await this.#list(placed.room, true);
        return await plumb.link({ room: placed.room, channel, origin: 'portal' });
      });
      // It may have become one for few meanwhile, and was listed and led into since.
      const now = links.get(live.id) ?? live;
      if (!isLedInto(now) && aliasesOf(now).length > 0) this.#work.run(`link ${now.id}`, () => this.#publish(now.id));
      return live;
    } catch (thrown) {
      if (!(thrown instanceof RetryableError)) await this.#giveUp(link.id);
      throw thrown;
    }
  }

  /** Anybody of any homeserver may ask for aliases, and each room costs. */
  #mayBegin(): void {
    const now = Date.now();
    this.#begun = this.#begun.filter((at) => now - at < 60_000);
    if (this.#begun.length >= mostAMinute) throw new PermanentError('HOMESERVER_BUSY', 'too many rooms were asked for at once');
    this.#begun.push(now);
  }

  async #place(link: Link, alias: string | undefined): Promise<Link> {
    const { links, making } = this.#parts;
    const room = await (alias === undefined
      ? making.make(link.channel, membersOnlyRoom(this.#parts.adapter.channels.describe(link.channel), this.#parts.settings))
      : this.#make(link.channel, alias));
    const placed = await links.set(link.id, { room, ...(alias === undefined && { options: { guarded: true } }) });
    await making.isStored(link.channel);
    return placed;
  }

  /** Its alias is given to it once it is whole: who came by it to a room half made, as homeservers make them where they are told the
   *  alias before, would be turned away. */
  async #make(channel: ChannelId, alias: string): Promise<RoomId> {
    const made = await this.#parts.making.make(channel, this.#roomFor(channel));
    try {
      return await this.#named(made, alias);
    } catch (thrown) {
      if (thrown instanceof PermanentError) await this.#leave(made);
      throw thrown;
    }
  }

  async #named(made: RoomId, alias: string): Promise<RoomId> {
    const { homeserver, links } = this.#parts;
    const there = (await homeserver.setAlias(alias, made)) ? made : await homeserver.resolveAlias(alias);
    if (there !== made) {
      // The alias is ours alone: what it leads to is a room of ours that was left behind, or nothing that we know.
      if (there !== undefined && links.byRoom(there).length === 0 && (await this.#isOurs(there))) {
        await this.#leave(made);
        return there;
      }
      await homeserver.removeAlias(alias);
      await homeserver.setAlias(alias, made);
    }
    await homeserver.setState(homeserver.bot, made, 'm.room.canonical_alias', '', { alias });
    return made;
  }

  async #isOurs(room: RoomId): Promise<boolean> {
    try {
      const create = stateOf(await this.#parts.homeserver.fullState(room), 'm.room.create');
      return create?.sender === this.#parts.homeserver.bot;
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      return false;
    }
  }

  #roomFor(channel: ChannelId): Content {
    const { adapter, settings } = this.#parts;
    const { name, topic, kind } = adapter.channels.describe(channel);
    // Since it was allowed.
    if (kind === 'private') throw new PermanentError('CHANNEL_CLOSED', `${channel} was made private meanwhile`);
    return {
      preset: 'public_chat',
      name,
      ...(topic !== undefined && topic !== '' && { topic }),
      initial_state: [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility: settings.history } }],
      power_level_content_override: powerLevels(settings.power.invite, settings.power.state),
    };
  }

  async #giveModeratorsPower(room: RoomId): Promise<void> {
    const { settings, homeserver } = this.#parts;
    if (settings.moderators.length > 0)
      await givePower(homeserver, room, Object.fromEntries(settings.moderators.map((user) => [user, moderator])));
  }

  /** Another spelling may lead into the same room. */
  async #lead(alias: string, link: Link): Promise<boolean> {
    const { links } = this.#parts;
    const now = links.get(link.id);
    if (now === undefined || !isLedInto(now)) return false;
    const aliases = aliasesOf(now);
    if (aliases.length >= mostAliases) return aliases.includes(alias);
    await this.#pointTo(now.room, alias);
    const then = aliases.includes(alias) ? links.get(now.id) : await links.setOptions(now.id, { aliases: [...aliases, alias] });
    if (then !== undefined && isLedInto(then)) return true;
    // It is for few by now.
    this.#work.run(`link ${now.id}`, () => this.#publish(now.id));
    return false;
  }

  async #pointTo(room: RoomId, alias: string): Promise<void> {
    const { homeserver } = this.#parts;
    if ((await homeserver.setAlias(alias, room)) || (await homeserver.resolveAlias(alias)) === room) return;
    await homeserver.removeAlias(alias);
    await homeserver.setAlias(alias, room);
  }

  /** The room was replaced by another. */
  async #follow(id: number, from: RoomId): Promise<void> {
    const { links, settings } = this.#parts;
    const link = links.get(id);
    if (link === undefined) return;
    await this.#pointAll(id);
    if (!settings.directory || isMembersOnly(link)) return;
    await this.#list(from, false);
    await this.#list(link.room, true);
  }

  /** For all from now on, or for few. */
  async #publish(id: number): Promise<void> {
    const { links, settings } = this.#parts;
    const link = links.get(id);
    if (link === undefined || isPlaceholder(link.room)) return;
    if (isLedInto(link) && aliasesOf(link).length === 0) await links.setOptions(id, { aliases: [this.#aliasOf(link.channel)] });
    await this.#pointAll(id);
    if (settings.directory && (link.options.still !== true || !isLedInto(link))) await this.#list(link.room, isLedInto(link));
  }

  /** Nobody is led into a room of a channel that only some may see now. */
  async #pointAll(id: number): Promise<void> {
    const { links, homeserver } = this.#parts;
    const link = links.get(id);
    for (const alias of link === undefined ? [] : aliasesOf(link))
      if (link !== undefined && isLedInto(link)) await this.#pointTo(link.room, alias);
      else await homeserver.removeAlias(alias);
  }

  /** The link is gone: nobody is to be led into the room any more. */
  async #withdraw(was: Link): Promise<void> {
    const { homeserver, settings, links } = this.#parts;
    const isNew = (alias: string) => links.byChannel(was.channel).some((link) => aliasesOf(link).includes(alias));
    for (const alias of aliasesOf(was)) if (!isNew(alias)) await homeserver.removeAlias(alias);
    if (settings.directory && !isMembersOnly(was)) await this.#list(was.room, false);
  }

  async #list(room: RoomId, isListed: boolean): Promise<void> {
    try {
      await this.#parts.homeserver.setListed(room, isListed);
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      this.#parts.log.warn({ room, why: thrown.message }, 'the room directory was not changed');
    }
  }

  async #giveUp(id: number): Promise<void> {
    const { links } = this.#parts;
    const link = links.get(id);
    if (link === undefined || link.state === 'live') return;
    await links.remove(id);
    if (!isPlaceholder(link.room)) await this.#leave(link.room);
  }

  /** It is of no use. */
  async #leave(room: RoomId): Promise<void> {
    const { homeserver, log } = this.#parts;
    await homeserver.leave(homeserver.bot, room, 'the channel cannot be carried here').catch((thrown) => {
      log.info({ room, why: messageOf(thrown) }, 'a room of no use was not left');
    });
  }

  #later(channel: ChannelId): void {
    if (this.#awaited.has(channel)) return;
    this.#awaited.add(channel);
    this.#work.run(`channel ${channel}`, async () => {
      try {
        if (this.#parts.links.byChannel(channel).some((link) => isPortal(link) && link.state === 'wanted')) await this.#flight(channel);
      } catch (thrown) {
        if (thrown instanceof RetryableError || !(thrown instanceof BridgeError)) throw thrown;
        this.#parts.log.warn({ channel, code: thrown.code, why: thrown.message }, 'no room was made for a channel');
      }
      this.#awaited.delete(channel);
    });
  }

  #aliasOf(channel: ChannelId): string {
    return this.#parts.names.aliasOf(this.#fieldsOf(channel));
  }

  #fieldsOf(channel: ChannelId): Fields {
    const own = this.#parts.adapter.lookups?.fieldsOf?.(channel);
    if (own !== undefined) return own;
    const { network, id } = this.#parts.adapter.channels.describe(channel);
    return { network: network.id, channel: id.slice(id.indexOf('/') + 1) };
  }
}

const isPortal = (link: Link): boolean => link.origin === 'portal' && !isPersonal(link);
const isLedInto = (link: Link): boolean => !isShut(link) && !isMembersOnly(link);

function aliasesOf(link: Link): readonly string[] {
  const { aliases } = link.options;
  return Array.isArray(aliases) ? aliases.filter((alias) => typeof alias === 'string') : [];
}
