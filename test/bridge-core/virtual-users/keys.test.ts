// The keys file: made once, for its owner alone, and what its keys promise.

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openKeys } from '../../../bridge-core/virtual-users/keys.ts';

function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-keys-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'bridge.db.keys');
}

test('the file is made once, readable by its owner alone, and read again as it is', async (t) => {
  const path = place(t);
  const first = await openKeys(path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(join(path, '..')), ['bridge.db.keys'], 'no draft is left');
  const again = await openKeys(path);
  assert.ok(again.verify('media x', first.sign('media x')));
  assert.equal(again.unseal(first.seal('password', '@alice:hs.test'), '@alice:hs.test'), 'password');
});

test('a signature holds for its text only, whole or cut to sixteen bytes', async (t) => {
  const keys = await openKeys(place(t));
  const mac = keys.sign('a');
  assert.ok(keys.verify('a', mac));
  assert.ok(keys.verify('a', mac.subarray(0, 16)));
  assert.ok(!keys.verify('b', mac));
  assert.ok(!keys.verify('a', mac.subarray(0, 15)), 'shorter is too easily guessed');
  assert.ok(!keys.verify('a', Buffer.alloc(0)));
  assert.ok(!keys.verify('a', Buffer.alloc(33)));
});

test('what is sealed opens unchanged, for its owner only, and never looks the same', async (t) => {
  const keys = await openKeys(place(t));
  const one = keys.seal('pässword', 'alice');
  assert.notEqual(one, keys.seal('pässword', 'alice'));
  assert.ok(!one.includes('ssword'));
  assert.equal(keys.unseal(one, 'alice'), 'pässword');
  assert.throws(() => keys.unseal(one, 'bob'), { code: 'KEYS_UNREADABLE' });
  const last = one.at(-1) === 'A' ? 'Q' : 'A';
  for (const broken of [one.slice(0, -1) + last, one.slice(0, 12), 'nonsense', '', 'ffffffff.AAAA']) {
    assert.throws(() => keys.unseal(broken, 'alice'), { code: 'KEYS_UNREADABLE' }, broken);
  }
});

test('after a rotation the old is still understood and the new is used', async (t) => {
  const path = place(t);
  const keys = await openKeys(path);
  const signature = keys.sign('a');
  const sealed = keys.seal('x', 'alice');
  await keys.rotate();
  assert.notDeepEqual(keys.sign('a'), signature);
  const reopened = await openKeys(path);
  for (const ring of [keys, reopened]) {
    assert.ok(ring.verify('a', signature));
    assert.equal(ring.unseal(sealed, 'alice'), 'x');
  }
  assert.deepEqual(reopened.sign('a'), keys.sign('a'));
});

test('a file that others may read, or that is damaged, is refused and left as it is', async (t) => {
  const path = place(t);
  await openKeys(path);
  const text = readFileSync(path, 'utf8');
  for (const mode of [0o640, 0o604, 0o660]) {
    chmodSync(path, mode);
    await assert.rejects(openKeys(path), { code: 'KEYS_UNREADABLE', message: /chmod 600/ });
  }
  assert.equal(readFileSync(path, 'utf8'), text);
  for (const damaged of ['', '{', '{"signing":[],"sealing":[]}', text.replaceAll('"key"', '"kee"')]) {
    writeFileSync(path, damaged);
    chmodSync(path, 0o600);
    await assert.rejects(openKeys(path), { code: 'KEYS_UNREADABLE' }, damaged);
  }
});

test('a missing file is no reason to make a new one where the store needs the old', async (t) => {
  const path = place(t);
  await assert.rejects(openKeys(path, { mayCreate: false }), { code: 'KEYS_UNREADABLE', message: /missing/ });
  assert.deepEqual(readdirSync(join(path, '..')), []);
});
