// What was said while the core could take nothing in: given again, in order, or told as a gap.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelId, PermanentError, type RemoteEvent, RetryableError, remoteUserId } from '#bridge-core';
import { Untaken } from '../../../bridges/irc/untaken.ts';
import { collectLog } from '../../bridge-core/rig.ts';
import { until } from '../../support/waiting.ts';

const channel = channelId('net/#a');
const zoe = { id: remoteUserId('net/zoe'), name: 'zoe', fields: {} };
const line = (body: string): RemoteEvent => ({ kind: 'message', at: 1_000, channel, sender: zoe, body, style: 'text' });

function begin(most = 10) {
  const taken: string[] = [];
  const log = collectLog();
  const counts: string[] = [];
  const core: { refuses: Error | undefined } = { refuses: undefined };
  const receive = async (event: RemoteEvent) => {
    if (core.refuses !== undefined) throw core.refuses;
    taken.push(event.kind === 'message' ? String(event.body) : event.kind);
  };
  const untaken = new Untaken({ inbox: { receive }, log, count: (name) => counts.push(name), every: 5, most });
  return { untaken, taken, log, counts, core };
}

const full = new RetryableError('STORE_BROKEN', 'the disk is full');

test('what cannot be taken in is given again in its order, and what comes meanwhile waits behind it', async () => {
  const { untaken, taken, log, core } = begin();
  untaken.tell(line('0'));
  core.refuses = full;
  for (const body of ['1', '2']) untaken.tell(line(body));
  await new Promise((resolve) => setTimeout(resolve, 20));
  untaken.tell(line('3'));
  core.refuses = undefined;
  untaken.tell(line('4'));
  await until('all', () => taken.length === 5);
  assert.deepEqual(taken, ['0', '1', '2', '3', '4']);
  untaken.tell(line('5'));
  await until('the next', () => taken.at(-1) === '5');
  assert.equal(log.lines.filter((said) => said.startsWith('events cannot be taken in')).length, 1);
  assert.equal(log.lines.filter((said) => said.startsWith('events are taken in again')).length, 1);
});

test('more than can be kept is told as a gap of its channel', async () => {
  const { untaken, taken, core } = begin(2);
  core.refuses = full;
  for (const body of ['1', '2', '3', '4']) untaken.tell(line(body));
  await new Promise((resolve) => setTimeout(resolve, 20));
  core.refuses = undefined;
  await until('the gap', () => taken.includes('gap'));
  assert.deepEqual(taken, ['1', '2', 'gap']);
});

test('what will never be taken in is told in the log and holds nothing up', async () => {
  const { untaken, taken, log, counts, core } = begin();
  core.refuses = new PermanentError('DEFECT', 'no such thing');
  untaken.tell(line('1'));
  await until('the refusal', () => counts.length === 1);
  core.refuses = undefined;
  untaken.tell(line('2'));
  await until('the next', () => taken.length === 1);
  assert.deepEqual(taken, ['2']);
  assert.match(log.lines[0] ?? '', /an event was not taken in.*no such thing/);
});
