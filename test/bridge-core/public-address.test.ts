// What is out in the world and what is not, however it is written or reached.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeniedError } from '../../bridge-core/errors.ts';
import { assertPublicHost, isPublicAddress, publicLookup } from '../../bridge-core/public-address.ts';

test('addresses inside, of any spelling, are not public', () => {
  for (const address of [
    ...['127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '255.255.255.255', '224.0.0.1'],
    ...[
      '::1',
      '::',
      '::ffff:127.0.0.1',
      '::ffff:10.0.0.1',
      'fe80::1',
      'fc00::1',
      'fd12::1',
      'ff02::1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '2001:db8::1',
    ],
    'localhost',
  ])
    assert.equal(isPublicAddress(address), false, address);
  for (const address of ['1.1.1.1', '172.15.0.1', '8.8.8.8', '2606:4700::1111', '2a01:4f8::1'])
    assert.equal(isPublicAddress(address), true, address);
});

test('a bare address in a URL is judged before anything is asked, a name when it is resolved', () => {
  for (const host of ['127.0.0.1', '[::1]', '10.0.0.1']) assert.throws(() => assertPublicHost(host), DeniedError, host);
  for (const host of ['1.1.1.1', '[2606:4700::1111]', 'localhost']) assertPublicHost(host);
});

test('of what a name resolves to, only what is out in the world is asked; of nothing else it is refused', async () => {
  const found = [
    { address: '10.0.0.1', family: 4 },
    { address: '1.1.1.1', family: 4 },
  ];
  const ask = (addresses: typeof found, options: object) =>
    new Promise((resolve, reject) => {
      const looking = publicLookup({
        resolve: ((_: string, __: object, done: (...given: unknown[]) => void) => done(null, addresses)) as never,
      });
      looking('name.test', options, (error, address) => (error === null ? resolve(address) : reject(error)));
    });
  assert.deepEqual(await ask(found, { all: true }), [{ address: '1.1.1.1', family: 4 }]);
  assert.equal(await ask(found, {}), '1.1.1.1');
  await assert.rejects(ask(found.slice(0, 1), {}), /name.test is no public address/);
  await assert.rejects(ask([], { all: true }), DeniedError);
});
