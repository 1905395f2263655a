// Which change of a person's post is ours: known by its moment, over restarts; where it is not certain, it counts as ours.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Json, PermanentError, UnreachableError } from '#bridge-core';
import { OwnEdits } from '../../../bridges/slack/own-edits.ts';
import { keptIn } from '../../support/tools.ts';

const post = '1700000000.000100';
const moment = (seconds: number) => `${2_000_000_000 + seconds}.000000`;

function start(memory = new Map<string, Json>()) {
  return { memory, edits: new OwnEdits({ team: 'T1', memory: keptIn(memory) }) };
}

test('up to the moment that Slack gave our change it is ours, later it is theirs, after a restart too', async () => {
  const { edits, memory } = start();
  assert.equal(edits.isOurs('C1', post, moment(0)), false, 'never changed by us');
  await edits.during('C1', post, async () => moment(10));
  for (const known of [edits, start(memory).edits]) {
    assert.deepEqual(
      [9, 10, 11].map((at) => known.isOurs('C1', post, moment(at))),
      [true, true, false],
    );
    assert.equal(known.isOurs('C2', post, moment(10)), false, 'elsewhere');
  }
});

test('while it is under way, and where its outcome is not known, whatever stands there counts as ours; a refusal changes nothing', async () => {
  const { edits, memory } = start();
  await edits.during('C1', post, async () => {
    assert.equal(start(memory).edits.isOurs('C1', post, moment(99)), true);
    return moment(10);
  });
  await assert.rejects(
    edits.during('C1', post, async () => {
      throw new PermanentError('NETWORK_REFUSED', 'edit_window_closed');
    }),
  );
  assert.equal(edits.isOurs('C1', post, moment(11)), false);
  await assert.rejects(
    edits.during('C1', post, async () => {
      throw new UnreachableError('NETWORK_UNREACHABLE', 'away');
    }),
  );
  assert.equal(edits.isOurs('C1', post, moment(99)), true);
});

test('of changes before any were noted, and of those that were forgotten since, nothing is concluded', async () => {
  const { edits, memory } = start();
  assert.equal(edits.isOurs('C1', post, '1700000001.000000'), true);
  for (let at = 0; at < 120; at += 1) await edits.during('C1', `17000000${10 + at}.000100`, async () => moment(at));
  assert.equal(edits.isOurs('C1', post, moment(15)), true);
  assert.equal(edits.isOurs('C1', post, moment(21)), false);
  assert.equal((memory.get('edits T1/C1') as Json[]).length, 100);
  // The oldest that is kept may be one of which nobody knows what became of it.
  await assert.rejects(
    edits.during('C2', post, async () => {
      throw new UnreachableError('NETWORK_UNREACHABLE', 'away');
    }),
  );
  for (let at = 0; at < 99; at += 1) await edits.during('C2', `17000000${10 + at}.000100`, async () => moment(at + 50));
  assert.deepEqual(
    [49, 51].map((at) => edits.isOurs('C2', '1700000009.000100', moment(at))),
    [true, false],
  );
});
