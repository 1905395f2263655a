// A space for each network, which holds the rooms made for its channels. Made on demand; who is logged in to the network is
// invited, and who comes into one of the rooms, each once. Private chats and channels stand in no space: it would tell others of them.

import type { Channels } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { messageOf, PermanentError } from '../errors.ts';
import { type RoomId, roomId, type UserId } from '../ids.ts';
import type { PortalSettings } from '../settings.ts';
import type { Notes } from '../store/store.ts';
import { Background } from './background.ts';
import { described } from './described.ts';
import { isPrivate, type Link, type Links } from './links.ts';
import { powerLevels, type RoomMaking } from './room-making.ts';

export interface SpacesParts {
  readonly settings: Pick<PortalSettings, 'spaces' | 'directory'>;
  readonly homeserver: Pick<Homeserver, 'bot' | 'domain' | 'setState' | 'invite'>;
  readonly channels: Pick<Channels, 'describe'>;
  readonly links: Links;
  readonly making: RoomMaking;
  readonly notes: Notes;
  /** As people are told that it is called; undefined: not known now. */
  readonly nameOf: (network: string) => string | undefined;
  /** Who is logged in to the network. */
  readonly peopleOf: (network: string) => readonly UserId[];
  /** Matrix people who are in the room. */
  readonly peopleIn: (room: RoomId) => readonly UserId[];
  readonly log: Logger;
}

const noteOf = (network: string): string => `space:${network}`;
const purposeOf = (network: string): string => `space of ${network}`;
const namedNote = (network: string): string => `space:${network} is called`;
const invitedNote = (network: string, user: UserId): string => `space:${network} invited ${user}`;

export class Spaces {
  readonly #parts: SpacesParts;
  readonly #work: Background;

  constructor(parts: SpacesParts) {
    this.#parts = parts;
    // One after the other: two rooms at once must not make two spaces.
    this.#work = new Background({ atOnce: 1, log: parts.log });
    parts.links.onChange(({ link, was }) => {
      if (link !== undefined && (was?.state !== 'live' || was.room !== link.room || !isHeld(was))) this.#add(link);
      if (was !== undefined && (was.room !== link?.room || (isHeld(was) && !isHeld(link)))) this.#takeOut(was);
    });
  }

  /** At start: what a crash or a change of the settings left out. */
  resume(): void {
    for (const link of this.#parts.links.all())
      if (isHeld(link)) this.#add(link);
      else this.#takeOut(link);
  }

  /** The network is there, and may be called otherwise than before: its space is. What people call it meanwhile stands. */
  called(network: string): void {
    const space = this.#spaceOf(network);
    if (space === undefined) return;
    this.#work.run(`name of ${network}`, async () => {
      const { homeserver, notes, nameOf } = this.#parts;
      const name = nameOf(network);
      if (name === undefined || notes.get(namedNote(network)) === name) return;
      await homeserver.setState(homeserver.bot, space, 'm.room.name', '', { name });
      await notes.set(namedNote(network), name);
    });
  }

  /** Somebody logged in to the network, or came into a room of one of its channels. */
  welcome(user: UserId, network: string): void {
    const space = this.#spaceOf(network);
    if (this.#parts.settings.spaces && space !== undefined) this.#work.run(`${network} ${user}`, () => this.#invite(user, network, space));
  }

  /** The same for who came into this room. */
  arrived(room: RoomId, user: UserId): void {
    for (const link of this.#parts.links.liveIn(room)) {
      const { network } = described(this.#parts.channels, link.channel);
      if (isHeld(link) && network !== undefined) this.welcome(user, network.id);
    }
  }

  settled(): Promise<void> {
    return this.#work.idle();
  }

  stop(): void {
    this.#work.stop();
  }

  #spaceOf(network: string): RoomId | undefined {
    const known = this.#parts.notes.get(noteOf(network));
    return typeof known === 'string' ? roomId(known) : undefined;
  }

  #networkOf(link: Link) {
    return this.#parts.channels.describe(link.channel).network;
  }

  #add(link: Link): void {
    if (!this.#parts.settings.spaces || !isHeld(link) || link.state !== 'live') return;
    if (link.options.inSpace === link.room) return;
    this.#work.run(`link ${link.id}`, () => this.#putIn(link.id));
  }

  async #putIn(id: number): Promise<void> {
    const { links, homeserver } = this.#parts;
    const link = links.get(id);
    if (link?.state !== 'live' || !isHeld(link) || link.options.inSpace === link.room) return;
    const space = await this.#make(this.#networkOf(link));
    const { bot, domain } = homeserver;
    await homeserver.setState(bot, space, 'm.space.child', link.room, { via: [domain] });
    await homeserver.setState(bot, link.room, 'm.space.parent', space, { via: [domain], canonical: true });
    const isThere = links.get(id)?.room === link.room;
    const now = isThere ? await links.setOptions(id, { inSpace: link.room }) : undefined;
    // Meanwhile it may have become one for few, or none at all.
    if (!isHeld(now)) return this.#takeOut({ ...link, options: { ...link.options, inSpace: link.room } });
    // Who came before the space was there.
    for (const user of this.#parts.peopleIn(link.room)) this.welcome(user, this.#networkOf(link).id);
  }

  #takeOut(was: Link): void {
    if (was.options.inSpace !== was.room) return;
    // A network that was taken out of the config is called by what its channels' ids begin with.
    const { network } = described(this.#parts.channels, was.channel);
    const space = this.#spaceOf(network?.id ?? was.channel.slice(0, was.channel.indexOf('/')));
    const { homeserver } = this.#parts;
    if (space !== undefined)
      this.#work.run(`room ${was.room}`, async () => {
        await homeserver.setState(homeserver.bot, space, 'm.space.child', was.room, {});
        // One that is for few from now on, which stays what it is but for that.
        if (this.#parts.links.get(was.id)?.room !== was.room) return;
        await homeserver.setState(homeserver.bot, was.room, 'm.space.parent', space, {});
        await this.#parts.links.setOptions(was.id, { inSpace: undefined });
      });
  }

  async #make(network: { readonly id: string; readonly name: string }): Promise<RoomId> {
    const { making, notes, settings, peopleOf } = this.#parts;
    const known = this.#spaceOf(network.id);
    if (known !== undefined) return known;
    const space = await making.make(purposeOf(network.id), {
      preset: settings.directory ? 'public_chat' : 'private_chat',
      name: network.name,
      creation_content: { type: 'm.space' },
      power_level_content_override: { ...powerLevels(50, 50), events_default: 100 },
    });
    await notes.set(namedNote(network.id), network.name);
    await notes.set(noteOf(network.id), space);
    await making.isStored(purposeOf(network.id));
    for (const user of peopleOf(network.id)) this.welcome(user, network.id);
    return space;
  }

  async #invite(user: UserId, network: string, space: RoomId): Promise<void> {
    const { homeserver, notes, log } = this.#parts;
    if (notes.get(invitedNote(network, user)) !== undefined) return;
    try {
      await homeserver.invite(homeserver.bot, space, user);
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      log.info({ space, user, why: messageOf(thrown) }, 'not invited to the space');
    }
    await notes.set(invitedNote(network, user), true);
  }
}

/** A room that was made for a channel. */
const isHeld = (link: Link | undefined): boolean => link?.origin === 'portal' && !isPrivate(link);
