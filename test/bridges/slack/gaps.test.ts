// How far channels were heard, kept over restarts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gaps } from '../../../bridges/slack/gaps.ts';
import type { Team } from '../../../bridges/slack/team.ts';
import { silentLog } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';

test('a store that takes no note just now ends nothing; the next message is noted', async () => {
  const noted: unknown[] = [];
  let isFull = true;
  const set = async (_name: string, value: unknown) => {
    if (isFull) throw new Error('the disk is full');
    noted.push(value);
  };
  const warned: string[] = [];
  const log = { ...silentLog, warn: (_fields: object, words: string) => void warned.push(words) };
  const memory = { get: () => undefined, keys: () => [], set };
  const gaps = new Gaps({ memory, log, intake: {}, settings: {}, writeEvery: 5 } as never);
  const team = { id: 'T0001' } as Team;
  gaps.heard(team, 'C0001', '1700000000.000100');
  await until('the failure', () => warned.length > 0 || undefined);
  assert.deepEqual(warned, ['how far channels were heard could not be noted']);
  isFull = false;
  gaps.heard(team, 'C0001', '1700000001.000100');
  await until('the note', () => noted.length > 0 || undefined);
  assert.deepEqual(noted, ['1700000001.000100']);
});
