// Claims on channels by m.room.bridging: claim, confirm, give back, defend; refuse what another bridge holds. Whether a link
// is made, and what it needs besides, is plumb's.

import type { Channels } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { DeniedError, RetryableError } from '../errors.ts';
import type { ChannelId, EventId, RoomId, UserId } from '../ids.ts';
import type { MatrixEvent } from '../matrix-event.ts';
import { type Claim, claimContent, claimIn, claimsIn, claimType, isHeld, isStale, keyFor, names, restored } from './claims.ts';
import { calledIn } from './described.ts';
import { isVeiled } from './kept-back.ts';
import { type Link, type Links, movedFrom } from './links.ts';
import { powerIn, shownLevel, stateOf } from './power.ts';

type Calls = Pick<Homeserver, 'bot' | 'setState' | 'fullState' | 'event'>;

/** Own claims that came back by transaction, remembered for who is about to ask for them. */
const mostSeen = 256;

export class LoopGuard {
  readonly #homeserver: Calls;
  readonly #links: Links;
  readonly #channels: Pick<Channels, 'describe' | 'resolve'>;
  readonly #protocol: string;
  readonly #tell: (room: RoomId, text: string) => void;
  readonly #log: Logger;
  readonly #patience: number;
  readonly #seen = new Map<EventId, MatrixEvent>();
  readonly #waiting = new Map<EventId, (event: MatrixEvent) => void>();

  constructor(given: {
    homeserver: Calls;
    links: Links;
    channels: Pick<Channels, 'describe' | 'resolve'>;
    /** The protocol's id, which begins each key. */
    protocol: string;
    tell: (room: RoomId, text: string) => void;
    log: Logger;
    /** ms to wait for our own claim by transaction before the homeserver is asked instead. */
    patience?: number;
  }) {
    this.#homeserver = given.homeserver;
    this.#links = given.links;
    this.#channels = given.channels;
    this.#protocol = given.protocol;
    this.#tell = given.tell;
    this.#log = given.log;
    this.#patience = given.patience ?? 1000;
  }

  keyOf(channel: ChannelId): string {
    return keyFor(this.#protocol, this.#channels.describe(channel));
  }

  /** What stops the bot from claiming; undefined: nothing. */
  lacking(state: readonly MatrixEvent[]): string | undefined {
    const power = powerIn(state);
    const needed = power.forState(claimType);
    const has = power.of(this.#homeserver.bot);
    if (has >= needed) return undefined;
    return `${this.#homeserver.bot} has power level ${shownLevel(has)} in the room and needs ${needed} to claim the channel (${claimType})`;
  }

  /** The claim of another bridge on the channel, if one stands. */
  async heldBy(state: readonly MatrixEvent[], channel: ChannelId): Promise<Claim | undefined> {
    for (const claim of await this.#claimsOn(state, channel))
      if (claim.holder !== this.#homeserver.bot && isHeld(claim) && !isStale(claim, state)) return claim;
    return undefined;
  }

  /** Takes the channel for us, as pending. Rejects with LINK_HELD where another bridge has it or was quicker. */
  async claim(link: Link, state: readonly MatrixEvent[]): Promise<void> {
    const held = await this.heldBy(state, link.channel);
    if (held !== undefined) throw this.#refusal(held.holder, held.requester, link);
    const key = this.#keyOf(link);
    // What we claimed and no longer stand by: under another spelling, or as a link that the store does not know.
    for (const own of await this.#claimsOn(state, link.channel)) {
      const isDead = own.key !== key || (own.status === 'success' && link.claim === 'none');
      if (own.holder === this.#homeserver.bot && isHeld(own) && isDead) await this.#write(link, own.key, 'failure');
    }
    const before = stateOf(state, claimType, key);
    const id = await this.#write(link, key, 'pending');
    const event = id === before?.id ? before : await this.#confirmed(link.room, key, id);
    const { was } = event;
    const isKnown = was !== undefined && JSON.stringify(was.content) === JSON.stringify(before?.content);
    if (was === undefined || isKnown || was.sender === this.#homeserver.bot) return;
    const replaced = claimIn({ ...event, content: was.content, ...(was.sender !== undefined && { sender: was.sender }) });
    if (!isHeld(replaced)) return;
    await this.#homeserver.setState(this.#homeserver.bot, link.room, claimType, key, restored(was.content, was.sender));
    throw this.#refusal(was.sender, replaced.requester, link);
  }

  /** Does our claim on the link's channel stand as a success? */
  isConfirmed(link: Link, state: readonly MatrixEvent[]): boolean {
    const event = stateOf(state, claimType, this.#keyOf(link));
    return event !== undefined && event.sender === this.#homeserver.bot && claimIn(event).status === 'success';
  }

  /** The link works: others keep off. */
  async confirm(link: Link): Promise<void> {
    await this.#write(link, this.#keyOf(link), 'success');
  }

  /** Gives the channel back. `failure`, never an empty content: older bridges read that as held. */
  async release(link: Link): Promise<void> {
    // What we never took, or yielded, may be another's by now.
    if (link.claim === 'none') return;
    try {
      await this.#write(link, this.#keyOf(link), 'failure');
    } catch (thrown) {
      if (thrown instanceof RetryableError) throw thrown;
      this.#log.warn({ room: link.room, channel: link.channel, err: thrown }, 'a claim could not be given back');
    }
  }

  /** Called for every m.room.bridging event as it arrives. True: it is another's word on a channel that we have linked
   *  there, and `defend` is to be called for it, once it is safe in the journal. */
  seen(event: MatrixEvent): boolean {
    if (event.type !== claimType || event.stateKey === undefined) return false;
    if (event.sender !== this.#homeserver.bot) return this.#links.byRoom(event.room).length > 0;
    const waiting = this.#waiting.get(event.id);
    if (waiting !== undefined) waiting(event);
    else {
      this.#seen.set(event.id, event);
      const [oldest] = this.#seen.keys();
      if (this.#seen.size > mostSeen && oldest !== undefined) this.#seen.delete(oldest);
    }
    return false;
  }

  /** Another bridge claims what we have. Once we insist; when it comes again, we yield: better no bridge than a loop. */
  async defend(event: MatrixEvent): Promise<void> {
    const claim = claimIn(event);
    for (const link of this.#links.byRoom(event.room)) {
      const name = calledIn(this.#channels, link);
      if (link.state !== 'live' || !(await this.#names(claim.key, link.channel))) continue;
      if (!isHeld(claim)) {
        if (link.claim === 'success' && claim.key === this.#keyOf(link)) await this.confirm(link);
        continue;
      }
      const isAgain = link.options.contested !== undefined && link.options.contested !== event.id;
      if (link.claim !== 'success' || isAgain || !(await this.#insists(link))) {
        const reason = `${claim.holder} claims ${name} in this room`;
        await this.#links.set(link.id, { state: 'suspended', reason, claim: 'none' });
        this.#tell(
          event.room,
          `${reason}, so this bridge no longer carries it here: two bridges on one channel would repeat each other for ever. ` +
            'Unlink the channel there, then link it here again.',
        );
        continue;
      }
      this.#tell(
        event.room,
        `${claim.holder} tried to claim ${name}, which is linked to this room already. If it tries again, this link is suspended.`,
      );
      await this.#links.setOptions(link.id, { contested: event.id });
    }
  }

  /** By the id that it had before, while those in the room may not know what it is called by now, which on some networks is its id. */
  #keyOf(link: Link): string {
    const before = isVeiled(link) ? movedFrom(link.options)[0] : undefined;
    return this.keyOf(before ?? link.channel);
  }

  async #insists(link: Link): Promise<boolean> {
    try {
      await this.confirm(link);
      return true;
    } catch (thrown) {
      if (thrown instanceof RetryableError) throw thrown;
      return false;
    }
  }

  async #confirmed(room: RoomId, key: string, id: EventId): Promise<MatrixEvent> {
    const event = await this.#arrival(id);
    if (event !== undefined) return event;
    // Not heard by transaction: the room itself tells who was last.
    const current = stateOf(await this.#homeserver.fullState(room), claimType, key);
    if (current !== undefined && current.id !== id && current.sender !== this.#homeserver.bot && isHeld(claimIn(current)))
      throw new DeniedError(`${current.sender} claimed the channel in this very moment`, 'LINK_HELD');
    const found = await this.#homeserver.event(room, id);
    if (found === undefined) throw new RetryableError('HOMESERVER_UNREACHABLE', `the claim ${id} in ${room} cannot be read back`);
    return found;
  }

  #arrival(id: EventId): Promise<MatrixEvent | undefined> {
    const known = this.#seen.get(id);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => {
      const settle = (event: MatrixEvent | undefined) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(event);
      };
      const timer = setTimeout(settle, this.#patience, undefined);
      this.#waiting.set(id, settle);
    });
  }

  #write(link: Link, key: string, status: 'pending' | 'success' | 'failure'): Promise<EventId> {
    const { bot } = this.#homeserver;
    return this.#homeserver.setState(bot, link.room, claimType, key, claimContent(link.requester ?? bot, status));
  }

  async #claimsOn(state: readonly MatrixEvent[], channel: ChannelId): Promise<Claim[]> {
    const found: Claim[] = [];
    for (const claim of claimsIn(state)) if (await this.#names(claim.key, channel)) found.push(claim);
    return found;
  }

  #names(key: string, channel: ChannelId): Promise<boolean> {
    return names(key, this.#channels.describe(channel), {
      protocol: this.#protocol,
      resolve: (query) => this.#channels.resolve(query),
    });
  }

  #refusal(holder: UserId | undefined, requester: string | undefined, link: Link): DeniedError {
    const name = calledIn(this.#channels, link);
    const asked = requester === undefined || requester === holder ? '' : ` (asked for by ${requester})`;
    return new DeniedError(`${holder ?? 'Another bridge'}${asked} holds ${name} in this room`, 'LINK_HELD');
  }
}
