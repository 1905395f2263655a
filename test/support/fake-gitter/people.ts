// Accounts: new ones, what people change of themselves, the end of one. Unverified: whether anybody but the person is told of a new name or
// picture on Faye; here nobody is, and others see it in what the person says next.

import { GitterFault } from './http.ts';
import type { User } from './model.ts';
import type { Shapes } from './shapes.ts';
import type { World } from './world.ts';

export interface NewPerson {
  readonly username: string;
  readonly id?: string;
  readonly displayName?: string;
  readonly avatar?: Buffer;
  readonly isStaff?: boolean;
  /** Days since the account was made; under 14 the guard against copies can hit it. */
  readonly age?: number;
}

const day = 86_400_000;

export class People {
  readonly #world: World;
  readonly #shapes: Shapes;

  constructor(world: World, shapes: Shapes) {
    this.#world = world;
    this.#shapes = shapes;
  }

  make({ username, id, displayName = username, avatar, isStaff = false, age = 1000 }: NewPerson): User {
    if (this.#world.userNamed(username) !== undefined) throw new Error(`there is a ${username} already`);
    const user: User = {
      id: id ?? this.#world.id(),
      username,
      displayName,
      avatar: { bytes: avatar, version: 1 },
      isStaff,
      isRemoved: false,
      isShadowBanned: false,
      created: this.#world.clock.now() - age * day,
      v: 1,
    };
    this.#world.users.set(user.id, user);
    return user;
  }

  change(user: User, { username, displayName, avatar }: { username?: string; displayName?: string; avatar?: Buffer }): void {
    if (username !== undefined && this.#world.userNamed(username) !== undefined) throw new GitterFault(409, 'Conflict');
    if (username !== undefined) user.username = username;
    if (displayName !== undefined) user.displayName = displayName;
    if (avatar !== undefined) user.avatar = { bytes: avatar, version: user.avatar.version + 1 };
    user.v += 1;
    this.#world.announceModel(`/user/${user.id}`, 'user', 'patch', this.#shapes.user(user));
  }

  remove(user: User): void {
    user.isRemoved = true;
    user.v += 1;
  }
}
