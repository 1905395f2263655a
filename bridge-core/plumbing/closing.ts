// Rooms that lead nowhere for now, or for good: of channels that were archived, that only some may see now, or that are there no
// longer. In rooms that we made nobody speaks then; in rooms of people's own it is said, and the link ends. Begun anew after a
// crash: the link says what is still to be done.

import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { messageOf, PermanentError } from '../errors.ts';
import type { ChannelId, RoomId } from '../ids.ts';
import type { PortalSettings } from '../settings.ts';
import { Background } from './background.ts';
import { heldFrom, heldSince, heldUntil, type Mark } from './kept-back.ts';
import type { Levels } from './levels.ts';
import { isChat, isPlaceholder, isPrivate, type Link, type LinkOptions, type Links } from './links.ts';
import type { Plumb } from './plumb.ts';

export interface ClosingParts {
  readonly settings: Pick<PortalSettings, 'directory'>;
  readonly homeserver: Pick<Homeserver, 'bot' | 'setState' | 'setListed'>;
  readonly levels: Pick<Levels, 'change'>;
  readonly links: Links;
  readonly plumb: Pick<Plumb, 'link' | 'unlink'>;
  readonly tell: (room: RoomId, text: string) => void;
  /** Of all that was taken in; in a unit of the store. */
  readonly mark: () => Mark;
  /** What was said before is shown before. */
  readonly said: (link: Link) => Promise<void>;
  readonly log: Logger;
}

/** The bot's power in rooms that it made: nobody else's words are taken. */
const botAlone = 100;

export class Closing {
  readonly #parts: ClosingParts;
  readonly #work: Background;

  constructor(parts: ClosingParts) {
    this.#parts = parts;
    this.#work = new Background({ atOnce: 2, log: parts.log });
    parts.links.onChange(({ link }) => {
      if (link !== undefined && isStanding(link) && isToBeStill(link) !== isStill(link)) this.#soon(link);
    });
  }

  /** At start. */
  resume(): void {
    for (const link of this.#parts.links.all())
      if (isGone(link) || (isStanding(link) && isToBeStill(link) !== isStill(link))) this.#soon(link);
  }

  /** For good. The links carry nothing from now on. */
  async gone(channel: ChannelId, reason: string): Promise<void> {
    const { links } = this.#parts;
    const going = links.byChannel(channel).filter((link) => !isGone(link));
    for (const link of going) if (isPlaceholder(link.room)) await links.remove(link.id);
    const made = going.filter((link) => !isPlaceholder(link.room));
    await links.setAll(made.map(({ id }) => [id, { state: 'suspended', reason, options: { gone: true } }]));
    for (const link of made) this.#soon(link);
  }

  /** A room of ours that is to carry nothing until it may again. */
  async shut(link: Link, reason: string): Promise<void> {
    await this.#shut(link, reason, () => ({}));
  }

  /** The same, for what is said from now on is not for all who are in the room. */
  async hide(link: Link, reason: string): Promise<void> {
    await this.#shut(link, reason, (now) => heldFrom(now, this.#parts.mark()));
  }

  /** `isOfNow`: it is still so that what is said may be shown. */
  async reopen({ id, room, channel, origin }: Link, isOfNow: () => boolean): Promise<void> {
    const { links, plumb, tell, mark } = this.#parts;
    if (links.get(id)?.state !== 'live') await plumb.link({ room, channel, origin });
    const link = await links.setOptions(id, (now) => (isOfNow() ? { shut: undefined, ...heldUntil(now, mark()) } : {}));
    if (!isShut(link)) tell(room, 'What is said in the channel is shown here again.');
  }

  settled(): Promise<void> {
    return this.#work.idle();
  }

  stop(): void {
    this.#work.stop();
  }

  async #shut({ id, options: before, state }: Link, reason: string, options: (link: Link) => LinkOptions): Promise<void> {
    // One that was about to be opened again is live.
    if (before.shut === true && state === 'suspended') return;
    const { links, tell } = this.#parts;
    // No room stands yet that could be shut, and none is to be made.
    const now = links.get(id);
    if (now !== undefined && isPlaceholder(now.room)) return await links.remove(id);
    // Its channel letting the bridge in again is not enough then.
    const shut = { shut: true, shutOut: undefined };
    const { room } = await links.set(id, (link) => ({ state: 'suspended', reason, options: { ...shut, ...options(link) } }));
    tell(room, `${reason}. What is said there is no longer shown here.`);
  }

  #soon({ id }: Link): void {
    this.#work.run(String(id), () => this.#do(id));
  }

  async #do(id: number): Promise<void> {
    const { links } = this.#parts;
    const link = links.get(id);
    if (link === undefined) return;
    if (isGone(link)) await this.#end(link);
    else if (isStanding(link) && isToBeStill(link) !== isStill(link)) await this.#still(link);
  }

  async #end(link: Link): Promise<void> {
    const { links, plumb, homeserver, tell, said } = this.#parts;
    const { room, reason = 'The channel is gone' } = link;
    await said(link);
    if (link.options.told !== true) {
      tell(room, `${reason}. This room is not linked to it any more.`);
      await links.setOptions(link.id, { told: true });
      await said(link);
    }
    // What else is linked to it needs the room.
    if (isOfOurs(link) && links.byRoom(room).length === 1)
      await this.#try(room, async () => {
        await this.#silence(room, true);
        // No room takes its place, which Synapse wants said.
        await homeserver.setState(homeserver.bot, room, 'm.room.tombstone', '', { body: `${reason}.`, replacement_room: '' });
      });
    const gone = links.get(link.id);
    if (gone === undefined) return;
    // The config would bring it back: there it rests, and says why.
    if (gone.origin === 'config') await links.setOptions(gone.id, { gone: undefined, told: undefined });
    else await plumb.unlink(gone, reason);
  }

  async #still(link: Link): Promise<void> {
    const { links, settings, homeserver, said } = this.#parts;
    const on = isToBeStill(link);
    if (on) await said(link);
    await this.#try(link.room, () => this.#silence(link.room, on));
    if (settings.directory && !isPrivate(link)) await this.#try(link.room, () => homeserver.setListed(link.room, !on));
    if (links.get(link.id) !== undefined) await links.setOptions(link.id, { still: on || undefined });
  }

  async #silence(room: RoomId, on: boolean): Promise<void> {
    const needed = on ? botAlone : 0;
    await this.#parts.levels.change(room, (now) =>
      now === undefined || (now.events_default ?? 0) === needed ? undefined : { ...now, events_default: needed },
    );
  }

  async #try(room: RoomId, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      this.#parts.log.warn({ room, why: messageOf(thrown) }, 'a room of a closed channel could not be closed');
    }
  }
}

/** Made by us for the channel. */
const isOfOurs = (link: Link): boolean => link.origin === 'portal' && !isChat(link);
const isStanding = (link: Link): boolean => isOfOurs(link) && !isPlaceholder(link.room);
const isGone = ({ options }: Link): boolean => options.gone === true;
export const isShut = ({ options }: Link): boolean => options.shut === true;
/** Who looks at it by the id that it had finds nothing; and nothing opens what was shut while the bot is not in its room. */
export const isMissedBy = (link: Link, was: Link): boolean =>
  (link.channel !== was.channel && heldSince(link) !== undefined) ||
  (isShut(link) && was.options.removed === true && link.options.removed !== true);
const isToBeStill = ({ options }: Link): boolean => options.archived === true || options.shut === true;
const isStill = ({ options }: Link): boolean => options.still === true;
