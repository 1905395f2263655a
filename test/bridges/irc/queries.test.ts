import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnreachableError } from '#bridge-core';
import { Queries } from '../../../bridges/irc/queries.ts';
import type { Connection, IrcLine, OutLane, OutLine } from '../../../bridges/irc/wire/connection.ts';

function begin(timeout = 5_000) {
  const sent: string[] = [];
  const lanes: (OutLane | undefined)[] = [];
  const send = async ({ command, params }: OutLine, lane?: OutLane) => {
    sent.push([command, ...params].join(' '));
    lanes.push(lane);
  };
  const queries = new Queries(timeout);
  const fences: (() => void)[] = [];
  const fence = () => new Promise<void>((resolve) => void fences.push(resolve));
  queries.connected({ send, fence } as unknown as Connection);
  const answer = (command: string, ...params: string[]) =>
    queries.heard({ tags: {}, nick: 'irc.test', user: '', host: '', command, params } satisfies IrcLine);
  return { queries, sent, lanes, answer, fences };
}

const same = (name: string) => (given: string) => given.toLowerCase() === name;
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('one question is asked at a time, and each has its own answer', async () => {
  const { queries, sent, answer } = begin();
  const first = queries.isOnline('zoe', same('zoe'));
  const second = queries.isOnline('yan', same('yan'));
  assert.deepEqual(sent, ['ISON zoe']);
  answer('303', 'bot', 'Zoe ');
  assert.equal(await first, 'Zoe');
  await turn();
  assert.deepEqual(sent, ['ISON zoe', 'ISON yan']);
  answer('303', 'bot', '');
  assert.equal(await second, undefined);
});

test('the answer for another name is no answer for this one', async () => {
  const { queries, answer } = begin();
  const asked = queries.isOnline('zoe', same('zoe'));
  answer('303', 'bot', 'zoe1 szoe');
  assert.equal(await asked, undefined);
});

test('questions go in turn with what people say, and no more wait than is sensible', async () => {
  const { queries, lanes, answer } = begin();
  const asked = Array.from({ length: 60 }, (_, number) => queries.isOnline(`n${number}`, same(`n${number}`)));
  const outcomes = Promise.allSettled(asked);
  for (let number = 0; number < 51; number += 1) {
    answer('303', 'bot', `n${number}`);
    await turn();
  }
  const settled = await outcomes;
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 51);
  for (const outcome of settled.slice(51)) assert.match(String(outcome.status === 'rejected' && outcome.reason.code), /NETWORK_BUSY/);
  assert.ok(lanes.every((lane) => lane === 'message'));
});

test('a server that asks to wait, does not answer or is lost is told apart from one that says no', async () => {
  const { queries, answer, fences } = begin(20);
  const busy = queries.isOnline('zoe', same('zoe'));
  answer('263', 'bot', 'ISON', 'wait a while');
  await assert.rejects(busy, { code: 'NETWORK_BUSY' });
  await assert.rejects(queries.isOnline('yan', same('yan')), { code: 'NETWORK_BUSY', message: /did not answer/ });
  fences.shift()?.();
  await turn();
  const cut = queries.list();
  queries.lost(new UnreachableError('NETWORK_UNREACHABLE', 'gone'));
  await assert.rejects(cut, { code: 'NETWORK_UNREACHABLE' });
});

test('the channels of a network are told with their topics, without the modes before them', async () => {
  const { queries, sent, answer } = begin();
  const listed = queries.list('*garden*');
  assert.deepEqual(sent, ['LIST *garden*']);
  answer('322', 'bot', '#garden', '3', '[+nt] All about soil');
  answer('323', 'bot', 'End');
  assert.deepEqual(await listed, [{ name: '#garden', topic: 'All about soil' }]);
});

test('an answer that comes too late is not taken for that of the next question', async () => {
  const { queries, sent, answer, fences } = begin(20);
  await assert.rejects(queries.isOnline('zoe', same('zoe')), { code: 'NETWORK_BUSY' });
  const next = queries.isOnline('yan', same('yan'));
  assert.deepEqual(sent, ['ISON zoe'], 'nothing is asked while the answer may come');
  answer('303', 'bot', 'zoe');
  await turn();
  answer('303', 'bot', 'yan');
  assert.equal(await next, 'yan');
  // What was answered by then is over.
  for (const over of fences) over();
  await turn();
  assert.deepEqual(sent, ['ISON zoe', 'ISON yan']);
});
