// The part of a bridge that lets people be shown in Matrix as themselves. Builds it where it is wanted, and decides nothing; what
// comes back of it is told apart in any case, for it may stem from an earlier run.

import type { Logger } from './adapter-tools.ts';
import type { Homeserver } from './appservice/homeserver.ts';
import type { UserId } from './ids.ts';
import type { Roster } from './membership/roster.ts';
import { Doubled } from './pipeline/doubled.ts';
import type { Journal } from './pipeline/journal.ts';
import type { CoreSettings } from './settings.ts';
import type { Store } from './store/store.ts';
import { Doubles } from './virtual-users/doubles.ts';
import type { Keys } from './virtual-users/keys.ts';
import type { Logins } from './virtual-users/logins.ts';

export interface DoublesOptions {
  readonly settings: Pick<CoreSettings, 'doublePuppeting'>;
  readonly store: Store;
  readonly keys: Keys;
  readonly homeserver: Homeserver;
  readonly logins: Pick<Logins, 'byAccount' | 'isHolder'>;
  readonly roster: Roster;
  readonly journal: Journal;
  readonly onRefused: (user: UserId) => void;
  readonly log: Logger;
}

export function buildDoubles(options: DoublesOptions): { readonly doubles: Doubles | undefined; readonly doubled: Doubled } {
  const { settings, logins, roster, journal } = options;
  const mode = settings.doublePuppeting;
  return {
    doubles: mode === 'off' ? undefined : new Doubles({ ...options, mode, places: roster }),
    doubled: new Doubled({ journal, ownerOf: (account) => logins.byAccount(account)?.user }),
  };
}
