// How faults are said: paths there and back, the nearest right name, order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inOrder, nearest, parsePath, printFault, printPath } from '../../config/faults.ts';

test('a path is printed with dots and read back the same', () => {
  assert.equal(printPath(['irc', 'links', 0, 'room']), 'irc.links[0].room');
  assert.equal(printPath(['permissions', '@op:example.org']), 'permissions["@op:example.org"]');
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.nat(1000)), { minLength: 1, maxLength: 5 }), (path) => {
      assert.deepEqual(parsePath(printPath(path)), path);
    }),
  );
});

test('what is no path is none', () => {
  for (const text of ['', '.', 'a..b', 'a[', 'a[x]', 'a b', '.a', 'a["\\x"]']) assert.equal(parsePath(text), undefined, text);
});

test('the nearest name is found over a slip, and none where nothing is near', () => {
  const names = ['host', 'port', 'tls', 'puppets', 'puppet_nick', 'in_flight'];
  assert.equal(nearest('prot', names), 'port');
  assert.equal(nearest('puppet', names), 'puppets');
  assert.equal(nearest('inflight', names), 'in_flight');
  assert.equal(nearest('PORT', names), 'port');
  assert.equal(nearest('certificate', names), undefined);
});

test('a fault says place, path, found, allowed and hint, and leaves out what it has not', () => {
  const fault = { file: 'irc.yaml', line: 3, column: 5, path: 'log.level', found: '"loud"', allowed: 'debug, info', hint: '' };
  assert.equal(printFault(fault), 'irc.yaml:3:5  log.level\n    found:   "loud"\n    allowed: debug, info');
  assert.match(printFault({ ...fault, file: 'option --set x', line: 0, hint: 'h' }), /^option --set x {2}log\.level\n[\s\S]*hint: {4}h$/);
});

test('faults come in the order of the file, those from elsewhere last', () => {
  const fault = (line: number, column: number) => ({ file: 'f', line, column, path: '', found: '', allowed: '', hint: '' });
  const sorted = inOrder([fault(0, 0), fault(10, 1), fault(2, 9), fault(2, 3)]);
  assert.deepEqual(
    sorted.map(({ line, column }) => [line, column]),
    [
      [2, 3],
      [2, 9],
      [10, 1],
      [0, 0],
    ],
  );
});
