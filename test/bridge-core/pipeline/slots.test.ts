// Which part of a message an event is, as relations keep it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf, fileName, type Slot, slotName, slotOf } from '../../../bridge-core/pipeline/slots.ts';

test('a slot comes back as it went; plain text in its place needs none', () => {
  const file = fileName({ source: 'https://team.test/files/F1' });
  const slots: Slot[] = [
    { is: 'text', isCopy: false },
    { is: 'text', isCopy: true },
    { is: 'file', file, isCopy: false },
    { is: 'caption', file, isCopy: true },
    { is: 'lost', file, isCopy: false },
  ];
  for (const slot of slots) assert.deepEqual(slotOf(slotName(slot)), slot);
  assert.equal(slotName({ is: 'text', isCopy: false }), undefined);
  assert.equal(file, fileName({ source: 'https://team.test/files/F1' }));
  assert.notEqual(file, fileName({ source: 'https://team.test/files/F2' }));
});

test('a plain short line has no digest; whatever its words do not tell all of has one', () => {
  const text = (body: string, more = {}) => digestOf({ msgtype: 'm.text', body, ...more });
  assert.equal(text('hello'), undefined);
  assert.equal(text('x'.repeat(500)), undefined);
  const long = text('x'.repeat(501));
  assert.ok(long);
  assert.notEqual(long, text('x'.repeat(502)));
  const bold = text('hello', { formatted_body: '<b>hello</b>' });
  assert.notEqual(bold, text('hello', { formatted_body: '<i>hello</i>' }));
  assert.notEqual(digestOf({ msgtype: 'm.emote', body: 'hello' }), digestOf({ msgtype: 'm.notice', body: 'hello' }));
});
