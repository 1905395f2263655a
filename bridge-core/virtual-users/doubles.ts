// People who are shown in Matrix as themselves for what they say on the network by other means: whom we may speak as, and by
// which power, the registration's or a token that they gave. Which events those are, and what of ours comes back, is pipeline's.

import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { TokenRefused } from '../appservice/homeserver-errors.ts';
import { DeniedError, messageOf, PermanentError } from '../errors.ts';
import { domainOf, type RemoteUserId, type RoomId, type UserId, userId } from '../ids.ts';
import type { DoublePuppeting } from '../settings.ts';
import type { Store } from '../store/store.ts';
import type { Places } from './ghosts.ts';
import { type Resealed, resealed } from './key-rotation.ts';
import type { Keys } from './keys.ts';
import type { Logins } from './logins.ts';

export interface DoublesParts {
  readonly mode: Exclude<DoublePuppeting, 'off'>;
  readonly store: Store;
  readonly keys: Pick<Keys, 'seal' | 'unseal'>;
  readonly homeserver: Pick<Homeserver, 'domain' | 'ownerOf' | 'join'>;
  readonly logins: Pick<Logins, 'byAccount' | 'isHolder'>;
  readonly places: Places;
  /** The homeserver no longer takes somebody's token: told at once, and again after a restart until `told` was said. */
  readonly onRefused: (user: UserId) => void;
  readonly log: Logger;
}

interface Row extends Record<string, string> {
  user: string;
  sealed: string;
  state: string;
}

/** A room that let somebody not in is not asked again with every line of theirs, ms. */
const shutFor = 10 * 60_000;
const mostShut = 1_000;

export class Doubles {
  readonly #parts: DoublesParts;
  readonly #tokens = new Map<UserId, string>();
  readonly #refusing = new Set<UserId>();
  readonly #shut = new Map<string, number>();

  constructor(parts: DoublesParts) {
    this.#parts = parts;
    for (const { user, sealed, state } of this.#rows()) {
      const token = state === 'live' ? this.#opened(userId(user), sealed) : undefined;
      if (token === undefined) this.#refusing.add(userId(user));
      else this.#tokens.set(userId(user), token);
    }
  }

  get mode(): DoublesParts['mode'] {
    return this.#parts.mode;
  }

  /** Whose own account this is, if we may speak as them. Asked for every event that is shown; cheap. */
  personBehind(account: RemoteUserId): UserId | undefined {
    const login = this.#parts.logins.byAccount(account);
    return login?.state === 'live' && this.#mayBe(login.user) ? login.user : undefined;
  }

  /** Somebody who is logged in to the network, and whom we may speak as. */
  includes(user: UserId): boolean {
    return this.#mayBe(user) && this.#parts.logins.isHolder(user);
  }

  /** For the homeserver's door. */
  readonly tokenOf = (user: UserId): string | undefined => this.#tokens.get(user);

  /** Are they in the room, so that they can be heard there? `isTheirs`: then they come in. */
  async isReady(user: UserId, room: RoomId, isTheirs: boolean): Promise<boolean> {
    const { places, homeserver, store, log } = this.#parts;
    if (places.isIn(room, user)) return true;
    const name = `${room} ${user}`;
    if (!isTheirs || (this.#shut.get(name) ?? 0) > Date.now()) return false;
    try {
      await homeserver.join(user, room);
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      await this.failed(user, thrown);
      log.info({ room, user, why: thrown.message }, 'a person does not come into their own room');
      if (this.#shut.size >= mostShut) this.#shut.clear();
      this.#shut.set(name, Date.now() + shutFor);
      return false;
    }
    await store.write(() => places.set(room, user, 'join'));
    return true;
  }

  /** What was refused to them: true where their ghost may do it. */
  async failed(user: UserId, thrown: unknown): Promise<boolean> {
    if (thrown instanceof TokenRefused) await this.#refuse(user);
    return thrown instanceof PermanentError && thrown.code !== 'EVENT_TOO_LARGE';
  }

  /** Kept when it resolves. */
  async give(user: UserId, token: string): Promise<void> {
    const { homeserver, keys, store } = this.#parts;
    const owner = await homeserver.ownerOf(token);
    if (owner === undefined) throw new DeniedError('the homeserver does not take that access token');
    if (owner !== user) throw new DeniedError('that access token is not yours');
    const sealed = keys.seal(token, ownerOf(user));
    await store.write(() => this.#put(user, sealed, 'live'));
    this.#refusing.delete(user);
    this.#tokens.set(user, token);
  }

  /** False: there was none. */
  async remove(user: UserId): Promise<boolean> {
    const had = this.#tokens.delete(user);
    this.#refusing.delete(user);
    await this.#parts.store.write(() => this.#delete(user));
    return had;
  }

  has(user: UserId): boolean {
    return this.#tokens.has(user);
  }

  start(): void {
    for (const user of this.#refusing) this.#parts.onRefused(user);
  }

  /** Its owner knows that it is refused. */
  async told(user: UserId): Promise<void> {
    if (this.#refusing.delete(user)) await this.#parts.store.write(() => this.#delete(user));
  }

  async #refuse(user: UserId): Promise<void> {
    if (!this.#tokens.delete(user)) return;
    this.#refusing.add(user);
    this.#parts.log.warn({ user }, 'the homeserver no longer takes the access token of a person');
    await this.#parts.store.write(() => {
      this.#parts.store.prepare("UPDATE doubles SET state = 'refusing' WHERE user = ?").run(user);
    });
    this.#parts.onRefused(user);
  }

  #mayBe(user: UserId): boolean {
    return this.#parts.mode === 'token' ? this.#tokens.has(user) : domainOf(user) === this.#parts.homeserver.domain;
  }

  #opened(user: UserId, sealed: string): string | undefined {
    try {
      return this.#parts.keys.unseal(sealed, ownerOf(user));
    } catch (thrown) {
      this.#parts.log.error({ user, why: messageOf(thrown) }, 'the access token of a person does not open');
      return undefined;
    }
  }

  #rows(): readonly Row[] {
    return rowsIn(this.#parts.store);
  }

  /** In a unit. */
  #put(user: UserId, sealed: string, state: string): void {
    this.#parts.store
      .prepare('INSERT OR REPLACE INTO doubles (user, sealed, state, at) VALUES (?, ?, ?, ?)')
      .run(user, sealed, state, Date.now());
  }

  /** In a unit. */
  #delete(user: UserId): void {
    this.#parts.store.prepare('DELETE FROM doubles WHERE user = ?').run(user);
  }
}

/** Within a commit: every token under the newest key, whether anybody is to be shown as themselves now or not. */
export function resealDoubles({ store, keys }: Pick<DoublesParts, 'store' | 'keys'>): Resealed {
  let lost = 0;
  const rows = rowsIn(store);
  for (const { user, sealed } of rows) {
    const fresh = resealed(keys, sealed, ownerOf(userId(user)));
    if (fresh === undefined) lost += 1;
    else store.prepare('UPDATE doubles SET sealed = ? WHERE user = ?').run(fresh, user);
  }
  return { done: rows.length - lost, lost };
}

const rowsIn = (store: Store): readonly Row[] => store.prepare<Row>('SELECT user, sealed, state FROM doubles').all();

const ownerOf = (user: UserId): string => `double ${user}`;
