// Lanes: who waits for whom, the window, parked rows that others point at, stopping and starting again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { BehindParked } from '../../../bridge-core/pipeline/lanes.ts';
import type { Row } from '../../../bridge-core/pipeline/row.ts';
import { until, within } from '../../support/waiting.ts';
import { openLanesRig } from './lanes-rig.ts';

test('settled resolves once the row is delivered, parked or given up, and at once where it is all that already', async (t) => {
  const rig = openLanesRig(t, { timing: { parkedFirst: 10_000 } });
  rig.script('parks', 'later', 'later', 'later');
  rig.script('dies', 'never');
  const [good] = await rig.say('one', 'good');
  const [parks] = await rig.say('two', 'parks');
  const [dies] = await rig.say('three', 'dies');
  assert.ok(good && parks && dies);
  await Promise.all([rig.lanes.settled(good), rig.lanes.settled(parks), rig.lanes.settled(dies)]);
  assert.deepEqual(rig.delivered, ['good']);
  assert.deepEqual(rig.buried, [{ name: 'dies', code: 'NETWORK_REFUSED' }]);
  const all = Promise.all([rig.lanes.settled(good), rig.lanes.settled(parks), rig.lanes.settled(dies)]);
  assert.ok(await Promise.race([all.then(() => true), delay(200, false)]), 'nothing will settle them once more');
});

test('what points at a parked row is parked behind it, and is delivered right after it', async (t) => {
  const rig = openLanesRig(t);
  rig.fails('orig', () => rig.delivered.includes('next'));
  const [orig] = await rig.say('alice', 'a:orig');
  assert.ok(orig);
  await until('the parking', () => rig.tries.length >= 3 && rig.lanes.waiting() === 0);
  rig.script('edit', () => {
    if (!rig.delivered.includes('orig')) throw new BehindParked(orig);
  });
  await rig.say('bob', 'b:edit', 'b:next');
  await rig.ended(3);
  assert.deepEqual(rig.delivered, ['next', 'orig', 'edit']);
});

test('a row that points at one parked behind itself goes behind it, without spinning', async (t) => {
  const rig = openLanesRig(t, { timing: { parkedFirst: 400 } });
  let second: Row | undefined;
  const points = () => {
    if (second !== undefined && !rig.delivered.includes('second')) throw new BehindParked(second);
  };
  rig.script('first', 'later', 'later', 'later', points, points);
  rig.script('second', 'later', 'later', 'later');
  [, second] = await rig.say('room', 'a:first', 'a:second', 'a:third');
  await rig.ended(3);
  assert.ok(rig.delivered.indexOf('first') > rig.delivered.indexOf('second'));
  assert.ok(rig.tries.length < 15, `${rig.tries.length} tries`);
});

test('a row that points at one no longer parked is simply tried again', async (t) => {
  const rig = openLanesRig(t);
  const [gone] = await rig.say('alice', 'gone');
  assert.ok(gone);
  await rig.ended(1);
  rig.script('edit', new BehindParked(gone));
  await rig.say('bob', 'b:edit');
  await rig.ended(2);
  assert.deepEqual(rig.delivered, ['gone', 'edit']);
});

test('beyond the window a lane keeps only numbers, and reads its rows back in order', async (t) => {
  const rig = openLanesRig(t);
  const names = Array.from({ length: 700 }, (_, n) => `n${n}`);
  let release = () => {};
  rig.script('n0', () => new Promise<void>((resolve) => (release = resolve)));
  const rows = await rig.say('lane', ...names);
  assert.equal(rig.lanes.waiting('lane'), 700);
  // A row read back is another object: what was changed on the one that we hold does not show.
  const last = rows.at(-1);
  assert.ok(last);
  last.error = 'ours';
  release();
  await rig.ended(700);
  assert.deepEqual(rig.delivered, names);
  assert.equal(rig.committed('SELECT count(*) FROM journal'), 0);
});

test('many rows behind a parked one neither fill the memory nor hold up the process', async (t) => {
  const rig = openLanesRig(t, { timing: { parkedFirst: 200 } });
  const names = Array.from({ length: 3_000 }, (_, n) => `n${n}`);
  rig.script('n0', 'later', 'later', 'later');
  await rig.say('lane', ...names);
  let turns = 0;
  let watch = setImmediate(function count() {
    turns += 1;
    if (rig.lanes.waiting() > 0) watch = setImmediate(count);
  });
  t.after(() => clearImmediate(watch));
  await until('the parking to begin', () => rig.lanes.waiting() < 3_000);
  await until('the parking', () => rig.lanes.waiting() === 0);
  assert.ok(turns > 3_000 / 64, `others had ${turns} turns meanwhile`);
  await rig.ended(3_000);
  assert.deepEqual(rig.delivered, names);
});

test('rows taken out of the journal meanwhile are passed over', async (t) => {
  const rig = openLanesRig(t);
  let release = () => {};
  rig.script('n0', () => new Promise<void>((resolve) => (release = resolve)));
  const rows = await rig.say('lane', ...Array.from({ length: 260 }, (_, n) => `n${n}`));
  const gone = rows.slice(205, 250);
  const settled = rig.lanes.settled(gone[0] as never);
  await rig.store.write(() => {
    for (const row of gone) rig.journal.remove(row);
  });
  release();
  await rig.ended(260 - gone.length);
  await settled;
});

test('stopping waits for what is in flight, and what waits stays in the journal', async (t) => {
  const rig = openLanesRig(t);
  let release = () => {};
  rig.script('1', () => new Promise<void>((resolve) => (release = resolve)));
  await rig.say('lane', '1', '2');
  let isStopped = false;
  const stopped = rig.lanes.stop().then(() => (isStopped = true));
  await delay(30);
  assert.equal(isStopped, false);
  release();
  await stopped;
  assert.deepEqual(rig.delivered, ['1']);
  assert.equal(rig.committed('SELECT source FROM journal'), '2');
});

test('a stop releases who waits for a lane to pass, who cannot tell then whether it did', async (t) => {
  const rig = openLanesRig(t, { timing: { firstDelay: 60_000, maxDelay: 60_000 } });
  rig.script('1', 'later');
  await rig.say('lane', '1', '2');
  const passed = assert.rejects(rig.lanes.passed('lane'), { code: 'NOT_RUNNING' });
  await until('the try', () => rig.tries.length === 1);
  assert.equal(await Promise.race([passed.then(() => true), delay(30, false)]), false);
  await rig.lanes.stop();
  await passed;
});

test('stopping waits for nobody who waits for a row that will not be tried any more', async (t) => {
  const rig = openLanesRig(t, { timing: { firstDelay: 60_000, maxDelay: 60_000 } });
  rig.script('orig', 'later');
  const [orig] = await rig.say('alice', 'a:orig');
  assert.ok(orig);
  rig.script('reply', () => rig.lanes.settled(orig));
  await rig.say('bob', 'b:reply');
  await until('both tries', () => rig.tries.length === 2);
  await within('the stop', rig.lanes.stop());
  assert.deepEqual(rig.delivered, [], 'the reply was not sent without its target');
  assert.equal(rig.committed('SELECT count(*) FROM journal'), 2);
});

test('nor for who begins to wait for one during the stop', async (t) => {
  const rig = openLanesRig(t, { timing: { firstDelay: 60_000, maxDelay: 60_000 } });
  rig.script('orig', 'later');
  const [orig] = await rig.say('alice', 'a:orig');
  assert.ok(orig);
  let goOn = () => {};
  rig.script('reply', async () => {
    await new Promise<void>((resolve) => (goOn = resolve));
    await rig.lanes.settled(orig);
  });
  await rig.say('bob', 'b:reply');
  await until('both tries', () => rig.tries.length === 2);
  const stopped = rig.lanes.stop();
  goOn();
  await within('the stop', stopped);
  assert.deepEqual(rig.delivered, []);
  await assert.rejects(rig.lanes.passed('alice'), { code: 'NOT_RUNNING' });
});

test('a stop in the middle of asking whether the other side lives leaves nothing behind', async (t) => {
  let answer: (isUp: boolean) => void = () => {};
  let probes = 0;
  const rig = openLanesRig(t, {
    probe: () => {
      probes += 1;
      return new Promise<boolean>((resolve) => (answer = resolve));
    },
    timing: { probeEvery: 20 },
  });
  rig.script('1', 'later', 'later', 'later');
  await rig.say('lane', '1');
  await until('the probe', () => probes === 1);
  const stopped = rig.lanes.stop();
  answer(false);
  await stopped;
  await delay(60);
  assert.equal(probes, 1);
});

test('after a restart all go on where they were: waiting ones in order, parked ones in the background, outcome unknown', async (t) => {
  const before = openLanesRig(t, { timing: { parkedFirst: 60_000 } });
  before.script('a1', 'later', 'later', 'later');
  await before.say('room', 'a:a1', 'a:a2', 'b:b1');
  await before.ended(1);
  let release = () => {};
  before.script('b2', () => new Promise<void>((resolve) => (release = resolve)));
  await before.say('room', 'b:b2', 'a:a3', 'b:b3');
  await until('b2 on its way', () => before.tries.includes('b2'));
  setTimeout(() => release(), 20);
  const after = await before.restart();
  assert.deepEqual(before.delivered, ['b1', 'b2']);
  const unknown: number[] = [];
  for (const { seq } of after.journal.pending()) unknown.push(after.journal.read(seq)?.unknownSince ?? 0);
  assert.ok(unknown.length === 4 && unknown.every((since) => since > 0));
  after.lanes.start();
  await after.ended(1);
  assert.deepEqual(after.delivered, ['b3'], 'a3 waits behind the parked ones of its speaker');
  assert.equal(after.lanes.waiting(), 0);
});

test('the lane goes on after the store could not be read', async (t) => {
  const rig = openLanesRig(t);
  let isBroken = false;
  const read = rig.journal.read.bind(rig.journal);
  rig.journal.read = (seq) => {
    if (isBroken) throw new Error('disk I/O error');
    return read(seq);
  };
  let release = () => {};
  rig.script('n0', () => new Promise<void>((resolve) => (release = resolve)));
  await rig.say('lane', ...Array.from({ length: 210 }, (_, n) => `n${n}`));
  isBroken = true;
  release();
  await rig.ended(200);
  await delay(50);
  isBroken = false;
  await rig.ended(210);
});
