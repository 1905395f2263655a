import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutLane } from '../../../../bridges/irc/wire/connection.ts';
import { type Clock, FloodControl } from '../../../../bridges/irc/wire/flood-control.ts';

/** Time that passes only when told to. */
function fakeClock(): Clock & { advance(ms: number): Promise<void>; readonly timers: number } {
  let now = 1_000;
  let due: { at: number; call: () => void }[] = [];
  return {
    now: () => now,
    after(ms, call) {
      const timer = { at: now + ms, call };
      due.push(timer);
      return () => {
        due = due.filter((each) => each !== timer);
      };
    },
    get timers() {
      return due.length;
    },
    async advance(ms) {
      const end = now + ms;
      for (let next = earliest(); next !== undefined && next.at <= end; next = earliest()) {
        now = next.at;
        due = due.filter((each) => each !== next);
        next.call();
        await Promise.resolve();
      }
      now = end;
    },
  };
  function earliest() {
    return due.toSorted((a, b) => a.at - b.at)[0];
  }
}

function control(burst = 4, every = 2_000) {
  const clock = fakeClock();
  const sent: string[] = [];
  const flood = new FloodControl({ burst, every, clock, write: (text) => void sent.push(text) });
  const send = (text: string, lane: OutLane = 'message', target = '#tea') => {
    const waiting = flood.send(text, lane, target);
    waiting?.catch(() => {});
    return waiting;
  };
  return { clock, sent, flood, send };
}

test('a burst leaves at once, the rest one by one as tokens come', async () => {
  const { clock, sent, send } = control();
  for (let i = 0; i < 7; i++) send(`line ${i}`);
  assert.equal(sent.length, 4);
  await clock.advance(1_990);
  assert.equal(sent.length, 4);
  await clock.advance(20);
  assert.equal(sent.length, 5);
  await clock.advance(4_000);
  assert.equal(sent.length, 7);
  assert.equal(clock.timers, 0, 'nothing waits, no timer runs');
});

test('over any stretch of time no more is sent than the bucket allows', async () => {
  const { clock, sent, send } = control(5, 1_000);
  const begun = clock.now();
  for (let i = 0; i < 60; i++) {
    send(`x${i}`);
    await clock.advance(i % 7 === 0 ? 900 : 130);
    assert.ok(sent.length <= 5 + (clock.now() - begun) / 1_000);
  }
});

test('a long line costs more than a short one', async () => {
  const { clock, sent, send } = control(4, 1_000);
  for (let i = 0; i < 3; i++) send('y'.repeat(480));
  assert.equal(sent.length, 1, '2.5 tokens each');
  await clock.advance(1_001);
  assert.equal(sent.length, 2);
  await clock.advance(2_501);
  assert.equal(sent.length, 3);
});

test('a line dearer than the whole bucket is sent with a full one', async () => {
  const { clock, sent, send } = control(1, 1_000);
  send('z'.repeat(500));
  assert.equal(sent.length, 1);
  send('z'.repeat(500));
  await clock.advance(1_001);
  assert.equal(sent.length, 2);
});

test('commands go before lines, and lines before automatic answers', async () => {
  const { clock, sent, send } = control(1, 100);
  send('first');
  send('answer', 'reply');
  send('line');
  send('JOIN', 'command');
  send('line two');
  send('NICK', 'command');
  await clock.advance(1_000);
  assert.deepEqual(sent, ['first', 'JOIN', 'NICK', 'line', 'line two', 'answer']);
});

test('targets take turns, and each keeps its order', async () => {
  const { clock, sent, send } = control(1, 100);
  send('free');
  for (let i = 0; i < 4; i++) send(`flood ${i}`, 'message', '#flood');
  send('quiet 0', 'message', '#quiet');
  send('quiet 1', 'message', '#quiet');
  send('other 0', 'message', '#other');
  await clock.advance(2_000);
  assert.deepEqual(sent.slice(1), ['flood 0', 'quiet 0', 'other 0', 'flood 1', 'quiet 1', 'flood 2', 'flood 3']);
});

test('what is urgent never waits, and is charged all the same', async () => {
  const { clock, sent, send } = control(2, 1_000);
  send('a');
  send('b');
  send('c');
  assert.equal(send('PONG', 'urgent'), undefined);
  assert.deepEqual(sent, ['a', 'b', 'PONG']);
  await clock.advance(1_500);
  assert.equal(sent.length, 3, 'its token is owed first');
  await clock.advance(600);
  assert.equal(sent.at(-1), 'c');
});

test('a send resolves when its line was written, in no other order', async () => {
  const { clock, send } = control(1, 100);
  const done: string[] = [];
  assert.equal(send('now'), undefined);
  for (const name of ['one', 'two', 'three']) send(name)?.then(() => done.push(name));
  await clock.advance(110);
  assert.deepEqual(done, ['one']);
  await clock.advance(300);
  assert.deepEqual(done, ['one', 'two', 'three']);
});

test('automatic answers that nobody can take any more are refused, not hoarded', async () => {
  const { send } = control(1, 100);
  send('a');
  const answers = Array.from({ length: 30 }, () => send('answer', 'reply'));
  await assert.rejects(async () => await answers.at(-1), { code: 'NETWORK_BUSY' });
});

test('a barrier passes when all that waited before it was written, whatever came after', async () => {
  const { clock, sent, flood, send } = control(1, 100);
  let passed = 0;
  flood.afterQueued(() => passed++);
  assert.equal(passed, 1, 'nothing waits');
  send('now');
  send('answer', 'reply');
  send('line');
  flood.afterQueued(() => {
    passed++;
    sent.push('PING');
  });
  for (let i = 0; i < 3; i++) send(`later ${i}`);
  await clock.advance(2_000);
  assert.equal(passed, 2);
  assert.ok(sent.indexOf('PING') > sent.indexOf('answer') && sent.indexOf('PING') > sent.indexOf('line'));
});

test('when the connection is gone, all that waits fails and nothing runs on', async () => {
  const { clock, sent, flood, send } = control(1, 100);
  send('a');
  const waiting = [send('b'), send('c', 'command'), send('d', 'reply')];
  flood.drop(new Error('gone'));
  for (const each of waiting) await assert.rejects(async () => await each, /gone/);
  await clock.advance(1_000);
  assert.deepEqual(sent, ['a']);
  assert.equal(clock.timers, 0);
  assert.equal(flood.waiting, 0);
});
