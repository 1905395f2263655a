// Whatever the store puts on disk is for its owner alone.

import assert from 'node:assert/strict';
import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../../bridge-core/store/sqlite.ts';
import { tempFolder } from '../../support/temp-folder.ts';

test('a store and all that lies beside it is for its owner alone, in a folder of any mode, and one of before becomes so', async () => {
  const folder = tempFolder();
  chmodSync(folder, 0o755);
  const path = join(folder, 'store.db');
  const open = () =>
    openStore(path, (thrown) => {
      throw thrown;
    });
  const modes = () => readdirSync(folder).map((name) => `${name} ${(statSync(join(folder, name)).mode & 0o777).toString(8)}`);
  const insert = (store: ReturnType<typeof open>) =>
    store.write(() => store.prepare("INSERT OR REPLACE INTO memory (name, value) VALUES ('a', '1')").run());
  const first = open();
  await insert(first);
  await first.backup(join(folder, 'copy.db'));
  assert.deepEqual(modes(), ['copy.db 600', 'store.db 600', 'store.db-shm 600', 'store.db-wal 600']);
  await first.close();
  chmodSync(path, 0o644);
  const second = open();
  await insert(second);
  assert.deepEqual(modes(), ['copy.db 600', 'store.db 600', 'store.db-shm 600', 'store.db-wal 600']);
  await second.close();
});
