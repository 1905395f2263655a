// The records of a bridge that does not run: what is done to them there is what the running bridge would do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { userId } from '../../bridge-core/ids.ts';
import { openOffline } from '../../bridge-core/offline.ts';
import { openStore } from '../../bridge-core/store/sqlite.ts';
import { openKeys } from '../../bridge-core/virtual-users/keys.ts';
import { tempFolder } from '../support/temp-folder.ts';

const ada = userId('@ada:hs.test');

test('a rotation seals anew whatever stands sealed in any table, people’s own tokens too', async () => {
  const path = `${tempFolder()}/store.db`;
  const keys = await openKeys(`${path}.keys`);
  const open = () =>
    openStore(path, (thrown) => {
      throw thrown;
    });
  const before = open();
  const insert = {
    secrets: () => before.prepare('INSERT INTO secrets (name, sealed) VALUES (?, ?)').run('bot', keys.seal('xoxb', 'secret bot')),
    logins: () =>
      before
        .prepare("INSERT INTO logins (account, user, network, name, sealed, state, at) VALUES ('n/ada', ?, 'n', 'ada', ?, 'live', 1)")
        .run(ada, keys.seal('{"token":"t"}', 'login n/ada')),
    doubles: () =>
      before
        .prepare("INSERT INTO doubles (user, sealed, state, at) VALUES (?, ?, 'live', 1)")
        .run(ada, keys.seal('syt_ada', `double ${ada}`)),
  };
  const sealing = before
    .prepare<{ name: string }>(
      "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'sealed'",
    )
    .all()
    .map(({ name }) => name);
  // One more stands here and in the list of all that is sealed, or a rotation loses what it holds.
  assert.deepEqual(sealing.sort(), Object.keys(insert).sort());
  await before.write(() => {
    for (const add of Object.values(insert)) add();
  });
  await before.close();

  const offline = await openOffline({ store: path });
  assert.deepEqual(await offline.rotateKeys(), { done: 3, lost: 0 });
  await offline.close();

  const after = open();
  const fresh = await openKeys(`${path}.keys`);
  const sealed = (table: string) => after.prepare<{ sealed: string }>(`SELECT sealed FROM ${table}`).get()?.sealed ?? '';
  assert.deepEqual(
    [fresh.unseal(sealed('secrets'), 'secret bot'), fresh.unseal(sealed('doubles'), `double ${ada}`), fresh.count().sealing],
    ['xoxb', 'syt_ada', 1],
  );
  assert.match(fresh.unseal(sealed('logins'), 'login n/ada'), /"t"/);
  await after.close();
});
