// Objects out of a stream, however it is cut.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ObjectScanner } from '../../../../bridges/gitter/wire/stream.ts';

const objects = [
  { id: '1', text: 'größer 🎉 {"a": "}"} \\ "quoted"' },
  { id: '2', deep: { deeper: [{ deepest: '\u2028 \\" {' }] } },
  { id: '3', text: '' },
];

for (const [style, between] of [
  ['CR between, LF to keep it alive', '\r\n\n\r'],
  ['LF between, a blank and LF to keep it alive', '\n \n \n'],
] as const) {
  test(`whole however it is cut: ${style}`, () => {
    const bytes = Buffer.from(` \n${objects.map((each) => JSON.stringify(each)).join(between)}${between}`);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 12 }), (cuts) => {
        const found: unknown[] = [];
        const scanner = new ObjectScanner((value) => found.push(value));
        let from = 0;
        for (const to of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
          scanner.take(bytes.subarray(from, to));
          from = to;
        }
        assert.deepEqual(found, objects);
      }),
      { numRuns: 200 },
    );
  });
}

test('what is no object is passed over', () => {
  const found: unknown[] = [];
  const scanner = new ObjectScanner((value) => found.push(value));
  scanner.take(Buffer.from('null [1] {broken} {"id":"1"} "words"\n'));
  assert.deepEqual(found, [{ id: '1' }]);
});
