// Whose private and group chats are carried, and with whom, as the settings list them.

import { isAllowed } from '../globs.ts';
import type { UserId } from '../ids.ts';
import type { RemoteUser } from '../remote-event.ts';
import type { PortalSettings } from '../settings.ts';

export class ChatRules {
  readonly #lists: PortalSettings['chats'];
  /** No Matrix person is left out: nothing need be looked up. */
  readonly isForAll: boolean;

  constructor(lists: PortalSettings['chats']) {
    this.#lists = lists;
    this.isForAll = lists.of.deny.length === 0 && lists.of.allow.includes('*');
  }

  mayHave(user: UserId): boolean {
    return this.isForAll || isAllowed(this.#lists.of, [user]);
  }

  mayBeWith({ id, name }: Pick<RemoteUser, 'id' | 'name'>): boolean {
    return isAllowed(this.#lists.with, [id, name]);
  }
}
