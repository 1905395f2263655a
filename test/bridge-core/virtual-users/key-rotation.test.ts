// New keys: what was sealed opens at every instant, before, between and after; links that were signed stay good.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { remoteUserId, userId } from '../../../bridge-core/ids.ts';
import type { Login } from '../../../bridge-core/logins.ts';
import type { SqliteStore } from '../../../bridge-core/store/sqlite.ts';
import { rotateKeys } from '../../../bridge-core/virtual-users/key-rotation.ts';
import { type Keys, openKeys } from '../../../bridge-core/virtual-users/keys.ts';
import { Logins } from '../../../bridge-core/virtual-users/logins.ts';
import { SealedSecrets } from '../../../bridge-core/virtual-users/sealed-secrets.ts';
import { openTempStore } from '../../support/temp-store.ts';
import { collectLog } from '../rig.ts';

const ada = userId('@ada:hs.test');
const account = remoteUserId('acme/ada');

async function open(t: TestContext) {
  const temp = openTempStore(t);
  const path = `${temp.path}.keys`;
  const keys = await openKeys(path);
  const given: Login[] = [];
  const make = (store: SqliteStore, with_: Keys) => ({
    secrets: new SealedSecrets({ store, keys: with_ }),
    logins: new Logins({ store, keys: with_, log: collectLog(), adapter: { signIn: async (login) => void given.push(login) } }),
  });
  const parts = make(temp.store, keys);
  await parts.secrets.set('bot', 'xoxb');
  await parts.logins.add(ada, { account, network: 'acme', name: 'ada on Acme', credentials: { token: 't' } });
  given.length = 0;
  return { temp, path, keys, given, make, ...parts };
}

const ring = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as { sealing: unknown[]; signing: unknown[] };

test('after a rotation the new keys alone open all that is sealed, and old signatures are good', async (t) => {
  const { temp, path, keys, given, make, secrets, logins } = await open(t);
  const before = { secret: temp.committed('SELECT sealed FROM secrets'), login: temp.committed('SELECT sealed FROM logins') };
  const mac = keys.sign('media x');
  assert.deepEqual(await rotateKeys({ keys, store: temp.store, sealed: [secrets, logins] }), { done: 2, lost: 0 });
  assert.deepEqual([ring(path).sealing.length, ring(path).signing.length], [1, 2]);
  assert.notEqual(temp.committed('SELECT sealed FROM secrets'), before.secret);
  assert.notEqual(temp.committed('SELECT sealed FROM logins'), before.login);
  assert.equal(secrets.get('bot'), 'xoxb');
  const anew = make(await temp.reopen(), await openKeys(path));
  assert.equal(anew.secrets.get('bot'), 'xoxb');
  anew.logins.start();
  await new Promise(setImmediate);
  assert.deepEqual(given[0]?.credentials, { token: 't' });
  assert.ok((await openKeys(path)).verify('media x', mac));
  // What was copied off before is shut to whoever has the keys of now.
  assert.throws(() => keys.unseal(String(before.secret), 'secret bot'), { code: 'KEYS_UNREADABLE' });
});

test('killed in between, everything opens; the next rotation drops what the first left', async (t) => {
  const { temp, path, keys, make } = await open(t);
  // After the new keys are on disk, before anything is sealed with them.
  await keys.rotate();
  const anew = make(await temp.reopen(), await openKeys(path));
  assert.equal(anew.secrets.get('bot'), 'xoxb');
  // After all is sealed anew, before the old keys are dropped.
  const broken = { ...bound(keys), retire: () => Promise.reject(new Error('killed')) };
  await assert.rejects(rotateKeys({ keys: broken, store: temp.store, sealed: [anew.secrets, anew.logins] }), /killed/);
  const again = await openKeys(path);
  assert.equal(ring(path).sealing.length, 3);
  const third = make(await temp.reopen(), again);
  assert.equal(third.secrets.get('bot'), 'xoxb');
  assert.deepEqual(await rotateKeys({ keys: again, store: temp.store, sealed: [third.secrets, third.logins] }), { done: 2, lost: 0 });
  assert.equal(ring(path).sealing.length, 1);
  assert.equal(third.secrets.get('bot'), 'xoxb');
});

test('a write that fails keeps the old keys', async (t) => {
  const { temp, path, keys, secrets } = await open(t);
  const failing = {
    sealAnew: (): never => {
      throw new Error('disk full');
    },
  };
  await assert.rejects(rotateKeys({ keys, store: temp.store, sealed: [secrets, failing] }), /disk full/);
  assert.equal(ring(path).sealing.length, 2);
  assert.equal(secrets.get('bot'), 'xoxb');
  assert.equal(new SealedSecrets({ store: await temp.reopen(), keys: await openKeys(path) }).get('bot'), 'xoxb');
});

test('what is set while keys rotate is neither lost nor undone', async (t) => {
  const { temp, path, keys, secrets, logins } = await open(t);
  const rotating = rotateKeys({ keys, store: temp.store, sealed: [secrets, logins] });
  await Promise.all([secrets.set('bot', 'fresh'), secrets.set('more', 'm'), rotating]);
  assert.deepEqual([secrets.get('bot'), secrets.get('more')], ['fresh', 'm']);
  const anew = new SealedSecrets({ store: await temp.reopen(), keys: await openKeys(path) });
  assert.deepEqual([anew.get('bot'), anew.get('more')], ['fresh', 'm']);
});

test('what no key opens is left as it is and told of, and holds nothing up', async (t) => {
  const { temp, keys, secrets, logins } = await open(t);
  await temp.store.write(() => temp.store.prepare("INSERT INTO secrets (name, sealed) VALUES ('lost', 'x.y')").run());
  assert.deepEqual(await rotateKeys({ keys, store: temp.store, sealed: [secrets, logins] }), { done: 2, lost: 1 });
  assert.equal(temp.committed("SELECT sealed FROM secrets WHERE name = 'lost'"), 'x.y');
});

const bound = (keys: Keys) => ({ rotate: () => keys.rotate() });
