// The records of a bridge that does not run, for `links`, `dead` and `backup`: holds the store's lock while they are read.

import { Records } from './control/records.ts';
import { Journal } from './pipeline/journal.ts';
import { Links } from './plumbing/links.ts';
import type { Json } from './remote-event.ts';
import type { CoreSettings } from './settings.ts';
import { acquireLock } from './store/lock.ts';
import { openStore } from './store/sqlite.ts';

export interface OfflineStore {
  links(): Json;
  dead(): Json;
  retry(): Promise<Json>;
  backup(destination: string): Promise<Json>;
  close(): Promise<void>;
}

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
