// How far channels were heard, kept over restarts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChannelId, PermanentError } from '#bridge-core';
import { Gaps } from '../../../bridges/slack/gaps.ts';
import type { Team } from '../../../bridges/slack/team.ts';
import { SlackRefusal } from '../../../bridges/slack/wire/faults.ts';
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
  // What would hide all that comes after is no moment.
  for (const ts of ['soon', '9999999999.999999', '17000000000.00010', '']) gaps.heard(team, 'C0001', ts);
  await until('the failure', () => warned.length > 0 || undefined);
  assert.deepEqual(warned, ['how far channels were heard could not be noted']);
  isFull = false;
  gaps.heard(team, 'C0001', '1700000001.000100');
  await until('the note', () => noted.length > 0 || undefined);
  assert.deepEqual(noted, ['1700000001.000100']);
});

test('a bot that is refused entry ends nothing, whether that gap is filled, waits for its turn or is none', async () => {
  const turn = Promise.withResolvers<void>();
  const before = (_id: string, work: () => Promise<void>) => turn.promise.then(work);
  const warned: string[] = [];
  const log = { ...silentLog, warn: (fields: { readonly why?: string }) => void warned.push(fields.why ?? '') };
  const memory = { get: () => '1700000000.000100', keys: () => ['heard T0001/C0001'], set: async () => {} };
  const readerOf = () => {
    throw new Error('it was read');
  };
  const gaps = new Gaps({ memory, log, intake: { before, readerOf }, settings: {} } as never);
  const team = { id: 'T0001' } as Team;
  const refused = () => Promise.reject(new Error('channel_not_found'));
  // What nobody catches fails the test: beside it, it would end the process.
  gaps.fill(team, 'T0001/C0001' as ChannelId, refused());
  gaps.fill(team, 'T0001/C0001' as ChannelId, refused());
  gaps.fill(team, 'T0001/C0002' as ChannelId, refused());
  await new Promise(setImmediate);
  turn.resolve();
  await until('the reading', () => warned.length > 0 || undefined);
  assert.deepEqual(warned, ['it was read']);
});

test('what waits for its turn, as nothing says that anything was missed, goes at once when that is certain; a refusal is told then', async () => {
  const given: string[] = [];
  const counted: string[] = [];
  const before = (_id: string, work: () => Promise<void>) => work();
  const intake = {
    before,
    readerOf: () => ({}),
    give: async (_team: unknown, _channel: string, { kind }: { kind: string }) => given.push(kind),
  };
  const memory = { get: (name: string) => (name.startsWith('heard') ? '1700000000.000100' : undefined), keys, set: async () => {} };
  function keys() {
    return ['C0001', 'C0002'].map((channel) => `heard T0001/${channel}`);
  }
  const settings = { callsPerMinute: 1, page: 10, most: 10 };
  const count = (name: string) => void counted.push(name);
  const gaps = new Gaps({ memory, log: silentLog, intake, settings, count, inbox: {} } as never);
  const refuse = async () => {
    throw new PermanentError('CHANNEL_CLOSED', 'no');
  };
  const team = { id: 'T0001', eyesOn: () => refuse } as unknown as Team;
  // The first has its turn at once, the next in minutes.
  await gaps.look(team, 'T0001/C0001' as ChannelId, { isSure: false }, () => true);
  assert.deepEqual(given, [], 'nothing says that anything was missed');
  const looking = gaps.look(team, 'T0001/C0002' as ChannelId, { isSure: false }, () => true);
  gaps.fill(team, 'T0001/C0002' as ChannelId, Promise.resolve(true));
  assert.equal(await looking, 0);
  assert.deepEqual([given, counted], [['gap'], ['gaps']]);
  await gaps.stop();
});

test('of a chat whose people have no login now nothing is told to be missing: it is read with the next', async () => {
  const given: string[] = [];
  const intake = {
    before: (_id: string, work: () => Promise<void>) => work(),
    readerOf: () => ({}),
    give: async (_team: unknown, channel: string, { kind }: { kind: string }) => given.push(`${kind} ${channel}`),
  };
  const channels = ['D0001', 'G0001', 'G0002', 'C0001'];
  const memory = {
    get: (name: string) => (name.startsWith('heard') ? '1700000000.000100' : undefined),
    ...{ keys: () => channels.map((channel) => `heard T0001/${channel}`), set: async () => {} },
  };
  const settings = { callsPerMinute: 1, page: 10, most: 10 };
  const gaps = new Gaps({ memory, log: silentLog, intake, settings, count: () => {}, inbox: {} } as never);
  const refusal = new SlackRefusal('CHANNEL_UNKNOWN', 'no', { word: 'channel_not_found' });
  const team = {
    ...{ id: 'T0001', identity: {}, eyesOn: () => () => Promise.reject(refusal) },
    conversations: { known: (channel: string) => ({ kind: channel.startsWith('G') ? 'group' : 'public' }) },
    chats: { has: (channel: string) => channel === 'G0002' },
  } as unknown as Team;
  for (const channel of channels) gaps.fill(team, `T0001/${channel}` as ChannelId, Promise.resolve(true));
  await until('the others', () => given.length === 2 || undefined);
  await gaps.stop();
  assert.deepEqual(given.toSorted(), ['gap C0001', 'gap G0002']);
});
