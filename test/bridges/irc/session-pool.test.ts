import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Json, userId } from '#bridge-core';
import { Pacing } from '../../../bridges/irc/pacing.ts';
import type { IrcSession } from '../../../bridges/irc/session.ts';
import { SessionPool } from '../../../bridges/irc/session-pool.ts';
import { ircSettings } from '../../../bridges/irc/settings.ts';
import { usualTiming } from '../../../bridges/irc/timing.ts';
import type { Connection } from '../../../bridges/irc/wire/connection.ts';
import { isupportFrom } from '../../../bridges/irc/wire/isupport.ts';
import { keepTools, silentLog } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';

test('of people without a connection so many are remembered, and who has been silent the longest is forgotten', async () => {
  const records = Array.from({ length: 5_010 }, (_, number): [string, Json] => [
    `puppet/net/@p${number}:hs.test`,
    { nick: `p${number}`, spoke: 1_000_000 - number, channels: [] },
  ]);
  const memory = new Map(records);
  const settings = ircSettings.parse({ networks: { net: { host: 'irc.test', puppets: { max: 0 } } } }).networks.net;
  assert.ok(settings !== undefined);
  const pool = new SessionPool({
    ...{ network: 'net', settings, memory: keepTools({}, memory).tools.memory, log: silentLog, timing: { ...usualTiming, sweep: 5 } },
    open: () => assert.fail('nobody connects'),
    makeSession: () => assert.fail('nobody connects'),
    pacing: new Pacing({ burst: 1, every: 1 }),
    ...{ line: () => {}, up: () => {}, down: () => {}, isAway: () => false, isSeen: () => false },
    support: () => isupportFrom([]),
  });
  pool.start();
  assert.equal(pool.ownerOf('p5009'), '@p5009:hs.test');
  await until('the oldest to be forgotten', () => memory.size === 5_000);
  assert.ok(memory.has('puppet/net/@p0:hs.test') && !memory.has('puppet/net/@p5009:hs.test'));
  assert.equal(pool.of(userId('@p5009:hs.test')), undefined);
  assert.equal(pool.ownerOf('p5009'), undefined);
  assert.equal(pool.ownerOf('p4999'), '@p4999:hs.test');
  await pool.stop('done');
});

test('who waited long for a connection is not idle once it is there', async () => {
  const settings = ircSettings.parse({ networks: { net: { host: 'irc.test' } } }).networks.net;
  assert.ok(settings !== undefined);
  let openedAt = Number.POSITIVE_INFINITY;
  const pool = new SessionPool({
    ...{ network: 'net', settings, memory: keepTools().tools.memory, log: silentLog, timing: usualTiming },
    open: async () => {
      await delay(30);
      openedAt = Date.now();
      return { close: async () => {} } as Connection;
    },
    makeSession: () => ({}) as IrcSession,
    pacing: new Pacing({ burst: 1, every: 1 }),
    ...{ line: () => {}, up: () => {}, down: () => {}, isAway: () => false, isSeen: () => false },
    support: () => isupportFrom([]),
  });
  const ann = userId('@ann:hs.test');
  await pool.session(ann, 'Ann', false);
  assert.ok((pool.of(ann)?.spoke ?? 0) >= openedAt);
  await pool.stop('done');
});
