// A file of the homeserver's as networks get it: its true length, a stream as often as it is asked for, nothing left hanging.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openOutgoing } from '../../../bridge-core/appservice/outgoing-files.ts';
import { PermanentError } from '../../../bridge-core/errors.ts';
import { bothSides } from './kit.ts';

const named = { name: 'a.txt', type: undefined, bytes: 999 };

test('it is as long as the homeserver says, whatever its sender said, and reads from the start each time', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  fake.world.media.set('m1', { type: 'text/plain', name: 'a.txt', bytes: Buffer.from('all of its words') });
  const { file, close } = await openOutgoing(homeserver, { ...named, mxc: `mxc://${fake.domain}/m1` }, 'https://media.test/a.txt');
  assert.deepEqual([file.name, file.type, file.bytes, file.url], ['a.txt', 'text/plain', 16, 'https://media.test/a.txt']);
  for (let times = 0; times < 3; times += 1) assert.equal(await new Response(await file.open()).text(), 'all of its words');
  close();
});

test('one that nobody reads, or reads to its end, is let go', async (t) => {
  const { fake, homeserver } = await bothSides(t);
  fake.world.media.set('m1', { type: 'text/plain', name: 'a.txt', bytes: Buffer.alloc(5_000_000, 'x') });
  const wanted = { ...named, mxc: `mxc://${fake.domain}/m1` };
  (await openOutgoing(homeserver, wanted, undefined)).close();
  const { file, close } = await openOutgoing(homeserver, wanted, undefined);
  const reader = (await file.open()).getReader();
  assert.ok(((await reader.read()).value?.byteLength ?? 0) > 0);
  await reader.cancel();
  close();
});

test('one that is gone is known to be gone before anything is said', async (t) => {
  const { homeserver } = await bothSides(t);
  await assert.rejects(openOutgoing(homeserver, { ...named, mxc: 'mxc://hs.test/gone' }, undefined), PermanentError);
});
