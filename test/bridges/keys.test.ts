// `causeway keys`: told and rotated by the running bridge and out of its store; what is left where the file is lost.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../bridge-core/store/sqlite.ts';
import { openKeys } from '../../bridge-core/virtual-users/keys.ts';
import { SealedSecrets } from '../../bridge-core/virtual-users/sealed-secrets.ts';
import { freePort } from '../../quickstart/servers/ports.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/waiting.ts';
import { causeway, start } from './cli.ts';

test('keys are rotated offline and by the running bridge; without the file it does not run over what is sealed', async (t) => {
  const folder = tempFolder();
  const cli = (...words: string[]) => causeway(words, { cwd: folder });
  const port = await freePort();
  writeFileSync(
    join(folder, 'irc.yaml'),
    `homeserver: { url: "http://127.0.0.1:${await freePort()}", domain: hs.test }
appservice: { listen: 127.0.0.1:${port}, url: "http://127.0.0.1:${port}", registration: registration.yaml }
store: data/irc.db
irc: { networks: { local: { host: 127.0.0.1, port: ${await freePort()}, tls: false } } }
`,
  );
  mkdirSync(join(folder, 'data'), { mode: 0o700 });
  const [path, keysPath] = [join(folder, 'data/irc.db'), join(folder, 'data/irc.db.keys')];
  const withSecrets = async <Result>(use: (secrets: SealedSecrets) => Result | Promise<Result>): Promise<Result> => {
    const store = openStore(path, (thrown) => {
      throw thrown;
    });
    try {
      return await use(new SealedSecrets({ store, keys: await openKeys(keysPath, { mayCreate: true }) }));
    } finally {
      await store.close();
    }
  };
  await withSecrets((secrets) => secrets.set('token', 'xoxb'));
  const sealing = (): { id: string }[] => JSON.parse(readFileSync(keysPath, 'utf8')).sealing;
  const [first] = sealing();

  assert.match((await cli('keys', 'irc.yaml')).stdout, /holds 1 key to seal with and 1 key to sign with/);
  assert.match((await cli('keys', 'irc.yaml', '--rotate')).stdout, /1 secret sealed anew; links given out before stay good/);
  assert.deepEqual([sealing().length, sealing()[0]?.id === first?.id], [1, false]);
  assert.equal(await withSecrets((secrets) => secrets.get('token')), 'xoxb');

  assert.equal((await cli('register', 'irc.yaml')).code, 0);
  const run = async () => {
    const child = start(['run', 'irc.yaml'], { cwd: folder });
    t.after(() => child.kill('SIGKILL'));
    child.stdout?.resume();
    child.stderr?.resume();
    await until('the bridge to listen', async () => (await fetch(`http://127.0.0.1:${port}/health`)).status > 0 || undefined);
    return child;
  };
  const child = await run();
  assert.match((await cli('keys', 'irc.yaml', '--rotate')).stdout, /1 secret sealed anew/);
  assert.match((await cli('keys', 'irc.yaml')).stdout, /1 key to seal with and 3 keys to sign with/);
  child.kill('SIGTERM');
  await once(child, 'close');
  assert.equal(await withSecrets((secrets) => secrets.get('token')), 'xoxb');

  rmSync(keysPath);
  const refused = await cli('run', 'irc.yaml');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /KEYS_UNREADABLE: .*it is missing[\s\S]*keys FILE --rotate/);
  const asked = await cli('keys', 'irc.yaml');
  assert.equal(asked.code, 1);
  assert.match(asked.stderr, /KEYS_UNREADABLE: .*it is missing/);
  assert.equal(existsSync(keysPath), false, 'who asks makes none');
  assert.match((await cli('keys', 'irc.yaml', '--rotate')).stdout, /0 secrets sealed anew[\s\S]*1 secret could not be opened/);
});
