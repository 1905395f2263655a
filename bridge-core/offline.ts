// The records of a bridge that does not run, for `links`, `dead`, `backup` and `keys`: holds the store's lock while they are read.

import { existsSync } from 'node:fs';
import type { Logger } from './adapter-tools.ts';
import { Records } from './control/records.ts';
import { Journal } from './pipeline/journal.ts';
import { Links } from './plumbing/links.ts';
import type { Json } from './remote-event.ts';
import type { CoreSettings } from './settings.ts';
import { acquireLock } from './store/lock.ts';
import { openStore } from './store/sqlite.ts';
import { openKeys } from './virtual-users/keys.ts';
import { Logins } from './virtual-users/logins.ts';
import { countSealed, rotateAll } from './virtual-users/sealed.ts';
import { SealedSecrets } from './virtual-users/sealed-secrets.ts';

export interface OfflineStore {
  links(): Json;
  dead(): Json;
  retry(): Promise<Json>;
  backup(destination: string): Promise<Json>;
  keys(): Promise<Json>;
  rotateKeys(): Promise<Json>;
  close(): Promise<void>;
}

/** Whoever asks is answered; nothing else is to be said. */
const nothing = (): void => {};
const silentLog: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silentLog };

export async function openOffline(settings: Pick<CoreSettings, 'store'>): Promise<OfflineStore> {
  const lock = await acquireLock(settings.store);
  try {
    const store = openStore(settings.store, (thrown) => {
      throw thrown;
    });
    const records = new Records({ store, links: new Links({ store }), journal: new Journal({ store, run: store.run }) });
    return {
      links: () => records.links(),
      dead: () => records.dead(),
      retry: () => records.retry(),
      backup: (destination) => records.backup(destination),
      // Who asks makes none: over what is sealed with lost ones a new file would hide the loss.
      keys: async () => {
        const path = `${settings.store}.keys`;
        if (!existsSync(path) && countSealed(store) === 0) return { signing: 0, sealing: 0 };
        return { ...(await openKeys(path, { mayCreate: false })).count() };
      },
      rotateKeys: async () => {
        const keys = await openKeys(`${settings.store}.keys`);
        const [secrets, logins] = [new SealedSecrets({ store, keys }), new Logins({ store, keys, log: silentLog })];
        return { ...(await rotateAll({ keys, store, secrets, logins })) };
      },
      close: async () => {
        await store.close();
        await lock.release();
      },
    };
  } catch (thrown) {
    await lock.release();
    throw thrown;
  }
}
