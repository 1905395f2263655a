import assert from 'node:assert/strict';
import { test } from 'node:test';
import { colourNumbered, nearestNumber } from '../../../bridges/irc/palette.ts';

test('every number from 0 to 98 has a colour, which is its own nearest', () => {
  for (let number = 0; number <= 98; number += 1) {
    const colour = colourNumbered(number) ?? '';
    assert.match(colour, /^#[0-9a-f]{6}$/);
    assert.equal(colourNumbered(nearestNumber(colour)), colour);
  }
  assert.equal(colourNumbered(99), undefined);
});

test('of equal colours the oldest number is taken, of others the nearest', () => {
  assert.equal(nearestNumber('#ffffff'), 0);
  assert.equal(nearestNumber('#000000'), 1);
  assert.equal(nearestNumber('#fe0102'), 4);
  assert.equal(nearestNumber('#121212'), 89);
});
