// Order, retries, parking and outages, over a real journal with delays of a few milliseconds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { states } from '../../../bridge-core/pipeline/row.ts';
import { until } from '../../support/waiting.ts';
import { away, busy, nameOf, newRow, openLanesRig, quiet } from './lanes-rig.ts';

test('rows of a lane go one after another, those of two lanes side by side', async (t) => {
  const rig = openLanesRig(t);
  let release = () => {};
  rig.script('slow', () => new Promise<void>((resolve) => (release = resolve)));
  await rig.say('one', 'slow', 'after');
  await rig.say('two', 'x', 'y');
  await rig.ended(2);
  assert.deepEqual(rig.tries, ['slow', 'x', 'y']);
  release();
  await rig.ended(4);
  assert.deepEqual(rig.delivered, ['x', 'y', 'slow', 'after']);
});

test('a failure that may pass holds the lane, and order is kept', async (t) => {
  const rig = openLanesRig(t);
  rig.script('1', 'later', 'later');
  rig.script('2', 'unknown');
  await rig.say('lane', '1', '2', '3');
  await rig.ended(3);
  assert.deepEqual(rig.tries, ['1', '1', '1', '2', '2', '3']);
  assert.deepEqual(rig.delivered, ['1', '2', '3']);
  assert.equal(rig.committed('SELECT count(*) FROM journal'), 0);
});

test('a delay that the other side named is kept', async (t) => {
  const rig = openLanesRig(t);
  rig.script('1', busy(120));
  const began = performance.now();
  await rig.say('lane', '1');
  await rig.ended(1);
  assert.ok(performance.now() - began >= 115);
});

test('an unknown outcome is remembered on the row, a definite failure is not', async (t) => {
  const rig = openLanesRig(t);
  rig.script('unsure', 'unknown');
  rig.script('sure', 'later');
  const [unsure] = await rig.say('one', 'unsure');
  const [sure] = await rig.say('two', 'sure');
  await rig.ended(2);
  assert.ok((unsure?.unknownSince ?? 0) > 0);
  assert.equal(sure?.unknownSince, 0);
});

test('a row that keeps failing while others are served is parked, later ones of its speaker behind it, and the rest go on', async (t) => {
  const rig = openLanesRig(t);
  rig.fails('a1', () => rig.delivered.includes('b3'));
  await rig.say('room', 'a:a1', 'b:b1', 'a:a2', 'b:b2', 'a:a3');
  await rig.ended(2);
  assert.deepEqual(rig.delivered, ['b1', 'b2']);
  assert.equal(rig.probes, 1, 'nobody else was served, so it was asked');
  await until('the state on disk', () => rig.committed(`SELECT count(*) FROM journal WHERE state = ${states.parked}`) === 3);
  assert.equal(rig.lanes.waiting(), 0);
  await rig.say('room', 'a:a4', 'b:b3');
  await rig.ended(7);
  assert.deepEqual(
    rig.delivered.filter((name) => name.startsWith('a')),
    ['a1', 'a2', 'a3', 'a4'],
  );
  assert.equal(rig.delivered[2], 'b3');
});

test('while another lane is served nobody needs to be asked whether the other side lives', async (t) => {
  const rig = openLanesRig(t);
  rig.script('bad', 'later', async () => {
    await rig.say('other', 'good');
    await until('the other', () => rig.delivered.includes('good'));
    throw busy();
  });
  rig.script('bad', 'later', 'later', 'later');
  await rig.say('lane', 'bad');
  await rig.ended(2);
  assert.equal(rig.probes, 0);
});

test('parking also comes by time', async (t) => {
  const rig = openLanesRig(t, { timing: { parkTries: 1_000, parkAfter: 60, firstDelay: 10, maxDelay: 15 } });
  rig.fails('a1', () => false);
  await rig.say('room', 'a:a1', 'b:b1');
  await rig.ended(1);
  assert.deepEqual(rig.delivered, ['b1']);
});

test('a parked row that still fails keeps the others of its speaker behind it', async (t) => {
  const rig = openLanesRig(t);
  rig.script('a1', ...Array.from({ length: 6 }, () => 'later' as const));
  rig.script('a2', 'later');
  await rig.say('room', 'a:a1', 'a:a2', 'a:a3');
  await rig.ended(3);
  assert.deepEqual(rig.delivered, ['a1', 'a2', 'a3']);
  assert.equal(rig.tries.filter((name) => name === 'a1').length, 7);
});

test('once the last parked row is gone its speaker is served at once again', async (t) => {
  const rig = openLanesRig(t);
  rig.script('a1', 'later', 'later', 'later');
  await rig.say('room', 'a:a1');
  await rig.ended(1);
  await rig.say('room', 'a:a2');
  await rig.ended(2);
  assert.deepEqual(rig.tries, ['a1', 'a1', 'a1', 'a1', 'a2']);
});

test('a refusal for good buries the row, and the next goes on', async (t) => {
  const rig = openLanesRig(t);
  rig.script('1', 'never');
  await rig.say('lane', '1', '2');
  await rig.ended(2);
  assert.deepEqual(rig.buried, [{ name: '1', code: 'NETWORK_REFUSED' }]);
  assert.deepEqual(rig.delivered, ['2']);
  assert.equal(rig.committed(`SELECT state FROM journal`), states.dead);
});

test('what is thrown and is no error of the catalogue is a defect: buried, not tried for ever', async (t) => {
  const rig = openLanesRig(t);
  rig.script('1', new TypeError('undefined is not a function'));
  await rig.say('lane', '1', '2');
  await rig.ended(2);
  assert.deepEqual(rig.buried, [{ name: '1', code: 'DEFECT' }]);
});

test('a refusal is mended once, then counts', async (t) => {
  const mended: string[] = [];
  const rig = openLanesRig(t, { mend: async (row) => mended.push(nameOf(row)) > 0 });
  rig.script('1', 'never');
  rig.script('2', 'never', 'never');
  await rig.say('lane', '1', '2');
  await rig.ended(2);
  assert.deepEqual(mended, ['1', '2']);
  assert.deepEqual(rig.delivered, ['1']);
  assert.deepEqual(rig.buried, [{ name: '2', code: 'NETWORK_REFUSED' }]);
});

test('a burial that cannot be written down is tried again', async (t) => {
  let times = 0;
  const rig = openLanesRig(t, {
    bury: async (row) => {
      times += 1;
      if (times === 1) throw busy();
      rig.buried.push({ name: nameOf(row), code: '' });
    },
  });
  rig.script('1', 'never', 'never');
  await rig.say('lane', '1', '2');
  await rig.ended(2);
  assert.equal(times, 2);
  assert.deepEqual(rig.delivered, ['2']);
});

test('older than its age, a row is dead without a try', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const rig = openLanesRig(t, { age: 5_000 });
  let release = () => {};
  rig.script('1', () => new Promise<void>((resolve) => (release = resolve)));
  await rig.say('lane', '1', '2');
  await until('the try', () => rig.tries.length === 1);
  t.mock.timers.tick(5_001);
  release();
  await rig.ended(2);
  assert.deepEqual(rig.tries, ['1']);
  assert.deepEqual(rig.buried, [{ name: '2', code: 'TOO_OLD' }]);
});

test('a row revived by command has no age', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const rig = openLanesRig(t, { age: 5_000 });
  const row = await rig.store.write(() => rig.journal.append(newRow('lane', 'x')));
  row.progress = { revived: true };
  t.mock.timers.tick(5_001);
  rig.lanes.push(row);
  await rig.ended(1);
  assert.deepEqual(rig.delivered, ['x']);
});

test('the other side away is no try: all lanes wait, one probe a period, and order is kept', async (t) => {
  const rig = openLanesRig(t, { timing: { probeEvery: 40 } });
  rig.isUp = false;
  const began = performance.now();
  const rows = await rig.say('one', '1', '2');
  await rig.say('two', 'x', 'y');
  await until('some probes', () => rig.probes >= 5);
  const periods = (performance.now() - began) / 40;
  assert.ok(rig.tries.length <= 2, `${rig.tries}`);
  assert.ok(rig.probes <= periods + 2, `${rig.probes} probes in ${periods} periods`);
  assert.equal(rows[0]?.attempts, 0);
  rig.isUp = true;
  await rig.ended(4);
  assert.deepEqual(
    rig.delivered.filter((name) => '12'.includes(name)),
    ['1', '2'],
  );
});

test('whatever is heard from the other side ends the wait at once', async (t) => {
  const told: string[] = [];
  const log = { ...quiet, warn: (_: object, message: string) => void told.push(message) };
  const rig = openLanesRig(t, { timing: { probeEvery: 60_000 }, log });
  rig.isUp = false;
  await rig.say('one', '1');
  await rig.say('two', 'x');
  await until('the outage', () => told.length === 1);
  const before = rig.probes;
  rig.isUp = true;
  rig.lanes.resume('net');
  await rig.ended(2);
  assert.equal(rig.probes, before);
});

test('a side that speaks and does not listen is one outage: tried at its word, yet not at each, told of once', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const told: string[] = [];
  const log = {
    ...quiet,
    warn: (_: object, message: string) => void told.push(message),
    info: (_: object, message: string) => void told.push(message),
  };
  const news: unknown[] = [];
  const rig = openLanesRig(t, { timing: { probeEvery: 60_000, tellAfter: 400 }, log, outage: (...each) => news.push(each) });
  rig.isUp = false;
  await rig.say('lane', '1');
  await until('the outage', () => told.length === 1);
  for (let word = 0; word < 30; word += 1) {
    rig.lanes.heardFrom('net');
    await until('the second try', () => rig.tries.length >= 2);
    t.mock.timers.tick(20);
  }
  assert.equal(rig.tries.length, 2);
  await until('the news', () => news.length > 0);
  assert.deepEqual(news, [['net', false, ['lane']]]);
  rig.isUp = true;
  t.mock.timers.tick(400);
  rig.lanes.heardFrom('net');
  await rig.ended(1);
  assert.deepEqual(news.length, 2);
  assert.deepEqual(told, ['away; what is for it waits in the journal', 'back; delivering what waited']);
});

test('word from the other side in the very moment in which a lane begins to wait is not missed', async (t) => {
  let onOutage = () => {};
  const log = { ...quiet, warn: () => onOutage() };
  const rig = openLanesRig(t, { timing: { probeEvery: 60_000 }, probe: async () => false, log });
  for (let depth = 1; depth <= 12; depth += 1) {
    onOutage = () => {
      let hops = depth;
      const hop = (): void => void (hops-- > 0 ? Promise.resolve().then(hop) : rig.lanes.resume('net'));
      hop();
    };
    rig.script(`d${depth}`, 'away');
    await rig.say('lane', `d${depth}`);
    await rig.ended(depth);
  }
});

test('an outage of one network holds up no other', async (t) => {
  const rig = openLanesRig(t, { scopeOf: (row) => row.lane, probe: async (scope) => scope !== 'libera' || rig.tries.length > 1 });
  rig.script('1', 'away');
  await rig.say('libera', '1');
  await rig.say('oftc', 'x');
  await rig.ended(2);
  assert.deepEqual(rig.delivered, ['x', '1']);
});

test('failing for all is an outage too: nobody is parked, and the tries made meanwhile do not count', async (t) => {
  const rig = openLanesRig(t);
  rig.script('a1', 'later', 'later', () => {
    rig.isUp = false;
    throw busy();
  });
  await rig.say('room', 'a:a1', 'b:b1');
  await until('the outage', () => rig.probes >= 2);
  // Back, and for one more try not quite itself: that is the first failure of a new count.
  rig.script('a1', 'later');
  rig.isUp = true;
  await rig.ended(2);
  assert.deepEqual(rig.delivered, ['a1', 'b1']);
});

test('rows grow old during an outage and their senders are told then, not when it ends', async (t) => {
  const told: string[] = [];
  const log = { ...quiet, warn: (_: object, message: string) => void told.push(message) };
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const rig = openLanesRig(t, { age: 100, log });
  rig.isUp = false;
  await rig.say('lane', '1');
  await until('the outage', () => told.length === 1);
  t.mock.timers.tick(101);
  await rig.say('lane', '2');
  await rig.ended(1);
  assert.deepEqual(rig.buried, [{ name: '1', code: 'TOO_OLD' }]);
  rig.isUp = true;
  await rig.ended(2);
  assert.deepEqual(rig.delivered, ['2']);
});

test('a lane whose rows grew too old during an outage does not take its successor along when the outage ends', async (t) => {
  const told: string[] = [];
  const log = { ...quiet, warn: (_: object, message: string) => void told.push(message) };
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const rig = openLanesRig(t, { age: 100, timing: { probeEvery: 60_000 }, log });
  rig.isUp = false;
  await rig.say('lane', '1');
  await until('the outage', () => told.length === 1);
  t.mock.timers.tick(101);
  await rig.ended(1);
  rig.script('2', () => delay(100));
  await rig.say('lane', '2', '3');
  rig.isUp = true;
  rig.lanes.resume('net');
  await until('the next try', () => rig.tries.includes('2'));
  await rig.say('lane', '4');
  await rig.ended(4);
  assert.deepEqual(rig.delivered, ['2', '3', '4']);
  assert.equal(rig.most, 1);
});

test('parked rows make no tries during an outage, and go on when it ends', async (t) => {
  const rig = openLanesRig(t, { timing: { probeEvery: 60_000, parkedFirst: 25, parkedMax: 60_000 } });
  rig.script('a1', 'later', 'later', 'later', 'later');
  await rig.say('room', 'a:a1');
  await until('the parking', () => rig.tries.length >= 3);
  rig.isUp = false;
  await rig.say('other', 'x');
  const before = rig.tries.length;
  await delay(200);
  assert.ok(rig.tries.length - before <= 2, `${rig.tries}`);
  rig.isUp = true;
  rig.lanes.resume('net');
  await rig.ended(2);
});

test('a lane with parked rows and others wakes both when the other side is back', async (t) => {
  const rig = openLanesRig(t, { timing: { probeEvery: 60_000, parkedFirst: 15 } });
  rig.script('a1', 'later', 'later', 'later');
  await rig.say('room', 'a:a1');
  await until('the parking', () => rig.tries.length >= 3 && rig.lanes.waiting() === 0);
  rig.isUp = false;
  await rig.say('room', 'b:b1');
  // Long enough for the parked one to join the wait.
  await delay(60);
  rig.isUp = true;
  rig.lanes.resume('net');
  await rig.ended(2);
});

test('of a long outage those are told whose rows wait, and of its end the same', async (t) => {
  const news: unknown[] = [];
  let toldAt = 0;
  const outage = (...told: unknown[]) => {
    toldAt ||= performance.now();
    news.push(told);
  };
  const rig = openLanesRig(t, { timing: { tellAfter: 60, probeEvery: 20 }, outage });
  rig.isUp = false;
  const began = performance.now();
  await rig.say('one', '1', '2');
  await until('the news', () => news.length === 1);
  assert.ok(toldAt - began >= 58, `told after ${toldAt - began} ms`);
  assert.deepEqual(news, [['net', false, ['one']]]);
  rig.isUp = true;
  await rig.ended(2);
  assert.deepEqual(news[1], ['net', true, ['one']]);
});

test('one session that lost its connection is no outage: nobody else waits for it', async (t) => {
  const rig = openLanesRig(t, { timing: { probeEvery: 60_000, parkTries: 1_000, parkAfter: 60_000 } });
  rig.fails('a1', () => rig.delivered.includes('b2'), away);
  await rig.say('one', 'a:a1', 'a:a2');
  await rig.say('two', 'b:b1', 'b:b2');
  await rig.ended(4);
  assert.deepEqual(rig.delivered, ['b1', 'b2', 'a1', 'a2']);
});

test('a wait that the other side named is not longer than the row may wait', async (t) => {
  const rig = openLanesRig(t, { age: 100 });
  // More than once, since it may be tried in the very last moment.
  rig.script('1', busy(60_000), busy(60_000), busy(60_000));
  await rig.say('lane', '1', '2');
  await rig.ended(2);
  assert.deepEqual(rig.buried[0], { name: '1', code: 'TOO_OLD' });
});
