// Durations as settings write them, and keys as code names them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { camelKeys } from '../../bridge-core/casing.ts';
import { parseDuration, printDuration } from '../../bridge-core/durations.ts';

test('a duration is a number and its unit', () => {
  assert.deepEqual(
    ['500ms', '60s', '2m', '1.5h', '30d', '1w', ' 5 s '].map(parseDuration),
    [500, 60_000, 120_000, 5_400_000, 2_592_000_000, 604_800_000, 5_000],
  );
});

test('a number without a unit, a sign or another unit is none', () => {
  for (const text of ['60', '', '-5s', '5 min', '5S', 's', '1e3s', `${'9'.repeat(30)}d`])
    assert.equal(parseDuration(text), undefined, text);
});

test('what is printed is read back the same', () => {
  assert.equal(printDuration(90_000), '90s');
  fc.assert(fc.property(fc.nat(), (ms) => assert.equal(parseDuration(printDuration(ms)), ms)));
});

test('keys of one level become camelCase, and names below stay as people chose them', () => {
  assert.deepEqual(camelKeys({ in_flight: 1, puppet_nick_long: { my_net: 2 }, plain: 3 }), {
    inFlight: 1,
    puppetNickLong: { my_net: 2 },
    plain: 3,
  });
  assert.deepEqual(Object.keys(camelKeys(JSON.parse('{"__proto__": 1}'))), ['__proto__']);
});
