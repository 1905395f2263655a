// Who may do what: the levels of the settings, and the power that a room gives. Every refusal says what is lacking.

import type { Homeserver } from '../appservice/homeserver.ts';
import { DeniedError, PermanentError } from '../errors.ts';
import { domainOf, type RoomId, type UserId } from '../ids.ts';
import type { MatrixEvent } from '../matrix-event.ts';
import { powerIn, shownLevel, stateOf } from '../plumbing/power.ts';
import type { PermissionLevel } from '../settings.ts';

type Calls = Pick<Homeserver, 'bot' | 'fullState' | 'join' | 'leave'>;

const ranks: Readonly<Record<PermissionLevel, number>> = { none: 0, user: 1, admin: 2 };

export class Permissions {
  #levels: Readonly<Record<string, PermissionLevel>>;
  readonly #homeserver: Calls;
  /** Rooms that people are just asking for, and whether one of them may link it: for that one the bot stays. */
  readonly #asking = new Map<RoomId, { count: number; hadToEnter: boolean; isGranted: boolean }>();
  readonly #leaving = new Map<RoomId, Promise<void>>();

  constructor(given: { levels: Readonly<Record<string, PermissionLevel>>; homeserver: Calls }) {
    this.#levels = given.levels;
    this.#homeserver = given.homeserver;
  }

  /** After a reload of the config. */
  replace(levels: Readonly<Record<string, PermissionLevel>>): void {
    this.#levels = levels;
  }

  /** The most exact entry counts: the person, their server, everybody. */
  levelOf(user: UserId): PermissionLevel {
    const entry = (name: string) => (Object.hasOwn(this.#levels, name) ? this.#levels[name] : undefined);
    return entry(user) ?? entry(domainOf(user)) ?? entry('*') ?? 'none';
  }

  /** Those of the bridge's admins who are named one by one. */
  namedAdmins(): UserId[] {
    return (Object.keys(this.#levels) as UserId[]).filter((name) => name.startsWith('@') && this.#levels[name] === 'admin');
  }

  mustBe(level: 'user' | 'admin', user: UserId, what: string): void {
    const has = this.levelOf(user);
    if (ranks[has] >= ranks[level]) return;
    throw new DeniedError(
      `${user} may not ${what}: that needs the permission “${level}” on this bridge, and ${user} has “${has}”. The bridge’s operator can give it`,
    );
  }

  /** Could anybody of this server be more than nobody here? */
  mayBeUsed(server: string): boolean {
    return Object.entries(this.#levels).some(
      ([name, level]) => level !== 'none' && (name === '*' || name === server || (name.startsWith('@') && name.endsWith(`:${server}`))),
    );
  }

  /** The room's consent, by its power; the channel's is asked for beside it (consent.ts). */
  async mayLink(user: UserId, room: RoomId): Promise<void> {
    // Who comes while the bot goes enters anew.
    await this.#leaving.get(room)?.catch(() => {});
    const asking = this.#asking.get(room) ?? { count: 0, hadToEnter: false, isGranted: false };
    this.#asking.set(room, asking);
    asking.count += 1;
    try {
      if (await this.#enter(user, room)) asking.hadToEnter = true;
      await this.mustRule(user, room, 'link it');
      asking.isGranted = true;
    } finally {
      asking.count -= 1;
      if (asking.count === 0) {
        this.#asking.delete(room);
        if (asking.hadToEnter && !asking.isGranted) await this.#leave(room);
      }
    }
  }

  async #leave(room: RoomId): Promise<void> {
    const leaving = this.#homeserver.leave(this.#homeserver.bot, room, 'not allowed to link this room');
    this.#leaving.set(room, leaving);
    await leaving.finally(() => this.#leaving.delete(room));
  }

  /** Who could change the room's power levels rules it; of rooms of version 12 its creators do in any case. */
  async mustRule(user: UserId, room: RoomId, what: string): Promise<void> {
    const power = powerIn(await this.stateFor(user, room));
    const [has, needed] = [power.of(user), power.forState('m.room.power_levels')];
    if (has >= needed) return;
    throw new DeniedError(
      `${user} has power level ${shownLevel(has)} in the room and needs ${needed} (that of m.room.power_levels) to ${what}`,
    );
  }

  /** Of a room that the asker is in, or any for the bridge's admins; all others are one: what is not there, and what they may
   *  not know of. */
  async stateFor(user: UserId, room: RoomId): Promise<readonly MatrixEvent[]> {
    let state: readonly MatrixEvent[];
    try {
      state = await this.#homeserver.fullState(room);
    } catch (thrown) {
      throw thrown instanceof PermanentError ? this.#unknownRoom(user, room) : thrown;
    }
    const isIn = stateOf(state, 'm.room.member', user)?.content.membership === 'join';
    if (isIn || this.levelOf(user) === 'admin') return state;
    throw this.#unknownRoom(user, room);
  }

  #unknownRoom(user: UserId, room: RoomId | string): DeniedError {
    const { bot } = this.#homeserver;
    if (this.levelOf(user) === 'admin') return new DeniedError(`the bot is not in ${room}: invite ${bot} there first`, 'FORBIDDEN_IN_ROOM');
    return new DeniedError(
      `there is no room ${room} that both ${user} and ${bot} are in: join it and invite the bot first`,
      'FORBIDDEN_IN_ROOM',
    );
  }

  /** True: the bot was not there before. */
  async #enter(user: UserId, room: RoomId): Promise<boolean> {
    const { bot } = this.#homeserver;
    try {
      await this.#homeserver.fullState(room);
      return false;
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
    }
    try {
      await this.#homeserver.join(bot, room);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      throw this.#unknownRoom(user, room);
    }
  }
}
