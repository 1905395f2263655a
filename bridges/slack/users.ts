// The people and bots of one team as the bridge knows them: asked for when first needed, one by one, never the whole list of a
// workspace; kept until Slack tells of a change. Whoever cannot be had is called by their id.

import { BridgeError, type RemoteUser } from '#bridge-core';
import { type Fields, fieldsIn, textIn } from './fields.ts';
import { makeUserId, userFields } from './ids.ts';

/** Asks the Web API as the team's bot. */
export type Ask = (
  method: string,
  args: Readonly<Record<string, unknown>>,
  options?: { readonly patience?: number; readonly isBackground?: boolean },
) => Promise<Fields>;

/** More are forgotten, oldest first, and asked for again. */
const mostKept = 20_000;
/** ms: who was not found, or could not be asked for, is asked for again after so long. */
const retryAfter = 10 * 60_000;
const retrySoon = 5_000;

interface Kept {
  readonly user: RemoteUser;
  /** Of a bot that has a user: both are one person. */
  readonly isReal: boolean;
  readonly until: number;
}

export class Users {
  readonly #team: string;
  readonly #ask: Ask;
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Promise<void>>();
  /** How many are called so. */
  readonly #names = new Map<string, number>();

  constructor(parts: { readonly team: string; readonly ask: Ask }) {
    this.#team = parts.team;
    this.#ask = parts.ask;
  }

  /** What is known; somebody who was never asked for is called by their id. */
  person(id: string): RemoteUser {
    return this.#kept.get(id)?.user ?? nameless(this.#team, id);
  }

  /** Is anybody who is known called this, as people read it? */
  isCalled(name: string): boolean {
    return this.#names.has(asRead(name));
  }

  /** Undefined: Slack knows nobody by this id, or nobody who may be told of. */
  async find(id: string): Promise<RemoteUser | undefined> {
    await this.load([id]);
    const kept = this.#kept.get(id);
    return kept?.isReal === true ? kept.user : undefined;
  }

  /** Undefined where all are known: then nothing need be waited for. */
  load(ids: readonly string[]): Promise<unknown> | undefined {
    let missing: Promise<void>[] | undefined;
    for (const id of ids) {
      const kept = this.#kept.get(id);
      if (kept !== undefined && kept.until > Date.now()) continue;
      missing ??= [];
      missing.push(this.#asking.get(id) ?? this.#load(id));
    }
    return missing === undefined ? undefined : Promise.all(missing);
  }

  /** Slack told how somebody is now. Undefined where they look as before; `was` is the same where they were not known. */
  changed(told: Fields): { readonly was: RemoteUser; readonly user: RemoteUser } | undefined {
    const id = textIn(told, 'id');
    if (id === undefined) return undefined;
    const user = remoteUserOf(this.#team, told);
    const was = this.#kept.get(id)?.user;
    if (was === undefined) return { was: user, user };
    this.#keep(id, user, true, Number.POSITIVE_INFINITY);
    return was.name === user.name && was.avatar === user.avatar ? undefined : { was, user };
  }

  #load(id: string): Promise<void> {
    const asking = (/^B/.test(id) ? this.#bot(id) : this.#user(id))
      .catch((thrown) => {
        const isKnown = this.#kept.get(id);
        const wait = thrown instanceof BridgeError && thrown.code === 'NETWORK_REFUSED' ? retryAfter : retrySoon;
        this.#keep(id, isKnown?.user ?? nameless(this.#team, id), isKnown?.isReal ?? false, Date.now() + wait);
      })
      .finally(() => this.#asking.delete(id));
    this.#asking.set(id, asking);
    return asking;
  }

  async #user(id: string): Promise<void> {
    const user = fieldsIn(await this.#ask('users.info', { user: id }), 'user');
    if (user !== undefined) this.#keep(id, remoteUserOf(this.#team, user), true, Number.POSITIVE_INFINITY);
  }

  async #bot(id: string): Promise<void> {
    const bot = fieldsIn(await this.#ask('bots.info', { bot: id, team_id: this.#team }), 'bot') ?? {};
    const userId = textIn(bot, 'user_id');
    if (userId !== undefined) {
      await this.load([userId]);
      this.#keep(id, this.person(userId), true, Number.POSITIVE_INFINITY);
      return;
    }
    const icons = fieldsIn(bot, 'icons');
    const avatar = textIn(icons, 'image_72') ?? textIn(icons, 'image_48') ?? textIn(icons, 'image_36');
    const named = { ...nameless(this.#team, id), name: textIn(bot, 'name') ?? id };
    this.#keep(id, avatar === undefined ? named : { ...named, avatar }, true, Number.POSITIVE_INFINITY);
  }

  #keep(id: string, user: RemoteUser, isReal: boolean, until: number): void {
    this.#forget(id);
    this.#kept.set(id, { user, isReal, until });
    const name = asRead(user.name);
    this.#names.set(name, (this.#names.get(name) ?? 0) + 1);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostKept && oldest !== undefined) this.#forget(oldest);
  }

  #forget(id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    this.#kept.delete(id);
    const name = asRead(kept.user.name);
    const left = (this.#names.get(name) ?? 1) - 1;
    if (left > 0) this.#names.set(name, left);
    else this.#names.delete(name);
  }
}

const asRead = (name: string): string => name.normalize('NFKC').replace(/\s+/g, ' ').trim().toLowerCase();

function nameless(team: string, id: string): RemoteUser {
  return { id: makeUserId(team, id), name: id, fields: userFields(team, id) };
}

const sizes = ['image_original', 'image_1024', 'image_512', 'image_192', 'image_72', 'image_48'];

/** From `users.info`, and as `user_change` tells it. */
export function remoteUserOf(team: string, user: Fields): RemoteUser {
  const id = textIn(user, 'id') ?? '';
  const profile = fieldsIn(user, 'profile');
  const name = textIn(profile, 'display_name') ?? textIn(profile, 'real_name') ?? textIn(user, 'real_name') ?? textIn(user, 'name') ?? id;
  // Only a picture of their own has a hash that follows it; Slack draws one for all others.
  const size = sizes.find((each) => textIn(profile, each) !== undefined);
  const avatar = size === undefined ? undefined : textIn(profile, size);
  return { id: makeUserId(team, id), name, fields: userFields(team, id), ...(avatar !== undefined && { avatar }) };
}
