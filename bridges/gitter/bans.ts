// Who is banned from a room. Gitter tells nobody: its list is read now and then, and whenever somebody is gone. Only what is new since
// the last time is told; what we banned ourselves is known already.

import { setTimeout as delay } from 'node:timers/promises';
import { type KeyValue, type Logger, messageOf, RetryableError } from '#bridge-core';
import { membershipOf } from './events.ts';
import { type Intake, placeOf } from './intake.ts';
import type { GitterNetwork } from './network.ts';
import type { Room } from './rooms.ts';
import type { GitterSettings } from './settings.ts';
import { remoteUserOf } from './users.ts';
import type { Haste } from './wire/budget.ts';
import { isRefusal } from './wire/faults.ts';
import { isRecord, userIn, type WireBan, type WireUser } from './wire/objects.ts';

export interface BansParts {
  readonly network: GitterNetwork;
  readonly memory: KeyValue;
  readonly intake: () => Intake;
  readonly rooms: () => readonly Room[];
  readonly log: Logger;
  readonly settings: Pick<GitterSettings, 'bans'>;
}

/** ms */
const longestClosed = 3_600_000;
const usualRest = 30_000;

const none: ReadonlySet<string> = new Set();

export class Bans {
  readonly #parts: BansParts;
  /** Rooms whose list is not for us to see; we may be let in later. */
  readonly #closed = new Map<string, { readonly until: number; readonly pause: number }>();
  readonly #looking = new Map<string, Promise<ReadonlySet<string>>>();
  /** By room, those banned by us that the list need not show yet. */
  readonly #expected = new Set<string>();
  /** By room, in the order in which they are looked at. */
  readonly #due = new Map<string, Room>();
  #work: Promise<void> | undefined;
  /** Gitter's limit of calls is reached until then. */
  #restUntil = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: BansParts) {
    this.#parts = parts;
  }

  /** At the pace that holds now. */
  start(): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      for (const room of this.#parts.rooms()) this.lookSoon(room);
    }, this.#parts.settings.bans).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#due.clear();
  }

  /** In its turn: one list after the other, as the budget allows. */
  lookSoon(room: Room): void {
    this.#due.set(room.id, room);
    this.#work ??= this.#lookAtAll().finally(() => {
      this.#work = undefined;
    });
  }

  /** The ids of those who are newly on it. */
  look(room: Room, haste: Haste = 'background'): Promise<ReadonlySet<string>> {
    if ((this.#closed.get(room.id)?.until ?? 0) > Date.now()) return Promise.resolve(none);
    const looking =
      this.#looking.get(room.id) ??
      this.#look(room, haste)
        .catch((thrown) => {
          if (isRefusal(thrown)) this.#close(room);
          if (thrown instanceof RetryableError && thrown.code === 'NETWORK_BUSY') this.#again(room, thrown.after ?? usualRest);
          this.#parts.log.debug({ room: room.uri, why: messageOf(thrown) }, 'the list of the banned cannot be read');
          return none;
        })
        .finally(() => this.#looking.delete(room.id));
    this.#looking.set(room.id, looking);
    return looking;
  }

  /** By us, now: no news when the list shows it. */
  async did(room: Room, id: string, isBanned: boolean): Promise<void> {
    const known = this.#known(room);
    if (known === undefined) {
      this.#expected.add(`${room.id} ${id}`);
      return;
    }
    const others = known.filter((each) => each !== id);
    await this.#parts.memory.set(bansName(room), isBanned ? [...others, id] : others);
  }

  /** Whether somebody, a virtual user too, is on the list now. */
  async isBanned(room: Room, id: string): Promise<boolean> {
    return (await this.#read(room, 'background').catch(() => [])).some((ban) => bannedIn(ban)?.id === id);
  }

  /** It is asked for ever more seldom. */
  #close({ id }: Room): void {
    const { bans } = this.#parts.settings;
    const before = this.#closed.get(id)?.pause;
    const pause = before === undefined ? bans : Math.max(bans, Math.min(longestClosed, before * 2));
    this.#closed.set(id, { until: Date.now() + pause, pause });
  }

  /** Behind those that wait already, and nothing is asked before then. */
  #again(room: Room, after: number): void {
    this.#restUntil = Date.now() + after;
    if (this.#timer !== undefined) this.lookSoon(room);
  }

  async #lookAtAll(): Promise<void> {
    // What comes meanwhile is looked at as well.
    for (const [id, room] of this.#due) {
      const rest = this.#restUntil - Date.now();
      if (rest > 0) await delay(rest, undefined, { ref: false });
      // Nobody waits for it; who is to be heard first, does.
      if (this.#due.delete(id)) await this.look(room, 'idle');
    }
  }

  async #look(room: Room, haste: Haste): Promise<ReadonlySet<string>> {
    const bans = await this.#read(room, haste);
    this.#closed.delete(room.id);
    const known = this.#known(room);
    const people = bans.flatMap((ban) => {
      const user = bannedIn(ban);
      return user === undefined ? [] : [{ user, by: userIn(ban.bannedBy) }];
    });
    const now = people.map(({ user }) => user.id);
    if (known === undefined || now.length !== known.length || now.some((id) => !known.includes(id)))
      await this.#parts.memory.set(bansName(room), now);
    // Read for the first time: those were banned before there was a link.
    if (known === undefined) return none;
    const fresh = people.filter(({ user }) => !known.includes(user.id) && !this.#expected.delete(`${room.id} ${user.id}`));
    const { network, intake } = this.#parts;
    const tell = (user: WireUser, change: 'ban' | 'unban', by?: WireUser) =>
      intake().tell(
        room,
        membershipOf(remoteUserOf({ ...network.users.known(user.id), ...user }), change, placeOf(room), Date.now(), by && remoteUserOf(by)),
      );
    for (const { user, by } of fresh) await tell(user, 'ban', by);
    for (const id of known) if (!now.includes(id)) await tell({ id }, 'unban');
    return new Set(fresh.map(({ user }) => user.id));
  }

  async #read({ id }: Room, haste: Haste): Promise<WireBan[]> {
    const told = await this.#parts.network.bot.ask({ route: '/rooms/:id/bans', with: { id }, haste, patience: 30_000 });
    return Array.isArray(told) ? told.filter(isRecord) : [];
  }

  #known(room: Room): string[] | undefined {
    const known = this.#parts.memory.get(bansName(room));
    return Array.isArray(known) ? known.filter((id): id is string => typeof id === 'string') : undefined;
  }
}

function bannedIn({ user, virtualUser }: WireBan): WireUser | undefined {
  if (!isRecord(virtualUser)) return userIn(user);
  return { id: `${virtualUser.type}-${virtualUser.externalId}`, username: virtualUser.externalId };
}

const bansName = ({ id }: Room): string => `bans ${id}`;
