// A channel that has another id from now on: its links have followed in one commit, and here their claims and bridge info
// follow too. Begun anew after a crash: the link says which claims are still to be given back.

import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { PermanentError } from '../errors.ts';
import type { ChannelId } from '../ids.ts';
import { Background } from './background.ts';
import { type BridgeInfo, infoTypes } from './bridge-info.ts';
import { claimType } from './claims.ts';
import { isVeiled } from './kept-back.ts';
import { type Link, type Links, movedFrom } from './links.ts';
import type { LoopGuard } from './loop-guard.ts';
import type { Plumb } from './plumb.ts';
import { stateOf } from './power.ts';

export interface MovesParts {
  readonly links: Links;
  readonly homeserver: Pick<Homeserver, 'fullState'>;
  readonly guard: Pick<LoopGuard, 'heldBy' | 'confirm' | 'release' | 'keyOf'>;
  readonly plumb: Pick<Plumb, 'suspend'>;
  readonly info: Pick<BridgeInfo, 'publish' | 'withdraw' | 'keyOf'>;
  readonly log: Logger;
}

export class Moves {
  readonly #parts: MovesParts;
  readonly #work: Background;

  constructor(parts: MovesParts) {
    this.#parts = parts;
    this.#work = new Background({ atOnce: 2, log: parts.log });
    parts.links.onChange(({ link, was }) => {
      if (link !== undefined && was !== undefined && isVeiled(was) && movedFrom(link.options).length > 0) this.#follow(link);
    });
  }

  /** The links follow before it resolves. */
  async move(from: ChannelId, to: ChannelId): Promise<void> {
    if (from === to) return;
    for (const { link } of await this.#parts.links.move(from, to)) this.#follow(link);
  }

  /** At start. */
  resume(): void {
    for (const link of this.#parts.links.all()) if (movedFrom(link.options).length > 0) this.#follow(link);
  }

  settled(): Promise<void> {
    return this.#work.idle();
  }

  stop(): void {
    this.#work.stop();
  }

  #follow({ id }: Link): void {
    this.#work.run(String(id), () => this.#takeAlong(id));
  }

  async #takeAlong(id: number): Promise<void> {
    const { links, homeserver, guard, info, plumb } = this.#parts;
    const link = links.get(id);
    // While who is in the room may not know what it is called now it stays claimed as it was.
    if (link === undefined || isVeiled(link)) return;
    const state = await homeserver.fullState(link.room).catch((thrown) => {
      if (link.claim === 'success' || !(thrown instanceof PermanentError)) throw thrown;
      return [];
    });
    const stands = (type: string, key: string) => stateOf(state, type, key) !== undefined;
    if (link.claim === 'success') {
      const held = await guard.heldBy(state, link.channel);
      if (held === undefined) await guard.confirm(link);
      else await plumb.suspend([link], `${held.holder} holds the channel under its new id`, `${held.holder} holds the channel here.`);
    }
    for (const channel of movedFrom(link.options)) {
      const was: Link = { ...link, channel };
      // What it was called for a while, unseen by those in the room, is told to nobody there by taking it back.
      if (stands(claimType, guard.keyOf(channel))) await guard.release(was);
      if (infoTypes.some((type) => stands(type, info.keyOf(channel)))) await info.withdraw({ ...was, options: { info: '' } });
    }
    if (links.get(id)?.state === 'live') await info.publish(link);
    if (links.get(id) !== undefined) await links.setOptions(id, { moved: undefined });
  }
}
