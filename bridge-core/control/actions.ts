// The verbs, each checking the asker itself and answering in a sentence or two. How they are called by chat is commands.ts'.
// Asked again after a crash, none acts twice.

import type { Adapter } from '../adapter.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import type { Channel } from '../channel.ts';
import { DeniedError, PermanentError } from '../errors.ts';
import { type ChannelId, type RemoteUserId, type RoomId, roomId, type UserId, userId } from '../ids.ts';
import type { Roster } from '../membership/roster.ts';
import { calledIn } from '../plumbing/described.ts';
import { isMembersOnly, isPrivate, type Link, type Links } from '../plumbing/links.ts';
import type { Plumb } from '../plumbing/plumb.ts';
import type { Json, RemoteUser } from '../remote-event.ts';
import type { KnownLogin } from '../virtual-users/logins.ts';
import type { Names } from '../virtual-users/names.ts';
import type { Consent } from './consent.ts';
import type { Permissions } from './permissions.ts';
import type { LinkRequest, Requests } from './requests.ts';

export interface Asked {
  readonly by: UserId;
  /** Where it was asked. */
  readonly room: RoomId;
  /** Said to the bot alone, so that the room where it is said is not the one that is meant. */
  readonly isDirect: boolean;
  /** Names the asking itself, for what must not be done twice. */
  readonly cause: string;
}

export interface ActionsParts<Body extends Json> {
  readonly adapter: Pick<
    Adapter<Body>,
    'channels' | 'configuredLinks' | 'status' | 'unheard' | 'user' | 'nick' | 'openSession' | 'lookups'
  >;
  readonly homeserver: Pick<Homeserver, 'bot' | 'resolveAlias'>;
  readonly permissions: Permissions;
  readonly plumb: Pick<Plumb<Body>, 'unlink'>;
  readonly consent: Pick<Consent<Body>, 'mayAsk' | 'link' | 'answerInRoom'>;
  readonly requests: Pick<Requests, 'byRoom'>;
  readonly logins: { all(): readonly KnownLogin[] };
  /** Of whole networks that are kept in step. */
  readonly progress: () => readonly string[];
  readonly links: Links;
  readonly roster: Roster;
  readonly names: Names;
}

export class Actions<Body extends Json = string> {
  readonly #parts: ActionsParts<Body>;

  constructor(parts: ActionsParts<Body>) {
    this.#parts = parts;
  }

  async link(asked: Asked, where: string | undefined, query: string): Promise<string> {
    const { consent } = this.#parts;
    consent.mayAsk(asked.by);
    const channel = await this.channel(asked.by, query);
    const room = await this.#room(asked, where);
    const state = await consent.link({ by: asked.by, room, channel, cause: asked.cause });
    if (state === 'asked') return `I have asked in ${channel.name}; it is linked once somebody there agrees, within a day.`;
    return `${channel.name} on ${channel.network.name} is now linked to ${room === asked.room ? 'this room' : room}.`;
  }

  async approve(asked: Asked, where: string | undefined, query: string): Promise<string> {
    const request = await this.#request(asked, where, query);
    await this.#parts.consent.answerInRoom(asked.by, request, true);
    const { name, network } = this.#parts.adapter.channels.describe(request.channel);
    return `${name} on ${network.name} is now linked to ${request.room === asked.room ? 'this room' : request.room}.`;
  }

  async refuse(asked: Asked, where: string | undefined, query: string): Promise<string> {
    const request = await this.#request(asked, where, query);
    await this.#parts.consent.answerInRoom(asked.by, request, false);
    return `${this.#parts.adapter.channels.describe(request.channel).name} is refused.`;
  }

  async unlink(asked: Asked, where: string | undefined, query: string): Promise<string> {
    this.#parts.permissions.mustBe('user', asked.by, 'unlink channels');
    const room = (where === undefined && asked.isDirect ? this.#roomOf(asked.by, query) : undefined) ?? (await this.#room(asked, where));
    const { name } = await this.unlinkFor(asked.by, room, query);
    return `${name} is no longer linked to ${room === asked.room ? 'this room' : room}.`;
  }

  /** Of the room's only link, where none is named. */
  async unlinkFor(by: UserId, room: RoomId, query: string): Promise<Channel> {
    const { permissions, plumb, links, roster } = this.#parts;
    permissions.mustBe('user', by, 'unlink channels');
    if (permissions.levelOf(by) !== 'admin') await permissions.mustRule(by, room, 'unlink it');
    // A private room is nothing to who is not in it, admin or not.
    const known = links.byRoom(room).filter((each) => !isPrivate(each) || roster.isIn(room, by));
    const link = await this.#linkOf(by, room, query, known);
    const channel = this.#describe(link);
    if (link.origin === 'config') {
      const isByCommand = this.#parts.adapter.configuredLinks().some((each) => each.byCommand === true && each.channel === link.channel);
      const where = isByCommand
        ? 'came by a command of its own, which takes it away as well'
        : 'stands in the bridge’s config: only its operator can take it out there';
      throw new DeniedError(`the link to ${channel.name} ${where}`);
    }
    await plumb.unlink(link, `asked for by ${by}`);
    return channel;
  }

  /** Of the room where it is asked; of all rooms, for the bridge's admins, where it has none, or where `words` say of which: names or ids
   *  of rooms, channels and networks, with the switches of older bridges before them or without; `-F`: of what is not carried now. */
  list(asked: Asked, words: readonly string[] = []): string {
    const { permissions, links, roster } = this.#parts;
    permissions.mustBe('user', asked.by, 'list links');
    const wanted = words.filter((word) => !word.startsWith('-')).map((word) => word.toLowerCase());
    const isOfFailed = words.some((word) => word === '-F' || word === '--failed');
    const isNarrow = wanted.length > 0 || isOfFailed;
    const here = isNarrow ? [] : links.byRoom(asked.room);
    const isAdmin = permissions.levelOf(asked.by) === 'admin';
    const isMeant = (link: Link) => {
      const { id, name, network } = this.#describe(link);
      const said = [link.room, id, name, network.id, network.name, link.state].join(' ').toLowerCase();
      return wanted.every((word) => said.includes(word)) && (!isOfFailed || link.state !== 'live');
    };
    const isKnown = (link: Link) => (isAdmin && !isPrivate(link)) || roster.isIn(link.room, asked.by);
    const shown = here.length > 0 ? here : links.all().filter((link) => isKnown(link) && (!isNarrow || isMeant(link)));
    if (shown.length === 0 && isNarrow) return 'Nothing that is linked fits that.';
    if (shown.length === 0) return isAdmin ? 'Nothing is linked.' : 'Nothing is linked in the rooms that you are in.';
    return shown.map((link) => this.#line(link, here.length === 0)).join('\n');
  }

  status(asked: Asked): string {
    const { permissions, adapter, links, logins } = this.#parts;
    permissions.mustBe('user', asked.by, 'ask for the status');
    const isAdmin = permissions.levelOf(asked.by) === 'admin';
    const lines = adapter.status().map(({ network, name = network, state, sessions, detail, note }) => {
      const more = isAdmin ? [`${sessions} session${sessions === 1 ? '' : 's'}`, ...(detail === undefined ? [] : [detail])] : [];
      const is = state === 'up' ? 'connected' : state === 'connecting' ? 'connecting' : 'not connected';
      return [`${name}: ${is}`, ...more, ...(note === undefined ? [] : [note])].join(', ');
    });
    for (const link of links.liveIn(asked.room)) {
      const why = adapter.unheard?.(link.channel);
      if (why !== undefined) lines.push(`${this.#describe(link).name}: ${why}`);
    }
    if (isAdmin) lines.push(...this.#parts.progress());
    const all = links.all();
    const suspended = all.filter(({ state }) => state === 'suspended').length;
    if (isAdmin) lines.push(`${all.length} link${all.length === 1 ? '' : 's'}${suspended > 0 ? `, ${suspended} suspended` : ''}`);
    const shown = logins.all().filter(({ user }) => isAdmin || user === asked.by);
    const refused = shown.filter(({ state }) => state !== 'live').length;
    if (shown.length > 0)
      lines.push(
        `${isAdmin ? '' : 'yours: '}${shown.length} login${shown.length === 1 ? '' : 's'}${refused > 0 ? `, ${refused} no longer taken by the network` : ''}`,
      );
    return lines.join('\n') || 'No network is configured.';
  }

  /** A name on the network, a ghost, or a Matrix person who has sessions. */
  async whois(asked: Asked, query: string): Promise<string> {
    this.#parts.permissions.mustBe('user', asked.by, 'ask who somebody is');
    if (query === '') throw new PermanentError('BAD_REQUEST', 'whom do you mean? Give a name on the network, or a Matrix id');
    const here = this.#parts.links.liveIn(asked.room).map(({ channel }) => channel);
    return query.startsWith('@') ? await this.#whoIsMatrix(userId(query), here) : await this.#whoIsRemote(query, here);
  }

  async nick(asked: Asked, words: readonly string[]): Promise<string> {
    const { permissions, adapter } = this.#parts;
    permissions.mustBe('user', asked.by, 'choose a name');
    if (adapter.nick === undefined) throw new PermanentError('UNSUPPORTED', 'names cannot be chosen on this network');
    const wanted = words.at(-1);
    if (wanted === undefined || words.length > 2)
      throw new PermanentError('BAD_REQUEST', 'give the name that you want, after the network where there are several');
    const link = this.#speaksIn(asked, words.length === 2 ? words[0] : undefined);
    const got = await adapter.nick(asked.by, link.channel, wanted);
    const { network } = this.#describe(link);
    return got === wanted ? `You are now ${got} on ${network.name}.` : `${wanted} cannot be had on ${network.name}; you are ${got}.`;
  }

  async #whoIsMatrix(user: UserId, here: readonly ChannelId[]): Promise<string> {
    const { names, adapter, links } = this.#parts;
    if (user === names.bot) return `${user} is this bridge’s bot.`;
    if (names.isGhost(user)) {
      const found = adapter.lookups?.user(names.fieldsOfGhost(user) ?? {});
      const known = found === undefined ? undefined : await adapter.user(found.id, here);
      if (known === undefined) return `${user} stands for somebody who is not on the network now.`;
      const network = this.#networkOf(known);
      return `${user} stands for ${known.name}${network === undefined ? '' : ` on ${network}`}${detailOf(known)}.`;
    }
    const selves = new Map<RemoteUserId, Promise<string>>();
    for (const link of links.all()) {
      const session = link.state === 'live' ? adapter.openSession({ as: 'user', user }, link.channel) : undefined;
      if (session === undefined || selves.has(session.self)) continue;
      const { self, name } = session;
      const called = async () => `${name ?? (await adapter.user(self))?.name ?? self} on ${this.#describe(link).network.name}`;
      selves.set(self, called());
    }
    if (selves.size === 0) return `${user} has no session on the network.`;
    return `${user} is ${(await Promise.all(selves.values())).join(' and ')}.`;
  }

  /** What the network of this person calls itself: the first of their fields that is one's id says which. */
  #networkOf({ fields }: RemoteUser): string | undefined {
    const networks = this.#parts.adapter.lookups?.networks() ?? [];
    if (networks.length === 1) return networks[0]?.name;
    return Object.values(fields).flatMap((field) => networks.filter(({ id }) => id === field))[0]?.name;
  }

  async #whoIsRemote(query: string, here: readonly ChannelId[]): Promise<string> {
    const { adapter, names } = this.#parts;
    const words = query.split(/[\s/]+/).filter((word) => word !== '');
    const networks = adapter.lookups?.networks() ?? [];
    const [typed, name = typed ?? ''] = words;
    const network = words.length === 2 ? networks.find((each) => isNetwork(each, typed)) : networks.length === 1 ? networks[0] : undefined;
    if (network === undefined) {
      const all = networks.map((each) => (each.id === each.name ? each.id : `${each.id} (${each.name})`)).join(', ');
      throw new PermanentError('BAD_REQUEST', `on which network? Give one of ${all} before the name`);
    }
    const { id, domain } = network;
    const asked = Object.fromEntries((adapter.lookups?.userFields ?? []).map((field) => [field, field === 'domain' ? domain : name]));
    const found = adapter.lookups?.user({ ...asked, network: id });
    const known = found === undefined ? undefined : await adapter.user(found.id, here);
    if (known === undefined) return `There is nobody called ${name} on ${network.name}.`;
    return `${known.name} on ${network.name} is ${names.ghostOf(known)} in Matrix${detailOf(known)}.`;
  }

  /** A link through which the asker speaks: of the room where they ask, or of any room that they are in. */
  #speaksIn(asked: Asked, network: string | undefined): Link {
    const { links, roster } = this.#parts;
    const isMeant = (link: Link) => network === undefined || isNetwork(this.#describe(link).network, network);
    const here = links.liveIn(asked.room);
    const near = here.length > 0 ? here : links.all().filter((link) => link.state === 'live' && roster.isIn(link.room, asked.by));
    const meant = near.filter(isMeant);
    if (new Set(meant.map((link) => this.#describe(link).network.id)).size > 1)
      throw new PermanentError('BAD_REQUEST', 'this concerns several networks: name one before the name that you want');
    const [link] = meant;
    if (link === undefined)
      throw new PermanentError(
        'LINK_UNKNOWN',
        network === undefined ? 'no room that you are in is linked' : `no room that you are in is linked to ${network}`,
      );
    return link;
  }

  async #room(asked: Asked, where: string | undefined): Promise<RoomId> {
    if (where === undefined && asked.isDirect)
      throw new PermanentError('BAD_REQUEST', 'which room? Give its id or alias before the channel');
    if (where === undefined) return asked.room;
    if (where.startsWith('!')) return roomId(where);
    const found = await this.#parts.homeserver.resolveAlias(where);
    if (found === undefined) throw new PermanentError('BAD_REQUEST', `there is no room called ${where}`);
    return found;
  }

  /** Where a channel alone is named: of the rooms that the asker may know of, the only one that it is linked to. */
  #roomOf(by: UserId, query: string): RoomId | undefined {
    const { permissions, links, roster } = this.#parts;
    const isAdmin = permissions.levelOf(by) === 'admin';
    const known = links.all().filter((link) => !isPrivate(link) && (isAdmin || roster.isIn(link.room, by)));
    const [only, ...others] = known.filter((link) => isCalled(this.#describe(link), query));
    if (others.length > 0) throw new PermanentError('BAD_REQUEST', 'in which room? Give its id or alias before the channel');
    return only?.room;
  }

  /** As far as the asker may know of it; the bridge's admins, of all that the bridge itself may, but for private ones whose room is
   *  there for their people. */
  async channel(by: UserId, query: string): Promise<Channel> {
    const { permissions, adapter, links } = this.#parts;
    if (query === '') throw new PermanentError('BAD_REQUEST', 'which channel? Give its name, after the network where there are several');
    const channel = await adapter.channels.resolve(query, permissions.levelOf(by) === 'admin' ? undefined : by);
    const isOthers =
      channel !== undefined && links.byChannel(channel.id).some(isMembersOnly) && adapter.channels.isIn?.(channel.id, by) !== true;
    // One wording for what is not there and for what the asker may not know of.
    if (channel === undefined || isOthers) {
      const words = (await adapter.channels.elsewhere?.(query)) ?? `${query} names no channel of a network that is configured`;
      throw new PermanentError('CHANNEL_UNKNOWN', words);
    }
    return channel;
  }

  /** Of the network's side: of the only one, or of the channel that is named. */
  async #request(asked: Asked, where: string | undefined, query: string): Promise<LinkRequest> {
    const { permissions, requests, adapter } = this.#parts;
    permissions.mustBe('user', asked.by, 'answer that');
    const room = await this.#room(asked, where);
    const waiting = requests.byRoom(room).filter(({ side }) => side === 'network');
    const named = waiting.filter(({ channel }) => query === '' || isCalled(adapter.channels.describe(channel), query));
    const [only, ...others] = named;
    if (only === undefined) throw new PermanentError('BAD_REQUEST', 'nothing was asked for here that waits for an answer');
    if (others.length === 0) return only;
    throw new PermanentError('BAD_REQUEST', `which one? ${named.map(({ channel }) => adapter.channels.describe(channel).name).join(', ')}`);
  }

  async #linkOf(by: UserId, room: RoomId, query: string, links: readonly Link[]): Promise<Link> {
    const [only, ...others] = links;
    if (only === undefined) throw new PermanentError('LINK_UNKNOWN', `nothing is linked to ${room}`);
    if (query === '') {
      if (others.length === 0) return only;
      throw new PermanentError('BAD_REQUEST', `which one? ${links.map((link) => this.#describe(link).name).join(', ')}`);
    }
    // By what is linked first: who rules the room may end what they may not know of on the network.
    const known = links.find((link) => isCalled(this.#describe(link), query));
    if (known !== undefined) return known;
    const channel = await this.channel(by, query);
    const found = links.find((link) => link.channel === channel.id);
    if (found === undefined) throw new PermanentError('LINK_UNKNOWN', `${channel.name} is not linked to ${room}`);
    return found;
  }

  #line(link: Link, withRoom: boolean): string {
    const { name, network } = this.#describe(link);
    const unheard = link.state === 'live' ? this.#parts.adapter.unheard?.(link.channel) : undefined;
    const live = ['live', ...(link.claim === 'success' ? [] : ['not claimed']), ...(unheard === undefined ? [] : [unheard])].join(', ');
    const state = link.state === 'live' ? live : link.state;
    const why = link.reason === undefined ? '' : ` (${link.reason})`;
    return `${withRoom ? `${link.room}: ` : ''}${name} on ${network.name}, from ${link.origin}, ${state}${why}`;
  }

  describe(link: Link): Channel {
    return this.#describe(link);
  }

  /** As it may be told in its room, where the answers to all who ask there are read. */
  #describe(link: Link) {
    const { channels } = this.#parts.adapter;
    return { ...channels.describe(link.channel), name: calledIn(channels, link) };
  }
}

function detailOf({ detail }: RemoteUser): string {
  return detail === undefined ? '' : `: ${detail}`;
}

function isNetwork({ id, name, domain }: { readonly id: string; readonly name: string; readonly domain: string }, typed = ''): boolean {
  return [id, name, domain].some((word) => word.toLowerCase() === typed.toLowerCase());
}

function isCalled({ id, name, network }: Channel, query: string): boolean {
  const wanted = query.trim().toLowerCase();
  return [id, name, `${network.id} ${name}`, `${network.id}/${name}`].some((word) => word.toLowerCase() === wanted);
}
