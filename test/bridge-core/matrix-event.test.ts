// What a homeserver may send, at the door: narrowed to the shapes that it says, or named as what is wrong with it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type MatrixEvent, narrow, narrowEphemeral, relationOf, replyTargetOf } from '../../bridge-core/matrix-event.ts';

const raw = {
  event_id: '$e',
  room_id: '!r',
  sender: '@alice:hs.test',
  type: 'm.room.message',
  origin_server_ts: 1_700_000_000_000,
  content: { msgtype: 'm.text', body: 'hello' },
};

function event(more: object = {}): MatrixEvent {
  const narrowed = narrow({ ...raw, ...more });
  return 'fault' in narrowed ? assert.fail(narrowed.fault) : narrowed;
}

const fault = (more: object) => {
  const narrowed = narrow({ ...raw, ...more });
  return 'fault' in narrowed ? narrowed.fault : undefined;
};

test('an event has what it says, and nothing that it does not', () => {
  assert.deepEqual(event(), {
    ...{ id: '$e', room: '!r', sender: '@alice:hs.test', type: 'm.room.message', at: 1_700_000_000_000 },
    content: { msgtype: 'm.text', body: 'hello' },
  });
  assert.equal(event({ state_key: '' }).stateKey, '');
  const was = event({ unsigned: { prev_content: { topic: 'old' }, prev_sender: '@bob:hs.test' } }).was;
  assert.deepEqual(was, { content: { topic: 'old' }, sender: '@bob:hs.test' });
});

test('what it cannot be without is named where it is missing or of the wrong kind', () => {
  assert.deepEqual([narrow(null), narrow([]), narrow('x')], Array(3).fill({ fault: 'not an object' }));
  assert.equal(fault({ event_id: 7 }), 'event_id');
  assert.equal(fault({ event_id: `$${'x'.repeat(255)}` }), 'event_id');
  assert.equal(fault({ room_id: '#alias:hs.test' }), 'room_id');
  assert.equal(fault({ sender: '@nowhere' }), 'sender');
  assert.equal(fault({ type: {} }), 'type');
});

test('the rest is left out where it is of the wrong kind', () => {
  const odd = event({ content: 'text', state_key: 3, unsigned: [], redacts: '$x' });
  assert.deepEqual([odd.content, odd.stateKey, odd.was, odd.redacts], [{}, undefined, undefined, undefined]);
});

test('a redaction names its target on the event or in its content', () => {
  assert.equal(event({ type: 'm.room.redaction', redacts: '$x' }).redacts, '$x');
  assert.equal(event({ type: 'm.room.redaction', content: { redacts: '$y' } }).redacts, '$y');
  assert.equal(event({ type: 'm.room.redaction', content: { redacts: 1 } }).redacts, undefined);
});

test('a time in the future, before 1970 or beyond all dates is the time of arrival', () => {
  const before = Date.now();
  for (const ts of [Date.now() + 1e9, -1, -9_007_199_254_740_991, 8.64e15 + 1, 1.5, Number.NaN, '1', null]) {
    const { at } = event({ origin_server_ts: ts });
    assert.ok(at >= before && at <= Date.now(), `${ts} became ${at}`);
    assert.doesNotThrow(() => new Date(at).toISOString());
  }
});

test('names like __proto__ are names like others', () => {
  const parsed = JSON.parse('{"__proto__":{"stateKey":"x","msgtype":"m.text"},"constructor":1}');
  const { content, ...rest } = event({ content: parsed });
  assert.ok(Object.hasOwn(content, '__proto__') && !('stateKey' in rest) && content.msgtype === undefined);
});

test('relations are read only in their own shape', () => {
  const edit = event({ content: { 'm.relates_to': { rel_type: 'm.replace', event_id: '$x' } } });
  assert.deepEqual([relationOf(edit, 'm.replace'), relationOf(edit, 'm.annotation')], ['$x', undefined]);
  for (const relates of [null, [], 'x', { rel_type: 'm.replace', event_id: {} }, { 'm.in_reply_to': '$x' }]) {
    const odd = event({ content: { 'm.relates_to': relates } });
    assert.deepEqual([relationOf(odd, 'm.replace'), replyTargetOf(odd)], [undefined, undefined]);
  }
});

test('whatever comes, it is an event, a fault or nothing, and never a throw', () => {
  fc.assert(
    fc.property(
      fc.anything(),
      fc.dictionary(fc.constantFrom(...Object.keys(raw), 'state_key', 'unsigned', 'redacts'), fc.anything()),
      (any, some) => {
        narrow(any);
        narrowEphemeral(any);
        const narrowed = narrow({ ...raw, ...some });
        if ('fault' in narrowed) return;
        relationOf(narrowed, 'm.thread');
        replyTargetOf(narrowed);
        assert.equal(typeof narrowed.at, 'number');
      },
    ),
    { numRuns: 300 },
  );
});
