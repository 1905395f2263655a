// Log lines that strangers cause: the first is told, the others are counted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seldom } from '../../bridge-core/seldom.ts';

test('told once a minute, with how many were left out', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const lines: object[] = [];
  const tell = seldom({ warn: (fields, message) => void lines.push({ ...fields, message }) }, 'refused');
  for (let number = 0; number < 5; number += 1) tell({ number });
  t.mock.timers.tick(60_000);
  tell({ number: 5 });
  assert.deepEqual(lines, [
    { number: 0, message: 'refused' },
    { number: 5, alsoSince: 4, message: 'refused' },
  ]);
});
