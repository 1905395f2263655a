// Follows a room upgrade with link, claim and bridge info. Done again after a crash it finds what is done: the links move in
// one commit, after which the old room has none.

import type { Channels, ConfiguredLink } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { DeniedError, messageOf, PermanentError, RetryableError } from '../errors.ts';
import { domainOf, type RoomId, roomId } from '../ids.ts';
import { type MatrixEvent, recordIn, stringIn } from '../matrix-event.ts';
import type { BridgeInfo } from './bridge-info.ts';
import { calledIn } from './described.ts';
import { opened } from './kept-back.ts';
import { type ClaimState, formerRooms, isMembersOnly, type Link, type LinkState, type Links } from './links.ts';
import type { LoopGuard } from './loop-guard.ts';
import { isEncrypted, stateOf } from './power.ts';

export interface UpgradesParts {
  readonly homeserver: Pick<Homeserver, 'bot' | 'join' | 'leave' | 'fullState'>;
  readonly links: Links;
  readonly guard: LoopGuard;
  readonly info: BridgeInfo;
  readonly channels: Pick<Channels, 'describe'>;
  readonly configuredLinks: () => readonly ConfiguredLink[];
  /** What was said in the new room since the old one was closed, ms, before the bot was there. */
  readonly takeIn?: ((room: RoomId, since: number) => Promise<void>) | undefined;
  readonly tell: (room: RoomId, text: string) => void;
  readonly log: Logger;
}

type Standing = { readonly state: LinkState; readonly claim: ClaimState; readonly reason?: string };

/** Between two tries to enter a new room that is closed; an invitation ends the wait. */
const knockMs = 3_000;

/** One that was emptied or redacted closes nothing. */
export const isTombstone = (event: MatrixEvent): boolean =>
  event.type === 'm.room.tombstone' && event.stateKey === '' && Object.keys(event.content).length > 0;

const closedWords = (successor: string | undefined): string =>
  `the room was closed and ${successor === undefined ? 'no new one named' : `${successor} took its place: link that one`}`;

/** Why nobody is to link this room, if it was closed. */
export function closedBy(state: readonly MatrixEvent[]): string | undefined {
  const tombstone = stateOf(state, 'm.room.tombstone');
  if (tombstone === undefined || !isTombstone(tombstone)) return undefined;
  return closedWords(stringIn(tombstone.content, 'replacement_room') || undefined);
}

export class Upgrades {
  readonly #parts: UpgradesParts;
  /** New rooms that did not let us in yet, and who pointed there. */
  readonly #awaited = new Map<RoomId, MatrixEvent>();

  constructor(parts: UpgradesParts) {
    this.#parts = parts;
  }

  /** Is an invitation to this room one that we wait for? Whoever sends it: the power of the old room named the new one. */
  awaits(room: RoomId): boolean {
    return this.#awaited.has(room);
  }

  /** We were let into a room that was awaited. */
  async invited(room: RoomId): Promise<void> {
    const event = this.#awaited.get(room);
    if (event !== undefined) await this.follow(event);
  }

  /** For the tombstone of a linked room, at the head of the room's lane. Rejects with what may work later. */
  async follow(event: MatrixEvent): Promise<void> {
    const { links, homeserver, tell } = this.#parts;
    const moving = links.byRoom(event.room);
    const named = stringIn(event.content, 'replacement_room');
    if (!isTombstone(event)) return;
    if (moving.length === 0) return await this.#goOn(event, named);
    if (named === undefined || !named.startsWith('!') || named === event.room) return await this.#end(event, moving);
    const room = roomId(named);
    // Whoever makes ids of rooms can make rooms that name one another: a link that went round would never come to rest.
    if (moving.some((link) => formerRooms(link).includes(room))) return await this.#end(event, moving);
    const state = await this.#enter(room, event);
    const predecessor = stringIn(recordIn(stateOf(state, 'm.room.create')?.content, 'predecessor'), 'room_id');
    if (predecessor !== event.room) {
      // Who has power here may point at any room; that it belongs here only its creator could say.
      tell(
        event.room,
        `The new room ${room} does not name this one as its predecessor, so the bridge does not follow. Link it there anew.`,
      );
      if (links.byRoom(room).length === 0) await homeserver.leave(homeserver.bot, room, 'not the successor of a linked room');
      return;
    }
    const moved: (readonly [Link, Standing])[] = [];
    for (const link of moving) {
      if (links.find(room, link.channel) === undefined) moved.push([link, await this.#stand(link, room, state)]);
      else await links.remove(link.id);
    }
    await links.setAll(
      moved.map(([link, standing]) => {
        // Who may be in the new one is still to be seen to.
        const options = { from: [...formerRooms(link), link.room], info: undefined, contested: undefined, guarded: undefined };
        // As it stands in the unit that writes: its channel may have become one for all meanwhile.
        return [link.id, (now) => ({ reason: undefined, ...standing, room, options: { ...opened(now), ...options } })] as const;
      }),
    );
    await this.#parts.takeIn?.(room, event.at);
    for (const [link, { claim }] of moved) await this.#settle(link, { ...link, room, claim });
    await this.#followNext(state);
  }

  /** What moved before a crash may not have been carried to its end. */
  async #goOn(event: MatrixEvent, named: string | undefined): Promise<void> {
    const { links, homeserver } = this.#parts;
    const room = named?.startsWith('!') ? roomId(named) : undefined;
    if (room === undefined || !links.byRoom(room).some((link) => formerRooms(link).includes(event.room))) return;
    await this.#parts.takeIn?.(room, event.at);
    await this.#followNext(await homeserver.fullState(room));
  }

  /** The new room may have been replaced as well before we came, and of that no event tells. */
  async #followNext(state: readonly MatrixEvent[]): Promise<void> {
    const next = stateOf(state, 'm.room.tombstone');
    if (next !== undefined) await this.follow(next);
  }

  /** No room takes its place. Where the bot may still speak it says so: others may, too, and nobody on the network hears them. */
  async #end({ room, sender }: MatrixEvent, linked: readonly Link[]): Promise<void> {
    const { links, homeserver, channels, tell, log } = this.#parts;
    const ending = linked.filter(({ state }) => state !== 'suspended');
    await links.setAll(ending.map(({ id }) => [id, { state: 'suspended', reason: closedWords(undefined) }]));
    if (ending.length === 0 || sender === homeserver.bot) return;
    const names = ending.map((link) => calledIn(channels, link));
    log.warn({ room, by: sender, channels: ending.map(({ channel }) => channel) }, `not linked any more: ${closedWords(undefined)}`);
    tell(room, `This room was closed and no new one named: it is no longer linked to ${names.join(', ')}.`);
  }

  async #enter(room: RoomId, event: MatrixEvent): Promise<MatrixEvent[]> {
    const { homeserver, log } = this.#parts;
    try {
      await homeserver.join(homeserver.bot, room, undefined, [domainOf(event.sender)]);
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      if (!this.#awaited.has(room))
        log.warn({ room: event.room, replacement: room }, `the new room does not let the bot in: ${thrown.message}`);
      this.#awaited.set(room, event);
      throw new RetryableError('FORBIDDEN_IN_ROOM', `the new room ${room} does not let ${homeserver.bot} in: invite it`, {
        after: knockMs,
        cause: thrown,
      });
    }
    this.#awaited.delete(room);
    return await homeserver.fullState(room);
  }

  /** Claims the channel in the new room, and says how the link stands there. */
  async #stand(link: Link, room: RoomId, state: readonly MatrixEvent[]): Promise<Standing> {
    const { guard, tell, log } = this.#parts;
    if (link.state === 'suspended') return { state: 'suspended', claim: 'none', ...(link.reason !== undefined && { reason: link.reason }) };
    // Nobody has looked yet who is in the new room.
    const name = isMembersOnly(link) ? 'the channel' : calledIn(this.#parts.channels, link);
    try {
      if (isEncrypted(state)) throw new DeniedError(`${room} is encrypted, so the bridge cannot read it`, 'ROOM_ENCRYPTED');
      const there: Link = { ...link, room, claim: 'none' };
      const lacking = guard.lacking(state);
      if (lacking !== undefined) {
        const held = await guard.heldBy(state, link.channel);
        if (held !== undefined) throw new DeniedError(`${held.holder} holds ${name} in the new room`, 'LINK_HELD');
        log.warn({ room, channel: link.channel }, `live without a claim: ${lacking}`);
        return { state: link.state, claim: 'none' };
      }
      await guard.claim(there, state);
      await guard.confirm(there);
      return { state: link.state, claim: 'success' };
    } catch (thrown) {
      if (!(thrown instanceof DeniedError)) throw thrown;
      tell(room, `The link to ${name} could not follow into this room: ${thrown.message}.`);
      return { state: 'suspended', claim: 'none', reason: thrown.message };
    }
  }

  #isByCommand({ channel }: Link): boolean {
    return this.#parts.configuredLinks().some((each) => each.byCommand === true && each.channel === channel);
  }

  /** What is left of the link in the old room is taken away, what belongs to it is put into the new one. Both can fail
   *  without harm: the next start writes the info, and a claim in a closed room stops nobody. */
  async #settle(was: Link, there: Link): Promise<void> {
    const { links, guard, info, log } = this.#parts;
    try {
      const link = links.get(was.id);
      if (link?.state === 'live') await info.publish(link);
      if (was.origin === 'config' && !this.#isByCommand(was))
        log.info({ from: was.room, to: link?.room, channel: was.channel }, 'a room of the config was upgraded: name the new one there');
      await guard.release(was);
      // Unlinked meanwhile.
      if (link === undefined) await guard.release(there);
    } catch (thrown) {
      log.warn({ room: was.room, channel: was.channel, why: messageOf(thrown) }, 'the old room keeps its claim');
    }
  }
}
