// Addresses of messages and channels, from one side to the other: the network's own become those of the room's events, and the other
// way round. Only where the target is linked, and whoever reads it here may know of it: in the channel itself, or in one for everybody.

import type { Adapter, Target } from '../adapter.ts';
import { eventNamedBy, matrixToEvent, mentionedBy } from '../format/addresses.ts';
import { mapAddresses, mapMentions } from '../format/mentions.ts';
import type { RichText } from '../format/rich-text.ts';
import type { ChannelId, RoomId } from '../ids.ts';
import { isMembersOnly, type Link, type Links, receiverOf } from '../plumbing/links.ts';
import type { Json } from '../remote-event.ts';
import { isMessage, type Relations } from './relations.ts';

export interface CrossingParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'channels'>;
  readonly links: Pick<Links, 'get' | 'byChannel' | 'byRoom'>;
  readonly relations: Pick<Relations, 'messagesOf' | 'ofEvent' | 'anywhere'>;
  /** Ours: it is in every room that is linked. */
  readonly domain: string;
}

export class CrossingAddresses<Body extends Json> {
  readonly #parts: CrossingParts<Body>;

  constructor(parts: CrossingParts<Body>) {
    this.#parts = parts;
  }

  /** As they are read in the room of this link. */
  toMatrix(text: RichText, link: number): RichText {
    const { adapter, links } = this.#parts;
    const here = links.get(link);
    const { permalinks } = adapter.channels;
    if (here === undefined || permalinks === undefined) return text;
    const named = mapMentions(text, (of, words) => {
      const room = 'channel' in of ? this.#linkOf(of.channel, here)?.room : undefined;
      return { is: 'mention', of: room === undefined ? of : { room }, text: words };
    });
    return mapAddresses(named, (address) => {
      const meant = permalinks.read(address, here.channel);
      return meant && this.#inMatrix(here, meant);
    });
  }

  /** As they are read in the channel of this link. */
  toNetwork(text: RichText, here: Link): RichText {
    const { permalinks } = this.#parts.adapter.channels;
    if (permalinks === undefined) return text;
    const named = mapMentions(text, (of, words) => {
      const channel = 'room' in of ? this.#linkIn(of.room, here)?.channel : undefined;
      return { is: 'mention', of: channel === undefined ? of : { channel }, text: words };
    });
    return mapAddresses(named, (address) => {
      if (!address.startsWith('matrix:') && !address.includes('matrix.to/')) return undefined;
      return this.#onNetwork(here, address);
    });
  }

  #inMatrix(here: Link, { channel, message }: Target): string | undefined {
    const { relations, domain } = this.#parts;
    const linked = this.#linkOf(channel, here);
    if (linked === undefined) return undefined;
    const event = message === undefined ? undefined : relations.messagesOf(message, linked.id)[0]?.event;
    return matrixToEvent(linked.room, event, domain);
  }

  #onNetwork(here: Link, address: string): string | undefined {
    const { links, relations, adapter } = this.#parts;
    const named = eventNamedBy(address);
    const room = named === undefined ? mentionedBy(address) : undefined;
    if (named === undefined) {
      const linked = room !== undefined && 'room' in room ? this.#linkIn(room.room, here) : undefined;
      return linked && adapter.channels.permalinks?.of({ channel: linked.channel }, here.channel);
    }
    for (const relation of relations.anywhere(named.event)) {
      const linked = links.get(relation.link);
      if (linked === undefined || !isMessage(relation) || relation.remote === undefined || !this.#isVisible(linked, here)) continue;
      if (named.room.startsWith('!') && named.room !== linked.room) continue;
      const root = relation.thread && relations.ofEvent(relation.thread, linked.id).find(isMessage)?.remote;
      const target = { channel: linked.channel, message: relation.remote, ...(root !== undefined && { thread: root }) };
      return adapter.channels.permalinks?.of(target, here.channel);
    }
    return undefined;
  }

  /** The very room first, then another of the channel's. */
  #linkOf(channel: ChannelId, here: Link): Link | undefined {
    const rooms = this.#parts.links.byChannel(channel).filter((link) => this.#isVisible(link, here));
    return rooms.find(({ id }) => id === here.id) ?? rooms.find(({ room }) => room === here.room) ?? rooms[0];
  }

  #linkIn(room: string, here: Link): Link | undefined {
    return this.#parts.links.byRoom(room as RoomId).find((link) => this.#isVisible(link, here));
  }

  /** Of the same channel or room nothing is told that is not known there; of others only what is everybody's. */
  #isVisible(target: Link, here: Link): boolean {
    if (target.state !== 'live') return false;
    const receiver = receiverOf(target);
    if (receiver !== undefined) return target.id === here.id;
    if (target.channel === here.channel) return true;
    const isForAll = !isMembersOnly(target) && this.#isPublic(target.channel);
    return receiverOf(here) === undefined && isForAll && this.#isSameNetwork(target.channel, here.channel);
  }

  #isPublic(channel: ChannelId): boolean {
    const { kind = 'public', isUnknown } = this.#parts.adapter.channels.describe(channel);
    return kind === 'public' && isUnknown !== true;
  }

  #isSameNetwork(one: ChannelId, other: ChannelId): boolean {
    const { channels } = this.#parts.adapter;
    return channels.describe(one).network.id === channels.describe(other).network.id;
  }
}
