// What makes the bridge itself act, told from what it carries: commands, invitations, upgrades, claims, power, encryption.
// The pipeline makes a row of each such event, and hands it back at the head of its room's lane.

import { type RoomId, type UserId, userId } from '../ids.ts';
import { type MatrixEvent, stringIn } from '../matrix-event.ts';
import type { Chats } from '../plumbing/chats.ts';
import { isPrivate, type Links } from '../plumbing/links.ts';
import type { LoopGuard } from '../plumbing/loop-guard.ts';
import type { Plumb } from '../plumbing/plumb.ts';
import type { Sidecar } from '../plumbing/sidecar.ts';
import { isTombstone, type Upgrades } from '../plumbing/upgrades.ts';
import type { Json } from '../remote-event.ts';
import type { Commands } from './commands.ts';
import type { DirectChats } from './direct-chats.ts';

export interface ActsParts {
  readonly bot: UserId;
  readonly links: Links;
  readonly guard: Pick<LoopGuard, 'seen' | 'defend'>;
  readonly plumb: Pick<Plumb, 'reconsider' | 'removed'>;
  readonly upgrades: Pick<Upgrades, 'follow'>;
  readonly commands: Commands;
  readonly directChats: DirectChats;
  readonly chats: Pick<Chats, 'left' | 'removed'>;
  readonly sidecar?: Pick<Sidecar<Json>, 'left' | 'removed'>;
  /** Is the bot in the room, as far as events told? */
  readonly isIn: (room: RoomId) => boolean;
  /** The bot is out of the room: nothing is known of it any more. */
  readonly forget: (room: RoomId) => Promise<void>;
  /** A person came into a linked room; given only where that makes us do something. */
  readonly arrived?: ((room: RoomId, user: UserId) => void) | undefined;
}

type Kind = 'command' | 'invite' | 'encryption' | 'upgrade' | 'claim' | 'power' | 'removed' | 'arrival' | 'departure';

export class Acts {
  readonly #parts: ActsParts;

  constructor(parts: ActsParts) {
    this.#parts = parts;
  }

  /** Asked once for every event, on arrival: our own claims are waited for, and are seen here. */
  isAct(event: MatrixEvent): boolean {
    if (event.type === 'm.room.bridging') return this.#parts.guard.seen(event);
    return this.#kindOf(event) !== undefined;
  }

  async act(event: MatrixEvent): Promise<void> {
    const { commands, directChats, upgrades, guard, plumb, forget } = this.#parts;
    switch (this.#kindOf(event)) {
      case 'command': {
        const command = commands.commandIn(event, directChats.isDirect(event.room));
        if (command !== undefined) await commands.run(command);
        return;
      }
      case 'invite':
        return await directChats.invited(event);
      case 'encryption':
        return await directChats.encrypted(event);
      case 'upgrade':
        return await upgrades.follow(event);
      case 'claim':
        return await guard.defend(event);
      case 'power':
        return plumb.reconsider(event.room);
      case 'arrival':
        return this.#parts.arrived?.(event.room, userId(event.stateKey ?? ''));
      case 'departure':
        await this.#parts.chats.left(event.room);
        return await this.#parts.sidecar?.left(event.room, userId(event.stateKey ?? ''));
      case 'removed': {
        // It may have been let in again since.
        if (this.#parts.isIn(event.room)) return;
        await this.#parts.chats.removed(event.room);
        await this.#parts.sidecar?.removed(event.room);
        const reason = stringIn(event.content, 'reason');
        await plumb.removed(
          event.room,
          `the bot was removed from the room by ${event.sender}${reason === undefined ? '' : ` (${reason})`}`,
        );
        await directChats.left(event.room);
        return await forget(event.room);
      }
    }
  }

  #kindOf(event: MatrixEvent): Kind | undefined {
    const { commands, directChats, links, bot } = this.#parts;
    switch (event.type) {
      case 'm.room.message':
        return commands.commandIn(event, directChats.isDirect(event.room)) === undefined ? undefined : 'command';
      case 'm.room.member':
        if (event.stateKey === undefined) return undefined;
        if (directChats.isInvite(event)) return 'invite';
        if (userId(event.stateKey) === bot) return isOut(event) ? 'removed' : undefined;
        if (isOut(event) && links.byRoom(event.room).some(isPrivate)) return 'departure';
        return this.#parts.arrived !== undefined && isArrival(event) && links.liveIn(event.room).length > 0 ? 'arrival' : undefined;
      case 'm.room.encrypted':
      case 'm.room.encryption':
        return directChats.isEncryption(event) ? 'encryption' : undefined;
      case 'm.room.tombstone':
        return isTombstone(event) && links.byRoom(event.room).length > 0 ? 'upgrade' : undefined;
      case 'm.room.bridging':
        return 'claim';
      case 'm.room.power_levels':
        return links.liveIn(event.room).some(({ claim }) => claim !== 'success') ? 'power' : undefined;
      default:
        return undefined;
    }
  }
}

const isOut = ({ content }: MatrixEvent): boolean => content.membership === 'leave' || content.membership === 'ban';
/** Not a new name or picture of one who is there. */
const isArrival = ({ content, was }: MatrixEvent): boolean => content.membership === 'join' && was?.content.membership !== 'join';
