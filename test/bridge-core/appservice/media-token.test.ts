// What an address of ours says of a file: packed and read back as it was, or not packed at all.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventBytes, pack, parseMxc, unpack } from '../../../bridge-core/appservice/media-token.ts';

const event = Buffer.alloc(eventBytes, 7).toString('base64url');

test('what is packed is read back whole', () => {
  for (const server of ['hs.test', 'far.test:8448', '[2001:db8::1]:8448', 'a'.repeat(127)])
    for (const digest of ['', event]) {
      const named = { server, media: 'AbC_1-~.', event: digest };
      assert.deepEqual(unpack(pack(named, 'hs.test'), 'hs.test'), named);
    }
});

test('a server whose name has no room, or is none, is nobody’s: never another one’s, cut', () => {
  for (const server of ['a'.repeat(128), 'é'.repeat(64), `${'a'.repeat(126)}😀`, '😀'.repeat(40), 'far test', ''])
    assert.equal(parseMxc(`mxc://${server}/abc`), undefined, server);
  assert.deepEqual(parseMxc(`mxc://${'a'.repeat(127)}/abc`), { server: 'a'.repeat(127), media: 'abc' });
});
