// A link needs the word of both sides: of the room, by power in it, and of the channel, by the asker's own login there, by
// somebody there who is asked, or by its having asked itself. Bridge admins stand for the network. What lacks is asked for and
// waits in `requests`; whoever asked hears how it ends.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import type { Channel } from '../channel.ts';
import { DeniedError, messageOf } from '../errors.ts';
import { type AllowAndDeny, isAllowed } from '../globs.ts';
import { type ChannelId, type RoomId, remoteUserId, type UserId } from '../ids.ts';
import { stringIn } from '../matrix-event.ts';
import { described } from '../plumbing/described.ts';
import { type Links, receiverOf } from '../plumbing/links.ts';
import type { Plumb } from '../plumbing/plumb.ts';
import { isEncrypted, stateOf } from '../plumbing/power.ts';
import type { Json } from '../remote-event.ts';
import { Allowance } from './allowance.ts';
import type { Permissions } from './permissions.ts';
import type { LinkRequest, Requests } from './requests.ts';

export interface LinkLimits {
  /** Links made on request; undefined: any number. */
  readonly rooms: number | undefined;
  /** Networks that these lead to. */
  readonly networks: number | undefined;
  readonly requirePublicRoom: boolean;
  readonly channels: AllowAndDeny;
}

export interface ConsentParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'channels' | 'tell'>;
  readonly homeserver: Pick<Homeserver, 'fullState'>;
  readonly permissions: Permissions;
  readonly plumb: Pick<Plumb<Body>, 'link'>;
  readonly links: Links;
  readonly requests: Requests;
  readonly limits: LinkLimits;
  readonly tell: (room: RoomId, text: string) => void;
  readonly log: Logger;
}

export interface LinkWish {
  readonly by: UserId;
  readonly room: RoomId;
  readonly channel: Channel;
  readonly cause?: string | undefined;
}

const sweepEvery = 60_000;

export class Consent<Body extends Json = string> {
  readonly #parts: ConsentParts<Body>;
  /** Each asking disturbs people in the channel. */
  readonly #askings = new Allowance({ most: 10, each: 6 * 60_000 });
  readonly #underWay = new Map<string, Promise<unknown>>();
  #sweeping: NodeJS.Timeout | undefined;

  constructor(parts: ConsentParts<Body>) {
    this.#parts = parts;
  }

  start(): void {
    this.sweep();
    this.#sweeping = setInterval(() => this.sweep(), sweepEvery).unref();
  }

  stop(): void {
    clearInterval(this.#sweeping);
  }

  /** Before anything is looked up: may they ask at all? */
  mayAsk(user: UserId): void {
    const { permissions, adapter } = this.#parts;
    // Nobody there can be asked: then the bridge's admins alone stand for the network.
    permissions.mustBe(adapter.channels.approvePlumb === undefined ? 'admin' : 'user', user, 'link channels');
  }

  /** `live`, or `asked`: somebody in the channel has to agree first. */
  async link({ by, room, channel, cause }: LinkWish): Promise<'live' | 'asked'> {
    const { permissions, requests, links } = this.#parts;
    this.mayAsk(by);
    await permissions.mayLink(by, room);
    const known = links.find(room, channel.id);
    const isRepeated = known?.state === 'live' && cause !== undefined && known.options.cause === cause;
    if (isRepeated) return 'live';
    const request = requests.find(room, channel.id);
    if (permissions.levelOf(by) !== 'admin') {
      await this.mustBeFree(room, channel);
      if (request?.side === 'matrix') return 'asked';
      if (request?.side !== 'network' && (await this.#request(by, room, channel)) === 'asked') return 'asked';
    }
    await this.#establish(room, channel.id, by, cause);
    if (request?.side === 'network') this.#tellRequester(request, `${channel.name} is linked to the Matrix room now.`);
    return 'live';
  }

  /** The room's answer to what was asked from the channel. */
  async answerInRoom(by: UserId, request: LinkRequest, agrees: boolean): Promise<void> {
    const { permissions, requests, adapter } = this.#parts;
    permissions.mustBe('user', by, 'answer that');
    await permissions.mustRule(by, request.room, 'answer that');
    const { name } = described(adapter.channels, request.channel);
    if (agrees) {
      if (permissions.levelOf(by) !== 'admin') await this.mustBeFree(request.room, adapter.channels.describe(request.channel));
      await this.#establish(request.room, request.channel, by);
    } else await requests.remove(request);
    this.#tellRequester(
      request,
      agrees ? `${name} is linked to the Matrix room now.` : `The Matrix room does not want to be linked to ${name}.`,
    );
  }

  /** The channel's answer to what was asked from the room. Resolves with the words for who answered. */
  async answerOnNetwork(given: { channel: ChannelId; room: RoomId; requester: UserId; by: string }, agrees: boolean): Promise<string> {
    const { permissions, requests, adapter, tell } = this.#parts;
    const channel = adapter.channels.describe(given.channel);
    const { name } = channel;
    await this.#underWay.get(`${given.room} ${given.channel}`)?.catch(() => undefined);
    const request = requests.find(given.room, given.channel);
    if (request?.side !== 'matrix' || request.requester !== given.requester) return 'Nobody waits for that answer any more.';
    if (!agrees) {
      await requests.remove(request);
      tell(given.room, `${given.by} in ${name} refused the link that ${given.requester} asked for.`);
      return `It is refused; ${given.requester} is told.`;
    }
    // A day may have passed: what they could then they must still, and there must still be room.
    this.mayAsk(given.requester);
    await permissions.mayLink(given.requester, given.room);
    if (permissions.levelOf(given.requester) !== 'admin') await this.mustBeFree(given.room, channel);
    await this.#establish(given.room, given.channel, given.requester);
    tell(given.room, `${given.by} in ${name} agreed: ${name} is now linked to this room.`);
    return `${name} is now linked to the room that ${given.requester} asked for.`;
  }

  /** From the channel, by somebody who rules the room as well. */
  async linkFromNetwork(by: UserId, room: RoomId, channel: ChannelId): Promise<void> {
    const { permissions, adapter } = this.#parts;
    permissions.mustBe('user', by, 'link channels');
    await permissions.mayLink(by, room);
    if (permissions.levelOf(by) !== 'admin') await this.mustBeFree(room, adapter.channels.describe(channel));
    await this.#establish(room, channel, by);
  }

  /** What would fail in the end is said before anybody is asked; and not by the id of a room that the asker may not know. */
  async mustBeFree(room: RoomId, channel: Channel): Promise<void> {
    const { adapter, links, limits, homeserver } = this.#parts;
    // One of those in it would give away the words of the others.
    if (channel.kind === 'direct' || channel.kind === 'group')
      throw new DeniedError('a chat of a few people is linked to no room: it has one of its own', 'CHANNEL_CLOSED');
    if (!isAllowed(limits.channels, [channel.name, `${channel.network.id}/${channel.name}`, channel.id]))
      throw new DeniedError(`the bridge’s operator lets only its admins link ${channel.name}`, 'DENIED');
    const known = links.find(room, channel.id);
    if (known?.state === 'live') throw new DeniedError(`${channel.name} is linked to this room already`, 'LINK_EXISTS');
    if (known === undefined && links.byChannel(channel.id).some((link) => link.room !== room && receiverOf(link) === undefined))
      throw new DeniedError(`${channel.name} is linked to another room already`, 'LINK_EXISTS');
    const { rooms, networks } = this.usage();
    const isNewNetwork = !links.all().some((link) => described(adapter.channels, link.channel).network?.id === channel.network.id);
    if (limits.rooms !== undefined && rooms >= limits.rooms)
      throw new DeniedError(`this bridge serves ${limits.rooms} rooms, and has as many`, 'LIMIT_REACHED');
    if (limits.networks !== undefined && isNewNetwork && networks >= limits.networks)
      throw new DeniedError(`this bridge serves ${limits.networks} networks, and has as many`, 'LIMIT_REACHED');
    const state = await homeserver.fullState(room);
    if (isEncrypted(state)) throw new DeniedError('the room is encrypted, so the bridge cannot read it', 'ROOM_ENCRYPTED');
    if (!limits.requirePublicRoom) return;
    const rule = stringIn(stateOf(state, 'm.room.join_rules')?.content, 'join_rule');
    if (rule !== 'public') throw new DeniedError(`not everybody may join ${room}`, 'ROOM_NOT_PUBLIC');
  }

  /** Nobody answered for too long. */
  sweep(): void {
    const { requests, adapter, tell, log } = this.#parts;
    for (const request of requests.expired()) {
      const { name } = described(adapter.channels, request.channel);
      tell(
        request.room,
        request.side === 'matrix'
          ? `Nobody in ${name} answered within a day, so it is not linked; it can be asked for again.`
          : `Nobody here answered within a day, so ${name} is not linked.`,
      );
      if (request.side === 'network')
        this.#tellRequester(request, `Nobody in the Matrix room answered within a day: ${name} is not linked.`);
      requests.remove(request).catch((thrown) => log.error({ why: messageOf(thrown) }, 'a request that is over could not be removed'));
    }
  }

  /** What it takes of the limits, for who asks beforehand. */
  usage(): { readonly rooms: number; readonly networks: number } {
    const { links, adapter } = this.#parts;
    const made = links.all().filter(({ origin }) => origin === 'command');
    const networks = new Set(made.map(({ channel }) => described(adapter.channels, channel).network?.id).filter((id) => id !== undefined));
    return { rooms: made.length, networks: networks.size };
  }

  /** Whoever is asked may answer before it is written down that they were. */
  async #request(by: UserId, room: RoomId, channel: Channel): Promise<'granted' | 'asked'> {
    const asking = this.#ask(by, room, channel).then(async (answer) => {
      if (answer === 'asked') await this.#parts.requests.add({ room, channel: channel.id, requester: by, side: 'matrix' });
      return answer;
    });
    const name = `${room} ${channel.id}`;
    this.#underWay.set(name, asking);
    try {
      return await asking;
    } finally {
      if (this.#underWay.get(name) === asking) this.#underWay.delete(name);
    }
  }

  async #ask(by: UserId, room: RoomId, channel: Channel): Promise<'granted' | 'asked'> {
    const { approvePlumb } = this.#parts.adapter.channels;
    if (approvePlumb === undefined) throw new DeniedError('only the bridge’s admins may link: nobody in the channel can be asked');
    const wait = this.#askings.take(by);
    if (wait > 0) throw new DeniedError(`you asked for many links; ask again in ${Math.ceil(wait / 60_000)} min`);
    const name = await this.#nameOf(room);
    return await approvePlumb.call(this.#parts.adapter.channels, channel.id, by, { id: room, ...(name !== undefined && { name }) });
  }

  async #establish(room: RoomId, channel: ChannelId, requester: UserId, cause?: string): Promise<void> {
    const { plumb, requests } = this.#parts;
    await plumb.link({ room, channel, origin: 'command', requester, ...(cause !== undefined && { cause }) });
    await requests.remove({ room, channel });
  }

  #tellRequester({ requester, side }: LinkRequest, words: string): void {
    if (side === 'matrix') return;
    this.#parts.adapter
      .tell?.(remoteUserId(requester), words)
      .catch((thrown) => this.#parts.log.info({ why: messageOf(thrown) }, 'who asked for a link could not be told'));
  }

  async #nameOf(room: RoomId): Promise<string | undefined> {
    const state = await this.#parts.homeserver.fullState(room);
    return stringIn(stateOf(state, 'm.room.name')?.content, 'name') ?? stringIn(stateOf(state, 'm.room.canonical_alias')?.content, 'alias');
  }
}
